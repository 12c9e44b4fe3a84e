"""The film that a chamber's physics gives in a second, of a machine of which only targets, powers and gas are known.

Nothing of a twin's own is looked at: a lab that asks knows no more of its machine than this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.materials.targets import LITHIUM, TARGETS
from sim.physics.evaporation.source import BOAT, power_at
from sim.physics.evaporation.vapour import rate_above
from sim.physics.growth.deposit import Deposit
from sim.physics.growth.geometry import Throw, share_per_area, uniformity
from sim.physics.growth.rate import arriving
from sim.physics.plasma.discharge import DIRECT_CURRENT, RADIO_FREQUENCY, SUBSTRATE_BIAS
from sim.physics.plasma.gun import Gun, GunReading, emission
from sim.physics.plasma.ignition import breakdown_voltage
from sim.physics.plasma.target import Target
from sim.physics.vacuum.gases import Amounts
from sim.sputter.growth import Arriving, film_of, grown_in, profile

RATE_SPREAD = 1.7
"""Factor by which a machine's rate is off, one standard deviation: so far apart are eight rows of Julien, Mauger and
Hussain, Materials 12 (2019), table 3, for one material."""


@dataclass(frozen=True)
class Burning:
    """A target that burns: its material, the power [W] it takes, what is left of a new one's rate [1].

    direct: on a DC supply, else at radio frequency.
    """

    material: str
    power: float
    left: float = 1.0
    direct: bool = False

    def bias(self, pressure: float) -> float:
        """Return the voltage [V] of the target against ground at a pressure [Pa]."""
        return (DIRECT_CURRENT if self.direct else RADIO_FREQUENCY).bias(self.power, pressure)


@dataclass(frozen=True)
class Foretold:
    """What grows on the axis: material; of a second, a Deposit; uniformity [1] over a sample: half its range over its
    middle."""

    material: str
    second: Deposit
    uniformity: float

    @property
    def rate(self) -> float:
        """How fast it grows [m/s]."""
        return self.second.thickness


def foretold(
    guns: Sequence[Burning],
    pressures: Amounts,
    *,
    bias: float,
    temperature: float,
    turns: bool,
    scale: float = 1.0,
) -> Foretold:
    """Return what a second of open shutters gives.

    pressures [Pa] by gas; bias [V] and temperature [K] of the substrate; turns: whether it rotates; scale [1]: how many
    times more arrives than is calculated, as a calibration says. Raises ValueError for a target that no model knows,
    and for a metal in oxygen, whose rate is that of no steady state.
    """
    throw = Throw()
    on_axis = float(share_per_area(throw, np.array(0.0), np.array(0.0)))
    arrived = []
    for each in guns:
        target = TARGETS.get(each.material)
        if target is None:
            raise ValueError(f"no model knows a target of {each.material}; there are {', '.join(TARGETS)}")
        if target.reactive is not None:
            raise ValueError(
                f"a target of {each.material} reacts with the gas: what it gives is not foretold"
            )
        discharge = DIRECT_CURRENT if each.direct else RADIO_FREQUENCY
        gun = Gun(Target(target.body), target.sputter_yield, target.film.formula_mass, discharge)
        volts = each.bias(sum(pressures))
        current = discharge.ion_current(each.power, volts)
        units = each.left * scale * emission(gun, GunReading(each.power, 0.0, each.power, volts, current))
        landing = arriving(units, on_axis, sum(pressures), throw.distance, target.film.reach)
        arrived.append(Arriving(target, landing))
    material = film_of(arrived)
    second = grown_in(material, arrived, pressures, 1.0, throw.distance, temperature, bias)
    return Foretold(material, second, uniformity(profile(throw, turns=turns)))


def substrate_bias(power: float, pressure: float) -> float:
    """Return the voltage [V] that a power [W] at radio frequency gives the substrate at a pressure [Pa]."""
    return SUBSTRATE_BIAS.bias(power, pressure)


def lights(guns: Sequence[Burning], powers: Mapping[str, float], pressures: Amounts) -> bool:
    """Return whether every target lights, each with a power [W] by its material, at pressures [Pa] by gas."""
    needed = breakdown_voltage(pressures)
    return all(
        (DIRECT_CURRENT if each.direct else RADIO_FREQUENCY).open_voltage(powers[each.material]) > needed
        # An insulator charges up: nothing burns on it without radio frequency.
        and not (each.direct and TARGETS[each.material].body.strength != math.inf)
        for each in guns
    )


@dataclass(frozen=True)
class BoatAtRate:
    """A boat of lithium that gives a rate: its temperature [K], the power [W] that holds it, the melt's loss [kg/s]."""

    temperature: float
    power: float
    loss: float


def boat_at(rate: float, throw: float) -> BoatAtRate:
    """Return the boat that grows lithium at a rate [m/s] on a sample at a throw [m].

    Raises ValueError for a rate beyond the law of its vapour pressure.
    """
    # Slow to import: a session opens without.
    from scipy.optimize import brentq

    def excess(temperature: float) -> float:
        return rate_above(LITHIUM, BOAT.area * LITHIUM.flux(temperature), throw) - rate

    if excess(LITHIUM.hottest) < 0.0:
        raise ValueError(
            f"a boat of lithium at {LITHIUM.hottest:.0f} K gives less than {rate * 1e9:.3g} nm/s"
        )
    at = float(brentq(excess, BOAT.surroundings, LITHIUM.hottest, xtol=1e-6))
    return BoatAtRate(at, power_at(BOAT, LITHIUM, at), BOAT.area * LITHIUM.flux(at))
