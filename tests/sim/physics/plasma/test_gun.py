import json
import pickle
from dataclasses import replace

import pytest

from sim.materials.targets import TARGETS
from sim.physics.plasma.arcs import arcs_expected
from sim.physics.plasma.discharge import DIRECT_CURRENT
from sim.physics.plasma.gun import (
    Drive,
    Gun,
    GunState,
    at_rest,
    emission,
    emitted,
    new_gun,
    reading,
    step,
    time_to_next_arc,
)
from sim.physics.plasma.hazard import drawn
from sim.physics.plasma.target import Target, Wear
from sim.physics.vacuum.gases import amounts

MATERIAL = TARGETS["LiCoO2"]
GUN = Gun(Target(MATERIAL.body), MATERIAL.sputter_yield, MATERIAL.film.formula_mass)
PAPER = amounts({"Ar": 2.892, "O2": 0.108})
NITROGEN = amounts({"N2": 0.4})


def run(state: GunState, drive: Drive, duration: float, dt: float, gun: Gun = GUN) -> GunState:
    for _ in range(round(duration / dt)):
        state = step(gun, state, drive, dt)
    return state


def burning(power: float = 119.6, seed: int = 1) -> GunState:
    """Return a gun that burns, matched and with a target that no luck breaks."""
    sturdy = replace(new_gun(seed), cracking=replace(drawn(0), left=1e9))
    return run(sturdy, Drive(power, PAPER), 60.0, 0.1)


def test_it_strikes_and_is_matched_within_a_minute() -> None:
    state, drive = burning(), Drive(119.6, PAPER)
    shown = reading(GUN, state, drive)
    assert state.lit
    assert shown.forward == pytest.approx(shown.load + shown.reflected, rel=1e-12)
    assert shown.reflected < 0.005 * shown.forward
    assert shown.bias == pytest.approx(180.0, abs=0.5)
    assert at_rest(GUN, state, drive)


def test_nitrogen_at_the_papers_pressure_throws_all_power_back() -> None:
    drive = Drive(40.0, NITROGEN)
    state = run(new_gun(1), drive, 120.0, 0.1)
    shown = reading(GUN, state, drive)
    assert (shown.forward, shown.reflected, shown.load, shown.bias) == (40.0, 40.0, 0.0, 0.0)
    assert not at_rest(GUN, state, drive)


def test_struck_at_three_pascal_it_goes_on_at_the_papers_pressure() -> None:
    struck = run(new_gun(1), Drive(40.0, amounts({"N2": 3.0})), 60.0, 0.1)
    assert struck.lit
    low = run(struck, Drive(101.3, NITROGEN), 60.0, 0.1)
    assert low.lit
    assert reading(GUN, low, Drive(101.3, NITROGEN)).bias == pytest.approx(226.0, abs=0.5)
    assert not run(low, Drive(101.3, amounts({"N2": 0.05})), 0.1, 0.1).lit


def test_what_leaves_the_target_is_what_it_lost() -> None:
    before, drive = burning(), Drive(119.6, PAPER)
    after = step(GUN, before, drive, 3600.0)
    rate = emission(GUN, reading(GUN, before, drive))
    assert emitted(GUN, before, after) == pytest.approx(3600.0 * rate, rel=2e-3)
    assert emitted(GUN, before, after) * GUN.formula_mass == pytest.approx(
        after.wear.eroded - before.wear.eroded,
        rel=1e-12,
        abs=0.0,
    )


def test_a_night_is_the_same_in_steps_of_a_second_and_of_a_minute() -> None:
    start, drive = burning(), Drive(119.6, PAPER)
    fine, coarse = (run(start, drive, 18.3 * 3600.0, dt) for dt in (6.0, 360.0))
    assert coarse.wear.eroded == pytest.approx(fine.wear.eroded, rel=1e-4)
    assert (coarse.arcs, coarse.particles) == (fine.arcs, fine.particles)


def test_the_next_arc_comes_when_it_was_said_to() -> None:
    state, drive = burning(), Drive(119.6, PAPER)
    wait = time_to_next_arc(state, reading(GUN, state, drive))
    assert step(GUN, state, drive, wait * (1.0 - 1e-9)).arcs == state.arcs
    assert step(GUN, state, drive, wait * (1.0 + 1e-9)).arcs == state.arcs + 1


def test_an_arc_storm_multiplies_arcs() -> None:
    start = burning()
    calm, storm = (step(GUN, start, Drive(119.6, PAPER, arcing), 36000.0) for arcing in (1.0, 1000.0))
    expected = arcs_expected(start.wear.conditioned, 119.6, 36000.0)
    assert storm.arcs - start.arcs == pytest.approx(1000.0 * expected, rel=0.1)
    assert calm.arcs < 0.1 * storm.arcs


def test_a_crack_shows_in_bias_and_rate_and_arcs() -> None:
    """180 to 162 V and a fifth less film at the same power and pressure."""
    whole, drive = burning(), Drive(119.6, PAPER)
    cracked = replace(whole, wear=replace(whole.wear, cracked=True))
    assert reading(GUN, cracked, drive).bias == pytest.approx(162.0, abs=0.5)
    assert time_to_next_arc(cracked, reading(GUN, cracked, drive)) < 0.2 * time_to_next_arc(
        whole, reading(GUN, whole, drive)
    )


def test_a_target_cracks_when_its_luck_is_used_up_and_stays_so() -> None:
    brittle = replace(new_gun(1), cracking=replace(drawn(0), left=1e-3))
    state = run(brittle, Drive(119.6, PAPER), 60.0, 0.1)
    assert state.wear.cracked
    assert GunState.from_dict(state.to_dict()).wear.cracked


def test_only_stress_that_a_start_has_not_survived_counts() -> None:
    state, drive = burning(), Drive(119.6, PAPER)
    longer = step(GUN, state, drive, 36000.0)
    assert longer.cracking.left == pytest.approx(state.cracking.left, abs=2e-3)
    dark = run(longer, Drive(0.0, PAPER), 60.0, 0.1)
    assert (dark.lit, dark.stress < 0.01 * longer.stress) == (False, True)


def test_a_direct_current_gun_needs_no_match() -> None:
    metal = TARGETS["Ti"]
    gun = Gun(Target(metal.body), metal.sputter_yield, metal.film.formula_mass, DIRECT_CURRENT, box=None)
    drive = Drive(100.0, amounts({"Ar": 0.7}))
    state = run(new_gun(2), drive, 60.0, 0.1, gun)
    shown = reading(gun, state, drive)
    assert (state.lit, shown.reflected) == (True, 0.0)
    assert shown.bias == pytest.approx(350.0)
    assert at_rest(gun, state, drive)


def test_capacitors_in_manual_stay_where_they_are() -> None:
    state = replace(burning(), automatic=False)
    moved = run(state, Drive(60.0, PAPER), 10.0, 0.1)
    assert moved.capacitors == state.capacitors
    assert reading(GUN, moved, Drive(60.0, PAPER)).reflected > 0.0


def test_a_gun_survives_a_file_and_a_copy() -> None:
    state = burning()
    assert GunState.from_dict(json.loads(json.dumps(state.to_dict()))) == state
    assert pickle.loads(pickle.dumps((GUN, state))) == (GUN, state)
    assert new_gun(3, Wear(1e-3)).wear.eroded == 1e-3
