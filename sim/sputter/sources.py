"""Guns with their targets and supplies, and the bias of the substrate, as a chamber holds them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sim.materials.targets import TargetMaterial
from sim.physics.growth import reactive
from sim.physics.growth.reactive import Coverage
from sim.physics.plasma import gun as guns
from sim.physics.plasma.arcs import COLLAPSE, arc_rate
from sim.physics.plasma.discharge import DIRECT_CURRENT, RADIO_FREQUENCY, SUBSTRATE_BIAS
from sim.physics.plasma.gun import Drive, Gun, GunReading, GunState
from sim.physics.plasma.ignition import breakdown_voltage, goes_out
from sim.physics.plasma.match import MatchBox
from sim.physics.plasma.target import Target, Wear, efficiency, exposed
from sim.physics.vacuum.gases import ELEMENTARY_CHARGE, NOTHING, O2, Amounts

STORM = 5.0
"""Arcs a second in a storm; guess, so many that a generator folds its power back for most of the time, as it does in a
burst [deposition twins]: two within a second do that."""
METER_HOLDS, METER_SHARE = 1.0, 1 / 3
"""Seconds for which a power meter shows an arc, and what of the forward power: it averages a spike of 5 ms, and holds
its peak; a voltage is the mean of those seconds. Guesses."""
MOST_SHOWN = 0.9
COVERED = 1e-4
"""Change of a target's oxide in a step of a tenth of a second below which it stands."""
REACTS = 0.1
"""Seconds of a step while it does not."""


class GunUnit:
    """A gun: its target, its supply's power, its state.

    factor [1]: by which this machine's rate differs from what is calculated. oxygen: atoms that each atom of its metal
    takes up on its way into the film. Faults: dark (nothing lights), storm (arcs [1/s], 0 without one).
    """

    def __init__(
        self,
        name: str,
        material: TargetMaterial,
        target: Target,
        *,
        direct: bool,
        seed: int,
        worn: float,
        factor: float,
    ) -> None:
        self.name, self.material = name, material
        discharge = DIRECT_CURRENT if direct else RADIO_FREQUENCY
        if direct and material.body.strength != float("inf"):
            # An insulator charges up: nothing burns on it without radio frequency.
            discharge = replace(discharge, striking_voltage=0.0)
        self.gun = Gun(
            target,
            lambda energy: factor * material.sputter_yield(energy),
            material.film.formula_mass,
            discharge,
            None if direct else MatchBox(),
        )
        self.state: GunState = guns.new_gun(seed, Wear(eroded=worn * target.usable))
        self.forward = 0.0
        self.dark = self.match_stuck = False
        self.storm = 0.0
        self.coverage, self.oxygen = Coverage(), 0.0
        self._reacts = True
        self._arcs: deque[float] = deque(maxlen=8)
        self.shown = GunReading(0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def lit(self) -> bool:
        """Whether its plasma burns."""
        return self.state.lit

    @property
    def idle(self) -> bool:
        """Whether nothing happens on it: no power, no plasma, a cold target."""
        return self.forward == 0.0 and not self.state.lit and self.state.heat < 1e-3

    def drive(self, pressures: Amounts) -> Drive:
        """Return what acts on it."""
        if self.dark and not self.state.lit:
            pressures = NOTHING
        factor = self.storm / arc_rate(self.state.wear.conditioned) if self.storm else 1.0
        return Drive(self.forward, pressures, factor)

    def look(self, pressures: Amounts) -> None:
        """Bring what it shows up to date."""
        self.shown = guns.reading(self.gun, self.state, self.drive(pressures))

    def step(self, pressures: Amounts, dt: float, until: float) -> tuple[float, int, int]:
        """Go on by dt [s] to a time [s]; return formula units that left, arcs, and particles they brought."""
        before = self.state
        self.state = guns.step(self.gun, before, self.drive(pressures), dt)
        arcs, particles = self.state.arcs - before.arcs, self.state.particles - before.particles
        self._arcs.extend([until] * min(arcs, 8))
        units = guns.emitted(self.gun, before, self.state)
        return self._reacted(units, pressures, dt), arcs, particles

    def _reacted(self, units: float, pressures: Amounts, dt: float) -> float:
        """Return what a metal target gives off that oxygen covers; the wear follows."""
        metal = self.material.reactive
        if metal is None or not self.state.lit or units <= 0.0:
            return units
        current = guns.reading(self.gun, self.state, self.drive(pressures)).current
        # As much metal as truly leaves this target, of which the film has the oxygen that the getter takes.
        per_ion = units * ELEMENTARY_CHARGE / (current * dt)
        metal = replace(metal, from_metal=per_ion, from_oxide=per_ion * metal.from_oxide / metal.from_metal)
        around = reactive.Surroundings()
        old = self.coverage
        self.coverage = reactive.step(metal, around, old, pressures[O2], current, dt)
        moved = abs(self.coverage.target - old.target) + abs(self.coverage.collector - old.collector)
        self._reacts = moved > COVERED * dt / REACTS
        covered = 0.5 * (old.target + self.coverage.target)
        collected = Coverage(covered, 0.5 * (old.collector + self.coverage.collector))
        self.oxygen = reactive.oxygen_per_metal(metal, collected)
        share = _given_by(metal, covered)
        spared = (1.0 - share) * units * self.gun.formula_mass
        self.state = replace(
            self.state, wear=replace(self.state.wear, eroded=self.state.wear.eroded - spared)
        )
        return share * units

    def getter(self, pressure: float, ahead: float = 0.0) -> float:
        """Return the speed [m3/s] with which its metal takes up oxygen of a pressure [Pa], so far ahead [s]."""
        metal, around = self.material.reactive, reactive.Surroundings()
        if metal is None or not self.state.lit:
            return 0.0
        coverage = reactive.step(metal, around, self.coverage, pressure, self.shown.current, ahead)
        return reactive.getter_speed(metal, around, coverage)

    def stride(self, pressures: Amounts) -> float:
        """Return how long [s] a step may be; up to the next arc at the most."""
        if self.idle:
            return float("inf")
        drive = self.drive(pressures)
        if not self.state.lit:
            return REACTS if self.forward > 0.0 else 1.0
        if self.match_stuck or guns.at_rest(self.gun, self.state, drive):
            arc = guns.time_to_next_arc(self.state, self.shown, drive.arcing)
            longest = REACTS if self.material.reactive is not None and self._reacts else float("inf")
            return min(longest, max(arc, 1e-6))
        return 0.05

    def emission(self) -> float:
        """Return formula units a second that leave it now, nearly: for what comes until the next step."""
        metal = self.material.reactive
        left = efficiency(self.gun.target, self.state.wear)
        left *= 1.0 if metal is None else _given_by(metal, self.coverage.target)
        return guns.emission(self.gun, self.shown) * left if self.state.lit else 0.0

    def shown_share(self, now: float) -> float:
        """Return the share of the forward power [1] that arcs of the last second throw back on the meter."""
        return min(MOST_SHOWN, METER_SHARE * self._lately(now))

    def shown_bias(self, now: float) -> float:
        """Return the bias [V] as a meter shows it, which arcs of the last second took away while they burned."""
        return self.shown.bias * (1.0 - COLLAPSE / METER_HOLDS * self._lately(now))

    def _lately(self, now: float) -> int:
        return sum(1 for at in self._arcs if now - at < METER_HOLDS) if self._arcs else 0

    def crack(self, cracked: bool) -> None:
        """Crack the target, or put a whole one of the same wear on."""
        self.state = replace(self.state, wear=replace(self.state.wear, cracked=cracked))

    def stick_match(self, stuck: bool) -> None:
        """Let the match's capacitors stay where they are, or follow again."""
        self.match_stuck = stuck
        self.state = replace(self.state, automatic=not stuck)

    def put_out(self) -> None:
        """Be dark."""
        self.state = replace(self.state, lit=False)

    def renew(self) -> None:
        """Put a new target on."""
        self.state = replace(self.state, wear=Wear())

    def to_dict(self) -> dict[str, Any]:
        """Return what outlives a session."""
        return {
            "material": self.material.name,
            "state": self.state.to_dict(),
            "coverage": vars_of(self.coverage),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as to_dict wrote, without power; a target of another material is a new one."""
        if kept["material"] == self.material.name:
            self.state = replace(GunState.from_dict(kept["state"]), lit=False, automatic=True)
            self.coverage = Coverage(**kept["coverage"])

    def be_in_air(self) -> None:
        """Have the target be conditioned anew."""
        if self.state.wear.conditioned:
            self.state = replace(self.state, wear=exposed(self.state.wear))


def _given_by(metal: reactive.Reactive, covered: float) -> float:
    """Return what a target gives [1] of which a share [1] is covered by oxide, over what a bare one does."""
    return 1.0 - covered * (1.0 - metal.from_oxide / metal.from_metal)


def vars_of(coverage: Coverage) -> dict[str, float]:
    """Return a coverage as JSON values."""
    return {"target": coverage.target, "collector": coverage.collector}


class Bias:
    """Radio frequency on the substrate's holder; matched by itself, at once."""

    def __init__(self) -> None:
        self.forward = 0.0
        self.voltage = 0.0
        self.capacitors = (0.5, 0.5)

    def look(self, pressures: Amounts, *, beside: bool) -> None:
        """Bring it up to date; beside: whether a gun's plasma burns, which lights this one."""
        pressure = sum(pressures)
        lights = beside or SUBSTRATE_BIAS.open_voltage(self.forward) > breakdown_voltage(pressures)
        burns = lights and not goes_out(pressure, self.forward)
        self.voltage = SUBSTRATE_BIAS.bias(self.forward, pressure) if burns else 0.0

    @property
    def reflected(self) -> float:
        """The power [W] that comes back: all of it without a plasma."""
        return 0.0 if self.voltage > 0.0 else self.forward
