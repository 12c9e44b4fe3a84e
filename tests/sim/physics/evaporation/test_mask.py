import pytest

from sim.physics.evaporation.mask import area_error, circle, half_shadow, rectangle


def test_the_papers_cells_have_their_areas() -> None:
    assert circle(1e-3).area == pytest.approx(0.00785e-4, rel=1e-3)
    assert rectangle(3e-3, 5e-3).area == pytest.approx(0.15e-4)


@pytest.mark.parametrize(
    ("gap", "source", "distance", "width", "round_error", "other_error"),
    [(0.2e-3, 10e-3, 0.3, 6.7e-6, 0.013, 0.004), (0.5e-3, 20e-3, 0.25, 40e-6, 0.08, 0.021)],
)
def test_a_gap_below_the_mask_blurs_the_area(
    gap: float, source: float, distance: float, width: float, round_error: float, other_error: float
) -> None:
    shadow = half_shadow(gap, source, distance)
    assert shadow == pytest.approx(width, rel=0.01)
    assert area_error(circle(1e-3), shadow) == pytest.approx(round_error, rel=0.05)
    assert area_error(rectangle(3e-3, 5e-3), shadow) == pytest.approx(other_error, rel=0.12)
