import numpy as np
import pytest

from sim.physics.growth.geometry import Throw, share_per_area, uniformity

CHAMBER = Throw()


def test_a_point_that_looks_straight_down_has_a_closed_form() -> None:
    """h2/pi S / (S2 - 4 R2 r2)^1.5 with S = h2 + R2 + r2: the mean over a turn of the substrate."""
    ring, height = 0.11, 0.12
    point = Throw(ring=ring, height=height, aim=ring, groove=0.0)
    radius = np.linspace(0.0, 0.05, 11)
    total = height**2 + ring**2 + radius**2
    exact = height**2 / np.pi * total / (total**2 - 4.0 * ring**2 * radius**2) ** 1.5
    assert share_per_area(point, radius, 0.0) == pytest.approx(exact, rel=1e-10)
    assert share_per_area(point, 0.6 * radius, 0.8 * radius) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("throw", [Throw(aim=0.11), Throw(aim=0.11, groove=0.0, exponent=2.0)])
def test_all_that_looks_down_lands_on_a_plane_without_end(throw: Throw) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(400)
    logarithm = np.log(1e-4) + 0.5 * (nodes + 1.0) * np.log(30.0 / 1e-4)
    radius = np.exp(logarithm)
    ring = 2.0 * np.pi * radius**2 * share_per_area(throw, radius, 0.0)
    assert 0.5 * np.log(30.0 / 1e-4) * weights @ ring == pytest.approx(1.0, abs=1e-4)


def test_the_chamber_has_its_throw_and_share() -> None:
    assert CHAMBER.distance == pytest.approx(0.1442, rel=1e-3)
    assert float(share_per_area(CHAMBER, 0.0, 0.0)) == pytest.approx(8.66, rel=1e-3)


@pytest.mark.parametrize(("height", "percent"), [(0.10, 0.9), (0.12, 0.8), (0.14, 1.7), (0.16, 2.2)])
def test_rotation_makes_a_wafer_even(height: float, percent: float) -> None:
    radius = np.linspace(0.0, 0.05, 51)
    profile = share_per_area(Throw(height=height), radius, 0.0)
    assert 100.0 * uniformity(profile) == pytest.approx(percent, abs=0.06)


def test_without_rotation_a_wafer_is_a_wedge() -> None:
    across = np.array([-0.05, 0.0, 0.05])
    still = share_per_area(CHAMBER, across, 0.0, turns=False)
    assert still / still[1] == pytest.approx([0.52, 1.0, 1.78], abs=0.005)
    turning = share_per_area(CHAMBER, across, 0.0)
    assert turning[1] == pytest.approx(still[1], rel=1e-12)
    assert turning[0] == pytest.approx(turning[2], rel=1e-9)


def test_a_map_has_the_shape_of_its_places() -> None:
    x, y = np.meshgrid(np.linspace(-0.05, 0.05, 7), np.linspace(-0.05, 0.05, 5))
    assert share_per_area(CHAMBER, x, y).shape == share_per_area(CHAMBER, x, y, turns=False).shape == (5, 7)


def test_a_tilted_gun_sends_the_plane_all_but_what_it_sends_the_other_way() -> None:
    """A cosine source tilted by an angle gives a plane without end (1 + cos) / 2; the rest goes to the walls."""
    nodes, weights = np.polynomial.legendre.leggauss(800)
    logarithm = np.log(1e-4) + 0.5 * (nodes + 1.0) * np.log(3e3 / 1e-4)
    radius = np.exp(logarithm)
    ring = 2.0 * np.pi * radius**2 * share_per_area(CHAMBER, radius, 0.0)
    landed = 0.5 * np.log(3e3 / 1e-4) * weights @ ring
    assert landed == pytest.approx(0.5 * (1.0 + CHAMBER.height / CHAMBER.distance), abs=1e-4)
