"""One anneal in a furnace: set points along a recipe's profile, temperatures as they were measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from devices.base import Column
from devices.clock import Clock, Poller
from devices.errors import InterlockError
from devices.flown.account import FlightLog
from devices.flown.underway import Underway, finish
from devices.limits import FurnaceLimits
from devices.recipes import ROOM, FurnaceRecipe
from devices.roles.lamp_parts import PermissiveBoard
from devices.sputter.flying import LONGEST, SOONEST
from devices.sputter.interlocks import HEAT, Permits
from devices.sputter.looks import CELSIUS
from devices.sputter.parts import HeaterController
from devices.sputter.watch import Lasting

FEED = 1.0
"""Seconds between two words to a dead-man, a half of its watchdog."""
SETTING = 0.1
"""K by which the set point moves before it is sent again."""
OPENED = 323.15
"""K at or below which a sample may be taken out: warm to the hand; guess."""
HOTTEST = 1300.0
"""K above room temperature at which a furnace cools as fast as it can; guess."""
COOLED = 12 * 3600.0
"""Seconds that cooling may take; guess, a tube furnace cools overnight."""

FURNACE_COLUMNS: Mapping[str, Column] = {
    "elapsed": Column("s"),
    "setpoint": Column("degC", precision=1),
    "temperature": Column("degC", precision=1, part="heater"),
    "output": Column("1", precision=3, low=0, high=1, part="heater"),
    "segment": Column("1", "integer", low=0),
    "flags": Column("1", "integer", low=0),
}
"""flags: 1 where it was held. setpoint: NaN once the heater is off. The film's dose goes by `temperature`, never by
`setpoint`."""


def measured_profile(
    elapsed: Sequence[float], temperature: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Return the points (time [s], temperature [K]) of rows (temperature [degC]), as a film's dose is taken from."""
    return tuple((float(t), float(value) + CELSIUS) for t, value in zip(elapsed, temperature, strict=True))


def cooling_time(temperature: float, fastest: float) -> float:
    """Return about how long [s] a furnace without power takes from a temperature [K] until it may be opened.

    fastest [K/s]: how it cools when it is hottest; from there on in proportion to how warm it is.
    """
    lag = HOTTEST / fastest
    return lag * math.log(max(temperature - ROOM, OPENED - ROOM) / (OPENED - ROOM))


def cooled(heater: HeaterController, clock: Clock, every: float, row: Callable[[], object]) -> Poller:
    """Wait until a heater without power is cold enough to be opened; `row` is called meanwhile, every so often [s].

    Raises InterlockError when it takes too long: then something goes on heating it.
    """
    until = clock.now() + COOLED
    while not (temperature := heater.read_temperature()) <= OPENED:
        if clock.now() > until:
            raise InterlockError(
                "temperature",
                f"still {temperature - CELSIUS:.0f} degC after {COOLED / 3600.0:.0f} h with the heater off,"
                f" {OPENED - CELSIUS:.0f} degC are wanted before it is opened: does something heat it still?",
            )
        yield every
        row()


class Baking(Underway):
    """One recipe on its way, until the sample may be taken out. A hold stays at the present set point.

    temperature [K]: as it was measured last.
    """

    def __init__(
        self,
        name: str,
        recipe: FurnaceRecipe,
        heater: HeaterController,
        board: PermissiveBoard | None,
        clock: Clock,
        log: FlightLog,
        limits: FurnaceLimits,
        permits: Permits,
        period: float,
    ) -> None:
        super().__init__(
            clock, clock.status(f"{name} heating", LONGEST), clock.status(f"{name} anneal", LONGEST)
        )
        self.recipe = recipe
        self._heater, self._board, self._log = heater, board, log
        self._limits, self._permits, self._period = limits, permits, period
        self._off = Lasting(limits.deviation_time)
        self._set = math.nan
        self.temperature = math.nan

    def poller(self, done: Callable[[], None]) -> Poller:
        """Follow the profile; `done` is called when all was done and nobody ended it."""
        points, clock = self.recipe.profile, self._clock
        if self._board is not None:
            with self._permits.granting("board close"):
                self._board.enable()
        begun, waited = clock.now(), 0.0
        last = row_due = begun
        finish(self.started, None)
        while (elapsed := clock.now() - begun - waited) < points[-1][0] and not self._over:
            self._alive()
            wanted, passed = along(points, elapsed)
            self._towards(wanted)
            if clock.now() >= row_due - SOONEST:
                self._row(clock.now() - begun, wanted, passed)
                row_due += self._period
            self._log.reached(self._finished_segments(elapsed))
            end = points[-1][0] - elapsed
            yield max(min(row_due - clock.now(), FEED, end), SOONEST)
            if self.is_held:
                waited += clock.now() - last
                self._log.interrupted()
            last = clock.now()
        if self._over:
            return
        self._heater.off()
        if self._board is not None:
            self._board.safe()
        self._row(clock.now() - begun, points[-1][1], len(points))
        self._log.reached(len(self.recipe.segments))
        yield from cooled(
            self._heater, clock, self._period, lambda: self._row(clock.now() - begun, math.nan, len(points))
        )
        if self.end():
            done()

    def _alive(self) -> None:
        self._require_lease("the heater is off")
        if self._board is not None:
            with self._permits.granting("board feed"):
                self._board.alive()
            opened = [name for name, closed in self._board.inputs().items() if not closed]
            if opened:
                raise InterlockError(", ".join(opened), "open; the heater is off")

    def _towards(self, wanted: float) -> None:
        with self._lock:
            if not self._over and not abs(wanted - self._set) < SETTING:
                with self._permits.granting(HEAT):
                    self._heater.set_temperature(wanted)
                self._set = wanted

    def _row(self, elapsed: float, wanted: float, passed: int) -> None:
        measured = self.temperature = self._heater.read_temperature()
        row = {
            "elapsed": elapsed,
            "setpoint": wanted - CELSIUS,
            "temperature": measured - CELSIUS,
            "output": self._heater.output(),
            "segment": min(passed, len(self.recipe.segments)),
            "flags": int(self.paused),
        }
        self._log.row(row)
        astray = not (math.isnan(wanted) or abs(measured - wanted) <= self._limits.deviation)
        if self._off.holds(self._clock.now(), astray):
            raise InterlockError(
                "temperature",
                f"{measured - CELSIUS:.0f} degC and not {wanted - CELSIUS:.0f} degC for"
                f" {self._limits.deviation_time:.0f} s; the heater is off",
            )

    def _finished_segments(self, elapsed: float) -> int:
        """Return how many segments are over."""
        time, temperature, over = 0.0, self.recipe.profile[0][1], 0
        for segment in self.recipe.segments:
            time += abs(segment.temperature - temperature) / segment.ramp + segment.duration
            temperature = segment.temperature
            over += elapsed >= time
        return over


def along(points: Sequence[tuple[float, float]], elapsed: float) -> tuple[float, int]:
    """Return the temperature [K] of a profile at a time [s], and how many of its points have passed."""
    passed = sum(time <= elapsed for time, _ in points)
    if passed == 0 or passed == len(points):
        return points[max(passed - 1, 0)][1], passed
    (begin, low), (end, high) = points[passed - 1], points[passed]
    return low + (high - low) * (elapsed - begin) / (end - begin), passed
