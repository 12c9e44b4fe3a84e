"""Programs stepped by the host on a capacitor behind a resistor, whose every end can be written down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from devices.cycling.ends import OWN_ENDS, EndReason
from devices.cycling.host_run import Ended, HostRun, Meter, Reading, StepWatch
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    OpenCircuit,
    Record,
    Until,
    VoltageRamp,
)
from devices.cycling.verdict import held_voltage

LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.5, current_max=1e-3)
METER = Meter(voltage_error=5e-3, voltage_noise=0.0, current_noise=0.0, zero_current=1e-9)
LONGEST = 1800.0


@dataclass
class Capacitor:
    """A cell: rest voltage [V] that rises with charge over capacitance [F], behind a resistance [ohm]."""

    rest: float = 3.2
    capacitance: float = 0.05
    resistance: float = 100.0

    def turns(self, volts: float, most: float) -> float:
        """Return when [s] a source of a voltage with a current limit changes from limit to voltage."""
        return self.capacitance * max(abs(volts - self.rest) / most - self.resistance, 0.0)

    def under(self, volts: float, most: float, time: float) -> tuple[float, float, float]:
        """Return voltage, current and charge passed at a time after such a source began."""
        sign, turn = math.copysign(1.0, volts - self.rest), self.turns(volts, most)
        if time < turn:
            current = sign * most
            return self.rest + current * (self.resistance + time / self.capacitance), current, current * time
        constant = self.resistance * self.capacitance
        start = min(abs(volts - self.rest) / self.resistance, most)
        current = start * math.exp(-(time - turn) / constant)
        return volts, sign * current, sign * (most * turn + constant * (start - current))


def sourced(step: Step) -> tuple[float, float] | None:
    """Return the voltage and current limit that the step is driven with; None at rest."""
    match step.run:
        case ConstantCurrent(current=current) if current:
            return held_voltage(step, LIMITS)[0], abs(current)
        case ConstantVoltage(voltage=volts):
            return volts, LIMITS.current_max
    return None


def row_at(cell: Capacitor, step: Step, time: float) -> Reading:
    source = sourced(step)
    return Reading(time, cell.rest, 0.0) if source is None else Reading(time, *cell.under(*source, time)[:2])


def ends_of(cell: Capacitor, step: Step) -> dict[EndReason, float]:
    """Return every end the step comes to, with its time by the laws of the capacitor."""
    until = step.until
    ends = (
        {EndReason.DURATION: until.duration}
        if until.duration is not None
        else {EndReason.LONGEST_STEP: LONGEST}
    )
    source = sourced(step)
    if source is None:
        return ends
    volts, most = source
    turn, constant = cell.turns(volts, most), cell.resistance * cell.capacitance
    start = min(abs(volts - cell.rest) / cell.resistance, most)
    if isinstance(step.run, ConstantCurrent):
        ends[held_voltage(step, LIMITS)[1]] = turn
    if until.current_below is not None:
        ends[EndReason.CURRENT_BELOW] = turn + constant * math.log(max(start / until.current_below, 1.0))
    if until.charge is not None and until.charge < most * turn:
        ends[EndReason.CHARGE] = until.charge / most
    return ends


def play(cell: Capacitor, step: Step, watch: StepWatch) -> tuple[Ended, float]:
    """Feed the rows of a step; return why it ended and the time of the row before."""
    lasts = LONGEST if step.until.duration is None else step.until.duration
    before = 0.0
    grid = [k * step.record.interval for k in range(math.ceil(lasts / step.record.interval))]
    for time in (*grid, lasts):
        ended = watch.row(row_at(cell, step, time))
        if ended is not None:
            return ended, before
        before = time
    raise AssertionError("the step has no end")


amperes = st.floats(1e-5, 8e-4)
interval = st.sampled_from([7.0, 30.0, 60.0])
duration = st.one_of(st.none(), st.floats(1.0, 1500.0))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    record = Record(interval=draw(interval))
    kind = draw(st.sampled_from(["rest", "charge", "discharge", "hold"]))
    if kind == "rest":
        return Step(OpenCircuit(), Until(duration=draw(st.floats(1.0, 1500.0))), record)
    if kind == "hold":
        until = Until(current_below=draw(st.floats(1e-7, 1e-4)), duration=draw(duration))
        return Step(ConstantVoltage(draw(st.floats(3.0, 4.3))), until, record)
    bounds = {"duration": draw(duration), "charge": draw(st.one_of(st.none(), st.floats(1e-3, 0.1)))}
    end = draw(st.one_of(st.none(), st.floats(3.0, 4.3)))
    assume(end is not None or any(value is not None for value in bounds.values()))
    if kind == "charge":
        return Step(ConstantCurrent(draw(amperes)), Until(voltage_above=end, **bounds), record)
    return Step(ConstantCurrent(-draw(amperes)), Until(voltage_below=end, **bounds), record)


def unrolled(program: Program) -> Iterator[Step]:
    for node in program.steps:
        if isinstance(node, Loop):
            yield from [each for each in node.body if isinstance(each, Step)] * node.times
        elif isinstance(node, Step):
            yield node


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            steps(), st.builds(Loop, st.lists(steps(), min_size=1, max_size=2).map(tuple), st.integers(1, 3))
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    st.floats(2.6, 4.2),
)
def test_any_program_plays_to_its_end_and_every_end_is_the_laws(
    nodes: tuple[Step | Loop, ...], rest: float
) -> None:
    program = Program("any", nodes, LIMITS)
    run, cell = HostRun(nodes, LIMITS, LONGEST), Capacitor(rest)
    for expected in unrolled(program):
        step = run.next()
        assert step is expected
        watch = run.watch(step, METER, cell.rest)
        at_once = watch.at_once(0.0)
        if at_once is not None:
            end, reason = held_voltage(step, LIMITS)
            assert at_once.reason is reason
            drive = step.run.current  # type: ignore[union-attr]
            assert (cell.rest - end) * drive >= 0.0
            if not at_once.goes_on:
                return
            continue
        ended, before = play(cell, step, watch)
        ends = ends_of(cell, step)
        assert ended.reason in ends, "an end that the laws do not know"
        shown = ended.time + ended.late
        assert ends[ended.reason] <= shown + 1e-3
        assert min(ends.values()) >= before - 1e-3, "an earlier row showed an end and was passed over"
        if abs(ends[ended.reason] - ended.time) > 1e-6 * shown + 1e-6 and ended.late:
            assert abs(ends[ended.reason] - ended.time) <= step.record.interval
        source = sourced(step)
        if source is not None:
            passed = cell.under(*source, shown)[2]
            assert watch.charge == pytest.approx(passed, abs=source[1] * step.record.interval)
            cell.rest += passed / cell.capacitance
        assert LIMITS.voltage_min - 1e-9 <= cell.rest <= LIMITS.voltage_max + 1e-9
        if not ended.goes_on:
            assert ended.reason not in OWN_ENDS
            return
    assert run.next() is None


def watch_of(step: Step, rest: float = 3.2, meter: Meter = METER) -> StepWatch:
    return HostRun((step,), LIMITS, LONGEST).watch(step, meter, rest)


CHARGE = Step(ConstantCurrent(1e-4), Until(voltage_above=4.2), Record(interval=60.0))


def test_the_instant_at_which_a_held_voltage_was_reached_is_found_between_the_rows() -> None:
    cell, watch = Capacitor(), watch_of(CHARGE)
    ended, _ = play(cell, CHARGE, watch)
    law = cell.turns(4.2, 1e-4)
    assert ended.time == pytest.approx(law, abs=1e-6)
    assert 0.0 <= ended.late <= 60.0
    assert ended.time + ended.late == pytest.approx(60.0 * math.ceil(law / 60.0))


@pytest.mark.parametrize(
    ("until", "reason", "law"),
    [
        (Until(charge=0.0123, duration=3600.0), EndReason.CHARGE, 123.0),
        (Until(energy=0.05, duration=3600.0), EndReason.ENERGY, None),
        (Until(voltage_above=3.7), EndReason.VOLTAGE_ABOVE, (3.7 - 3.2 - 0.01) * 0.05 / 1e-4),
        (Until(duration=200.0), EndReason.DURATION, 200.0),
        (Until(duration=3600.0, current_below=2e-4), EndReason.CURRENT_BELOW, 0.0),
    ],
)
def test_each_end_comes_at_its_own_time(until: Until, reason: EndReason, law: float | None) -> None:
    step = Step(ConstantCurrent(1e-4), until, Record(interval=10.0))
    cell = Capacitor()
    ended, _ = play(cell, step, watch_of(step))
    if law is None:  # I (U + I R) t + I^2 t^2 / 2 C = E
        power, rise = 1e-4 * 3.21, 1e-8 / (2 * cell.capacitance)
        law = (-power + math.sqrt(power**2 + 4 * rise * 0.05)) / (2 * rise)
    assert ended.reason is reason
    assert ended.time == pytest.approx(law, rel=1e-3, abs=1e-6)


def test_a_current_end_is_seen_where_it_is_met() -> None:
    step = Step(
        ConstantVoltage(4.0),
        Until(current_below=1e-5, current_above=9e-4, duration=600.0),
        Record(interval=1.0),
    )
    ended, _ = play(Capacitor(), step, watch_of(step))
    assert ended.reason is EndReason.CURRENT_ABOVE
    ended, _ = play(Capacitor(rest=3.95), step, watch_of(step, 3.95))
    assert ended.reason is EndReason.CURRENT_BELOW
    assert ended.time == pytest.approx(5.0 * math.log(50.0), abs=0.2)


def test_a_rate_is_judged_over_as_long_as_the_noise_needs() -> None:
    meter = Meter(5e-3, 10e-6, 0.0, 1e-9)
    step = Step(OpenCircuit(), Until(voltage_rate_below=1e-6), Record(interval=1.0))
    watch, noise = watch_of(step, meter=meter), np.random.default_rng(1).normal(0.0, 10e-6, 5000)
    decay = 1e-2  # V, with a constant of 300 s: the rate falls to 1 uV/s at 300 ln(33.3) = 1052 s
    for second, error in enumerate(noise):
        ended = watch.row(Reading(second, 3.2 + decay * math.exp(-second / 300.0) + error, 0.0))
        if ended is not None:
            break
    assert ended is not None
    assert ended.reason is EndReason.VOLTAGE_RATE_BELOW
    assert ended.time == pytest.approx(1052.0, abs=120.0)


def test_a_single_failed_reading_is_passed_over_and_three_end_the_run() -> None:
    watch = watch_of(CHARGE)
    assert watch.row(Reading(0.0, 3.21, 1e-4)) is None
    assert watch.row(Reading(60.0, math.nan, 1e-4)) is None
    assert watch.row(Reading(120.0, 3.45, 1e-4)) is None
    assert watch.charge == pytest.approx(120.0 * 1e-4)
    assert watch.row(Reading(180.0, math.nan, 1e-4)) is None
    assert watch.row(Reading(240.0, 3.5, math.nan)) is None
    ended = watch.row(Reading(300.0, math.nan, math.nan))
    assert ended is not None
    assert ended.reason is EndReason.INSTRUMENT_ERROR
    assert not ended.goes_on


def test_a_failed_reading_at_the_end_of_a_duration_ends_it_all_the_same() -> None:
    step = Step(OpenCircuit(), Until(duration=60.0), Record(interval=60.0))
    watch = watch_of(step)
    watch.row(Reading(0.0, 3.2, 0.0))
    ended = watch.row(Reading(60.0, math.nan, 0.0))
    assert ended is not None
    assert ended.reason is EndReason.DURATION


def test_a_lead_that_falls_off_is_an_open_circuit_and_not_the_steps_end() -> None:
    watch = watch_of(CHARGE)
    for minute in range(3):
        assert watch.row(Reading(60.0 * minute, 3.3, 1e-4)) is None
    ended = watch.row(Reading(180.0, 4.2, 2e-10))
    assert ended is not None
    assert ended.reason is EndReason.OPEN_CIRCUIT
    ended = watch_of(CHARGE).row(Reading(0.0, 4.2, 0.0))
    assert ended is not None
    assert ended.reason is EndReason.OPEN_CIRCUIT


@pytest.mark.parametrize(
    ("step", "rest", "reason"),
    [
        (CHARGE, 4.2, EndReason.VOLTAGE_ABOVE),
        (CHARGE, 4.6, EndReason.VOLTAGE_ABOVE),
        (CHARGE, 0.001, EndReason.OPEN_CIRCUIT),
        (CHARGE, math.nan, EndReason.OPEN_CIRCUIT),
        (CHARGE, 1.5, None),
        (Step(ConstantCurrent(-1e-4), Until(voltage_below=3.0)), 2.9, EndReason.VOLTAGE_BELOW),
        (Step(ConstantCurrent(-1e-4), Until(duration=9.0)), 1.9, EndReason.SAFETY_VOLTAGE_MIN),
        (Step(ConstantVoltage(4.0), Until(duration=9.0)), 1.9, None),
        (Step(OpenCircuit(), Until(duration=9.0)), 1.9, EndReason.SAFETY_VOLTAGE_MIN),
        (Step(OpenCircuit(), Until(duration=9.0)), 4.6, EndReason.SAFETY_VOLTAGE_MAX),
        (Step(VoltageRamp(3.0, 4.0, 1e-3)), 4.6, None),
    ],
)
def test_what_rests_beyond_its_end_is_not_driven(step: Step, rest: float, reason: EndReason | None) -> None:
    ended = watch_of(step, rest).at_once(7.0)
    assert (None if ended is None else ended.reason) is reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Reading(0.0, 4.52, 1e-4), EndReason.SAFETY_VOLTAGE_MAX),
        (Reading(0.0, 3.9, 1.1e-3), EndReason.SAFETY_CURRENT),
        (Reading(0.0, 3.9, -1.1e-3), EndReason.SAFETY_CURRENT),
        (Reading(0.0, 4.52, 0.0), EndReason.SAFETY_VOLTAGE_MAX),
        (Reading(0.0, 1.9, -1e-4), EndReason.SAFETY_VOLTAGE_MIN),
        (Reading(0.0, 1.9, 1e-4), None),
        (Reading(0.0, 4.503, 1e-4), None),
    ],
)
def test_a_row_beyond_the_cells_limits_stops_the_program(row: Reading, reason: EndReason | None) -> None:
    step = Step(ConstantVoltage(4.0), Until(duration=9.0))
    ended = watch_of(step).row(row)
    assert (None if ended is None else ended.reason) is reason


def test_a_charge_limit_of_the_cell_stops_the_program() -> None:
    limits = CellLimits(2.0, 4.5, 1e-3, charge_max=0.01)
    step = Step(ConstantCurrent(1e-4), Until(voltage_above=4.2), Record(interval=10.0))
    watch = HostRun((step,), limits, LONGEST).watch(step, METER, 3.2)
    ended, _ = play(Capacitor(), step, watch)
    assert ended.reason is EndReason.SAFETY_CHARGE
    assert ended.time == pytest.approx(100.0)


@pytest.mark.parametrize("current", [1e-4, -1e-4])
def test_a_charge_limit_is_that_of_either_direction(current: float) -> None:
    limits = CellLimits(2.0, 4.5, 1e-3, charge_max=0.01)
    step = Step(ConstantCurrent(current), Until(duration=1e4))
    watch = HostRun((step,), limits, LONGEST).watch(step, METER, 3.2)
    assert watch.row(Reading(0.0, 3.2, current)) is None
    ended = watch.row(Reading(101.0, 3.2, current))
    assert ended is not None
    assert ended.reason is EndReason.SAFETY_CHARGE


def test_of_two_ends_that_one_row_shows_the_earlier_is_why_the_step_ended() -> None:
    for charge, reason, at in ((0.005, EndReason.CHARGE, 50.0), (0.009, EndReason.VOLTAGE_ABOVE, 83.3)):
        watch = watch_of(Step(ConstantCurrent(1e-4), Until(voltage_above=4.2, charge=charge)))
        watch.row(Reading(-100.0, 2.0, 1e-4))
        watch.charge = 0.0
        watch.row(Reading(0.0, 3.2, 1e-4))
        watch.charge = 0.0
        ended = watch.row(Reading(100.0, 4.4, 1e-4))
        assert ended is not None
        assert ended.reason is reason
        assert ended.time == pytest.approx(at, abs=0.1)


def test_what_the_instrument_brings_to_its_end_is_swept_or_goes_on() -> None:
    ramp = watch_of(Step(VoltageRamp(3.0, 4.0, 1e-3)))
    ramp.row(Reading(0.0, 3.0, 0.0))
    ended = ramp.finished(1000.0)
    assert ended is not None
    assert ended.reason is EndReason.SWEPT
    rest = watch_of(Step(OpenCircuit(), Until(duration=100.0)))
    rest.row(Reading(0.0, 3.2, 0.0))
    assert rest.finished(50.0) is None
    assert rest.left(50.0) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("step", "row", "reason"),
    [
        (CHARGE, (3.8, 0.9e-4), EndReason.CURRENT_LOST),
        (CHARGE, (0.0, 1e-4), EndReason.SHORT_CIRCUIT),
        (Step(ConstantVoltage(4.1), Until(current_below=2e-5)), (0.0, 1e-3), EndReason.SHORT_CIRCUIT),
    ],
)
def test_a_current_that_is_missing_and_a_short_end_the_step(
    step: Step, row: tuple[float, float], reason: EndReason
) -> None:
    watch = watch_of(step, rest=3.8)
    assert watch.row(Reading(0.0, 3.8, 1e-4)) is None
    ended = watch.row(Reading(10.0, *row))
    assert ended is not None
    assert ended.reason is reason


def test_no_rate_ends_a_hold_whose_source_is_at_its_current_limit() -> None:
    step = Step(ConstantVoltage(4.2), Until(current_rate_below=1e-7, duration=900.0), Record(interval=1.0))
    cell, watch = Capacitor(), watch_of(step)
    ended, _ = play(cell, step, watch)
    assert ended.reason is EndReason.CURRENT_RATE_BELOW
    turns, constant = cell.turns(4.2, LIMITS.current_max), cell.resistance * cell.capacitance
    # I/tau falls to the rate; a difference over a second is late by that at most.
    slow = turns + constant * math.log(LIMITS.current_max / constant / 1e-7)
    assert slow <= ended.time < slow + 2.0


@pytest.mark.parametrize(
    ("step", "rows"),
    [(Step(ConstantVoltage(4.1), Until(current_below=2e-5)), 1), (Step(VoltageRamp(4.1, 4.2, 1e-3)), 2)],
)
def test_a_lead_that_falls_off_a_held_voltage_ends_the_step(step: Step, rows: int) -> None:
    watch = watch_of(step, rest=4.1)
    for time in range(5):
        assert watch.row(Reading(float(time), 4.1, 1e-4)) is None
    lost = [watch.row(Reading(5.0 + row, 4.1, 0.0)) for row in range(rows)]
    assert lost[:-1] == [None] * (rows - 1)
    assert lost[-1] is not None
    assert lost[-1].reason is EndReason.OPEN_CIRCUIT
