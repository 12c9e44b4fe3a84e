import pytest
from scipy.integrate import quad

from sim.physics.plasma.arcs import PARTICLE, RATE, arc_rate, arcs_expected, particles_of, time_to_arc


def test_a_fresh_target_arcs_ten_times_as_often() -> None:
    assert arc_rate(0.0) == pytest.approx(10.0 * RATE)
    assert arc_rate(3.6e6) == pytest.approx(RATE)


def test_expected_arcs_are_the_integral_of_their_rate() -> None:
    exact = quad(lambda t: arc_rate(1e4 + 120.0 * t), 0.0, 2000.0, epsrel=1e-12)[0]
    assert arcs_expected(1e4, 120.0, 2000.0) == pytest.approx(exact, rel=1e-10)
    assert arcs_expected(1e4, 0.0, 10.0) == pytest.approx(10.0 * arc_rate(1e4))


@pytest.mark.parametrize("left", [1e-3, 0.5, 3.0])
def test_the_next_arc_comes_when_the_hazard_is_used_up(left: float) -> None:
    for factor in (1.0, 10.0):
        time = time_to_arc(left, 0.0, 119.6, factor)
        assert factor * arcs_expected(0.0, 119.6, time) == pytest.approx(left, rel=1e-10, abs=0.0)


def test_three_arcs_in_ten_bring_a_particle() -> None:
    assert particles_of(4, 0, 5000) == pytest.approx(5000 * PARTICLE, rel=0.06)
    assert particles_of(4, 0, 7) + particles_of(4, 7, 20) == particles_of(4, 0, 27)
