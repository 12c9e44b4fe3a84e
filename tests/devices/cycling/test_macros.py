"""Laws of every macro: each step ends, stays in the window, runs as often as was asked."""

from dataclasses import replace
from itertools import pairwise

import pytest
from pydantic import ValidationError

from devices.cycling.cells import CellSize, Rate
from devices.cycling.cycle_macros import (
    ConstantCurrentConstantVoltage,
    CycleLife,
    Formation,
    PotentiostaticCharge,
)
from devices.cycling.macros import RateTest
from devices.cycling.programs import Loop
from devices.cycling.pulse_macros import (
    GalvanostaticTitration,
    HybridPulsePower,
    PotentiostaticTitration,
    Pulses,
    Ragone,
)
from devices.cycling.sequence import Course, Seen
from devices.cycling.sweep_macros import Chronoamperometry, CyclicVoltammetry
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantVoltage,
    OpenCircuit,
    Record,
    VoltageRamp,
    setpoint_current,
    setpoint_voltages,
)
from devices.errors import ProgramError

CELL = CellSize(area=0.15e-4, capacity=0.036)
"""0.15 cm2 and 10 uAh: 1C is 10 uA."""

WINDOW = {"name": "m", "lower": 3.0, "upper": 4.25}
SLOW, FAST = Rate(0.1, "C-rate"), Rate(1.0, "C-rate")

MACROS = {
    "rate_test": (RateTest(rates=(SLOW, FAST), cycles=3, **WINDOW), 12, 6),
    "cccv": (
        ConstantCurrentConstantVoltage(
            charge_rate=FAST, discharge_rate=FAST, cutoff=SLOW, cycles=4, rest_duration=60.0, **WINDOW
        ),
        4 * 5,
        4,
    ),
    "cv_charge": (
        PotentiostaticCharge(
            cutoff=SLOW, discharge_rate=FAST, current_limit=Rate(50.0, "A/m^2"), cycles=4, **WINDOW
        ),
        8,
        4,
    ),
    "formation": (Formation(rate=SLOW, cycles=3, cutoff=Rate(0.02, "C-rate"), **WINDOW), 3 * 5 + 1, 3),
    "cycle_life": (
        CycleLife(
            charge_rate=FAST, discharge_rate=FAST, reference_rate=SLOW, cycles=12, reference_every=4, **WINDOW
        ),
        2 * (1 + 3 * 5),
        1 + 3 * 5,
    ),
    "gitt": (GalvanostaticTitration(rate=SLOW, pulse_duration=600.0, pulses=10, **WINDOW), 20, 0),
    "pitt": (
        PotentiostaticTitration(step=0.05, cutoff=SLOW, current_limit=FAST, direction="both", **WINDOW),
        50,
        0,
    ),
    "hppc": (
        HybridPulsePower(rate=SLOW, pulse_rate=FAST, cutoff=Rate(0.05, "C-rate"), **WINDOW),
        3 + 9 * 6 + 2,
        0,
    ),
    "ragone": (Ragone(charge_rate=FAST, cutoff=SLOW, powers=(1.0, 3.0, 10.0), **WINDOW), 15, 3),
    "pulses": (Pulses(rate=FAST, pulse_duration=1.0, pause=10.0, pulses=7, **WINDOW), 28, 0),
    "cyclic_voltammetry": (
        CyclicVoltammetry(rate=1e-4, cycles=3, current_limit=FAST, start=3.5, **WINDOW),
        1 + 6,
        3,
    ),
    "chronoamperometry": (
        Chronoamperometry(voltages=(3.9, 4.1), duration=60.0, current_limit=FAST, cycles=2, **WINDOW),
        4,
        0,
    ),
}
"""Each macro with how many steps run in all, and how many cycles are counted."""

EACH = pytest.mark.parametrize(("macro", "runs", "cycles"), MACROS.values(), ids=MACROS)


def executions(program):
    """Play a program through as a station would, no condition coming true."""
    course = Course(program)
    while (part := course.next(Seen())) is not None:
        for turn in part.walk():
            index, step, opens = turn.step_index, turn.step, turn.opens
            course.began()
            yield index, step, opens


@EACH
def test_steps_and_cycles_are_as_many_as_were_asked_for(macro, runs, cycles):
    played = list(executions(macro.on(CELL)))
    assert len(played) == runs
    assert sum(opens for _, _, opens in played) == cycles


@EACH
def test_every_step_ends_without_the_cell_or_at_a_voltage_or_current(macro, runs, cycles):
    for step in macro.on(CELL).leaves():
        ends = set(step.until.named())
        match step.run:
            case ConstantCurrent(current=drive):
                assert ("voltage_above" if drive > 0 else "voltage_below") in ends
            case ConstantVoltage():
                assert ends & {"duration", "current_below"}
            case ConstantPower():
                assert "voltage_below" in ends
            case OpenCircuit():
                assert "duration" in ends
            case other:
                assert isinstance(other, VoltageRamp)


@EACH
def test_no_step_leaves_the_window_and_the_limits_lie_around_it(macro, runs, cycles):
    program = macro.on(CELL)
    assert program.limits.voltage_min == pytest.approx(2.95)
    assert program.limits.voltage_max == pytest.approx(4.30)
    for step in program.leaves():
        ends = [step.until.voltage_above, step.until.voltage_below]
        for volts in (*setpoint_voltages(step.run), *(end for end in ends if end is not None)):
            assert 3.0 <= volts <= 4.25
        assert (setpoint_current(step.run) or 0.0) <= program.limits.current_max / 1.1 * (1 + 1e-12)


@EACH
def test_currents_in_c_rates_grow_with_the_cell(macro, runs, cycles):
    small = [setpoint_current(step.run) for step in macro.on(CELL).leaves()]
    double = CellSize(2 * CELL.area, 2 * CELL.capacity)
    large = [setpoint_current(step.run) for step in macro.on(double).leaves()]
    assert large == pytest.approx([None if each is None else 2 * each for each in small])


@EACH
def test_a_window_that_is_no_window_is_refused(macro, runs, cycles):
    with pytest.raises(ValidationError, match="lower must be below upper"):
        replace(macro, lower=4.25)


@EACH
def test_rows_are_taken_as_was_asked(macro, runs, cycles):
    program = replace(macro, record=Record(7.0, 0.003, 1e-6)).on(CELL)
    assert {step.record.interval for step in program.leaves()} == {7.0}
    resting = [step for step in program.leaves() if isinstance(step.run, OpenCircuit)]
    assert all(step.record.voltage_change == 0.003 for step in resting)


def test_a_fade_is_read_from_reference_cycles_alone():
    program = MACROS["cycle_life"][0].on(CELL)
    reference, aged = program.steps
    assert isinstance(aged, Loop)
    assert aged.body[-1] == reference
    assert aged.until.retention_below == 0.8
    played = [opens for _, _, opens in executions(program)]
    assert played[0]


def test_a_faded_cell_is_not_cycled_on():
    course = Course(MACROS["cycle_life"][0].on(CELL))
    faded = Seen(retention=0.7)
    parts = 0
    while (part := course.next(faded)) is not None:
        parts += 1
        for _ in part.walk():
            course.began()
    assert parts == 2


def test_cycles_that_are_not_whole_references_are_refused():
    with pytest.raises(ValidationError, match="multiple of reference_every"):
        replace(MACROS["cycle_life"][0], cycles=13)


def test_a_titration_by_voltage_meets_both_ends_of_its_window():
    pitt = MACROS["pitt"][0]
    levels = pitt.levels()
    assert max(levels) == 4.25
    assert levels[-1] == 3.0
    with pytest.raises(ValidationError, match="whole steps"):
        replace(pitt, step=0.07)


def test_pulses_of_the_hybrid_test_take_a_tenth_of_the_capacity_at_a_time():
    hppc = MACROS["hppc"][0]
    taken = [step.until.charge for step in hppc.on(CELL).leaves() if step.until.charge is not None]
    assert taken == pytest.approx([0.1 * CELL.capacity])
    with pytest.raises(ProgramError, match="capacity"):
        replace(hppc, rate=Rate(1e-6), pulse_rate=Rate(1e-5), cutoff=Rate(1e-7)).on(CellSize(CELL.area))
    with pytest.raises(ValidationError, match="more than the whole"):
        replace(hppc, states=20)


def test_a_train_of_pulses_leaves_the_cell_as_it_was():
    passed = sum(
        step.run.current * step.until.duration
        for _, step, _ in executions(MACROS["pulses"][0].on(CELL))
        if isinstance(step.run, ConstantCurrent)
    )
    assert passed == pytest.approx(0.0, abs=1e-15)


def test_a_voltammogram_is_a_closed_curve():
    sweeps = [step.run for _, step, _ in executions(MACROS["cyclic_voltammetry"][0].on(CELL))]
    assert all(before.end == after.start for before, after in pairwise(sweeps))
    with pytest.raises(ValidationError, match="start must be within"):
        replace(MACROS["cyclic_voltammetry"][0], start=2.0)


def test_power_is_per_area_and_its_current_is_bounded_by_the_lower_voltage():
    program = MACROS["ragone"][0].on(CELL)
    powers = [-step.run.power for step in program.leaves() if isinstance(step.run, ConstantPower)]
    assert powers == pytest.approx([CELL.area * density for density in (1.0, 3.0, 10.0)])
    assert program.limits.current_max == pytest.approx(1.1 * max(powers) / 3.0)
    with pytest.raises(ValidationError, match=r"at least 0\.1 V"):
        replace(MACROS["ragone"][0], lower=0.0)


def test_a_hold_that_would_end_before_it_began_is_refused():
    with pytest.raises(ProgramError, match="cutoff"):
        replace(MACROS["cccv"][0], cutoff=FAST).on(CELL)
    with pytest.raises(ProgramError, match="cutoff"):
        replace(MACROS["pitt"][0], cutoff=FAST).on(CELL)


def test_levels_outside_the_window_are_refused():
    with pytest.raises(ValidationError, match="not within"):
        replace(MACROS["chronoamperometry"][0], voltages=(3.9, 4.5))
