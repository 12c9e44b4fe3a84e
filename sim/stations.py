"""Stations of the bench: twins that act on one another, and on the foils that lie there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sim.apparatus import FlashHead
from sim.bench import Bench, Twin, TwinStation
from sim.foil import Foil, FoilError
from sim.physics.lamp.bank import Bank
from sim.twins.gentec_maestro import GentecMaestroTwin
from sim.twins.glassman_fj import GlassmanFJTwin
from sim.twins.squidstat import SquidstatTwin
from sim.twins.srs_dg645 import SRSDG645Twin


@dataclass(frozen=True)
class TwinPart:
    """One part as the bench file describes it: its stem, and its driver's parameters in SI."""

    stem: str
    parameters: Mapping[str, Any]

    def taken(self, *names: str) -> dict[str, Any]:
        """Return those parameters that describe the instrument itself, not how it is used."""
        return {name: self.parameters[name] for name in names if name in self.parameters}


Answer = Callable[[bytes], bytes]


class WiredTwin(Protocol):
    """A twin that is spoken to in bytes."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes at time [s]; return what it answers at once."""


class LampTwins:
    """Charger, trigger and meter around one flash head, with a foil under it or none.

    built: the station as it stands (bank_capacitance [F], lamp_constant [ohm A^0.5], aperture_area [m2]).
    """

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        expected = {"charger": "glassman_fj", "gate": "srs_dg645", "meter": "gentec_maestro"}
        stems = {part: each.stem for part, each in parts.items()}
        if stems != expected:
            raise ValueError(f"{name}: the twin lamp is made of {expected}, not {stems}")
        bank = Bank(capacitance=built["bank_capacitance"], lamp_constant=built["lamp_constant"])
        self.head = FlashHead(bank)
        self.aperture_area = built["aperture_area"]
        self.foil: Foil | None = None
        self.charger = GlassmanFJTwin(
            self.head, **parts["charger"].taken("full_scale_voltage", "full_scale_current")
        )
        self.gate = SRSDG645Twin(self._flash)
        self.meter = GentecMaestroTwin(
            bench.generator(f"{name}.meter"), **parts["meter"].taken("full_scale_energy")
        )
        self._wired: dict[str, WiredTwin] = {"charger": self.charger, "gate": self.gate, "meter": self.meter}
        self.twins: Sequence[Twin] = (self.charger, self.gate, self.meter)

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to charger, trigger or meter."""
        return self._wired[part].receive(data, now)

    def deliver(self) -> None:
        """These instruments speak only when asked."""

    def settle(self) -> None:
        """A flashed foil knows its state by itself."""

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Lay a foil under the lamp."""
        if self.foil is not None:
            raise FoilError(f"{self.foil.id} lies under the lamp already")
        if foil.built is not None:
            raise FoilError(f"{foil.id} is a cell; it does not belong under the lamp")
        self.foil = foil

    def take(self, foil: Foil, now: float) -> None:
        """Take the foil away."""
        self.foil = None

    def _flash(self, time: float, width: float) -> None:
        pulse = self.head.discharge(width)
        if pulse is None:
            return
        if self.foil is not None:
            self.foil.flash(time, pulse)
        self.meter.expose(pulse.exposure * self.aperture_area, time + width)


class PotentiostatTwins:
    """A Squidstat with cells on its channels; programs reach it through the bridge that `attach` is given."""

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        stems = [each.stem for each in parts.values()]
        if stems != ["squidstat"]:
            raise ValueError(f"{name}: the twin potentiostat is one squidstat, not {stems}")
        self.squidstat = SquidstatTwin(seed=bench.seed_of(name)[1] ^ bench.seed)
        self.twins: Sequence[Twin] = (self.squidstat,)
        self._channels: dict[str, int] = {}
        self._answer: Answer | None = None

    @property
    def library(self) -> Any:
        """What stands where a program has the vendor's module."""
        return self.squidstat.library

    def attach(self, answer: Answer) -> None:
        """Put the bridge in between: bytes of the wire go to it."""
        self._answer = answer

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to the bridge."""
        if self._answer is None:
            raise RuntimeError("no bridge was attached to the Squidstat's library")
        return self._answer(data)

    def deliver(self) -> None:
        """Let the library emit its signals."""
        self.squidstat.deliver()

    def settle(self) -> None:
        """Write the present state into the wired cells."""
        self.squidstat.settle()

    def put(self, foil: Foil, place: str, now: float) -> None:
        """Wire a cell to the channel that `place` ends with."""
        channel = int(place.partition("/")[2] or 0)
        wired = foil.as_cell()
        if channel in self._channels.values():
            raise FoilError(f"channel {channel} is taken")
        self._channels[foil.id] = channel
        self.squidstat.wire_cell(channel, wired)

    def take(self, foil: Foil, now: float) -> None:
        """Unwire it."""
        self.squidstat.wire_cell(self._channels.pop(foil.id), None)


STATIONS: Mapping[str, Callable[[Bench, str, Mapping[str, TwinPart], Mapping[str, float]], TwinStation]] = {
    "FlashLamp": LampTwins,
    "Potentiostat": PotentiostatTwins,
}
"""The twins of each role."""
