"""The tool's twin: any dialect that a table can say, a train that nobody but itself stops."""

from __future__ import annotations

import pytest

from sim.twins.remote_recipe import RemoteRecipeTwin

TERSE = {
    "framing": {"sent": ";", "replies": "\n"},
    "identify": {"send": "?", "begins": "X"},
    "voltage": {"set": "V={value}", "get": "V", "one": 0.1, "decimals": 0, "low": 100.0, "high": 900.0},
    "duration": {"set": "T={value}", "get": "T", "one": 1e-3, "decimals": 3, "low": 1e-4, "high": 5e-3},
    "count": {"set": "N={value}", "get": "N", "high": 100.0},
    "rate": {"set": "R={value}", "get": "R", "one": 1.0, "decimals": 2, "low": 0.1, "high": 1.0},
    "arm": {"send": "A"},
    "fire": {"send": "F!"},
    "abort": {"send": "X"},
    "status": {"send": "S", "words": {"0": "idle", "2": "armed", "3": "firing", "9": "fault"}},
    "pulses_done": {"send": "P", "reply": "P({value})", "since": "ever"},
    "errors": {"send": "E", "none": "00", "words": {}},
}
"""Another invented dialect: no acknowledgements, no word for charging, tenths of volts, ; and newline."""


@pytest.fixture
def flashes():
    return []


@pytest.fixture
def twin(flashes):
    return RemoteRecipeTwin(lambda time, fired: flashes.append((time, fired)), table=TERSE)


def run(twin, until):
    while (due := twin.next_event()) is not None and due <= until:
        twin.advance(due)
        twin.fire_event(due)


def armed(twin):
    assert twin.receive(b"V=8500;T=1.800;N=4;R=0.40;A;", 0.0) == b""
    assert twin.receive(b"S;E;", 0.0) == b"2\n00\n"


def test_it_speaks_what_its_table_says(twin):
    armed(twin)
    assert twin.receive(b"V;T;N;R;?;", 0.0) == b"8500\n1.800\n4\n0.40\nX,twin,0\n"


def test_a_fire_gives_its_train_at_its_rate(twin, flashes):
    armed(twin)
    twin.receive(b"F!;", 1.0)
    run(twin, 100.0)
    assert [time for time, _ in flashes] == pytest.approx([1.0, 3.5, 6.0, 8.5])
    assert flashes[0][1].voltage == pytest.approx(850.0)
    assert flashes[0][1].duration == pytest.approx(1.8e-3)
    assert twin.receive(b"S;P;", 100.0) == b"0\nP(4)\n"


def test_silence_does_not_stop_it_and_an_abort_does(twin, flashes):
    armed(twin)
    twin.receive(b"F!;", 0.0)
    run(twin, 3.0)
    twin.receive(b"X;", 3.0)
    run(twin, 100.0)
    assert len(flashes) == 2
    assert twin.receive(b"S;", 100.0) == b"0\n"


def test_power_up_forgets_the_recipe_and_not_how_often_it_ever_flashed(twin, flashes):
    armed(twin)
    twin.receive(b"F!;", 0.0)
    twin.power_up(1.0)
    run(twin, 100.0)
    assert len(flashes) == 1
    assert twin.receive(b"V;S;P;", 100.0) == b"0\n0\nP(1)\n"


@pytest.mark.parametrize(
    "line", [b"V=9001;", b"V=-1;", b"V=;", b"T=9.000;", b"N=101;", b"R=0.01;", b"F!;", b"Q;"]
)
def test_what_is_refused_changes_nothing_and_queues_up(twin, flashes, line):
    before = twin.receive(b"V;T;N;R;S;", 0.0)
    assert twin.receive(line, 0.0) == b""
    assert twin.receive(b"V;T;N;R;S;", 0.0) == before
    assert twin.receive(b"E;E;", 0.0).endswith(b"00\n")
    assert flashes == []


def test_nothing_is_armed_without_a_recipe(twin):
    twin.receive(b"V=8500;A;", 0.0)
    assert twin.receive(b"S;", 0.0) == b"0\n"


def test_looking_changes_nothing(twin):
    armed(twin)
    for question in (b"V;", b"S;", b"P;", b"?;", b"E;"):
        assert twin.receive(question, 0.0) == twin.receive(question, 5.0)
