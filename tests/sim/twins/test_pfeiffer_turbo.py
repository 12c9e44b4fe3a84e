"""The turbo pump's twin: what it shows follows the rotor; an error stops it until somebody acknowledges."""

from __future__ import annotations

from sim.twins.pfeiffer_turbo import PfeifferTurboTwin
from tests.sim.twins.vacuum_parts import Rotor


def ask(twin, number, data="=?"):
    action = "00" if data == "=?" else "10"
    content = f"001{action}{number}{len(data):02d}{data}"
    reply = twin.receive(f"{content}{sum(content.encode()) % 256:03d}\r".encode(), 0.0).decode()
    assert int(reply[-4:-1]) == sum(reply[:-4].encode()) % 256
    return reply[10:-4]


def test_speed_and_current_follow_the_rotor():
    rotor = Rotor(speed=999.6, current=1.234)
    twin = PfeifferTurboTwin(rotor)
    assert (ask(twin, "309"), ask(twin, "310"), ask(twin, "302")) == ("001000", "000123", "111111")
    rotor.hertz = 640.0
    assert (ask(twin, "309"), ask(twin, "302")) == ("000640", "000000")


def test_an_error_lets_it_run_down_and_switching_on_acknowledges_it():
    rotor = Rotor()
    twin = PfeifferTurboTwin(rotor)
    ask(twin, "010", "111111")
    assert rotor.driven
    twin.fail(6, 1.0)
    assert (rotor.driven, ask(twin, "303"), ask(twin, "010")) == (False, "Err006", "111111")
    ask(twin, "009", "111111")
    assert (rotor.driven, ask(twin, "303")) == (True, "000000")
    twin.fail(6, 2.0)
    ask(twin, "010", "000000")
    assert (rotor.driven, ask(twin, "303")) == (False, "Err006")
    ask(twin, "010", "111111")
    assert (rotor.driven, ask(twin, "303")) == (True, "000000")


def test_a_warning_does_not_stop_it():
    rotor = Rotor()
    twin = PfeifferTurboTwin(rotor)
    ask(twin, "010", "111111")
    twin.warn(7, 1.0)
    assert (rotor.driven, ask(twin, "303")) == (True, "Wrn007")


def test_mains_that_come_back_find_its_switch_as_it_was():
    rotor = Rotor()
    twin = PfeifferTurboTwin(rotor)
    ask(twin, "010", "111111")
    rotor.driven = False
    twin.power_up(5.0)
    assert rotor.driven
