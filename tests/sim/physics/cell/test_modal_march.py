"""Every control on the modal engine: it is held, limits are met, charge balances, and bad requests have names."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.materials import cathode
from sim.physics.cell.cell import Ageing, Cell, CellError, EndReason
from sim.physics.cell.control import REST, Current, Power, Record, RequestError, Resistance, Until, Voltage
from sim.physics.cell.diffusion import graded_edges

AREA, THICKNESS = 1e-4, 1.2e-6


def make(cells: int = 40, **changes: object) -> Cell:
    edges = graded_edges(THICKNESS, cells)
    depth = 0.5 * (edges[1:] + edges[:-1]) / THICKNESS
    return Cell(replace(cathode.cell_on(edges, 2e-14 * 20.0**-depth, area=AREA), **changes))


CELL = make()
HALF = replace(CELL.fresh(), lithium=(0.6,) * 40)


def held(cell: Cell, state) -> float:
    """Return the lithium in the film [C]."""
    widths = np.diff(cell.parameters.edges)
    return float(cell.parameters.site_density * widths @ np.array(state.lithium)) * cell.parameters.area


controls = st.one_of(
    st.builds(Current, st.floats(-1e-3, 1e-3)),
    st.builds(Current, st.floats(-1e-4, 1e-4), st.floats(-1e-6, 1e-6)),
    st.builds(Voltage, st.floats(3.5, 4.3)),
    st.builds(Voltage, st.floats(3.6, 4.2), st.floats(-1e-3, 1e-3)),
    st.builds(Power, st.floats(-2e-3, 2e-3)),
    st.builds(Resistance, st.floats(2e3, 1e6)),
    st.just(REST),
)


@settings(max_examples=25, deadline=None)
@given(program=st.lists(st.tuples(controls, st.floats(1e-3, 500.0)), min_size=1, max_size=8))
def test_charge_balances_over_random_programs(program) -> None:
    state = HALF
    lithium, anode, passed = held(CELL, state), state.anode_lithium, 0.0
    for control, duration in program:
        segment = CELL.step(state, control, Until(duration=duration, lower=3.0, upper=4.3 + 1e-9))
        state, passed = segment.state, passed + float(segment.charge[-1])
    assert abs(held(CELL, state) - (lithium - passed)) < 1e-12 * CELL.site_charge
    assert abs(state.anode_lithium - (anode + passed)) < 1e-12 * anode
    assert state.charge == pytest.approx(passed, abs=1e-12 * CELL.site_charge)


@pytest.mark.parametrize(
    ("control", "until", "reason", "read"),
    [
        (Power(4e-4), Until(upper=4.1), EndReason.UPPER_VOLTAGE, lambda s: (s.voltage[-1], 4.1)),
        (Power(-2e-4), Until(lower=3.7), EndReason.LOWER_VOLTAGE, lambda s: (s.voltage[-1], 3.7)),
        (Resistance(2e4), Until(lower=3.7), EndReason.LOWER_VOLTAGE, lambda s: (s.voltage[-1], 3.7)),
        (Current(0.0, 1e-6), Until(upper=4.2), EndReason.UPPER_VOLTAGE, lambda s: (s.voltage[-1], 4.2)),
        (
            Voltage(4.2),
            Until(smallest_current=2e-5),
            EndReason.SMALLEST_CURRENT,
            lambda s: (s.current[-1], 2e-5),
        ),
        (
            Voltage(4.03, 1e-3),
            Until(largest_current=5e-4),
            EndReason.LARGEST_CURRENT,
            lambda s: (s.current[-1], 5e-4),
        ),
        (Voltage(4.2), Until(charge=0.03), EndReason.CHARGE, lambda s: (s.charge[-1], 0.03)),
        (Current(1e-4), Until(charge=0.03), EndReason.CHARGE, lambda s: (s.charge[-1], 0.03)),
        (Voltage(3.9), Until(duration=77.0), EndReason.DURATION, lambda s: (s.time[-1], 77.0)),
    ],
)
def test_each_limit_is_met_within_a_millionth(control, until, reason, read) -> None:
    segment = CELL.step(HALF, control, until)
    found, asked = read(segment)
    assert segment.end is reason
    assert found == pytest.approx(asked, rel=1e-7 if reason is not EndReason.LARGEST_CURRENT else 1e-6)


def test_cut_off_is_also_that_of_the_state_left() -> None:
    segment = CELL.step(HALF, Power(-2e-4), Until(lower=3.4))
    assert CELL.voltage(segment.state, float(segment.current[-1])) == pytest.approx(3.4, abs=1e-6)


@pytest.mark.parametrize(
    ("control", "until", "rate"),
    [
        (REST, Until(voltage_rate=1e-5), "voltage"),
        (Voltage(4.2), Until(current_rate=1e-7), "current"),
    ],
)
def test_rates_end_a_step_where_they_have_fallen_to_their_limit(control, until, rate) -> None:
    start = HALF if control != REST else CELL.step(HALF, Current(8e-4), Until(duration=20.0)).state
    segment = CELL.step(start, control, until)
    end = float(segment.time[-1])
    close = CELL.step(start, control, Until(duration=end), Record(times=(0.999 * end,)))
    slope = np.diff(getattr(close, rate)[-2:])[0] / np.diff(close.time[-2:])[0]
    asked = until.voltage_rate or until.current_rate
    assert segment.end in (EndReason.VOLTAGE_RATE, EndReason.CURRENT_RATE)
    assert abs(slope) == pytest.approx(asked, rel=5e-3)


def test_constant_current_with_rates_watched_is_that_without() -> None:
    watched = CELL.step(HALF, Current(2e-4), Until(duration=300.0, voltage_rate=1e-12))
    plain = CELL.step(HALF, Current(2e-4), Until(duration=300.0))
    assert watched.end is plain.end
    assert watched.voltage[-1] == pytest.approx(plain.voltage[-1], abs=1e-9)
    assert watched.energy[-1] == pytest.approx(plain.energy[-1], rel=1e-9)
    assert np.subtract(watched.state.lithium, plain.state.lithium) == pytest.approx(0.0, abs=1e-12)


def test_rate_has_fallen_to_any_limit_where_the_voltage_turns() -> None:
    start = CELL.step(HALF, Current(8e-4), Until(duration=20.0)).state
    turn = CELL.step(start, Current(2e-4), Until(duration=300.0, voltage_rate=1e-12))
    around = CELL.step(start, Current(2e-4), Until(duration=300.0), Record(interval=0.05))
    assert turn.end is EndReason.VOLTAGE_RATE
    assert turn.time[-1] == pytest.approx(around.time[np.argmin(around.voltage)], abs=0.1)
    assert turn.voltage[-1] == pytest.approx(around.voltage.min(), abs=1e-7)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("smallest", [5e-5, 1e-6, 1e-8])
def test_current_that_changes_its_sign_has_fallen_to_its_limit_before(sign: float, smallest: float) -> None:
    start = CELL.step(HALF, Current(sign * 8e-4), Until(duration=20.0)).state
    swept = Voltage(CELL.voltage(start, sign * 2e-4), -sign * 1e-3)
    segment = CELL.step(start, swept, Until(smallest_current=smallest, duration=300.0))
    assert segment.end is EndReason.SMALLEST_CURRENT
    assert segment.current[-1] == pytest.approx(sign * smallest, rel=1e-6, abs=1e-10)


def test_charge_that_comes_back_is_counted_from_where_it_started() -> None:
    ramp = Current(-4e-4, 4e-6)
    segment = CELL.step(HALF, ramp, Until(charge=0.0401))
    back = 100.0 + math.sqrt(100.0**2 + 2.0 * 0.0401 / 4e-6)
    assert segment.end is EndReason.CHARGE
    assert segment.charge[-1] == pytest.approx(0.0401, rel=1e-7)
    assert segment.time[-1] == pytest.approx(back, rel=1e-7)


@pytest.mark.parametrize("current", [-4e-4, 4e-4])
def test_rate_lost_in_the_round_off_of_a_film_all_but_used_up_ends_nothing(current: float) -> None:
    watched = CELL.step(HALF, Current(current), Until(voltage_rate=1e-8))
    assert watched.end is EndReason.LIMITING_CURRENT
    plain = CELL.step(HALF, Current(current), Until())
    assert watched.time[-1] == pytest.approx(plain.time[-1], rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0.01, 0.99), control=st.sampled_from([Voltage(4.15), Power(4e-4), Resistance(1e4)]))
def test_two_steps_equal_one(share: float, control) -> None:
    once = CELL.step(HALF, control, Until(duration=60.0))
    first = CELL.step(HALF, control, Until(duration=share * 60.0))
    second = CELL.step(first.state, control, Until(duration=(1.0 - share) * 60.0))
    assert second.state.charge == pytest.approx(once.state.charge, abs=1e-8 * CELL.site_charge)
    assert second.state.energy == pytest.approx(once.state.energy, abs=1e-7 * CELL.site_charge)


def test_rows_lie_where_they_are_asked_for_and_change_nothing() -> None:
    plain = CELL.step(HALF, Voltage(4.2), Until(smallest_current=2e-5))
    record = Record(interval=10.0, current_change=1e-5, times=(0.123, 4.56))
    rows = CELL.step(HALF, Voltage(4.2), Until(smallest_current=2e-5), record)
    assert rows.state == plain.state
    assert {0.123, 4.56, 10.0, 20.0} <= set(rows.time.tolist())
    asked = np.isin(rows.time, [0.0, 0.123, 4.56, rows.time[-1]]) | (rows.time % 10.0 == 0.0)
    assert np.abs(np.diff(rows.current))[~asked[1:]] == pytest.approx(1e-5, rel=1e-5)
    # The first row holds nothing but round-off, of 1e-20 J.
    assert rows.energy == pytest.approx(4.2 * rows.charge, rel=1e-12, abs=1e-18)


def test_power_no_current_can_give_ends_at_once_or_when_it_is_passed() -> None:
    at_once = CELL.step(HALF, Power(-0.3), Until(lower=1.0))
    assert at_once.end is EndReason.MAXIMUM_POWER
    assert at_once.time.tolist() == [0.0]
    assert at_once.current.tolist() == [0.0]
    later = CELL.step(HALF, Power(-6e-3), Until())
    assert later.end is EndReason.MAXIMUM_POWER
    assert later.time[-1] > 0.0


def test_current_ramp_ends_where_the_surface_is_empty() -> None:
    segment = CELL.step(HALF, Current(0.0, 1e-5), Until())
    assert segment.end is EndReason.LIMITING_CURRENT
    assert min(CELL.step(HALF, Current(0.0, 1e-5), Until(upper=5.0)).time[-1], segment.time[-1]) > 0.0


def test_hold_without_an_end_that_comes_is_called_steady() -> None:
    segment = make(leak_resistance=100.0).step(HALF, Voltage(4.0), Until(largest_current=1e-2))
    assert segment.end is EndReason.STEADY


def test_hold_of_the_open_circuit_potential_passes_nothing() -> None:
    potential = CELL.voltage(HALF, 0.0)
    segment = CELL.step(HALF, Voltage(potential), Until(duration=1000.0))
    assert abs(segment.charge[-1]) < 1e-10 * CELL.site_charge


@pytest.mark.parametrize(
    ("control", "until"),
    [
        (REST, {}),
        (Voltage(4.0), {}),
        (Resistance(1e4), {}),
        (Current(1e-4, -1e-6), {}),
        (Voltage(4.3), {"duration": 10.0, "upper": 4.2}),
        (Voltage(2.9), {"duration": 10.0, "lower": 3.0}),
    ],
)
def test_programs_without_an_end_or_outside_their_window_are_refused(control, until) -> None:
    with pytest.raises(RequestError):
        CELL.step(HALF, control, Until(**until))


def test_state_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CellError, match="volumes"):
        CELL.step(replace(HALF, lithium=(0.5,)), Voltage(4.0), Until(duration=1.0))


def test_lost_lithium_is_missing_on_the_anode_only_after_charging() -> None:
    cell = make(ageing=Ageing(plating_loss=1e-3), anode_lithium=0.0)
    charge = cell.current_step(cell.fresh(), 8.6e-5, math.inf, upper=4.25)
    hold = cell.step(charge.state, Voltage(4.25), Until(smallest_current=1e-5))
    plated = float(charge.charge[-1] + hold.charge[-1])
    assert hold.state.anode_lithium == pytest.approx(0.999 * plated, rel=1e-12, abs=0.0)
    discharge = cell.current_step(hold.state, -8.6e-5, math.inf, lower=3.0)
    assert discharge.state.anode_lithium == pytest.approx(0.999 * plated + discharge.charge[-1], abs=1e-12)


def retention(cell: Cell, cycles: int) -> float:
    """Return the last discharge over the second of some cycles."""
    state, found = cell.fresh(), []
    for _ in range(cycles):
        state = cell.current_step(state, 4e-4, math.inf, upper=4.25).state
        discharge = cell.current_step(state, -4e-4, math.inf, lower=3.0)
        state = discharge.state
        found.append(-float(discharge.charge[-1]))
    return found[-1] / found[1]


def test_one_loss_fades_a_cell_without_lithium_and_spares_one_with_an_excess() -> None:
    lossy = Ageing(plating_loss=4e-3)
    bare, rich = make(ageing=lossy, anode_lithium=0.0), make(ageing=lossy, anode_lithium=1.5e4)
    assert retention(rich, 40) == pytest.approx(1.0, abs=1e-3)
    assert 0.80 < retention(bare, 40) < 0.97


def test_anodeless_cell_keeps_95_percent_for_150_cycles_and_all_with_two_micrometres_of_lithium() -> None:
    found = []
    for lithium in (0.0, 2e-6 * cathode.LITHIUM_SITE_CHARGE):
        cell = make(
            edges=tuple(graded_edges(10e-6, 40).tolist()),
            diffusivity=(5e-14,) * 40,
            anode_lithium=lithium,
            ageing=cathode.ANODELESS_AGEING,
        )
        state, current, given = cell.fresh(), 0.69e-3 / 5.0, []  # 0.69 mAh/cm2 at C/5
        for _ in range(150):
            state = cell.current_step(state, current, math.inf, upper=4.25).state
            discharge = cell.current_step(state, -current, math.inf, lower=3.0)
            state = discharge.state
            given.append(-float(discharge.charge[-1]))
        found.append(given[-1] / given[0])
    assert found[0] == pytest.approx(0.95, abs=0.01)
    assert found[1] == pytest.approx(1.0, abs=1e-6)


def test_film_full_to_the_last_digit_is_refused_by_name() -> None:
    full = replace(CELL.fresh(), lithium=(1.0 - 1e-14,) * 40)
    segment = CELL.step(full, Current(-1e-4), Until(duration=10.0))
    assert segment.end is EndReason.LIMITING_CURRENT
    assert segment.current.tolist() == [0.0]


@pytest.mark.parametrize("rate", [-7.7e-5, -1e-6])
def test_ramp_down_without_a_lower_limit_ends_at_a_full_film(rate: float) -> None:
    segment = CELL.step(HALF, Voltage(3.8, rate), Until(upper=4.5))
    assert segment.end is EndReason.LIMITING_CURRENT
    assert segment.voltage[-1] < 3.0


def test_resistance_grows_with_the_root_of_the_cycles_and_film_is_lost_each_cycle() -> None:
    cell = make(ageing=Ageing(resistance_growth=1e-3, active_loss=0.01))
    state = replace(HALF, cycles=4.0)
    young = make()
    step = cell.voltage(state, 1e-4) - cell.voltage(state, 0.0)
    # Film and its interface carry the current with what is left of them.
    fewer = 0.99**4
    thin = make(active_share=(0.985 * fewer,) * 40, cathode_exchange_current=50.0 * fewer)
    same = thin.voltage(HALF, 1e-4) - thin.voltage(HALF, 0.0)
    assert step == pytest.approx(same + 2e-3 * 1.0, rel=1e-9)
    assert young.voltage(HALF, 0.0) == cell.voltage(state, 0.0)


def test_ageing_counts_half_sites_discharged_and_not_how_a_step_is_cut() -> None:
    cell = make(ageing=Ageing(resistance_growth=1e-3, active_loss=1e-3))
    full = replace(cell.fresh(), lithium=(0.5,) * 40)
    once = cell.current_step(full, -1e-4, 1000.0).state
    half = cell.current_step(full, -1e-4, 400.0).state
    twice = cell.current_step(cell.current_step(half, 0.0, 10.0).state, -1e-4, 600.0).state
    one, two = (cell.current_step(state, 1e-4, 1.0).state for state in (once, twice))
    assert once.cycles == 0.0
    assert one.cycles == pytest.approx(0.1 / (0.5 * cell.site_charge), rel=1e-9)
    assert two.cycles == pytest.approx(one.cycles, rel=1e-9)


def test_leak_discharges_a_resting_cell_and_lithium_is_kept() -> None:
    cell = make(leak_resistance=10.0)
    state = replace(cell.fresh(), lithium=(0.6,) * 40)
    segment = cell.step(state, REST, Until(duration=1000.0))
    lost = cell.site_charge * (0.6 - held(cell, segment.state) / cell.site_charge)
    assert segment.charge[-1] == pytest.approx(0.0, abs=1e-15)
    assert segment.state.anode_lithium + held(cell, segment.state) == pytest.approx(
        state.anode_lithium + held(cell, state), abs=1e-12
    )
    assert lost == pytest.approx(-1000.0 * 3.97 / 10.0 * AREA, rel=0.03)


def test_shorted_cell_rests_at_nothing() -> None:
    cell = make(leak_resistance=0.1)
    segment = cell.step(replace(cell.fresh(), lithium=(0.6,) * 40), REST, Until(duration=1e5))
    assert segment.end is EndReason.DURATION
    assert segment.voltage[-1] == pytest.approx(0.0, abs=1e-6)
    assert segment.state.lithium[-1] == pytest.approx(1.0, abs=1e-9)


def test_discharge_to_a_film_full_to_its_last_digits_ends_by_name() -> None:
    """There round-off of x is a microvolt and more: no panel is short enough to resolve that."""
    cell = Cell(cathode.cell_on(graded_edges(1.28e-6, 40), np.geomspace(1.6e-13, 1e-14, 40), area=1.7e-7))
    state = replace(cell.fresh(), lithium=tuple(np.linspace(1.0 - 3.8e-6, 1.0 - 1e-6, 40).tolist()))
    segment = cell.step(state, Current(-6.76e-9, 1.08e-12), Until(duration=1e4))
    assert segment.end is EndReason.LIMITING_CURRENT
    assert segment.voltage[-1] < 2.5


def test_steep_ramp_far_beyond_what_a_surface_can_hold_ends_by_name() -> None:
    cell = make(leak_resistance=12.0)
    segment = cell.step(HALF, Voltage(4.27, 2.3e-3), Until(duration=8e4))
    assert segment.end is EndReason.LIMITING_CURRENT


def test_charge_limit_of_a_short_across_a_full_film_is_met_to_round_off() -> None:
    full = replace(CELL.fresh(), lithium=(1.0 - 1e-6,) * 40)
    segment = CELL.step(full, Resistance(400.0), Until(charge=1e-7, duration=1e4))
    assert segment.end is EndReason.CHARGE
    assert segment.charge[-1] == pytest.approx(-1e-7, abs=1e-9 * CELL.site_charge)


def test_leaking_hold_that_nothing_ends_is_steady_once_its_film_is_empty() -> None:
    segment = make(leak_resistance=0.1).step(CELL.fresh(), Voltage(4.64), Until(lower=3.0))
    assert segment.end is EndReason.STEADY
    assert segment.current[-1] == pytest.approx(4.64 * AREA / 0.1, rel=1e-6)
