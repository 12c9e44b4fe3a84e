"""The RF generator's twin by itself: what PyMeasure's driver may ask besides, the ramp, the match, the mains."""

from __future__ import annotations

import pytest

from sim.twins.aja_0313 import AJA0313Twin


class Plasma:
    def __init__(self):
        self.driven, self.places, self.match = [], (0.5, 0.5), True

    def drive(self, forward):
        self.driven.append(forward)

    def reflected(self):
        return 0.0

    def bias(self):
        return 100.0

    def capacitors(self):
        return self.places

    def set_capacitors(self, load, tune):
        self.places = load, tune

    def automatic(self, on):
        self.match = on


def command(letters, first=0, second=0):
    content = b"C\x00" + letters + first.to_bytes(2, "big") + second.to_bytes(2, "big")
    return content + sum(content).to_bytes(2, "big")


TAKE, ON, OFF = command(b"BC", 0x5555), command(b"BR", 0x5555), command(b"BR")


@pytest.fixture
def twin():
    made = AJA0313Twin(Plasma())
    made.receive(TAKE, 0.0)
    return made


def run(twin, until, poll=1.0):
    """Let time pass, with a ping each second."""
    now = twin._now
    while now < until:
        now = min(until, now + poll)
        while (due := twin.next_event()) is not None and due <= now:
            twin.advance(due)
            twin.fire_event(due)
        twin.advance(now)
        twin.receive(command(b"BP"), now)


def test_the_ramp_rises_from_its_start_at_its_rate(twin):
    for order in (command(b"SA", 100), command(b"SO", 4), command(b"RP", 20), command(b"RR", 10), ON):
        assert twin.receive(order, 0.0) == b"*"
    assert twin.rf_load.driven == [20.0]
    run(twin, 4.0)
    assert twin.rf_load.driven[-1] == pytest.approx(60.0, abs=1.1)
    run(twin, 10.0)
    assert twin.rf_load.driven[-1] == 100.0
    assert sorted(twin.rf_load.driven) == twin.rf_load.driven


def test_capacitors_move_by_hand_only_and_a_preset_is_where_the_match_begins(twin):
    twin.receive(command(b"TC", 1, 30), 0.0)
    assert twin.rf_load.places == (0.5, 0.5)
    twin.receive(command(b"TM", 2) + command(b"TC", 1, 30) + command(b"TC", 2, 70), 0.0)
    assert twin.rf_load.places == (0.3, 0.7)
    assert not twin.rf_load.match
    twin.receive(command(b"TM", 1) + command(b"TD", 0x0301, 42) + command(b"TP", 3) + ON, 0.0)
    assert twin.rf_load.match
    assert twin.rf_load.places == (0.42, 0.5)


def test_half_a_command_is_forgotten(twin):
    whole = command(b"GP")
    assert twin.receive(whole[:4], 1.0) == b""
    assert twin.receive(whole, 1.5).startswith(b"*R")
    assert twin.receive(b"\x00\xff" + whole, 1.5).startswith(b"*R")


def test_the_mains_leave_it_off_with_no_set_point_and_nobody_in_control(twin):
    twin.receive(command(b"SA", 100) + ON, 0.0)
    twin.power_up(1.0)
    assert (twin.on, twin.set_point, twin.in_control) == (False, 0, False)
    assert twin.rf_load.driven == [100.0, 0.0]
    assert twin.next_event() is None


def test_the_heat_sink_warms_cools_and_lets_go_of_its_trip(twin):
    twin.receive(command(b"SA", 300) + ON, 0.0)
    run(twin, 1800.0)
    assert twin.temperature == pytest.approx(22.1 + 24.0, abs=0.5)
    twin.overheat(1800.0)
    assert not twin.on
    assert twin.receive(ON, 1800.0) == b"*"
    assert not twin.on
    run(twin, 2200.0)
    twin.receive(ON, 2200.0)
    assert twin.on
    assert [event for _, event, _ in twin.log if "temperature" in event or "cool" in event] == [
        "over-temperature",
        "cool again",
    ]


def test_looking_changes_nothing(twin):
    twin.receive(command(b"SA", 100) + ON, 0.0)
    answers = {twin.receive(command(letters), 0.5) for letters in (b"GP",) * 5}
    assert len(answers) == 1
    assert twin.rf_load.driven == [100.0]


def test_what_is_asked_besides_is_answered(twin):
    assert twin.receive(command(b"GF"), 0.0)[5:9] == (13_560_000).to_bytes(4, "big")
    assert len(twin.receive(command(b"Gf"), 0.0)) == 11
    assert twin.receive(command(b"GR"), 0.0)[5:9] == b"\x00\x01\x00\x01"
    assert twin.receive(command(b"Gi", 2), 0.0)[5:7] == b"\x00\x02"
    assert twin.receive(command(b"Gi", 3), 0.0) == b"?"
    assert twin.receive(command(b"GU", 12), 0.0) == b"?"
