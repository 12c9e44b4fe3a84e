"""Where a throttle stands, whether it is where it was before, and whether it stirs: each by itself, on made-up rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from devices.limits import SputterLimits
from devices.sputter.throttle import Place, StirWatch, ThrottleWatch
from devices.sputter.watch import SETTLES, Trouble

LIMITS = SputterLimits()
STEP = LIMITS.throttle_step
AT = 0.359
"""Where the throttle stood before, of its way."""


def place_of(positions, overs=None, *, gauge=math.nan):
    """Return a place after rows, and what the gauge showed in them over what was to be held."""
    place = Place(LIMITS, gauge)
    for row, position in enumerate(positions):
        place.look(float(position), 1.0 if overs is None else float(overs[row]))
    return place


def told(watch, positions, *, begin=0, place=None, moves=False):
    """Return the row, one a second, at which a watch tells of a leak; None where it never does."""
    place = Place(LIMITS) if place is None else place
    for row, position in enumerate(positions):
        place.look(float(position), 1.0)
        try:
            watch.look(float(begin + row), float(position), place, moves=moves)
        except Trouble:
            return row
    return None


def noisy(seed, sd, rows):
    return AT + sd * np.random.default_rng(seed).standard_normal(rows)


def known_at(*places, **changes):
    watch = ThrottleWatch(LIMITS)
    watch.knows(places, **changes)
    return watch


def test_a_throttle_is_found_when_its_place_and_its_pressure_rest():
    even, creeps = np.ones(12), np.linspace(0.998, 1.002, 12)
    assert place_of(AT * even, even).is_found
    assert not place_of(AT * creeps, even).is_found
    assert not place_of(AT * even, creeps).is_found
    assert not place_of(AT * even[:11], even[:11]).is_found
    came = place_of([*np.linspace(0.3, AT, 12), *(AT * even)])
    assert came.is_found
    assert came.at == pytest.approx(AT, rel=1e-12)


def test_a_throttle_that_stirs_to_and_fro_is_found_soon():
    for seed in range(200):
        place, rows = Place(LIMITS), 0
        for position in noisy(seed, 1e-4, 30):
            place.look(position, 1.0)
            rows += 1
            if place.is_found:
                break
        assert place.is_found
        assert rows < 20
        assert place.at == pytest.approx(AT, abs=2e-4)


@pytest.mark.parametrize("wrong", [(0,), (2,), (4,), (0, 1), (1, 4), (3, 4)])
def test_where_it_is_bears_one_wrong_row_or_two(wrong):
    rows = np.full(5, AT)
    rows[list(wrong)] = 0.5
    assert place_of(rows).lately == AT
    assert place_of(rows).now == rows[-1]
    assert math.isnan(place_of(rows[:4]).lately)


def test_a_pressure_that_is_off_is_taken_for_so_much_of_its_place():
    """It opens with the fourth root of its pumping speed: closed too far by that, the pressure is too high."""
    overs = 1.003 * np.array([1.02, 1.01, 1.0, 0.99, 0.985])
    rows = AT * (overs / 1.003) ** -0.25
    place = place_of(rows, overs, gauge=1.003)
    assert place.lately == pytest.approx(AT, rel=1e-12)
    assert place.now == pytest.approx(AT, rel=1e-12)
    assert abs(place_of(rows[:5:4].repeat(3), overs[:5:4].repeat(3)).lately - AT) > STEP
    # Nobody knows the gauge, or it shows nothing: the place is what it is.
    for gauge, over in ((math.nan, 1.02), (1.003, 0.0), (1.003, math.nan)):
        assert place_of([AT] * 5, [over] * 5, gauge=gauge).lately == AT


def test_what_the_gauge_shows_of_a_pressure_that_is_held_is_known_with_the_place():
    assert math.isnan(Place(LIMITS).shown)
    assert place_of([AT] * 12, [1.003] * 12).shown == pytest.approx(1.003, rel=1e-12)


@pytest.mark.parametrize("sd", [1e-4, 1e-3])
def test_the_noise_of_a_row_is_seen_beside_what_creeps(sd):
    creeps = np.linspace(0.0, sd, 12)
    noises = [place_of(noisy(seed, sd, 12) + creeps).noise for seed in range(500)]
    assert np.mean(noises) == pytest.approx(sd, rel=0.05)
    assert place_of([AT] * 12).noise == 0.0
    assert Place(LIMITS).noise == 0.0


def test_a_throttle_is_on_its_way_only_to_where_it_goes():
    near = (AT - STEP, AT + STEP)
    down = np.linspace(0.37, 0.362, 10)
    assert place_of(down).comes(*near)
    assert place_of(2 * AT - down).comes(*near)
    assert not place_of(down[::-1]).comes(*near)
    assert not place_of([0.365] * 10).comes(*near)
    assert not place_of([AT] * 10).comes(*near)


@pytest.mark.parametrize("off", [1.2 * STEP, 40 * STEP])
def test_a_throttle_that_opens_further_than_before_is_told_in_a_few_rows_and_by_no_single_one(off):
    assert 0 < told(known_at(AT), [AT + off] * 40) <= 3
    assert 10 < told(known_at(AT), [AT] * 10 + [AT + off] * 10) <= 13
    assert told(known_at(AT), [AT] * 10 + [AT + off] + [AT] * 29) is None


def test_what_is_told_is_a_leak_for_which_the_power_goes_at_once():
    watch, place = known_at(AT), place_of([AT + 2 * STEP] * 12)
    watch.look(0.0, place.now, place)
    with pytest.raises(
        Trouble, match=r"stands at 0\.3610, and stood at 0\.3590 before .* water or air"
    ) as leak:
        watch.look(1.0, place.now, place)
    assert (leak.value.code, leak.value.gently) == ("leak", False)


def test_a_throttle_that_opens_less_than_before_has_no_gas_that_nobody_let_in():
    assert told(known_at(AT), [AT - 1.2 * STEP] * 60) is None
    assert told(known_at(AT), [AT - 40 * STEP] * 60) is None


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_how_far_beyond_its_places_it_may_be_is_the_callers_word(share):
    assert told(known_at(AT, share=share), [AT + (share - 0.05) * STEP] * 60) is None
    assert 0 < told(known_at(AT, share=share), [AT + (share + 0.4) * STEP] * 20) <= 3


def test_a_throttle_on_its_way_to_its_place_is_not_told_until_it_stays_beside_it():
    comes = 6e-3 * np.exp(-np.arange(60) / 5.0)
    assert told(known_at(AT), AT + comes) is None
    short = AT + 1.3 * STEP + comes
    assert 10 < told(known_at(AT), short) < 30


def test_noise_is_no_alarm_where_it_is_known():
    sd = 4e-4
    for seed in range(50):
        assert told(known_at(AT, share=0.5, noise=sd), noisy(seed, sd, 300)) is None
    assert any(told(known_at(AT, share=0.5), noisy(seed, sd, 300)) is not None for seed in range(50))
    beyond = 0.5 * STEP + 4 * sd
    assert all(
        told(known_at(AT, share=0.5, noise=sd), beyond + noisy(seed, sd, 40)) < 10 for seed in range(50)
    )


def test_noise_below_its_step_is_no_alarm_and_a_leak_in_it_is_one():
    for seed in range(50):
        rows = noisy(seed, 1e-4, 300)
        assert told(known_at(AT, share=0.5), rows) is None
        rows[200:] += 1.5 * STEP
        assert 200 <= told(known_at(AT, share=0.5), rows) <= 208


def test_power_may_move_it_between_the_places_that_it_had_and_not_beyond():
    first, last = AT, AT + 4 * STEP
    there = np.linspace(first, last, 100)
    assert told(known_at(first, last), there, moves=True) is None
    assert told(known_at(first, last), there[::-1], moves=True) is None
    beyond = np.linspace(first, last + 3 * STEP, 200)
    row = told(known_at(first, last), beyond, moves=True)
    assert 0.75 * STEP < beyond[row] - last < 1.2 * STEP
    assert told(known_at(first), there, moves=True) < 40


def test_after_the_power_moved_it_a_step_of_it_is_told_again():
    watch, place = known_at(AT, AT + 4 * STEP), Place(LIMITS)
    assert told(watch, np.linspace(AT, AT + 2 * STEP, 100), place=place, moves=True) is None
    assert told(watch, [AT + 2 * STEP] * 60, begin=100, place=place) is None
    assert told(watch, [AT + 3.2 * STEP] * 20, begin=160, place=place) == 5


def test_power_may_move_a_throttle_whose_places_nobody_knows_wherever_it_does():
    watch, place = ThrottleWatch(LIMITS), Place(LIMITS)
    assert told(watch, np.linspace(AT, AT + 20 * STEP, 100), place=place, moves=True) is None
    assert told(watch, [AT + 20 * STEP] * 60, begin=100, place=place) is None
    assert told(watch, [AT + 21.2 * STEP] * 20, begin=160, place=place) == 5


def test_places_count_until_the_throttle_is_expected_to_stay():
    """A target that wears moves it in hours, by more than a step."""
    settled = int(SETTLES) + 10
    drifts = [*[AT] * settled, *np.linspace(AT, AT + 5 * STEP, 20_000)]
    assert told(known_at(AT), drifts) is None
    assert told(known_at(AT), [AT] * settled + [AT + 1.2 * STEP] * 20) == settled + 5
    # Without a plasma nothing wears.
    row = told(known_at(AT, lasting=True), drifts)
    assert 0.75 * STEP < drifts[row] - AT < 1.2 * STEP


def test_places_that_are_known_anew_count_from_then_on():
    watch, place = known_at(AT), Place(LIMITS)
    assert told(watch, [AT] * 10 + [AT + 5 * STEP], place=place) is None
    watch.knows((AT,))
    assert told(watch, [AT + 5 * STEP] + [AT] * 50, begin=11, place=place) is None
    watch.knows((AT - 2 * STEP,))
    assert 0 < told(watch, [AT] * 10, begin=62, place=place) <= 3


def test_places_that_nobody_knows_are_none():
    assert told(known_at(math.nan, math.nan), [0.5] * 40) is None
    assert 0 < told(known_at(math.nan, AT), [0.5] * 40) <= 3


def test_nothing_is_told_of_a_throttle_at_its_end():
    """That has a fault of its own."""
    assert told(known_at(AT), [0.002] * 40) is None
    assert told(known_at(AT), [0.998] * 40) is None


def test_a_step_of_the_throttle_that_stays_is_gas_that_nobody_let_in():
    watch, place = ThrottleWatch(LIMITS), Place(LIMITS)
    assert told(watch, [AT] * 100, place=place) is None
    # Its middle of five rows makes the step with the third of them, and has to stay for three seconds.
    assert told(watch, [0.3605] * 10, begin=100, place=place) == 5


@pytest.mark.parametrize(("steps", "is_told"), [(0.7, False), (0.9, True), (-0.9, False), (-1.1, True)])
def test_a_step_that_closes_the_throttle_must_be_a_whole_one(steps, is_told):
    watch, place = ThrottleWatch(LIMITS), Place(LIMITS)
    assert told(watch, [AT] * 60, place=place) is None
    row = told(watch, [AT + steps * STEP] * 60, begin=60, place=place)
    assert row == (5 if is_told else None)


def test_a_step_within_its_noise_is_none():
    for noise, row in ((0.0, 65), (1e-3, None)):
        watch = ThrottleWatch(LIMITS)
        watch.knows((), noise=noise)
        assert told(watch, [AT] * 60 + [AT + 1.5 * STEP] * 60) == row


def test_a_throttle_that_drifts_for_hours_or_jumps_once_is_none():
    watch, place = ThrottleWatch(LIMITS), Place(LIMITS)
    assert told(watch, AT + 1e-6 * np.arange(20_000), place=place) is None
    assert told(watch, [0.5], begin=20_000, place=place) is None
    assert told(watch, [0.379] * 4, begin=20_001, place=place) is None


def stirred(seed, counts, rows=200, deadband=0):
    """Return positions of a throttle that regulates, one a second, in steps of 1e-5."""
    noise = np.random.default_rng(seed).standard_normal(rows) * counts
    if deadband:
        noise = np.repeat(noise[::deadband], deadband)[:rows]
    return 0.36 + 1e-5 * np.round(noise)


def stuck_after(positions, **changes):
    """Return the first row at which a throttle counts as stuck; None where it never does."""
    watch = StirWatch(replace(LIMITS, **changes))
    for row, position in enumerate(positions):
        watch.look(position)
        if watch.is_stuck:
            return row
    return None


@pytest.mark.parametrize(("counts", "deadband"), [(10.0, 0), (2.0, 0), (0.5, 0), (0.0, 0), (10.0, 60)])
def test_a_throttle_may_stir_as_it_always_does(counts, deadband):
    for seed in range(50):
        assert stuck_after(stirred(seed, counts, 3000, deadband)) is None


@pytest.mark.parametrize("lag", [2.0, 5.0, 10.0, 30.0, 100.0])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_throttle_that_creeps_to_its_place_may_rest_there(lag, noise):
    """As one with a dead band, after a change; at the most with noise below its resolution."""
    for seed in range(20):
        creeps = 100.0 * np.exp(-np.arange(2000) / lag)
        creeps += noise * np.random.default_rng(seed).standard_normal(2000)
        assert stuck_after(0.36 + 1e-5 * np.round(creeps)) is None


@pytest.mark.parametrize("stuck", [65, 100, 2000])
def test_a_throttle_that_stirred_and_stands_still_is_stuck(stuck):
    for seed in range(50):
        positions = stirred(seed, 10.0, stuck + 20)
        positions[stuck:] = 0.36
        row = stuck_after(positions)
        assert row is not None
        assert 0 < row - stuck <= 10
        assert stuck_after(positions, throttle_chance=0.0) is None


def test_what_is_known_of_a_throttles_stirring_stays_known():
    for seed in range(200):
        watch, row = StirWatch(LIMITS), 0
        positions = stirred(seed, 10.0)
        while not watch.tells_soon:
            watch.look(positions[row])
            row += 1
        for position in (*positions[row : row + seed % 4], *[0.36] * 11):
            watch.look(position)
        assert watch.is_known
        assert watch.is_stuck
        assert row < 100


@pytest.mark.parametrize("forgets", [False, True])
def test_a_throttle_that_stands_still_before_it_is_known_to_stir_is_suspect_soon(forgets):
    watch = StirWatch(LIMITS)
    for position in (0.36, 0.361, 0.359, *[0.36] * 5):
        watch.look(position)
    assert not watch.is_suspect
    if forgets:
        watch.forget()
    watch.look(0.36)
    assert watch.is_suspect
    assert not watch.is_stuck
    watch.look(0.361)
    assert not watch.is_suspect
