"""The Squidstat's driver through its bridge and the twin's library, against the cell's physics called directly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from devices.bridges.squidstat import SquidstatBridge
from devices.cycling.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Job,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.cycling.ends import EndReason
from devices.cycling.position import NOWHERE
from devices.cycling.programs import CellLimits, Loop, Program, Step
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
    Until,
    VoltageRamp,
)
from devices.cycling.verdict import Measured, own_end
from devices.errors import (
    InstrumentError,
    LimitError,
    OutcomeUnknown,
    OwnershipError,
    ProgramError,
    Timeout,
    WireError,
)
from devices.instruments.squidstat import Squidstat
from devices.ports import Fault, FaultyPort, TwinPort, random_faults
from devices.wire import Wire
from sim.physics.cell import control
from sim.physics.cell.impedance import impedance
from sim.twins.squidstat import SquidstatTwin
from sim.twins.squidstat_elements import EXACT, Accuracy
from tests.support.cells import CURRENT, Foil, make_cell
from tests.support.channel import Touched

RESOLUTION = 10.0 * 2.0**-39  # V, half a step of 40 bits over +-10 V is less
LIMITS = CellLimits(2.0, 4.6, 1e-2)
LONGEST = 1e5
LANE = "lane"


CELL = make_cell(cathode_capacitance=0.1, electrolyte_capacitance=1e-3)
HALF = CELL.current_step(CELL.fresh(), CURRENT, 2000.0).state
REST_VOLTAGE = CELL.voltage(HALF, 0.0)


class Rig:
    """A driver on a bridge on a twin; the clock moves when somebody waits."""

    def __init__(
        self, clock: Any, *, accuracy: Accuracy = EXACT, faults: Any = None, wired: bool = True
    ) -> None:
        self.clock, self.foil = clock, Foil(CELL, HALF)
        self.twin = SquidstatTwin(accuracy=accuracy)
        if wired:
            self.twin.wire_cell(0, self.foil)
        self.bridge = SquidstatBridge(self.twin.library, port=self.twin.port, boot="b1", now=clock.now)
        self.connection = self.bridge.connect("the driver")
        self.driver = self.client(self.connection, faults)
        self.records: list[Any] = []
        self._next = 1
        self._jobs = 0

    def client(self, connection: Any, faults: Any = None) -> Squidstat:
        self.touched = Touched(self.twin, connection, self.clock)
        port: Any = TwinPort(self.touched, self.clock, LANE)
        if faults is not None:
            port = FaultyPort(port, self.clock, faults)
        wire = Wire(port, self.clock, name="squidstat", lane=LANE, sync=Squidstat.sync)
        return Squidstat(wire, self.clock, name="squidstat")

    def begin(self, nodes: Sequence[Step | Loop], limits: CellLimits = LIMITS) -> None:
        """Check, upload and start some nodes."""
        self._jobs += 1
        token = f"t{self._jobs}"
        self.driver.check(Program("test", tuple(nodes), limits))
        self.driver.upload(Job("test", tuple(nodes), limits, token, LONGEST))
        self._next = self.driver.start(token)

    def collect(self) -> None:
        """Fetch what there is."""
        while True:
            page = self.driver.records(self._next, 100)
            assert page.first == self._next
            self.records += page.records
            self._next += len(page.records)
            if self._next >= page.next:
                return

    def wait(self, seconds: float, period: float = 60.0) -> None:
        """Let time pass, fetching as a station does."""
        until = self.clock.moment + seconds
        while self.clock.moment < until:
            self.clock.moment = min(self.clock.moment + period, until)
            self.collect()

    def run(self, nodes: Sequence[Step | Loop], seconds: float, limits: CellLimits = LIMITS) -> list[Any]:
        """Run some nodes and return all records."""
        self.begin(nodes, limits)
        self.wait(seconds, seconds / 4)
        return self.records

    def of(self, kind: type) -> list[Any]:
        return [each for each in self.records if isinstance(each, kind)]


@pytest.fixture
def rig(clock: Any) -> Rig:
    return Rig(clock)


def measured(rows: Sequence[RowTaken]) -> Measured:
    """Return what a ledger would make of a step's rows: trapezoids."""
    times, volts, amperes = (
        np.array([getattr(row, name) for row in rows]) for name in ("time", "voltage", "current")
    )
    charge, energy = np.trapezoid(amperes, times), np.trapezoid(amperes * volts, times)
    return Measured(rows[0], rows[-1], float(charge), float(energy))


def step(run: Any, interval: float = 5.0, **until: float) -> Step:
    return Step(run, Until(**until), Record(interval))


CASES: dict[str, tuple[Step, Any, dict[str, float], EndReason]] = {
    "rest": (step(OpenCircuit(), duration=600.0), control.REST, {"duration": 600.0}, EndReason.DURATION),
    "rest until it is steady": (
        step(OpenCircuit(), voltage_rate_below=1e-6),
        control.REST,
        {"voltage_rate": 1e-6},
        EndReason.VOLTAGE_RATE_BELOW,
    ),
    "rest until a voltage": (
        step(OpenCircuit(), voltage_below=REST_VOLTAGE - 1e-3, duration=1e4),
        control.REST,
        {"lower": REST_VOLTAGE - 1e-3, "duration": 1e4},
        EndReason.VOLTAGE_BELOW,
    ),
    "charge": (
        step(ConstantCurrent(CURRENT), voltage_above=4.2),
        control.Current(CURRENT),
        {"upper": 4.2},
        EndReason.VOLTAGE_ABOVE,
    ),
    "discharge": (
        step(ConstantCurrent(-CURRENT), voltage_below=3.0),
        control.Current(-CURRENT),
        {"lower": 3.0},
        EndReason.VOLTAGE_BELOW,
    ),
    "charge by charge": (
        step(ConstantCurrent(CURRENT), charge=0.02),
        control.Current(CURRENT),
        {"charge": 0.02},
        EndReason.CHARGE,
    ),
    "charge for a time": (
        step(ConstantCurrent(CURRENT), duration=123.0),
        control.Current(CURRENT),
        {"duration": 123.0},
        EndReason.DURATION,
    ),
    "hold": (
        step(ConstantVoltage(4.15), 0.5, current_below=1e-5),
        control.Voltage(4.15),
        {"smallest_current": 1e-5},
        EndReason.CURRENT_BELOW,
    ),
    "hold until the current is steady": (
        step(ConstantVoltage(4.15), 0.5, current_rate_below=1e-8),
        control.Voltage(4.15),
        {"current_rate": 1e-8},
        EndReason.CURRENT_RATE_BELOW,
    ),
    "hold by charge": (
        step(ConstantVoltage(4.15), 0.1, charge=5e-3, duration=1e4),
        control.Voltage(4.15),
        {"charge": 5e-3, "duration": 1e4},
        EndReason.CHARGE,
    ),
    "hold, too much current": (
        step(ConstantVoltage(4.3), 0.5, current_above=1e-4, duration=10.0),
        control.Voltage(4.3),
        {"largest_current": 1e-4, "duration": 10.0},
        EndReason.CURRENT_ABOVE,
    ),
    "charge at a power": (
        step(ConstantPower(4e-4), voltage_above=4.2),
        control.Power(4e-4),
        {"upper": 4.2},
        EndReason.VOLTAGE_ABOVE,
    ),
    "discharge at a power until a current": (
        step(ConstantPower(-4e-4), current_above=1.05e-4, voltage_below=2.5),
        control.Power(-4e-4),
        {"largest_current": 1.05e-4, "lower": 2.5},
        EndReason.CURRENT_ABOVE,
    ),
    "a power by charge": (
        step(ConstantPower(-4e-4), charge=0.01),
        control.Power(-4e-4),
        {"charge": 0.01},
        EndReason.CHARGE,
    ),
    "a load": (
        step(ConstantResistance(4e4), voltage_below=3.0),
        control.Resistance(4e4),
        {"lower": 3.0},
        EndReason.VOLTAGE_BELOW,
    ),
    "a load until a current": (
        step(ConstantResistance(4e4), current_below=9.6e-5),
        control.Resistance(4e4),
        {"smallest_current": 9.6e-5},
        EndReason.CURRENT_BELOW,
    ),
    "sweep the voltage": (
        step(VoltageRamp(REST_VOLTAGE, 4.1, 1e-3), 1.0),
        control.Voltage(REST_VOLTAGE, 1e-3),
        {"duration": (4.1 - REST_VOLTAGE) / 1e-3},
        EndReason.SWEPT,
    ),
    "sweep the voltage down, to a current": (
        step(VoltageRamp(REST_VOLTAGE, 3.0, 1e-3), 1.0, current_above=5e-5),
        control.Voltage(REST_VOLTAGE, -1e-3),
        {"duration": (REST_VOLTAGE - 3.0) / 1e-3, "largest_current": 5e-5},
        EndReason.CURRENT_ABOVE,
    ),
    "sweep the current": (
        step(CurrentRamp(0.0, 1e-4, 1e-6), 1.0),
        control.Current(0.0, 1e-6),
        {"duration": 100.0},
        EndReason.SWEPT,
    ),
    "sweep the current, to a voltage": (
        step(CurrentRamp(1e-5, -1e-3, 1e-6), 1.0, voltage_below=3.8),
        control.Current(1e-5, -1e-6),
        {"duration": 1010.0, "lower": 3.8},
        EndReason.VOLTAGE_BELOW,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_technique_gives_the_cells_own_rows_and_ends_where_the_cell_does(rig: Rig, name: str) -> None:
    asked, drive, ends, reason = CASES[name]
    segment = CELL.step(HALF, drive, control.Until(**ends), control.Record(asked.record.interval))
    rig.run([asked], float(segment.time[-1]) + 60.0)
    rows = rig.of(RowTaken)
    assert [type(each) for each in rig.records] == [ElementBegan, *[RowTaken] * len(rows), RunStopped]
    assert [row.time for row in rows] == pytest.approx(segment.time, abs=1e-5)
    assert [row.voltage for row in rows] == pytest.approx(segment.voltage, abs=1e-8)
    largest = float(np.max(np.abs(segment.current)))
    assert [row.current for row in rows] == pytest.approx(segment.current, abs=1e-6 * largest + 1e-15)
    assert own_end(asked, measured(rows), LONGEST) is reason
    assert rig.foil.state.charge == pytest.approx(
        CELL.step(segment.state, control.REST, control.Until(duration=1.0)).state.charge, rel=1e-7
    )


@pytest.mark.parametrize("lost", [None, (3.2, 42.0)])
@pytest.mark.parametrize(
    ("run", "drive"),
    [
        (ConstantVoltage(4.1), control.Voltage(4.1)),
        (VoltageRamp(4.0, 4.1, 1e-3), control.Voltage(4.0, 1e-3)),
        (ConstantPower(-2e-4), control.Power(-2e-4)),
        (ConstantResistance(4e4), control.Resistance(4e4)),
    ],
)
def test_rows_say_what_truly_passed_however_seldom_they_are(
    rig: Rig, run: Any, drive: Any, lost: tuple[float, float] | None
) -> None:
    lasts = {} if isinstance(run, VoltageRamp) else {"duration": 100.0}
    rig.begin([step(run, 30.0, **lasts)])
    if lost is not None:
        rig.wait(lost[0])
        rig.twin.unplug()
        rig.twin.deliver()
        rig.clock.moment += lost[1]
        rig.twin.advance(rig.clock.moment)
        rig.twin.replug()
    rig.wait(200.0)
    rows = rig.of(RowTaken)
    assert [row.time for row in rows] == pytest.approx([0.0, 30.0, 60.0, 90.0, 100.0], abs=1e-5)
    truth = CELL.step(HALF, drive, control.Until(duration=100.0), control.Record(30.0))
    for name in ("charge", "energy"):
        sums = np.cumsum([getattr(row, name) for row in rows])
        assert sums == pytest.approx(getattr(truth, name), rel=2e-3, abs=1e-9)


@pytest.mark.parametrize("bias", [None, 4.0])
def test_a_potentiostatic_spectrum_is_the_cells_impedance_each_point_in_its_own_time(
    rig: Rig, bias: float | None
) -> None:
    rig.run([Step(PotentiostaticImpedance(1e4, 0.01, 0.01, 5, bias))], 2000.0)
    points = rig.of(SpectrumPoint)
    frequencies = np.array([point.frequency for point in points])
    assert frequencies == pytest.approx(np.logspace(4, -2, 31), rel=1e-9)
    assert np.all(np.diff([0.0, *(point.time for point in points)]) >= 1.0 / frequencies - 1e-6)
    held = control.Voltage(REST_VOLTAGE if bias is None else bias)
    for point in points[::6]:
        lived = CELL.step(HALF, held, control.Until(duration=point.time))
        expected = impedance(
            CELL.parameters, lived.state, np.array([point.frequency]), float(lived.current[-1])
        )
        assert complex(point.z_real, point.z_imag) == pytest.approx(complex(expected[0]), rel=1e-4)
        assert point.voltage == pytest.approx(held.value)
    assert {point.amplitude for point in points} == {0.01}
    assert {point.distortion for point in points} == {0.0}
    assert [point.number for point in points] == list(range(1, 32))


def test_a_galvanostatic_spectrum_carries_its_bias_and_its_amplitude(rig: Rig) -> None:
    rig.run([Step(GalvanostaticImpedance(100.0, 0.1, 1e-6, 3, -2e-5))], 100.0)
    points = rig.of(SpectrumPoint)
    assert len(points) == 10
    for point in points:
        lived = CELL.step(HALF, control.Current(-2e-5), control.Until(duration=point.time))
        expected = impedance(CELL.parameters, lived.state, np.array([point.frequency]), -2e-5)
        assert complex(point.z_real, point.z_imag) == pytest.approx(complex(expected[0]), rel=1e-5)
        assert (point.amplitude, point.current) == (1e-6, pytest.approx(-2e-5))
    assert all(point.z_imag < 0 for point in points)


def test_loops_in_loops_run_as_often_as_they_say_and_their_elements_are_told_apart(rig: Rig) -> None:
    inner = Loop((step(ConstantCurrent(CURRENT), duration=10.0), step(OpenCircuit(), duration=10.0)), 3)
    rig.run([Loop((inner, step(ConstantCurrent(-CURRENT), duration=20.0)), 2)], 200.0)
    names = [each.name for each in rig.of(ElementBegan)]
    once = ["Constant Current, Advanced", "Open Circuit Potential"]
    assert names == 2 * (3 * once + once[:1])
    assert rig.twin.charges == [(0, pytest.approx(2 * (30 - 20) * CURRENT))]


def test_rows_by_voltage_change_come_each_time_it_moved_by_so_much(rig: Rig) -> None:
    asked = Step(ConstantCurrent(CURRENT), Until(duration=600.0), Record(1.0, voltage_change=2e-3))
    rows = [each for each in rig.run([asked], 700.0) if isinstance(each, RowTaken)]
    moves = np.abs(np.diff([row.voltage for row in rows]))
    assert moves[:-1] == pytest.approx(2e-3, rel=1e-5)
    assert 2 < len(rows) < 100
    assert not rig.of(InstrumentAlarm)


REFUSED: dict[str, tuple[Step, CellLimits, type[Exception], str]] = {
    "energy": (
        step(ConstantCurrent(CURRENT), energy=1.0),
        LIMITS,
        ProgramError,
        "ends by voltage_above or voltage_below or charge or duration, not by energy",
    ),
    "current of a rest": (
        step(OpenCircuit(), duration=9.0, current_above=1e-3),
        LIMITS,
        ProgramError,
        "current_above",
    ),
    "dV/dt of a current": (
        step(ConstantCurrent(CURRENT), duration=9.0, voltage_rate_below=1e-6),
        LIMITS,
        ProgramError,
        "voltage_rate_below",
    ),
    "voltage of a hold": (
        step(ConstantVoltage(4.0), duration=9.0, voltage_above=4.1),
        LIMITS,
        ProgramError,
        "not by",
    ),
    "time of a sweep": (
        step(VoltageRamp(3.0, 4.0, 1e-3), duration=9.0),
        LIMITS,
        ProgramError,
        "not by duration",
    ),
    "charge of a sweep": (
        step(VoltageRamp(3.0, 4.0, 1e-3)),
        replace(LIMITS, charge_max=1.0),
        ProgramError,
        "cannot bound the charge",
    ),
    "charge of a biased spectrum": (
        Step(PotentiostaticImpedance(1e3, 1.0, 0.01, 6, 3.9)),
        replace(LIMITS, charge_max=1.0),
        ProgramError,
        "cannot bound the charge",
    ),
    "little current": (step(ConstantCurrent(1e-12), duration=9.0), LIMITS, LimitError, "step 0"),
    "no current": (step(ConstantCurrent(0.0), duration=9.0), LIMITS, LimitError, "step 0"),
    "no power": (step(ConstantPower(0.0), duration=9.0), LIMITS, LimitError, "power"),
    "much current": (
        step(OpenCircuit(), duration=9.0),
        replace(LIMITS, current_max=5.0),
        LimitError,
        "current_max",
    ),
    "frequency": (Step(PotentiostaticImpedance(1e7, 1.0, 0.01)), LIMITS, LimitError, "first"),
    "small end": (step(ConstantVoltage(4.0), current_below=1e-10), LIMITS, LimitError, "until.current_below"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_do_is_refused_before_the_wire_and_says_what_it_can(rig: Rig, name: str) -> None:
    asked, limits, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        rig.driver.check(Program("test", (asked,), limits))
    assert not rig.touched.requests


def test_more_repeats_than_the_library_takes_are_refused(rig: Rig) -> None:
    with pytest.raises(ProgramError, match="65535"):
        rig.driver.check(Program("test", (Loop((step(OpenCircuit(), duration=1.0),), 70_000),), LIMITS))


def test_what_it_does_otherwise_is_remarked_once(rig: Rig) -> None:
    both = Record(10.0, voltage_change=0.01, current_change=1e-6)
    steps = (
        Step(ConstantCurrent(CURRENT), Until(voltage_above=4.6), both),
        Step(ConstantVoltage(4.2), Until(duration=10.0), both),
        Step(ConstantVoltage(4.1), Until(duration=10.0), both),
        Step(PotentiostaticImpedance(1e3, 1.0, 0.01)),
        Step(PotentiostaticImpedance(1e3, 1.0, 0.01, bias=4.0)),
    )
    remarks = rig.driver.remarks(Program("test", steps, LIMITS))
    assert len(remarks) == len(set(remarks)) == 6
    assert "off by 0.0005 C" in remarks[-1]
    assert "overrides the interval" in remarks[0]
    assert not rig.driver.remarks(Program("test", (step(OpenCircuit(), duration=1.0),), LIMITS))


@pytest.mark.parametrize(
    ("run", "place"),
    [
        (OpenCircuit(), -1),
        (ConstantVoltage(4.0), -1),
        (ConstantPower(1e-3), -1),
        (ConstantCurrent(-8.6e-5), 2),
        (ConstantCurrent(1e-4), 2),
        (CurrentRamp(0.0, -2e-3, 1e-3), 4),
        (GalvanostaticImpedance(1e3, 1.0, 1e-6, 6, 1e-6), 1),
        (PotentiostaticImpedance(1e3, 1.0, 0.01), -1),
    ],
    ids=repr,
)
def test_the_range_is_the_smallest_that_holds_what_is_driven(rig: Rig, run: Any, place: int) -> None:
    until = {} if "amp" in run.technique or "imp" in run.technique else {"duration": 10.0}
    assert rig.driver.range_of(step(run, **until)) == place


def test_the_idle_cell_is_read_and_a_busy_one_is_not(rig: Rig) -> None:
    rested = CELL.step(HALF, control.REST, control.Until(duration=1.0)).state
    assert rig.driver.read_cell() == pytest.approx(CELL.voltage(rested, 0.0), abs=RESOLUTION)
    rig.twin.wire_cell(0, None)
    assert rig.driver.read_cell() == 0.0
    rig.twin.wire_cell(0, rig.foil)
    rig.begin([step(OpenCircuit(), duration=100.0)])
    with pytest.raises(InstrumentError, match="busy"):
        rig.driver.read_cell()


def test_an_instrument_that_sends_no_idle_sample_gives_none(rig: Rig) -> None:
    rig.twin.idle = lambda channel, reading: None  # type: ignore[method-assign]
    assert math.isnan(rig.driver.read_cell())


def test_the_cells_limits_are_the_channels_own(rig: Rig) -> None:
    limits = CellLimits(3.0, 4.0, 5e-4)
    rig.run([step(ConstantCurrent(2e-4), duration=3600.0)], 3700.0, limits)
    assert "maximum voltage limit of 4 V" in rig.records[-1].reason
    assert rig.records[-2].voltage == pytest.approx(4.0, abs=1e-6)
    rig.records.clear()
    rig.run([step(ConstantVoltage(3.5), duration=3600.0)], 10.0, limits)
    assert "minimum current limit of -0.0005 A" in rig.records[-1].reason


def test_a_charge_that_is_a_safety_limit_stops_the_experiment_and_is_named(rig: Rig) -> None:
    limits = replace(LIMITS, charge_max=0.01)
    charge = step(ConstantCurrent(CURRENT), voltage_above=4.2)
    rig.begin([charge, step(OpenCircuit(), duration=1000.0)], limits)
    rig.wait(200.0, 5.0)
    kinds = [each for each in rig.records if not isinstance(each, RowTaken)]
    assert kinds[1:3] == [ElementEnded(EndReason.SAFETY_CHARGE), ElementBegan("Open Circuit Potential")]
    assert isinstance(kinds[-1], RunStopped)
    assert rig.records[-2].time == pytest.approx(0.01 / CURRENT, rel=0.1)
    assert rig.twin.charges == [(0, pytest.approx(0.01, rel=1e-6))]
    rig.records.clear()
    rig.run([charge], 1000.0, limits)
    assert rig.records[-1].cause is EndReason.SAFETY_CHARGE


def test_an_own_charge_below_the_limit_is_an_end_like_any_other(rig: Rig) -> None:
    limits = replace(LIMITS, charge_max=0.011)
    rig.run([step(ConstantCurrent(CURRENT), charge=0.01), step(OpenCircuit(), duration=10.0)], 1000.0, limits)
    assert not rig.of(ElementEnded)
    assert rig.records[-1] == RunStopped("Experiment completed", completed=True)


def test_readings_that_fail_are_rows_without_numbers(rig: Rig) -> None:
    rig.begin([step(ConstantCurrent(CURRENT), 1.0, duration=10.0)])
    rig.twin.fail_readings(0, 2)
    rig.wait(20.0, 5.0)
    rows = rig.of(RowTaken)
    assert [math.isnan(row.voltage) for row in rows] == [False, *[True] * 2, *[False] * 8]
    assert all(math.isfinite(row.time) for row in rows)
    assert [each.code for each in rig.of(InstrumentAlarm)] == ["reading_failed"]


def test_readings_that_fail_for_good_stop_what_is_driven_and_no_rest(rig: Rig) -> None:
    rig.begin([step(OpenCircuit(), 1.0, duration=10.0), step(ConstantCurrent(CURRENT), 1.0, duration=600.0)])
    rig.twin.fail_readings(0, 10**6)
    rig.wait(60.0, 5.0)
    assert not rig.twin.busy(0)
    assert [each.code for each in rig.of(InstrumentAlarm)] == ["reading_failed"] * 2, "once in each element"
    assert rig.records[-1].cause is EndReason.INSTRUMENT_ERROR
    assert len([row for row in rig.of(RowTaken) if row.time > 10.0]) <= 2 + 5


# Before and after a run, and without a host.

REST = step(OpenCircuit(), 10.0, duration=100.0, voltage_above=4.2)


def job(token: str, policy: Any = "keep") -> Job:
    return Job("test", (REST,), LIMITS, token, LONGEST, policy)


def test_what_was_uploaded_and_never_started_is_in_nobodys_way(rig: Rig) -> None:
    rig.driver.upload(job("t1"))
    assert rig.driver.stop() is False
    with pytest.raises(InstrumentError, match="not_uploaded"):
        rig.driver.start("t1")
    assert rig.driver.read_cell() == pytest.approx(REST_VOLTAGE, abs=1e-3)
    rig.driver.upload(job("t2"))
    assert rig.driver.read_cell() == pytest.approx(REST_VOLTAGE, abs=5e-3), "its own client may drop it"
    rig.driver.upload(job("t3"))
    rig._next = rig.driver.start("t3")
    assert rig._next == 1, "the rest that took an upload off left no records"
    rig.wait(200.0)
    assert len(rig.of(RowTaken)) == 11
    assert [type(each) for each in rig.records[::12]] == [ElementBegan, RunStopped]


def test_somebody_elses_upload_is_not_dropped_for_a_look(rig: Rig) -> None:
    rig.driver.upload(job("t1"))
    other = rig.client(rig.bridge.connect("another"))
    with pytest.raises(OwnershipError, match="the driver"):
        other.read_cell()
    assert rig.driver.start("t1") == 1


def test_a_start_that_the_instrument_refused_may_come_again(rig: Rig) -> None:
    rig.driver.upload(job("t1"))
    rig.twin.set_limits(0, replace(rig.twin.limits(0), voltage_min=4.3))
    with pytest.raises(InstrumentError, match="54"):
        rig.driver.start("t1")
    rig.driver.upload(job("t1"))
    rig.twin.set_limits(0, replace(rig.twin.limits(0), voltage_min=0.0))
    assert rig.driver.start("t1") == 1
    assert rig.driver.start("t1") == 1


@pytest.mark.parametrize("policy", ["keep", "open"])
def test_a_host_that_is_gone_opens_the_cell_where_that_is_asked_for(rig: Rig, policy: Any) -> None:
    charge = step(ConstantCurrent(CURRENT / 100), 60.0, duration=9000.0)
    rig.driver.upload(Job("test", (charge,), LIMITS, "t1", LONGEST, policy))
    rig._next = rig.driver.start("t1")
    rig.wait(600.0, 60.0)
    rig.connection.close()
    for _ in range(9):
        rig.clock.moment += 30.0
        rig.twin.advance(rig.clock.moment)
        rig.bridge.tend()
    assert rig.twin.busy(0), "a link may come back"
    rig.clock.moment += 60.0
    rig.twin.advance(rig.clock.moment)
    rig.bridge.tend()
    assert rig.twin.busy(0) == (policy == "keep")
    rig.twin.deliver()
    rig.collect()
    if policy == "open":
        assert [each.code for each in rig.of(InstrumentAlarm)] == ["host_lost"]
        assert rig.records[-1].cause is EndReason.LINK_LOST


def test_a_power_cycle_in_a_run_is_an_error_of_the_instrument(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin([step(ConstantCurrent(CURRENT / 10), 10.0, duration=3000.0)])
    rig.wait(1000.0)
    rig.twin.lose_power()
    rig.wait(120.0)
    assert rig.records[-1].cause is EndReason.INSTRUMENT_ERROR
    assert "switched off and on" in rig.records[-1].reason


# The link.

CYCLING = [
    step(OpenCircuit(), 10.0, duration=60.0),
    Loop(
        (
            step(ConstantCurrent(CURRENT), 10.0, duration=300.0),
            step(ConstantCurrent(-CURRENT), 10.0, duration=300.0),
        ),
        3,
    ),
]
LENGTH = 60.0 + 6 * 300.0


def undisturbed(clock: Any) -> list[Any]:
    rig = Rig(type(clock)())
    rig.begin(CYCLING)
    rig.wait(LENGTH + 100.0)
    return [each for each in rig.records if not isinstance(each, RunStopped)]


def measurements(rig: Rig) -> list[Any]:
    return [each for each in rig.records if isinstance(each, RowTaken | ElementBegan)]


def alarms(rig: Rig) -> list[str]:
    return [each.code for each in rig.of(InstrumentAlarm)]


@pytest.mark.parametrize(("gone", "back"), [(100.0, 1000.0), (61.0, 69.0), (360.0, 960.0), (355.0, 665.0)])
def test_what_was_measured_without_the_link_is_recovered_in_order_and_once(
    clock: Any, gone: float, back: float
) -> None:
    rig = Rig(clock)
    rig.begin(CYCLING)
    rig.wait(gone, 20.0)
    rig.twin.unplug()
    rig.wait(back - gone, 20.0)
    rig.twin.replug()
    rig.wait(LENGTH + 100.0 - back, 20.0)
    assert measurements(rig) == undisturbed(clock)
    assert alarms(rig) == ["disconnected", "recovered"]
    assert isinstance(rig.records[-1], RunStopped)
    assert [event for _, event, _ in rig.twin.log].count("unplugged") == 1
    assert ("memory", "erased as told") in [each[1:] for each in rig.twin.log]


def test_a_run_that_ended_without_the_link_is_over_with_all_its_rows(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin(CYCLING)
    rig.wait(100.0)
    rig.twin.unplug()
    rig.wait(LENGTH)
    rig.twin.replug()
    rig.wait(200.0)
    assert measurements(rig) == undisturbed(clock)
    assert rig.records[-1] == RunStopped("it ended while the link was lost")
    assert alarms(rig) == ["disconnected", "recovered"]


def test_a_link_that_is_lost_again_and_again_loses_and_doubles_nothing(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin(CYCLING)
    for _ in range(12):
        rig.wait(47.0, 11.0)
        rig.twin.unplug()
        rig.wait(33.0, 11.0)
        rig.twin.replug()
    rig.wait(LENGTH)
    assert measurements(rig) == undisturbed(clock)
    assert alarms(rig).count("rows_gap") == 0


def test_what_is_said_again_because_nobody_had_fetched_it_is_booked_once(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin(CYCLING)
    for _ in range(7):
        clock.moment += 97.0
        rig.driver.read_busy()
        rig.twin.unplug()
        clock.moment += 61.0
        with pytest.raises(WireError):
            rig.driver.read_busy()
        rig.twin.replug()
        clock.moment += 2.0
        with pytest.raises(WireError):  # it is only now connected to
            rig.driver.read_busy()
    assert "erased as told" not in [text for _, _, text in rig.twin.log]
    rig.wait(LENGTH)
    assert measurements(rig) == undisturbed(clock)
    assert "rows_gap" not in alarms(rig)
    assert "erased as told" in [text for _, _, text in rig.twin.log]


def test_rows_that_the_instrument_lost_are_a_hole_that_is_said(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin([step(OpenCircuit(), 10.0, duration=1000.0)])
    rig.wait(100.0)
    rig.twin.unplug()
    rig.wait(300.0)
    rig.twin.lose_memory(13)
    rig.twin.replug()
    rig.wait(1000.0)
    times = [row.time for row in rig.of(RowTaken)]
    assert times == [t for t in np.arange(0.0, 1001.0, 10.0).tolist() if not 100.0 < t < 210.0]
    assert alarms(rig) == ["disconnected", "rows_gap", "recovered"]
    assert "between 100 s and 210 s" in rig.of(InstrumentAlarm)[1].text


def test_without_the_link_everything_but_the_records_is_a_lost_wire(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin(CYCLING)
    rig.wait(100.0)
    rig.twin.unplug()
    rig.collect()
    for call in (
        rig.driver.read_busy,
        rig.driver.stop,
        rig.driver.safe,
        rig.driver.identify,
        rig.driver.read_cell,
    ):
        with pytest.raises(WireError, match="goes on by itself"):
            call()
    with pytest.raises(Timeout, match="did not reach"):
        rig.driver.start("t9")
    rig.twin.replug()
    rig.wait(2.0, 2.0)
    assert rig.driver.read_busy() == 1
    assert rig.driver.stop()


def test_a_power_cut_ends_the_run_with_what_was_measured(clock: Any) -> None:
    rig = Rig(clock)
    rig.begin(CYCLING)
    rig.wait(103.0)
    rig.twin.lose_power()
    rig.wait(100.0)
    assert isinstance(rig.records[-1], RunStopped)
    assert rig.of(RowTaken)[-1].time == pytest.approx(103.0)
    assert rig.driver.read_busy() == 0


def test_rows_that_the_library_says_twice_are_one(rig: Rig) -> None:
    handler = rig.twin.library.handler
    handler.activeDCDataReady.connect(
        lambda channel, data: rig.twin.library.handler.recoveryDCDataReady.emit(channel, data)
    )
    rig.begin([step(OpenCircuit(), 1.0, duration=20.0)])
    rig.wait(30.0)
    assert [row.time for row in rig.of(RowTaken)] == pytest.approx(np.arange(21.0))


def test_pauses_by_another_program_are_told_and_no_hole(rig: Rig) -> None:
    rig.begin([step(ConstantCurrent(CURRENT), 1.0, duration=20.0)])
    rig.wait(5.5, 1.0)
    handler = rig.twin.library.handler
    assert handler.pauseExperiment(0).value() == 0
    rig.wait(100.0)
    assert handler.resumeExperiment(0).value() == 0
    rig.wait(100.0)
    assert alarms(rig) == ["paused", "resumed"]
    assert rig.twin.charges == [(0, pytest.approx(20.0 * CURRENT))]


def test_with_most_replies_lost_it_starts_once_and_every_record_comes_once(clock: Any) -> None:
    rig = Rig(clock, faults=random_faults(4, {"drop": 0.7}))
    nodes = tuple(CYCLING)

    def insist(action: Any) -> Any:
        for _ in range(500):
            try:
                return action()
            except WireError:
                clock.sleep(5.0)
        raise AssertionError("the wire is not that bad")

    insist(lambda: rig.driver.upload(Job("test", nodes, LIMITS, "t1", LONGEST)))
    try:
        rig._next = rig.driver.start("t1")
    except (OutcomeUnknown, Timeout):
        rig._next = insist(rig.driver.state).first
        rig.driver._boot = "b1"
    began = clock.moment
    while clock.moment < began + LENGTH + 300.0:
        insist(rig.collect)
        clock.moment += 60.0
    assert [event for _, event, _ in rig.twin.log].count("started") == 1
    assert [each.number for each in rig.of(RowTaken)] == list(range(1, len(rig.of(RowTaken)) + 1))
    assert [type(each) for each in rig.records[:-1]] == [type(each) for each in undisturbed(clock)]


@pytest.mark.parametrize("trouble", ["duplicate", "drop", "garble", "truncate", "ignore", "disconnect"])
def test_a_start_in_trouble_acts_once_or_not_at_all(clock: Any, trouble: Any) -> None:
    rig = Rig(clock, faults=[None, None, Fault(trouble)])
    rig.driver.upload(Job("test", tuple(CYCLING), LIMITS, "t1", LONGEST))
    try:
        first = rig.driver.start("t1")
    except Timeout:
        assert not rig.twin.busy(0)
    else:
        assert first == 1
        assert rig.twin.busy(0)
    assert [event for _, event, _ in rig.twin.log].count("started") <= 1


def test_a_channel_is_one_clients_until_it_leaves_and_safe_is_anybodys(rig: Rig, caplog: Any) -> None:
    other = rig.client(rig.bridge.connect("pid 42"))
    rig.begin(CYCLING)
    for call in (other.stop, lambda: other.upload(Job("x", tuple(CYCLING), LIMITS, "u", 1.0))):
        with pytest.raises(OwnershipError, match="the driver since"):
            call()
    assert other.read_busy() == 1
    assert "42" in str(rig.bridge._leases.take(0, rig.connection.client, 0.0) or "42")
    other.safe()
    assert rig.driver.read_busy() == 0
    assert "held by the driver" in caplog.text
    assert rig.connection.close() == [0]
    assert other.stop() is False
    with pytest.raises(OwnershipError, match="pid 42"):
        rig.driver.stop()


@pytest.mark.parametrize(("trace", "kept"), [({}, True), ({"boot": "b1"}, True), ({"boot": "b0"}, False)])
def test_a_job_whose_start_was_not_yet_answered_is_known_by_its_token(
    clock: Any, trace: dict[str, str], kept: bool
) -> None:
    rig = Rig(clock)
    rig.begin((Step(ConstantCurrent(1e-5), Until(duration=10.0), Record(interval=1.0)),))
    rig.clock.moment += 100.0
    later = rig.client(rig.bridge.connect("a later session"))
    job = Job("test", (), LIMITS, "t1", LONGEST)
    assert later.keeps("t1", trace) is kept
    assert not later.keeps("t2", trace)
    if kept:
        first = later.adopt(job, replace(NOWHERE, trace=trace))
        assert len([each for each in later.records(first, 100).records if isinstance(each, RowTaken)]) == 11
    else:
        with pytest.raises(InstrumentError, match="records are gone"):
            later.adopt(job, replace(NOWHERE, trace=trace))
