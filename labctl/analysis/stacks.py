"""Layers in parallel from their terminals: whether all carry their share, and what is wrong with one that does not.

A layer behind a resistance and one that lost contact look alike in a spectrum. Only the first comes to the others'
voltage while all rest, slowly: that is seen in the relaxation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

SOUND, RESISTIVE, LOST = "sound", "resistive", "lost"
LEAST = 0.02
"""Of an impedance, by which one layer must change it to be called bad; guess: layers are made equal to 2 %."""
BETTER = 2.0
"""Times by which one bad layer must describe a spectrum better than equal ones do; guess."""
SLOW_SIGNAL = 5.0
"""Times the scatter of the voltage that a slow relaxation must have to be one; guess."""
NONE = 1e-3
"""Of a layer's impedance, from which a series resistance is sought: one may not begin on its bound."""
LARGEST = 1e3
"""Of a layer's own resistance, behind which it counts as without contact."""


@dataclass(frozen=True)
class LayerFit:
    """What a spectrum says of N layers in parallel.

    common [ohm]: in series with each, beyond its model; none is below 0. electrolyte [1]: times that of the model that
    the electrolyte of each is, below 1 where it is thinner. missing [1]: how much of one layer is not there, or
    not felt; resistance [ohm] in series with it that would do the same. rms_equal, rms: relative residuals of equal
    layers, and with one that is bad, which counts only where it describes the spectrum better by far.
    """

    common: float
    electrolyte: float
    missing: float
    resistance: float
    rms_equal: float
    rms: float

    @property
    def bad(self) -> bool:
        """Whether one layer is bad beyond doubt."""
        return self.rms_equal > BETTER * self.rms and self.missing > 0.0


@dataclass(frozen=True)
class Relaxation:
    """The late part of a rest: amplitude [V] and time [s] of its slow end, slope [V/s] at the end, scatter [V]."""

    amplitude: float
    time: float
    slope: float
    scatter: float

    @property
    def is_slow(self) -> bool:
        """Whether something still equalises when the films themselves have."""
        return abs(self.amplitude) > SLOW_SIGNAL * self.scatter and math.isfinite(self.time)


def fit_layers(impedance: Complexes, layer: Complexes, electrolyte: Complexes, count: int) -> LayerFit:
    """Fit a spectrum [ohm] (n,) of layers in parallel to the model of one, and of its electrolyte, [ohm] (n,).

    Equal layers: Z + a Z_e + r over N, since a thicker electrolyte is more of the same, arc and all. One bad: the
    others, and of it a share, or itself behind R; of both the better. Raises ValueError for too little.
    """
    if count < 2 or impedance.shape != layer.shape or impedance.size < 4:
        raise ValueError("two layers and four frequencies at least")
    size = float(np.median(np.abs(layer)))

    def off(found: Complexes) -> Floats:
        relative = found / impedance - 1.0
        return np.concatenate((relative.real, relative.imag))

    def own(at: Floats) -> Complexes:
        return np.asarray(layer + at[0] * electrolyte + at[1] * size)

    def equal(at: Floats) -> Floats:
        return off(own(at) / count)

    def lost(at: Floats) -> Floats:
        return off(own(at) / (count - at[2]))

    def behind(at: Floats) -> Floats:
        return off(1.0 / ((count - 1) / own(at) + 1.0 / (own(at) + np.exp(at[2]) * size)))

    low, high = [-0.7, 0.0], [3.0, 3.0]
    sound = least_squares(equal, [0.0, NONE], bounds=(low, high))
    without = least_squares(lost, [0.0, NONE, 0.5], bounds=([*low, 0.0], [*high, 1.0]))
    far = [
        least_squares(
            behind,
            [0.0, NONE, start],
            bounds=([*low, math.log(1e-3)], [*high, math.log(LARGEST)]),
            x_scale=[0.1, 0.1, 1.0],
        )
        for start in (-1.0, 1.0, 4.0)
    ]
    best = min(far, key=lambda each: float(each.cost))
    scale = math.sqrt(2.0 / (2 * impedance.size))
    ratio = float(np.exp(best.x[2]))
    use_behind = best.cost < without.cost
    missing = ratio / (1.0 + ratio) if use_behind else float(without.x[2])
    share = missing / (1.0 - missing) if missing < 1.0 else math.inf
    rms = scale * math.sqrt(min(float(best.cost), float(without.cost)))
    rms_equal = scale * math.sqrt(float(sound.cost))
    # What describes noise hardly better than equal layers do is no layer that is missing.
    alike = missing / count < LEAST or rms_equal <= BETTER * rms
    chosen = sound.x if alike else best.x if use_behind else without.x
    return LayerFit(
        common=float(chosen[1] * size),
        electrolyte=1.0 + float(chosen[0]),
        missing=0.0 if alike else missing,
        resistance=0.0 if alike else size * share,
        rms_equal=rms_equal,
        rms=rms,
    )


def late_relaxation(time: Floats, voltage: Floats, after: float) -> Relaxation:
    """Fit V + A exp(-t / T) to a rest, times [s] and voltages [V] (n,), from `after` [s] on: films are even by then.

    T is longer than what films take, a third of `after` at the least: what is faster is the end of theirs. Raises
    ValueError where fewer than ten rows lie there.
    """
    late = time - time[0] >= after
    t, v = time[late] - time[0] - after, voltage[late]
    if t.size < 10:
        raise ValueError(
            "fewer than ten rows of the rest lie after the films have come to rest in themselves"
        )
    span = float(t[-1])
    tries = []
    for length in np.geomspace(max(span / 10.0, after / 3.0), 3.0 * span, 40):
        basis = np.column_stack((np.ones_like(t), np.exp(-t / length)))
        found, *_ = np.linalg.lstsq(basis, v, rcond=None)
        tries.append((float(np.std(basis @ found - v)), float(length), float(found[1])))
    scatter, length, amplitude = min(tries)
    fall = amplitude * (1.0 - math.exp(-span / length))
    slope = float(np.polyfit(t[-max(t.size // 4, 3) :], v[-max(t.size // 4, 3) :], 1)[0])
    return Relaxation(fall, length, slope, max(scatter, 1e-6))


def verdict(fit: LayerFit, relaxation: Relaxation | None) -> str:
    """Return what a stack is: sound, with a layer behind a resistance, or one without contact."""
    if not fit.bad:
        return SOUND
    return RESISTIVE if relaxation is not None and relaxation.is_slow else LOST


def shares(fit: LayerFit, layer: Complexes, electrolyte: Complexes, count: int) -> Floats:
    """Return the share of the current [1] (count, n) of each layer by the fit, the bad one first."""
    own = layer + (fit.electrolyte - 1.0) * electrolyte + fit.common
    admittance = np.tile(1.0 / own, (count, 1))
    admittance[0] = 1.0 / (own + fit.resistance) if math.isfinite(fit.resistance) else 0.0
    return np.asarray(np.abs(admittance / admittance.sum(axis=0)))
