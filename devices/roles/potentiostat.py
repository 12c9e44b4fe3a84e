"""Potentiostat channels: what they are prepared with, and who knows of their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ophyd.status import StatusBase

from devices.cycling.programs import Program
from devices.roles.flown import Flown
from devices.samples import SampleRef


@dataclass(frozen=True)
class CycleJob:
    """What a potentiostat channel is prepared with."""

    sample: SampleRef
    program: Program


@dataclass(frozen=True)
class TakeOver:
    """What a potentiostat channel is prepared with to go on with a job that an earlier session left on it.

    offsets: what that session had counted {cycle, step_count, record, charge, energy, test_time}.
    """

    sample: SampleRef
    program: Program
    offsets: Mapping[str, float]


@dataclass(frozen=True)
class GoOn:
    """What a potentiostat channel is prepared with to go on with a program that nothing runs or keeps any more.

    offsets: what was counted of it so far, as of a TakeOver; position: where it stands, in the station's own words.
    """

    sample: SampleRef
    program: Program
    offsets: Mapping[str, float]
    position: Mapping[str, Any]


@dataclass(frozen=True)
class Cycled:
    """All that the journals have of a program: of a run and of those that went on with it.

    sample: its id; program_hash; began: the time label [s] of its start. rows, points, steps: the streams `primary`,
    `impedance` and `steps` by column; empty where there are none. runs: uids of the runs, in order; breaks: the test
    times [s] behind which nothing ran for a while, until it was gone on with.
    """

    runs: Sequence[str]
    sample: str
    program_hash: str
    began: float
    rows: Mapping[str, Any]
    points: Mapping[str, Any]
    steps: Mapping[str, Any]
    breaks: Sequence[float] = ()


@runtime_checkable
class Potentiostat(Flown, Protocol):
    """Cycles a cell: `prepare(CycleJob)`, then fly. Streams `primary`, `impedance`, `steps`, `cycles`."""

    @property
    def channel(self) -> int:
        """The channel it is, from 0."""

    def check(self, program: Program) -> None:
        """Raise LimitError or ProgramError when channel or lab do not allow the program; nothing is sent."""

    def prepare(self, job: CycleJob | TakeOver | GoOn) -> StatusBase:
        """Check the job against the channel's limits, have the cell wired, upload the program.

        A TakeOver touches neither cell nor instrument.
        """

    def left_over(self, sample: SampleRef, program: Program) -> TakeOver:
        """Return what an earlier session left of a program on a cell. Raises InterlockError when it is another's."""

    def is_kept(self, sample: SampleRef, program: Program) -> bool:
        """Return whether the instrument runs what was left of a program on a cell, or keeps its rows."""

    def broken_off(self, sample: SampleRef, program: Program, run: str) -> GoOn:
        """Return what is left of a program that a run began. Raises InterlockError when nobody can say, or nothing."""


class CellRecords(Protocol):
    """What the lab knows of a cell from its runs."""

    def rest_voltage(self, sample: SampleRef) -> float | None:
        """Return the voltage [V] it had after its last long rest, None when it was driven since, or never seen."""

    def cycled(self, run: str) -> Cycled:
        """Return what the journals have of the program that a run began. Raises DataError when there is no such run."""
