"""Rotation and roughing valve stay on while a film needs them."""

from __future__ import annotations

import pytest

from devices.errors import InterlockError, LabError


def film(bench, recipes):
    complete = bench.began(recipes["lco"]())
    bench.reach("deposit")
    bench.lap(60.0)
    return complete


@pytest.mark.parametrize("relay", ["rotation", "roughing_valve"])
def test_nobody_switches_off_what_a_film_needs(bench, recipes, relay):
    relays = bench.parts["relays"]
    complete = film(bench, recipes)
    with pytest.raises(InterlockError, match=f"relay {relay}"):
        relays.switch(relay, False)
    assert relays.on_now[relay]
    assert bench.wait(complete) is None
    relays.switch(relay, False)
    assert not relays.on_now[relay]


def test_the_roughing_valve_stays_open_while_it_is_pumped(bench):
    bench.vented()
    status = bench.station.pump_down(1e-7)
    bench.lap(60.0)
    with pytest.raises(InterlockError, match="relay roughing_valve"):
        bench.parts["relays"].switch("roughing_valve", False)
    assert not status.done


@pytest.mark.parametrize("relay", ["substrate_shutter", "gun1_shutter", "vent_valve"])
def test_a_shutter_and_the_vent_valve_may_always_close(bench, recipes, relay):
    film(bench, recipes)
    bench.parts["relays"].switch(relay, False)
    assert not bench.parts["relays"].on_now[relay]


@pytest.mark.parametrize(
    ("relay", "said"),
    [("rotation", "it does not turn any more"), ("roughing_valve", "nothing pumps behind the turbo pump")],
)
def test_a_relay_that_goes_off_by_itself_is_named(bench, recipes, relay, said):
    complete = film(bench, recipes)
    bench.parts["relays"].on_now[relay] = False
    begun = bench.clock.now()
    error = bench.wait(complete)
    assert error.permissive == relay
    assert said in str(error)
    assert bench.clock.now() - begun < 15.0
    assert bench.rows("layers")["doubtful"] == [1]


def test_a_target_is_not_changed_during_a_film(bench, recipes):
    complete = film(bench, recipes)
    before = bench.station.wear()["gun1"]["energy"]
    with pytest.raises(LabError, match="is making a film: nobody changes the target of gun1 now"):
        bench.station.new_target("gun1")
    assert bench.station.wear()["gun1"]["energy"] == before > 0.0
    assert bench.wait(complete) is None
    bench.station.new_target("gun1")
    assert bench.station.wear()["gun1"]["energy"] == 0.0
