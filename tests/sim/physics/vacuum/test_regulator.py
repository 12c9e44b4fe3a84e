import math

import pytest

from sim.physics.vacuum.regulator import Regulator, begin, regulate

LAW = Regulator()


def test_errors_go_with_the_logarithm_and_are_limited() -> None:
    assert LAW.error(3.3, 3.0) == pytest.approx(math.log(1.1))
    assert (LAW.error(1e5, 3.0), LAW.error(0.0, 3.0), LAW.error(-1e-4, 3.0)) == (1.0, -1.0, -1.0)


def test_regulation_begins_where_the_throttle_stands() -> None:
    error = LAW.error(5.0, 3.0)
    _, position = regulate(LAW, begin(LAW, 0.4, error), error, 0.0)
    assert position == pytest.approx(0.4)


@pytest.mark.parametrize(("error", "integral"), [(1.0, 0.9), (-1.0, 0.1)])
def test_nothing_winds_up_at_a_limit(error: float, integral: float) -> None:
    for _ in range(1000):
        integral, position = regulate(LAW, integral, error, 0.1)
    assert position == (1.0 if error > 0.0 else 0.0)
    assert 0.0 <= integral <= 1.0
