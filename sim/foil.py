"""The world's side of a sample: what a twin foil truly is, and how it came to be so.

Lazy: a flash is only calculated when the next one comes or somebody looks, because only then the time between
them is known; a train of equal flashes is then one repeated cycle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.detuning import Detuning
from sim.history import History
from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import (
    BARE_SKIN,
    FLASH_STATION,
    HANGING,
    MODELS,
    bare,
    lco_on,
    mechanics_of,
)
from sim.physics.anneal.cycles import CycleMemo
from sim.physics.anneal.damage import Mechanics
from sim.physics.anneal.furnace import in_furnace
from sim.physics.anneal.state import AnnealResult, AnnealState, PulseHistory
from sim.physics.anneal.under_lamp import FoilUnderLamp
from sim.physics.heat.stack import Course, Environment
from sim.physics.lamp.bank import Discharge

if TYPE_CHECKING:
    from sim.physics.cell.cell import Cell, CellState

NANOSECOND_DIGITS = 9
COOL_DOWN = 60.0
"""Seconds after a flash until a foil is handled: 24 of its cooling time constants at 100 W/m2/K (244 J/m2K / 100)."""


@dataclass(frozen=True)
class Surroundings:
    """Where foils lie under the lamp, and by which of MODELS their films are calculated.

    chuck temperature [K], heat transfer to the chuck and to the air [W/m2/K]. chuck_course: points (time since a
    foil's first flash [s], temperature [K]) of a chuck that warms up; the constant temperature holds where it is
    empty. hanging: there is no chuck, but air behind the foil as well.
    Raises ValueError for a model that is not known, or a foil that hangs and has a chuck's course.
    """

    chuck_temperature: float = FLASH_STATION.back.temperature
    back_transfer: float = FLASH_STATION.back.transfer
    front_transfer: float = FLASH_STATION.front.transfer
    chuck_course: tuple[tuple[float, float], ...] = ()
    hanging: bool = False
    model: str = "S1"

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"model = {self.model!r}: there are {', '.join(MODELS)}")
        if self.hanging and self.chuck_course:
            raise ValueError("chuck_course: a hanging foil has no chuck")

    def environment(self) -> Environment:
        """Return them as the heat calculation wants them."""
        air = replace(FLASH_STATION.front, transfer=self.front_transfer)
        if self.hanging:
            return Environment(air, HANGING.back)
        chuck = replace(FLASH_STATION.back, transfer=self.back_transfer, temperature=self.chuck_temperature)
        return Environment(air, chuck)

    def course(self) -> Course | None:
        """Return the chuck's temperature over time, or None where it is constant."""
        if not self.chuck_course:
            return None
        times, temperatures = zip(*self.chuck_course, strict=True)
        return Course(times, temperatures)

    @property
    def start_temperature(self) -> float:
        """Temperature [K] of a foil before its first flash."""
        return self.chuck_course[0][1] if self.chuck_course else self.environment().back.temperature


@dataclass
class BuiltCell:
    """A cell built on a foil: its model and its state, which whatever it is wired to writes back."""

    cell: Cell
    state: CellState


class FoilError(ValueError):
    """Something that cannot be done to this foil."""


def film_under_lamp(layers: tuple[Mapping[str, Any], ...], surroundings: Surroundings) -> FoilUnderLamp:
    """Return the thermal model of a stack; FoilError when it is not a LiCoO2 film on substrates that are known."""
    if is_bare(layers):
        return bare(_downwards(layers), surroundings.environment(), surroundings.course())
    below, thickness = _film_on(layers)
    model = MODELS[surroundings.model]
    return lco_on(
        below,
        thickness,
        surroundings.environment(),
        absorptance=model.absorptance,
        chuck=surroundings.course(),
        film=model.film,
    )


def film_mechanics(layers: tuple[Mapping[str, Any], ...]) -> Mechanics:
    """Return what its damage under mismatch goes by; FoilError as for film_under_lamp."""
    if is_bare(layers):
        return mechanics_of(BARE_SKIN, _downwards(layers))
    below, thickness = _film_on(layers)
    return mechanics_of(thickness, below)


def is_bare(layers: tuple[Mapping[str, Any], ...]) -> bool:
    """Return whether there is no film: substrates only, as for a calibration of the lamp."""
    return all(layer["material"] in SUBSTRATES for layer in layers)


def _downwards(layers: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """Return layers from the top down: material, thickness [m]."""
    return [(layer["material"], layer["thickness"]) for layer in layers[::-1]]


def _film_on(layers: tuple[Mapping[str, Any], ...]) -> tuple[list[tuple[str, float]], float]:
    """Return the substrate from the film down (material, thickness [m]) and the film's thickness [m]."""
    materials = [layer["material"] for layer in layers]
    if materials[-1] != "LiCoO2" or len(materials) < 2 or not set(materials[:-1]) <= set(SUBSTRATES):
        raise FoilError(
            f"the thermal twin knows LiCoO2 on {', '.join(SUBSTRATES)}, not {' / '.join(materials)}"
        )
    return _downwards(layers[:-1]), layers[-1]["thickness"]


def check_cell_layers(cell_layers: tuple[Mapping[str, Any], ...]) -> None:
    """Raise FoilError when the layers on the cathode are not LiPON and Li."""
    materials = [layer["material"] for layer in cell_layers]
    if materials != ["LiPON", "Li"]:
        raise FoilError(
            f"the cell twin knows LiPON / Li on the cathode, not {' / '.join(materials) or 'nothing'}"
        )


def cell_on(result: AnnealResult, cell_layers: tuple[Mapping[str, Any], ...], area: float) -> Cell:
    """Return the cell built on an annealed film; FoilError when the layers are not LiPON and Li."""
    # A film under the lamp is no cell yet, and the packages of one take a quarter of a second to import.
    from sim.materials import cathode
    from sim.materials.annealed_film import annealed_cell
    from sim.physics.cell.cell import Cell

    check_cell_layers(cell_layers)
    electrolyte, anode = cell_layers
    parameters = annealed_cell(result.depth, result.width, result.crystalline, result.peak, area=area)
    return Cell(
        replace(
            parameters,
            electrolyte_resistance=electrolyte["thickness"] / cathode.LIPON_CONDUCTIVITY,
            electrolyte_capacitance=cathode.LIPON_PERMITTIVITY / electrolyte["thickness"],
            anode_lithium=anode["thickness"] * cathode.LITHIUM_SITE_CHARGE,
        )
    )


class Foil:
    """A foil with its film, under the lamp or as a cell.

    description: id, layers, cell_layers, area as plain values in SI. detuning: how the cell on it differs from what
    they make it. Times [s] are the bench's.
    """

    def __init__(
        self, description: Mapping[str, Any], surroundings: Surroundings, detuning: Detuning | None = None
    ) -> None:
        self.description = dict(description)
        self.layers = tuple(description["layers"])
        self.surroundings, self._detuning = surroundings, detuning
        self._under_lamp = film_under_lamp(self.layers, surroundings)
        self._state = self._under_lamp.initial(surroundings.start_temperature)
        self._memo = CycleMemo()
        self._last: tuple[float, Discharge] | None = None
        self._looked: tuple[float, PulseHistory] | None = None
        self.built: BuiltCell | None = None
        self.history = History()

    @property
    def id(self) -> str:
        """The sample's id."""
        return str(self.description["id"])

    def as_cell(self) -> BuiltCell:
        """Return the cell built on it; FoilError when there is none."""
        if self.built is None:
            raise FoilError(f"{self.id} is no cell yet: its electrolyte and anode are missing")
        return self.built

    def flash(self, time: float, discharge: Discharge) -> None:
        """Let one pulse fall on the film; FoilError when a cell is built on it: its lithium would melt."""
        if self.built is not None:
            raise FoilError(f"{self.id} is a cell; it does not belong under the lamp")
        if self._last is not None:
            self._cool_until(time)
        self._last = (time, discharge)
        self.history.add(
            event="flash", time=time, voltage=discharge.voltage_before, exposure=discharge.exposure
        )

    @property
    def base_temperature(self) -> float:
        """Temperature [K] of the foil's back just before its last flash; as it was made before the first."""
        return float(self._under_lamp.temperatures(self._state)[-1])

    def temperature_at(self, time: float) -> float:
        """Return the temperature [K] of the foil's back at a time [s] after its last flash; a look changes nothing.

        Where the cycle before was of the same flash, this one goes as that one did from a base that is a little
        warmer, and the difference cools away; else it is calculated, once for every flash.
        """
        if self._last is None or time <= self._last[0]:
            return self.base_temperature
        since, discharge = self._last
        shown, phase = self._memo.shown, time - since
        if shown is not None and shown.discharge == discharge and phase <= shown.history.time[-1]:
            apart = self.base_temperature - float(shown.history.back[0])
            return float(np.interp(phase, shown.history.time, shown.history.back)) + apart * self._cooled(
                phase
            )
        if self._looked is None or self._looked[0] != since or phase > self._looked[1].time[-1]:
            longest = discharge.duration + max(COOL_DOWN, 2.0 * phase)
            self._looked = since, self._under_lamp.follow(self._state, discharge, longest)[1]
        history = self._looked[1]
        return float(np.interp(phase, history.time, history.back))

    def _cooled(self, dt: float) -> float:
        """Return the share [1] of a difference in temperature that is left after a time [s]."""
        sides = self.surroundings.environment()
        return math.exp(-dt * (sides.front.transfer + sides.back.transfer) / self._under_lamp.stack.warming)

    def annealed(self) -> AnnealResult:
        """Return what the flashes so far made of the film, cooled down."""
        return self._under_lamp.result(self._cold())

    def heated(self, profile: Sequence[tuple[float, float]]) -> AnnealResult:
        """Return what a furnace would make of the film as it is; FoilError when a cell is built on it.

        profile: points (time [s], temperature [K]) with straight lines between.
        """
        if self.built is not None:
            raise FoilError(f"{self.id} is a cell; its lithium would melt in a furnace")
        time, temperature = np.array(profile).T
        return self._under_lamp.result(in_furnace(self._under_lamp, self._cold(), time, temperature))

    def assemble(self, time: float) -> None:
        """Put the cell layers on: from now on it is a cell. Harmless when it is one already."""
        if self.built is not None:
            return
        if is_bare(self.layers):
            raise FoilError(f"{self.id} has no film; a cell cannot be built on it")
        if self._last is not None:
            self._cool_until(self._last[0] + self._last[1].duration + COOL_DOWN)
        cell = self._cell()
        self.built = BuiltCell(cell, cell.fresh())
        self.history.add(event="assembled", time=time)

    def to_dict(self) -> dict[str, Any]:
        """Return the foil as JSON values; what was still warm has cooled down."""
        if self._last is not None:
            self._cool_until(self._last[0] + self._last[1].duration + COOL_DOWN)
        return {
            "description": self.description,
            "anneal": self._state.to_dict(),
            "cell": None if self.built is None else self.built.state.to_dict(),
            "history": list(self.history),
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], surroundings: Surroundings, detuning: Detuning | None = None
    ) -> Foil:
        """Return the foil that to_dict wrote."""
        foil = cls(data["description"], surroundings, detuning)
        foil._state = AnnealState.from_dict(data["anneal"])
        foil.history = History(data["history"])
        if data["cell"] is not None:
            from sim.physics.cell.cell import CellState

            foil.built = BuiltCell(foil._cell(), CellState.from_dict(data["cell"]))
        return foil

    def _cell(self) -> Cell:
        cell = cell_on(self.annealed(), tuple(self.description["cell_layers"]), self.description["area"])
        return cell if self._detuning is None else type(cell)(self._detuning.of(cell.parameters))

    def _cold(self) -> AnnealState:
        """Return the state that the flashes so far lead to, cooled down."""
        if self._last is None:
            return self._state
        state, _ = self._under_lamp.flash(self._state, self._last[1])
        return self._under_lamp.relax(state, COOL_DOWN)

    def _cool_until(self, time: float) -> None:
        """Calculate the last flash and the dark until `time`."""
        assert self._last is not None
        since, discharge = self._last
        period = round(time - since, NANOSECOND_DIGITS)
        self._state = self._under_lamp.cycle(self._state, discharge, period, self._memo)
        self._last = None
