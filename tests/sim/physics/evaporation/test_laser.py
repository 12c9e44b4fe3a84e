import math

import pytest

from sim.physics.evaporation.laser import Laser, peels

LASER = Laser()


def test_two_and_a_half_micrometres_per_hour_at_twenty_hertz() -> None:
    assert LASER.per_pulse(2e4) * 20.0 * 3600.0 == pytest.approx(2.5e-6, rel=0.02)


def test_nothing_grows_below_the_threshold() -> None:
    assert LASER.per_pulse(LASER.threshold) == LASER.per_pulse(0.0) == 0.0
    assert LASER.lithium_kept(LASER.threshold) == 1.0


def test_a_plume_is_narrow_and_lithium_is_lost_with_fluence() -> None:
    assert LASER.per_pulse(2e4, math.pi / 6) / LASER.per_pulse(2e4) == pytest.approx(0.75**4)
    assert LASER.lithium_kept(3e4) < LASER.lithium_kept(2e4) < 1.0


def test_a_thick_film_wants_a_buffer_layer() -> None:
    assert peels(1.5e-6, buffered=False)
    assert not peels(1.5e-6, buffered=True)
    assert not peels(0.5e-6, buffered=False)
