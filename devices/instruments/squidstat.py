"""Admiral Squidstat, one channel of it, as the client of its bridge (devices.bridges.squidstat).

Control: limits, upload and start of an experiment; stop, which opens the cell.
Get:     identity, busy, number of channels, records (element begins, row, stopped, error).
Measure: voltage, current, temperature, as rows of a running experiment.
Set:     current up to the largest range, ends and limits within the voltage range (+-10 V).

An uploaded experiment runs on the instrument whatever becomes of the host. Every request carries an id that
its reply repeats, so a late reply is never taken for another; start and upload carry a token, so neither acts
twice.

Source: headers of AdmiralSquidstatAPI v1.10.3.0. With a voltage change as recording condition the interval is
overridden, as the header of AisConstantCurrentElement says. Not yet seen on hardware: everything; above all
that positive current charges, that timestamps count from the start of the experiment, and the texts of
experimentStopped, on which therefore nothing depends.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from devices.base import Instrument, Quantity
from devices.bridges.lines import ReplyTo, pack, unpack
from devices.clock import Clock
from devices.cycler import (
    ElementBegan,
    InstrumentAlarm,
    Job,
    Page,
    Record,
    RowTaken,
    RunStopped,
)
from devices.errors import (
    Garbled,
    InstrumentError,
    LimitError,
    OutcomeUnknown,
    ProgramError,
    Timeout,
    WireError,
)
from devices.programs import CellLimits, Loop, Program, Step, loops
from devices.quantities import STRICT
from devices.techniques import ConstantCurrent, Until
from devices.wire import Sync, Terminated, Wire

VOLTAGE_RANGE = 10.0
"""Volts, both ways."""

CURRENT_RANGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Amperes, full scale; 1 A is the Squidstat Plus's largest, the decades below are a guess."""

LEAST_CURRENT = 1e-3 * CURRENT_RANGES[0]
"""A; below a thousandth of the smallest range a current is its own noise (guess)."""

MOST_REPEATS = 65535
"""The library clamps larger numbers of repeats [AisExperiment.h], so they are refused here."""

TRIES = 3
"""How often the bridge is asked whether a start whose reply was lost had come through."""

SYNC_ID = 0
"""The id of the sync query; questions count from 1."""


def _is_sync(line: bytes) -> bool:
    try:
        return unpack(line).get("id") == SYNC_ID
    except Garbled:
        return False


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
        for index, step in enumerate(program.leaves()):
            if isinstance(step.run, ConstantCurrent):
                current = abs(step.run.current)
                if not LEAST_CURRENT <= current <= largest:
                    raise LimitError(
                        f"{self.name} step {index} |current|", current, "A", LEAST_CURRENT, largest
                    )
        for loop in loops(program.steps):
            if loop.times > MOST_REPEATS:
                raise ProgramError(
                    f"{program.name}: a loop of {loop.times} passes; this instrument repeats at most"
                    f" {MOST_REPEATS} times, nest two loops. Nothing was sent"
                )

    def remarks(self, program: Program) -> tuple[str, ...]:
        """Return what this instrument does otherwise than the program says."""
        if any(step.record.voltage_change is not None for step in program.leaves()):
            return ("rows by voltage change alone: on this instrument it overrides the interval",)
        return ()

    def range_of(self, step: Step) -> int:
        """Return the place of the step's current range in CURRENT_RANGES; -1 at rest."""
        if not isinstance(step.run, ConstantCurrent):
            return -1
        return next(i for i, full in enumerate(CURRENT_RANGES) if full >= abs(step.run.current))

    def upload(self, job: Job) -> None:
        """Set the channel's own limits to the cell's, upload the program; nothing flows yet."""
        self._ask("limits", repeat=True, channel=self.channel, **_limits(job.limits))
        experiment = self._nodes(job.nodes, job.longest)
        self._ask("upload", repeat=True, channel=self.channel, token=job.token, experiment=experiment)

    def start(self, token: str) -> int:
        """Start what was uploaded, once; return the number of its first record.

        When the reply is lost, the bridge is asked what happened. Raises Timeout when the request did not
        arrive (nothing runs), OutcomeUnknown when nobody answers.
        """
        try:
            answer = self._ask("start", channel=self.channel, token=token)
            first, self._boot = int(answer["first"]), str(answer["boot"])
            return first
        except WireError as lost:
            state = self._state_after(lost, token)
        if state.started == token:
            self._boot = state.boot
            return state.first
        raise Timeout(
            f"{self.name}: the start did not reach the instrument; nothing runs and the cell is open, prepare"
            " and start again"
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

    def stop(self) -> bool:
        """Stop the experiment and open the cell; return whether one was running. Harmless twice."""
        return bool(self._ask("stop", repeat=True, channel=self.channel)["busy"])

    def safe(self) -> None:
        """Open the cell."""
        self.stop()

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
            raise InstrumentError(self.name, answer["error"]["code"], answer["error"]["text"])
        return answer

    def _nodes(self, nodes: Sequence[Step | Loop], longest: float) -> list[dict[str, Any]]:
        return [
            {"repeat": node.times, "body": self._nodes(node.body, longest)}
            if isinstance(node, Loop)
            else self._element(node, longest)
            for node in nodes
        ]

    def _element(self, step: Step, longest: float) -> dict[str, Any]:
        element: dict[str, Any] = {
            "element": step.run.technique,
            "interval": step.record.interval,
            "duration": longest if step.until.duration is None else step.until.duration,
            **_ends(step.until),
        }
        if isinstance(step.run, ConstantCurrent):
            element |= {"current": step.run.current, "range": CURRENT_RANGES[self.range_of(step)]}
            if step.record.voltage_change is not None:
                element["voltage_change"] = step.record.voltage_change
        return element

    def _record(self, record: Sequence[Any]) -> Record:
        match record:
            case ["row", number, *values]:
                return RowTaken(number, *(math.nan if value is None else value for value in values))
            case ["element", name]:
                return ElementBegan(name)
            case ["stopped", reason]:
                return RunStopped(reason)
            case ["error", text]:
                return InstrumentAlarm("instrument_error", text)
            case ["disconnected"]:
                return InstrumentAlarm("disconnected", "the library lost the instrument; what runs goes on")
        raise InstrumentError(self.name, "records", f"{record!r} is no record; driver and bridge differ")


def _limits(limits: CellLimits) -> Mapping[str, float]:
    return {
        "voltage_max": limits.voltage_max,
        "voltage_min": limits.voltage_min,
        "current_max": limits.current_max,
        "current_min": -limits.current_max,
    }


def _ends(until: Until) -> dict[str, float]:
    ends = {"voltage_max": until.voltage_above, "voltage_min": until.voltage_below}
    return {name: volts for name, volts in ends.items() if volts is not None}
