"""The sputter chamber: guns over a substrate, gas between them, and where everything that was eroded went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.grown_film import GrownFilm
from sim.physics.growth.crystal import loaded
from sim.physics.growth.geometry import Throw, share_per_area
from sim.physics.growth.rate import arriving, whereabouts
from sim.physics.vacuum.gases import NAMES, O2
from sim.sputter.chamber import Chamber
from sim.sputter.gas import GasSystem
from sim.sputter.growth import Growth, plane_share
from sim.sputter.shutters import SUBSTRATE, Shutters, shutter_of
from sim.sputter.sources import Bias, GunUnit


@dataclass
class Masses:
    """Where eroded mass [kg] went: onto the substrate's plane, onto walls and shutters, back onto the target."""

    eroded: float = 0.0
    plane: float = 0.0
    walls: float = 0.0
    back: float = 0.0


class SputterChamber(Chamber):
    """Guns, bias, substrate, crystal, sample in one vessel.

    tooling: film on the sample over film on the crystal, which stands beside it behind the same shutter.
    """

    def __init__(
        self,
        name: str,
        gas: GasSystem,
        shutters: Shutters,
        guns: Mapping[str, GunUnit],
        *,
        tooling: float = 1.0,
        area: float | None = None,
    ) -> None:
        super().__init__(name, gas, shutters, area)
        self.guns, self.bias = dict(guns), Bias()
        self.throw, self.tooling = Throw(), tooling
        self.growth, self.masses = Growth(self.throw), Masses()
        self._on_axis = float(share_per_area(self.throw, np.array(0.0), np.array(0.0)))
        self._plane = plane_share(self.throw)
        self._units = tuple(self.guns.values())
        self._look()
        self._plan()

    def _burns(self) -> bool:
        return any(unit.state.lit for unit in self._units)

    def _own_stride(self) -> float:
        pressures = self.gas.pressures
        return min([unit.stride(pressures) for unit in self._units], default=float("inf"))

    def _flow_on(self, dt: float) -> None:
        before = self.gas.pressures
        self.gas.step(dt)
        pressures = tuple([0.5 * (a + b) for a, b in zip(before, self.gas.pressures, strict=True)])
        is_open, arrived, particles = self.shutters.is_open(SUBSTRATE), dict[str, float](), 0
        for unit in self._units:
            if unit.idle:
                continue
            was_lit, was_cracked = unit.lit, unit.state.wear.cracked
            units, arcs, fell = unit.step(pressures, dt, self._at)
            self._note(unit, was_lit, was_cracked, arcs, fell)
            if units <= 0.0:
                continue
            own = is_open and self.shutters.is_open(shutter_of(unit.name))
            self._book(unit, units, pressures, own)
            if own:
                on_axis = arriving(
                    units, self._on_axis, sum(pressures), self.throw.distance, unit.material.film.reach
                )
                arrived[unit.material.name] = arrived.get(unit.material.name, 0.0) + on_axis
                particles += fell
                self._weigh(unit, on_axis)
        if is_open and arrived:
            self.growth.add(
                arrived,
                pressures,
                dt,
                temperature=self.holder.temperature(),
                bias=self.bias.voltage,
                particles=particles,
                turns=self.rotates,
                gas_temperature=self.gas.vessel.temperature,
            )

    def _take_up_oxygen(self) -> None:
        speed = sum(unit.getter() for unit in self._units if unit.material.reactive is not None)
        if speed > 0.0 or any(self.gas.sinks):
            self.gas.sinks = tuple(speed if index == O2 else 0.0 for index in range(len(NAMES)))
            self.gas.changed()

    def _weigh(self, unit: GunUnit, on_axis: float) -> None:
        mass = on_axis * unit.material.film.formula_mass / self.tooling
        self.crystal = loaded(self.crystal, mass, unit.material.z_ratio)

    def _book(self, unit: GunUnit, units: float, pressures: tuple[float, ...], is_open: bool) -> None:
        """Enter where it went."""
        mass, books = units * unit.gun.formula_mass, self.masses
        went = whereabouts(self._plane, sum(pressures), self.throw.distance, unit.material.film.reach)
        books.eroded += mass
        books.back += went.back * mass
        books.plane += went.plane * mass if is_open else 0.0
        books.walls += went.walls * mass + (0.0 if is_open else went.plane * mass)

    def _note(self, unit: GunUnit, was_lit: bool, was_cracked: bool, arcs: int, fell: int) -> None:
        if unit.lit is not was_lit:
            self.tell("plasma on" if unit.lit else "plasma out", unit.name)
        if unit.state.wear.cracked and not was_cracked:
            self.tell("target cracked", unit.name)
            self.growth.doubt("target cracked")
        if arcs:
            self.tell("arc", f"{unit.name}: {arcs}, particles {fell}")
            if unit.storm:
                self.growth.doubt("arcs")

    def _look(self) -> None:
        pressures = self.gas.pressures
        for unit in self._units:
            unit.look(pressures)
            if unit.lit and unit.shown.load <= 0.0:
                # No power any more: it goes out at once, and not with the next step.
                self._extinguish(unit)
        self.bias.look(pressures, beside=self._burns())
        self._take_up_oxygen()

    def _extinguish(self, unit: GunUnit) -> None:
        unit.put_out()
        unit.look(self.gas.pressures)
        self.tell("plasma out", unit.name)

    def _load_rate(self) -> tuple[float, float]:
        if not self.shutters.is_open(SUBSTRATE):
            return 0.0, 1.0
        pressure, mass, weighted = self.gas.pressure, 0.0, 0.0
        for unit in self._units:
            if unit.lit and self.shutters.is_open(shutter_of(unit.name)):
                film = unit.material.film
                units = arriving(unit.emission(), self._on_axis, pressure, self.throw.distance, film.reach)
                mass += units * film.formula_mass / self.tooling
                weighted += units * film.formula_mass / self.tooling * unit.material.z_ratio
        return mass, weighted / mass if mass > 0.0 else 1.0

    def _grown(self) -> GrownFilm | None:
        said = {
            "tool": self.name,
            "targets": [unit.material.name for unit in self._units if unit.state.wear.energy > 0.0],
        }
        return self.growth.taken(said, self._area)

    def _vented(self) -> None:
        for unit in self._units:
            unit.be_in_air()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**super().to_dict(), "guns": {name: unit.to_dict() for name, unit in self.guns.items()}}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as to_dict wrote, without power and flows, shutters closed."""
        for name, unit in self.guns.items():
            if name in kept["guns"]:
                unit.restore(kept["guns"][name])
        super().restore(kept)
