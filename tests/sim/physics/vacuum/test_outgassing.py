import pytest

from sim.physics.vacuum.gases import BOLTZMANN
from sim.physics.vacuum.outgassing import Surface, aged, in_air, outgassing, released

WALLS = Surface(1.5, 3600.0)


def test_steel_gives_off_what_handbooks_say_after_an_hour() -> None:
    assert outgassing(WALLS, 295.0) * BOLTZMANN * 295.0 == pytest.approx(1.95e-5)


def test_two_waits_release_as_one_does() -> None:
    halfway = aged(WALLS, 100.0)
    assert released(WALLS, 295.0, 100.0) + released(halfway, 295.0, 900.0) == pytest.approx(
        released(WALLS, 295.0, 1000.0), rel=1e-12
    )
    assert released(WALLS, 295.0, 1e-3) == pytest.approx(1e-3 * outgassing(WALLS, 295.0), rel=1e-6)


def test_air_makes_a_surface_young_again() -> None:
    assert in_air(WALLS).age == Surface(1.5).age < WALLS.age
