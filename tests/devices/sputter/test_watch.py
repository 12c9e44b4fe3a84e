"""Each watcher by itself: what it lets pass, and what it does not."""

from __future__ import annotations

import math

import numpy as np
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
    ThrottleWatch,
    Trouble,
    TurboWatch,
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
    assert watch.grown == pytest.approx(1e-9)


def test_all_that_came_behind_a_closed_shutter_counts_not_the_last_rows_alone():
    watch = RateWatch(LIMITS)
    for now in range(20):
        watch.behind(float(now), 0.0, 0.1e-9)
    watch.behind(20.0, 0.1e-9, 0.1e-9)
    for now in range(21, 30):
        watch.behind(float(now), (now - 16) * 0.02e-9, 0.1e-9)
    with pytest.raises(Trouble, match="stuck open"):
        watch.behind(30.0, 0.4e-9, 0.1e-9)
    assert watch.grown == pytest.approx(0.4e-9)


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
    watch = ArcWatch(LIMITS)
    for now in range(0, 600, 13):
        watch.look(float(now), 1)
    for now in (598.0, 599.0):
        watch.look(now, 0)
    with pytest.raises(Trouble, match="6 arcs within a minute"):
        watch.look(600.0, 1)


def test_half_of_a_minutes_arcs_in_a_sixth_of_it_are_a_storm():
    watch = ArcWatch(LIMITS)
    watch.look(100.0, 1)
    watch.look(109.0, 1)
    watch.look(111.0, 1)
    with pytest.raises(Trouble, match="3 of them within 10 s"):
        watch.look(112.0, 1)


def test_a_bias_may_drift_but_not_step():
    watch = BiasWatch("gun1", LIMITS)
    for now in range(20_000):
        watch.look(float(now), 180.0 - now * 2e-3, steady=True)
    last = 180.0 - 20_000 * 2e-3
    for now in range(20_000, 20_003):
        watch.look(float(now), last * 0.9, steady=True)
    with pytest.raises(Trouble, match="cracked"):
        watch.look(20_003.0, last * 0.9, steady=True)


def test_a_step_after_a_change_of_power_is_none():
    watch = BiasWatch("gun1", LIMITS)
    for now in range(100):
        watch.look(float(now), 180.0, steady=True)
    watch.look(100.0, 150.0, steady=False)
    for now in range(101, 200):
        watch.look(float(now), 120.0, steady=True)


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
    assert watch.look({"gun1": dark}, ("gun1",)) == 1
    assert watch.look({"gun1": supply()}, ("gun1",)) == 0
    watch.look({"gun1": dark}, ("gun1",))
    watch.look({"gun1": dark}, ("gun1",))
    with pytest.raises(Trouble, match="went out"):
        watch.look({"gun1": dark}, ("gun1",))


def test_a_lost_generator_is_told_from_one_that_is_off():
    with pytest.raises(Trouble, match="control"):
        SourceWatch().look({"gun1": supply(on=False, in_control=False)}, ("gun1",))
    with pytest.raises(Trouble, match="interlock open"):
        SourceWatch().look({"gun1": supply(on=False, flags=frozenset({"interlock open"}))}, ("gun1",))


def test_a_step_of_the_throttle_that_stays_is_gas_that_nobody_let_in():
    watch = ThrottleWatch(LIMITS)
    for now in range(100):
        watch.look(float(now), 0.359)
    for now in range(100, 103):
        watch.look(float(now), 0.3605)
    with pytest.raises(Trouble, match="water or air"):
        watch.look(103.0, 0.3605)


def test_a_throttle_that_drifts_for_hours_or_jumps_once_is_none():
    watch = ThrottleWatch(LIMITS)
    for now in range(20_000):
        watch.look(float(now), 0.359 + now * 1e-6)
    watch.look(20_000.0, 0.5)
    for now in range(20_001, 20_005):
        watch.look(float(now), 0.379)


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


def rates(watch, readings, begin=0):
    """Return the first that a watch says of readings [nm/min], one a second, and after how many of them."""
    for number, rate in enumerate(readings):
        if said := watch.stepped(float(begin + number), rate / 6e10, 3.0 / 6e10):
            return number, said
    return len(readings), ""


def test_a_rate_that_falls_by_a_tenth_and_stays_is_a_failing_monitor():
    watch = RateWatch(LIMITS)
    assert rates(watch, [3.0 - 1e-4 * second for second in range(5000)]) == (5000, "")
    number, said = rates(watch, [2.5 * (1 - 0.25 * min(second, 8) / 8) for second in range(20)], begin=5000)
    assert number in (8, 9)
    assert "nm/min at constant power" in said


def test_a_noisy_monitor_and_one_behind_a_closing_shutter_make_no_step():
    generator = np.random.default_rng(1)
    noisy = RateWatch(LIMITS)
    assert rates(noisy, 3.0 + 0.06 * generator.standard_normal(20_000)) == (20_000, "")
    shut = RateWatch(LIMITS)
    assert rates(shut, [3.0] * 60 + [3.0 * (1 - second / 8) for second in range(1, 9)] + [0.0] * 60)[1] == ""
