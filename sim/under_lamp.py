"""A foil under the lamp: where it lies, what stack it is, and what its flashes did to it.

Lazy: a flash is only calculated when the next one comes or somebody looks, because only then the time between
them is known; a train of equal flashes is then one repeated cycle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

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
from sim.physics.anneal.state import AnnealState, PulseHistory
from sim.physics.heat.stack import Course, Environment
from sim.physics.lamp.bank import Discharge

if TYPE_CHECKING:
    from sim.physics.anneal.under_lamp import FoilUnderLamp

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
            f"the thermal twin knows LiCoO2 on {', '.join(SUBSTRATES)}, not {' / '.join(materials)}; other cathodes"
            " come with their numbers, from a sample's file or by labctl.described(sample)"
        )
    return _downwards(layers[:-1]), layers[-1]["thickness"]


class FlashedFilm:
    """A stack under the lamp with the flashes it had; crystalline [1]: of its film, before the first of them."""

    def __init__(
        self, layers: tuple[Mapping[str, Any], ...], surroundings: Surroundings, crystalline: float = 0.0
    ) -> None:
        self.model = film_under_lamp(layers, surroundings)
        self.state = self.model.initial(surroundings.start_temperature, crystalline)
        self._coldest = self.state.surface_peak
        self._sides = surroundings.environment()
        self._memo = CycleMemo()
        self._last: tuple[float, Discharge] | None = None
        self._looked: tuple[float, PulseHistory] | None = None

    @property
    def is_warm(self) -> bool:
        """Whether its last flash is still to be calculated."""
        return self._last is not None

    @property
    def is_as_made(self) -> bool:
        """Whether no flash fell on it, nor was it in a furnace."""
        return self._last is None and self.state.surface_peak <= self._coldest

    def restart(self, state: AnnealState) -> None:
        """Go on from a cold state; what was still warm is in it."""
        self.state, self._memo, self._last = state, CycleMemo(), None

    @property
    def base_temperature(self) -> float:
        """Temperature [K] of the foil's back just before its last flash; as it was made before the first."""
        return float(self.model.temperatures(self.state)[-1])

    def flash(self, time: float, discharge: Discharge) -> None:
        """Let one pulse fall on it."""
        if self._last is not None:
            self._cool_until(time)
        self._last = (time, discharge)

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
            self._looked = since, self.model.follow(self.state, discharge, longest)[1]
        history = self._looked[1]
        return float(np.interp(phase, history.time, history.back))

    def _cooled(self, dt: float) -> float:
        """Return the share [1] of a difference in temperature that is left after a time [s]."""
        transfer = self._sides.front.transfer + self._sides.back.transfer
        return math.exp(-dt * transfer / self.model.stack.warming)

    def cold(self) -> AnnealState:
        """Return the state that the flashes so far lead to, cooled down; a look changes nothing."""
        if self._last is None:
            return self.state
        state, _ = self.model.flash(self.state, self._last[1])
        return self.model.relax(state, COOL_DOWN)

    def cool_down(self) -> None:
        """Let it cool down after its last flash."""
        if self._last is not None:
            self._cool_until(self._last[0] + self._last[1].duration + COOL_DOWN)

    def _cool_until(self, time: float) -> None:
        """Calculate the last flash and the dark until `time`."""
        assert self._last is not None
        since, discharge = self._last
        period = round(time - since, NANOSECOND_DIGITS)
        self.state = self.model.cycle(self.state, discharge, period, self._memo)
        self._last = None
