"""Integrals and crossings of histories that are known in closed form."""

import numpy as np
import pytest

from sim.physics.smooth_history import SmoothHistory


def test_integral_of_stiff_decays_is_exact_to_tolerance() -> None:
    rates = np.array([1e3, 1.0, 1e-3])
    history = SmoothHistory(lambda time: np.sum(np.exp(-np.multiply.outer(time, rates)), axis=-1), 5e3, 1e-3)
    times = np.array([0.0, 1e-4, 0.3, 70.0, 5e3])
    exact = np.sum(-np.expm1(-np.multiply.outer(times, rates)) / rates, axis=-1)
    assert np.max(np.abs(history.integral(times) - exact)) < 1e-12 * 5e3


def test_integral_ends_beside_a_logarithm() -> None:
    gap = 1e-8
    history = SmoothHistory(lambda time: np.log(1.0 + gap - time), 1.0, 1e-3)
    exact = -1.0 + (1.0 + gap) * np.log(1.0 + gap) - gap * np.log(gap)
    assert history.integral(np.array([1.0]))[0] == pytest.approx(exact, abs=1e-11)


def test_crossings_of_a_line_are_evenly_spaced_and_fixed_samples_are_references() -> None:
    history = SmoothHistory(lambda time: 2.0 * time, 10.0, 0.1)
    assert np.allclose(history.crossings(np.array([0.0, 10.0]), 4.0), [2.0, 4.0, 6.0, 8.0], rtol=1e-14)
    assert np.allclose(history.crossings(np.array([0.0, 5.0, 10.0]), 4.0), [2.0, 4.0, 7.0, 9.0], rtol=1e-14)


def test_crossings_follow_a_turn() -> None:
    history = SmoothHistory(lambda time: np.sin(time), np.pi, 0.1)
    crossings = history.crossings(np.array([0.0, np.pi]), 0.4)
    assert np.allclose(np.sin(crossings), [0.4, 0.8, 0.4])
    assert crossings[2] > 0.5 * np.pi
