"""Pauses, ends from outside, and what is known of a film after a crash."""

from __future__ import annotations

import json
from itertools import cycle

import numpy as np
import pytest

from devices.errors import InterlockError, LabError
from devices.roles.films import DepositionJob
from devices.samples import Layer, SampleRef

STIRS = tuple(1e-5 * np.round(10.0 * np.random.default_rng(1).standard_normal(1000)))
"""By which a throttle that follows noise is off its place, row by row."""


def held(bench, recipe, seconds, **kwargs):
    complete = bench.began(recipe)
    bench.reach("deposit")
    bench.lap(100.0)
    bench.station.pause()
    assert not bench.chamber.shutters["substrate_shutter"]
    film = bench.chamber.film
    bench.lap(seconds)
    assert bench.chamber.film == film
    return complete


def test_a_pause_closes_the_shutter_at_once_and_the_film_goes_on_where_it_was(bench, recipes):
    complete = held(bench, recipes["lco"](), 200.0)
    assert bench.chamber.on["gun1"]
    bench.station.resume()
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(20e-9, rel=2e-3)
    flight = bench.station.flight()
    assert (flight.done, flight.interrupted) == (20, True)
    layer = bench.rows("layers")
    assert layer["openings"] == [2]
    assert layer["paused"][0] == pytest.approx(200.0, abs=7.0)
    assert layer["duration"][0] == pytest.approx(400.0, abs=1.0)
    assert layer["doubtful"] == [0]


def test_a_long_pause_ramps_the_plasma_down_and_a_resume_strikes_it_again(bench, recipes):
    complete = held(bench, recipes["lco"](), 2000.0)
    assert not bench.chamber.on["gun1"]
    assert not any(bench.chamber.flows.values())
    bench.station.resume()
    assert bench.wait(complete) is None
    assert bench.chamber.film == pytest.approx(20e-9, rel=2e-3)
    assert len(bench.chamber.when("gun1 on")) == 2


@pytest.mark.parametrize("stuck", [False, True])
def test_a_throttle_that_rests_by_itself_is_moved_before_the_shutter_opens_again(bench, recipes, stuck):
    chamber = bench.chamber
    complete = held(bench, recipes["lco"](), 20.0)
    pressure, since = chamber.set_pressure, bench.clock.now()
    opened = len(chamber.when("substrate_shutter on"))
    bench.rows()
    if stuck:
        chamber.position_fits = lambda total: chamber.set_pressure == pressure
    bench.station.resume()
    error = bench.wait(complete)
    assert len(chamber.when("substrate_shutter on")) == opened + (not stuck)
    if stuck:
        assert error.permissive == "valve"
        assert chamber.when("gun1 off")[-1] - since <= 12.0
        return
    since_then = bench.rows()
    behind = since_then["pressure"][: since_then["shutter_open"].index(1)]
    assert max(behind) == pytest.approx(1.05 * pressure, rel=1e-3)


def test_a_throttle_that_stirred_and_sticks_in_a_hold_is_moved_at_once(bench, recipes):
    chamber = bench.chamber
    chamber.stirs = cycle(STIRS)
    complete = held(bench, recipes["lco"](), 20.0)
    pressure, since = chamber.set_pressure, bench.clock.now()
    chamber.stirs, chamber.position_fits = cycle([0.0]), lambda total: chamber.set_pressure == pressure
    bench.lap(20.0)
    assert complete.done
    assert complete.exception(timeout=0).permissive == "valve"
    assert chamber.when("gun1 off")[-1] - since <= 12.0


def test_a_resume_goes_on_only_with_a_live_plan(bench, recipes):
    bench.chamber.stirs = cycle(STIRS)
    held(bench, recipes["lco"](), 20.0)
    bench.station.hold_lease()
    bench.station.resume()
    bench.clock.sleep(5.0)
    assert not bench.chamber.shutters["substrate_shutter"]
    bench.station.renew_lease()
    bench.clock.sleep(5.0)
    assert bench.chamber.shutters["substrate_shutter"]


def test_the_bias_goes_when_the_shutter_closes_before_a_hold_and_before_the_power_is_ramped_down(
    make_bench, recipes
):
    bench = make_bench(besides=("bias",))
    complete = held(bench, recipes["lco"](bias_power=30.0), 200.0)
    assert bench.chamber.on["gun1"]
    assert not bench.chamber.on["bias"]
    bench.station.resume()
    assert bench.wait(complete) is None
    chamber = bench.chamber
    assert len(chamber.when("bias on")) == 2
    for off, closed in zip(chamber.when("bias off"), chamber.when("substrate_shutter off")[-2:], strict=True):
        assert 0.0 <= off - closed <= 2.001
    ramped = [
        at for at, what in chamber.log if at > chamber.when("bias off")[-1] and what.startswith("gun1 ")
    ]
    assert len(ramped) > 2


def test_stop_ends_it_in_order_and_records_what_there_is(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.lap(100.0)
    since = bench.clock.now()
    bench.clock.call(bench.station.stop)
    assert complete.done
    assert bench.clock.now() - since < 12
    chamber = bench.chamber
    assert (
        chamber.when("substrate_shutter off")[-1]
        <= chamber.when("gun1 off")[-1]
        <= chamber.when("gas closed")[-1]
    )
    assert bench.station.flight().end_reason == "stopped"
    assert bench.station.flight().done in (4, 5)
    left = bench.station.unfinished
    assert (left.asked, left.done, left.accounted) == (20, bench.station.flight().done, True)
    assert left.doubts[0].startswith("ended before it was done, at ")
    assert left.doubts[0].endswith(" of 20.0 nm")
    layers = bench.rows("layers")
    assert layers["reasons"][0] == left.doubts[0]
    assert layers["thickness"][0] == pytest.approx(chamber.film, abs=0.06e-9)
    assert bench.station.read_state() == "pumping"


def test_safe_works_from_any_state_and_twice(bench, recipes):
    bench.station.safe()
    bench.station.safe()
    bench.began(recipes["lco"]())
    bench.reach("plasma")
    since = bench.clock.now()
    bench.station.safe()
    assert bench.clock.now() == since
    assert not any(bench.chamber.on.values())
    bench.station.safe()


def test_what_cannot_be_made_safe_is_said_and_the_rest_is_done(bench, recipes):
    bench.began(recipes["lco"]())
    bench.reach("deposit")

    def refuse(name, on):
        raise LabError("the relay board does not answer")

    bench.parts["relays"].switch = refuse
    with pytest.raises(LabError, match="the relay board does not answer"):
        bench.station.safe()
    assert not any(bench.chamber.on.values())
    assert not any(bench.chamber.flows.values())
    assert bench.station.read_state() == "fault"


class Kept:
    def __init__(self):
        self.reports = []

    def publish(self, report, *, lasting=False):
        self.reports.append(json.loads(json.dumps(report)))


def test_after_a_crash_it_is_known_what_was_put_on_and_a_person_must_say_so(bench, make_bench, recipes):
    kept = Kept()
    bench.station.publish_to(kept)
    bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.lap(200.0)
    film = bench.chamber.film
    last = kept.reports[-1]
    assert last["state"] == "deposit"
    second = make_bench()
    second.station.recall(last, died=True)
    assert second.station.read_state() == "fault"
    left = second.station.unfinished
    assert left.sample == "s1"
    assert left.thickness == pytest.approx(film, abs=1e-9)
    assert left.open_time == pytest.approx(200.0, abs=12)
    assert "the host died" in left.doubts[0]
    second.station.reset()
    second.vented()
    job = DepositionJob(SampleRef("s2", (Layer("Al", 1e-4),)), recipes["lco"]())
    with pytest.raises(InterlockError, match="was cut off: the last row of its run"):
        second.station.prepare(job)
    second.station.accounted()
    assert second.wait(second.station.prepare(job)) is None


def test_a_crash_behind_the_closed_shutter_leaves_no_film(bench, make_bench, recipes):
    kept = Kept()
    bench.station.publish_to(kept)
    bench.began(recipes["lco"]())
    bench.reach("plasma")
    bench.lap(20.0)
    second = make_bench()
    second.station.recall(kept.reports[-1], died=True)
    assert second.station.read_state() == "fault"
    assert second.station.unfinished is None


def test_an_orderly_end_leaves_no_fault(bench, make_bench, recipes):
    bench.wait(bench.began(recipes["lco"]()))
    second = make_bench()
    second.station.recall(bench.station.report(), died=False)
    assert second.station.read_state() == "pumping"
    assert "3 Pa Ar 24 O2 1" in second.station._memory.places
