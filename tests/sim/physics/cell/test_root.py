"""A root is found within its bracket, however the function bends."""

import math

import pytest

from sim.physics.cell.root import root


@pytest.mark.parametrize("bend", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_root_of_an_exponential_is_its_logarithm(bend: float, sign: float) -> None:
    def function(place: float) -> tuple[float, float]:
        return sign * (math.exp(bend * place) - 2.0), sign * bend * math.exp(bend * place)

    ends = [(place, function(place)[0]) for place in (-3.0 / bend, 2.0 / bend)]
    for first, last in (ends, ends[::-1]):
        assert root(function, first, last, 1e-9 / bend) == pytest.approx(
            math.log(2.0) / bend, rel=1e-14, abs=0.0
        )


def test_steps_that_would_leave_the_bracket_halve_it() -> None:
    def function(place: float) -> tuple[float, float]:
        return math.atan(place - 0.3), 1.0 / (1.0 + (place - 0.3) ** 2)

    ends = [(place, function(place)[0]) for place in (-1e6, 40.0)]
    assert root(function, *ends, 1e-9) == pytest.approx(0.3, abs=1e-14)


def test_function_without_a_slope_is_halved_to_its_step() -> None:
    def function(place: float) -> tuple[float, float]:
        return math.copysign(1.0, place - 0.3), 0.0

    assert root(function, (0.0, -1.0), (1.0, 1.0), 1e-9) == pytest.approx(0.3, abs=1e-9)


def test_ends_on_one_side_by_round_off_give_the_nearer_one() -> None:
    assert root(lambda place: (place, 1.0), (1e-17, 1e-17), (1.0, 1.0), 1e-9) == 1e-17
    assert root(lambda place: (place, 1.0), (-1.0, -1.0), (0.0, 0.0), 1e-9) == 0.0
