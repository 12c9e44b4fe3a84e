"""Diffusion coefficients of a planar film from steps of current (GITT) and of voltage (PITT)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]

_LONGEST_PULSE = 0.1  # of L^2 / D: beyond it the wall at the back is felt (4 % low at 0.35)
_LARGEST_STEP = 4e-3  # V: beyond it D and the slope of the potential change within the pulse
_SETTLED = 0.05  # of the change between two rests: what may still drift in the last tenth of a rest
_STRAIGHT = 0.02  # rms distance from the straight line, of the change along it
_FIRST_MODE = 1.0  # decay times after which the first mode is alone: the second is then below 0.1 %
_FAINTEST = 1e-4  # of the first current: from the first row below it on, rows are left out
_EARLY = 0.25  # of a pulse: its first part, where charge transfer and double layers are seen, is left out


@dataclass(frozen=True)
class DiffusionEstimate:
    """Hold D [m2/s] and why it should not be believed, if there is a reason."""

    diffusivity: float
    doubts: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Return whether the conditions of the method hold."""
        return not self.doubts


def gitt(
    time: Floats,
    voltage: Floats,
    rest_before: float,
    rest_after: Floats,
    thickness: float,
    rest_time: Floats | None = None,
) -> DiffusionEstimate:
    """Return D from one pulse of constant current, after Weppner and Huggins for a film of one open face.

    D = 4 / (pi tau) (L dE_s / dE_t)^2: dE_s from rest to rest, dE_t the part of the change during the pulse
    that goes with the root of time. time [s] (n,) since the pulse began, voltage [V] (n,) during it; the
    potential [V] at rest before; the potential [V] (m,) during the rest after, at rest_time [s] (m,), evenly
    spaced if not given; thickness [m]. Source: Weppner, Huggins, J. Electrochem. Soc. 124 (1977) 1569.
    Raises ValueError for fewer than five rows, values that are not finite, rows that are not in order, or
    voltages that did not move.
    """
    _check(time, voltage)
    resting = np.arange(len(rest_after), dtype=np.float64) if rest_time is None else rest_time
    if resting.shape != rest_after.shape or resting.size < 2:
        raise ValueError("the rest after the pulse needs two rows or more, with a time each if any")
    if not (np.all(np.isfinite(rest_after)) and math.isfinite(rest_before) and thickness > 0.0):
        raise ValueError("the voltages at rest must be finite, and the thickness positive")
    length = float(time[-1])
    late = time >= _EARLY**2 * length
    if np.count_nonzero(late) < 5:
        raise ValueError("fewer than five rows in the later part of the pulse")
    root = np.sqrt(time[late])
    slope, offset = np.polyfit(root, voltage[late], 1)
    steady = float(rest_after[-1]) - rest_before
    transient = float(slope) * math.sqrt(length)
    if steady == 0.0 or transient == 0.0:
        raise ValueError("the voltage did not move: the step is below what the instrument resolves")
    diffusivity = 4.0 / (math.pi * length) * (thickness * steady / transient) ** 2
    doubts = []
    if length > _LONGEST_PULSE * thickness**2 / diffusivity:
        doubts.append(f"the pulse of {length:g} s is longer than {_LONGEST_PULSE} L^2/D")
    if abs(steady) > _LARGEST_STEP:
        doubts.append(f"the potential at rest changed by {1e3 * abs(steady):.2g} mV")
    if steady * transient < 0.0:
        doubts.append("the potential at rest moved against the pulse")
    begin = resting[-1] - 0.1 * (resting[-1] - resting[0])
    drift = float(rest_after[-1]) - float(np.interp(begin, resting, rest_after))
    if abs(drift) > _SETTLED * abs(steady):
        doubts.append("the rest after the pulse was too short")
    rest = voltage[late] - (slope * root + offset)
    if float(np.sqrt(np.mean(rest**2))) > _STRAIGHT * abs(transient):
        doubts.append("the voltage does not follow the root of time")
    return DiffusionEstimate(diffusivity, tuple(doubts))


def biot_eigenvalue(biot: float) -> float:
    """Return the smallest lambda with lambda tan(lambda) = Bi; pi / 2 for an infinite Bi."""
    if math.isinf(biot):
        return 0.5 * math.pi
    return float(brentq(lambda value: value * math.sin(value) - biot * math.cos(value), 1e-9, 0.5 * math.pi))


def pitt(
    time: Floats, current: Floats, voltage_step: float, thickness: float, resistance: float = 0.0
) -> DiffusionEstimate:
    """Return D from the current after a small step of voltage.

    ln|i| falls late with -lambda^2 D / L^2, lambda tan(lambda) = Bi = L^2 / (R C D): R the resistance [ohm] in
    series with the film (Bi is infinite without one, lambda = pi / 2) and C = charge passed / step. time [s]
    (n,) since the step, current [A] (n,), voltage_step [V], thickness [m].
    Source: Montella, J. Electroanal. Chem. 518 (2002) 61, for the correction.
    Rows from the first faint one on, which may be noise alone, are left out; where fewer than five come before
    it, as after a first row that is a spike, only those whose current has the sign of noise are. Raises ValueError
    for fewer than five rows or those left, values that are not finite, rows that are not in order, no step, or a
    current that does not fall.
    """
    _check(time, current)
    if not (math.isfinite(voltage_step) and voltage_step != 0.0 and thickness > 0.0 and resistance >= 0.0):
        raise ValueError("step and thickness must not be zero, the resistance not negative")
    size = current * math.copysign(1.0, voltage_step)
    if not size[0] > 0.0:
        raise ValueError("the current does not flow as the step asks")
    charge_while, end = float(np.trapezoid(size, time)), float(size[-1])
    bright = np.logical_and.accumulate(size > _FAINTEST * size[0])
    if np.count_nonzero(bright) < 5:
        bright = size > 0.0
    time, size = time[bright], size[bright]
    if size.size < 5:
        raise ValueError("fewer than five rows with a current")
    chosen = np.arange(size.size) >= size.size // 2
    for _ in range(2):
        # The second look leaves out the time in which faster modes are still there.
        moments, logarithms = time[chosen], np.log(np.maximum(size[chosen], np.finfo(np.float64).tiny))
        slope, offset = np.polyfit(moments, logarithms, 1)
        if not slope < 0.0:
            raise ValueError("the current does not fall")
        decay = -float(slope)
        late = time >= _FIRST_MODE / decay
        chosen = late if np.count_nonzero(late) >= 5 else chosen
    charge = charge_while + end / decay
    capacity = charge / abs(voltage_step)

    def missing(logarithm: float) -> float:
        diffusivity = math.exp(logarithm)
        biot = thickness**2 / (resistance * capacity * diffusivity) if resistance > 0.0 else math.inf
        return biot_eigenvalue(biot) ** 2 * diffusivity / (decay * thickness**2) - 1.0

    plain = decay * thickness**2 * 4.0 / math.pi**2
    doubts = []
    # A film can lose 1 / (R C) at most through its resistance, however fast it is.
    if resistance > 0.0 and decay * resistance * capacity > 0.9:
        doubts.append("the resistance in series decides, not diffusion")
        diffusivity = plain
    else:
        diffusivity = math.exp(brentq(missing, math.log(plain) - 1e-9, math.log(plain) + 12.0))
    curved = logarithms - (slope * moments + offset)
    if float(np.sqrt(np.mean(curved**2))) > _STRAIGHT * float(np.ptp(logarithms)):
        doubts.append("the current does not fall exponentially")
    if abs(voltage_step) > 0.01:
        doubts.append(f"the step of {1e3 * abs(voltage_step):.3g} mV is not small")
    if float(time[-1]) * decay < 1.0:
        doubts.append("the current was not followed long enough")
    return DiffusionEstimate(diffusivity, tuple(doubts))


def _check(time: Floats, values: Floats) -> None:
    if time.shape != values.shape or time.ndim != 1 or time.size < 5:
        raise ValueError("time and values must be vectors of one length, five rows or more")
    if not (np.all(np.isfinite(time)) and np.all(np.isfinite(values))):
        raise ValueError("time and values must be finite")
    if np.any(np.diff(time) < 0.0):
        raise ValueError("the rows are not in order of time")
