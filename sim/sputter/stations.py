"""Sputter system and evaporator: firmware twins around a chamber, wired as the machine is."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, cast

from sim.bench import Bench, Twin
from sim.foil import Foil, FoilError
from sim.materials.targets import TARGETS
from sim.parts import TwinPart
from sim.physics.evaporation.source import SOURCES
from sim.physics.plasma.target import Target
from sim.sputter.built import Truth, truth_from
from sim.sputter.chamber import Chamber
from sim.sputter.chamber_faults import (
    boat_faults,
    chamber_faults,
    gun_faults,
    heater_faults,
    instrument_faults,
)
from sim.sputter.connections import BiasCable, BoatLeads, GasLine, GunCable, Plate, Spindle
from sim.sputter.evaporator_chamber import EvaporatorChamber
from sim.sputter.faults import Fault, FaultBook
from sim.sputter.gas import GasSystem
from sim.sputter.shutters import Shutters
from sim.sputter.sources import GunUnit
from sim.sputter.sputter_chamber import SputterChamber
from sim.sputter.together import Together
from sim.twins.aja_0313 import AJA0313Twin
from sim.twins.aja_dcxs import AJADCXSTwin
from sim.twins.eurotherm_2400 import Eurotherm2400Twin
from sim.twins.icpdas_7050 import ICPDAS7050Twin
from sim.twins.inficon_sqm160 import InficonSQM160Twin
from sim.twins.mks_946 import MKS946Twin
from sim.twins.pfeiffer_turbo import PfeifferTurboTwin
from sim.twins.vat_653 import VAT653Twin
from sim.twins.velleman_k8090 import VellemanK8090Twin

GUNS = ("gun1", "gun2", "gun3", "gun4")
SUPPLIES = ("aja_0313", "aja_dcxs")
COMMON: Mapping[str, tuple[str, ...]] = {
    "gas": ("mks_946",),
    "valve": ("vat_653",),
    "relays": ("velleman_k8090",),
    "permissives": ("icpdas_7050",),
    "monitor": ("inficon_sqm160",),
    "heater": ("eurotherm_2400",),
    "turbo": ("pfeiffer_turbo",),
}
SPUTTER_PARTS = {
    **dict.fromkeys(GUNS, SUPPLIES),
    "bias": ("aja_0313",),
    "ends": ("icpdas_7050",),
    **COMMON,
}
EVAPORATOR_PARTS = {"boat": ("aja_dcxs",), **COMMON}
"""The stems that these stations know for each of their parts."""
ROOM = 295.0
"""K of the gas where nothing says otherwise; guess."""
GAUGES = ("manometer", "pirani", "ion")
FULL_SPEED = 1000.0
"""Hz of the turbo pump: a HiPace 300's [its data sheet]."""
VENT_VALVE, ROUGHING_VALVE, ROTATION = "vent_valve", "roughing_valve", "rotation"


SILENT = frozenset({"relays", "turbo", "monitor", "ends"})
"""Parts whose twins do nothing by themselves."""
STILL = frozenset({"relays", "turbo", "valve", "permissives", "heater", "ends"})
"""Parts whose twins change in steps only: nothing of them goes on between two."""


class FirmwareTwin(Twin, Protocol):
    """A twin that is spoken to in bytes."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes at time [s]; return what it answers at once."""

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back."""


class ChamberTwins:
    """What both have: gas, throttle, pumps, relays, monitor, heater, board, and the faults by name.

    The board's loop holds the 24 volts of the shutters and the interlocks of all supplies: where it opens, plasma is
    off and shutters are closed, whatever anybody says.
    """

    def __init__(
        self,
        bench: Bench,
        name: str,
        parts: Mapping[str, TwinPart],
        built: Mapping[str, Any],
        chamber: Chamber,
        truth: Truth,
    ) -> None:
        self.name, self.chamber = name, chamber
        self._has_load_lock = bool(built.get("load_lock", False))
        self.supplies: dict[str, AJA0313Twin | AJADCXSTwin] = {}
        made: dict[str, FirmwareTwin] = {}
        gases = {gas: GasLine(chamber, gas) for gas in parts["gas"].parameters.get("gases", {})}
        self.gas = made["gas"] = MKS946Twin(
            dict.fromkeys(GAUGES, lambda: chamber.gas.pressure),
            gases,
            bench.generator(f"{name}.gas"),
            gauges=parts["gas"].parameters.get("gauges", {}),
            gases=parts["gas"].parameters.get("gases", {}),
            composition=chamber.gas.composition,
        )
        self._relays = {number: relay for relay, number in relays_of(parts).items()}
        self.relays = made["relays"] = VellemanK8090Twin(self._on_relay)
        if "valve" in parts:
            self.valve = made["valve"] = VAT653Twin(
                Plate(chamber, bench.generator(f"{name}.valve")), **parts["valve"].taken("full_scale")
            )
        self.monitor: InficonSQM160Twin | None = None
        if "monitor" in parts:
            self.monitor = made["monitor"] = InficonSQM160Twin(chamber, bench.generator(f"{name}.monitor"))
        if "heater" in parts:
            self.heater = made["heater"] = Eurotherm2400Twin(
                chamber.holder, terms=chamber.holder.terms, **parts["heater"].taken("decimals")
            )
        if "turbo" in parts:
            self.turbo = made["turbo"] = PfeifferTurboTwin(
                Spindle(chamber, FULL_SPEED), full_speed=FULL_SPEED
            )
        else:
            chamber.gas.rotor, chamber.gas.rotor_on = 1.0, True
        self.board = made["permissives"] = ICPDAS7050Twin(
            self._on_loop,
            is_made=chamber.shutters.is_made,
            **parts["permissives"].taken("contacts", "ends"),
        )
        self._ends = [*parts["permissives"].parameters.get("ends", ())]
        if "ends" in parts:
            more = parts["ends"].taken("contacts", "ends")
            made["ends"] = ICPDAS7050Twin(_no_loop, is_made=chamber.shutters.is_made, **more)
            self._ends += more.get("ends", ())
        self._made = made
        self._gases, self._planned = gases, truth.faults

    def _wired(self, supplies: Mapping[str, AJA0313Twin | AJADCXSTwin], own: Mapping[str, Fault]) -> None:
        """Wire the supplies into the loop, and write the book of faults."""
        self.supplies.update(supplies)
        self._on_loop(self.board.loop_closed, 0.0)
        for supply in supplies.values():
            supply.log.clear()
        faults = {
            **chamber_faults(self.chamber, self._gases, self._ends),
            **instrument_faults(self.supplies, self.monitor, self.board),
            **(heater_faults(self.chamber) if "heater" in self._made else {}),
            **own,
        }
        self.faults = FaultBook(faults, self._planned, self.chamber.tell)
        self.firmware: Mapping[str, FirmwareTwin] = {**supplies, **self._made}
        self.parts: Mapping[str, Twin] = {"chamber": self.chamber, **self.firmware}
        acting = [twin for part, twin in self.firmware.items() if part not in SILENT]
        moved = [twin for part, twin in self.firmware.items() if part not in STILL]
        self.twins: Sequence[Twin] = (Together((self.chamber, *moved), (*acting, self.faults)),)

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to one of the instruments."""
        return self.firmware[part].receive(data, now)

    def power_cycle(self, part: str, now: float) -> None:
        """Switch one of the instruments off and on."""
        self.firmware[part].power_up(now)

    def deliver(self) -> None:
        """These instruments speak only when asked."""

    def settle(self) -> None:
        """Let the sample know what has grown on it so far."""
        self.chamber.hand_over()

    def check_put(self, foil: Foil, place: str, aside: Collection[Foil] = ()) -> None:
        """Raise FoilError where a sample lies already, and for a chamber that cannot be opened."""
        self.check_take(foil)
        lies = self.chamber.foil
        if lies is not None and lies not in aside:
            raise FoilError(f"{lies.id} lies in {self.name} already")

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Lay a sample in, through air or the load lock."""
        self.check_put(foil, place)
        self.chamber.put(foil)
        gas = self.chamber.gas
        self.chamber.change(gas.open_cover if gas.is_vented else gas.let_in_sample)

    def check_take(self, foil: Foil) -> None:
        """Raise FoilError for a chamber that cannot be opened."""
        if not (self._has_load_lock or self.chamber.gas.is_vented):
            pressure = self.chamber.gas.pressure
            raise FoilError(
                f"{self.name} is under vacuum ({pressure:.2g} Pa); vent it before {foil.id} is moved"
            )

    def take(self, foil: Foil, now: float) -> None:
        """Take the sample out."""
        self.check_take(foil)
        self.chamber.take()

    def kept(self) -> dict[str, Any]:
        """Return what outlives a session, as JSON values."""
        return self.chamber.to_dict()

    def restore(self, kept: Mapping[str, Any], foil: Foil | None) -> None:
        """Be as when the last session ended, with the sample that lay in it."""
        self.chamber.restore(kept)
        self.chamber.foil = foil

    def _on_relay(self, number: int, on: bool) -> None:
        relay, chamber = self._relays.get(number, ""), self.chamber
        if relay in chamber.shutters.names:
            chamber.change(lambda: chamber.shutters.tell(relay, on))
        elif relay == VENT_VALVE:
            chamber.change(lambda: setattr(chamber.gas, "vent", on))
            chamber.tell("vent opened" if on else "vent closed", f"{chamber.gas.pressure:.3g} Pa")
        elif relay == ROUGHING_VALVE:
            chamber.change(lambda: setattr(chamber.gas, "roughing", on))
        elif relay == ROTATION:
            chamber.change(lambda: setattr(chamber, "rotates", on))

    def _on_loop(self, closed: bool, time: float) -> None:
        for supply in self.supplies.values():
            supply.interlock_open = not closed
        shutters = self.chamber.shutters
        self.chamber.change(lambda: shutters.power(closed))


class SputterTwins(ChamberTwins):
    """A sputter system.

    built: its station's parameters, of which the targets by gun, the load lock and the temperature of the gas are the
    machine's; what else truly holds is in the bench's truth of this station.
    """

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
    ) -> None:
        require_parts(name, parts, SPUTTER_PARTS, ("gun1", "gas", "valve", "relays", "permissives"))
        truth = truth_from(bench.truth_of(name))
        relays = relays_of(parts)
        gas = GasSystem(
            truth.vessel(built.get("chamber_temperature", ROOM)),
            roughing=ROUGHING_VALVE not in relays,
            pumped_for=truth.pumped_for,
        )
        guns = {gun: self._gun(bench, name, gun, parts[gun], built, truth) for gun in GUNS if gun in parts}
        chamber = SputterChamber(
            name, gas, Shutters(relays), guns, tooling=truth.tooling, mask_gap=truth.mask_gap
        )
        chamber.rotates = ROTATION not in relays
        super().__init__(bench, name, parts, built, chamber, truth)
        self.sputter = chamber
        supplies: dict[str, AJA0313Twin | AJADCXSTwin] = {}
        for gun, unit in guns.items():
            cable = GunCable(chamber, unit)
            supplies[gun] = AJA0313Twin(cable) if parts[gun].stem == "aja_0313" else AJADCXSTwin(cable)
        if "bias" in parts:
            supplies["bias"] = AJA0313Twin(BiasCable(chamber))
        self._wired(supplies, gun_faults(chamber))

    @staticmethod
    def _gun(
        bench: Bench,
        name: str,
        gun: str,
        part: TwinPart,
        built: Mapping[str, Any],
        truth: Truth,
    ) -> GunUnit:
        told = built["targets"].get(gun)
        if told is None:
            raise ValueError(f"{name}: {gun} has no target (parameters.targets)")
        material = TARGETS.get(told["material"])
        if material is None:
            raise ValueError(f"{name}: no target of {told['material']!r} is known; {', '.join(TARGETS)}")
        if gun in truth.target_lithium:
            material = material.with_lithium(truth.target_lithium[gun])
        thickness = truth.target_thickness.get(gun, Target(material.body).thickness)
        area = 0.25 * math.pi * told.get("diameter", 50.8e-3) ** 2
        return GunUnit(
            gun,
            material,
            Target(material.body, area=area, thickness=thickness),
            direct=part.stem == "aja_dcxs",
            seed=zlib.crc32(repr((*bench.seed_of(name), gun)).encode()),
            worn=told.get("worn", 0.0) / told["life"] if told.get("worn") else 0.0,
            factor=truth.rates.get(material.name, 1.0),
        )


class EvaporatorTwins(ChamberTwins):
    """An evaporator with a boat of lithium."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, Any]
    ) -> None:
        require_parts(name, parts, EVAPORATOR_PARTS, ("boat", "gas", "monitor", "relays", "permissives"))
        truth = truth_from(bench.truth_of(name))
        relays = relays_of(parts)
        gas = GasSystem(
            truth.vessel(ROOM), roughing=ROUGHING_VALVE not in relays, pumped_for=truth.pumped_for
        )
        chamber = EvaporatorChamber(
            name,
            gas,
            Shutters(relays),
            charge=truth.lithium,
            source=SOURCES[truth.source],
            throw=truth.throw,
            tooling=truth.tooling,
            rate=truth.rates.get("Li", 1.0),
            mask_gap=truth.mask_gap,
        )
        super().__init__(bench, name, parts, built, chamber, truth)
        self.evaporator = chamber
        self._wired({"boat": AJADCXSTwin(BoatLeads(chamber))}, boat_faults(chamber))


def _no_loop(closed: bool, time: float) -> None:
    """Do nothing: a board of end switches lies in no loop."""


def relays_of(parts: Mapping[str, TwinPart]) -> Mapping[str, int]:
    """Return the relays' numbers by name."""
    return cast(Mapping[str, int], parts["relays"].parameters.get("relays", {}))


def require_parts(
    name: str, parts: Mapping[str, TwinPart], known: Mapping[str, tuple[str, ...]], needed: Sequence[str]
) -> None:
    """Raise ValueError for a part that no twin is known for, or one that is missing."""
    wrong = {part: each.stem for part, each in parts.items() if each.stem not in known.get(part, ())}
    missing = [part for part in needed if part not in parts]
    if wrong or missing:
        raise ValueError(
            f"{name}: its twins are made of {known}, {needed} at least; wrong {wrong}, missing {missing}"
        )
