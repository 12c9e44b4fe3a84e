import math

import pytest

from sim.physics.plasma.match import MatchBox, moved, reflected_share

BOX = MatchBox()


def test_a_matched_gun_takes_all() -> None:
    best = BOX.optimum(3.0, 120.0)
    assert best == BOX.burning
    assert reflected_share(BOX, best, best) == 0.0


def test_half_the_power_comes_back_a_width_away() -> None:
    best = BOX.optimum(3.0, 120.0)
    aside = (best[0] + BOX.width * math.cos(1.0), best[1] + BOX.width * math.sin(1.0))
    assert reflected_share(BOX, aside, best) == pytest.approx(0.5, rel=1e-12, abs=0.0)


def test_capacitors_move_at_their_pace_and_stop() -> None:
    assert moved(BOX, 0.3, 0.5, 1.0) == pytest.approx(0.35)
    assert moved(BOX, 0.5, 0.3, 1.0) == pytest.approx(0.45)
    assert moved(BOX, 0.3, 0.31, 1.0) == 0.31


def test_the_optimum_drifts_and_stays_on_its_scale() -> None:
    assert BOX.optimum(0.4, 100.0) != BOX.optimum(3.0, 120.0)
    assert all(0.0 <= position <= 1.0 for position in BOX.optimum(1e-30, 1e-30))
