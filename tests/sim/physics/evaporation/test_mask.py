import pytest

from sim.physics.evaporation.mask import (
    area_error,
    circle,
    covered_area,
    half_shadow,
    opening_of,
    rectangle,
)


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


@pytest.mark.parametrize(
    ("words", "area", "perimeter"),
    [
        ("circle 1 mm", 0.7854e-6, 3.1416e-3),
        ("rectangle 3 mm x 5 mm", 15e-6, 16e-3),
        ("rectangle 0.15 cm^2", 15e-6, 15.492e-3),
    ],
)
def test_a_mask_is_known_by_what_is_written_on_it(words: str, area: float, perimeter: float) -> None:
    opening = opening_of(words)
    assert (opening.area, opening.perimeter) == pytest.approx((area, perimeter), rel=1e-4)


@pytest.mark.parametrize("words", ["", "circle", "circle 1 m", "rectangle 3 x 5", "a circle 1 mm"])
def test_a_mask_without_a_size_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="none that the twins know"):
        opening_of(words)


def test_film_lies_up_to_the_outer_edge_of_the_half_shadow() -> None:
    """A ring of half a half-shadow around a circle, but for its square."""
    shadow = half_shadow(0.2e-3, 10e-3, 0.3)
    assert covered_area(circle(1e-3), shadow) == pytest.approx(circle(1e-3 + shadow).area, rel=1e-4)
    assert covered_area(circle(1e-3), 0.0) == circle(1e-3).area
