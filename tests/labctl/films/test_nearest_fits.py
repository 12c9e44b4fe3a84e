"""Which calibrations a film goes by."""

from dataclasses import replace

import pytest

from devices.sputter.conditions import Conditions
from labctl.films.nearest_fits import applied, between
from tests.support.film_fits import film_fit

FIT = film_fit("LiCoO2", "LiCoO2")
COLD = Conditions(3.0)


def fit(time, **changes):
    return replace(FIT, time=time, **changes)


def test_there_may_be_none():
    assert applied([], COLD) == ()


def test_the_newest_under_a_films_own_conditions_counts():
    old, new = fit(1.0), fit(2.0)
    (found,) = applied([old, new], COLD)
    assert (found.fit, found.weight, found.apart) == (new, 1.0, ())


def test_a_later_calibration_under_others_does_not_take_its_place():
    own = fit(1.0)
    others = [fit(2.0, pressure=1.0), fit(3.0, bias_power=20.0), fit(4.0, temperature=600.0)]
    (found,) = applied([own, *others], COLD)
    assert found.fit == own
    (found,) = applied([own, *others], replace(COLD, bias_power=20.0))
    assert (found.fit, found.apart) == (others[1], ())


def test_a_bias_between_two_is_interpolated_over_its_voltage():
    fits = [fit(1.0), fit(2.0, bias_power=20.0), fit(3.0, bias_power=80.0), fit(4.0, pressure=1.0)]
    low, high = applied(fits, replace(COLD, bias_power=45.0))
    assert (low.fit, high.fit) == (fits[1], fits[2])
    # sqrt(45) lies in the middle of sqrt(20) and sqrt(80).
    assert (low.weight, high.weight) == (pytest.approx(0.5), pytest.approx(0.5))
    assert (low.apart, high.apart) == ((), ())


def test_a_bias_beyond_all_goes_by_the_nearest_and_says_so():
    fits = [fit(1.0, bias_power=20.0), fit(2.0)]
    (found,) = applied(fits, replace(COLD, bias_power=45.0))
    assert found.fit == fits[0]
    assert [each.words for each in found.apart] == ["at a bias of 20 W and not 45 W"]


def test_no_interpolation_over_what_differs_in_more_than_the_bias():
    fits = [fit(1.0), fit(2.0, bias_power=80.0, pressure=1.0)]
    (found,) = applied(fits, replace(COLD, bias_power=45.0))
    assert found.fit == fits[0]


def test_a_mean_lies_between_and_is_the_less_certain_the_more_they_differ():
    assert between([2.0], [0.01], [1.0]) == (2.0, pytest.approx(0.01))
    mean, sd = between([1.0, 1.0], [0.01, 0.01], [0.5, 0.5])
    assert (mean, sd) == (1.0, pytest.approx(0.01 / 2**0.5))
    mean, wide = between([0.9, 1.1], [0.01, 0.01], [0.5, 0.5])
    assert mean == pytest.approx(1.0)
    assert wide > 0.05 > sd
    assert between([0.9, 1.1], [0.01, 0.02], [0.0, 1.0]) == (pytest.approx(1.1), pytest.approx(0.02))
