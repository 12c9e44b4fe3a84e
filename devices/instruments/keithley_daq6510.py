"""Keithley DAQ6510 with a multiplexer card: thermocouples by scan, and a digitised trace of one voltage per trigger.

Control: scan of the thermocouples; digitiser armed, waiting for its trigger; abort.
Get:     identity, command language, terminals, error queue, rows in a buffer.
Measure: temperatures of named channels [K]; a trace (times [s], volts), one per trigger.
Set:     thermocouple type and reference junction of all channels; range, trigger and rate of the digitiser (1 kS/s to
         1 MS/s, at most MOST_SAMPLES in a trace).

One instrument does both, one after the other: a scan puts an armed digitiser aside and arms it again; a trigger that
comes meanwhile leaves no trace. A trace that is whole stays in its own buffer until it is taken. All channels must
lie on the card, so the TERMINALS switch stands on REAR. Open-lead detection is on: an open thermocouple reads
overflow, which is an error that names the channel, never a number.

A lost host: it measures and waits, and moves nothing. Safe is: aborted, all relays of the card open.

Every group of settings is one line that ends with SYST:ERR?, so its reply acknowledges all of it. On the LAN bytes are
kept whole by TCP; a serial line is not offered. Use socket://host:5025 rather than VISA: a trace of 2000 samples are
60 kB, which VisaPort reads byte by byte.

Sources: the vendor's examples (github tektronix/keithley, DAQ6510, scan of thermocouples); users' programs for DAQ6510
and DMM6500 for the digitiser's verbs (DIG:FUNC, DIG:VOLT:SRAT, TRIG:BLOC:MDIG, TRIG:EXT:IN, DIG:VOLT:ATR); the sibling
2450's manual for buffers and the error queue. Not yet seen on hardware: everything; above all that a scan is kept with
SCAN:CRE while another trigger model runs, that the digitiser takes a channel of the card that is closed, and that
`TEMP:UNIT KELV` holds for channels.
"""

from __future__ import annotations

import itertools
import math
import re
import threading
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.base import Column, Instrument
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError, Timeout
from devices.quantities import STRICT, Unit
from devices.roles.lamp_parts import Trace
from devices.wire import Sync, Terminated, Wire

LINE = Terminated(b"\n")
MAKER = b"KEITHLEY INSTRUMENTS"
MODEL = "DAQ6510"

SCAN, TRACE = "labctl_scan", "labctl_trace"
"""The buffers; *RST deletes them."""

SLOWEST, FASTEST = 1e3, 1e6
"""Samples per second of the digitiser [DMM6500 data sheet]."""

MOST_SAMPLES = 100_000
"""Of one trace; 100 ms at full speed, a hundredth of the memory."""

ROWS_PER_REQUEST = 500
"""Rows fetched at once: 15 kB, far within a wire's deadline on a LAN."""

CHANNEL_TIME = 0.5
"""Seconds a channel may take at most: 1 PLC with autozero and reference junction needs 0.1 s (guess)."""

LOOK_AGAIN = 0.05
"""Seconds between questions whether a scan is over."""

INVALID = 9.0e37
"""What is not smaller is no reading: overflow is 9.9E37."""

JUNCTION_LOW, JUNCTION_HIGH = 273.15, 323.15
"""K of a simulated reference junction [DMM6500 reference manual]."""

_ERROR = re.compile(r'([+-]?\d+),\s*"([^";]*)[^"]*"')
_NUMBER = re.compile(rb"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")

ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
ChannelNumber = Annotated[int, Field(ge=101, le=240)]


def numbers(reply: bytes) -> list[float]:
    """Return the numbers of a comma-separated reply. Raises Garbled."""
    parts = [part.strip() for part in reply.split(b",")]
    if not all(_NUMBER.fullmatch(part) for part in parts):
        raise Garbled(f"{reply[:80]!r} is not a list of numbers; it was thrown away")
    return [float(part) for part in parts]


class KeithleyDAQ6510(Instrument):
    """Thermocouples and the trace of a photodiode."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """What is wired to which channel of the cards (slot 1: 101 and up, slot 2: 201 and up).

        channels: thermocouples by name. junction: of the card itself, or simulated at junction_temperature [K].
        trace_channel: where the photodiode is, 0 for none; trace_range [V]. trigger: the rear EXT TRIG IN, or the
        voltage itself rising through trigger_level [V].
        """

        channels: Annotated[dict[ChannelName, ChannelNumber], Field(max_length=40)] = field(
            default_factory=dict
        )
        thermocouple: Literal["B", "E", "J", "K", "N", "R", "S", "T"] = "K"
        junction: Literal["internal", "simulated"] = "internal"
        junction_temperature: Annotated[float, Field(ge=JUNCTION_LOW, le=JUNCTION_HIGH), Unit("K")] = 296.15
        trace_channel: Annotated[int, Field(ge=0, le=240)] = 0
        trace_range: Annotated[float, Field(ge=0.1, le=300.0), Unit("V")] = 10.0
        trigger: Literal["external", "level"] = "external"
        trigger_level: Annotated[float, Field(ge=-300.0, le=300.0), Unit("V")] = 0.5

        @model_validator(mode="after")
        def _each_channel_has_one_use(self) -> Self:
            wired = [*self.channels.values(), *([self.trace_channel] if self.trace_channel else [])]
            twice = sorted({each for each in wired if wired.count(each) > 1})
            if twice:
                raise ValueError(f"channel {', '.join(map(str, twice))} is named twice")
            return self

    kind_name = "Keithley DAQ6510"
    transport = "socket"
    sync: ClassVar[Sync | None] = Sync(b"*IDN?\n", LINE, lambda reply: reply.startswith(MAKER))

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        channels: Mapping[str, int] | None = None,
        thermocouple: str = "K",
        junction: str = "internal",
        junction_temperature: float = 296.15,
        trace_channel: int = 0,
        trace_range: float = 10.0,
        trigger: str = "external",
        trigger_level: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.channels = dict(channels or {})
        self._thermocouple, self._junction = thermocouple, junction
        self._junction_temperature = junction_temperature
        self._trace_channel, self._trace_range = trace_channel, trace_range
        self._trigger, self._trigger_level = trigger, trigger_level
        self._samples: int | None = None
        self._lock = threading.RLock()

    # Who it is, and what a baseline has of it.

    def identify(self) -> str:
        """Return the instrument's own words; raises InstrumentError for another model, language or terminals."""
        identity = self.wire.ask(b"*IDN?\n", LINE, _identity, repeat=True)
        if MODEL not in identity.upper():
            raise InstrumentError(self.name, "model", f"{identity} is not a {MODEL}; correct the bench file")
        language = self._ask("*LANG?")
        if language.upper() != "SCPI":
            raise InstrumentError(
                self.name,
                "language",
                f"the command set is {language}; set it to SCPI (send *LANG SCPI and switch it off and on)",
            )
        if not self._ask(":ROUT:TERM?").upper().startswith("REAR"):
            raise InstrumentError(
                self.name, "front", "the front terminals are selected; press TERMINALS, the card is behind"
            )
        return identity

    def read(self) -> dict[str, Any]:
        """Return every channel's temperature, as ophyd reads a device."""
        found = self.read_temperatures() if self.channels else {}
        now = self.clock.time()
        return {f"{self.name}_{each}": {"value": found[each], "timestamp": now} for each in found}

    def describe(self) -> dict[str, Any]:
        """Describe every channel's temperature."""
        column = Column("K", precision=2)
        return {
            f"{self.name}_{each}": column.data_key(f"{self.name}_{each}", f"{self.kind_name}:{number}")
            for each, number in self.channels.items()
        }

    # Both roles.

    def prepare(self, duration: float | None = None, samples: int | None = None) -> None:
        """Set thermocouples; with duration [s] and samples, the digitiser too, which then waits for its trigger.

        Without them, no trace is recorded. The rate is a whole number of samples per second, so a trace may last a
        little longer than asked; its times say how long. Raises LimitError (nothing sent), InstrumentError.
        """
        rate = None
        if duration is not None or samples is not None:
            rate = self._rate(duration, samples)
        self.clock.call(lambda: self._prepare(rate, samples or 0))

    def safe(self) -> None:
        """Abort what is under way and open all relays; may be sent twice. No trace is recorded any more."""
        self._samples = None
        self._settle(":ABOR", ":ROUT:OPEN:ALL")

    def _prepare(self, rate: int | None, samples: int) -> None:
        with self._lock:
            self._samples = None
            self._settle("*RST", "*CLS")
            if self.channels:
                self._settle(*self._thermometer_settings())
            if rate is not None:
                self._settle(*self._digitiser_settings(rate, samples))
                self._samples = samples
                self._arm()

    # Thermometers.

    def read_temperatures(self) -> Mapping[str, float]:
        """Return the temperatures [K] by name, all of one scan that began with this call.

        Raises InstrumentError that names the channels that are open or out of range, Timeout.
        """
        if not self.channels:
            raise InstrumentError(self.name, "channels", "no thermocouple is named in the bench file")
        found = self.clock.call(self._scanned)
        lost = [name for name, value in zip(self.channels, found, strict=True) if not 0 < value < INVALID]
        if lost:
            said = ", ".join(f"{name} ({self.channels[name]})" for name in lost)
            raise InstrumentError(
                self.name, "open", f"no thermocouple, or an open one, on {said}; look at its leads"
            )
        return dict(zip(self.channels, found, strict=True))

    def _scanned(self) -> list[float]:
        """Return one reading of each channel; an armed digitiser is put aside and armed again."""
        with self._lock:
            armed = self._samples is not None and self._rows(TRACE) < self._samples
            numbers_of = list(self.channels.values())
            self._settle(
                ":ABOR",
                f":ROUT:SCAN:CRE {_list(numbers_of)}",
                f':ROUT:SCAN:BUFF "{SCAN}"',
                ":ROUT:SCAN:COUN:SCAN 1",
                f':TRAC:CLE "{SCAN}"',
                ":INIT",
            )
            self._await_scan(len(numbers_of))
            found = self._numbers(f':TRAC:DATA? 1, {len(numbers_of)}, "{SCAN}", READ', len(numbers_of))
            if armed:
                self._arm()
        return found

    def _await_scan(self, count: int) -> None:
        until = self.clock.now() + CHANNEL_TIME * count + self.wire.deadline
        while self._rows(SCAN) < count:
            if self.clock.now() > until:
                raise Timeout(f"{self.name}: the scan of {count} channels did not end in time")
            self.clock.sleep(LOOK_AGAIN, self.wire.lane)

    # Trace.

    def take(self) -> Trace | None:
        """Return the trace recorded since the last call and wait for the next trigger, or None.

        Times [s] are from the first sample, as the instrument counted them. Raises InstrumentError when the voltage
        left the range, or the digitiser was not prepared.
        """
        trace = self.clock.call(self._taken)
        if trace is not None and not all(abs(each) < INVALID for each in trace[1]):
            raise InstrumentError(
                self.name, "overflow", f"the trace left its range of {self._trace_range:g} V; none was taken"
            )
        return trace

    def _taken(self) -> Trace | None:
        with self._lock:
            if self._samples is None:
                raise InstrumentError(self.name, "trace", "prepare(duration, samples) comes first")
            if self._rows(TRACE) < self._samples:
                return None
            trace = self._fetched(self._samples)
            self._arm()
        return trace

    def _fetched(self, count: int) -> Trace:
        times: list[float] = []
        volts: list[float] = []
        for first in range(1, count + 1, ROWS_PER_REQUEST):
            last = min(first + ROWS_PER_REQUEST - 1, count)
            values = self._numbers(
                f':TRAC:DATA? {first}, {last}, "{TRACE}", REL, READ', 2 * (last - first + 1)
            )
            times += values[0::2]
            volts += values[1::2]
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise Garbled(f"{self.name}: the times of the trace do not rise; it was thrown away")
        return tuple(times), tuple(volts)

    def _rate(self, duration: float | None, samples: int | None) -> int:
        if not self._trace_channel:
            raise InstrumentError(self.name, "trace", "the bench file names no trace_channel")
        if duration is None or samples is None:
            raise ValueError("a trace has a duration and a number of samples")
        if not 2 <= samples <= MOST_SAMPLES:
            raise LimitError(f"{self.name} samples", samples, "1", 2, MOST_SAMPLES)
        low, high = samples / FASTEST, samples / SLOWEST
        if not low * (1 - 1e-9) <= duration <= high:
            raise LimitError(f"{self.name} duration of {samples} samples", duration, "s", low, high)
        return math.floor(samples / duration * (1 + 1e-9))

    def _thermometer_settings(self) -> tuple[str, ...]:
        channels = _list(list(self.channels.values()))
        junction = (
            (f":TEMP:TC:RJUN:RSEL INT, {channels}",)
            if self._junction == "internal"
            else (
                f":TEMP:TC:RJUN:RSEL SIM, {channels}",
                f":TEMP:TC:RJUN:SIM {self._junction_temperature:g}, {channels}",
            )
        )
        return (
            f':FUNC "TEMP", {channels}',
            f":TEMP:TRAN TC, {channels}",
            f":TEMP:TC:TYPE {self._thermocouple}, {channels}",
            f":TEMP:UNIT KELV, {channels}",
            *junction,
            f":TEMP:ODET ON, {channels}",
            f":TEMP:NPLC 1, {channels}",
            f':TRAC:MAKE "{SCAN}", {max(10, len(self.channels))}',
        )

    def _digitiser_settings(self, rate: int, samples: int) -> tuple[str, ...]:
        channel = _list([self._trace_channel])
        level: tuple[str, ...] = (":TRIG:EXT:IN:EDGE RIS",)
        if self._trigger == "level":
            level = (
                f":DIG:VOLT:ATR:MODE EDGE, {channel}",
                f":DIG:VOLT:ATR:EDGE:SLOP RIS, {channel}",
                f":DIG:VOLT:ATR:EDGE:LEV {self._trigger_level:g}, {channel}",
            )
        return (
            f':DIG:FUNC "VOLT", {channel}',
            f":DIG:VOLT:RANG {self._trace_range:g}, {channel}",
            f":DIG:VOLT:SRAT {rate}, {channel}",
            f":DIG:VOLT:APER AUTO, {channel}",
            *level,
            f':TRAC:MAKE "{TRACE}", {max(10, samples)}',
        )

    def _arm(self) -> None:
        event = "ATR" if self._trigger == "level" else "EXT"
        self._settle(
            ":ABOR",
            ":ROUT:OPEN:ALL",
            f":ROUT:CLOS {_list([self._trace_channel])}",
            ':TRIG:LOAD "Empty"',
            f':TRIG:BLOC:BUFF:CLE 1, "{TRACE}"',
            f":TRIG:BLOC:WAIT 2, {event}",
            f':TRIG:BLOC:MDIG 3, "{TRACE}", {self._samples}',
            ":TRIG:EXT:IN:CLE",
            ":INIT",
        )

    # Lines.

    def _rows(self, buffer: str) -> int:
        return int(self._numbers(f':TRAC:ACT? "{buffer}"', 1)[0])

    def _settle(self, *commands: str) -> None:
        """Send commands as one line and read what the instrument says of them. Raises InstrumentError.

        The line may be sent twice: one that starts something aborts it first.
        """
        line = ";".join((*commands, ":SYST:ERR?"))
        code, said = self.wire.ask(line.encode() + b"\n", LINE, _error, repeat=True)
        if not code:
            return
        self.wire.tell(b"*CLS\n")
        raise InstrumentError(self.name, str(code), f"{said} (to {'; '.join(commands)})")

    def _ask(self, query: str) -> str:
        return self.wire.ask(query.encode() + b"\n", LINE, _printable, repeat=True)

    def _numbers(self, query: str, count: int) -> list[float]:
        def parse(reply: bytes) -> list[float]:
            values = numbers(reply)
            if len(values) != count:
                raise Garbled(f"{len(values)} numbers where {count} were asked for; they were thrown away")
            return values

        return self.wire.ask(query.encode() + b"\n", LINE, parse, repeat=True)


def _list(channels: list[int]) -> str:
    """Return a channel list as it is sent."""
    return f"(@{','.join(map(str, channels))})"


def _identity(reply: bytes) -> str:
    if not reply.startswith(MAKER) or not reply.isascii():
        raise Garbled(f"{reply[:80]!r} is not a Keithley; look at what is on this address")
    return reply.decode().strip()


def _printable(reply: bytes) -> str:
    if not reply.isascii() or not reply.strip():
        raise Garbled(f"{reply[:80]!r} is no reply of a {MODEL}")
    return reply.decode().strip()


def _error(reply: bytes) -> tuple[int, str]:
    found = _ERROR.search(_printable(reply))
    if found is None:
        raise Garbled(f"{reply[:80]!r} is no entry of an error queue")
    return int(found[1]), found[2]
