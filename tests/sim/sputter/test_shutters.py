"""Shutters: relay, 24 volts, a mechanism that sticks."""

from sim.sputter.shutters import Shutters


def test_a_shutter_follows_its_relay_only_with_its_24_volts():
    shutters = Shutters(["substrate_shutter", "vent_valve"])
    assert shutters.names == ("substrate_shutter",)
    shutters.tell("substrate_shutter", True)
    assert shutters.is_open("substrate_shutter")
    shutters.power(False)
    assert not shutters.is_open("substrate_shutter")
    shutters.power(True)
    assert shutters.is_open("substrate_shutter")


def test_what_sticks_stays_whatever_happens_until_it_is_freed():
    shutters = Shutters(["gun1_shutter"])
    shutters.stick("gun1_shutter", True)
    shutters.power(False)
    assert shutters.opened() == {"gun1_shutter": True}
    shutters.free("gun1_shutter")
    assert not shutters.is_open("gun1_shutter")


def test_a_shutter_that_is_not_there_hides_nothing():
    shutters = Shutters([])
    shutters.power(False)
    assert shutters.is_open("gun2_shutter")


def test_end_switches_follow_the_mechanism_and_not_the_relay():
    shutters = Shutters(["substrate_shutter"])
    shutters.tell("substrate_shutter", True)
    assert [shutters.is_made(end) for end in ("shutter_open", "shutter_closed")] == [True, False]
    shutters.stick("substrate_shutter", False)
    assert [shutters.is_made(end) for end in ("shutter_open", "shutter_closed")] == [False, True]


def test_each_shutter_has_end_switches_of_its_own_and_one_may_die():
    shutters = Shutters(["substrate_shutter", "gun2_shutter"])
    shutters.tell("gun2_shutter", True)
    assert [shutters.is_made(end) for end in ("gun2_open", "gun2_closed")] == [True, False]
    assert shutters.is_made("shutter_closed")
    shutters.kill("gun2_open", True)
    assert not shutters.is_made("gun2_open")
    shutters.kill("gun2_open", False)
    assert shutters.is_made("gun2_open")
