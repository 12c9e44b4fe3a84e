"""The EmStat4 driver on its twin: every technique against the cell called directly, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.cycling.cycler import ElementBegan, RunStopped, SpectrumPoint
from devices.cycling.ends import EndReason
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
from devices.errors import LimitError, ProgramError
from devices.methodscript.compile import SETTLING
from sim.physics.cell import control as drive
from sim.physics.cell.impedance import impedance
from sim.twins.methodscript.electronics import Accuracy
from tests.support.cells import CELL, CURRENT, RESTED
from tests.support.emstat import (
    LIMITS,
    LONG,
    OCV,
    OFTEN,
    TIMED,
    Rig,
    alarms_of,
    compare,
    directly,
    ends_of,
    rows_of,
    stop_of,
)


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
    truth = impedance(CELL.parameters, RESTED, frequencies)
    assert [complex(each.z_real, each.z_imag) for each in points] == pytest.approx(truth, rel=1e-4)
    assert points[0].voltage == pytest.approx(OCV, abs=1e-5)
    assert points[0].amplitude == pytest.approx(0.01, rel=1e-6)
    assert ends_of(records) == [EndReason.SWEPT]
    records = Rig().run(Step(GalvanostaticImpedance(1e4, 1e3, 2e-6, bias=1e-5)))
    points = [each for each in records if isinstance(each, SpectrumPoint)]
    state = RESTED
    assert points[0].current == pytest.approx(1e-5)
    assert points[0].amplitude == pytest.approx(2e-6, rel=1e-5)
    truth = impedance(CELL.parameters, state, np.array([1e4]), 1e-5)
    assert complex(points[0].z_real, points[0].z_imag) == pytest.approx(truth[0], rel=1e-3)


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
    assert rig.wired.state.charge - RESTED.charge == pytest.approx(rig.twin.charges[-1], rel=1e-6)


def test_who_it_is_and_what_hangs_on_it() -> None:
    rig = Rig()
    assert (
        rig.driver.identify()
        == "PalmSens EmStat4 HR ES4HR20B0008, firmware es4_hr1303#Mar 25 2024 10:00:00 R"
    )
    assert rig.driver.read_cell() == pytest.approx(OCV, abs=2e-6)
    assert rig.driver.read_busy() == 0


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
    assert len(driver.remarks(program(LONG))) == 3
    assert (
        len(driver.remarks(program(Step(VoltageRamp(3.0, 4.0, 1e-3)), Step(ConstantPower(1e-3), TIMED)))) == 5
    )
