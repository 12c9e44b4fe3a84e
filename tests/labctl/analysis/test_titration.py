"""Diffusion coefficients from made-up steps whose answer is known."""

import math

import numpy as np
import pytest

from labctl.analysis.titration import biot_eigenvalue, gitt, pitt

LENGTH, DIFFUSIVITY = 1e-6, 1e-15
TIME = np.linspace(0.0, 50.0, 300)  # 0.05 L2/D
MODES = np.arange(1, 400)


def pulse(size: float = 1e-3) -> tuple[np.ndarray, float]:
    """Return the voltage during a pulse that changes the potential by a size [V], and that at rest after."""
    reduced = TIME * DIFFUSIVITY / LENGTH**2
    inner = np.sum(np.exp(-np.multiply.outer(reduced, MODES**2 * np.pi**2)) / MODES**2, axis=1)
    shape = reduced + 1.0 / 3.0 - 2.0 / np.pi**2 * inner
    return 3.9 + 0.05 + size / reduced[-1] * shape, 3.9 + size


def test_pulse_gives_its_diffusivity_whatever_the_ohmic_drop() -> None:
    voltage, after = pulse()
    found = gitt(TIME, voltage, 3.9, np.full(20, after), LENGTH)
    assert found.valid
    assert found.diffusivity == pytest.approx(DIFFUSIVITY, rel=1e-2, abs=0.0)


def test_short_rest_and_large_step_are_doubted() -> None:
    voltage, after = pulse()
    drifting = after + np.linspace(2e-3, 0.0, 20)
    assert "too short" in gitt(TIME, voltage, 3.9, drifting, LENGTH).doubts[0]
    voltage, after = pulse(2e-2)
    assert not gitt(TIME, voltage, 3.9, np.full(20, after), LENGTH).valid


def test_voltage_that_is_no_root_of_time_is_doubted() -> None:
    straight = 3.9 + 1e-3 * (TIME / 50.0) ** 3
    found = gitt(TIME, straight, 3.9, np.full(20, 3.901), LENGTH)
    assert any("root of time" in doubt for doubt in found.doubts)


def test_eigenvalue_meets_its_equation_and_its_limits() -> None:
    assert biot_eigenvalue(math.inf) == 0.5 * math.pi
    assert biot_eigenvalue(1e-6) == pytest.approx(1e-3, rel=1e-6)
    value = biot_eigenvalue(8.69)
    assert value * math.tan(value) == pytest.approx(8.69, rel=1e-9)
    assert (value / (0.5 * math.pi)) ** 2 == pytest.approx(0.8056, abs=2e-4)


def test_resistance_that_decides_alone_is_doubted() -> None:
    time = np.linspace(0.0, 500.0, 400)
    current = 1e-4 * np.exp(-time / 100.0)
    capacity = 1e-4 * 100.0 / 1e-3
    found = pitt(time, current, 1e-3, LENGTH, resistance=100.0 / capacity)
    assert any("resistance" in doubt for doubt in found.doubts)


def test_large_or_short_steps_are_doubted() -> None:
    time = np.linspace(0.0, 50.0, 100)
    found = pitt(time, np.exp(-time / 100.0), 0.05, LENGTH)
    assert any("not small" in doubt for doubt in found.doubts)
    assert any("long enough" in doubt for doubt in found.doubts)


def test_bad_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="vectors"):
        pitt(TIME, TIME[:3], 1e-3, LENGTH)
    with pytest.raises(ValueError, match="finite"):
        gitt(TIME, TIME * np.nan, 3.9, np.ones(5), LENGTH)
    with pytest.raises(ValueError, match="fall"):
        pitt(TIME, 1.0 + TIME, 1e-3, LENGTH)


def test_uneven_rows_of_a_rest_are_judged_by_their_times() -> None:
    """Many rows at the start of a rest, as cyclers take them: by their number its last tenth would not be its end."""
    voltage, after = pulse()
    time = np.concatenate((np.linspace(0.0, 1.0, 10), np.linspace(2.0, 1000.0, 90)))
    resting = after + 2e-3 * np.exp(-time / 30.0)
    assert gitt(TIME, voltage, 3.9, resting, LENGTH, rest_time=time).valid
    short = time / 100.0
    found = gitt(TIME, voltage, 3.9, after + 2e-3 * (1.0 - short / 10.0), LENGTH, rest_time=short)
    assert "the rest after the pulse was too short" in found.doubts


def test_a_voltage_that_did_not_move_gives_no_diffusivity() -> None:
    voltage, _ = pulse()
    with pytest.raises(ValueError, match="did not move"):
        gitt(TIME, voltage, 3.9, np.full(20, 3.9), LENGTH)
    with pytest.raises(ValueError, match="order"):
        gitt(TIME[::-1].copy(), voltage, 3.9, np.full(20, 3.9), LENGTH)
    with pytest.raises(ValueError, match="rest after"):
        gitt(TIME, voltage, 3.9, np.full(1, 3.9), LENGTH)


def test_a_current_against_the_step_or_none_is_refused() -> None:
    time = np.linspace(0.0, 500.0, 400)
    current = 1e-4 * np.exp(-time / 100.0)
    with pytest.raises(ValueError, match="as the step asks"):
        pitt(time, current, -1e-3, LENGTH)
    with pytest.raises(ValueError, match="zero"):
        pitt(time, current, 0.0, LENGTH)


def test_noise_about_no_current_does_not_bend_the_diffusivity() -> None:
    time = np.linspace(0.0, 500.0, 2000)
    current = 1e-4 * np.exp(-time / 20.0)
    noise = 1e-8 * np.random.default_rng(1).standard_normal(time.size)
    quiet, noisy = (pitt(time, each, 1e-3, LENGTH).diffusivity for each in (current, current + noise))
    assert noisy == pytest.approx(quiet, rel=1e-2, abs=0.0)
