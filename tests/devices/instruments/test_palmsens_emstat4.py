"""The EmStat4 driver on its twin: every technique against the cell called directly, and trouble on the wire."""

from __future__ import annotations

import heapq
import itertools
import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ophyd.status import Status

from devices.cycling.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Job,
    Mark,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.cycling.cycler import (
    Record as CyclerRecord,
)
from devices.cycling.ends import EndReason
from devices.cycling.position import NOWHERE
from devices.cycling.programs import CellLimits, Loop, Program, Step, When
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Technique,
    Until,
    VoltageRamp,
)
from devices.errors import InstrumentError, LimitError, OutcomeUnknown, ProgramError, Timeout, WireError
from devices.instruments.palmsens_emstat4 import LISTENING, OUTPUT_BUFFER, ROWS_AHEAD, EmStat4
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.compile import SETTLING, compiled, mark_of
from devices.methodscript.judging import FLUCTUATION
from devices.ports import Fault, FaultyPort, TwinPort
from devices.wire import Wire
from sim.materials import cathode
from sim.physics.cell import control as drive
from sim.physics.cell.cell import Cell, CellParameters, CellState, Segment
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.impedance import impedance
from sim.twins.methodscript.electronics import EXACT, Accuracy, Electronics, Reading
from sim.twins.methodscript.grammar import Grammar
from sim.twins.methodscript.storage import SIZE
from sim.twins.palmsens_emstat4 import EmStat4Twin

LANE = "lane"
CURRENT = 8.6e-5  # A, about 1C of the film below
LIMITS = CellLimits(voltage_min=2.5, voltage_max=4.4, current_max=1e-2)
MICROVOLT = 1e-6  # what a package has room for, around 4 V
NANOAMPERE = 1e-9  # what a package has room for, from 134 uA on


def make_cell(**changes: Any) -> Cell:
    """Return a cell of 1.2 um LiCoO2 on 1 cm2."""
    described: dict[str, Any] = {
        "area": 1e-4,
        "edges": tuple(graded_edges(1.2e-6, 20, 5.0).tolist()),
        "diffusivity": (5e-15,) * 20,
        "active_share": (0.985,) * 20,
        "site_charge": cathode.SITE_CHARGE,
        "cathode_exchange_current": 50.0,
        "anode_exchange_current": 50.0,
        "electrolyte_resistance": 5e-3,
        "contact_resistance": 0.0,
        "anode_lithium": 1e4,
        "as_made_lithium": cathode.AS_MADE_LITHIUM,
        "ocp": cathode.LITHIUM_COBALT_OXIDE,
    }
    return Cell(CellParameters(**(described | changes)))


CELL = make_cell()
HALF = CELL.step(
    CELL.step(CELL.fresh(), drive.Current(CURRENT), drive.Until(duration=1600.0)).state,
    drive.REST,
    drive.Until(duration=1e5),
).state
"""Half charged and at rest, at about 3.94 V."""


@dataclass
class Wired:
    """What is put on the leads."""

    cell: Cell = CELL
    state: CellState = HALF


class Running:
    """A spawned poller."""

    def __init__(self, poller: Any, on_error: Callable[[Exception], None]) -> None:
        self.poller, self.on_error, self.cancelled = poller, on_error, False

    def cancel(self) -> None:
        self.cancelled = True


class LaneClock:
    """Time passes when somebody sleeps or the test says so; pollers run when they are due."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.is_deaf = False
        self._due: list[tuple[float, int, Running]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self.moment

    def time(self) -> float:
        return 1.75e9 + self.moment

    def sleep(self, dt: float, lane: str | None = None) -> None:
        self.moment += dt

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def status(self, what: str, deadline: float) -> Status:
        return Status()

    def spawn(self, lane: str, poller: Any, on_error: Callable[[Exception], None]) -> Running:
        running = Running(poller, on_error)
        heapq.heappush(self._due, (self.moment, next(self._count), running))
        return running

    def run_until(self, moment: float) -> None:
        while self._due and self._due[0][0] <= moment and not self.is_deaf:
            at, _, running = heapq.heappop(self._due)
            self.moment = max(self.moment, at)
            delay = None if running.cancelled else next(running.poller, None)
            if delay is not None:
                heapq.heappush(self._due, (self.moment + delay, next(self._count), running))
        self.moment = max(self.moment, moment)

    def forget(self) -> None:
        """Run no poller any more."""
        self._due.clear()


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
        wired: Wired | None = None,
        faults: Iterable[Fault | None] | None = None,
        seed: int = 0,
        storage: int = SIZE,
    ) -> None:
        self.clock = LaneClock()
        self.wired = Wired() if wired is None else wired
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
        self.clock.forget()
        port = TwinPort(Endpoint(self.twin, self.clock), self.clock, LANE)
        wire = Wire(port, self.clock, name="emstat", lane=LANE, sync=EmStat4.sync)
        self.driver = EmStat4(wire, self.clock, name="emstat")

    def after(self, seconds: float) -> None:
        """Let time pass; the driver listens."""
        self.clock.run_until(self.clock.now() + seconds)


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
    segment = CELL.step(HALF, control, length, drive.Record(times=times))
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
OCV = CELL.voltage(HALF, 0.0)


@pytest.mark.parametrize(
    ("technique", "control"),
    [
        (OpenCircuit(), drive.REST),
        (ConstantCurrent(CURRENT), drive.Current(CURRENT)),
        (ConstantCurrent(-CURRENT), drive.Current(-CURRENT)),
        (ConstantVoltage(3.98), drive.Voltage(3.98)),
        (VoltageRamp(3.94, 4.0, 1e-3), drive.Voltage(3.94, 1e-3)),
        (VoltageRamp(3.96, 3.90, 1e-3), drive.Voltage(3.96, -1e-3)),
        (CurrentRamp(0.0, 6e-5, 1e-6), drive.Current(0.0, 1e-6)),
        (CurrentRamp(2e-5, -4e-5, 1e-6), drive.Current(2e-5, -1e-6)),
    ],
)
def test_a_technique_gives_what_the_cell_itself_does(technique: Technique, control: drive.Control) -> None:
    is_ramp = isinstance(technique, VoltageRamp | CurrentRamp)
    records = Rig().run(Step(technique, Until() if is_ramp else TIMED, OFTEN))
    assert [type(each).__name__ for each in records[:1]] == ["ElementBegan"]
    assert ends_of(records) == [EndReason.SWEPT if is_ramp else EndReason.DURATION]
    assert stop_of(records).cause is None
    rows = rows_of(records)
    compare(rows, directly(control, rows))
    assert rows[-1].time - SETTLING == pytest.approx(60.0 if is_ramp else 120.0, abs=1e-3)
    assert alarms_of(records) == []


def test_noise_and_resolution_are_those_of_the_instrument() -> None:
    rows = rows_of(Rig(accuracy=Accuracy()).run(Step(ConstantCurrent(CURRENT), TIMED, OFTEN)))
    truth, accuracy = directly(drive.Current(CURRENT), rows), Accuracy()
    compare(rows, truth, 10 * accuracy.voltage_bit, 10 * accuracy.current_bit * 1e-4)
    assert len({row.current for row in rows}) > 1


def test_constant_power_and_resistance_follow_the_law_sample_by_sample() -> None:
    power = rows_of(Rig().run(Step(ConstantPower(2e-4), TIMED, OFTEN)))
    compare(power[2:], directly(drive.Power(2e-4), power[2:], 0.1), 2e-4, 5e-9)
    assert [row.voltage * row.current for row in power[2:]] == pytest.approx(
        [2e-4] * (len(power) - 2), rel=1e-4
    )
    load = rows_of(Rig().run(Step(ConstantResistance(5e4), TIMED, OFTEN)))
    compare(load[2:], directly(drive.Resistance(5e4), load[2:], 0.1), 2e-4, 5e-9)
    assert [row.voltage / row.current for row in load[2:]] == pytest.approx(
        [-5e4] * (len(load) - 2), rel=1e-4
    )


def test_spectra_are_those_of_the_cell() -> None:
    rig = Rig()
    records = rig.run(Step(PotentiostaticImpedance(1e5, 10.0, 0.01, per_decade=5)))
    points = [each for each in records if isinstance(each, SpectrumPoint)]
    frequencies = np.geomspace(1e5, 10.0, 21)
    assert [each.frequency for each in points] == pytest.approx(frequencies, rel=3e-6)
    truth = impedance(CELL.parameters, HALF, frequencies)
    assert [complex(each.z_real, each.z_imag) for each in points] == pytest.approx(truth, rel=1e-4)
    assert points[0].voltage == pytest.approx(OCV, abs=1e-5)
    assert points[0].amplitude == pytest.approx(0.01, rel=1e-6)
    assert ends_of(records) == [EndReason.SWEPT]
    records = Rig().run(Step(GalvanostaticImpedance(1e4, 1e3, 2e-6, bias=1e-5)))
    points = [each for each in records if isinstance(each, SpectrumPoint)]
    state = HALF
    assert points[0].current == pytest.approx(1e-5)
    assert points[0].amplitude == pytest.approx(2e-6, rel=1e-5)
    truth = impedance(CELL.parameters, state, np.array([1e4]), 1e-5)
    assert complex(points[0].z_real, points[0].z_imag) == pytest.approx(truth[0], rel=1e-3)


@pytest.mark.parametrize(
    ("step", "reason", "control", "until"),
    [
        (
            Step(ConstantCurrent(CURRENT), Until(voltage_above=4.1)),
            EndReason.VOLTAGE_ABOVE,
            drive.Current(CURRENT),
            drive.Until(upper=4.1),
        ),
        (
            Step(ConstantCurrent(-CURRENT), Until(voltage_below=3.0)),
            EndReason.VOLTAGE_BELOW,
            drive.Current(-CURRENT),
            drive.Until(lower=3.0),
        ),
        (
            Step(ConstantCurrent(-10 * CURRENT), Until(voltage_below=3.0)),
            EndReason.VOLTAGE_BELOW,
            drive.Current(-10 * CURRENT),
            drive.Until(lower=3.0),
        ),
        (
            Step(ConstantVoltage(4.0), Until(current_below=2e-5)),
            EndReason.CURRENT_BELOW,
            drive.Voltage(4.0),
            drive.Until(smallest_current=2e-5),
        ),
        (
            Step(VoltageRamp(3.95, 4.2, 1e-3), Until(current_above=5e-4)),
            EndReason.CURRENT_ABOVE,
            drive.Voltage(3.95, 1e-3),
            drive.Until(duration=250.0, largest_current=5e-4),
        ),
        (
            Step(ConstantCurrent(CURRENT), Until(charge=0.02)),
            EndReason.CHARGE,
            drive.Current(CURRENT),
            drive.Until(charge=0.02),
        ),
        (
            Step(ConstantVoltage(4.0), Until(charge=0.02, duration=5e3)),
            EndReason.CHARGE,
            drive.Voltage(4.0),
            drive.Until(duration=5e3, charge=0.02),
        ),
        (
            Step(ConstantCurrent(-CURRENT), Until(duration=33.3)),
            EndReason.DURATION,
            drive.Current(-CURRENT),
            drive.Until(duration=33.3),
        ),
    ],
)
def test_a_step_ends_as_the_cell_itself_would(
    step: Step, reason: EndReason, control: drive.Control, until: drive.Until
) -> None:
    records = Rig().run(step)
    truth = CELL.step(HALF, control, until)
    assert ends_of(records) == [reason]
    last = rows_of(records)[-1]
    assert last.time - SETTLING == pytest.approx(float(truth.time[-1]), rel=5e-3, abs=1.01)
    assert last.voltage == pytest.approx(
        float(truth.voltage[-1]), abs=5e-3 if reason is not EndReason.VOLTAGE_BELOW else 0.2
    )
    assert last.current == pytest.approx(float(truth.current[-1]), rel=0.02)


def test_a_step_ends_by_energy() -> None:
    records = Rig().run(Step(ConstantCurrent(CURRENT), Until(energy=0.05)))
    assert ends_of(records) == [EndReason.ENERGY]
    last = rows_of(records)[-1]
    truth = CELL.step(HALF, drive.Current(CURRENT), drive.Until(duration=last.time - SETTLING))
    assert float(truth.energy[-1]) == pytest.approx(0.05, rel=0.01)


def test_a_rest_ends_when_the_voltage_hardly_moves() -> None:
    moving = CELL.step(HALF, drive.Current(CURRENT), drive.Until(duration=600.0)).state
    rig = Rig(wired=Wired(state=moving))
    records = rig.run(Step(OpenCircuit(), Until(voltage_rate_below=5e-6, duration=20_000.0)))
    assert ends_of(records) == [EndReason.VOLTAGE_RATE_BELOW]
    end = rows_of(records)[-1].time
    truth = CELL.step(moving, drive.REST, drive.Until(duration=20_000.0, voltage_rate=5e-6))
    assert float(truth.time[-1]) < end < 2.0 * float(truth.time[-1]) + 100.0


def test_rows_come_by_interval_and_by_change() -> None:
    by_time = rows_of(Rig().run(Step(ConstantCurrent(CURRENT), TIMED, Record(interval=20.0))))
    spaced = np.diff([row.time for row in by_time])
    assert spaced[1:-1] == pytest.approx(20.0, abs=1.01)
    record = Record(interval=600.0, voltage_change=2e-3)
    by_change = rows_of(Rig().run(Step(ConstantCurrent(CURRENT), Until(voltage_above=4.05), record)))
    moved = np.abs(np.diff([row.voltage for row in by_change]))
    assert len(by_change) > 20
    assert moved[1:-1].max() < 4e-3


def test_a_cycle_of_loops_runs_in_order_and_rows_are_numbered() -> None:
    cycle = Loop(
        (
            Step(ConstantCurrent(CURRENT), Until(voltage_above=4.0)),
            Step(ConstantVoltage(4.0), Until(current_below=4e-5)),
            Step(ConstantCurrent(-CURRENT), Until(voltage_below=3.9)),
        ),
        times=3,
        counts_cycles=True,
    )
    records = Rig().run(cycle, Step(OpenCircuit(), Until(duration=10.0)))
    names = [each.name for each in records if isinstance(each, ElementBegan)]
    assert names == ["constant_current", "constant_voltage", "constant_current"] * 3 + ["open_circuit"]
    own = [EndReason.VOLTAGE_ABOVE, EndReason.CURRENT_BELOW, EndReason.VOLTAGE_BELOW]
    assert ends_of(records) == own * 3 + [EndReason.DURATION]
    rows = rows_of(records)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert np.all(np.diff([row.time for row in rows]) > 0.0)
    assert stop_of(records) == RunStopped("the script has run to its end")
    assert alarms_of(records) == []


def test_the_charges_of_a_cycle_are_those_that_truly_passed() -> None:
    rig = Rig()
    records = rig.run(Step(ConstantCurrent(CURRENT), Until(voltage_above=4.1)))
    last = rows_of(records)[-1]
    assert rig.twin.charges[-1] == pytest.approx(CURRENT * (last.time - SETTLING), rel=1e-6)
    assert rig.wired.state.charge - HALF.charge == pytest.approx(rig.twin.charges[-1], rel=1e-6)


# Limits and faults of the cell.


@pytest.mark.parametrize(
    ("step", "limits", "reason"),
    [
        (
            Step(ConstantCurrent(CURRENT), Until(duration=1e4)),
            CellLimits(3.0, 4.0, 1e-3),
            EndReason.SAFETY_VOLTAGE_MAX,
        ),
        (
            Step(ConstantCurrent(-CURRENT), Until(duration=1e4)),
            CellLimits(3.8, 4.2, 1e-3),
            EndReason.SAFETY_VOLTAGE_MIN,
        ),
        (
            Step(ConstantVoltage(4.15), Until(duration=1e4)),
            CellLimits(3.0, 4.2, 1e-4),
            EndReason.SAFETY_CURRENT,
        ),
        (
            Step(ConstantCurrent(CURRENT), Until(duration=1e4)),
            CellLimits(3.0, 4.2, 1e-3, 0.01),
            EndReason.SAFETY_CHARGE,
        ),
    ],
)
def test_the_script_enforces_the_cells_limits_with_the_host_silent(
    step: Step, limits: CellLimits, reason: EndReason
) -> None:
    rig = Rig()
    first = rig.start(step, Step(OpenCircuit(), Until(duration=1e4)), limits=limits)
    rig.clock.is_deaf = True
    rig.clock.run_until(2e4)
    rig.twin.advance(2e4)
    assert not rig.twin.cell_is_on
    assert rig.twin.log[-1][1:] == ("ended", "ended")
    records = rig.heard(first)
    assert ends_of(records) == [reason]
    assert stop_of(records).cause is reason
    assert len([each for each in records if isinstance(each, ElementBegan)]) == 1


def test_a_lead_that_falls_off_is_told_from_an_end() -> None:
    rig = Rig()
    first = rig.start(
        Step(ConstantCurrent(CURRENT), Until(voltage_above=4.2)), limits=CellLimits(3.0, 4.3, 1e-3)
    )
    rig.after(100.0)
    rig.twin.wire_cell(None, rig.clock.now())
    records = rig.finish(first)
    assert stop_of(records).cause is EndReason.OPEN_CIRCUIT
    assert "overload" in alarms_of(records)
    assert not rig.twin.cell_is_on


@pytest.mark.parametrize(
    "step",
    [
        Step(ConstantPower(2e-4), Until(voltage_above=4.2)),
        Step(ConstantPower(-2e-4), Until(voltage_below=3.2)),
        Step(CurrentRamp(1e-5, 6e-5, 1e-7), Until(voltage_above=4.2)),
    ],
)
def test_open_leads_end_no_step_by_its_own_end(step: Step) -> None:
    rig = Rig()
    first = rig.start(step, LONG, limits=CellLimits(3.0, 4.3, 1e-3))
    rig.after(50.0)
    rig.twin.wire_cell(None, rig.clock.now())
    records = rig.finish(first)
    assert stop_of(records).cause in (
        EndReason.SAFETY_VOLTAGE_MAX,
        EndReason.SAFETY_VOLTAGE_MIN,
        EndReason.OPEN_CIRCUIT,
    )
    assert len(ends_of(records)) == 1


def test_a_limit_on_another_side_comes_before_a_steps_own_end() -> None:
    step = Step(ConstantVoltage(4.15), Until(duration=0.05), Record(interval=0.05))
    records = Rig().run(step, LONG, limits=CellLimits(3.0, 4.2, 1e-4))
    assert ends_of(records) == [EndReason.SAFETY_CURRENT]


def test_nothing_on_the_leads_is_seen_within_a_tenth_of_a_second() -> None:
    rig = Rig()
    rig.twin.wire_cell(None, 0.0)
    records = rig.run(Step(ConstantCurrent(CURRENT), Until(voltage_above=4.2)))
    assert stop_of(records).cause is EndReason.OPEN_CIRCUIT
    assert rows_of(records)[-1].time - SETTLING < 0.1
    assert rig.driver.read_cell() == pytest.approx(0.0, abs=1e-6)


def test_a_spectrum_on_open_leads_is_not_a_number() -> None:
    rig = Rig()
    rig.twin.wire_cell(None, 0.0)
    limits = CellLimits(-1.0, 4.0, 1e-3)
    records = rig.run(Step(PotentiostaticImpedance(1e4, 1e3, 0.01, per_decade=2)), limits=limits)
    points = [each for each in records if isinstance(each, SpectrumPoint)]
    assert len(points) == 3
    assert all(math.isnan(each.z_real) and math.isnan(each.z_imag) for each in points)


def test_an_error_in_the_run_is_told_with_its_line_and_the_cell_is_opened() -> None:
    short = make_cell(leak_resistance=1e-3)  # 10 ohm
    rig = Rig(wired=Wired(cell=short))
    limits = CellLimits(-1.0, 4.0, 0.2)
    records = rig.run(Step(ConstantVoltage(3.9), Until(duration=100.0)), limits=limits)
    assert alarms_of(records)[-1] == "instrument_error"
    stopped = stop_of(records)
    assert stopped.cause is EndReason.INSTRUMENT_ERROR
    assert "0032" in stopped.reason
    assert "meas_loop_ca" in stopped.reason or "endloop" in stopped.reason
    assert not rig.twin.cell_is_on


# Start, stop and what is lost.


def test_who_it_is_and_what_hangs_on_it() -> None:
    rig = Rig()
    assert (
        rig.driver.identify()
        == "PalmSens EmStat4 HR ES4HR20B0008, firmware es4_hr1303#Mar 25 2024 10:00:00 R"
    )
    assert rig.driver.read_cell() == pytest.approx(OCV, abs=2e-6)
    assert rig.driver.read_busy() == 0


def test_a_script_that_the_instrument_refuses_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.twins.palmsens_emstat4.SCRIPT_MEMORY", 1000)
    rig = Rig()
    with pytest.raises(InstrumentError, match=r"4005: the script is too large .* \(file_close\)"):
        rig.start(LONG)
    assert rig.driver.read_busy() == 0
    assert rig.heard() == []


def test_a_token_starts_once() -> None:
    rig = Rig()
    assert rig.start(LONG) == 1
    assert rig.driver.read_busy() == 1
    assert rig.driver.start("t1") == 1
    rig.driver.upload(Job("job", (LONG,), LIMITS, "t1", 1e5))
    assert rig.driver.start("t1") == 1
    with pytest.raises(InstrumentError, match="not what was uploaded"):
        rig.driver.start("t2")
    with pytest.raises(InstrumentError, match="busy"):
        rig.driver.upload(Job("job", (LONG,), LIMITS, "t2", 1e5))
    assert [event for _, event, _ in rig.twin.log].count(
        "started"
    ) == 2  # an empty script asks whether it is idle


@pytest.mark.parametrize(
    "step",
    [
        LONG,
        Step(ConstantVoltage(3.96), Until(duration=600.0)),
        Step(OpenCircuit(), Until(duration=600.0)),
        Step(VoltageRamp(3.94, 4.0, 1e-4)),
        Step(CurrentRamp(0.0, 6e-5, 1e-7)),
        Step(PotentiostaticImpedance(10.0, 0.01, 0.01)),
        Step(GalvanostaticImpedance(10.0, 0.01, 1e-6)),
        Step(ConstantPower(2e-4), Until(duration=600.0)),
    ],
    ids=lambda step: step.run.technique,
)
def test_a_stop_in_the_middle_opens_the_cell(step: Step) -> None:
    rig = Rig()
    first = rig.start(step, LONG)
    rig.after(100.0)
    assert rig.twin.cell_is_on != isinstance(step.run, OpenCircuit)
    assert rig.driver.stop() is True
    assert not rig.twin.cell_is_on
    records = rig.heard(first)
    assert stop_of(records).cause is EndReason.OPERATOR
    assert rig.driver.read_busy() == 0
    assert rig.driver.stop() is False
    rig.driver.safe()


def test_a_script_of_somebody_else_is_seen_and_can_be_stopped() -> None:
    rig = Rig()
    rig.twin.receive(b'e\nset_pgstat_mode 2\nset_e 3950m\ncell_on\nwait 1000\nsend_string "x"\n\n', 0.0)
    assert rig.driver.read_busy() == 1
    assert rig.driver.stop() is True
    assert not rig.twin.cell_is_on
    assert rig.heard() == []


def test_the_reply_to_a_start_may_be_lost() -> None:
    rig = Rig(faults=[None, None, None, Fault("drop")])
    assert rig.start(LONG) == 1
    records = rig.finish()
    assert ends_of(records) == [EndReason.DURATION]
    assert len([each for _, each, text in rig.twin.log if each == "started" and "4 lines" not in text]) >= 1


def test_a_start_that_did_not_arrive_is_known_not_to_run() -> None:
    rig = Rig(faults=[None, None, None, Fault("ignore")])
    with pytest.raises(Timeout, match="nothing runs"):
        rig.start(LONG)
    assert rig.driver.read_busy() == 0
    assert not rig.twin.cell_is_on
    rig.start(LONG, token="t2")
    assert ends_of(rig.finish()) == [EndReason.DURATION]


class Torn:
    """A port that loses the end of one long request."""

    def __init__(self, port: Any, keep: int) -> None:
        self.port, self.keep = port, keep
        self.read, self.close = port.read, port.close

    def write(self, data: bytes) -> None:
        if len(data) > 500 and self.keep:
            data, self.keep = data[: self.keep], 0
        self.port.write(data)


@pytest.mark.parametrize("keep", [3, 100, 700, -1, -12])
def test_a_script_that_arrived_in_part_does_not_run(keep: int) -> None:
    rig = Rig()
    rig.driver.wire._port = Torn(rig.driver.wire._port, keep)  # type: ignore[assignment]
    with pytest.raises(Timeout, match="nothing runs"):
        rig.start(LONG)
    assert not rig.twin.cell_is_on
    assert rig.driver.read_busy() == 0


def test_silence_after_a_start_leaves_its_outcome_unknown() -> None:
    rig = Rig(faults=[None, None, None, *[Fault("drop")] * 50])
    with pytest.raises(OutcomeUnknown):
        rig.start(LONG)
    while True:
        rig.after(1.0)
        try:
            first = rig.driver.start("t1")
        except OutcomeUnknown:
            continue
        break
    assert ends_of(rig.finish(first)) == [EndReason.DURATION]
    assert sum(what == "started" and not text.startswith("0 ") for _, what, text in rig.twin.log) == 1


def test_a_start_that_was_lost_in_a_long_silence_is_sent_again_and_said() -> None:
    rig = Rig(faults=[None, None, None, *[Fault("ignore")] * 50])
    with pytest.raises(OutcomeUnknown):
        rig.start(LONG)
    first = 0
    while not first:
        rig.after(1.0)
        with suppress(OutcomeUnknown):
            first = rig.driver.start("t1")
    records = rig.finish(first)
    assert alarms_of(records) == ["started_again"]
    assert ends_of(records) == [EndReason.DURATION]


def test_what_the_buffer_loses_shows_as_a_gap_where_no_files_are_kept() -> None:
    rig = Rig(storage=0)
    first = rig.start(Step(OpenCircuit(), Until(duration=1000.0), Record(interval=1.0)), LONG)
    rig.after(50.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(900.0)
    rig.clock.is_deaf = False
    records = rig.finish(first)
    assert "rows_gap" in alarms_of(records)
    assert ends_of(records) == [EndReason.DURATION, EndReason.DURATION]
    rows = rows_of(records)
    assert np.all(np.diff([row.time for row in rows]) > 0.0)
    (gap,) = [each.text for each in records if isinstance(each, InstrumentAlarm)]
    lost = np.diff([row.time for row in rows]).max() - 1.0
    low, high = (int(word) for word in gap.split() if word.isdigit())
    assert high - low + 1 == pytest.approx(lost, abs=2.0)


def test_a_gap_over_the_border_of_two_steps_says_which_step_follows() -> None:
    rig = Rig(storage=0)
    short = Step(OpenCircuit(), Until(duration=400.0), Record(interval=1.0))
    first = rig.start(short, short, short)
    rig.after(50.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(1000.0)
    rig.clock.is_deaf = False
    records = rig.finish(first)
    assert len([each for each in records if isinstance(each, ElementBegan)]) == 3
    assert ends_of(records) == [EndReason.UNCLEAR, EndReason.UNCLEAR, EndReason.DURATION]
    assert stop_of(records).cause is None
    assert rows_of(records)[-1].time == pytest.approx(1200.0 + SETTLING, abs=11.0)


@pytest.mark.parametrize("seed", range(4))
def test_trouble_on_the_wire_doubles_nothing_and_hides_nothing(seed: int) -> None:
    chances = np.random.default_rng(seed)
    troubles = ("drop", "duplicate", "truncate", "garble", "disconnect")
    script = [None] * 4 + [
        Fault(troubles[chances.integers(5)], 0.01) if chances.random() < 0.2 else None for _ in range(400)
    ]
    rig = Rig(faults=script, seed=seed)
    first = rig.start(Step(OpenCircuit(), Until(duration=600.0), Record(interval=2.0)))
    while rig.clock.now() < 800.0:
        rig.clock.run_until(rig.clock.now() + 7.0)
        try:
            rig.heard(first)
        except (WireError, InstrumentError):
            continue
    records = rig.heard(first)
    rows = rows_of(records)
    times = [row.time for row in rows]
    assert times == sorted(set(times))
    assert len(times) == 301
    assert ends_of(records) == [EndReason.DURATION]


def test_a_power_cycle_in_a_run_is_reported_as_a_lost_run() -> None:
    rig = Rig()
    first = rig.start(LONG)
    rig.after(100.0)
    rig.twin.power_cycle(rig.clock.now())
    assert not rig.twin.cell_is_on
    rig.after(200.0)
    records = rig.heard(first)
    assert alarms_of(records) == ["run_lost"]
    assert len(rows_of(records)) == 4
    assert stop_of(records).cause is EndReason.INSTRUMENT_ERROR
    assert "switched off and on" in stop_of(records).reason
    assert ends_of(records) == []
    assert rig.driver.read_busy() == 0
    second = rig.driver._first + len(rig.driver._records)
    assert rig.start(LONG, token="t2") == second
    assert ends_of(rig.finish(second)) == [EndReason.DURATION]


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


def test_a_script_that_ends_in_a_silence_ends_for_its_own_reason_where_its_time_says_so() -> None:
    rig = Rig(storage=0)
    first = rig.start(LONG)
    Deaf(rig, 580.0, 640.0)
    records = rig.finish(first)
    assert alarms_of(records) == ["rows_gap"]
    assert ends_of(records) == [EndReason.DURATION]
    assert stop_of(records).cause is None


def test_a_script_that_ends_in_a_silence_before_its_time_has_no_known_reason() -> None:
    rig = Rig(storage=0)
    first = rig.start(Step(ConstantCurrent(CURRENT), Until(voltage_above=OCV + 0.1, duration=1e5)))
    Deaf(rig, 60.0, 5000.0)
    records = rig.finish(first)
    assert stop_of(records).cause is EndReason.UNCLEAR


class Falsified(Endpoint):
    """Says that no voltage can be read, from some time on."""

    def exchange(self, data: bytes) -> bytes:
        said = super().exchange(data)
        return re.sub(rb";ab[0-9A-F]{7}.", b";ab     nan", said) if self.clock.now() > 100.0 else said


@pytest.mark.parametrize("technique", [ConstantCurrent(CURRENT / 4), OpenCircuit()])
def test_readings_that_fail_for_good_stop_what_is_driven_and_no_rest(technique: Technique) -> None:
    rig = Rig()
    rig.driver.wire._port = TwinPort(Falsified(rig.twin, rig.clock), rig.clock, LANE)  # type: ignore[arg-type]
    records = rig.run(Step(technique, Until(duration=600.0), Record(interval=10.0)))
    assert alarms_of(records) == ["reading_failed"]
    driven = isinstance(technique, ConstantCurrent)
    assert stop_of(records).cause is (EndReason.INSTRUMENT_ERROR if driven else None)
    assert (len(rows_of(records)) == 61) != driven
    assert not rig.twin.cell_is_on


def test_a_current_that_falls_short_far_from_the_end_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Electronics.samples

    def short(self: Electronics, *arguments: Any, **named: Any) -> list[Reading]:
        return [each._replace(current=0.8 * each.current) for each in samples(self, *arguments, **named)]

    rig = Rig()
    first = rig.start(Step(ConstantCurrent(CURRENT / 4), Until(voltage_above=4.2)))
    rig.after(100.0)
    monkeypatch.setattr(Electronics, "samples", short)
    records = rig.finish(first)
    assert ends_of(records) == [EndReason.CURRENT_LOST]
    assert stop_of(records).cause is EndReason.CURRENT_LOST


def test_open_leads_at_rest_are_an_open_circuit() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=600.0)))
    rig.after(100.0)
    rig.twin.wire_cell(None, rig.clock.now())
    assert stop_of(rig.finish(first)).cause is EndReason.OPEN_CIRCUIT


def test_a_link_that_was_gone_for_a_minute_loses_nothing() -> None:
    rig = Rig(faults=itertools.chain([None] * 9, [Fault("disconnect")] * 6))
    first = rig.start(Step(OpenCircuit(), Until(duration=600.0), Record(interval=5.0)))
    records = rig.finish(first)
    assert alarms_of(records) == []
    assert len(rows_of(records)) == 121
    assert ends_of(records) == [EndReason.DURATION]


def test_records_are_kept_until_they_are_asked_past() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=60.0), OFTEN))
    rig.after(100.0)
    page = rig.driver.records(first, 3)
    assert (page.first, len(page.records), page.next) == (1, 3, 17)
    assert rig.driver.records(first, 3) == page
    assert rig.driver.records(4, 100).records[0] == rig.driver.records(4, 1).records[0]
    with pytest.raises(InstrumentError, match="oldest left is 4"):
        rig.driver.records(1, 3)


# What is refused.


def program(*steps: Any, limits: CellLimits = LIMITS) -> Program:
    return Program("p", steps, limits)


@pytest.mark.parametrize(
    ("step", "limits", "words"),
    [
        (Step(OpenCircuit(), TIMED), CellLimits(-7.0, 4.0, 1e-3), "limits.voltage_min"),
        (Step(OpenCircuit(), TIMED), CellLimits(0.0, 4.0, 0.5), "limits.current_max"),
        (Step(ConstantCurrent(1e-11), TIMED), LIMITS, r"step 0: \|current\|"),
        (Step(PotentiostaticImpedance(1e6, 1.0, 0.01)), LIMITS, "step 0: first"),
        (Step(PotentiostaticImpedance(1e5, 1e-4, 0.01)), LIMITS, "step 0: last"),
        (Step(PotentiostaticImpedance(1e5, 1.0, 1e-4)), LIMITS, "step 0: amplitude"),
        (Step(OpenCircuit(), TIMED, Record(interval=1e-3)), LIMITS, "step 0: record.interval"),
        (Step(OpenCircuit(), Until(duration=1e-3)), LIMITS, "step 0: until.duration"),
        (Step(VoltageRamp(3.0, 3.1, 100.0)), LIMITS, "step 0: rate"),
    ],
)
def test_what_lies_beyond_the_instrument_is_refused(step: Step, limits: CellLimits, words: str) -> None:
    with pytest.raises(LimitError, match=words):
        Rig().driver.check(program(step, limits=limits))


def test_an_open_cell_cannot_end_by_current() -> None:
    step = Step(OpenCircuit(), Until(duration=10.0, charge=1.0))
    with pytest.raises(ProgramError, match="step 1: charge: at rest the cell is open"):
        Rig().driver.check(program(LONG, step))


def test_a_script_that_is_too_long_is_refused_and_one_in_loops_is_not() -> None:
    with pytest.raises(ProgramError, match="use loops instead"):
        Rig().driver.check(program(*[LONG] * 100))
    Rig().driver.check(program(Loop((LONG, LONG), times=100_000)))
    conditional = Loop((LONG,) * 15, times=3, until=When(cycle_at_least=2))
    Rig().driver.check(program(*[conditional] * 5))


def test_ranges_have_numbers_and_differences_are_remarked() -> None:
    driver = Rig().driver
    assert driver.range_of(LONG) == 3
    assert driver.range_of(Step(ConstantVoltage(4.0), TIMED)) == -1
    assert len(driver.remarks(program(LONG))) == 2
    assert (
        len(driver.remarks(program(Step(VoltageRamp(3.0, 4.0, 1e-3)), Step(ConstantPower(1e-3), TIMED)))) == 4
    )


voltages = st.floats(2.6, 4.3)
currents = st.floats(1e-9, 9e-3).flatmap(lambda size: st.sampled_from([size, -size]))
intervals = st.builds(
    Record,
    st.floats(0.02, 1e4),
    st.none() | st.floats(1e-6, 1.0),
    st.none() | st.floats(1e-9, 1.0),
)
durations = st.floats(0.02, 3e6)
untils = st.builds(
    Until,
    voltage_above=st.none() | voltages,
    voltage_below=st.none() | voltages,
    current_above=st.none() | st.floats(1e-9, 9e-3),
    current_below=st.none() | st.floats(1e-9, 9e-3),
    charge=st.none() | st.floats(1e-9, 1e7),
    energy=st.none() | st.floats(1e-9, 1e8),
    duration=durations,
    voltage_rate_below=st.none() | st.floats(1e-9, 1e4),
    current_rate_below=st.none() | st.floats(1e-9, 1e3),
)
techniques: st.SearchStrategy[Any] = st.one_of(
    st.builds(ConstantCurrent, currents),
    st.builds(ConstantVoltage, voltages),
    st.builds(ConstantPower, st.floats(1e-9, 1e-3)),
    st.builds(ConstantResistance, st.floats(1.0, 1e9)),
    st.just(OpenCircuit()),
)
frequencies = st.floats(1e-3, 2e5)
sweeps = st.builds(VoltageRamp, st.floats(2.6, 3.4), st.floats(3.5, 4.3), st.floats(1e-6, 1.0))
sines = st.one_of(
    st.builds(PotentiostaticImpedance, frequencies, frequencies, st.floats(1e-3, 0.1), bias=st.just(3.5)),
    st.builds(GalvanostaticImpedance, frequencies, frequencies, st.floats(1e-6, 1e-3)),
)
steps = st.one_of(
    st.builds(Step, techniques, untils, intervals),
    st.builds(Step, sweeps, untils, intervals),
    st.builds(Step, sines),
)
bodies = lambda inner: st.lists(inner, min_size=1, max_size=3).map(tuple)  # noqa: E731
nodes = st.recursive(steps, lambda inner: st.builds(Loop, bodies(inner), st.integers(1, 10**5)), max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(nodes, min_size=1, max_size=3))
def test_what_the_driver_accepts_compiles_to_what_the_instrument_accepts(tree: list[Step | Loop]) -> None:
    asked = Program("p", tuple(tree), LIMITS)
    try:
        Rig().driver.check(asked)
    except (LimitError, ProgramError):
        return
    script = compiled(Job("p", tuple(tree), LIMITS, "t/1.0#1", 1e6), EMSTAT4_HR, LISTENING, ROWS_AHEAD)
    commands = Grammar().read(script.lines)
    assert [command.name for command in commands].count("on_finished:") == 1
    assert len(script.request) < EMSTAT4_HR.script + 10


# Files.


@pytest.mark.parametrize(
    ("silence", "interval"),
    [
        *((60.0, 1.0), (600.0, 1.0), (3600.0, 1.0), (60.0, 0.1), (600.0, 0.1)),
        pytest.param(3600.0, 0.1, marks=pytest.mark.slow),
    ],
)
def test_a_silent_link_loses_no_row_and_none_comes_twice(silence: float, interval: float) -> None:
    rig = Rig()
    lasts = silence + 100.0
    first = rig.start(
        Step(OpenCircuit(), Until(duration=lasts), Record(interval=interval)),
        Step(ConstantCurrent(CURRENT), Until(duration=60.0)),
    )
    rig.after(20.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(rig.clock.now() + silence)
    rig.clock.is_deaf = False
    records = rig.finish(first)
    rows = rows_of(records)
    rest = [row.time - SETTLING for row in rows if row.current == 0.0]
    assert len(rest) == round(lasts / interval) + 1
    assert rest == pytest.approx(np.append(0.0, np.arange(1, len(rest)) * interval), abs=0.6 * interval)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert ends_of(records) == [EndReason.DURATION, EndReason.DURATION]
    assert stop_of(records).cause is None
    lost = silence / interval > OUTPUT_BUFFER / 45
    assert alarms_of(records) == (["rows_held", "recovered"] if lost else [])


@pytest.mark.parametrize("seed", range(8))
def test_a_link_that_is_lost_at_any_moment_loses_no_row(seed: int) -> None:
    chances = np.random.default_rng(seed)
    rig = Rig()
    first = rig.start(
        Step(ConstantCurrent(CURRENT), Until(duration=300.0), Record(interval=1.0)),
        Step(OpenCircuit(), Until(duration=300.0), Record(interval=1.0)),
    )
    since = rig.clock.now() + float(chances.uniform(0.0, 620.0))
    Deaf(rig, since, since + float(10.0 ** chances.uniform(0.0, 3.5)))
    records = rig.finish(first)
    assert [row.number for row in rows_of(records)] == list(range(1, 603))
    assert ends_of(records) == [EndReason.DURATION, EndReason.DURATION]
    assert stop_of(records).cause is None


def test_a_limit_that_was_met_in_a_silence_is_told_and_its_rows_come() -> None:
    rig = Rig()
    first = rig.start(Step(ConstantCurrent(CURRENT), Until(voltage_above=OCV + 0.1, duration=1e5)))
    Deaf(rig, 60.0, 5000.0)
    records = rig.finish(first)
    assert ends_of(records) == [EndReason.VOLTAGE_ABOVE]
    assert stop_of(records).cause is None
    assert rows_of(records)[-1].voltage == pytest.approx(OCV + 0.1, abs=5e-3)


def test_a_file_is_deleted_when_its_last_record_is_acknowledged() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=60.0)))
    records = rig.finish(first)
    assert len(rig.twin.storage.files) == 1
    assert rig.driver.records(first + len(records), 0).records == ()
    assert not rig.twin.storage.files


def test_rows_that_were_held_come_with_a_stop() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=1e5), Record(interval=0.1)))
    rig.after(5.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(200.0)
    rig.clock.is_deaf = False
    rig.after(50.0)
    assert len(rows_of(rig.heard(first))) < 400
    assert rig.driver.stop() is True
    records = rig.heard(first)
    assert stop_of(records).cause is EndReason.OPERATOR
    assert len(rows_of(records)) == pytest.approx(2470, abs=2)


def test_a_power_cycle_in_a_silence_loses_only_what_was_not_yet_in_the_file() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=1e5), Record(interval=0.1)))
    rig.after(5.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(500.0)
    rig.twin.power_cycle(rig.clock.now())
    rig.clock.is_deaf = False
    rig.after(60.0)
    records = rig.heard(first)
    assert len(rows_of(records)) > 4900
    assert stop_of(records).cause is EndReason.INSTRUMENT_ERROR


def test_a_storage_without_room_for_a_day_of_rows_is_refused() -> None:
    rig = Rig(storage=6_000_000)
    with pytest.raises(InstrumentError, match="are free"):
        rig.start(LONG)
    assert rig.driver.delete_files() == 0


def test_a_file_that_is_full_takes_no_more_and_the_script_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.instruments.palmsens_emstat4.LEAST_ROOM", 0)
    rig = Rig(storage=40_000)
    records = rig.run(Step(OpenCircuit(), Until(duration=1000.0), Record(interval=1.0)))
    assert len(rows_of(records)) == 1001
    assert rig.twin.storage.used < 40_000
    assert alarms_of(records) == []


HOUR = Step(ConstantCurrent(CURRENT / 10), Until(duration=3600.0), Record(interval=2.0))


def adopted(rig: Rig, token: str, mark: Mark = NOWHERE, step: Step = HOUR) -> int:
    return rig.driver.adopt(Job("job", (step,), LIMITS, token, 30 * 86400.0), mark)


def test_a_script_that_runs_is_taken_over_by_its_token_and_all_its_rows_come() -> None:
    rig = Rig()
    rig.start(HOUR)
    rig.after(100.0)
    rig.succeeded()
    first = adopted(rig, "t1")
    records = rig.finish(first)
    assert len(rows_of(records)) == 1801
    assert ends_of(records) == [EndReason.DURATION]


def test_another_programs_script_is_not_taken_over_and_goes_on() -> None:
    rig = Rig()
    rig.start(HOUR)
    rig.after(100.0)
    rig.succeeded()
    with pytest.raises(InstrumentError, match=r"not that of t2.*nothing was changed"):
        adopted(rig, "t2")
    assert rig.driver.read_busy() == 1
    assert rig.twin.log[-1][1:] != ("cell", "off")
    assert len(rows_of(rig.finish(adopted(rig, "t1")))) == 1801


def test_another_programs_script_that_is_heard_late_ends_the_taking_over_and_goes_on() -> None:
    slow = Step(ConstantCurrent(CURRENT / 10), Until(duration=3600.0), Record(interval=120.0))
    rig = Rig()
    rig.start(slow)
    rig.after(200.0)
    rig.succeeded()
    first = adopted(rig, "t2", step=slow)
    rig.after(300.0)
    records = rig.heard(first)
    assert alarms_of(records) == ["another_script"]
    assert stop_of(records).cause is EndReason.INSTRUMENT_ERROR
    assert rig.driver.read_busy() == 1
    assert len(rows_of(rig.finish(adopted(rig, "t1", step=slow)))) == 31


def test_the_file_of_another_program_is_not_taken_for_ones_own() -> None:
    rig = Rig()
    rig.start(replace(HOUR, until=Until(duration=60.0)))
    rig.succeeded()
    rig.clock.run_until(200.0)
    with pytest.raises(InstrumentError, match="no file of it"):
        adopted(rig, "t2")
    assert len(rig.twin.storage.files) == 1


@settings(deadline=None, max_examples=30)
@given(tokens=st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=2, unique=True))
def test_two_jobs_of_few_steps_have_marks_that_are_far_apart(tokens: list[str]) -> None:
    one, other = (mark_of(token, 1000) for token in tokens)
    assert abs(one - other) > 1000


@pytest.mark.parametrize("looks", [1.4, 2.6])
def test_a_rate_is_that_over_the_samples_it_was_taken_over(looks: float) -> None:
    bound = FLUCTUATION * EMSTAT4_HR.voltage_resolution / looks
    moving = CELL.step(HALF, drive.Current(CURRENT), drive.Until(duration=600.0)).state
    records = Rig(wired=Wired(state=moving)).run(
        Step(OpenCircuit(), Until(voltage_rate_below=bound, duration=2000.0), Record(interval=10.0))
    )
    assert ends_of(records) == [EndReason.VOLTAGE_RATE_BELOW]
    end = rows_of(records)[-1].time - SETTLING
    span = math.ceil(looks)
    instants = (SETTLING + end - 2 * span, SETTLING + end - span, SETTLING + end)
    before = CELL.step(
        moving, drive.REST, drive.Until(duration=instants[-1] + 1), drive.Record(times=instants)
    )
    volts = [before.voltage[np.argmin(np.abs(before.time - each))] for each in instants]
    rates = np.abs(np.diff(volts)) / span
    assert rates[1] <= bound * (1.0 + 1e-3)
    assert rates[0] > 0.95 * bound


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (Until(voltage_below=3.0), EndReason.VOLTAGE_BELOW),
        (Until(duration=20_000.0), EndReason.SAFETY_VOLTAGE_MIN),
    ],
)
@pytest.mark.parametrize("current", [-CURRENT, -10 * CURRENT, -30 * CURRENT])
def test_a_cell_that_is_exhausted_between_two_samples_has_no_open_leads(
    current: float, until: Until, reason: EndReason
) -> None:
    records = Rig().run(Step(ConstantCurrent(current), until))
    assert ends_of(records) == [reason]
    assert rows_of(records)[-1].current == pytest.approx(current, rel=0.01)
