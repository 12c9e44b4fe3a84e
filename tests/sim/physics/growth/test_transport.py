import math

import pytest

from sim.physics.growth.transport import collisions, kappa, split


@pytest.mark.parametrize("u", [0.0, 1e-9, 0.3, 1.5, 30.0, 1e4])
def test_every_particle_ends_somewhere(u: float) -> None:
    parts = split(u)
    assert parts.ballistic + parts.forward + parts.back == pytest.approx(1.0, abs=1e-15)
    assert parts.forwards == pytest.approx(kappa(u), abs=1e-15)


def test_shares_at_one_and_a_half_collisions() -> None:
    parts = split(1.5)
    assert (parts.ballistic, parts.forward, parts.back) == pytest.approx((0.223, 0.295, 0.482), abs=1e-3)


def test_thin_and_dense_gas_are_the_limits() -> None:
    assert kappa(1e-6) == pytest.approx(1.0 - 0.5e-6, abs=1e-9)
    assert kappa(1e9) == pytest.approx(1e-9, rel=1e-9, abs=0.0)
    assert collisions(3.0, 0.144, 0.2) == pytest.approx(2.16)
    assert math.isclose(kappa(0.0), 1.0)
