"""A circuit chosen and fitted without a first guess of anybody's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.circuits import (
    Circuit,
    CircuitFit,
    blocked_diffusion,
    constant_phase,
    fit_circuit,
    parallel,
    resistor,
    series,
)
from labctl.analysis.kramers_kronig import linear_test

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_PATIENCE = 60  # evaluations of a fit from one start: those that lead anywhere take some thirty
_AS_GOOD = 1.5  # times the residual of the Kramers-Kronig test, which any circuit here can at best reach
_TRIED = 3  # times an arc is looked for at, over the frequencies there are


def _arc(number: int) -> Circuit:
    return parallel(resistor(f"r{number}"), constant_phase(f"q{number}"))


def _film(number: int) -> Circuit:
    """Return charge transfer and diffusion in a film behind it, beside the double layer (Randles)."""
    behind = series(resistor(f"r{number}"), blocked_diffusion("d"))
    return parallel(behind, constant_phase(f"q{number}"))


CIRCUITS: Mapping[str, Circuit] = {
    "R-RQ": series(resistor("r0"), _arc(1)),
    "R-RQ-RQ": series(resistor("r0"), _arc(1), _arc(2)),
    "R-(RD)Q": series(resistor("r0"), _film(1)),
    "R-RQ-(RD)Q": series(resistor("r0"), _arc(1), _film(2)),
    "RQ-(RD)Q": series(_arc(1), _film(2)),
}
"""A resistance; arcs of a resistance beside a constant-phase element; an arc with diffusion in a film behind it."""


@dataclass(frozen=True)
class BestFit:
    """Hold the circuit's name and its fit."""

    circuit: str
    fit: CircuitFit


def best_fit(frequency: Floats, impedance: Complexes) -> BestFit:
    """Fit each of CIRCUITS from several starts and return that with the smallest Bayesian information criterion.

    frequency [Hz] (n,), impedance [ohm] (n,). A parameter more must pay for itself: 2 n ln(rss) + k ln(2 n).
    Source: Schwarz, Ann. Statist. 6 (1978) 461. Raises ValueError for a bad spectrum or when nothing can be fitted.
    """
    noise = linear_test(frequency, impedance).rms
    best: tuple[float, BestFit] | None = None
    refused = ""
    for name, circuit in CIRCUITS.items():
        for start in _starts(circuit, frequency, impedance):
            try:
                fit = fit_circuit(circuit, frequency, impedance, start, _PATIENCE)
            except ValueError as error:
                refused = str(error)
                continue
            numbers = 2 * frequency.size
            misfit = max(fit.residual, np.finfo(np.float64).tiny)
            score = 2.0 * numbers * math.log(misfit) + len(circuit.names) * math.log(numbers)
            if best is None or score < best[0]:
                best = (score, BestFit(name, fit))
            if fit.residual <= _AS_GOOD * noise:
                break  # no other start does better by more than noise
    if best is None:
        raise ValueError(f"no circuit can be fitted: {refused}")
    return best[1]


def _starts(circuit: Circuit, frequency: Floats, impedance: Complexes) -> Iterator[dict[str, float]]:
    """Yield first guesses: arcs of half the span of the real part, at times spread over the frequencies."""
    turning = 2.0 * np.pi * frequency
    times = np.geomspace(1.0 / turning.max(), 1.0 / turning.min(), _TRIED + 2)[1:-1]
    real = impedance.real
    least = 1e-3 * float(np.abs(impedance).max())
    base, span = max(float(real.min()), least), max(float(np.ptp(real)), least)
    arcs = [number for number in (1, 2) if f"r{number}" in circuit.names]
    for chosen in itertools.combinations(times.tolist(), len(arcs)):
        start = {"r0": base} if "r0" in circuit.names else {}
        for number, time in zip(arcs, chosen, strict=True):
            start |= {f"r{number}": 0.5 * span, f"q{number}": time / (0.5 * span), f"q{number}_n": 0.9}
        if "d_R" not in circuit.names:
            yield start
            continue
        lowest = int(np.argmin(turning))
        slow, drop = float(turning[lowest]), max(abs(float(impedance.imag[lowest])), least)
        # Two films with the same impedance at the lowest frequency: one filled to its wall by then, one not.
        yield {**start, "d_T": 0.1 / slow, "d_R": 0.1 * drop}
        yield {**start, "d_T": 10.0 / slow, "d_R": drop * math.sqrt(20.0)}
