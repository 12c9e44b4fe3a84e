"""Equivalent circuits: built from elements in series and in parallel, fitted to spectra with errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from labctl.analysis.kramers_kronig import check_spectrum

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_FLATTEST, _STEEPEST = 0.05, 1.5  # exponents of constant-phase elements: 0 would be a resistance, 2 a mass


@dataclass(frozen=True)
class Circuit:
    """Hold the names of positive parameters and the impedance [ohm] they give at angular frequencies [1/s]."""

    names: tuple[str, ...]
    impedance: Callable[[Mapping[str, float], Floats], Complexes]


def resistor(name: str) -> Circuit:
    """Return a resistance [ohm]."""
    return Circuit((name,), lambda values, turning: _wide(values[name] + 0.0 * turning))


def capacitor(name: str) -> Circuit:
    """Return a capacitance [F]."""
    return Circuit((name,), lambda values, turning: _wide(1.0 / (1j * turning * values[name])))


def inductor(name: str) -> Circuit:
    """Return an inductance [H]."""
    return Circuit((name,), lambda values, turning: _wide(1j * turning * values[name]))


def constant_phase(name: str) -> Circuit:
    """Return a constant-phase element Z = 1 / (Q (j w)^n): `name` is Q [S s^n], `name`_n the exponent [-]."""
    power = f"{name}_n"

    def impedance(values: Mapping[str, float], turning: Floats) -> Complexes:
        return np.asarray(1.0 / (values[name] * (1j * turning) ** values[power]), dtype=np.complex128)

    return Circuit((name, power), impedance)


def blocked_diffusion(name: str) -> Circuit:
    """Return a film with a wall, Z = R coth(s) / s, s = sqrt(j w T): `name`_R [ohm], `name`_T = L^2 / D [s]."""
    size, time = f"{name}_R", f"{name}_T"

    def impedance(values: Mapping[str, float], turning: Floats) -> Complexes:
        root = np.sqrt(1j * turning * values[time])
        bent = np.tanh(np.minimum(root.real, 300.0) * (1.0 + 1.0j))
        return np.asarray(values[size] / (root * bent))

    return Circuit((size, time), impedance)


def series(*parts: Circuit) -> Circuit:
    """Return circuits one after the other."""

    def impedance(values: Mapping[str, float], turning: Floats) -> Complexes:
        return np.asarray(np.sum([part.impedance(values, turning) for part in parts], axis=0))

    return Circuit(_names(parts), impedance)


def parallel(*parts: Circuit) -> Circuit:
    """Return circuits side by side."""

    def impedance(values: Mapping[str, float], turning: Floats) -> Complexes:
        return np.asarray(1.0 / np.sum([1.0 / part.impedance(values, turning) for part in parts], axis=0))

    return Circuit(_names(parts), impedance)


@dataclass(frozen=True)
class CircuitFit:
    """Hold the values found, their standard errors in the same units, and the rms residual over |Z| [-].

    An error larger than half its value says that the spectrum does not determine the parameter.
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    residual: float

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Return the names of parameters whose error exceeds half their value."""
        return tuple(name for name, value in self.values.items() if not self.errors[name] < 0.5 * value)


def fit_circuit(
    circuit: Circuit,
    frequency: Floats,
    impedance: Complexes,
    start: Mapping[str, float],
    patience: int = 2000,
) -> CircuitFit:
    """Fit a circuit to a spectrum by least squares of the residuals over |Z|.

    frequency [Hz] (n,), impedance [ohm] (n,), start: a positive first guess for every parameter. The fit is
    done in logarithms, so parameters stay positive; errors come from its curvature and the residuals' size.
    patience: evaluations after which it is given up.
    Raises ValueError for a bad spectrum, one with no more numbers than parameters, a start that is not positive
    or does not name the parameters, or a fit that does not settle.
    """
    check_spectrum(frequency, impedance)
    if set(start) != set(circuit.names):
        raise ValueError(f"the circuit has the parameters {list(circuit.names)}, the start {sorted(start)}")
    if not all(np.isfinite(value) and value > 0.0 for value in start.values()):
        raise ValueError(f"the start must be positive throughout, got {dict(start)}")
    if 2 * frequency.size <= len(circuit.names):
        raise ValueError(f"{frequency.size} frequencies cannot determine {len(circuit.names)} parameters")
    turning = 2.0 * np.pi * frequency

    def residuals(logarithms: Floats) -> Floats:
        values = dict(zip(circuit.names, np.exp(logarithms).tolist(), strict=True))
        off = (circuit.impedance(values, turning) - impedance) / np.abs(impedance)
        return np.concatenate((off.real, off.imag))

    first = np.log([start[name] for name in circuit.names])
    power = np.array([name.endswith("_n") for name in circuit.names])
    within = (
        np.where(power, np.log(_FLATTEST), first - 30.0),
        np.where(power, np.log(_STEEPEST), first + 30.0),
    )
    if not np.all((within[0] < first) & (first < within[1])):
        raise ValueError(f"the exponents must start between {_FLATTEST} and {_STEEPEST}, got {dict(start)}")
    found = least_squares(residuals, first, bounds=within, ftol=1e-7, xtol=1e-7, max_nfev=patience)
    if not found.success:
        raise ValueError(f"the fit did not settle: {found.message}")
    values = np.exp(found.x)
    freedom = found.fun.size - found.x.size
    slopes = np.asarray(found.jac)
    # Not by a pseudo-inverse: it would call parameters certain that only a combination of them is felt of.
    felt, directions = np.linalg.eigh(slopes.T @ slopes)
    felt = np.maximum(felt, np.finfo(np.float64).eps * max(float(felt[-1]), np.finfo(np.float64).tiny))
    spread = np.sqrt(directions**2 @ (1.0 / felt) * float(found.fun @ found.fun) / freedom)
    # A direction the residuals do not feel at all has no error from their curvature: it has none.
    spread = np.where(np.linalg.norm(slopes, axis=0) > 1e-9, spread, np.inf)
    return CircuitFit(
        values=dict(zip(circuit.names, values.tolist(), strict=True)),
        errors=dict(zip(circuit.names, (values * spread).tolist(), strict=True)),
        residual=float(np.sqrt(np.mean(found.fun**2))),
    )


def _wide(values: ArrayLike) -> Complexes:
    return np.asarray(values, dtype=np.complex128)


def _names(parts: tuple[Circuit, ...]) -> tuple[str, ...]:
    names = tuple(name for part in parts for name in part.names)
    if len(set(names)) != len(names):
        raise ValueError(f"the names of a circuit's parameters are not unique: {list(names)}")
    return names
