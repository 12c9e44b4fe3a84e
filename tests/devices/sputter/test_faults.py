"""Every fault of the deposition twins' table: what the loop sees, and that shutters and plasma follow within 12 s."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.errors import ConfigError, InterlockError
from devices.limits import SputterLimits
from devices.roles.films import ConditioningJob, DepositionJob
from devices.samples import Layer, SampleRef
from devices.sputter.parameters import CrystalWarmth, RateCalibration, Target
from devices.sputter.records import LEAST

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


@pytest.mark.parametrize("fault", [water, cover])
@pytest.mark.parametrize("state", ["plasma", "deposit"])
def test_an_interlock_that_opens_takes_the_power_away_at_once_without_a_ramp(bench, recipes, fault, state):
    bench.began(recipes["lco"]())
    bench.reach(state)
    bench.lap(20.0)
    since = bench.clock.now()
    bench.clock.call(lambda: fault(bench))
    assert isinstance(bench.wait(bench.station.complete()), InterlockError)
    (off,) = bench.chamber.when("gun1 off")
    assert off - since <= 2.001
    assert not [
        what for at, what in bench.chamber.log if at > since and what.startswith("gun1 ") and at < off
    ]


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


@pytest.mark.parametrize(("at", "codes"), [(0.4, {"valve"}), (0.0, {"pressure"})])
def test_a_throttle_that_stays_while_it_is_to_lead_the_pressure_is_seen_at_once(bench, recipes, at, codes):
    """At its end it can go no further: it is the pressure then, and given longer."""

    def stays(total):
        bench.chamber.position = at
        return False

    bench.chamber.position_fits = stays
    error = bench.wait(bench.began(recipes["lco"]()))
    assert {error.permissive} == codes
    told = max(bench.chamber.when("gas closed"))
    flowing = min(when for when, said in bench.chamber.log if "sccm" in said and not said.endswith(" 0 sccm"))
    assert (told - flowing <= WITHIN) == (codes == {"valve"})
    assert not bench.chamber.when("gun1 on")


def test_a_throttle_that_fails_during_a_film_is_a_fault(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    since = bench.clock.now()
    bench.clock.call(lambda: setattr(bench.chamber, "throttle_fails", True))
    require_dark(bench, since, complete, "valve")
    assert "error 020" in bench.rows("layers")["reasons"][0]


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


def stick(bench, end, *shutters):
    bench.clock.call(lambda: setattr(bench.chamber, "stuck", dict.fromkeys(shutters, end)))


SHUTTERS = [("substrate_shutter",), ("gun1_shutter",), ("substrate_shutter", "gun1_shutter")]


@pytest.mark.parametrize("shutter", ["substrate_shutter", "gun1_shutter", "gun3_shutter"])
def test_nothing_is_lit_behind_a_shutter_that_stands_open(bench, recipes, shutter):
    bench.chamber.stuck = {shutter: "open"}
    complete = bench.began(recipes["lco"]())
    error = bench.wait(complete)
    assert error.permissive == "shutter_stuck_open"
    assert shutter in str(error)
    assert not bench.chamber.when("gun1 on")
    assert not any("sccm" in said for _, said in bench.chamber.log)
    assert bench.rows("layers") == {}
    assert bench.station.read_state() == "fault"


def test_a_shutter_that_opens_while_the_gas_settles_is_seen_before_the_strike(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.reach("gas")
    stick(bench, "open", "substrate_shutter")
    assert bench.wait(complete).permissive == "shutter_stuck_open"
    assert not bench.chamber.when("gun1 on")


@pytest.mark.parametrize("shutters", [*SHUTTERS, ("gun2_shutter",)], ids=" ".join)
def test_a_shutter_that_opens_behind_a_plasma_takes_it_away_at_once(bench, recipes, shutters):
    complete = bench.began(recipes["lco"](presputter=300.0))
    bench.reach("plasma")
    bench.lap(250.5)
    since = bench.clock.now()
    stick(bench, "open", *shutters)
    require_dark(bench, since, complete, "shutter_stuck_open", within=4.0)
    assert not bench.chamber.when("substrate_shutter on")
    layer = bench.rows("layers")
    if "substrate_shutter" in shutters:
        assert layer["doubtful"] == [1]
        assert layer["thickness"][0] == pytest.approx(max(bench.chamber.film, LEAST), rel=0.3)
    else:
        assert layer == {}


def test_film_that_nobody_weighs_is_doubtful_behind_a_shutter_that_stood_open(make_bench, recipes):
    bench = make_bench(instruments=("monitor",))
    complete = bench.began(recipes["lco"](presputter=300.0, end="time", duration=100.0))
    bench.reach("plasma")
    bench.lap(100.0)
    since = bench.clock.now()
    stick(bench, "open", "substrate_shutter")
    require_dark(bench, since, complete, "shutter_stuck_open", within=4.0)
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert layer["thickness"][0] > 0.0


@pytest.mark.parametrize("shutter", ["substrate_shutter", "gun2_shutter", "gun3_shutter"])
def test_a_shutter_that_does_not_open_is_told_by_its_name(bench, recipes, shutter):
    complete = bench.began(recipes["lipon"]())
    stick(bench, "closed", shutter)
    bench.reach("deposit")
    (opened,) = bench.chamber.when("substrate_shutter on")
    require_dark(bench, opened, complete, "shutter_stuck_closed", within=6.0)
    assert max(bench.chamber.when("substrate_shutter off")) - opened <= 2.001
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert shutter in layer["reasons"][0]


@pytest.mark.parametrize("shutters", SHUTTERS, ids=" ".join)
def test_a_shutter_that_does_not_close_after_the_film_takes_the_power_away_at_once(bench, recipes, shutters):
    complete = depositing(bench, recipes["lco"]())
    stick(bench, "open", *shutters)
    assert bench.wait(complete).permissive == "shutter_stuck_open"
    closed = bench.chamber.when("substrate_shutter off")[0]
    assert max(bench.chamber.when("gun1 off")) - closed <= 3.001
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    # What came through is counted, and only once.
    assert layer["thickness"][0] == pytest.approx(bench.chamber.film, abs=1.5 * LEAST)


def test_a_shutter_that_does_not_close_is_seen_however_fast_the_power_goes(make_bench, recipes):
    bench = make_bench(targets={"gun1": Target("LiCoO2", ramp=100.0), "gun2": Target("Li3PO4")})
    complete = depositing(bench, recipes["lco"](presputter=60.0))
    stick(bench, "open", "substrate_shutter")
    assert bench.wait(complete).permissive == "shutter_stuck_open"
    assert bench.rows("layers")["doubtful"] == [1]


@pytest.mark.parametrize("shutter", ["substrate_shutter", "gun1_shutter"])
def test_a_target_is_conditioned_behind_closed_shutters_only(bench, recipes, shutter):
    if not bench.station.is_vented():
        bench.vented()
    assert bench.wait(bench.station.prepare(ConditioningJob(recipes["lco"](), until_calm=True))) is None
    assert bench.wait(bench.clock.call(bench.station.kickoff)) is None
    complete = bench.station.complete()
    bench.reach("plasma")
    bench.lap(50.0)
    since = bench.clock.now()
    stick(bench, "open", shutter)
    require_dark(bench, since, complete, "shutter_stuck_open", within=4.0)
    assert bench.rows("layers") == {}


@pytest.mark.parametrize("state", ["plasma", "gas"])
def test_a_shutter_that_somebody_opens_before_the_film_makes_the_sample_doubtful_where_a_target_burns(
    bench, recipes, state
):
    bench.began(recipes["lco"]())
    bench.reach(state)
    if state == "plasma":
        bench.lap(20.0)
    bench.parts["relays"].on_now["substrate_shutter"] = True
    bench.parts["relays"].follow()
    error = bench.wait(bench.station.complete())
    # Without power the end switches are looked at before it comes, and see it too.
    assert error.permissive in {"plasma": ["shutter"], "gas": ["shutter", "shutter_stuck_open"]}[state]
    assert bench.rows("layers").get("doubtful", []) == ([1] if state == "plasma" else [])


def test_a_shutter_that_only_twitches_is_no_fault(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    stick(bench, "closed", "gun1_shutter")
    bench.clock.sleep(1.2)
    bench.clock.call(lambda: setattr(bench.chamber, "stuck", None))
    assert bench.wait(complete) is None
    assert bench.rows("layers")["doubtful"] == [0]


def test_end_switches_are_asked_at_every_other_row_where_nothing_moves(bench, recipes):
    complete = depositing(bench, recipes["lco"]())
    asked = bench.parts["ends"].asked
    bench.lap(100.0)
    assert bench.parts["ends"].asked - asked == pytest.approx(50, abs=1)
    assert bench.wait(complete) is None


def test_a_bench_without_end_switches_says_so_and_goes_by_its_crystal(bench, recipes):
    bench.chamber.has_ends = False
    assert bench.wait(bench.began(recipes["lco"]())) is None
    (said,) = [text for code, _, text in bench.codes() if code == "shutters_unseen"]
    assert "substrate_shutter, gun1_shutter, gun2_shutter, gun3_shutter" in said
    assert bench.rows("layers")["doubtful"] == [0]


def test_a_film_that_neither_crystal_nor_end_switches_saw_is_doubtful(make_bench, recipes):
    bench = make_bench(instruments=("monitor",))
    bench.chamber.has_ends = False
    assert bench.wait(bench.began(recipes["lco"](end="time", duration=100.0))) is None
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert "nobody saw the shutter open and closed" in layer["reasons"][0]


def test_end_switches_vouch_for_a_film_that_no_crystal_weighs(make_bench, recipes):
    bench = make_bench(instruments=("monitor",))
    assert bench.wait(bench.began(recipes["lco"](end="time", duration=100.0))) is None
    assert bench.rows("layers")["doubtful"] == [0]
    assert "shutters_unseen" not in {code for code, _, _ in bench.codes()}


def test_an_end_switch_of_a_shutter_that_is_not_there_is_refused(make_bench, monkeypatch, fakes):
    more = fakes.FakeEnds.end_switches.fget
    monkeypatch.setattr(
        fakes.FakeEnds, "end_switches", property(lambda self: (*more(self), "gun4_open", "shutter_open"))
    )
    with pytest.raises(ConfigError) as refused:
        make_bench()
    assert 'ends = "gun4_open": no relay switches its shutter' in str(refused.value)
    assert 'ends = "shutter_open": stands there twice' in str(refused.value)


def test_a_crystal_that_heat_moves_by_more_than_the_limits_bear_is_refused(make_bench):
    with pytest.raises(
        ConfigError, match=r"crystal_warms.heat = -31 Hz: more than 30 Hz, sputter.crystal_heat"
    ):
        make_bench(crystal_warms=CrystalWarmth(-31.0, 15.0))
    make_bench(crystal_warms=CrystalWarmth(-30.0, 15.0))


def test_contacts_on_the_board_of_end_switches_are_refused(make_bench, monkeypatch, fakes):
    monkeypatch.setattr(fakes.FakeEnds, "contacts", ("door",))
    with pytest.raises(ConfigError, match="would watch nothing"):
        make_bench()


def test_a_shutter_stuck_open_is_seen_by_the_crystal_in_the_presputter(bench, recipes):
    bench.chamber.has_ends = False
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


def test_a_shutter_stuck_closed_is_seen_by_the_crystal_within_a_minute(bench, recipes):
    bench.chamber.has_ends = False
    complete = bench.began(recipes["lco"]())
    bench.chamber.stuck = "closed"
    bench.reach("deposit")
    require_dark(bench, bench.clock.now() + 60.0, complete, "shutter_stuck_closed")
    assert bench.chamber.film == 0.0


def test_what_did_not_light_is_named_beside_what_did(bench, recipes):
    bench.chamber.dark = {"gun3"}
    error = bench.wait(bench.began(recipes["lipon"]()))
    assert error.permissive == "no_ignition"
    assert "gun3 with 20 W lit no plasma (gun2 with 20 W did) in 4 tries" in str(error)
    assert not bench.chamber.when("substrate_shutter on")


def test_a_target_that_cracked_between_two_films_is_told_once_and_then_taken_as_it_is(bench, recipes):
    assert bench.wait(bench.began(recipes["lco"](presputter=60.0))) is None
    bench.vented()
    bench.chamber.bias_factor = 162 / 180
    complete = bench.began(recipes["lco"](presputter=60.0), SampleRef("s2", (Layer("Al", 100e-6),)))
    error = bench.wait(complete)
    assert error.permissive == "target_crack"
    assert "as it was lit before" in str(error)
    assert bench.chamber.film == pytest.approx(20e-9, rel=0.01)
    bench.station.reset()
    bench.vented()
    assert (
        bench.wait(bench.began(recipes["lco"](presputter=60.0), SampleRef("s2", (Layer("Al", 100e-6),))))
        is None
    )


@pytest.mark.parametrize(("fault", "code"), [(crack, "target_crack"), (turbo_slow, "turbo")])
def test_what_fails_while_the_pressure_is_lowered_over_a_plasma_is_seen_at_once(bench, recipes, fault, code):
    complete = bench.began(recipes["lipon"]())
    while "lit" not in {said for said, _, _ in bench.codes()}:
        bench.lap(1.0)
    # What was lit at 3 Pa takes five rows at least to be taken for settled at another.
    bench.lap(1.0)
    since = bench.clock.now()
    bench.clock.call(lambda: fault(bench))
    assert bench.wait(complete).permissive == code
    assert max(bench.chamber.when("gun2 off")) - since <= WITHIN
    assert not bench.chamber.when("substrate_shutter on")


def test_a_dead_crystal_is_known_before_anything_is_lit(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.chamber.crystal_ok = False
    error = bench.wait(complete)
    assert error.permissive == "crystal"
    assert "the shutter stays closed" in str(error)
    assert not bench.chamber.when("gun1 on")
    assert bench.rows("layers") == {}


def test_a_crystal_that_dies_while_the_target_is_cleaned_opens_no_shutter(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.reach("plasma")
    bench.lap(10.0)
    bench.chamber.crystal_ok = False
    assert bench.wait(complete).permissive == "crystal"
    assert not bench.chamber.when("substrate_shutter on")
    assert bench.rows("layers") == {}


def test_a_film_goes_on_without_its_crystal_from_the_beginning_where_its_recipe_says_so(bench, recipes):
    complete = bench.began(recipes["lco"](monitor_failure="go_on"))
    bench.chamber.crystal_ok = False
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(20e-9, rel=0.02)
    assert bench.rows("layers")["doubtful"] == [1]


@pytest.mark.parametrize("grows", [0.5e-9, -0.5e-9])
def test_what_a_crystal_reads_behind_shutters_that_are_seen_closed_is_its_own_fault_and_no_film(
    bench, recipes, grows
):
    complete = bench.began(recipes["lco"](presputter=120.0))
    bench.reach("plasma")
    bench.lap(100.0)
    bench.chamber.monitored += grows
    error = bench.wait(complete)
    assert error.permissive == "crystal"
    assert "behind the closed shutter" in str(error) or "went by" in str(error)
    assert bench.rows("layers") == {}
    assert bench.station.unfinished is None


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
    with pytest.raises(InterlockError, match=r"5e-05 Pa after 1800 s with the turbo .*, 1e-05 Pa are wanted"):
        raise _kickoff_error(bench, job)
    assert not any("sccm" in said for _, said in bench.chamber.log)


def _kickoff_error(bench, recipe):
    from devices.roles.films import DepositionJob
    from devices.samples import Layer, SampleRef

    bench.wait(bench.station.prepare(DepositionJob(SampleRef("s1", (Layer("Al", 1e-4),)), recipe)))
    return bench.wait(bench.clock.call(bench.station.kickoff))


GUESSED = {"LiCoO2": RateCalibration(0.05e-9, 120.0, 3.0, 0.5)}


def opened(bench, recipe):
    """Return the status of a film whose shutter opened just now."""
    complete = bench.began(recipe)
    bench.reach("deposit")
    return complete


def test_a_crystal_that_reads_another_rate_from_the_opening_is_held_against_the_film_before(
    make_bench, recipes
):
    bench = make_bench(rates=GUESSED)
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is None
    bench.chamber.crystal = 0.7
    complete = opened(bench, recipes["lco"](thickness=25e-9))
    require_dark(bench, bench.clock.now(), complete, "crystal")
    assert bench.rows("layers")["doubtful"] == [0, 1]


def test_a_target_that_gives_less_and_less_condemns_no_crystal(make_bench, recipes):
    bench = make_bench(rates=GUESSED)
    complete = opened(bench, recipes["lco"](thickness=80e-9))
    for factor in (0.96, 0.92, 0.88, 0.84):
        bench.lap(300.0)
        bench.chamber.crystal = factor
    assert bench.wait(complete) is None
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is None


def test_a_film_made_otherwise_says_nothing_of_the_next_ones_rate(make_bench, recipes):
    bench = make_bench(rates=GUESSED)
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9, pressure=2.0))) is None
    bench.chamber.crystal = 0.7
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is None


def test_a_film_that_is_doubtful_is_no_measure_of_the_next_one(make_bench, recipes):
    bench = make_bench(rates=GUESSED)
    bench.chamber.crystal = 0.7
    complete = bench.began(recipes["lco"](thickness=25e-9))
    bench.reach("deposit")
    bench.station.stop()
    bench.wait(complete)
    bench.station.reset()
    bench.chamber.crystal = 1.0
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is None


def test_a_rate_that_a_person_was_told_of_is_the_next_ones_measure_no_more(make_bench, recipes):
    bench = make_bench(rates=GUESSED)
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is None
    bench.chamber.crystal = 0.7
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is not None
    bench.station.reset()
    assert bench.wait(bench.began(recipes["lco"](thickness=25e-9))) is None


@pytest.mark.parametrize("jump", [0.5e-9, -0.5e-9])
@pytest.mark.parametrize("after", [5.0, 30.0])
def test_a_crystal_that_jumps_before_it_is_warm_ends_the_film_behind_the_shutter(bench, recipes, after, jump):
    complete = bench.began(recipes["lco"](presputter=300.0))
    while not bench.chamber.lit.get("gun1"):
        bench.lap(1.0)
    bench.lap(after)
    since = bench.clock.now()
    bench.chamber.monitored += jump
    require_dark(bench, since, complete, "crystal")
    assert not bench.chamber.when("substrate_shutter on")
    assert bench.rows("layers") == {}


def test_what_a_plasmas_heat_feigns_behind_the_shutter_is_no_fault(bench, recipes):
    complete = bench.began(recipes["lco"]())
    while not bench.chamber.lit.get("gun1"):
        bench.lap(1.0)
    for _ in range(40):
        bench.chamber.monitored += 0.013e-9
        bench.lap(1.0)
    assert bench.wait(complete) is None
    assert bench.rows("layers")["doubtful"] == [0]


def shrink(bench, seconds):
    """Have the crystal read less and less, by half a hertz a second."""
    for _ in range(seconds):
        bench.chamber.monitored -= 0.0136e-9
        bench.lap(1.0)


def test_a_crystal_that_shrinks_before_anything_burns_lights_nothing(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.reach("gas")
    shrink(bench, 10)
    assert bench.wait(complete).permissive == "crystal"
    assert not bench.chamber.when("gun1 on")
    assert bench.station.unfinished is None


def test_a_film_goes_on_without_a_crystal_that_shrinks_before_it_is_lit_where_its_recipe_says_so(
    bench, recipes
):
    complete = bench.began(recipes["lco"](monitor_failure="go_on"))
    bench.reach("gas")
    shrink(bench, 10)
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(20e-9, rel=0.02)
    layer = bench.rows("layers")
    assert layer["doubtful"] == [1]
    assert "behind the closed shutter" in layer["reasons"][0]


def test_a_plasma_that_no_row_saw_may_have_warmed_the_crystal_and_the_next_try_does_not_wait(bench, recipes):
    bench.chamber.dark.add("gun1")
    complete = bench.began(recipes["lco"]())
    bench.reach("plasma")
    while not bench.chamber.when("gun1 off"):
        bench.lap(0.1)
    bench.chamber.monitored += 0.04e-9
    bench.lap(5.0)
    bench.chamber.monitored -= 0.04e-9
    bench.chamber.dark.clear()
    assert bench.wait(complete) is None
    (off, _), (_, again) = bench.chamber.when("gun1 off"), bench.chamber.when("gun1 on")
    assert again - off < 20.0
    assert "cools" not in {code for code, _, _ in bench.codes()}


@pytest.mark.parametrize(("burns", "code"), [(True, None), (False, "crystal")])
def test_a_plasma_that_is_lit_within_a_row_may_have_warmed_the_crystal(bench, recipes, burns, code):
    """After the supplies were asked, before the crystal is."""
    bench.chamber.dark.add("gun1")
    complete = bench.began(recipes["lco"]())
    bench.reach("plasma")
    bench.lap(2.0)
    bench.chamber.monitored += 0.04e-9
    bench.lap(1.0)
    if burns:
        bench.chamber.dark.clear()
    else:
        bench.chamber.monitored -= 0.04e-9
    error = bench.wait(complete)
    assert (None if error is None else error.permissive) == code


def test_what_the_heat_of_a_plasma_that_is_out_leaves_a_crystal_with_is_no_fault(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.reach("plasma")
    bench.lap(20.0)
    bench.station.stop()
    bench.wait(complete)
    out = bench.clock.now()
    bench.station.reset()
    bench.station.accounted()
    job = DepositionJob(SampleRef("s1", (Layer("Al", 100e-6),)), recipes["lco"]())
    assert bench.wait(bench.station.prepare(job)) is None
    assert bench.wait(bench.clock.call(bench.station.kickoff)) is None
    complete = bench.station.complete()
    bench.reach("gas")
    assert bench.clock.now() - out < 50.0
    shrink(bench, 10)
    assert bench.wait(complete) is None


@pytest.mark.parametrize(("temperature", "is_told"), [(295.0, True), (500.0, False)])
def test_a_substrate_that_cools_down_may_take_its_crystal_with_it(bench, recipes, temperature, is_told):
    bench.vented()
    bench.chamber.temperature = temperature
    complete = bench.began(recipes["lco"]())
    bench.reach("gas")
    shrink(bench, 10)
    assert (bench.wait(complete) is not None) is is_told


def test_a_crystal_that_shrinks_beside_a_hot_substrate_that_stays_lights_nothing(bench, recipes):
    complete = bench.began(recipes["lco"](substrate_temperature=573.15))
    bench.reach("gas")
    shrink(bench, 10)
    assert bench.wait(complete).permissive == "crystal"
    assert not bench.chamber.when("gun1 on")


def test_two_lightings_that_are_alike_share_a_course_and_others_do_not(bench, recipes):
    def courses():
        return bench.station.report()["kept"]["courses"]["courses"]

    for changes, known in (({}, 1), ({"thickness": 25e-9}, 1), ({"pressure": 2.0}, 2)):
        bench.lap(60.0)
        assert bench.wait(bench.began(recipes["lco"](presputter=70.0, **changes))) is None
        assert len(courses()) == known
