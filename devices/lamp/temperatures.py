"""Two witnesses of the base temperature: what a pyrometer and thermocouples say, and whether they can be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.clock import Clock
from devices.errors import InterlockError
from devices.lamp.records import CELSIUS
from devices.limits import LampLimits
from devices.roles.furnace import Thermometers
from devices.roles.lamp_parts import Pyrometer

COLDEST, HOTTEST = 200.0, 1500.0
"""K between which a thermocouple is taken to be whole; guess, an open one reads overflow."""
FOIL, CHUCK = "foil", "chuck"
"""What the thermocouples are called that touch the foil's edge and the chuck."""


@dataclass(frozen=True)
class Base:
    """What was seen at one moment: base and chuck temperature [K] and, where there are two, the second witness's
    base; no numbers where nothing measures them. at: seconds of the clock."""

    at: float
    base: float = math.nan
    second: float = math.nan
    chuck: float = math.nan


class Witnesses:
    """Reads pyrometer and thermocouples and holds each against the other. Without any of them it sees nothing."""

    def __init__(
        self,
        clock: Clock,
        limits: LampLimits,
        pyrometer: Pyrometer | None,
        thermometers: Thermometers | None,
    ) -> None:
        self._clock, self._limits = clock, limits
        self._pyrometer, self._thermometers = pyrometer, thermometers
        self.last: Base | None = None

    @property
    def there(self) -> bool:
        """Whether anything measures the base temperature."""
        return self._pyrometer is not None or self._thermometers is not None

    def prepare(self) -> None:
        """Set them as they measure."""
        for each in (self._pyrometer, self._thermometers):
            if each is not None:
                each.prepare()

    def age(self) -> float | None:
        """Return how old the last look is [s]; None where nothing measures, infinite before the first."""
        if not self.there:
            return None
        return math.inf if self.last is None else self._clock.now() - self.last.at

    def look(self) -> Base:
        """Read them all. Raises InterlockError for what cannot be a temperature."""
        couples = {} if self._thermometers is None else dict(self._thermometers.read_temperatures())
        # Last, since it is the faster one: what it says is the base temperature of now.
        pyrometer = math.nan if self._pyrometer is None else self._pyrometer.read_temperature()
        for name, value in couples.items():
            if not COLDEST <= value <= HOTTEST:
                self._refuse("thermocouple", f"the thermocouple {name!r} reads {value:g} K: it is open")
        foil = couples.get(FOIL, math.nan)
        only_couples = self._pyrometer is None
        seen = Base(
            self._clock.now(),
            base=foil if only_couples else pyrometer,
            second=math.nan if only_couples else foil,
            chuck=couples.get(CHUCK, math.nan),
        )
        self.last = seen
        return seen

    def judged_look(self) -> Base:
        """Look at a foil that has cooled since its last pulse. Raises InterlockError when the witnesses disagree, or it
        is too hot for a pulse."""
        seen = self.look()
        apart = abs(seen.base - seen.second)
        if apart > self._limits.witness_difference:
            self._refuse(
                "base temperature",
                f"the pyrometer says {_celsius(seen.base)}, the thermocouple on the foil {_celsius(seen.second)}:"
                f" {apart:.0f} K apart, above {self._limits.witness_difference:g} K"
                " (limits.toml, lamp.witness_difference)",
            )
        self._raise_if_hot(seen)
        return seen

    def hold_against(self, before: Base, after: Base) -> None:
        """Raise InterlockError when a pulse between two looks did not move what it must move, as it must."""
        least = self._limits.least_rise
        if self._pyrometer is not None and not abs(after.base - before.base) >= least:
            self._refuse(
                "pyrometer",
                f"it stayed at {_celsius(after.base)} over a pulse: it is stuck or looks elsewhere",
            )
        foil = self._foil(after) - self._foil(before)
        chuck = after.chuck - before.chuck
        if foil < 0 or foil < chuck or (self._pyrometer is None and foil < least):
            self._refuse(
                "thermocouple",
                f"over a pulse the one on the foil changed by {foil:+.1f} K, the one on the chuck by"
                f" {chuck:+.1f} K: they are swapped, or the leads of one are",
            )

    def _foil(self, seen: Base) -> float:
        """Return what the thermocouple on the foil says [K]."""
        return seen.base if self._pyrometer is None else seen.second

    def _raise_if_hot(self, seen: Base) -> None:
        hottest = max((each for each in (seen.base, seen.second) if not math.isnan(each)), default=math.nan)
        if hottest > self._limits.base_temperature:
            self._refuse(
                "base temperature",
                f"it is {_celsius(hottest)}, above {_celsius(self._limits.base_temperature)}"
                " (limits.toml, lamp.base_temperature)",
            )

    @staticmethod
    def _refuse(permissive: str, why: str) -> None:
        raise InterlockError(permissive, f"{why}; no further pulse is fired")


def _celsius(temperature: float) -> str:
    return f"{temperature - CELSIUS:.0f} degC"
