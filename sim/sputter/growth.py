"""A film while it grows on the sample: from what arrives to what the sample is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.grown_film import GrownFilm
from sim.materials.targets import TargetMaterial
from sim.physics.growth.as_deposited import active_share, density, intrinsic_stress
from sim.physics.growth.defects import pinhole_density
from sim.physics.growth.deposit import MOLAR_MASSES, Deposit, of_atoms
from sim.physics.growth.geometry import Array, Throw, share_per_area, uniformity
from sim.physics.growth.lipon import Lipon, nitrogen_per_phosphorus
from sim.physics.growth.lithium_cobalt import lithium_per_cobalt, phases
from sim.physics.vacuum.gases import GASES, H2O, N2, O2, Amounts, impingement

SAMPLE_RADIUS = 12.5e-3
"""m around the axis over which uniformity is told: a sample of an inch; guess."""
PLANE_RADIUS = 50e-3
"""m of what counts as the substrate's plane in the balance of masses: a wafer of 100 mm."""
PLANE_AREA = math.pi * PLANE_RADIUS**2
SPOILT = 3.0
"""Molecules of water that strike for each formula unit of LiPON from which on they spoil it; guess: at some 3e-5 Pa."""
NITROGEN_OVER_OXYGEN = MOLAR_MASSES["N"] / MOLAR_MASSES["O"]
"""Oxygen atoms whose mass, and place, a nitrogen atom takes in the glass; guess: each tetrahedron keeps its corners
nearly. By charges it would be 1.5, and a film of N/P = 0.6 be 5 % lighter, less than its density is known."""
_CIRCLES = 48
_SPREAD = np.array([0.0, 0.5, 1.0])


@dataclass(frozen=True, slots=True)
class Arriving:
    """What comes from a target: formula units [1/m2], and with each the oxygen atoms [1] that its metal takes up."""

    target: TargetMaterial
    units: float
    oxygen: float = 0.0

    @property
    def oxidised(self) -> float:
        """The share [1] of the metal that is its full oxide."""
        return self.oxygen / self.target.reactive.oxygen if self.target.reactive is not None else 0.0

    @property
    def makes(self) -> str:
        """What a film of it alone is called: by its composition a metal, or the oxide that it mostly is."""
        return self.target.oxide_name if self.oxidised > 0.5 else self.target.name


def plane_share(throw: Throw) -> float:
    """Return the share [1] of all that goes forwards which lands on the plane: quadrature over its radius."""
    nodes, weights = np.polynomial.legendre.leggauss(_CIRCLES)
    radii = 0.5 * PLANE_RADIUS * (nodes + 1.0)
    per_area = share_per_area(throw, radii, np.zeros_like(radii))
    return float(0.5 * PLANE_RADIUS * np.sum(weights * 2.0 * np.pi * radii * per_area))


def profile(throw: Throw, *, turns: bool) -> Array:
    """Return the film (2, 2, 3) over that on the axis: along and across the gun's direction, both ways, outwards."""
    out = SAMPLE_RADIUS * _SPREAD
    signs = np.array([1.0, -1.0])[:, None]
    along = share_per_area(throw, signs * out, np.zeros((2, out.size)), turns)
    across = share_per_area(throw, np.zeros((2, out.size)), signs * out, turns)
    return np.stack((along, across)) / float(share_per_area(throw, 0.0, 0.0, turns))


class Growth:
    """What came down since it was last handed over; times are differences [s]."""

    def __init__(self, throw: Throw) -> None:
        self.throw = throw
        self._profiles = {turns: profile(throw, turns=turns) for turns in (True, False)}
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.material = ""
        self.deposit = Deposit()
        self._particles = 0
        self._water = self._open = 0.0
        self._doubts: dict[str, None] = {}
        self._turned = {True: 0.0, False: 0.0}

    def doubt(self, why: str) -> None:
        """Note what truly goes wrong while it grows."""
        self._doubts[why] = None

    def add(
        self,
        arrived: Sequence[Arriving],
        pressures: Amounts,
        dt: float,
        *,
        temperature: float,
        bias: float,
        particles: int,
        turns: bool,
        gas_temperature: float,
    ) -> Deposit:
        """Add what arrived within dt [s], and particles on the plane; return what grew of it."""
        self._particles += particles
        if dt <= 0.0 or not arrived:
            return Deposit()
        self.material = film_of(arrived)
        grown = grown_in(self.material, arrived, pressures, dt, self.throw.distance, temperature, bias)
        self.deposit = self.deposit + grown
        self._turned[turns] += grown.thickness
        water = impingement(pressures[H2O], GASES[H2O].molecule, gas_temperature) * dt
        self._water += water
        return grown

    @property
    def nonuniformity(self) -> float:
        """Half the range of the thickness over its middle [1] on the sample."""
        total = sum(self._turned.values())
        if total <= 0.0:
            return 0.0
        mean = sum(self._profiles[turns] * thickness for turns, thickness in self._turned.items()) / total
        return uniformity(np.asarray(mean))

    def taken(self, provenance: Mapping[str, object], area: float | None) -> GrownFilm | None:
        """Return what grew, None if nothing did, and begin anew."""
        if self.deposit.thickness <= 0.0:
            self.clear()
            return None
        conductivity = None
        phosphorus = self.deposit.atoms.get("P", 0.0)
        if self.material == "LiPON" and phosphorus and self._water > SPOILT * phosphorus:
            glass = Lipon(self.deposit.ratio("N", "P"), self.deposit.ratio("Li", "P"))
            conductivity = glass.conductivity() * SPOILT * phosphorus / self._water
            self.doubt("water")
        film = GrownFilm(
            self.material,
            self.deposit,
            conductivity=conductivity,
            pinholes=pinhole_density(self._particles, PLANE_AREA),
            area=area,
            doubts=tuple(self._doubts),
            provenance=({**provenance, "nonuniformity": round(self.nonuniformity, 4)},),
        )
        self.clear()
        return film


def film_of(arrived: Sequence[Arriving]) -> str:
    """Return what the film is that arrives from these targets."""
    coming = {each.makes for each in arrived}
    if "LiCoO2" in coming:
        return "LiCoO2"
    if "Li3PO4" in coming:
        return "LiPON"
    return min(coming)


def nitrogen_in(material: str, arrived: Sequence[Arriving], pressures: Amounts, dt: float) -> float:
    """Return N/P [1] of a material that grows while this arrives within dt [s] at pressures [Pa] by gas."""
    if material != "LiPON":
        return 0.0
    rate = sum(each.units * each.target.film.formula_volume for each in arrived) / dt
    return nitrogen_per_phosphorus(pressures[N2], rate)


def grown_in(
    material: str,
    arrived: Sequence[Arriving],
    pressures: Amounts,
    dt: float,
    distance: float,
    temperature: float,
    bias: float,
) -> Deposit:
    """Return what grows of a material within dt [s] while this arrives; it weighs what its atoms do.

    pressures [Pa] by gas, distance [m] of the throw, temperature [K] and bias [V] of the substrate.
    """
    pressure, nitrogen = sum(pressures), nitrogen_in(material, arrived, pressures, dt)
    parts = []
    for each in arrived:
        atoms = each.target.atoms
        if "Co" in atoms and "Li" in atoms:
            oxygen = pressures[O2] / pressure
            ratio = lithium_per_cobalt(atoms["Li"] / atoms["Co"], pressure, distance, oxygen, bias)
            parts.append(_oxide_of_cobalt(each, ratio, density(bias)))
        elif "P" in atoms:
            parts.append(_glass(each, nitrogen))
        else:
            parts.append(_plain(each))
    grown = sum(parts[1:], parts[0])
    active = active_share(bias, temperature) if material == "LiCoO2" else 0.0
    stress = intrinsic_stress(pressure, bias)
    return replace(grown, active=active * grown.thickness, stress=stress * grown.thickness)


def _oxide_of_cobalt(each: Arriving, ratio: float, dense: float) -> Deposit:
    """Return a film of Li/Co = ratio [1], with the oxygen of its phases, at a density [kg/m3]."""
    cobalt = each.units * each.target.atoms["Co"]
    return of_atoms({"Li": ratio * cobalt, "Co": cobalt, "O": phases(ratio).oxygen * cobalt}, dense)


def _glass(each: Arriving, nitrogen: float) -> Deposit:
    """Return what a phosphate gives with nitrogen [1] per phosphorus, which stands where oxygen stood."""
    counts = dict(each.target.atoms)
    counts["N"] = nitrogen * counts["P"]
    counts["O"] -= NITROGEN_OVER_OXYGEN * counts["N"]
    return of_atoms({name: each.units * count for name, count in counts.items()}, each.target.film.density)


def _plain(each: Arriving) -> Deposit:
    """Return what arrives as it is; a metal as far as it is oxidised as its full oxide beside what is not."""
    target, share = each.target, each.oxidised
    metal = of_atoms(
        {name: (1.0 - share) * each.units * count for name, count in target.atoms.items()},
        target.film.density,
    )
    if share == 0.0 or target.oxide is None or target.reactive is None:
        return metal
    oxide = {target.name: share * each.units, "O": share * each.units * target.reactive.oxygen}
    return metal + of_atoms(oxide, target.oxide.density)
