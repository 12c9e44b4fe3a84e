"""What a cell is, what it remembers, and what one step of it leaves: values only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sim.physics.cell.ocp import OpenCircuitPotential

Floats = NDArray[np.float64]

# The surface counts as full or empty this close to 1 or 0: a LiCoO2 electrode is then below 2.5 V or above
# 5.5 V.
SURFACE_MARGIN = 1e-12


class EndReason(StrEnum):
    """Say why a segment ended."""

    DURATION = "duration"
    UPPER_VOLTAGE = "upper_voltage"
    LOWER_VOLTAGE = "lower_voltage"
    SMALLEST_CURRENT = "smallest_current"
    LARGEST_CURRENT = "largest_current"
    CHARGE = "charge"
    VOLTAGE_RATE = "voltage_rate"
    CURRENT_RATE = "current_rate"
    LIMITING_CURRENT = "limiting_current"
    MAXIMUM_POWER = "maximum_power"
    STEADY = "steady"


class CellError(ValueError):
    """A parameter, a state or a request that the cell cannot take."""


@dataclass(frozen=True)
class Ageing:
    """Say what each cycle takes from a cell.

    plating_loss [-]: share of the lithium that arrives at the anode and is lost at once
    resistance_growth [ohm m2]: the series resistance grows by this times the root of the cycles
    active_loss [-]: share of the active film, with the lithium in it, that a cycle loses

    A cycle is a discharge of half of all sites; resistance and active share change when a charge begins after
    a discharge and are constant between, so that diffusion stays linear and a step may be cut anywhere.
    Raises CellError for a number outside its range.
    """

    plating_loss: float = 0.0
    resistance_growth: float = 0.0
    active_loss: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.plating_loss < 1.0 and 0.0 <= self.active_loss < 1.0):
            raise CellError("plating_loss and active_loss must be in [0, 1)")
        if not (math.isfinite(self.resistance_growth) and self.resistance_growth >= 0.0):
            raise CellError(f"resistance_growth = {self.resistance_growth!r} ohm m2 is outside its range")


@dataclass(frozen=True)
class CellParameters:
    """Describe one cell, per unit of its area where a quantity scales with it.

    area [m2]
    edges [m] (n + 1,): finite volumes of the film, 0 at the electrolyte, the last is the thickness
    diffusivity [m2/s] (n,)
    active_share [-] (n,): part of the sites of the dense crystal that takes part, in (0, 1]
    site_charge [C/m3]: charge of all sites of the dense crystal (x from 0 to 1)
    cathode_exchange_current [A/m2]: i0 at x = 0.5 (the law is 2 i0 sqrt(x (1 - x)))
    anode_exchange_current [A/m2]
    electrolyte_resistance, contact_resistance [ohm m2]
    anode_lithium [C/m2]: lithium on the anode as made, 0 for a cell without one
    as_made_lithium [-]: x of the film as made
    ocp: open-circuit potential of the film, which also sets the temperature
    leak_resistance [ohm m2]: from terminal to terminal; infinite without a leak, small with a short
    cathode_capacitance, anode_capacitance [F/m2]: double layers, known to spectra and to the finite-volume
    engine; electrolyte_capacitance [F/m2]: of the electrolyte as a dielectric, known to spectra only
    ageing: what each cycle takes

    Raises CellError when a number is not finite or outside its range.
    """

    area: float
    edges: tuple[float, ...]
    diffusivity: tuple[float, ...]
    active_share: tuple[float, ...]
    site_charge: float
    cathode_exchange_current: float
    anode_exchange_current: float
    electrolyte_resistance: float
    contact_resistance: float
    anode_lithium: float
    as_made_lithium: float
    ocp: OpenCircuitPotential
    leak_resistance: float = math.inf
    cathode_capacitance: float = 0.0
    anode_capacitance: float = 0.0
    electrolyte_capacitance: float = 0.0
    ageing: Ageing = field(default_factory=Ageing)

    def __post_init__(self) -> None:
        positive = ("area", "site_charge", "cathode_exchange_current", "anode_exchange_current")
        not_negative = (
            *("electrolyte_resistance", "contact_resistance", "anode_lithium"),
            *("cathode_capacitance", "anode_capacitance", "electrolyte_capacitance"),
        )
        for name in positive + not_negative:
            value = getattr(self, name)
            if not (math.isfinite(value) and (value > 0.0 or (value == 0.0 and name in not_negative))):
                raise CellError(f"{name} = {value!r} is outside its range")
        if not self.leak_resistance > 0.0:
            raise CellError(f"leak_resistance = {self.leak_resistance!r} ohm m2 is not positive")
        if not all(0.0 < share <= 1.0 for share in self.active_share):
            raise CellError(f"active_share must be in (0, 1] in every cell, got {self.active_share!r}")
        if not SURFACE_MARGIN < self.as_made_lithium < 1.0 - SURFACE_MARGIN:
            raise CellError(f"as_made_lithium = {self.as_made_lithium!r} is not inside (0, 1)")

    @property
    def thickness(self) -> float:
        """Return the thickness of the film [m]."""
        return self.edges[-1]

    @property
    def site_density(self) -> Floats:
        """Return the charge of the active sites [C/m3] (n,), x from 0 to 1."""
        return self.site_charge * np.array(self.active_share)


_LATER = {"cycles": 0.0, "discharged": 0.0, "cathode_overpotential": 0.0, "anode_overpotential": 0.0}


@dataclass(frozen=True)
class CellState:
    """Hold what a cell remembers.

    lithium [-] (n,): x of each finite volume of the film
    anode_lithium [C]: lithium on the anode
    charge [C], energy [J]: net counters since the cell was made, charging positive
    cycles [-]: how many discharges of half of all sites have aged it; discharged [C]: since then
    cathode_overpotential, anode_overpotential [V]: over the double layers, beyond the potential of the first
    volume on the cathode's side; the modal engine leaves them at 0
    """

    lithium: tuple[float, ...]
    anode_lithium: float
    charge: float
    energy: float
    cycles: float = 0.0
    discharged: float = 0.0
    cathode_overpotential: float = 0.0
    anode_overpotential: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """Return the state as plain numbers and lists; floats survive JSON exactly."""
        return {**asdict(self), "lithium": list(self.lithium)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> CellState:
        """Rebuild a state from `to_dict`; a state written before cells aged has not aged.

        Raises CellError when a key is missing, unknown, or not a finite number.
        """
        data = {**_LATER, **data}
        numbers = {"anode_lithium", "charge", "energy", *_LATER}
        if set(data) != numbers | {"lithium"}:
            raise CellError(f"a cell state has the keys {sorted(numbers | {'lithium'})}, got {sorted(data)}")
        lithium = data["lithium"]
        if not isinstance(lithium, list | tuple):
            raise CellError("lithium of a cell state must be a list of numbers")
        return cls(
            lithium=tuple(_number("lithium", value) for value in lithium),
            **{name: _number(name, data[name]) for name in sorted(numbers)},
        )


@dataclass(frozen=True)
class Segment:
    """Hold one step from its first to its last instant: rows, why it ended, and the state it left.

    time [s], voltage [V], current [A], charge [C], energy [J], all (n,); time, charge and energy count from
    the start of the step. The rows are fixed when the step is computed: reading some of them early changes
    nothing.
    """

    time: Floats
    voltage: Floats
    current: Floats
    charge: Floats
    energy: Floats
    end: EndReason
    state: CellState

    def rows_by(self, elapsed: float) -> int:
        """Return how many rows lie at or before an elapsed time [s]."""
        return int(np.searchsorted(self.time, elapsed, side="right"))


def turned(state: CellState, half_sites: float, charging: bool) -> CellState:
    """Return a state with its discharge turned into cycles when a charge begins; half_sites [C]."""
    if not charging or state.discharged == 0.0:
        return state
    return replace(state, cycles=state.cycles + state.discharged / half_sites, discharged=0.0)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CellError(f"{name} of a cell state must be a finite number, got {value!r}")
    return float(value)
