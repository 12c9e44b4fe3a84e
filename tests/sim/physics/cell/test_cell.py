"""The cell under current and at rest: laws, closed forms, and that looking at it changes nothing."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellError, CellParameters, CellState, EndReason, cycled_capacity
from sim.physics.cell.diffusion import graded_edges

AREA = 1e-4  # m2
THICKNESS = 1.2e-6  # m
DIFFUSIVITY = 5e-15  # m2/s


def make_parameters(cells: int = 40, backward: float = 1.0, grading: float = 5.0) -> CellParameters:
    """Return a 1.2 um film whose back is slower than its front by a factor."""
    edges = graded_edges(THICKNESS, cells, grading)
    depth = 0.5 * (edges[1:] + edges[:-1]) / THICKNESS
    return cathode.cell_on(edges, DIFFUSIVITY * backward**-depth, area=AREA)


CELL = Cell(make_parameters(backward=30.0))
UNIFORM = Cell(make_parameters())
HALF_CHARGED = replace(UNIFORM.fresh(), lithium=(0.5,) * 40)


def lithium_held(cell: Cell, state: CellState) -> float:
    """Return the lithium in the film [C]."""
    parameters = cell.parameters
    sites = (
        parameters.site_charge
        * np.array(parameters.active_share)
        * np.diff(parameters.edges)
        * parameters.area
    )
    return float(sites @ np.array(state.lithium))


def test_fresh_cell_is_discharged_with_a_sane_voltage() -> None:
    state = CELL.fresh()
    assert 3.0 < CELL.voltage(state, 0.0) < 3.6
    assert state.charge == 0.0
    assert state.energy == 0.0
    assert (
        CELL.current_step(state, 8.6e-5, math.inf, upper=4.25).charge[-1] > 0.9 * 72.6 * 1.2 * 3.6e-3 * 0.985
    )


steps = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, -1.0]),
        st.floats(1e-5, 2e-3),
        st.floats(0.0, 4000.0, allow_subnormal=False),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(steps=steps)
@example(steps=[(1.0, 0.0010703367240773149, 2.0), *[(-1.0, 0.0017932497600389495, 1.0)] * 2])
def test_charge_balances_over_any_sequence_of_currents_and_rests(
    steps: list[tuple[float, float, float]],
) -> None:
    state = CELL.fresh()
    held, anode, passed = lithium_held(CELL, state), state.anode_lithium, 0.0
    for sign, current, duration in steps:
        segment = CELL.current_step(state, sign * current, duration, lower=3.0, upper=4.25)
        state, passed = segment.state, passed + float(segment.charge[-1])
    assert lithium_held(CELL, state) == pytest.approx(held - passed, abs=1e-12 * CELL.site_charge)
    assert state.anode_lithium == pytest.approx(anode + passed, abs=1e-12 * CELL.site_charge)
    assert state.charge == pytest.approx(passed, abs=1e-12 * CELL.site_charge)


@settings(max_examples=30, deadline=None)
@given(current=st.floats(1e-5, 3e-3), lower=st.floats(2.6, 3.6), upper=st.floats(3.95, 4.6))
def test_segments_end_within_a_microvolt_of_the_cut_off(current: float, lower: float, upper: float) -> None:
    charge = CELL.current_step(CELL.fresh(), current, math.inf, upper=upper)
    discharge = CELL.current_step(charge.state, -current, math.inf, lower=lower)
    for segment, limit in ((charge, upper), (discharge, lower)):
        if segment.time[-1] > 0.0:
            assert segment.end in (EndReason.UPPER_VOLTAGE, EndReason.LOWER_VOLTAGE)
            assert segment.voltage[-1] == pytest.approx(limit, abs=1e-6)
            assert CELL.voltage(segment.state, segment.current[-1]) == pytest.approx(limit, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.001, 0.999), current=st.sampled_from([8.6e-5, 8.6e-4, -8.6e-4, 0.0]))
def test_two_steps_equal_one_to_round_off(share: float, current: float) -> None:
    start = CELL.current_step(CELL.fresh(), 8.6e-4, 150.0).state
    once = CELL.current_step(start, current, 50.0)
    first = CELL.current_step(start, current, share * 50.0)
    second = CELL.current_step(first.state, current, 50.0 - share * 50.0)
    assert first.end is second.end is once.end is EndReason.DURATION
    assert np.max(np.abs(np.subtract(second.state.lithium, once.state.lithium))) < 1e-13
    assert second.state.charge == pytest.approx(once.state.charge, abs=1e-16)
    assert second.state.energy == pytest.approx(once.state.energy, abs=1e-11)
    assert second.voltage[-1] == pytest.approx(once.voltage[-1], abs=1e-9)


def test_interrupted_discharge_ends_at_the_same_instant() -> None:
    start = CELL.current_step(CELL.fresh(), 8.6e-4, math.inf, upper=4.25).state
    once = CELL.current_step(start, -8.6e-4, math.inf, lower=3.0)
    first = CELL.current_step(start, -8.6e-4, 0.7 * once.time[-1], lower=3.0)
    second = CELL.current_step(first.state, -8.6e-4, math.inf, lower=3.0)
    assert first.end is EndReason.DURATION
    assert first.time[-1] + second.time[-1] == pytest.approx(once.time[-1], rel=1e-12)
    assert first.energy[-1] + second.energy[-1] == pytest.approx(once.energy[-1], rel=1e-11)


def test_denser_samples_change_neither_the_end_nor_the_common_rows() -> None:
    plain = CELL.current_step(CELL.fresh(), 8.6e-5, 3000.0, upper=4.25, sample_interval=100.0)
    dense = CELL.current_step(CELL.fresh(), 8.6e-5, 3000.0, upper=4.25, sample_interval=10.0)
    common = np.searchsorted(dense.time, plain.time)
    assert dense.state == plain.state
    assert dense.end is plain.end
    assert np.array_equal(dense.time[common], plain.time)
    assert np.max(np.abs(dense.voltage[common] - plain.voltage)) < 1e-13
    assert np.max(np.abs(dense.energy[common] - plain.energy)) < 1e-13


def test_samples_lie_at_every_interval_and_at_both_ends() -> None:
    segment = CELL.current_step(CELL.fresh(), 8.6e-5, 95.0, sample_interval=10.0)
    assert np.array_equal(segment.time, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95])
    assert np.array_equal(
        CELL.current_step(CELL.fresh(), 8.6e-5, 90.0, sample_interval=10.0).time[-2:], [80, 90]
    )
    assert np.array_equal(CELL.current_step(CELL.fresh(), 8.6e-5, 90.0).time, [0, 90])
    assert segment.rows_by(-1.0) == 0
    assert segment.rows_by(0.0) == 1
    assert segment.rows_by(35.0) == 4
    assert segment.rows_by(1e9) == 11
    assert np.array_equal(segment.charge, 8.6e-5 * segment.time)


@pytest.mark.parametrize("interval", [None, 30.0])
def test_voltage_samples_are_exactly_the_asked_change_apart(interval: float | None) -> None:
    start = CELL.current_step(CELL.fresh(), 8.6e-4, math.inf, upper=4.25).state
    segment = CELL.current_step(
        start, -8.6e-4, math.inf, lower=3.0, sample_interval=interval, sample_voltage_change=0.01
    )
    moved = np.abs(np.diff(segment.voltage))
    assert np.all(np.diff(segment.time) > 0.0)
    assert np.max(moved) < 0.01 + 1e-8
    regular = np.zeros(segment.time.size, dtype=bool)
    if interval is not None:
        regular = np.isin(segment.time, interval * np.arange(1000))
    assert np.max(np.abs(moved[:-1] - 0.01)[~regular[1:-1]]) < 1e-8


def test_small_current_energy_is_charge_times_the_mean_open_circuit_potential() -> None:
    start = CELL.current_step(CELL.fresh(), 1e-7, math.inf, upper=4.25).state
    discharge = CELL.current_step(start, -1e-7, math.inf, lower=3.0)
    assert discharge.energy[-1] / discharge.charge[-1] == pytest.approx(3.964, abs=2e-3)
    potentials = np.linspace(3.0, 4.25, 20001)
    lithium = cathode.LITHIUM_COBALT_OXIDE.lithium(potentials)
    thermodynamic = CELL.site_charge * np.trapezoid(potentials, lithium)
    assert discharge.energy[-1] == pytest.approx(thermodynamic, rel=3e-4)


def test_energy_is_the_integral_of_voltage_over_charge() -> None:
    start = CELL.current_step(CELL.fresh(), 8.6e-4, math.inf, upper=4.25).state
    segment = CELL.current_step(start, -8.6e-4, math.inf, lower=3.0, sample_voltage_change=5e-4)
    trapezoid = np.trapezoid(segment.voltage, segment.charge)
    assert segment.energy[-1] == pytest.approx(trapezoid, rel=1e-6)
    assert np.all(np.diff(segment.energy) < 0.0)
    assert segment.state.energy == pytest.approx(start.energy + segment.energy[-1], rel=1e-15, abs=0.0)


def test_relaxation_follows_the_slowest_mode_and_ends_at_the_mean() -> None:
    charged = UNIFORM.current_step(replace(HALF_CHARGED, lithium=(0.62,) * 40), 8.6e-4, 30.0).state
    time_constant = THICKNESS**2 / (np.pi**2 * DIFFUSIVITY)
    mean = lithium_held(UNIFORM, charged) / UNIFORM.site_charge
    final = float(cathode.LITHIUM_COBALT_OXIDE.potential(mean))
    rest = UNIFORM.current_step(charged, 0.0, 60.0 * time_constant, sample_interval=time_constant)
    distance = np.abs(rest.voltage[6:11] - final)
    assert np.diff(np.log(distance)) == pytest.approx(-np.ones(4), rel=1e-2)
    assert rest.voltage[-1] == pytest.approx(final, abs=1e-6)
    assert rest.energy[-1] == 0.0
    assert rest.charge[-1] == 0.0


@pytest.mark.parametrize(("current", "capacity"), [(8.6e-5, 79.440), (4.3e-4, 70.26), (8.6e-4, 58.78)])
def test_discharge_agrees_with_an_independent_solver(current: float, capacity: float) -> None:
    """Compare with PyBaMM 26.10 (half cell, sphere of radius 3 L and 1.8 D) from x = 0.5 to 3.0 V."""
    segment = UNIFORM.current_step(HALF_CHARGED, -current, math.inf, lower=3.0)
    assert -segment.charge[-1] / 3.6e-3 == pytest.approx(capacity, rel=1e-3)


def test_current_drops_over_the_electrolyte_and_both_interfaces() -> None:
    current = 1e-3
    density = current / AREA
    frozen = Cell(replace(make_parameters(), diffusivity=(1.0,) * 40))
    thermal = 8.314462618 * 298.15 / 96485.33212
    interfaces = 2 * 2 * thermal * math.asinh(density / (2 * 50.0))
    state = replace(frozen.fresh(), lithium=(0.5,) * 40)
    rise = frozen.voltage(state, current) - frozen.voltage(state, 0.0)
    assert rise == pytest.approx(interfaces + density * 5e-3, rel=1e-6)
    assert frozen.voltage(state, 0.0) - frozen.voltage(state, -current) == pytest.approx(rise, rel=1e-6)


def test_periodic_cycle_repeats() -> None:
    before, after = (cycled_capacity(UNIFORM, 8.6e-4, 3.0, 4.25, cycles) for cycles in (19, 20))
    assert after == pytest.approx(before, rel=1e-8)


@pytest.mark.parametrize("current", [8.6e-5, 8.6e-4])
def test_forty_volumes_are_within_0_2_percent_of_160(current: float) -> None:
    fine = Cell(make_parameters(160, backward=30.0))
    assert cycled_capacity(CELL, current, 3.0, 4.25, 3) == pytest.approx(
        cycled_capacity(fine, current, 3.0, 4.25, 3), rel=2e-3
    )


def test_cut_off_already_passed_ends_the_step_at_once() -> None:
    charged = CELL.current_step(CELL.fresh(), 8.6e-4, math.inf, upper=4.25).state
    again = CELL.current_step(charged, 1.7e-3, math.inf, upper=4.25)
    assert again.end is EndReason.UPPER_VOLTAGE
    assert again.time.size == 1
    assert again.state == charged


def test_current_no_surface_can_carry_gives_one_row_at_rest() -> None:
    dead = Cell(replace(make_parameters(), diffusivity=(1e-30,) * 40))
    segment = dead.current_step(dead.fresh(), 8.6e-5, 3600.0, lower=3.0, upper=4.25)
    assert segment.end is EndReason.LIMITING_CURRENT
    assert segment.time.tolist() == [0.0]
    assert segment.current.tolist() == [0.0]
    assert segment.voltage[0] == dead.voltage(dead.fresh(), 0.0)
    with pytest.raises(CellError, match="cannot carry"):
        dead.voltage(dead.fresh(), 8.6e-5)


def test_discharge_ends_when_the_anode_has_no_lithium_left() -> None:
    bare = Cell(replace(make_parameters(), anode_lithium=0.0))
    charged = bare.current_step(bare.fresh(), 8.6e-5, 1000.0).state
    segment = bare.current_step(replace(charged, lithium=(0.6,) * 40), -8.6e-5, math.inf, lower=3.0)
    assert segment.end is EndReason.LIMITING_CURRENT
    assert segment.state.anode_lithium == pytest.approx(0.0, abs=1e-15)


def test_state_survives_json_exactly() -> None:
    state = CELL.current_step(CELL.fresh(), 8.6e-5, 1234.5).state
    assert CellState.from_dict(json.loads(json.dumps(state.to_dict()))) == state


def test_damaged_state_is_refused() -> None:
    good = CELL.fresh().to_dict()
    for damage in (
        {"charge": math.nan},
        {"energy": "1"},
        {"lithium": 0.5},
        {"lithium": [None]},
        {"extra": 1.0},
    ):
        with pytest.raises(CellError):
            CellState.from_dict({**good, **damage})
    with pytest.raises(CellError, match="volumes"):
        CELL.voltage(replace(CELL.fresh(), lithium=(0.5,)), 0.0)


def test_impossible_requests_are_refused() -> None:
    fresh = CELL.fresh()
    with pytest.raises(CellError, match="duration"):
        CELL.current_step(fresh, 0.0, math.inf)
    with pytest.raises(CellError, match="duration"):
        CELL.current_step(fresh, 1e-5, -1.0)
    with pytest.raises(CellError, match="current"):
        CELL.current_step(fresh, math.nan, 1.0)
    with pytest.raises(CellError, match="not below"):
        CELL.current_step(fresh, 1e-5, 1.0, lower=4.2, upper=3.0)
    with pytest.raises(CellError, match="upper"):
        CELL.current_step(fresh, 1e-5, 1.0, upper=math.nan)
    with pytest.raises(CellError, match="interval"):
        CELL.current_step(fresh, 1e-5, 1.0, sample_interval=0.0)
    with pytest.raises(CellError, match="area"):
        replace(make_parameters(), area=0.0)
    with pytest.raises(CellError, match="electrolyte_resistance"):
        replace(make_parameters(), electrolyte_resistance=-1.0)
    with pytest.raises(CellError, match="as_made_lithium"):
        replace(make_parameters(), as_made_lithium=1.0)
    with pytest.raises(CellError, match="film"):
        Cell(replace(make_parameters(), diffusivity=(1e-14,)))
