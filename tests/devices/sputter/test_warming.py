"""What a crystal does that a plasma warms up, and what it does only when it fails."""

import json
import math
from functools import partial

import numpy as np
import pytest

from devices.sputter.parameters import CrystalWarmth
from devices.sputter.warming import MOST_COURSES, Courses, Glow, Warming, stated

NOISE = 0.1
KEY = "gun1 at 100 W"
PLUS, MINUS = CrystalWarmth(20.0, 15.0), CrystalWarmth(-20.0, 15.0)


def warmed(warms, rows, *, late=0.0, share=1.0):
    """Return what heat takes from a frequency [Hz] at rows [s], its plasma lit so much earlier [s]."""
    since = np.clip(np.asarray(rows) + late, 0.0, None)
    return -share * warms.heat * np.expm1(-since / warms.time)


def lighting(warms, *, noise=0.0, seed=1, onset=math.inf, drift=0.5, rows=64, **other):
    """Return what a crystal of 6 MHz reads [Hz] at each row; one that begins to fail drifts by so much [Hz/s]."""
    at = np.arange(rows)
    read = 6e6 - warmed(warms, at, **other) + drift * np.clip(at - onset, 0.0, None)
    return read + noise * np.random.default_rng(seed).standard_normal(rows)


def watched(course, frequencies, *, sure=True, lit_within=1.0):
    """Return after which row [s] a lighting is said to be wrong, infinity if never, and the watch itself."""
    watch = Warming(KEY, course, NOISE)
    for row, frequency in enumerate(frequencies):
        if watch.look(float(row), float(frequency), lit_within, sure=sure):
            return row, watch
    return math.inf, watch


def learnt(frequencies):
    """Return the course that a lighting leaves behind."""
    _, watch = watched(None, frequencies)
    assert watch.is_over
    courses = Courses()
    courses.learn(KEY, watch.taken())
    return courses.of(KEY)


def known(how, warms, seed, noise, late):
    return (
        stated(warms)
        if how == "stated"
        else learnt(lighting(warms, noise=noise, seed=10**6 + seed, late=late))
    )


@pytest.mark.parametrize("how", ["stated", "learnt"])
@pytest.mark.parametrize("warms", [PLUS, MINUS, CrystalWarmth(30.0, 5.0), CrystalWarmth(-8.0, 40.0)])
@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_no_sound_lighting_is_told_of(how, warms, noise):
    generator = np.random.default_rng(7)
    for seed in range(60):
        course = known(how, warms, seed, noise, generator.uniform(0.0, 1.0))
        share, late = generator.uniform(0.85, 1.15), generator.uniform(-1.0, 1.0)
        if how == "learnt":
            late = abs(late)
        row, _ = watched(course, lighting(warms, noise=noise, seed=seed, share=share, late=late))
        assert row == math.inf, (seed, share, late)


@pytest.mark.parametrize("how", ["stated", "learnt"])
@pytest.mark.parametrize("warms", [PLUS, MINUS])
@pytest.mark.parametrize("drift", [0.5, -0.5])
@pytest.mark.parametrize("onset", [-2.5, 0.0, 1.3, 3.0, 6.5, 10.0, 25.0, 45.0, 52.0])
def test_a_drift_is_told_within_eleven_seconds_whenever_it_begins(how, warms, drift, onset):
    for seed, noise in enumerate((0.05, 0.05, 0.1, 0.1)):
        course = known(how, warms, seed, noise, 0.2 * seed)
        read = lighting(warms, noise=noise, seed=seed, onset=onset, drift=drift, late=0.5)
        assert watched(course, read)[0] - onset <= 11.0


def test_what_comes_through_a_shutter_that_nobody_sees_is_not_the_crystals_fault():
    read = partial(lighting, PLUS, onset=5.0)
    assert watched(stated(PLUS), read(drift=-0.5), sure=False)[0] == math.inf
    assert watched(stated(PLUS), read(drift=0.5), sure=False)[0] < 16.0


def test_nothing_is_told_where_nobody_knows_what_heat_does():
    assert watched(None, lighting(PLUS, onset=3.0))[0] == math.inf


@pytest.mark.parametrize("gap", [2, 5, 9])
@pytest.mark.parametrize("first", [0.0, 0.3, 1.0])
def test_of_two_guns_that_light_one_after_the_other_each_may_warm_as_much_as_it_likes(gap, first):
    at = np.arange(64)
    taken = first * warmed(PLUS, at) + (1.0 - first) * warmed(PLUS, at - gap)
    watch = Warming(KEY, stated(PLUS), NOISE)
    for row, each in enumerate(taken):
        assert watch.look(float(row), 6e6 - each, 1.0 + min(row, gap), sure=True) == ""


def test_rows_that_come_late_are_judged_and_learnt_at_their_own_time():
    at = np.cumsum(np.where(np.arange(60) % 7 == 3, 2.0, 1.0)) - 1.0
    watch = Warming(KEY, stated(PLUS), NOISE)
    for since, taken in zip(at, warmed(PLUS, at), strict=True):
        assert watch.look(float(since), 6e6 - taken, 1.0, sure=True) == ""
    assert watch.taken() == pytest.approx(warmed(PLUS, np.arange(61)), abs=0.05)


def test_a_lighting_of_which_rows_are_missing_is_no_measure():
    watch = Warming(KEY, None, NOISE)
    for since in (*range(20), *range(25, 70)):
        watch.look(float(since), 6e6, 1.0, sure=True)
    assert watch.is_over
    assert watch.taken() == ()


def test_a_course_goes_by_its_law_and_by_nothing_before_and_after_it():
    course, at = stated(MINUS), np.arange(9.0)
    expected = np.polyfit(at, warmed(MINUS, at + 15.0), 1)[0]
    assert course.goes(at.tolist(), 15.0) == pytest.approx(expected, rel=1e-6)
    assert course.goes(at.tolist(), -20.0) == course.goes(at.tolist(), 65.0) == 0.0
    assert len(learnt(lighting(PLUS)).taken) == 61


def test_courses_outlive_the_session_and_not_the_crystal():
    courses, later = Courses(), Courses()
    courses.weighed(5.98e6, 30.0)
    courses.learn(KEY, tuple(warmed(PLUS, np.arange(61))))
    later.recalled(json.loads(json.dumps(courses.told())))
    for frequency in (5.98e6 + 25.0, 5.97e6, 5.97e6 + 20.0):
        later.weighed(frequency, 30.0)
    assert later.of(KEY).taken == pytest.approx(warmed(PLUS, np.arange(61)), abs=1e-3)
    assert later.of("gun1 at 50 W") is None
    later.weighed(5.97e6 + 60.0, 30.0)
    assert later.of(KEY) is None


def test_a_chamber_that_never_lit_says_nothing_of_its_crystal():
    courses = Courses()
    courses.recalled(None)
    courses.recalled(json.loads(json.dumps(Courses().told())))
    courses.weighed(6e6, 30.0)
    assert list(courses) == []


def test_only_so_many_courses_are_kept_and_one_that_was_told_of_is_forgotten():
    courses = Courses()
    for number in range(MOST_COURSES + 5):
        courses.learn(str(number), (0.0, 1.0))
    assert list(courses) == [str(number) for number in range(5, MOST_COURSES + 5)]
    courses.forget("7")
    assert courses.of("7") is None
    assert courses.of("7", stated(PLUS)) is None
    assert courses.of("new", stated(PLUS)) is not None
    again = Courses()
    again.recalled(json.loads(json.dumps(courses.told())))
    assert again.of("7", stated(PLUS)) is None


def test_a_plasma_that_is_out_for_a_row_or_two_is_the_same_one_and_unknown_counts_as_one():
    glow = Glow()
    glow.known_from(100.0)
    glow.burns(170.0)
    assert (glow.began, glow.at) == (170.0, 170.0)
    for now in (171.0, 173.0, 176.0):
        glow.burns(now)
    assert (glow.began, glow.at) == (170.0, 176.0)
    glow.burns(190.0)
    assert (glow.began, glow.at) == (190.0, 190.0)
