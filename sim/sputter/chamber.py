"""A chamber as a twin: it goes on by steps of its own, however often somebody looks.

A step ends when the chamber says so, or when something is told to it: never because of a question. Between two steps
what is shown is that of the last one, or lies on a straight line to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.foil import Foil, FoilError
from sim.grown_film import GrownFilm
from sim.physics.evaporation.mask import covered_area, half_shadow, opening_of
from sim.physics.growth import crystal as quartz
from sim.physics.growth.crystal import Crystal
from sim.sputter.gas import GasSystem
from sim.sputter.shutters import SUBSTRATE, Shutters
from sim.sputter.warmth import Oven

WARM_STEP, WARMTH = 2.0, 0.02
"""Seconds of a step while a crystal warms up, Hz from where it goes below which it does not."""
HOT_STEP, HOT = 1.0, 1.0
"""Seconds of a step while the substrate warms up under a film, K from where it goes below which it does not."""
DEAD_LOAD = quartz.mass_on(quartz.BARE - quartz.LIFE, 1.0)
"""kg/m2 of film under which a crystal stops to oscillate."""
HOLDER_SPAN, HOLDER_LAG = 900.0, 300.0
"""K by which its lamps heat the substrate in the end, s in which; guesses."""


class Chamber:
    """What a sputter chamber and an evaporator have in common; subclasses say where film comes from.

    name of its station. log: the black box. foil: the sample that lies in it. rotates: whether the substrate turns.
    mask_gap [m]: between a mask and the sample that it lies on.
    """

    def __init__(self, name: str, gas: GasSystem, shutters: Shutters, mask_gap: float) -> None:
        self.name, self.gas, self.shutters = name, gas, shutters
        self.log: list[tuple[float, str, str]] = []
        self.now = self._at = 0.0
        self.foil: Foil | None = None
        self.rotates = False
        self.crystal, self.crystal_dead = Crystal(), False
        self.holder = Oven(lambda: self.now, wall=gas.vessel.temperature, span=HOLDER_SPAN, lag=HOLDER_LAG)
        self._mask_gap = mask_gap
        self._layer = ("", 0.0)
        self._due = 0.0
        self._line = (quartz.BARE, 0.0)

    # What the subclass says.

    def _flow_on(self, dt: float) -> None:
        """Go on by dt [s] to the end of a step."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it goes on")

    def _own_stride(self) -> float:
        """Return how long [s] its sources let a step be."""
        raise NotImplementedError(f"{type(self).__name__} does not say how long a step may be")

    def _burns(self) -> bool:
        """Return whether a plasma burns."""
        raise NotImplementedError(f"{type(self).__name__} does not say whether a plasma burns")

    def _load_rate(self) -> tuple[float, float]:
        """Return what comes onto the crystal now [kg/(m2 s)], and its mean Z ratio."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its crystal weighs")

    def _source(self) -> tuple[float, float]:
        """Return how wide a mask sees what film comes from [m], and how far away [m]."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its film comes from")

    def _grown(self) -> GrownFilm | None:
        """Return what has grown since the last time."""
        raise NotImplementedError(f"{type(self).__name__} does not say what has grown")

    def _vented(self) -> None:
        """Take note that what is in it came into air."""

    # A twin.

    def advance(self, now: float) -> None:
        """Go on by all steps that end by `now`."""
        while self._due <= now:
            self._go(self._due)
            self._plan()
        self.now = now

    def next_event(self) -> float | None:
        """Return None: what it does concerns nobody until somebody looks."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def tell(self, event: str, text: str = "") -> None:
        """Write into the black box."""
        self.log.append((self.now, event, text))

    def change(self, act: Callable[[], object]) -> None:
        """Have something be told to it now: the step ends, it is done, a new one begins."""
        self._go(self.now)
        before = self.shutters.opened()
        act()
        self.gas.changed()
        self._look()
        for name, is_open in self.shutters.opened().items():
            if is_open is not before[name]:
                self.tell("shutter opened" if is_open else "shutter closed", name)
                if name == SUBSTRATE:
                    self._bounded(is_open)
        self._plan()

    def _go(self, until: float) -> None:
        """Take one step."""
        dt = until - self._at
        if dt <= 0.0:
            return
        # What happens in it happens before its end, and is written down with that.
        self.now, self._at = until, until
        was_vented = self.gas.is_vented
        self._flow_on(dt)
        self.crystal = quartz.warmed(self.crystal, self._burns(), dt)
        self._look()
        if self.gas.is_vented and not was_vented:
            self.tell("vented", f"{self.gas.pressure:.0f} Pa")
            self._vented()

    def _look(self) -> None:
        """Bring what is shown up to date."""

    def _plan(self) -> None:
        """Say when the step ends that begins now, and where the crystal goes meanwhile."""
        burning = self._burns()
        stride = min(self.gas.stride(burning=burning), self._own_stride())
        goal = quartz.IGNITION_SHIFT if burning else 0.0
        if abs(self.crystal.warmth - goal) > WARMTH:
            stride = min(stride, WARM_STEP)
        rate, z_ratio = self._load_rate()
        if rate > 0.0 and self.holder.moves(HOT):
            stride = min(stride, HOT_STEP)
        self._due = self._at + stride
        begin = self._frequency_of(self.crystal)
        end = begin
        if rate > 0.0 or self.crystal.warmth != goal:
            after = quartz.warmed(quartz.loaded(self.crystal, rate * stride, z_ratio), burning, stride)
            end = self._frequency_of(after)
        self._line = (begin, (end - begin) / stride)

    def _frequency_of(self, crystal: Crystal) -> float:
        return quartz.shown_frequency(crystal) if crystal.mass < DEAD_LOAD else 0.0

    # Its crystal.

    def frequency(self) -> float:
        """Return the crystal's true frequency [Hz]."""
        begin, slope = self._line
        return begin + slope * (self.now - self._at)

    def alive(self) -> bool:
        """Return whether the crystal oscillates."""
        return not self.crystal_dead and self.crystal.mass < DEAD_LOAD

    def new_crystal(self) -> None:
        """Put a new crystal in."""

        def put_in() -> None:
            self.crystal, self.crystal_dead = Crystal(warmth=self.crystal.warmth), False

        self.change(put_in)
        self.tell("crystal", "new")

    # Samples.

    def put(self, foil: Foil) -> None:
        """Lay a sample in."""
        self.change(lambda: setattr(self, "foil", foil))
        self.tell("sample", f"{foil.id} in")

    def take(self) -> None:
        """Take the sample out, with what has grown on it."""
        self.hand_over()
        foil, self.foil = self.foil, None
        if foil is not None:
            self.tell("sample", f"{foil.id} out")

    def hand_over(self) -> None:
        """Let the sample know what has grown on it so far."""
        self.change(lambda: None)
        self._hand()

    def _hand(self) -> None:
        film = self._grown()
        if film is None:
            return
        self._layer = (film.material, self._layer[1] + film.thickness)
        if self.foil is None:
            return
        try:
            self.foil.deposit(film, self.now)
        except FoilError as error:
            self.tell("film refused", str(error))

    def _area(self) -> float | None:
        """Return the area [m2] on which film comes through the mask on the sample, None without one."""
        if self.foil is None or not self.foil.mask:
            return None
        width, distance = self._source()
        return covered_area(opening_of(self.foil.mask), half_shadow(self._mask_gap, width, distance))

    def _bounded(self, is_open: bool) -> None:
        """Take note that the substrate's shutter opened or closed: a layer begins or ends."""
        if is_open:
            self._layer = ("", 0.0)
            self.tell("layer begun", "" if self.foil is None else self.foil.id)
            return
        self._hand()
        material, thickness = self._layer
        self.tell("layer ended", f"{material or 'nothing'} {thickness * 1e9:.3f} nm")

    # What outlives a session.

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        self.change(lambda: None)
        return {
            "gas": self.gas.to_dict(),
            "crystal": self.crystal.to_dict(),
            "temperature": self.holder.temperature(),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as to_dict wrote, without power and flows, shutters closed."""
        self.gas.restore(kept["gas"])
        self.crystal = Crystal.from_dict(kept["crystal"])
        self.holder.be(float(kept["temperature"]))
        self._look()
        self._plan()
