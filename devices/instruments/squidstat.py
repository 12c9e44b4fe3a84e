"""Admiral Squidstat, one channel of it, as the client of its bridge (devices.bridges.squidstat).

Control: limits, upload and start of an experiment; stop, which opens the cell.
Get:     identity, busy, number of channels, records (element begins and ends, row, spectrum point, stopped, alarms).
Measure: voltage, current, temperature, impedance, as rows of a running experiment; the idle channel's voltage.
Set:     every technique of devices.cycling.techniques, within +-10 V and 1 A; ends by voltage, current, charge,
         duration, dV/dt at rest and dI/dt at a constant voltage, as devices.bridges.squidstat_elements has them.

An uploaded experiment runs on the instrument whatever becomes of the host; under on_host_loss = open the bridge opens
the cell when its host is gone (devices.cycling.presence). Every request carries an id that its reply repeats, so a late
reply is never taken for another; start and upload carry a token, so neither acts twice. The cell's voltage and current
limits are the channel's own. Its charge limit ends the element, and the bridge then stops the experiment; without the
bridge the next element begins, under the same limit. The bridge stops a driven element whose readings fail, too.

A hold, a voltage ramp, a power and a load are sampled more often than their rows come; the bridge tells the rows that
were asked for, and the charge and energy between them by trapezoids between all samples.

Source: headers of AdmiralSquidstatAPI v1.10.3.0. With a voltage change as recording condition the interval is
overridden, as the header of AisConstantCurrentElement says; no other element takes rows by a change. No element ends
by energy. Not yet seen on hardware: everything; above all that positive current and power charge, that current ends of
power and resistance elements are without sign, that imagImpedance is negative when capacitive, that timestamps count
from the start of the experiment, that an end by dI/dt does not hang on the interval of samples, that recovered
elements begin with experimentNewElementStarting, how long idle sampling lasts, whether an element shorter than its
interval gives a row, and the texts of experimentStopped: where one names a limit it is believed, where one says that
the experiment completed it is believed of a last step whose rows do not tell, and nothing else depends on them.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from devices.base import Instrument, Quantity
from devices.bridges.lines import ReplyTo, pack, unpack
from devices.bridges.squidstat_steps import (
    CURRENT_RANGES,
    VOLTAGE_RANGE,
    element_of,
    range_of,
    refuse_step,
    remarks_on,
)
from devices.clock import Clock
from devices.cycling.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Job,
    Mark,
    Page,
    Record,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.cycling.ends import EndReason
from devices.cycling.presence import HOST_LAPSE
from devices.cycling.programs import CellLimits, Loop, Program, Step, loops
from devices.cycling.verdict import READING_FAILED
from devices.errors import (
    Garbled,
    InstrumentError,
    LimitError,
    OutcomeUnknown,
    OwnershipError,
    ProgramError,
    Timeout,
    WireError,
)
from devices.quantities import STRICT
from devices.wire import Sync, Terminated, Wire

log = logging.getLogger(__name__)

MOST_REPEATS = 65535
"""The library clamps larger numbers of repeats [AisExperiment.h], so they are refused here."""

TRIES = 3
"""How often the bridge is asked whether a start whose reply was lost had come through."""

IDLE_PERIOD = 1.0
"""Seconds between questions whether an idle sample has come."""

IDLE_TRIES = 5
"""How often it is asked."""

NAMED = {
    EndReason.SAFETY_CURRENT: ("current", "limit"),
    EndReason.SAFETY_VOLTAGE_MAX: ("maximum", "voltage", "limit"),
    EndReason.SAFETY_VOLTAGE_MIN: ("minimum", "voltage", "limit"),
}
"""What the words of a stop by one of the channel's limits have in them; guesses, beside which the rows are asked."""

COMPLETED = "experiment completed"
"""The words of an experiment that ran to its end, in small letters; guess, the vendor documents none."""

SYNC_ID = 0
"""The id of the sync query; questions count from 1."""


def _is_sync(line: bytes) -> bool:
    try:
        return unpack(line).get("id") == SYNC_ID
    except Garbled:
        return False


class UnpluggedError(WireError):
    """The bridge answers, but its library has lost the instrument."""


@dataclass(frozen=True)
class ChannelState:
    """What the bridge says of the channel: tokens of the last upload and start, first record of that start.

    `boot` names the bridge's life: record numbers hold within one.
    """

    boot: str
    busy: bool
    uploaded: str | None
    started: str | None
    first: int
    next: int


class Squidstat(Instrument):
    """One channel of a Squidstat; `channel` counts from 0."""

    @pydantic_dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Which channel of the instrument, from 0."""

        channel: Annotated[int, Field(ge=0, le=254)] = 0

    kind_name = "Admiral Squidstat"
    without_host = (
        "instrument goes on to the end of what was uploaded, its rows wait in the bridge; under on_host_loss ="
        f" open the bridge opens the cell after {HOST_LAPSE:g} s"
    )
    haste = math.inf
    # The leading newline ends a request that was torn on its way.
    sync: ClassVar[Sync | None] = Sync(
        b"\n" + pack({"id": SYNC_ID, "do": "identify"}), Terminated(b"\n"), _is_sync
    )

    busy = Component(Quantity, get="read_busy", unit="1", precision=0, kind="normal")
    channels = Component(Quantity, get="read_channels", unit="1", precision=0, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        channel: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.channel = channel
        self._ids = itertools.count(SYNC_ID + 1)
        self._boot: str | None = None

    def identify(self) -> str:
        """Return the instrument's name and number of channels; InstrumentError when it lacks this one."""
        answer = self._ask("identify", repeat=True)
        if not 0 <= self.channel < answer["channels"]:
            raise InstrumentError(
                self.name,
                "channel",
                f"{answer['device']} has {answer['channels']} channels, not {self.channel}",
            )
        return f"Squidstat {answer['device']}, {answer['channels']} channels, bridge {answer['boot']}"

    def read_busy(self) -> int:
        """Return 1 while an experiment runs on the channel."""
        return int(self.state().busy)

    def read_channels(self) -> int:
        """Return how many channels the instrument has."""
        return int(self._ask("identify", repeat=True)["channels"])

    def check(self, program: Program) -> None:
        """Refuse what the channel cannot do. Raises LimitError, ProgramError."""
        limits, largest = program.limits, CURRENT_RANGES[-1]
        for name, volts in (("voltage_min", limits.voltage_min), ("voltage_max", limits.voltage_max)):
            if abs(volts) > VOLTAGE_RANGE:
                raise LimitError(f"{self.name} limits.{name}", volts, "V", -VOLTAGE_RANGE, VOLTAGE_RANGE)
        if limits.current_max > largest:
            raise LimitError(f"{self.name} limits.current_max", limits.current_max, "A", 0.0, largest)
        for index, step in enumerate(program.leaves()):
            refuse_step(f"{self.name} step {index}", step, limits)
        for loop in loops(program.steps):
            if loop.times > MOST_REPEATS:
                raise ProgramError(
                    f"{program.name}: a loop of {loop.times} passes; this instrument repeats at most"
                    f" {MOST_REPEATS} times, nest two loops. Nothing was sent"
                )

    def remarks(self, program: Program) -> tuple[str, ...]:
        """Return what this instrument does otherwise than the program says."""
        said = [remark for step in program.leaves() for remark in remarks_on(step, program.limits)]
        if program.on_host_loss == "open":
            said.append(
                f"the bridge opens the cell when nobody asked for its rows for {HOST_LAPSE:g} s: poll more often"
            )
        return tuple(dict.fromkeys(said))

    def range_of(self, step: Step) -> int:
        """Return the place of the step's current range in CURRENT_RANGES; -1 at rest and where it is chosen there."""
        return range_of(step)

    def read_cell(self) -> float:
        """Return the idle channel's voltage [V]; NaN when no sample comes. Raises InstrumentError when it is busy."""
        before = self._ask("idle", repeat=True, channel=self.channel, start=True)
        for _ in range(IDLE_TRIES):
            self.clock.sleep(IDLE_PERIOD, self.wire.lane)
            answer = self._ask("idle", repeat=True, channel=self.channel, start=False)
            if answer["sample"] > before["sample"]:
                return math.nan if answer["voltage"] is None else float(answer["voltage"])
        return math.nan

    def upload(self, job: Job) -> None:
        """Set the channel's own limits to the cell's, upload the program; nothing flows yet."""
        self._ask("limits", repeat=True, channel=self.channel, **_limits(job.limits))
        experiment = self._nodes(job.nodes, job)
        self._ask(
            "upload",
            repeat=True,
            channel=self.channel,
            token=job.token,
            experiment=experiment,
            on_host_loss=job.on_host_loss,
        )

    def start(self, token: str) -> int:
        """Start what was uploaded, once; return the number of its first record, the same token the same number.

        When the reply is lost, the bridge is asked what happened. Raises Timeout when the request did not
        arrive (nothing runs), OutcomeUnknown when nobody answers; either may be tried again.
        """
        try:
            answer = self._ask("start", channel=self.channel, token=token)
            first, self._boot = int(answer["first"]), str(answer["boot"])
            return first
        except UnpluggedError as unplugged:
            raise Timeout(f"{unplugged}; the start did not reach it, the cell is open") from unplugged
        except WireError as lost:
            state = self._state_after(lost, token)
        if state.started == token:
            self._boot = state.boot
            return state.first
        raise Timeout(
            f"{self.name}: the start did not reach the instrument; nothing runs and the cell is open, start again"
        )

    def state(self) -> ChannelState:
        """Return what the channel is doing."""
        answer = self._ask("state", repeat=True, channel=self.channel)
        return ChannelState(
            str(answer["boot"]),
            bool(answer["busy"]),
            answer["uploaded"],
            answer["started"],
            int(answer["first"]),
            int(answer["next"]),
        )

    def keeps(self, token: str, trace: Mapping[str, Any]) -> bool:
        """Return whether the bridge still has the records of a job: it was the last to be started."""
        return self._has(self.state(), token, trace)

    @staticmethod
    def _has(state: ChannelState, token: str, trace: Mapping[str, Any]) -> bool:
        """Tell whether a bridge keeps a job; one whose start was not yet answered is known by its token alone."""
        return state.started == token and trace.get("boot", state.boot) == state.boot

    def trace(self) -> Mapping[str, Any]:
        """Return which life of the bridge the records are of."""
        return {"boot": self._boot}

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with the records behind the mark, which the bridge has kept."""
        state = self.state()
        if not mark.over and not self._has(state, job.token, mark.trace):
            raise InstrumentError(
                self.name,
                "gone",
                f"the bridge {state.boot} has started {state.started or 'nothing'} last and not {job.token}: its"
                " records are gone; make the channel safe if it is busy",
            )
        self._boot = state.boot
        return max(mark.next, state.first)

    def stop(self) -> bool:
        """Stop the experiment and open the cell; return whether one was running. Harmless twice."""
        return bool(self._ask("stop", repeat=True, channel=self.channel)["busy"])

    def leave(self) -> None:
        """Change nothing: bridge and instrument run what was uploaded by themselves."""

    def safe(self) -> None:
        """Open the cell, whoever else has the channel; the log names them."""
        overrode = self._ask("safe", repeat=True, channel=self.channel)["overrode"]
        if overrode is not None:
            log.warning("%s was made safe although it is held by %s", self.name, overrode)

    def records(self, since: int, most: int) -> Page:
        """Return at most `most` records from number `since` on; those before are the caller's and may go.

        Raises InstrumentError when some of them are gone, or the bridge was restarted since the start.
        """
        answer = self._ask(
            "rows", repeat=True, channel=self.channel, since=since, most=most, acknowledged=since
        )
        if answer["boot"] != self._boot:
            raise InstrumentError(
                self.name,
                "restarted",
                f"the bridge was restarted ({self._boot}, now {answer['boot']}) and its records are gone;"
                " what was uploaded may be running",
            )
        if answer["first"] != since:
            raise InstrumentError(
                self.name, "records", f"record {since} was asked for, the oldest left is {answer['first']}"
            )
        return Page(since, tuple(self._record(each) for each in answer["records"]), int(answer["next"]))

    def _state_after(self, lost: WireError, token: str) -> ChannelState:
        for _ in range(TRIES):
            try:
                return self.state()
            except WireError:
                self.clock.sleep(self.wire.deadline, self.wire.lane)
        raise OutcomeUnknown(
            f"{self.name}: the start of {token} was sent and its reply lost; it may be running under its"
            " own limits. Ask the channel's `busy` when the bridge answers again, or make it safe"
        ) from lost

    def _ask(self, do: str, *, repeat: bool = False, **arguments: Any) -> dict[str, Any]:
        identifier = next(self._ids)
        request = pack({"id": identifier, "do": do, **arguments})
        answer = self.wire.ask(request, ReplyTo(identifier), unpack, repeat=repeat)
        if "error" in answer:
            raise self._refusal(answer["error"])
        return answer

    def _refusal(self, error: Mapping[str, str]) -> Exception:
        match error["code"]:
            case "owned":
                return OwnershipError(f"{self.name} (channel {self.channel})", error["holder"])
            case "disconnected":
                return UnpluggedError(f"{self.name}: {error['text']}")
        return InstrumentError(self.name, error["code"], error["text"])

    def _nodes(self, nodes: Sequence[Step | Loop], job: Job) -> list[dict[str, Any]]:
        return [
            {"repeat": node.times, "body": self._nodes(node.body, job)}
            if isinstance(node, Loop)
            else element_of(node, job.longest, job.limits)
            for node in nodes
        ]

    def _record(self, record: Sequence[Any]) -> Record:
        match record:
            case ["row", number, *values]:
                return RowTaken(number, *map(_number, values))
            case ["spectrum", number, *values]:
                return SpectrumPoint(number, *map(_number, values))
            case ["element", name]:
                return ElementBegan(name)
            case ["ended", reason]:
                return ElementEnded(EndReason(reason))
            case ["stopped", reason]:
                return RunStopped(reason, named=_named(reason), completed=reason.lower() == COMPLETED)
            case ["stopped", reason, cause]:
                return RunStopped(reason, EndReason(cause))
        return InstrumentAlarm(*self._alarm(record))

    def _alarm(self, record: Sequence[Any]) -> tuple[str, str]:
        """Return the code and the text of what is no measurement."""
        match record:
            case ["error", text]:
                return "instrument_error", text
            case ["disconnected"]:
                return "disconnected", "the library lost the instrument; what runs goes on"
            case ["recovered", rows, first, last]:
                return (
                    "recovered",
                    f"{rows} rows from {first:g} s to {last:g} s came from the instrument's memory",
                )
            case ["gap", first, last]:
                return "rows_gap", f"no row came between {first:g} s and {last:g} s"
            case ["paused"]:
                return "paused", "the experiment was paused by another program; the cell is open"
            case ["resumed"]:
                return "resumed", "the experiment goes on"
            case ["reading_failed"]:
                return "reading_failed", READING_FAILED
            case ["host_lost", seconds]:
                return "host_lost", f"nobody asked for {seconds:.0f} s; the bridge opened the cell"
        raise InstrumentError(self.name, "records", f"{record!r} is no record; driver and bridge differ")


def _named(words: str) -> EndReason | None:
    """Return the limit of the channel that the library's words name; None where they name none."""
    words = words.lower()
    return next((reason for reason, names in NAMED.items() if all(name in words for name in names)), None)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _limits(limits: CellLimits) -> Mapping[str, float]:
    return {
        "voltage_max": limits.voltage_max,
        "voltage_min": limits.voltage_min,
        "current_max": limits.current_max,
        "current_min": -limits.current_max,
    }
