"""Circuits are found again from their spectra, with errors that tell what the data do not know."""

import numpy as np
import pytest

from labctl.analysis.circuits import (
    blocked_diffusion,
    capacitor,
    constant_phase,
    fit_circuit,
    inductor,
    parallel,
    resistor,
    series,
)

FREQUENCY = np.logspace(5, -2, 50)
CELL = series(
    resistor("R0"),
    parallel(resistor("R1"), constant_phase("Q1")),
    parallel(capacitor("C2"), series(resistor("R2"), blocked_diffusion("W"))),
)
TRUE = {"R0": 10.0, "R1": 300.0, "Q1": 1e-6, "Q1_n": 0.9, "C2": 1e-5, "R2": 60.0, "W_R": 200.0, "W_T": 30.0}
START = {name: value * 2.0 if name != "Q1_n" else 0.8 for name, value in TRUE.items()}
SPECTRUM = CELL.impedance(TRUE, 2 * np.pi * FREQUENCY)


def test_clean_spectrum_gives_the_circuit_back() -> None:
    found = fit_circuit(CELL, FREQUENCY, SPECTRUM, START)
    assert dict(found.values) == pytest.approx(TRUE, rel=1e-5)
    assert found.residual < 1e-7
    assert found.undetermined == ()


def test_errors_cover_the_truth_under_noise() -> None:
    random, inside = np.random.default_rng(3), 0
    for _ in range(60):
        noise = random.standard_normal((2, FREQUENCY.size)) * 2e-3
        noisy = SPECTRUM * (1.0 + noise[0] + 1j * noise[1])
        found = fit_circuit(CELL, FREQUENCY, noisy, START)
        assert found.residual == pytest.approx(2e-3, rel=0.3)
        inside += sum(abs(found.values[name] - TRUE[name]) < 2.0 * found.errors[name] for name in TRUE)
    assert inside >= 0.92 * 60 * len(TRUE)


def test_parameter_the_data_do_not_know_is_named() -> None:
    high = FREQUENCY > 1e3
    random = np.random.default_rng(1)
    noisy = SPECTRUM[high] * (1.0 + 1e-3 * random.standard_normal(int(high.sum())))
    assert "W_T" in fit_circuit(CELL, FREQUENCY[high], noisy, TRUE).undetermined


def test_inductance_and_blocked_diffusion_have_their_limits() -> None:
    turning = np.array([1e-4])
    film = blocked_diffusion("W").impedance({"W_R": 100.0, "W_T": 1.0}, turning)
    assert film.real == pytest.approx(100.0 / 3.0, rel=1e-3)
    assert film.imag == pytest.approx(-100.0 / turning, rel=1e-6)
    assert inductor("L").impedance({"L": 2.0}, turning) == pytest.approx(2e-4j)


def test_bad_fits_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        series(resistor("R"), resistor("R"))
    with pytest.raises(ValueError, match="parameters"):
        fit_circuit(CELL, FREQUENCY, SPECTRUM, {"R0": 1.0})
    with pytest.raises(ValueError, match="positive"):
        fit_circuit(CELL, FREQUENCY, SPECTRUM, {**START, "R0": -1.0})


def test_resistances_that_are_felt_only_together_are_undetermined() -> None:
    circuit = series(resistor("a"), resistor("b"), parallel(resistor("r"), capacitor("c")))
    frequency = np.geomspace(1.0, 1e5, 30)
    truth = {"a": 10.0, "b": 10.0, "r": 100.0, "c": 1e-6}
    rng = np.random.default_rng(2)
    noisy = circuit.impedance(truth, 2.0 * np.pi * frequency) * (1.0 + 1e-3 * rng.standard_normal(30))
    found = fit_circuit(circuit, frequency, noisy, {"a": 5.0, "b": 20.0, "r": 50.0, "c": 1e-6})
    assert set(found.undetermined) == {"a", "b"}


def test_more_parameters_than_numbers_are_refused() -> None:
    names = [f"r{number}" for number in range(12)]
    circuit = series(*(resistor(name) for name in names))
    with pytest.raises(ValueError, match="cannot determine"):
        fit_circuit(circuit, np.geomspace(1, 10, 5), np.ones(5, dtype=complex), dict.fromkeys(names, 1.0))
