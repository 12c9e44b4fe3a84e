"""Every fault of the deposition twins' table: what the loop sees, and that shutters and plasma follow within 12 s."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.errors import InterlockError
from devices.limits import SputterLimits
from devices.sputter.parameters import RateCalibration

WITHIN = 12.0


def depositing(bench, recipe):
    """Return the status of a film whose shutter has been open for a while."""
    complete = bench.began(recipe)
    bench.reach("deposit")
    bench.lap(30.0)
    return complete


def require_dark(bench, since, complete, code, *, within=WITHIN):
    """Require that a fault took plasma and shutters away in time, in their order, and is told."""
    chamber = bench.chamber
    error = bench.wait(complete, longest=600.0)
    assert isinstance(error, InterlockError), error
    assert error.permissive == code, error
    closed = max(chamber.when("substrate_shutter off"), default=since)
    off = max([at for source in ("gun1", "gun2") for at in chamber.when(f"{source} off")], default=closed)
    gas = max(chamber.when("gas closed"))
    assert closed <= off <= gas
    assert gas - since <= within
    assert off - since <= within
    assert not any(chamber.on.values())
    assert not any(bench.parts["relays"].on_now[shutter] for shutter in chamber.shutters)
    assert bench.station.read_state() == "fault"
    assert code in {said for said, severity, _ in bench.codes() if severity == "alarm"}


def arc_storm(bench):
    bench.parts["gun1"].spike = 20.0


def flow_dead(bench):
    bench.chamber.flow_factor["O2"] = 0.0


def flow_stuck(bench):
    bench.chamber.flow_factor["Ar"] = 2.0


def argon_dead(bench):
    bench.chamber.flow_factor["Ar"] = 0.0
    bench.chamber.position = 0.0


def crack(bench):
    bench.chamber.bias_factor = 162 / 180


def water(bench):
    bench.chamber.contacts["water"] = False


def cover(bench):
    bench.chamber.contacts["cover"] = False


def control_lost(bench):
    chamber = bench.chamber
    chamber.control["gun1"] = chamber.on["gun1"] = False


def turbo_slow(bench):
    bench.chamber.turbo_on = False


def vented_by_hand(bench):
    bench.parts["relays"].on_now["vent_valve"] = True


def plasma_out(bench):
    bench.chamber.lit["gun1"] = False
    bench.chamber.ignites_above = 1e9


def shutter_by_hand(bench):
    bench.parts["relays"].on_now["substrate_shutter"] = False
    bench.parts["relays"].follow()


FAULTS = [
    (arc_storm, "arc_storm"),
    (flow_dead, "flow"),
    (flow_stuck, "flow"),
    (crack, "target_crack"),
    (water, "water"),
    (cover, "cover"),
    (control_lost, "control_lost"),
    (turbo_slow, "turbo"),
    (vented_by_hand, "vent"),
    (plasma_out, "plasma_lost"),
    (shutter_by_hand, "shutter"),
]


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[code for _, code in FAULTS])
def test_a_fault_closes_the_shutter_takes_the_plasma_away_and_leaves_a_doubtful_layer(
    bench, recipes, fault, code
):
    complete = depositing(bench, recipes["lco"]())
    since = bench.clock.now()
    bench.clock.call(lambda: fault(bench))
    require_dark(bench, since, complete, code)
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert layer["reasons"][0].startswith(code)
    assert 1e-9 < layer["thickness"][0] < 5e-9
    left = bench.station.unfinished
    assert left is not None
    assert left.doubts
    assert left.accounted
    assert left.thickness == pytest.approx(bench.chamber.film, abs=0.06e-9)


def test_a_throttle_at_its_limit_is_a_fault(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    since = bench.clock.now()

    def dead():
        # Both at once, so that the flow check does not come first.
        bench.chamber.position_fits = lambda total: True
        bench.chamber.position = 1.0

    bench.clock.call(dead)
    require_dark(bench, since, complete, "valve_limit")


def test_a_pressure_that_is_not_held_is_a_fault_before_the_shutter_opens(bench, recipes):
    bench.chamber.position_fits = lambda total: False
    complete = bench.began(recipes["lco"]())
    error = bench.wait(complete)
    assert error.permissive == "pressure"
    assert not bench.chamber.when("substrate_shutter on")
    assert not bench.chamber.when("gun1 on")
    assert bench.rows("layers") == {}


def test_no_ignition_is_tried_again_three_times_and_never_opens_the_shutter(bench, recipes):
    bench.chamber.ignites_above = 100.0
    complete = bench.began(recipes["lipon"](strike=None))
    error = bench.wait(complete)
    assert error.permissive == "no_ignition"
    assert len(bench.chamber.when("gun2 on")) == 4
    assert not bench.chamber.when("substrate_shutter on")
    tries = [text for code, _, text in bench.codes() if code == "no_ignition" and text.startswith("try")]
    assert [text.split(" at ")[1].split(" did")[0] for text in tries] == ["0.4 Pa", "3 Pa", "3 Pa", "3 Pa"]
    assert bench.station.unfinished is None


def test_a_shutter_stuck_open_is_seen_in_the_presputter(bench, recipes):
    complete = bench.began(recipes["lco"](presputter=300.0))
    bench.reach("plasma")
    bench.lap(250.0)
    since = bench.clock.now()
    bench.clock.call(lambda: setattr(bench.chamber, "stuck", "open"))
    require_dark(bench, since, complete, "shutter_stuck_open")
    assert not bench.chamber.when("substrate_shutter on")
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert 0.0 < layer["thickness"][0] <= bench.chamber.film


def test_a_shutter_stuck_closed_is_seen_within_a_minute(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.chamber.stuck = "closed"
    bench.reach("deposit")
    require_dark(bench, bench.clock.now() + 60.0, complete, "shutter_stuck_closed")
    assert bench.chamber.film == 0.0


def test_a_failing_crystal_ends_the_film(bench, recipes):
    complete = bench.began(recipes["lco"](thickness=60e-9))
    bench.reach("deposit")
    bench.lap(600.0)
    bench.chamber.crystal_ok = False
    require_dark(bench, bench.clock.now(), complete, "crystal")
    assert bench.rows("layers")["doubtful"] == [1]


def test_a_failing_crystal_is_given_up_for_rate_times_time_where_the_recipe_says_so(bench, recipes):
    complete = bench.began(recipes["lco"](thickness=60e-9, monitor_failure="go_on"))
    bench.reach("deposit")
    bench.lap(600.0)
    bench.chamber.crystal = 0.5
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(60e-9, rel=0.005)
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert "rate went from 3.00 to 1.50 nm/min" in layer["reasons"][0]
    assert layer["flags"][0] & 2
    assert layer["thickness"][0] == pytest.approx(60e-9, rel=0.005)


def test_a_dead_crystal_without_a_calibrated_rate_ends_the_film(make_bench, recipes):
    bench = make_bench(rates={"LiCoO2": RateCalibration(0.09e-9, 120.0, 3.0, 0.5)})
    complete = depositing(bench, recipes["lco"]())
    since = bench.clock.now()
    bench.chamber.crystal_ok = False
    require_dark(bench, since, complete, "crystal")


def test_an_uncalibrated_rate_does_not_condemn_a_good_crystal_and_learns_from_it(make_bench, recipes):
    bench = make_bench(rates={"LiCoO2": RateCalibration(0.09e-9, 120.0, 3.0, 0.5)})
    complete = bench.began(recipes["lco"](thickness=40e-9, monitor_failure="go_on"))
    bench.reach("deposit")
    bench.lap(400.0)
    bench.chamber.crystal_ok = False
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(40e-9, rel=0.005)
    assert bench.rows("layers")["doubtful"] == [1]


def test_venting_with_a_plasma_is_refused_and_gives_the_film_up(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    since = bench.clock.now()
    with pytest.raises(InterlockError, match="nothing was vented"):
        bench.clock.call(bench.station.vent)
    require_dark(bench, since, complete, "vent")
    assert not bench.chamber.vent


def test_a_silent_plan_ends_the_film(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    since = bench.clock.now()
    while not complete.done and bench.clock.now() < since + 100:
        bench.clock.sleep(1.0)
    assert complete.exception(timeout=0).permissive == "lease"
    assert bench.clock.now() - since <= 15 + WITHIN


def test_a_fault_stays_until_a_person_resets_it(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    bench.clock.call(lambda: water(bench))
    bench.wait(complete)
    with pytest.raises(InterlockError, match="FAULT"):
        bench.station.pump_down(1e-3)
    with pytest.raises(InterlockError, match="water"):
        bench.station.reset()
    bench.chamber.contacts["water"] = True
    bench.station.reset()
    assert bench.station.read_state() == "pumping"


def test_a_base_pressure_that_is_not_reached_ends_before_any_gas(make_bench, recipes):
    bench = make_bench(limits=SputterLimits(pump_time=1800.0))
    bench.chamber.base = 5e-5
    bench.vented()
    job = replace(recipes["lipon"]())
    with pytest.raises(InterlockError, match=r"5e-05 Pa after 1800 s, 1e-05 Pa are wanted"):
        raise _kickoff_error(bench, job)
    assert not any("sccm" in said for _, said in bench.chamber.log)


def _kickoff_error(bench, recipe):
    from devices.roles.films import DepositionJob
    from devices.samples import Layer, SampleRef

    bench.wait(bench.station.prepare(DepositionJob(SampleRef("s1", (Layer("Al", 1e-4),)), recipe)))
    return bench.wait(bench.clock.call(bench.station.kickoff))
