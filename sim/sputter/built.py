"""How a chamber truly is: what its station's parameters say of it, and what no lab is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.physics.vacuum.vessel import Vessel


@dataclass(frozen=True)
class PlannedFault:
    """A fault by its name, of what it befalls, and when.

    time [s] of the bench, or mean [s]: it comes by chance, drawn from seed, so long after the chamber was set up on
    average. lasts [s]; None: until it is mended. value: how bad, in the fault's own unit, where it has one.
    """

    fault: str
    of: str = ""
    time: float | None = None
    mean: float | None = None
    seed: int = 0
    lasts: float | None = None
    value: float | None = None


@dataclass(frozen=True)
class Truth:
    """What truly holds of one chamber, whatever the lab believes; the defaults are the machine of the believed numbers.

    volume [m3] and wall_area [m2]; tooling [1]: film on the sample over film on the crystal; rates [1] by target
    material: what the machine gives over what is calculated; target_thickness [m] and target_lithium, Li/Co [1] of its
    powder, by gun; mask_gap [m] between a mask and the sample that it lies on; source: what heats the lithium, a "boat"
    or an "electron beam"; lithium [kg] in it; throw [m] from there; pumped_for [s]: it stands evacuated and was under
    vacuum for so long, None: it stands open to air. faults: what will befall it.
    """

    volume: float = 60e-3  # guess: six 2-inch guns
    wall_area: float = 1.5  # guess, with shields
    tooling: float = 1.0
    rates: Mapping[str, float] = field(default_factory=dict)
    target_thickness: Mapping[str, float] = field(default_factory=dict)
    target_lithium: Mapping[str, float] = field(default_factory=dict)
    mask_gap: float = 0.2e-3  # guess
    source: str = "boat"
    lithium: float = 1e-3  # guess: three films of 2 um at 30 cm
    throw: float = 0.3  # guess
    pumped_for: float | None = None
    faults: Sequence[PlannedFault] = ()

    def vessel(self, temperature: float) -> Vessel:
        """Return the vessel, its gas at a temperature [K]."""
        return Vessel(volume=self.volume, wall_area=self.wall_area, temperature=temperature)


def truth_from(told: Mapping[str, Any]) -> Truth:
    """Return the truth that the world of a bench file tells of a station; what it does not tell is as in Truth."""
    faults = tuple(PlannedFault(**each) for each in told.get("faults", ()))
    return Truth(**{**told, "faults": faults})
