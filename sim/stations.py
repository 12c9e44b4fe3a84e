"""Stations of the bench: twins that act on one another, and on the foils that lie there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sim.apparatus import FlashHead, bank_from
from sim.bench import Bench, Twin, TwinStation
from sim.foil import Foil, FoilError
from sim.parts import TwinPart
from sim.potentiostats import potentiostat_twins
from sim.twins.gentec_maestro import GentecMaestroTwin
from sim.twins.glassman_fj import GlassmanFJTwin
from sim.twins.srs_dg645 import SRSDG645Twin


class LampTwin(Twin, Protocol):
    """A twin that is spoken to in bytes."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes at time [s]; return what it answers at once."""

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back."""


class LampTwins:
    """Charger, trigger and meter around one flash head, with a foil under it or none.

    built: the station as it stands: aperture_area [m2], and what bank_from reads.
    """

    def __init__(
        self, bench: Bench, name: str, parts: Mapping[str, TwinPart], built: Mapping[str, float]
    ) -> None:
        expected = {"charger": "glassman_fj", "gate": "srs_dg645", "meter": "gentec_maestro"}
        stems = {part: each.stem for part, each in parts.items()}
        if stems != expected:
            raise ValueError(f"{name}: the twin lamp is made of {expected}, not {stems}")
        self.head = FlashHead(bank_from(built))
        self.aperture_area = built["aperture_area"]
        self.foil: Foil | None = None
        self.charger = GlassmanFJTwin(
            self.head,
            bank_power=self.head.bank.charger_power,
            **parts["charger"].taken("full_scale_voltage", "full_scale_current"),
        )
        self.gate = SRSDG645Twin(self._flash)
        self.meter = GentecMaestroTwin(
            bench.generator(f"{name}.meter"), **parts["meter"].taken("full_scale_energy")
        )
        self.parts: Mapping[str, LampTwin] = {"charger": self.charger, "gate": self.gate, "meter": self.meter}
        self.twins: Sequence[Twin] = tuple(self.parts.values())

    def exchange(self, part: str, data: bytes, now: float) -> bytes:
        """Give bytes to charger, trigger or meter."""
        return self.parts[part].receive(data, now)

    def power_cycle(self, part: str, now: float) -> None:
        """Switch one of the three off and on."""
        self.parts[part].power_up(now)

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


STATIONS: Mapping[str, Callable[[Bench, str, Mapping[str, TwinPart], Mapping[str, float]], TwinStation]] = {
    "FlashLamp": LampTwins,
    "Potentiostat": potentiostat_twins,
}
"""The twins of each role."""
