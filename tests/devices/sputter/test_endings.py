"""The end of everything in a chamber: its order, that it is whole, and that nothing that fails keeps the rest."""

from __future__ import annotations

import itertools

import pytest

from devices.errors import WireError
from devices.sputter.endings import Endings

SHUTTERS = ("substrate_shutter", "gun1_shutter")
GUNS = ("gun1", "gun2")
WITHIN = 12.0
"""Seconds within which plasma and gas are gone, whatever happened [deposition twins]."""


@pytest.fixture
def burning(bench):
    """Return a chamber with two guns that burn behind open shutters, hot, in gas, its vent valve open as well."""
    chamber, parts = bench.chamber, bench.parts
    for relay in (*SHUTTERS, "vent_valve", "roughing_valve"):
        parts["relays"].on_now[relay] = True
    parts["relays"].follow()
    for gun in GUNS:
        chamber.on[gun] = chamber.lit[gun] = chamber.control[gun] = True
        chamber.power[gun] = 120.0
    chamber.flows["Ar"] = 1e-5
    chamber.board_closed, chamber.wanted, chamber.position, chamber.set_pressure = True, 600.0, 0.3, 3.0
    return bench


def ended(bench, *, gently=False, keep=lambda: None):
    """End everything; return the endings."""
    station = bench.station
    endings = Endings(bench.clock, station._equipment, station._permits, keep=keep)
    for delay in endings.all(gently=gently):
        bench.clock.sleep(delay)
    return endings


def what_is_left(bench):
    """Return in words what is still on or open."""
    chamber, relays = bench.chamber, bench.parts["relays"].on_now
    found = {f"{gun} on" for gun in GUNS if chamber.on[gun]}
    found |= {f"{gun} in control" for gun in GUNS if chamber.control[gun]}
    found |= {relay for relay in (*SHUTTERS, "vent_valve") if relays[relay]}
    found |= {"loop"} if chamber.board_closed else set()
    found |= {"gas"} if any(chamber.flows.values()) else set()
    found |= {"heater"} if chamber.wanted != 295.0 else set()
    return found | ({"throttle"} if chamber.position != 1.0 else set())


@pytest.mark.parametrize("gently", [False, True])
def test_at_the_end_nothing_heats_or_comes_in_and_the_chamber_is_pumped_on(burning, gently):
    assert len(what_is_left(burning)) == 11
    assert ended(burning, gently=gently).failures == []
    assert what_is_left(burning) == set()
    assert burning.parts["relays"].on_now["roughing_valve"]


@pytest.mark.parametrize("gently", [False, True])
def test_the_shutters_close_first_then_the_power_goes_then_the_gas(burning, gently):
    begun = burning.clock.now()
    ended(burning, gently=gently)
    said = [what for _, what in burning.chamber.log]
    order = [said.index(what) for what in ("substrate_shutter off", "gun1_shutter off")]
    order += [
        min(index for index, what in enumerate(said) if what.startswith("gun") and "shutter" not in what)
    ]
    order += [max(said.index(f"{gun} off") for gun in GUNS), said.index("gas closed")]
    assert order == sorted(order)
    assert burning.chamber.when("substrate_shutter off") == [begun]
    assert burning.clock.now() - begun <= WITHIN


@pytest.mark.parametrize("gently", [False, True])
def test_what_came_through_is_written_down_before_a_ramp_but_not_before_power_that_must_go_at_once(
    burning, gently
):
    written = []

    def keep():
        relays, chamber = burning.parts["relays"].on_now, burning.chamber
        written.append((any(relays[each] for each in SHUTTERS), [chamber.power[gun] for gun in GUNS]))
        written.append([chamber.on[gun] for gun in GUNS] + [chamber.board_closed])

    ended(burning, gently=gently, keep=keep)
    shutters, is_on = written
    assert shutters[0] is False
    assert is_on == [gently] * 3
    assert not gently or shutters[1] == [120.0, 120.0]


@pytest.mark.parametrize("gently", [False, True])
def test_a_disk_that_takes_nothing_is_told_in_its_own_words_and_the_chamber_is_safe(burning, caplog, gently):
    def fails():
        raise OSError("no space left")

    assert ended(burning, gently=gently, keep=fails).failures == []
    assert what_is_left(burning) == set()
    (said,) = [each.getMessage() for each in caplog.records if each.name == "devices.sputter.endings"]
    assert "could not be written down" in said
    assert "no space left" in said


def test_a_gentle_end_takes_the_power_down_in_steps_and_feeds_the_dead_man_meanwhile(burning):
    chamber, board = burning.chamber, burning.parts["permissives"]
    fed, alive = [], board.alive
    board.alive = lambda: (alive(), fed.append(burning.clock.now()))
    ended(burning, gently=True)
    at = [
        (when, float(what.split()[1]))
        for when, what in chamber.log
        if what.startswith("gun1 ") and " W" in what
    ]
    powers = [120.0, *(power for _, power in at)]
    assert all(0.0 <= before - after <= 120.0 / 4 for before, after in itertools.pairwise(powers))
    assert powers[-1] == 0.0
    moments = [*fed, *chamber.when("gun1 off")]
    assert len(fed) >= len(at)
    assert max(b - a for a, b in itertools.pairwise(moments)) < 2.0


def test_a_generator_that_is_not_ours_any_more_is_not_set_but_switched_off(burning):
    burning.chamber.control["gun2"] = False
    ended(burning, gently=True)
    assert not [what for _, what in burning.chamber.log if what.startswith("gun2") and what.endswith(" W")]
    assert not burning.chamber.on["gun2"]


FAILING = {
    "gun1": ("safe", {"gun1 on", "gun1 in control"}),
    "permissives": ("safe", {"loop"}),
    "gas": ("close_gases", {"gas"}),
    "heater": ("safe", {"heater"}),
    "valve": ("safe", {"throttle"}),
    "relays": ("switch", {*SHUTTERS, "vent_valve"}),
}


@pytest.mark.parametrize(
    "error", [WireError("silent"), RuntimeError("a driver's mistake")], ids=["wire", "code"]
)
@pytest.mark.parametrize("part", FAILING)
def test_what_fails_is_named_and_keeps_nothing_else_from_its_end(burning, part, error):
    call, left = FAILING[part]

    def fails(*_):
        raise error

    setattr(burning.parts[part], call, fails)
    if part == "gas":
        burning.parts[part].safe = fails
    failures = ended(burning).failures
    assert what_is_left(burning) == left
    assert failures
    assert all(str(error) in said for said in failures)


def test_relays_that_do_not_say_their_names_have_the_substrates_shutter_closed_all_the_same(burning):
    def fails():
        raise WireError("silent")

    burning.parts["relays"].names = fails
    failures = ended(burning).failures
    assert what_is_left(burning) == {"gun1_shutter", "vent_valve"}
    assert [said.partition(":")[0] for said in failures] == ["vent valve closed"]
