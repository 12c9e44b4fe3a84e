"""The DC supply's twin by itself: ramp, timer, shutter, modes, bytes that go astray."""

from __future__ import annotations

import pytest

from sim.twins.aja_dcxs import AJADCXSTwin


class Gun:
    def __init__(self):
        self.driven = []

    def drive(self, power):
        self.driven.append(power)

    def voltage(self):
        return 350.0

    def current(self):
        return 0.5


@pytest.fixture
def twin():
    return AJADCXSTwin(Gun())


def run(twin, until):
    while (due := twin.next_event()) is not None and due <= until + 1e-9:
        twin.advance(due)
        twin.fire_event(due)
    twin.advance(until)


def test_the_ramp_rises_over_its_time(twin):
    assert twin.receive(b"C0200E10A", 0.0) == b""
    run(twin, 5.0)
    assert twin.receive(b"d", 5.0) == b"0100"
    run(twin, 10.0)
    assert twin.receive(b"def", 10.0) == b"020003500500"
    assert twin.next_event() is None
    assert sorted(twin.dc_load.driven) == twin.dc_load.driven


def test_the_timer_switches_off_after_the_shutters_delay(twin):
    twin.receive(b"C0200F05G001H30Z4A", 0.0)
    assert twin.receive(b"p", 4.9) == b"\x00"
    run(twin, 5.0)
    assert twin.receive(b"p", 5.0) == b"\x08"
    assert twin.receive(b"kl", 5.0) == b"00130"
    run(twin, 95.0)
    assert not twin.on
    assert twin.log[-1][:2] == (95.0, "output off")


def test_only_regulation_by_power_gives_power(twin):
    twin.receive(b"C0200D1A", 0.0)
    assert not twin.on
    twin.receive(b"D0A", 0.0)
    assert twin.on
    twin.receive(b"D2", 0.0)
    assert not twin.on
    assert twin.receive(b"ca", 0.0) == b"20"


def test_a_lost_letter_leaves_digits_that_mean_nothing(twin):
    twin.lose_bytes(1)
    assert twin.receive(b"C0120b", 0.0) == b"0000"


def test_a_lost_digit_swallows_the_next_letter(twin):
    assert twin.receive(b"C012b", 0.0) == b""
    assert twin.receive(b"b", 0.0) == b"0000"


@pytest.mark.parametrize("bad", [b"C1001", b"D3", b"H60", b"Z0", b"Z6", b"C01x0"])
def test_what_is_out_of_range_is_not_taken(twin, bad):
    before = twin.receive(b"bcgijy", 0.0)
    twin.receive(bad, 0.0)
    assert twin.receive(b"bcgijy", 0.0) == before


def test_the_mains_leave_it_off_with_its_settings_and_a_greeting(twin):
    twin.receive(b"C0200A", 0.0)
    twin.power_up(1.0)
    assert twin.receive(b"ab", 1.0) == b">>>00200"
    assert twin.dc_load.driven == [200.0, 0.0]
