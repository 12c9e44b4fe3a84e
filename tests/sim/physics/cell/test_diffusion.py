"""Diffusion in a planar film against what is known in closed form."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.physics.cell.diffusion import PlanarFilm, graded_edges

THICKNESS = 1.2e-6  # m
DIFFUSIVITY = 5e-15  # m2/s
SITES = 4.9e9  # C/m3


def uniform_film(cells: int = 40, grading: float = 5.0) -> PlanarFilm:
    edges = graded_edges(THICKNESS, cells, grading)
    return PlanarFilm(edges, np.full(cells, DIFFUSIVITY), np.full(cells, SITES))


def uneven_film(steepness: float = 1e8) -> tuple[PlanarFilm, NDArray[np.float64]]:
    edges = graded_edges(THICKNESS, 40)
    depth = np.linspace(0.0, 1.0, 40)
    return PlanarFilm(edges, 1e-13 * steepness**-depth, SITES * (1.0 - 0.5 * depth)), depth


def test_edges_tile_the_film_and_are_finest_at_the_electrolyte() -> None:
    edges = graded_edges(THICKNESS, 40, 5.0)
    widths = np.diff(edges)
    assert edges[0] == 0.0
    assert edges[-1] == pytest.approx(THICKNESS, rel=1e-15, abs=0.0)
    assert widths[-1] / widths[0] == pytest.approx(5.0)


def test_charge_is_conserved_to_round_off_whatever_the_gradient() -> None:
    film, depth = uneven_film()
    profile = 0.5 + 0.3 * np.sin(9.0 * depth)
    held = film.amounts @ profile
    for current, duration in ((0.4, 1e3), (-3.0, 20.0), (0.0, 1e6), (1e-3, 1e5)):
        profile = film.advance(profile, current, duration)
        held -= current * duration
        assert film.amounts @ profile == pytest.approx(held, abs=1e-13 * film.capacity)


def test_two_steps_equal_one() -> None:
    film, depth = uneven_film(1e3)
    start = 0.7 + 0.1 * depth
    once = film.advance(start, 0.5, 700.0)
    twice = film.advance(film.advance(start, 0.5, 123.4), 0.5, 576.6)
    assert np.max(np.abs(once - twice)) < 1e-13


def test_profile_at_rest_becomes_the_mean_over_the_sites() -> None:
    film, depth = uneven_film(100.0)
    profile = 0.9 - 0.2 * depth
    assert np.allclose(film.advance(profile, 0.0, 1e9), film.mean(profile), atol=1e-13)


def test_no_time_changes_nothing() -> None:
    film, depth = uneven_film()
    assert np.max(np.abs(film.advance(0.5 + 0.1 * depth, 2.0, 0.0) - 0.5 - 0.1 * depth)) < 1e-14


def test_surface_follows_sand_while_the_film_is_deep() -> None:
    current = 5.0
    diffusion_time = THICKNESS**2 / DIFFUSIVITY
    times = diffusion_time * np.linspace(0.005, 0.05, 10)
    moved = 0.5 - uniform_film(grading=20.0).surface(np.full(40, 0.5), current)(times)
    sand = 2.0 * current * np.sqrt(times / (np.pi * DIFFUSIVITY)) / SITES
    assert np.max(np.abs(moved / sand - 1.0)) < 1e-3


def test_surface_lags_the_mean_by_the_quasi_steady_parabola() -> None:
    film, current, duration = uniform_film(), 0.8, 1500.0
    surface = film.surface(np.full(40, 0.9), current)(np.array([duration]))[0]
    lag = surface - film.mean(film.advance(np.full(40, 0.9), current, duration))
    assert lag == pytest.approx(-current * THICKNESS / (3.0 * DIFFUSIVITY * SITES), rel=5e-3)


def test_surface_of_a_stepped_profile_is_the_surface_later() -> None:
    film, depth = uneven_film(50.0)
    start = 0.6 + 0.1 * depth
    later = film.surface(film.advance(start, 1.0, 100.0), 1.0)(np.array([0.0, 50.0]))
    assert np.max(np.abs(later - film.surface(start, 1.0)(np.array([100.0, 150.0])))) < 1e-13


def test_slowest_mode_decays_at_pi_squared_diffusivity_over_thickness_squared() -> None:
    assert uniform_film().rates[0] == pytest.approx(np.pi**2 * DIFFUSIVITY / THICKNESS**2, rel=2e-3)


def test_half_the_sites_behave_like_the_whole_film_under_double_current() -> None:
    edges, cells = graded_edges(THICKNESS, 40), 40
    whole = PlanarFilm(edges, np.full(cells, DIFFUSIVITY), np.full(cells, SITES))
    half = PlanarFilm(edges, np.full(cells, DIFFUSIVITY), np.full(cells, 0.5 * SITES))
    start, times = np.full(cells, 0.8), np.array([0.0, 1.0, 50.0])
    assert np.allclose(half.surface(start, 1.0)(times), whole.surface(start, 2.0)(times), rtol=1e-12)


def test_values_that_are_not_positive_are_refused() -> None:
    edges, good = graded_edges(THICKNESS, 4), np.full(4, 1e-14)
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="diffusivity"):
            PlanarFilm(edges, np.array([1e-14, bad, 1e-14, 1e-14]), np.full(4, SITES))
    with pytest.raises(ValueError, match="match"):
        PlanarFilm(edges, good[:3], np.full(4, SITES))
    with pytest.raises(ValueError, match="thickness"):
        graded_edges(float("nan"))
