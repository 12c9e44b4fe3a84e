"""Stations of the bench: twins that act on one another, and on the foils that lie there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.apparatus import FlashHead, bank_from
from sim.bench import Bench, Twin, TwinStation
from sim.foil import Foil, FoilError
from sim.parts import TwinPart
from sim.physics.lamp.bank import Discharge
from sim.potentiostats import potentiostat_twins
from sim.singles import SingleTwins
from sim.station_faults import lamp_faults
from sim.twins.fug_probus import FuGProbusTwin
from sim.twins.gentec_maestro import GentecMaestroTwin
from sim.twins.glassman_fj import GlassmanFJTwin
from sim.twins.icpdas_7050 import ICPDAS7050Twin
from sim.twins.impac_upp import ImpacUPPTwin
from sim.twins.keithley_daq6510 import KeithleyDAQ6510Twin
from sim.twins.srs_dg645 import SRSDG645Twin

LAMP_PARTS: Mapping[str, tuple[str, ...]] = {
    "charger": ("glassman_fj", "fug_probus"),  # see CHARGERS
    "gate": ("srs_dg645",),
    "meter": ("gentec_maestro",),
    "permissives": ("icpdas_7050",),
    "pyrometer": ("impac_upp",),
    "thermometers": ("keithley_daq6510",),
    "recorder": ("keithley_daq6510",),
}
"""The stems that a twin lamp knows for each of its parts."""
CHARGERS: Mapping[str, type[GlassmanFJTwin] | type[FuGProbusTwin]] = {
    "glassman_fj": GlassmanFJTwin,
    "fug_probus": FuGProbusTwin,
}
NEEDED = ("charger", "gate", "meter")
PHOTODIODE = 5.0
"""V of the photodiode at the brightest moment of a pulse; guess."""


class LampTwin(Twin, Protocol):
    """A twin that is spoken to in bytes."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes at time [s]; return what it answers at once."""

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back."""


class LampTwins:
    """Charger, trigger and meter around one flash head, with a foil under it or none, and whatever else looks on.

    built: the station as it stands: aperture_area [m2], bleed_time_constant [s], and what bank_from reads. The
    contacts of the interlock loop act by themselves: where there is a board, an open loop raises the trigger
    generator's INHIBIT input at once. The board's own contact is in the loop where the bench says `dead_man`.
    """

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        wrong = {part: each.stem for part, each in parts.items() if each.stem not in LAMP_PARTS.get(part, ())}
        if wrong or not set(NEEDED) <= set(parts):
            raise ValueError(f"{name}: the twin lamp is made of {LAMP_PARTS}, {NEEDED} at least, not {wrong}")
        self.head = FlashHead(bank_from(built))
        self.head.bleed_time_constant = built.get("bleed_time_constant", self.head.bleed_time_constant)
        self.aperture_area = built["aperture_area"]
        self.foil: Foil | None = None
        self.surroundings = bench.surroundings
        self.charger = CHARGERS[parts["charger"].stem](
            self.head,
            bank_power=self.head.bank.charger_power,
            **parts["charger"].taken("full_scale_voltage", "full_scale_current"),
        )
        self.gate = SRSDG645Twin(self._flash, **parts["gate"].taken("dead_man"))
        self.meter = GentecMaestroTwin(
            bench.generator(f"{name}.meter"), **parts["meter"].taken("full_scale_energy")
        )
        made: dict[str, LampTwin] = {"charger": self.charger, "gate": self.gate, "meter": self.meter}
        self.board: ICPDAS7050Twin | None = None
        if "permissives" in parts:
            self.board = ICPDAS7050Twin(
                self._on_loop, dead_man=self.gate.dead_man, **parts["permissives"].taken("contacts")
            )
            self.gate.inhibit_input = not self.board.loop_closed
            made["permissives"] = self.board
        if "pyrometer" in parts:
            self.pyrometer = ImpacUPPTwin(
                self.base_temperature,
                bench.generator(f"{name}.pyrometer"),
                **parts["pyrometer"].taken("address"),
            )
            made["pyrometer"] = self.pyrometer
        for part in ("thermometers", "recorder"):
            if part in parts:
                made[part] = self._multimeter(bench.generator(f"{name}.{part}"), parts[part])
        self.recorders = [each for each in made.values() if isinstance(each, KeithleyDAQ6510Twin)]
        self.parts: Mapping[str, LampTwin] = made
        self.twins: Sequence[Twin] = tuple(made.values())
        self.faults = lamp_faults(self.head, self.charger, self.board)

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to one of the instruments."""
        return self.parts[part].receive(data, now)

    def power_cycle(self, part: str, now: float) -> None:
        """Switch one of the instruments off and on."""
        self.parts[part].power_up(now)

    def deliver(self) -> None:
        """These instruments speak only when asked."""

    def settle(self) -> None:
        """A flashed foil knows its state by itself."""

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a foil lies already, or for one that does not belong under a lamp."""
        if self.foil is not None and self.foil not in aside:
            raise FoilError(f"{self.foil.id} lies under the lamp already")
        if foil.refused_by_lamp:
            raise FoilError(foil.refused_by_lamp)

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Lay a foil under the lamp."""
        self.check_put(foil, place)
        self.foil = foil

    def check_take(self, foil: Foil) -> None:
        """It may be taken at any time."""

    def take(self, foil: Foil, now: float) -> None:
        """Take the foil away."""
        self.foil = None

    def base_temperature(self, time: float) -> float:
        """Return what lies under the lamp: the foil's back [K] at a time [s], the chuck without a foil."""
        return self.chuck_temperature(time) if self.foil is None else self.foil.temperature_at(time)

    def chuck_temperature(self, time: float) -> float:
        """Return the chuck's temperature [K], which a foil does not warm here."""
        return self.surroundings.start_temperature

    def _multimeter(self, rng: np.random.Generator, part: TwinPart) -> KeithleyDAQ6510Twin:
        """Return a multimeter with its thermocouples by name: `chuck` touches the chuck, any other the foil."""
        channels: Mapping[str, int] = part.parameters.get("channels", {})
        sources = {
            channel: self.chuck_temperature if name == "chuck" else self.base_temperature
            for name, channel in channels.items()
        }
        return KeithleyDAQ6510Twin(rng, sources=sources)

    def _on_loop(self, closed: bool, time: float) -> None:
        self.gate.inhibit_input = not closed

    def _flash(self, time: float, width: float) -> None:
        pulse = self.head.discharge(width)
        if pulse is None:
            return
        if self.foil is not None:
            self.foil.flash(time, pulse)
        self.meter.expose(pulse.exposure * self.aperture_area, time + width)
        if self.board is not None:
            self.board.count_flash()
        for recorder in self.recorders:
            recorder.pulse(time, partial(_light, pulse))


def _light(pulse: Discharge, since: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the photodiode's voltage [V] at times [s] (n,) since a pulse began: PHOTODIODE at its brightest."""
    share = pulse.power_share(since)
    return PHOTODIODE * share / pulse.power_share(0.0)


def lamp_twins(
    bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
) -> TwinStation:
    """Return the twins of a flash lamp: one made of instruments, or a tool that runs recipes by itself."""
    if "tool" not in parts:
        return LampTwins(bench, name, parts, built)
    # A bench without one does not wait for its packages, here as below.
    from sim.remote_lamps import RemoteLampTwins

    return RemoteLampTwins(bench, name, parts, built)


def sputter_twins(
    bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
) -> TwinStation:
    """Return the twins of a sputter system."""
    from sim.sputter.stations import SputterTwins

    return SputterTwins(bench, name, parts, built)


def evaporator_twins(
    bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
) -> TwinStation:
    """Return the twins of an evaporator."""
    from sim.sputter.stations import EvaporatorTwins

    return EvaporatorTwins(bench, name, parts, built)


def furnace_twins(
    bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
) -> TwinStation:
    """Return the twins of a furnace."""
    from sim.sputter.furnace import FurnaceTwins

    return FurnaceTwins(bench, name, parts, built)


def multiplexer_twins(
    bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
) -> TwinStation:
    """Return the twins of a multiplexer."""
    from sim.multiplexers import MultiplexerTwins

    return MultiplexerTwins(bench, name, parts, built)


STATIONS: Mapping[str, Callable[[Bench, str, Mapping[str, TwinPart], Mapping[str, float]], TwinStation]] = {
    "FlashLamp": lamp_twins,
    "Potentiostat": potentiostat_twins,
    "SputterSystem": sputter_twins,
    "Evaporator": evaporator_twins,
    "Furnace": furnace_twins,
    "Multiplexer": multiplexer_twins,
    "Instrument": SingleTwins,
}
"""The twins of each role."""
