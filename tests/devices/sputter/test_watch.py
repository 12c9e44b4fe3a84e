"""Each watcher by itself: what it lets pass, and what it does not."""

from __future__ import annotations

import itertools
import math

import pytest

from devices.limits import SputterLimits
from devices.sputter.parts import Flow, MonitorReading, SupplyState
from devices.sputter.watch import (
    ArcWatch,
    BiasWatch,
    FlowWatch,
    HeatWatch,
    PressureWatch,
    RateWatch,
    ShareWatch,
    SourceWatch,
    SubstrateBiasWatch,
    Trouble,
    TurboWatch,
    arcs,
)

LIMITS = SputterLimits()


def supply(**changes):
    fields = {"on": True, "forward": 120.0, "reflected": 0.0, "load": 120.0, "bias": 180.0, "current": 0.0}
    return SupplyState(**{**fields, "in_control": True, "flags": frozenset(), **changes})


def test_a_flow_may_be_off_for_three_seconds():
    watch, wanted = FlowWatch(LIMITS, {"Ar": 100.0, "N2": 100.0}), {"Ar": 24.0}
    off = {"Ar": Flow(22.0, 24.0, "SETPOINT"), "N2": Flow(0.0, 0.0, "CLOSE")}
    for now in (0.0, 1.0, 2.0):
        watch.look(now, off, wanted)
    watch.look(2.5, {**off, "Ar": Flow(23.0, 24.0, "SETPOINT")}, wanted)
    watch.look(3.0, off, wanted)
    with pytest.raises(Trouble, match="Ar"):
        watch.look(6.0, off, wanted)


def test_a_gas_that_nobody_asked_for_is_a_fault():
    watch = FlowWatch(LIMITS, {"Ar": 100.0, "N2": 100.0})
    leaking = {"Ar": Flow(24.0, 24.0, "SETPOINT"), "N2": Flow(2.0, 0.0, "CLOSE")}
    watch.look(0.0, leaking, {"Ar": 24.0})
    with pytest.raises(Trouble, match="N2"):
        watch.look(3.0, leaking, {"Ar": 24.0})


def test_a_small_flow_may_be_off_by_what_its_controller_is_uncertain_of():
    watch, wanted = FlowWatch(LIMITS, {"O2": 100.0}), {"O2": 1.0}
    for now in range(10):
        watch.look(float(now), {"O2": Flow(0.6, 1.0, "SETPOINT")}, wanted)
    assert not watch.wrong
    watch.look(10.0, {"O2": Flow(0.4, 1.0, "SETPOINT")}, wanted)
    with pytest.raises(Trouble, match="O2"):
        watch.look(13.0, {"O2": Flow(0.4, 1.0, "SETPOINT")}, wanted)


def reading(thickness, frequency):
    return MonitorReading(0.0, thickness, frequency, 0.9, True)


def test_what_a_crystal_weighs_more_than_its_heat_can_feign_came_through_an_open_shutter():
    watch = RateWatch(LIMITS)
    watch.lit(reading(5e-9, 5.9e6))
    watch.weighs(reading(5.7e-9, 5.9e6 - LIMITS.crystal_heat + 1.0))
    with pytest.raises(Trouble, match=r"1\.0 nm came behind the closed shutter"):
        watch.weighs(reading(6e-9, 5.9e6 - LIMITS.crystal_heat - 1.0))
    assert watch.grown == pytest.approx(1e-9, rel=1e-6, abs=0.0)


def test_all_that_came_behind_a_closed_shutter_counts_not_the_last_rows_alone():
    watch = RateWatch(LIMITS)
    for now in range(20):
        watch.behind(float(now), 0.0, 0.1e-9)
    watch.behind(20.0, 0.1e-9, 0.1e-9)
    for now in range(21, 30):
        watch.behind(float(now), (now - 16) * 0.02e-9, 0.1e-9)
    with pytest.raises(Trouble, match="stuck open"):
        watch.behind(30.0, 0.4e-9, 0.1e-9)
    assert watch.grown == pytest.approx(0.4e-9, rel=1e-6, abs=0.0)


def test_what_a_gun_gives_is_missed_where_rates_are_known_well_enough():
    watch = ShareWatch({"gun2": 0.9, "gun3": 0.1}, 0.015)
    assert watch.can_tell
    watch.look(0.95e-9, 1e-9)
    with pytest.raises(Trouble, match="gun3"):
        watch.look(0.91e-9, 1e-9)
    with pytest.raises(Trouble, match="gun2"):
        watch.look(0.1e-9, 1e-9)
    assert not ShareWatch({"gun2": 0.9, "gun3": 0.1}, 0.05).can_tell
    assert not ShareWatch({}, 0.01).can_tell


def test_a_bias_that_gives_another_power_is_a_fault_and_not_while_it_is_ramped():
    watch = SubstrateBiasWatch()
    for _ in range(10):
        watch.look(supply(load=5.0), None)
    for _ in range(4):
        watch.look(supply(load=5.0), 20.0)
    watch.look(supply(load=18.0), 20.0)
    for _ in range(4):
        watch.look(supply(load=5.0), 20.0)
    with pytest.raises(Trouble, match="takes 5 W, it was set to 20 W"):
        watch.look(supply(load=5.0), 20.0)


def test_a_bias_that_is_off_or_not_ours_is_a_fault_at_once():
    with pytest.raises(Trouble, match="control"):
        SubstrateBiasWatch().look(supply(in_control=False), 20.0)
    with pytest.raises(Trouble, match="is off"):
        SubstrateBiasWatch().look(supply(on=False), None)


@pytest.mark.parametrize("temperature", [520.0, 620.0, math.nan])
def test_a_substrate_that_is_off_its_temperature_for_long_is_a_fault(temperature):
    watch = HeatWatch(LIMITS, 573.0)
    watch.look(0.0, temperature)
    watch.look(10.0, 570.0)
    watch.look(11.0, temperature)
    with pytest.raises(Trouble, match="and not at 573 K"):
        watch.look(11.0 + LIMITS.substrate_time, temperature)


def test_five_arcs_a_minute_pass_and_six_do_not():
    watch, guns = ArcWatch(LIMITS), itertools.cycle(("gun1", "gun2"))
    for now in range(0, 600, 12):
        watch.look(float(now), {next(guns): 1})
    watch.look(598.0, {})
    with pytest.raises(Trouble, match="6 arcs within a minute"):
        watch.look(599.0, {next(guns): 1})


def test_half_of_a_minutes_arcs_on_one_target_in_a_third_of_it_are_a_storm_whose_power_goes_at_once():
    watch = ArcWatch(LIMITS)
    watch.look(100.0, {"gun1": 1})
    watch.look(110.0, {"gun1": 1})
    watch.look(115.0, {"gun2": 1})
    watch.look(121.0, {"gun1": 1})
    with pytest.raises(Trouble, match="3 of them on gun1 within 20 s") as storm:
        watch.look(125.0, {"gun1": 1})
    assert not storm.value.gently


def test_a_spike_that_throws_most_back_or_trips_the_limit_was_several_arcs():
    assert arcs(supply()) == 0
    assert arcs(supply(on=False, reflected=120.0)) == 0
    assert arcs(supply(reflected=40.0)) == 1
    assert arcs(supply(reflected=80.0)) == 2
    assert arcs(supply(flags=frozenset({"reflected power limit"}))) == 2
    assert arcs(supply(reflected=120.0, bias=0.0)) == 1


def burning(power, stiff=1.0):
    """Return a target at a power [W] whose bias follows the law of one that is whole, times stiff."""
    return supply(forward=power, load=power, bias=stiff * 180.0 * (power / 120.0) ** 0.45)


def biases(watch, begin, states, *, pressures=(), still=True, fixed=True):
    """Return how many of the states a watch lets pass, one a second, at pressures [Pa] or 3 Pa."""
    at = pressures or [3.0] * len(states)
    for number, (state, pressure) in enumerate(zip(states, at, strict=True)):
        try:
            watch.look(float(begin + number), state, pressure, still=still, fixed=fixed)
        except Trouble:
            return number
    return len(states)


WHOLE, CRACKED = burning(120.0), burning(120.0, 0.9)


def test_a_bias_may_drift_but_not_step():
    watch = BiasWatch("gun1", LIMITS)
    drifting = [supply(bias=180.0 - now * 2e-3) for now in range(20_000)]
    assert biases(watch, 0, drifting) == 20_000
    assert biases(watch, 20_000, [supply(bias=140.0 * 0.9)] * 10) == 3


@pytest.mark.parametrize("rate", [1 / 3, 4.0, -1 / 3])
def test_a_bias_that_its_power_explains_is_no_step_and_a_crack_within_a_ramp_is_one(rate):
    powers = [80.0 + rate * second for second in range(-10, 10)]
    whole = [supply(forward=each, load=each, bias=round(burning(each).bias)) for each in powers]
    assert biases(BiasWatch("gun1", LIMITS), 0, whole, fixed=False) == 20
    direct = [supply(load=each, current=0.3, bias=350.0 * (each / 100.0) ** 0.1) for each in powers]
    assert biases(BiasWatch("gun1", LIMITS), 0, direct, fixed=False) == 20
    if abs(rate) < 1.0:
        cracked = whole[:10] + [burning(each, 0.9) for each in powers[10:]]
        assert biases(BiasWatch("gun1", LIMITS), 0, cracked, fixed=False) == 13


def test_a_target_whose_bias_is_another_than_in_the_film_before_has_cracked():
    watch = BiasWatch("gun1", LIMITS)
    assert math.isnan(watch.settled)
    assert biases(watch, 0, [WHOLE] * 40) == 40
    later = BiasWatch("gun1", LIMITS)
    later.known = watch.settled
    assert biases(later, 0, [burning(60.0, 0.9)] * 40, fixed=False) == 40
    assert biases(later, 40, [burning(120.0, 0.97)] * 40) == 40
    again = BiasWatch("gun1", LIMITS)
    again.known = watch.settled
    assert biases(again, 0, [CRACKED] * 40) == 3


def test_an_arc_and_a_change_of_pressure_are_no_step():
    watch = BiasWatch("gun1", LIMITS)
    assert biases(watch, 0, [WHOLE] * 40) == 40
    assert biases(watch, 40, [supply(reflected=40.0, load=80.0)] * 5) == 5
    assert biases(watch, 45, [WHOLE] * 5) == 5
    assert biases(watch, 50, [CRACKED], pressures=[6.05], still=False) == 1
    assert biases(watch, 51, [CRACKED] * 40, pressures=[6.05] * 40) == 40


SETTLING = [3.0, 0.70, 0.58, 0.52, 0.48, 0.455, 0.44, 0.427, 0.42, 0.414, 0.41, *[0.405] * 20]
"""Pa, as a throttle takes it from where a plasma was lit to where its film grows."""


@pytest.mark.parametrize("exponent", [0.0, -0.15, -0.3])
def test_a_bias_that_its_pressure_explains_is_no_step(exponent):
    states = [supply(forward=40.0, load=40.0, bias=110.0 * (each / 3.0) ** exponent) for each in SETTLING]
    watch = BiasWatch("gun2", LIMITS)
    assert biases(watch, 0, states, pressures=SETTLING, still=False) == len(states)


@pytest.mark.parametrize("row", [3, 4, 5, 8])
def test_a_target_that_cracks_while_the_pressure_settles_is_seen(row):
    whole = [110.0 * (each / 3.0) ** -0.15 for each in SETTLING]
    states = [
        supply(forward=40.0, load=40.0, bias=round(bias * (0.9 if number >= row else 1.0)))
        for number, bias in enumerate(whole)
    ]
    watch = BiasWatch("gun2", LIMITS)
    assert biases(watch, 0, states, pressures=SETTLING, still=False) == row + 3


def test_noise_of_a_thickness_behind_the_shutter_is_no_film():
    watch = RateWatch(LIMITS)
    thickness = 5e-9
    for now, noise in enumerate((0.003e-9, -0.002e-9, 0.02e-9, 0.0, 0.001e-9, -0.003e-9, 0.0, 0.01e-9)):
        watch.behind(float(now), thickness + noise, 0.05e-9)

    def grow():
        for now in range(8, 16):
            watch.behind(float(now), thickness + 0.03e-9 * (now - 7), 0.05e-9)

    with pytest.raises(Trouble, match="stuck open"):
        grow()


def test_a_throttle_at_its_end_is_a_fault_though_the_pressure_is_right():
    watch = PressureWatch(LIMITS)
    for now in range(3):
        watch.look(float(now), 3.0, 0.0, 3.0)
    with pytest.raises(Trouble, match="its limit"):
        watch.look(3.0, 3.0, 0.0, 3.0)


def test_one_dark_row_is_an_arc_and_three_are_a_plasma_that_is_out():
    watch = SourceWatch()
    dark = supply(reflected=120.0, bias=0.0)
    assert watch.look({"gun1": dark}, ("gun1",)) == {"gun1": 1}
    assert watch.look({"gun1": supply()}, ("gun1",)) == {}
    watch.look({"gun1": dark}, ("gun1",))
    watch.look({"gun1": dark}, ("gun1",))
    with pytest.raises(Trouble, match="went out"):
        watch.look({"gun1": dark}, ("gun1",))


def test_a_lost_generator_is_told_from_one_that_is_off():
    with pytest.raises(Trouble, match="control"):
        SourceWatch().look({"gun1": supply(on=False, in_control=False)}, ("gun1",))
    with pytest.raises(Trouble, match="interlock open"):
        SourceWatch().look({"gun1": supply(on=False, flags=frozenset({"interlock open"}))}, ("gun1",))


def test_a_turbo_pump_that_slows_down_is_known_before_it_pumps_less():
    watch = TurboWatch(LIMITS)
    for now in range(100):
        watch.look(min(1.0, 0.95 + 1e-3 * now))
    watch.look(0.996)
    with pytest.raises(Trouble, match="slows down"):
        watch.look(0.994)


def test_a_chamber_without_a_turbo_pump_has_none_that_slows_down():
    watch = TurboWatch(LIMITS)
    for _ in range(10):
        watch.look(math.nan)


def test_a_gas_that_no_controller_tells_of_is_a_fault():
    watch = FlowWatch(LIMITS, {"Ar": 100.0})
    watch.look(0.0, {}, {"Ar": 24.0})
    assert watch.wrong
    with pytest.raises(Trouble, match="Ar is not there"):
        watch.look(3.0, {}, {"Ar": 24.0})


@pytest.mark.parametrize("pressure", [2.6, 3.4, math.nan])
def test_a_pressure_that_is_off_or_that_no_gauge_shows_is_a_fault_when_it_stays(pressure):
    watch = PressureWatch(LIMITS)
    watch.look(0.0, 3.2, 0.4, 3.0)
    watch.look(1.0, pressure, 0.4, 3.0)
    with pytest.raises(Trouble, match="3 Pa are wanted"):
        watch.look(11.0, pressure, 0.4, 3.0)


def test_a_crystal_that_does_not_oscillate_weighs_no_film_behind_the_shutter():
    watch = RateWatch(LIMITS)
    watch.lit(reading(5e-9, 5.9e6))
    watch.weighs(MonitorReading(0.0, 0.0, 0.0, 0.0, False))


def test_a_bias_higher_than_in_the_film_before_is_a_crack_as_a_lower_one_is():
    for stiff in (0.9, 1.1):
        watch = BiasWatch("gun1", LIMITS)
        watch.known = 180.0 / 120.0**0.45
        assert biases(watch, 0, [burning(120.0, stiff)] * 40) == 3


POWERS = {
    "held": [40.0] * 20,
    "fast": [40.0 + 4.0 * row for row in range(20)],
    "slow": [40.0 + row / 3.0 for row in range(20)],
}
"""W of a target that was lit with 40 W, from row to row."""
ORIGINAL = burning(40.0).bias


def lit(before, powers=(), *, stiff=1.0, pressure=3.0):
    """Return how many rows pass of a target lit with 40 W at 3 Pa, and its watch; before [V] is its bias then."""
    watch = BiasWatch("gun1", LIMITS)
    watch.strikes(before, 40.0, 3.0)
    states = [burning(power, stiff) for power in powers]
    return biases(watch, 100, states, pressures=[pressure] * len(states), fixed=False), watch


@pytest.mark.parametrize("ramp", POWERS)
def test_a_target_that_is_lit_with_another_bias_than_before_has_cracked(ramp):
    for stiff in (0.9, 1.1):
        assert lit(ORIGINAL, POWERS[ramp], stiff=stiff)[0] == 3
    assert lit(ORIGINAL, POWERS[ramp])[0] == 20
    assert lit(ORIGINAL, POWERS[ramp], stiff=0.97)[0] == 20


def test_what_a_bias_was_held_against_is_told():
    watch = BiasWatch("gun1", LIMITS)
    watch.strikes(ORIGINAL, 40.0, 3.0)
    cracked = burning(40.0, 0.9)
    assert biases(watch, 0, [cracked] * 3, fixed=False) == 3
    with pytest.raises(Trouble, match="90% of what it was, as it was lit before"):
        watch.look(3.0, cracked, 3.0, still=True, fixed=False)
    _, watch = lit(ORIGINAL, POWERS["held"])
    assert biases(watch, 120, [cracked] * 3, fixed=False) == 3
    with pytest.raises(Trouble, match="which its power and the pressure do not explain"):
        watch.look(123.0, cracked, 3.0, still=True, fixed=False)


@pytest.mark.parametrize("ramp", POWERS)
def test_a_target_of_which_nobody_knows_a_lighting_is_taken_as_it_is_and_watched_from_there(ramp):
    passed, watch = lit(math.nan, POWERS[ramp], stiff=0.9)
    assert passed == 20
    last = POWERS[ramp][-1]
    assert biases(watch, 120, [burning(last, 0.81)] * 20, fixed=False) == 3


def test_what_was_seen_of_a_lighting_counts_from_when_its_pressure_is_held():
    """As of a plasma that is lit at a higher one."""
    passed, watch = lit(ORIGINAL, POWERS["held"], stiff=0.9, pressure=4.0)
    assert passed == 20
    assert math.isnan(watch.struck)
    assert biases(watch, 120, [burning(40.0, 0.9)] * 20, fixed=False) == 3
    passed, watch = lit(ORIGINAL, POWERS["held"], pressure=4.0)
    assert biases(watch, 120, [burning(40.0)] * 20, fixed=False) == passed == 20
    assert watch.struck == pytest.approx(ORIGINAL, rel=1e-9)


def test_a_bias_that_is_off_is_known_before_it_is_told():
    for stiff, is_off in ((0.9, True), (1.0, False)):
        passed, watch = lit(ORIGINAL, POWERS["held"][:2], stiff=stiff)
        assert (passed, watch.is_off) == (2, is_off)
    assert biases(watch, 102, [burning(40.0, 0.9)], fixed=False) == 1
    assert watch.is_off
    assert biases(watch, 103, [burning(40.0)], fixed=False) == 1
    assert not watch.is_off


@pytest.mark.parametrize("ramp", POWERS)
def test_what_a_target_was_lit_with_is_its_bias_at_the_power_of_the_lighting(ramp):
    before = lit(ORIGINAL)[1]
    assert math.isnan(before.struck)
    _, watch = lit(ORIGINAL, POWERS[ramp])
    assert watch.struck == pytest.approx(ORIGINAL, rel=1e-9)
    # What comes later is no lighting.
    assert biases(watch, 120, [burning(100.0, 0.97)] * 10, fixed=False) == 10
    assert watch.struck == pytest.approx(ORIGINAL, rel=1e-9)
    direct = BiasWatch("gun1", LIMITS)
    direct.strikes(math.nan, 40.0, 3.0)
    states = [supply(load=each, current=0.3, bias=350.0 * (each / 40.0) ** 0.1) for each in POWERS[ramp]]
    assert biases(direct, 0, states, fixed=False) == 20
    assert direct.struck == pytest.approx(350.0, rel=1e-9)


def test_a_target_that_is_lit_again_is_held_against_the_lighting_before():
    _, watch = lit(math.nan, POWERS["held"], stiff=0.9)
    watch.strikes(ORIGINAL, 40.0, 3.0)
    assert math.isnan(watch.struck)
    assert biases(watch, 200, [burning(40.0, 0.9)] * 20, fixed=False) == 3


def test_a_target_whose_match_is_still_moving_is_held_against_its_lighting_by_the_power_that_it_takes():
    passed, watch = lit(ORIGINAL, [26.0, 33.0, 38.0, *POWERS["held"]])
    assert passed == 23
    assert watch.struck == pytest.approx(ORIGINAL, rel=1e-9)
    assert lit(ORIGINAL, [38.0, 39.5, *POWERS["held"]], stiff=0.9)[0] == 3


def test_a_row_in_which_nothing_burns_is_no_lighting():
    watch = BiasWatch("gun1", LIMITS)
    watch.strikes(ORIGINAL, 40.0, 3.0)
    dark = supply(forward=40.0, reflected=40.0, load=0.0, bias=0.0)
    assert biases(watch, 0, [dark] * 10, fixed=False) == 10
    assert math.isnan(watch.struck)
    assert biases(watch, 10, [burning(40.0, 0.9)] * 20, fixed=False) == 3
