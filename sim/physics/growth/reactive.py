"""Reactive sputtering of a metal target after Berg: oxide on target and walls, and the hysteresis of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.vacuum.gases import BOLTZMANN, ELEMENTARY_CHARGE, GASES, O2

Array = NDArray[np.float64]

_PRESSURES = np.logspace(-7.0, 1.0, 801)  # Pa, in which folds are looked for


@dataclass(frozen=True)
class Reactive:
    """Describe a metal that takes up oxygen: `oxygen` z, atoms per metal atom in the full oxide, and its yields.

    from_metal and from_oxide: metal atoms per ion; sites [1/m2] of metal atoms that a surface's state goes by;
    sticking [1] of a molecule on what is not yet full.
    """

    oxygen: float
    from_metal: float
    from_oxide: float
    sites: float = 1e19  # guess: about a monolayer
    sticking: float = 1.0  # guess


@dataclass(frozen=True)
class Surroundings:
    """Describe target_area and collector_area [m2] and the temperature [K] of the gas."""

    target_area: float = 10e-4  # guess: the racetrack
    collector_area: float = 0.15  # guess: what faces the target
    temperature: float = 295.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """Hold the share of a surface that is oxide [1], on the target and on what collects."""

    target: float = 0.0
    collector: float = 0.0


def oxygen_flux(metal: Reactive, around: Surroundings, pressure: float) -> float:
    """Return the molecules that would stick on bare metal [1/(m2 s)] at a pressure [Pa] of oxygen."""
    thermal = math.sqrt(2.0 * math.pi * GASES[O2].molecule * BOLTZMANN * around.temperature)
    return metal.sticking * pressure / thermal


def _rates(
    metal: Reactive, around: Surroundings, coverage: float, pressure: float, current: float
) -> tuple[float, float, float, float]:
    """Return how fast target and collector gain and lose oxide [1/s], in oxygen over full sites.

    coverage [1] of the target, pressure [Pa], current [A] of ions.
    """
    taken = 2.0 * oxygen_flux(metal, around, pressure) / (metal.oxygen * metal.sites)
    ions = current / (ELEMENTARY_CHARGE * metal.sites)
    oxide = ions * metal.from_oxide * coverage / around.collector_area
    bare = ions * metal.from_metal * (1.0 - coverage) / around.collector_area
    return taken, ions * metal.from_oxide / around.target_area, taken + oxide, bare


def settled(metal: Reactive, around: Surroundings, pressure: float, current: float) -> Coverage:
    """Return the coverage that a pressure [Pa] of oxygen and a current [A] of ions lead to, Berg's steady state."""
    gain, loss, _, _ = _rates(metal, around, 0.0, pressure, current)
    target = gain / (gain + loss)
    _, _, more, less = _rates(metal, around, target, pressure, current)
    return Coverage(target, more / (more + less))


def step(
    metal: Reactive, around: Surroundings, coverage: Coverage, pressure: float, current: float, dt: float
) -> Coverage:
    """Return the coverage after dt [s]: exact for a constant pressure of oxygen [Pa] and current of ions [A].

    Together with getter_speed as a sink of the vessel's own step it is Berg's dynamic model: each is linear in its own
    variable and solved exactly, one after the other, and their common rest is the exact one.
    """
    gain, loss, _, _ = _rates(metal, around, 0.0, pressure, current)
    target = _relaxed(coverage.target, gain, loss, dt)
    _, _, more, less = _rates(metal, around, target, pressure, current)
    return Coverage(target, _relaxed(coverage.collector, more, less, dt))


def getter_speed(metal: Reactive, around: Surroundings, coverage: Coverage) -> float:
    """Return the speed [m3/s] with which bare metal on target and collector pumps oxygen."""
    per_pascal = oxygen_flux(metal, around, 1.0) * BOLTZMANN * around.temperature
    bare_target = (1.0 - coverage.target) * around.target_area
    return per_pascal * (bare_target + (1.0 - coverage.collector) * around.collector_area)


def metal_rate(metal: Reactive, coverage: Coverage, current: float) -> float:
    """Return metal atoms per second off the target at a current [A] of ions."""
    per_ion = metal.from_metal * (1.0 - coverage.target) + metal.from_oxide * coverage.target
    return current / ELEMENTARY_CHARGE * per_ion


def oxygen_per_metal(metal: Reactive, coverage: Coverage) -> float:
    """Return the oxygen per metal atom [1] of the film that grows: z times the collector's coverage, exactly."""
    return metal.oxygen * coverage.collector


def gettered(metal: Reactive, around: Surroundings, pressure: float, current: float) -> float:
    """Return the molecules per second that target and collector take up in steady state at a pressure [Pa]."""
    speed = getter_speed(metal, around, settled(metal, around, pressure, current))
    return speed * pressure / (BOLTZMANN * around.temperature)


def supply(metal: Reactive, around: Surroundings, pressure: float, current: float, speed: float) -> float:
    """Return the flow of oxygen [molecules/s] that holds a pressure [Pa] against getter and pump [m3/s]."""
    pumped = speed * pressure / (BOLTZMANN * around.temperature)
    return gettered(metal, around, pressure, current) + pumped


def critical_speed(metal: Reactive, around: Surroundings, current: float) -> float:
    """Return the pumping speed [m3/s] from which on there is no hysteresis: k T times the steepest fall of gettered."""
    slopes = [-_slope(metal, around, pressure, current) for pressure in _PRESSURES.tolist()]
    best = int(np.argmax(slopes))
    fine = np.geomspace(_PRESSURES[max(best - 1, 0)], _PRESSURES[min(best + 1, len(slopes) - 1)], 201)
    steepest = max(-_slope(metal, around, pressure, current) for pressure in fine.tolist())
    return max(0.0, BOLTZMANN * around.temperature * steepest)


def folds(metal: Reactive, around: Surroundings, current: float, speed: float) -> tuple[float, float] | None:
    """Return the flows [molecules/s] at which the target is poisoned and at which it recovers; None without hysteresis.

    current [A] of ions, speed [m3/s] of the pump for oxygen.
    """

    def rise(pressure: float) -> float:
        return _slope(metal, around, pressure, current) + speed / (BOLTZMANN * around.temperature)

    turns = _sign_changes(rise)
    if len(turns) < 2:
        return None
    poisoned, recovered = (supply(metal, around, turn, current, speed) for turn in turns[:2])
    return poisoned, recovered


def _slope(metal: Reactive, around: Surroundings, pressure: float, current: float) -> float:
    """Return d gettered / d pressure [molecules/(s Pa)], by central difference."""
    reach = 1e-5 * pressure
    high, low = (gettered(metal, around, pressure + side * reach, current) for side in (1.0, -1.0))
    return (high - low) / (2.0 * reach)


def _sign_changes(function: Callable[[float], float]) -> list[float]:
    """Return where a function of the pressure changes its sign [Pa]."""
    # Slow to import: a session opens without.
    from scipy.optimize import brentq

    values = np.array([function(pressure) for pressure in _PRESSURES.tolist()])
    places = np.flatnonzero(np.diff(np.sign(values)))
    return [float(brentq(function, _PRESSURES[place], _PRESSURES[place + 1])) for place in places]


def _relaxed(value: float, gain: float, loss: float, dt: float) -> float:
    """Return the solution of dv/dt = gain (1 - v) - loss v after dt [s]."""
    total = gain + loss
    if total == 0.0:
        return value
    rest = gain / total
    return rest + (value - rest) * math.exp(-total * dt)
