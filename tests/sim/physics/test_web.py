import math

import numpy as np
import pytest

from sim.physics.web import Web, thickness_for, thickness_map


def test_thickness_times_speed_is_constant() -> None:
    rate, zone = 100e-9 / 60.0, 1.0
    for speed in (1e-4, 3e-3):
        assert thickness_for(rate, zone, speed) * speed == pytest.approx(rate * zone, rel=1e-12, abs=0.0)
    assert thickness_for(rate, zone, 0.01 / 60.0) == pytest.approx(10e-6)


def test_drift_and_speed_add_up_along_the_web() -> None:
    web = Web(zone=0.3)
    cells = thickness_map(web, 10e-6, 4000.0, (400_000, 1), np.random.default_rng(1))[:, 0]
    assert cells.std() / cells.mean() == pytest.approx(math.hypot(0.01, 0.003 / math.sqrt(30)), rel=0.1)


def test_no_end_of_the_web_is_thin() -> None:
    web = Web(zone=0.3, edge_loss=0.0, drift=0.0)
    cells = thickness_map(web, 10e-6, 30.0, (3000, 1), np.random.default_rng(2))
    assert cells.std() / 10e-6 == pytest.approx(0.003 / math.sqrt(30), rel=0.3)
    assert np.abs(cells / 10e-6 - 1.0).max() < 0.004


def test_the_edges_are_thin_and_the_seed_decides() -> None:
    web = Web(drift=0.0, waver=0.0)
    across = thickness_map(web, 10e-6, 10.0, (100, 41), np.random.default_rng(3))
    assert across[:, 0] == pytest.approx(9.6e-6, rel=1e-12, abs=0.0)
    assert across[:, 20] == pytest.approx(10e-6, rel=1e-12, abs=0.0)
    first, again = (thickness_map(Web(), 1e-6, 10.0, (50, 3), np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, again)
