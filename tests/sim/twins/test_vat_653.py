"""The throttle valve's twin: who moves the plate, what LEARN finds, what an error and a local operator keep from it."""

from __future__ import annotations

import pytest

from sim.twins.vat_653 import CLOSING, OPENING, VAT653Twin
from tests.sim.twins.vacuum_parts import Throttle


def ask(twin, request, now=0.0):
    while (due := twin.next_event()) is not None and due <= now:
        twin.fire_event(due)
    return twin.receive(f"{request}\r\n".encode(), now).decode().removesuffix("\r\n")


def test_positions_and_pressures_are_counts_of_its_ranges():
    throttle = Throttle(opened=3.0)
    twin = VAT653Twin(throttle)
    assert ask(twin, "R:042800") == "R:"
    assert throttle.at == 0.428
    assert ask(twin, "A:") == "A:042800"
    assert ask(twin, "P:") == "P:00225564"
    throttle.opened = -0.001
    assert ask(twin, "P:") == "P:-0000075"


def test_each_command_takes_pressure_control_off_but_a_set_point():
    for command, position in (("O:", 1.0), ("C:", 0.0), ("R:050000", 0.5), ("H:", 0.3)):
        throttle = Throttle()
        twin = VAT653Twin(throttle)
        throttle.at = 0.3
        ask(twin, "S:00225564")
        assert throttle.set_point == pytest.approx(3.0, rel=1e-6)
        ask(twin, command)
        assert throttle.set_point is None
        assert throttle.at == position


def test_without_learn_data_it_stays_where_it_is_and_says_so():
    throttle = Throttle()
    twin = VAT653Twin(throttle, learnt=False)
    ask(twin, "R:040000")
    assert ask(twin, "S:00225564") == "S:"
    assert (throttle.set_point, throttle.at) == (None, 0.4)
    assert ask(twin, "i:76")[-3:] == "121"
    assert ask(twin, "i:51") == "i:5101000000"


@pytest.mark.parametrize(
    ("opened", "rise", "status"),
    [
        (0.1, 5.0, "000000"),
        (7.0, 5.0, "010000"),
        (-0.1, 5.0, "020000"),
        (0.1, 0.5, "001000"),
        (1.4, 0.0, "000100"),
        (0.1, 0.0, "001100"),
    ],
)
def test_learn_opens_closes_and_judges_what_it_saw(opened, rise, status):
    throttle = Throttle(opened, rise)
    twin = VAT653Twin(throttle, learnt=False)
    assert ask(twin, "L:01000000") == "L:"
    assert throttle.at == 1.0
    assert ask(twin, "i:32", 5.0)[4] == "1"
    ask(twin, "A:", OPENING)
    assert throttle.at == 0.0
    assert twin.next_event() == OPENING + CLOSING
    ask(twin, "A:", OPENING + CLOSING)
    assert throttle.at == 1.0
    assert twin.learnt is (status == "000000")
    assert ask(twin, "i:32", 31.0) == f"i:320{not twin.learnt:d}{status}"
    assert twin.next_event() is None


def test_learn_is_ended_by_any_command():
    twin = VAT653Twin(Throttle(0.1, 5.0), learnt=False)
    ask(twin, "L:01000000")
    ask(twin, "C:", 3.0)
    assert twin.next_event() is None
    assert ask(twin, "i:32", 100.0) == "i:3201100000"


def test_an_error_stops_it_where_it_is_until_it_is_reset():
    throttle = Throttle()
    twin = VAT653Twin(throttle)
    ask(twin, "S:00225564")
    throttle.at = 0.36
    twin.fail(20, 1.0)
    assert throttle.set_point is None
    assert ask(twin, "O:") == "E:000082"
    assert throttle.at == 0.36
    assert ask(twin, "i:50") == "i:50020"
    assert ask(twin, "c:8201") == "c:82"
    assert ask(twin, "O:") == "O:"
    assert throttle.at == 1.0


def test_a_motor_that_cannot_move_its_plate_is_an_error():
    throttle = Throttle()
    twin = VAT653Twin(throttle)
    ask(twin, "O:")
    throttle.blocked = True
    assert ask(twin, "i:76")[-2] == "E"
    assert ask(twin, "i:50") == "i:50020"


def test_who_works_at_its_service_port_keeps_the_host_out():
    twin = VAT653Twin(Throttle())
    twin.take_local(0.0)
    assert ask(twin, "C:") == "E:000080"
    assert ask(twin, "i:76")[-3] == "0"
    twin.release_local(1.0)
    assert ask(twin, "C:") == "C:"


def test_mains_that_come_back_find_it_closed_and_what_it_learnt_kept():
    throttle = Throttle()
    twin = VAT653Twin(throttle)
    ask(twin, "O:")
    twin.power_up(1.0)
    assert throttle.at == 0.0
    assert twin.learnt
