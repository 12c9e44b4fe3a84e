"""A driver on a twin with a cell on its leads, and a link that may be cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from devices.cycling.cycler import ElementEnded, InstrumentAlarm, Job, RowTaken, RunStopped
from devices.cycling.cycler import Record as CyclerRecord
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Loop, Step
from devices.cycling.techniques import ConstantCurrent, Record, Until
from devices.errors import WireError
from devices.instruments.palmsens_emstat4 import EmStat4
from devices.methodscript.compile import SETTLING
from devices.ports import Fault, FaultyPort, TwinPort
from devices.wire import Wire
from sim.physics.cell import control as drive
from sim.physics.cell.cell import Segment
from sim.twins.methodscript.electronics import EXACT, Accuracy
from sim.twins.methodscript.storage import SIZE
from sim.twins.palmsens_emstat4 import EmStat4Twin
from tests.support.cells import CELL, CURRENT, RESTED, Foil
from tests.support.lane_clock import LaneClock

LANE = "lane"
LIMITS = CellLimits(voltage_min=2.5, voltage_max=4.4, current_max=1e-2)
MICROVOLT = 1e-6  # what a package has room for, around 4 V
NANOAMPERE = 1e-9  # what a package has room for, from 134 uA on


class Endpoint:
    """A twin behind a bench: touched first, then spoken to."""

    def __init__(self, twin: EmStat4Twin, clock: LaneClock) -> None:
        self.twin, self.clock = twin, clock

    def exchange(self, data: bytes) -> bytes:
        self.twin.advance(self.clock.now())
        return self.twin.receive(data, self.clock.now())


class Rig:
    """A driver on a twin with a cell on its leads, everything in reach."""

    def __init__(
        self,
        *,
        accuracy: Accuracy = EXACT,
        wired: Foil | None = None,
        faults: Iterable[Fault | None] | None = None,
        seed: int = 0,
        storage: int = SIZE,
    ) -> None:
        self.clock = LaneClock()
        self.wired = Foil(state=RESTED) if wired is None else wired
        self.twin = EmStat4Twin(accuracy=accuracy, seed=5, storage=storage)
        self.twin.wire_cell(self.wired, 0.0)
        port: Any = TwinPort(Endpoint(self.twin, self.clock), self.clock, LANE)
        if faults is not None:
            port = FaultyPort(port, self.clock, faults, seed=seed)
        wire = Wire(port, self.clock, name="emstat", lane=LANE, sync=EmStat4.sync)
        self.driver = EmStat4(wire, self.clock, name="emstat")

    def start(self, *nodes: Step | Loop, limits: CellLimits = LIMITS, token: str = "t1") -> int:
        """Upload a job and start it."""
        self.driver.upload(Job("job", nodes, limits, token, 30 * 86400.0))
        return self.driver.start(token)

    def heard(self, since: int = 1) -> list[CyclerRecord]:
        """Return what there is to hear now."""
        assert not self.clock.errors
        return list(self.driver.records(since, 10**6).records)

    def finish(self, since: int = 1, longest: float = 1e5) -> list[CyclerRecord]:
        """Let it run to its end and return all its records."""
        until = self.clock.now() + longest
        while self.clock.now() < until:
            self.clock.run_until(self.clock.now() + 60.0)
            try:
                records = self.heard(since)
            except WireError:
                continue
            if any(isinstance(each, RunStopped) for each in records):
                return records
        raise AssertionError("it did not end")

    def run(self, *nodes: Step | Loop, limits: CellLimits = LIMITS) -> list[CyclerRecord]:
        """Run a job to its end."""
        return self.finish(self.start(*nodes, limits=limits))

    def succeeded(self) -> None:
        """Go on with the driver of another session, the pollers of the one before gone."""
        self.clock.close()
        port = TwinPort(Endpoint(self.twin, self.clock), self.clock, LANE)
        wire = Wire(port, self.clock, name="emstat", lane=LANE, sync=EmStat4.sync)
        self.driver = EmStat4(wire, self.clock, name="emstat")

    def after(self, seconds: float) -> None:
        """Let time pass; the driver listens."""
        self.clock.run_until(self.clock.now() + seconds)


class Deaf:
    """A port on which nothing arrives for a while, and what is said meanwhile is lost."""

    def __init__(self, rig: Rig, since: float, until: float) -> None:
        self.port, self.clock, self.span = rig.driver.wire._port, rig.clock, (since, until)
        self.close = self.port.close
        rig.driver.wire._port = self  # type: ignore[assignment]

    def write(self, data: bytes) -> None:
        self.port.write(b"" if self.is_cut else data)

    def read(self, timeout: float) -> bytes:
        heard = self.port.read(timeout)
        return b"" if self.is_cut else heard

    @property
    def is_cut(self) -> bool:
        return self.span[0] <= self.clock.now() < self.span[1]


def rows_of(records: Iterable[CyclerRecord]) -> list[RowTaken]:
    return [each for each in records if isinstance(each, RowTaken)]


def ends_of(records: Iterable[CyclerRecord]) -> list[EndReason]:
    return [each.reason for each in records if isinstance(each, ElementEnded)]


def alarms_of(records: Iterable[CyclerRecord]) -> list[str]:
    return [each.code for each in records if isinstance(each, InstrumentAlarm)]


def stop_of(records: Iterable[CyclerRecord]) -> RunStopped:
    (stopped,) = [each for each in records if isinstance(each, RunStopped)]
    return stopped


def directly(control: drive.Control, rows: list[RowTaken], lag: float = 0.0) -> Segment:
    """Return what the cell itself does at the instants of some rows, driven `lag` after the script began."""
    times = tuple(row.time - SETTLING - lag for row in rows)
    length = drive.Until(duration=times[-1] + 1.0)
    segment = CELL.step(RESTED, control, length, drive.Record(times=times))
    places = np.searchsorted(segment.time, np.array(times) - 1e-9)
    return Segment(
        *(getattr(segment, name)[places] for name in ("time", "voltage", "current", "charge", "energy")),
        segment.end,
        segment.state,
    )


def compare(
    rows: list[RowTaken], truth: Segment, volts: float = MICROVOLT, amperes: float = NANOAMPERE
) -> None:
    assert len(rows) > 3
    assert np.array([row.voltage for row in rows]) == pytest.approx(truth.voltage, abs=0.6 * volts)
    assert np.array([row.current for row in rows]) == pytest.approx(truth.current, abs=0.6 * amperes)


LONG = Step(ConstantCurrent(CURRENT), Until(duration=600.0))
TIMED = Until(duration=120.0)
OFTEN = Record(interval=5.0)
OCV = CELL.voltage(RESTED, 0.0)
