"""What tells from the readings that something is wrong with a boat's film: its crystal, its vacuum.

The crystal leads the boat and looks past the shutter, so it says nothing of the shutter and may lead the boat away.
Numbers without a source are guesses.
"""

from __future__ import annotations

import math
from collections import deque

from devices.sputter.parts import MonitorReading
from devices.sputter.quartz import INTERVAL, LEAP, SMOOTHED
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.watch import STEP_LASTS, Drift, Lasting, Trouble

LATELY = 3.0
WAVERS = 0.01
"""Of the wanted rate by which a boat's own may waver at one power; guess, that of the twins stays to 0.3 %."""
STEADY = 0.2
"""Of the wanted rate within which it counts as held."""
POWER_HOLD = 0.05
"""Of the power that held the rate behind the shutter, by which it may be led away from it; guess: by 0.8 of the rate of
a boat of lithium at 90 W."""
EMPTY = 0.3
"""Of the wanted rate below which nothing comes from the boat; guess."""
DOUBTED, TOO_HIGH = 3.0, 10.0
"""Times the base pressure that the lab wants before a film: from where it is doubtful, from where it is ended; guess,
water strikes in proportion."""
PRESSURE_LASTS = 3.0
"""Seconds that a pressure must stay; guess."""


class CrystalWatch:
    """A film never shrinks, and does not leap, while the boat heats and cools either.

    rate [m/s]: the wanted one; noise [m]: by which two readings may differ without a film. lately [m/s]: how fast it
    grew within the last LATELY seconds; the monitor's own rate looks back over eight.
    """

    def __init__(self, rate: float, noise: float) -> None:
        self._rate, self._noise = rate, noise
        self.reset()

    def reset(self) -> None:
        """Begin anew, as after the monitor was set to zero."""
        self._seen: deque[tuple[float, float]] = deque(maxlen=round(LATELY / INTERVAL) + 1)
        self.lately = math.nan

    def look(self, now: float, reading: MonitorReading) -> None:
        """Raise Trouble when the crystal says so all the same."""
        at, last = self._seen[-1] if self._seen else (math.nan, math.nan)
        grown, dt = reading.thickness - last, now - at
        self._seen.append((now, reading.thickness))
        shrunk = reading.thickness - max(each for _, each in self._seen)
        since, before = self._seen[0]
        if now > since:
            self.lately = (reading.thickness - before) / (now - since)
        if shrunk < -self._noise or grown > LEAP * self._rate * max(dt, INTERVAL) + self._noise:
            by, span = (shrunk, now - since) if shrunk < -self._noise else (grown, dt)
            raise Trouble(
                "crystal",
                f"the film went by {by * 1e9:.2f} nm within {span:.1f} s, {self._rate * span * 1e9:.2f} nm are wanted"
                " at the most: the crystal fails, and nothing else holds the boat's rate",
            )


class BoatWatch:
    """The boat's rate stays by the power that was found for it. learnt [W]: that power; NaN before.

    noise [m]: by which two readings of the crystal may differ without a film. settles [s]: after which its rate stays
    at one power: what moves then is the crystal's, at whatever rate the film grows.
    """

    def __init__(self, recipe: EvaporationRecipe, noise: float, settles: float) -> None:
        self._rate, self._most, self._settles = recipe.rate, recipe.power, settles
        self.learnt = math.nan
        self._wavers = noise / SMOOTHED + WAVERS * recipe.rate
        self._before, self._lowered, self._highest = math.nan, math.inf, math.nan
        self._falls = Lasting(STEP_LASTS)
        self.reset()

    def reset(self) -> None:
        """Begin anew, as after the power was taken away."""
        self._off, self._led = Lasting(STEP_LASTS), Lasting(STEP_LASTS)
        self._stays, self._power, self._since = Drift(self._settles), math.nan, math.inf
        self._held_by, self._dry = math.nan, Lasting(STEP_LASTS)

    def held(self, rate: float) -> bool:
        """Return whether a rate [m/s] is near enough to the wanted one."""
        return abs(rate / self._rate - 1.0) <= STEADY

    def bounds(self) -> tuple[float, float]:
        """Return between which powers [W] the rate is followed."""
        if math.isnan(self.learnt):
            return 0.0, self._most
        return (1.0 - POWER_HOLD) * self.learnt, min((1.0 + POWER_HOLD) * self.learnt, self._most)

    def may_follow(self, rate: float) -> bool:
        """Return whether the power may follow a rate [m/s]: it is held, and has not just left where it stayed."""
        leaves = abs(rate - self._stays.expected) > self._wavers
        return self.held(rate) and not leaves

    def settled(self, now: float) -> bool:
        """Return whether it is known where the rate stays at the power that is set."""
        return now - self._since >= self._settles

    def moved(self, now: float, rate: float, power: float) -> bool:
        """Return whether the rate [m/s] has left where it stayed, at a power [W] that did not change; once a row."""
        if power != self._power:
            self._power, self._since = power, now
            self._stays.reset()
        return self._stays.stepped(now, rate, self._wavers)

    def behind(self, now: float, rate: float, lately: float, power: float) -> None:
        """Raise Trouble when the rate [m/s] falls behind the closed shutter though the power [W] does not; once a row.

        Nothing else tells a crystal that begins to fail while the power is led up to what holds the rate. Where it is
        led up and down, no rate at all of what held it before tells the same.
        """
        if self.held(rate):
            self._held_by = power
        is_dry = rate < EMPTY * self._rate and power > (1.0 - POWER_HOLD) * self._held_by
        if self._dry.holds(now, is_dry):
            raise Trouble(
                "boat_empty",
                f"{rate * 1e9:.3f} nm/s at {power:.0f} W, {self._held_by:.0f} W held {self._rate * 1e9:.3f} nm/s: the"
                " boat is empty, or the crystal blind",
            )
        if not power >= self._before:
            self._lowered = now
        self._before = power
        settled = now - self._lowered >= self._settles
        self._highest = max(rate, self._highest) if settled else rate
        if self._falls.holds(now, rate < self._highest - self._wavers):
            code = "boat_empty" if abs(lately) < EMPTY * self._highest else "crystal"
            raise Trouble(
                code,
                f"the rate fell from {self._highest * 1e9:.3f} to {rate * 1e9:.3f} nm/s though the power did not, now"
                f" {power:.0f} W: the boat is empty, or the crystal fails",
            )

    def look(self, now: float, rate: float, lately: float, power: float, *, moved: bool = False) -> str:
        """Return why the film is doubtful, empty if it is not. Raises Trouble when the rate [m/s] is not held."""
        # What the film had of it is no measure for the boat behind the shutter again.
        self._before = math.nan
        _, high = self.bounds()
        off = self._off.holds(now, not self.held(rate))
        if off or moved:
            wanted = self._rate if off else self._stays.expected
            said = f"{rate * 1e9:.3f} nm/s and not {wanted * 1e9:.3f} nm/s at {power:.0f} W"
            if abs(lately) < EMPTY * self._rate or (0 < lately < self._rate and power >= high - 1.0):
                raise Trouble("boat_empty", f"{said}: the boat is empty, or the crystal blind")
            raise Trouble(
                "crystal", f"{said}, {self.learnt:.0f} W held it: the crystal fails, or the boat changed"
            )
        if self._led.holds(now, abs(power - self.learnt) > POWER_HOLD * self.learnt - 1.0):
            return f"{power:.0f} W, {self.learnt:.0f} W held the rate before: the crystal may lead it away"
        return ""


class VacuumWatch:
    """The pressure over a hot boat, under which a film grows. base [Pa]: that which the lab wants before it."""

    def __init__(self, base: float) -> None:
        self._base = base
        self._doubted, self._too_high = Lasting(PRESSURE_LASTS), Lasting(PRESSURE_LASTS)

    def good(self, pressure: float) -> bool:
        """Return whether a film may grow under a pressure [Pa]; under one that no gauge shows it may not."""
        return pressure <= DOUBTED * self._base

    def look(self, now: float, pressure: float) -> str:
        """Return why the film is doubtful, empty if it is not. Raises Trouble for far too high a pressure [Pa]."""
        said = (
            f"{pressure:.2g} Pa beside the hot boat, {self._base:.2g} Pa are wanted before it: water or air"
        )
        if self._too_high.holds(now, not pressure <= TOO_HIGH * self._base):
            raise Trouble("leak", f"{said} comes in")
        return f"{said} came in" if self._doubted.holds(now, not self.good(pressure)) else ""
