"""A film while it grows on the sample: from what arrives to what the sample is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sim.grown_film import GrownFilm
from sim.materials.targets import TARGETS, TargetMaterial
from sim.physics.growth.as_deposited import active_share, density, intrinsic_stress
from sim.physics.growth.defects import pinhole_density
from sim.physics.growth.deposit import Deposit, layer
from sim.physics.growth.geometry import Array, Throw, share_per_area, uniformity
from sim.physics.growth.lipon import Lipon, nitrogen_per_phosphorus
from sim.physics.growth.lithium_cobalt import lithium_per_cobalt
from sim.physics.vacuum.gases import GASES, H2O, N2, O2, Amounts, impingement

SAMPLE_RADIUS = 12.5e-3
"""m around the axis over which uniformity is told: a sample of an inch; guess."""
PLANE_RADIUS = 50e-3
"""m of what counts as the substrate's plane in the balance of masses: a wafer of 100 mm."""
PLANE_AREA = math.pi * PLANE_RADIUS**2
SPOILT = 3.0
"""Molecules of water that strike for each formula unit of LiPON from which on they spoil it; guess: at some 3e-5 Pa."""
_CIRCLES = 48
_SPREAD = np.array([0.0, 0.5, 1.0])


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
        arrived: Mapping[str, float],
        pressures: Amounts,
        dt: float,
        *,
        temperature: float,
        bias: float,
        particles: int,
        turns: bool,
        gas_temperature: float,
    ) -> None:
        """Add what arrived within dt [s]: formula units [1/m2] by target; particles on the plane."""
        self._particles += particles
        if dt <= 0.0 or not any(arrived.values()):
            return
        self.material = film_of(arrived)
        grown = grown_in(self.material, arrived, pressures, dt, self.throw.distance, temperature, bias)
        self.deposit = self.deposit + grown
        self._turned[turns] += grown.thickness
        water = impingement(pressures[H2O], GASES[H2O].molecule, gas_temperature) * dt
        self._water += water

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


def film_of(arrived: Mapping[str, float]) -> str:
    """Return what the film is that arrives from these targets."""
    coming = {name for name, units in arrived.items() if units > 0.0}
    if "LiCoO2" in coming:
        return "LiCoO2"
    if "Li3PO4" in coming:
        return "LiPON"
    return min(coming)


def grown_in(
    material: str,
    arrived: Mapping[str, float],
    pressures: Amounts,
    dt: float,
    distance: float,
    temperature: float,
    bias: float,
) -> Deposit:
    """Return what grows of a material within dt [s] while formula units [1/m2] arrive, by target.

    pressures [Pa] by gas, distance [m] of the throw, temperature [K] and bias [V] of the substrate.
    """
    pressure = sum(pressures)
    parts = [_part(TARGETS[name], units, material, bias) for name, units in arrived.items() if units > 0.0]
    grown = sum(parts[1:], parts[0])
    atoms = dict(grown.atoms)
    active = 0.0
    if material == "LiCoO2":
        ratio = lithium_per_cobalt(1.0, pressure, distance, pressures[O2] / pressure, bias)
        atoms["Li"] += (ratio - 1.0) * arrived["LiCoO2"]
        active = active_share(bias, temperature)
    elif material == "LiPON":
        atoms["N"] = nitrogen_per_phosphorus(pressures[N2], grown.thickness / dt) * atoms["P"]
    stress = intrinsic_stress(pressure, bias)
    return replace(grown, atoms=atoms, active=active * grown.thickness, stress=stress * grown.thickness)


def _part(target: TargetMaterial, units: float, material: str, bias: float) -> Deposit:
    film = target.film
    volume = film.formula_mass / density(bias) if material == target.name == "LiCoO2" else film.formula_volume
    return layer(units, volume, film.formula_mass, target.atoms, 0.0, 0.0)
