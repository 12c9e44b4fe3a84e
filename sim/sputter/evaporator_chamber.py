"""The evaporator: a boat of lithium below a sample with a mask on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sim.grown_film import GrownFilm
from sim.materials.targets import LITHIUM
from sim.physics.evaporation.source import (
    BOAT,
    Source,
    SourceState,
    mass_rate,
    power_at,
    step,
    temperature_at,
)
from sim.physics.evaporation.vapour import rate_above
from sim.physics.growth.crystal import loaded
from sim.physics.growth.deposit import Deposit, layer
from sim.physics.vacuum.gases import GASES, H2O, impingement
from sim.sputter.chamber import Chamber
from sim.sputter.gas import GasSystem
from sim.sputter.shutters import SUBSTRATE, Shutters, shutter_of

MOVES, MOVING_STEP = 0.02, 0.5
"""K from where it goes below which the boat stands, s of a step while it does not: a quarter of its lag."""
RESISTANCE = 2.0
"""ohm of the boat; guess."""
OXIDISED = 0.3
"""Molecules of water that strike for each atom of lithium from which on it is no longer a metal; guess."""
BOAT_SHUTTER = shutter_of("boat")


class EvaporatorChamber(Chamber):
    """A boat that is driven by a power [W]; the film follows from what it loses.

    source: what heats it, a current through it or an electron beam; the supply sees the leads of a boat either way.
    charge [kg] of lithium in the boat; throw [m] from there to the sample; tooling as in a sputter chamber, but the
    crystal looks past the substrate's shutter: by it the boat is led before that opens.
    """

    resistance = RESISTANCE

    def __init__(
        self,
        name: str,
        gas: GasSystem,
        shutters: Shutters,
        *,
        charge: float,
        source: Source = BOAT,
        throw: float,
        tooling: float = 1.0,
        rate: float = 1.0,
        mask_gap: float = 0.0,
    ) -> None:
        super().__init__(name, gas, shutters, mask_gap)
        self.power, self.throw, self.tooling, self._factor = 0.0, throw, tooling, rate
        self.source = source
        self.boat = SourceState(source.surroundings, charge)
        self.evaporated = 0.0
        self._deposit, self._water = Deposit(), 0.0
        self._most = min(source.power, power_at(self.source, LITHIUM, LITHIUM.hottest))
        self._goals: dict[float, float] = {}
        self._was_empty = charge <= 0.0
        self._plan()

    @property
    def taken(self) -> float:
        """The power [W] that heats it: what is more burns the leads, and not the melt."""
        return min(self.power, self._most)

    def _goal(self) -> float:
        if self.taken not in self._goals:
            self._goals[self.taken] = temperature_at(self.source, LITHIUM, self.taken)
        return self._goals[self.taken]

    def _burns(self) -> bool:
        return False

    def _own_stride(self) -> float:
        if abs(self._goal() - self.boat.temperature) > MOVES:
            return MOVING_STEP
        return float("inf")

    def _flow_on(self, dt: float) -> None:
        self.gas.step(dt)
        before = self.boat
        self.boat = step(self.source, LITHIUM, before, self.taken, dt)
        lost = before.charge - self.boat.charge
        self.evaporated += lost
        if self.boat.charge <= 0.0 and not self._was_empty:
            self._was_empty = True
            self.tell("boat empty")
        if lost > 0.0 and self.shutters.is_open(BOAT_SHUTTER):
            thickness = self._factor * rate_above(LITHIUM, lost, self.throw)
            self.crystal = loaded(self.crystal, thickness * LITHIUM.density / self.tooling, 1.0)
            if self.shutters.is_open(SUBSTRATE):
                self._land(thickness, dt)

    def _land(self, thickness: float, dt: float) -> None:
        units = thickness * LITHIUM.density / LITHIUM.atom
        volume = LITHIUM.atom / LITHIUM.density
        self._deposit = self._deposit + layer(units, volume, LITHIUM.atom, {"Li": 1.0}, 0.0, 0.0)
        temperature = self.gas.vessel.temperature
        self._water += impingement(self.gas.pressures[H2O], GASES[H2O].molecule, temperature) * dt

    def _load_rate(self) -> tuple[float, float]:
        if not self.shutters.is_open(BOAT_SHUTTER):
            return 0.0, 1.0
        rate = rate_above(LITHIUM, mass_rate(self.source, LITHIUM, self.boat), self.throw)
        return self._factor * rate * LITHIUM.density / self.tooling, 1.0

    def _source(self) -> tuple[float, float]:
        return math.sqrt(self.source.area), self.throw

    def _grown(self) -> GrownFilm | None:
        grown, water = self._deposit, self._water
        self._deposit, self._water = Deposit(), 0.0
        if grown.thickness <= 0.0:
            return None
        doubts = ("water",) if water > OXIDISED * grown.atoms["Li"] else ()
        return GrownFilm("Li", grown, area=self._area(), doubts=doubts, provenance=({"tool": self.name},))

    def fill(self, charge: float) -> None:
        """Have so much lithium [kg] in the boat."""
        self.change(lambda: setattr(self, "boat", SourceState(self.boat.temperature, charge)))
        self._was_empty = charge <= 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**super().to_dict(), "boat": self.boat.to_dict()}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as to_dict wrote, without power, shutters closed."""
        self.boat = SourceState.from_dict(kept["boat"])
        super().restore(kept)
