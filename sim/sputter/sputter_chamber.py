"""The sputter chamber: guns over a substrate, gas between them, and where everything that was eroded went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.grown_film import GrownFilm
from sim.physics.growth.crystal import loaded
from sim.physics.growth.geometry import Throw, share_per_area
from sim.physics.growth.rate import arriving, whereabouts
from sim.physics.vacuum.gases import BOLTZMANN, N2, O2, amounts
from sim.physics.vacuum.vessel import LONGEST_TICK
from sim.sputter.chamber import Chamber
from sim.sputter.gas import GasSystem
from sim.sputter.growth import (
    NITROGEN_OVER_OXYGEN,
    Arriving,
    Growth,
    film_of,
    grown_in,
    nitrogen_in,
    plane_share,
)
from sim.sputter.shutters import SUBSTRATE, Shutters, shutter_of
from sim.sputter.sources import Bias, GunUnit


@dataclass
class Masses:
    """Where eroded mass [kg] went: onto the substrate's plane, onto walls and shutters, back onto the target.

    Walls are all that goes forwards and misses the plane. exchanged: what the film on the plane took from the gas,
    oxygen and nitrogen, over what it lost to the side, lithium: the film there weighs plane + exchanged. oxygen: atoms
    that metal took up, wherever it went; half as many molecules are those that the gas lost to it.
    """

    eroded: float = 0.0
    plane: float = 0.0
    walls: float = 0.0
    back: float = 0.0
    exchanged: float = 0.0
    oxygen: float = 0.0


class SputterChamber(Chamber):
    """Guns, bias, substrate, crystal, sample in one vessel.

    tooling: film on the sample over film on the crystal, which stands beside it behind the same shutter. What a film
    takes from the gas it takes wherever it grows, on walls and on shutters too.
    """

    def __init__(
        self,
        name: str,
        gas: GasSystem,
        shutters: Shutters,
        guns: Mapping[str, GunUnit],
        *,
        tooling: float = 1.0,
        mask_gap: float = 0.0,
    ) -> None:
        super().__init__(name, gas, shutters, mask_gap)
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
        if dt <= LONGEST_TICK:
            # By what the metal takes up in the middle of the step, the gas loses as much as the film gets.
            self._exchange(0.5 * dt)
        self.gas.step(dt)
        pressures = tuple(
            [
                meanwhile if sink > 0.0 else 0.5 * (a + b)
                for a, b, sink, meanwhile in zip(
                    before, self.gas.pressures, self.gas.sinks, self.gas.meanwhile, strict=True
                )
            ]
        )
        is_open, arrived, particles = self.shutters.is_open(SUBSTRATE), list[Arriving](), 0
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
                arrived.append(Arriving(unit.material, on_axis, unit.oxygen))
                particles += fell
        if arrived:
            grown = self.growth.add(
                arrived,
                pressures,
                dt,
                temperature=self.holder.temperature(),
                bias=self.bias.voltage,
                particles=particles,
                turns=self.rotates,
                gas_temperature=self.gas.vessel.temperature,
            )
            came, z_ratio = _sum_of(arrived)
            self.crystal = loaded(self.crystal, grown.mass / self.tooling, z_ratio)
            self.masses.exchanged += (grown.mass - came) * self._plane / self._on_axis

    def _exchange(self, ahead: float = 0.0) -> None:
        """Have the gas lose what films take up, and get what they give off, as it is so far ahead [s]."""
        gas = self.gas
        metals = [unit for unit in self._units if unit.material.reactive is not None]
        speeds = {"O2": sum(unit.getter(gas.pressures[O2], ahead) for unit in metals)}
        given = {"O2": 0.0}
        if (atoms := self._nitrogen()) > 0.0:
            density = gas.pressures[N2] / (BOLTZMANN * gas.vessel.temperature)
            speeds["N2"] = 0.5 * atoms / density
            given["O2"] = 0.5 * NITROGEN_OVER_OXYGEN * atoms
        sinks, sources = amounts(speeds), amounts(given)
        if any((*sinks, *sources, *gas.sinks, *gas.sources)):
            gas.sinks, gas.sources = sinks, sources
            gas.changed()

    def _nitrogen(self) -> float:
        """Return the atoms of nitrogen [1/s] that phosphate takes up where it lands: by a closed shutter, its own."""
        lit = [unit for unit in self._units if unit.lit]
        if not any("P" in unit.material.atoms for unit in lit):
            return 0.0
        through = self._through()
        found = 0.0
        for together in (through, *([unit] for unit in lit if unit not in through)):
            if coming := self._coming(together):
                ratio = nitrogen_in(film_of(coming), coming, self.gas.pressures, 1.0)
                found += ratio * sum(each.units * each.target.atoms.get("P", 0.0) for each in coming)
        return found / self._on_axis

    def _through(self) -> list[GunUnit]:
        """Return the guns that burn behind an open shutter of their own."""
        return [unit for unit in self._units if unit.lit and self.shutters.is_open(shutter_of(unit.name))]

    def _coming(self, units: Sequence[GunUnit]) -> list[Arriving]:
        """Return what arrives a second on the axis from guns that burn, were no shutter in its way."""
        pressure, distance, coming = sum(self.gas.pressures), self.throw.distance, list[Arriving]()
        for unit in units:
            reach = unit.material.film.reach
            arrives = arriving(unit.emission(), self._on_axis, pressure, distance, reach)
            if arrives > 0.0:
                coming.append(Arriving(unit.material, arrives, unit.oxygen))
        return coming

    def _book(self, unit: GunUnit, units: float, pressures: tuple[float, ...], is_open: bool) -> None:
        """Enter where it went."""
        mass, books = units * unit.gun.formula_mass, self.masses
        went = whereabouts(self._plane, sum(pressures), self.throw.distance, unit.material.film.reach)
        books.eroded += mass
        books.oxygen += units * unit.oxygen
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
        self._exchange()

    def _extinguish(self, unit: GunUnit) -> None:
        unit.put_out()
        unit.look(self.gas.pressures)
        self.tell("plasma out", unit.name)

    def _load_rate(self) -> tuple[float, float]:
        if not self.shutters.is_open(SUBSTRATE):
            return 0.0, 1.0
        coming = self._coming(self._through())
        if not coming:
            return 0.0, 1.0
        around = self.throw.distance, self.holder.temperature(), self.bias.voltage
        grown = grown_in(film_of(coming), coming, self.gas.pressures, 1.0, *around)
        return grown.mass / self.tooling, _sum_of(coming)[1]

    def _source(self) -> tuple[float, float]:
        # A substrate that turns sees its gun all around.
        radius = self.throw.ring if self.rotates else self.throw.groove
        return 2.0 * radius, self.throw.height

    def _grown(self) -> GrownFilm | None:
        said = {
            "tool": self.name,
            "targets": [unit.material.name for unit in self._units if unit.state.wear.energy > 0.0],
        }
        return self.growth.taken(said, self._area())

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


def _sum_of(arrived: Sequence[Arriving]) -> tuple[float, float]:
    """Return what came off targets [kg/m2], and the mean of its Z ratios by mass."""
    masses = [each.units * each.target.film.formula_mass for each in arrived]
    weighted = sum(mass * each.target.z_ratio for mass, each in zip(masses, arrived, strict=True))
    return sum(masses), weighted / sum(masses)
