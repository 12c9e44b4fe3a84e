"""What every driver is made of: quantities, instruments, streams of rows, stations."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from ophyd import Device, Signal
from ophyd.status import StatusBase

from devices.clock import Clock
from devices.errors import LabError, LimitError
from devices.wire import Wire

log = logging.getLogger(__name__)

DEFAULT_DEADLINE = 10.0
"""Seconds a setpoint or a stop may take before its status fails; wires have shorter deadlines of their own."""


def anybody() -> None:
    """Let anybody act: the guard of an instrument without a station."""


def anybody_may(deed: str) -> None:
    """Let anybody do it, whatever it is: the same where a guard tells deeds apart."""


class Quantity(Signal):
    """One documented quantity of an instrument.

    `get` and `set` name methods of the instrument that talk to the wire; a value outside [low, high] raises
    LimitError before anything is sent. Every get asks the instrument; where one may not be asked and tells its last
    reading instead, the time label is that reading's.
    """

    def __init__(
        self,
        *,
        get: str,
        set: str | None = None,
        unit: str,
        precision: int = 3,
        low: float | None = None,
        high: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._getter, self._setter = get, set
        self.unit, self.precision, self.low, self.high = unit, precision, low, high
        self._metadata["write_access"] = set is not None

    def get(self, **kwargs: Any) -> Any:
        """Ask the instrument."""
        self._readback = getattr(self.parent, self._getter)()
        self._metadata["timestamp"] = self.parent.clock.time() - getattr(self.parent, "reading_age", 0.0)
        return self._readback

    def check_value(self, value: Any) -> None:
        """Raise LimitError when `value` is outside [low, high]."""
        low, high = self.limits
        if not low <= value <= high:
            raise LimitError(self.name, value, self.unit, low, high)

    def put(self, value: Any, **kwargs: Any) -> None:
        """Check the value, then send it."""
        if self._setter is None:
            raise LabError(f"{self.name} can be read, not set")
        self.check_value(value)
        getattr(self.parent, self._setter)(value)

    def set(self, value: Any, **kwargs: Any) -> StatusBase:
        """Send the value; the returned status is finished when the instrument took it."""
        status = self.parent.clock.status(f"set {self.name}", DEFAULT_DEADLINE)
        self.put(value)
        status.set_finished()
        return status

    @property
    def can_be_set(self) -> bool:
        """Whether it is a setpoint."""
        return self._setter is not None

    @property
    def position(self) -> Any:
        """The value of what can be set, as bluesky's %wa and relative moves ask for it."""
        if not self.can_be_set:
            raise AttributeError(f"{self.name} can be read, not set")
        return self.get()

    @property
    def limits(self) -> tuple[float, float]:
        """The range a value may have, infinite where there is no end; low_limit and high_limit are its ends."""
        low, high = self.low, self.high
        return -math.inf if low is None else low, math.inf if high is None else high

    def describe(self) -> dict[str, Any]:
        """Describe the value with units, precision, limits."""
        column = Column(self.unit, precision=self.precision, low=self.low, high=self.high)
        return {self.name: column.data_key(self.name, f"{self.parent.kind_name}:{self.attr_name}")}


class Words(Quantity):
    """A quantity that is told in words."""

    def describe(self) -> dict[str, Any]:
        """Describe it as text of the station's own."""
        return {self.name: {"source": f"{self.parent.name}:{self.attr_name}", "dtype": "string", "shape": []}}


class Instrument(Device):
    """One instrument on one wire. Subclasses are data sheets: Control, Get, Measure, Set."""

    kind_name: ClassVar[str]
    transport: ClassVar[Literal["serial", "socket"]] = "serial"
    """What it is plugged into: on which kind of port its twin is served to other processes."""

    def __init__(self, wire: Wire, clock: Clock, *, name: str, **kwargs: Any) -> None:
        self.wire, self.clock = wire, clock
        super().__init__(name=name, **kwargs)

    def identify(self) -> str:
        """Return who answers; raises WireError or InstrumentError when it is not this kind of instrument."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to ask it who it is")

    def safe(self) -> None:
        """Bring it to its safe state from any state, in any order, twice."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is safe")


@dataclass(frozen=True)
class Column:
    """One key of a stream: its unit, type, digits and range, as event-model wants them.

    length: of an array of numbers; 0 for a single value. part: which of the station's instruments it comes from; the
    station itself if empty.
    """

    unit: str
    dtype: Literal["number", "integer", "string"] = "number"
    precision: int = 6
    low: float | None = None
    high: float | None = None
    part: str = ""
    length: int = 0

    def data_key(self, key: str, source: str) -> dict[str, Any]:
        """Return the event-model data key."""
        described: dict[str, Any] = {"source": source, "dtype": self.dtype, "shape": []}
        if self.length:
            described |= {"dtype": "array", "shape": [self.length], "dtype_numpy": "<f8"}
        if self.dtype != "string":
            described |= {"units": self.unit, "precision": 0 if self.dtype == "integer" else self.precision}
        if self.low is not None or self.high is not None:
            described["limits"] = {"control": {"low": self.low, "high": self.high}}
        return described


class Spool(Protocol):
    """The device's own file: rows go there first, so nothing depends on the engine being alive."""

    def append(self, stream: str, time: float, row: Mapping[str, Any]) -> None:
        """Write one row."""


class Publisher(Protocol):
    """Keeps what a station last said of itself where other processes read it, and never open a port for it."""

    def publish(self, report: Mapping[str, Any], *, lasting: bool = False) -> None:
        """Keep a report; one that differs from the last only in its `reading` may be left out when it comes soon.

        lasting: it must outlive a power cut.
        """


@dataclass(eq=False)
class RowStream:
    """Rows of one stream, buffered until the engine collects them as pages.

    An event-model EventPageCollectable: `name` is the object's, `stream` the document stream's. Rows have
    exactly the declared keys. sources: what stands as `source` in the data keys, by a column's part. `rows_in`
    counts what was ever appended.
    """

    name: str
    stream: str
    columns: Mapping[str, Column]
    sources: Mapping[str, str]
    spool: Spool | None = None
    parent: Any = None
    hints: dict[str, Any] = field(default_factory=dict)
    rows_in: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._times: list[float] = []
        self._rows: list[Mapping[str, Any]] = []

    def append(self, time: float, row: Mapping[str, Any]) -> None:
        """Take one row with its time label; KeyError when its keys are not the declared ones."""
        if row.keys() != self.columns.keys():
            raise KeyError(f"{self.name}: keys {sorted(row)} are not {sorted(self.columns)}")
        with self._lock:
            # The engine gets the row even when the device's own file does not take it.
            self._times.append(time)
            self._rows.append(row)
            self.rows_in += 1
            if self.spool is not None:
                self.spool.append(self.stream, time, row)

    @property
    def rows_out(self) -> int:
        """How many rows the engine has collected."""
        with self._lock:
            return self.rows_in - len(self._rows)

    def describe_collect(self) -> dict[str, Any]:
        """Return the flat data keys."""
        return {
            key: column.data_key(key, f"{self.sources[column.part]}:{key}")
            for key, column in self.columns.items()
        }

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Hand over what has come since the last call, as at most one page."""
        with self._lock:
            times, rows = self._times, self._rows
            self._times, self._rows = [], []
        if rows:
            yield {
                "time": times,
                "data": {key: [row[key] for row in rows] for key in self.columns},
                "timestamps": dict.fromkeys(self.columns, times),
            }


EVENT_COLUMNS: Mapping[str, Column] = {
    "t": Column("s"),
    "code": Column("1", "string"),
    "severity": Column("1", "string"),
    "text": Column("1", "string"),
}
"""The `events` stream of every run: alarms, interlocks, pauses (t is seconds since the kickoff)."""


LABELS = frozenset({"stations", "detectors"})
"""By which names bluesky's %wa and %ct find a station."""


class Station(Device):
    """Instruments that act together; what plans see, as a role.

    `instruments` by their part's name (also attributes), `streams` of rows by stream name. Reading a station
    reads all its instruments: that is what the baseline of a run holds. before_arming: called before anything is
    armed; what it raises keeps it from being armed (a session has all that was written put on the disk).
    """

    role: ClassVar[str]
    needs_lease: ClassVar[bool] = False
    """Whether it stops what it does when nobody renews its lease, while a plan is held too."""
    latches: ClassVar[bool] = False
    """Whether it has faults that stay until a person resets them, whoever comes next."""

    def __init__(
        self, *, name: str, clock: Clock, lane: str, instruments: Mapping[str, Instrument], **kwargs: Any
    ) -> None:
        self.clock, self.lane = clock, lane
        self.instruments = dict(instruments)
        self.streams: dict[str, RowStream] = {}
        self.before_arming: Callable[[], object] = lambda: None
        self._publisher: Publisher | None = None
        super().__init__(name=name, **{"labels": LABELS, **kwargs})
        for part, instrument in self.instruments.items():
            if hasattr(self, part):
                raise ValueError(
                    f"{type(self).__name__}: a part may not be called {part!r}, which a device already has"
                )
            setattr(self, part, instrument)

    def add_stream(self, stream: str, columns: Mapping[str, Column]) -> RowStream:
        """Declare a stream of rows."""
        makes = {part: instrument.kind_name for part, instrument in self.instruments.items()}
        rows = RowStream(f"{self.name}_{stream}", stream, columns, {"": self.name, **makes})
        self.streams[stream] = rows
        return rows

    def spool_to(self, spool: Spool) -> None:
        """Send every row to the device's own file first."""
        for rows in self.streams.values():
            rows.spool = spool

    def report(self) -> dict[str, Any]:
        """Return in JSON what others may want to know of it, from memory: no instrument is asked.

        `state` is a word; `latched` is why a person's command is needed, where one is; `reading` holds what was
        last measured, with its `age` [s]. What is acting at a time stands in it as well.
        """
        return {"state": "open"}

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Take what it reported last before this session; died: whoever reported it came to no orderly end."""

    def publish_to(self, publisher: Publisher) -> None:
        """Report to whoever keeps reports, from now on."""
        self._publisher = publisher

    def publish(self, *, lasting: bool = False) -> None:
        """Report now; lasting: what is reported must outlive a power cut."""
        if self._publisher is not None:
            self._publisher.publish(self.report(), lasting=lasting)

    def connect(self) -> tuple[dict[str, str], dict[str, str]]:
        """Ask every instrument who it is; return identities and failures by part."""
        identities, failures = {}, {}
        for part, instrument in self.instruments.items():
            try:
                identities[part] = self.clock.call(instrument.identify)
            except LabError as error:
                failures[part] = f"{type(error).__name__}: {error}"
        return identities, failures

    def read(self) -> dict[str, Any]:
        """Read every quantity of every instrument, settings too; NaN for those of one that does not answer.

        A baseline must not end a run: what is wrong with the instrument, the run itself will have said.
        """
        readings: dict[str, Any] = {}
        for instrument in self.instruments.values():
            try:
                readings |= instrument.read() | instrument.read_configuration()
            except LabError as error:
                log.warning("%s was not read: %s", instrument.name, error)
                described = instrument.describe() | instrument.describe_configuration()
                now = self.clock.time()
                readings |= {key: {"value": math.nan, "timestamp": now} for key in described}
        return readings

    def describe(self) -> dict[str, Any]:
        """Describe every quantity of every instrument, settings too."""
        return {
            key: value
            for each in self.instruments.values()
            for key, value in (each.describe() | each.describe_configuration()).items()
        }

    def safe(self) -> None:
        """Bring the station to its safe state from any state, in any order, twice."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is safe")

    def close(self) -> None:
        """Do what the table of endings says for close(); never the same as safe() by accident."""
        raise NotImplementedError(f"{type(self).__name__} does not say what close() does")
