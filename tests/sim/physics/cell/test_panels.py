"""Panels: quadrature, slopes, and diffusion under a polynomial current against small constant steps."""

import numpy as np
import pytest

from sim.physics.cell.diffusion import PlanarFilm, graded_edges
from sim.physics.cell.panels import NODES, ORDER, SLOPES, WEIGHTS, Panels, interpolation

FILM = PlanarFilm(graded_edges(1.2e-6, 40), 1e-14 * np.linspace(1.0, 0.05, 40), np.full(40, 4.9e9))


def test_weights_integrate_and_slopes_derive_polynomials() -> None:
    for power in range(2 * ORDER - 1):
        assert WEIGHTS @ NODES**power == pytest.approx(1.0 / (power + 1), rel=1e-12, abs=0.0)
    for power in range(1, ORDER):
        assert SLOPES @ NODES**power == pytest.approx(power * NODES ** (power - 1), rel=1e-9, abs=1e-10)
    places = np.linspace(0.0, 1.0, 7)
    assert interpolation(places) @ NODES**9 == pytest.approx(places**9, abs=1e-12)


@pytest.mark.parametrize("length", [1e-6, 0.3, 50.0, 1e5])
def test_constant_current_over_a_panel_is_the_exact_step(length: float) -> None:
    profile = np.linspace(0.6, 0.7, 40)
    mean, amplitudes = FILM.split(profile)
    current = 1e-2 * FILM.capacity / length
    panel = Panels(FILM).of_length(length)
    history = FILM.surface(profile, current)(length * NODES)
    found = mean + panel.surface_decays @ amplitudes + panel.surface_gains @ np.full(ORDER, current)
    assert found == pytest.approx(history, abs=1e-11)
    after = panel.decays * amplitudes + panel.gains @ np.full(ORDER, current)
    exact = FILM.advance(profile, current, length)
    assert FILM.join(mean - 1e-2, after) == pytest.approx(exact, abs=1e-11)


def test_polynomial_current_over_a_panel_is_many_small_steps() -> None:
    length, steps = 40.0, 4000
    mean, amplitudes = FILM.split(np.full(40, 0.7))

    def current(place):
        return 2.0 + 3.0 * place - 4.0 * place**3

    panel = Panels(FILM).of_length(length)
    profile = np.full(40, 0.7)
    for step in range(steps):
        profile = FILM.advance(profile, current((step + 0.5) / steps), length / steps)
    after = panel.decays * amplitudes + panel.gains @ current(NODES)
    passed = length * float(WEIGHTS @ current(NODES))
    assert FILM.join(mean - passed / FILM.capacity, after) == pytest.approx(profile, abs=1e-7)


def test_slowest_and_fastest_panels_stay_finite() -> None:
    panels = Panels(FILM)
    for level in (-44, 40):
        panel = panels.dyadic(level)
        assert np.all(np.isfinite(panel.surface_gains))
        assert np.all(np.isfinite(panel.gains))


def test_stretch_is_its_panels_one_after_the_other() -> None:
    panels = Panels(FILM)
    stretch = panels.stretch(-3)
    random = np.random.default_rng(1)
    density = random.standard_normal((len(stretch.panels), ORDER))
    mean, amplitudes = FILM.split(np.linspace(0.6, 0.7, 40))
    together = mean + stretch.surface_decays @ amplitudes + stretch.surface_gains @ density.ravel()
    left = amplitudes
    for number, panel in enumerate(stretch.panels):
        found = mean + panel.surface_decays @ left + panel.surface_gains @ density[number]
        assert together.reshape(density.shape)[number] == pytest.approx(found, abs=1e-12)
        left = panel.decays * left + panel.gains @ density[number]
        mean -= panel.length * float(WEIGHTS @ density[number]) / FILM.capacity
        decays, gains = stretch.ends[number]
        assert decays * amplitudes + gains @ density[: number + 1].ravel() == pytest.approx(left, abs=1e-12)
    assert stretch.times[ORDER - 1 :: ORDER] == pytest.approx(stretch.borders)
    assert stretch.borders[1:] / stretch.borders[:-1] == pytest.approx(4.0)
