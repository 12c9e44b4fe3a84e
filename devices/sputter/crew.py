"""What a flight in a chamber works with, besides its recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from devices.clock import Clock
from devices.limits import SputterLimits
from devices.sputter.equipment import Equipment
from devices.sputter.interlocks import Bounds, Permits, Situation, require
from devices.sputter.looks import Looks
from devices.sputter.records import FilmLog
from devices.sputter.states import UNDER_WAY, ChamberMachine, Deed


@dataclass(frozen=True)
class Gauges:
    """By which gauges the chamber goes: for the process, for its base pressure, for roughing; in order of trust."""

    process: tuple[str, ...]
    base: str
    rough: tuple[str, ...]


@dataclass(frozen=True)
class Crew:
    """What a flight works with. report: tells what it does, to outlive a power cut or not."""

    name: str
    lane: str
    clock: Clock
    equipment: Equipment
    looks: Looks
    machine: ChamberMachine
    permits: Permits
    log: FilmLog
    limits: SputterLimits
    gauges: Gauges
    report: Callable[[bool], None]

    def situation(self, *, lit: bool = False, presputtered: bool = False) -> Situation:
        """Return what deeds are judged by, of the last look."""
        limits = self.limits
        bounds = Bounds(
            limits.plasma_pressure, limits.vent_temperature, limits.turbo_share, self.gauges.process
        )
        return Situation(self.looks.seen, bounds, lit, presputtered, self.name)

    @property
    def pressure(self) -> float:
        """What the chamber's pressure [Pa] was at the last look, NaN where no gauge showed one.

        By the process gauge while gas is let in; without, it shows its zero, and the base gauge goes first.
        """
        gauges, seen = self.gauges, self.looks.seen
        if self.machine.state in UNDER_WAY:
            return seen.pressure(*gauges.process, gauges.base)
        return seen.pressure(gauges.base, *gauges.rough)

    @property
    def shown(self) -> float:
        """The pressure [Pa] as a person is told it, NaN where no gauge knows it.

        A process gauge without gas shows its zero, and no chamber reaches what a hot one may show in starting.
        """
        gauges, seen = self.gauges, self.looks.seen
        if self.machine.state in UNDER_WAY:
            return self.pressure
        rough = (each for each in gauges.rough if each not in gauges.process)
        found = seen.pressure(gauges.base, *rough)
        return found if found >= self.limits.base_pressure_least else math.nan

    def require(self, deed: Deed, consequence: str, *, lit: bool = False, presputtered: bool = False) -> None:
        """Raise InterlockError unless state and interlocks allow a deed now."""
        self.machine.require(deed)
        require(deed, self.situation(lit=lit, presputtered=presputtered), consequence)

    def switch(self, relay: str, on: bool) -> None:
        """Switch a relay, if it is there."""
        relays = self.equipment.relays
        if relay in relays.names():
            with self.permits.granting(f"relay {relay}"):
                relays.switch(relay, on)
            # What was acknowledged is known until the relays are looked at again.
            self.looks.seen.relays = {**self.looks.seen.relays, relay: on}
