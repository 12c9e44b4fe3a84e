"""What every film's flight has: a lease, a row a second, a shutter that opens only when all is well, an end in order.

A film cannot be made twice. What was put on is counted between the acknowledged opening and closing of the shutter; a
pause closes it at once, and nothing is ever repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from devices.clock import Poller
from devices.errors import InterlockError
from devices.flown.underway import UNHEARD, Underway, finish
from devices.sputter.crew import Crew
from devices.sputter.endings import Endings
from devices.sputter.equipment import ROTATION, ROUGHING_VALVE, SUBSTRATE_SHUTTER, shutter_of
from devices.sputter.looks import CELSIUS, Seen
from devices.sputter.parts import MonitorReading
from devices.sputter.records import Film, FilmFlag
from devices.sputter.shutter_watch import UNSEEN, UNSEEN_OPEN, ShuttersWatch
from devices.sputter.states import ChamberState
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.vacuum import pumped
from devices.sputter.watch import ArcWatch, RateWatch, Trouble

ROW = 1.0
"""Seconds between two rows, a half of the shortest watchdog."""
JUST_OPENED = 25.0
"""Seconds of an open shutter before which a crystal's failing takes the power at once: one that begins in the first
fifteen is known up to ten later."""
REPORT_ROWS = 10
"""Rows between two reports to the state file."""
SOONEST = 1e-3
"""Seconds that a row takes at least, and by which a shutter may close too early."""
LONGEST = 30 * 24 * 3600.0
"""Seconds that a flight may take in all; guess, the longest film of the papers is an overnight run."""

KEPT_ON: Mapping[str, str] = {
    ROTATION: "the relay of the substrate's rotation is off: it does not turn any more",
    ROUGHING_VALVE: "the roughing valve is closed: nothing pumps behind the turbo pump",
}
"""What is told of relays that a film needs on."""


class EndedMeanwhile(Exception):
    """The flight was ended from another thread while it was about to act."""


class ChamberFlight(Underway):
    """One film, from pumping to a chamber without power and gas; subclasses say how the source is run."""

    material: str
    base_pressure: float
    thickness: float
    sources: tuple[str, ...]
    blind = "no crystal weighs the film"
    """Why the monitor cannot tell whether a shutter opened, where it cannot."""

    def __init__(self, crew: Crew, film: Film, keeper: ThicknessKeeper, energy: Callable[[], float]) -> None:
        clock = crew.clock
        super().__init__(
            clock, clock.status(f"{crew.name} pumping", LONGEST), clock.status(f"{crew.name} film", LONGEST)
        )
        self.film, self.keeper = film, keeper
        self._crew, self._energy = crew, energy
        self.endings = Endings(clock, crew.equipment, crew.permits, self.shut, self.keep)
        self.area = math.nan
        self._recorded = self._kept = False
        self._powered = self._lit = self._presputtered = False
        self._steady = False
        self._flags = FilmFlag.OK
        self._number = 0
        self._next = self._last = clock.now()
        self._power: dict[str, float] = {}
        self._arcs, self._rates = ArcWatch(crew.limits), RateWatch(crew.limits)
        self._shutters = ShuttersWatch(crew.equipment)
        self._due = self._until = math.inf
        self._told: Trouble | None = None
        self._alarm: tuple[str, str] | None = None
        self._kept_on: set[str] = set()

    def pause(self) -> bool:
        """Hold it: the shutter is closed when this returns. Return whether it was going on."""

        def hold() -> bool:
            with self._lock:
                was_going = Underway.pause(self)
                if was_going and self.keeper.is_open:
                    self._close(None)
            return was_going

        return self._clock.call(hold)

    def give_up(self, trouble: Trouble) -> None:
        """End it with the next row, as if the loop had seen it itself."""
        self._told = trouble

    def shut(self) -> None:
        """Take note that the shutter closed just now; harmless twice."""
        if self.keeper.is_open:
            self.keeper.closed(self._clock.now(), None)
            self._crew.log.progress(self._share())

    def keep(self) -> None:
        """Write down why it is given up, and what came through the shutter, once, unless the layer is written.

        Its host may die before the power is down and the layer is written.
        """
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            self._crew.log.tell(alarm[0], "alarm", alarm[1])
        if self.film.openings and not (self._kept or self._recorded):
            self._kept = True
            self._row(self._crew.looks.seen)
            self._crew.report(True)

    def settle(self) -> None:
        """Write the layer, once, if the shutter was ever open; what is thinner than asked is doubtful."""
        if self.film.openings and not self._recorded:
            self._recorded = True
            if self._crew.log.flight.done < self._crew.log.flight.asked:
                self.film.doubt(self._cut_short())
            monitor = self._crew.looks.seen.monitor
            life = math.nan if monitor is None else monitor.life
            self._crew.log.layer(self.material, self.film, self._energy(), self.area, life)

    def _cut_short(self) -> str:
        """Return why a film is doubtful that was ended early."""
        return f"ended before it was done, at {self._so_far()}"

    def _so_far(self) -> str:
        """Return what was put on of what was asked, in words."""
        if math.isnan(self.film.thickness):
            return f"{self.film.open_time:.0f} s of open shutter"
        return f"{self.film.thickness * 1e9:.1f} of {self.thickness * 1e9:.1f} nm"

    def poller(self, done: Callable[[], None]) -> Poller:
        """Make the film; `done` is called when all was done and nobody ended it."""
        try:
            yield from self._pumped()
            finish(self.started, None)
            yield from self._film()
        except EndedMeanwhile:
            return
        except Exception as error:
            yield from self._given_up(error)
            raise
        if self.end():
            self.settle()
            done()

    def _film(self) -> Poller:
        """Make the film in a chamber at its base pressure, and leave it without power and gas."""
        raise NotImplementedError(f"{type(self).__name__} does not say how its film is made")

    def _columns(self, seen: Seen) -> Mapping[str, float]:
        """Return the columns of a row that depend on the kind of chamber."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its rows hold")

    def _watch(self, now: float, seen: Seen) -> None:
        """Raise Trouble when something is wrong; asked at every row."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it watches")

    def _watch_relays(self, seen: Seen) -> None:
        """Raise Trouble for a relay that is off though the film needs it on."""
        for relay in self._kept_on:
            if seen.relays.get(relay) is False:
                raise Trouble(relay, KEPT_ON[relay])

    def _asked(self) -> tuple[str, ...]:
        """Return the supplies that have power, which every row asks."""
        return self.sources

    def _act(self, seen: Seen) -> None:
        """Do what every row asks for: by default nothing."""

    def _sees_the_film(self) -> bool:
        """Return whether the monitor weighs what comes through the shutter."""
        return not math.isnan(self.film.monitor)

    def _book(self, grown: float) -> None:
        """Count what came [m] through a shutter that was told to be closed; NaN if nobody knows. By default none."""

    def _left(self) -> float:
        """Return how many seconds the shutter must stay open still."""
        raise NotImplementedError(f"{type(self).__name__} does not say when its film is done")

    def _share(self) -> float:
        """Return how much of the film is done, 0 to 1."""
        return self.film.thickness / self.thickness

    def _pumped(self) -> Poller:
        yield from pumped(self._crew, self.base_pressure, self._tick)
        self._kept_on.add(ROUGHING_VALVE)

    def _given_up(self, error: Exception) -> Poller:
        """Close the shutter first, then take the power away, then the gas; say why the layer is doubtful."""
        with self._lock:
            if self._over:
                return
            self._powered = False
        code = error.permissive if isinstance(error, InterlockError) else type(error).__name__
        self._alarm = code, f"{error}; the shutter is closed, the power is taken away"
        gently = error.gently if isinstance(error, Trouble) else True
        if self.film.openings:
            self.film.doubt(str(error))
            if not (self.keeper.is_open or self.film.open_time):
                # It came through a shutter that was never told to open: if the host died now, nobody would know.
                self.endings.write_down()
        yield from self.endings.all(gently=gently)
        if self.film.openings:
            self._steady = False
            self._row(self._crew.looks.seen)

    def _tick(self, *, within: float = ROW) -> Poller:
        """Look, write a row, watch; then wait for the next second, or for as long as `within`."""
        if self._told is not None:
            raise self._told
        now = self._clock.now()
        if self.is_unheard_of:
            raise Trouble("lease", UNHEARD)
        self._number += 1
        crew = self._crew
        if self._powered:
            with crew.permits.granting("board feed"):
                crew.equipment.board.alive()
        seen = crew.looks.row(self._number, sources=self._asked() if self._powered else ())
        if self.keeper.is_open:
            self.keeper.grown(now, seen.monitor)
            self._due = min(now + self._left(), self._until)
            crew.log.progress(self._share())
        self._account(now, seen)
        self._row(seen)
        self._watch_relays(seen)
        try:
            self._watch(now, seen)
        except Trouble as trouble:
            if trouble.code == "leak":
                # A pump that was closed off looks like one: the relays are asked before it is blamed.
                seen.relays = crew.equipment.relays.states()
                self._watch_relays(seen)
            raise
        self._act(seen)
        if self._number % REPORT_ROWS == 0:
            crew.report(False)
        self._next += ROW
        if self._next <= now:
            self._next = now + ROW
        if self.keeper.is_open:
            within = self._due - now
        yield max(min(self._next - now, within), SOONEST)

    def _account(self, now: float, seen: Seen) -> None:
        """Count the energy since the last row."""
        dt, self._last = now - self._last, now
        if not self._powered:
            return
        if self.keeper.is_open:
            own = seen.supplies.get("bias")
            self.film.bias += 0.0 if own is None else own.bias * dt
            self.film.heat += seen.temperature * dt
        for source in self.sources:
            energy = seen.supplies[source].load * dt
            self._worn(source, energy)
            if self.keeper.is_open:
                self.film.energy += energy

    def _worn(self, source: str, energy: float) -> None:
        """Take note of what a source had [J]."""

    def _row(self, seen: Seen) -> None:
        film, log = self.film, self._crew.log
        row: dict[str, float | int | str] = {
            "elapsed": log.elapsed,
            "state": self._crew.machine.state.value,
            "rate": math.nan if seen.monitor is None else seen.monitor.rate,
            "thickness": film.monitor,
            "thickness_by_time": film.by_time,
            "open_time": film.open_time,
            "shutter_open": int(self.keeper.is_open),
            "flags": int(self._flags | film.flags),
            **self._columns(seen),
        }
        if "substrate_temperature" in log.columns:
            row["substrate_temperature"] = seen.temperature - CELSIUS
        log.row(row)

    def _count_arcs(self, now: float, sparks: Mapping[str, int]) -> None:
        """Count arcs into the film while it grows. Raises Trouble in a storm."""
        if sparks:
            self._flags |= FilmFlag.ARC
            if self.keeper.is_open:
                self.film.arcs += sum(sparks.values())
        else:
            self._flags &= ~FilmFlag.ARC
        self._arcs.look(now, sparks)

    def _hold_monitor_against_time(self, seen: Seen, stepped: str, *, goes_on: bool) -> None:
        """Raise Trouble when the monitor fails; or go by rate times time from here on, where a rate is known.

        stepped: what its rate says of it, which counts until it was given up.
        """
        why = self.keeper.monitor_fails(seen.monitor) or (
            "" if self.film.flags & FilmFlag.BY_TIME else stepped
        )
        if not why:
            return
        self.film.doubt(f"crystal: {why}")
        gently = self.keeper.open_for >= JUST_OPENED
        if not goes_on:
            raise Trouble("crystal", f"{why}, and the recipe does not say to go on without it", gently=gently)
        if not self.keeper.is_calibrated:
            raise Trouble("crystal", f"{why}, and no calibrated rate could go on without it", gently=gently)
        self.film.flags |= FilmFlag.BY_TIME
        self._crew.log.tell("crystal", "alarm", f"{why}; from here on rate times time counts")

    @contextmanager
    def _deed(self, permit: str) -> Iterator[None]:
        """Act, unless it was ended meanwhile; what comes after the end would undo it."""
        with self._lock:
            if self._over:
                raise EndedMeanwhile
            with self._crew.permits.granting(permit):
                yield

    def _go(self, state: ChamberState) -> None:
        with self._lock:
            if self._over:
                raise EndedMeanwhile
            self._crew.machine.go(state)

    def _close_the_loop(self) -> None:
        """Close the dead-man's contact, from here on fed with every row."""
        board = self._crew.equipment.board
        with self._deed("board forget"):
            board.forget()
        with self._deed("board close"):
            board.enable()
        self._powered = True

    def _deposited(self, most: float = math.inf) -> Poller:
        """Open the shutter until the film is done, or somebody holds it; or for so many seconds at the most."""
        crew = self._crew
        crew.looks.everything(acting=True)
        crew.require("open", "the shutter stays closed", lit=self._lit, presputtered=self._presputtered)
        self._rates = RateWatch(crew.limits)
        self._require_monitor()
        self._shutters.begin()
        if self._open(most):
            while self.keeper.is_open and self._clock.now() < self._due - SOONEST:
                yield from self._tick()
            if self.keeper.is_open:
                with self._lock:
                    self._close(self._reading())
                if self._due < self._until:
                    crew.log.progress(1.0, whole=True)
            self._doubt_the_unseen()
        crew.report(True)

    def _require_monitor(self) -> None:
        """Raise Trouble when what must weigh the film is dead, before anything is lit or opened. By default nothing."""

    def _doubt_the_unseen(self) -> None:
        """Doubt a film of which neither crystal nor end switches tell that its shutters were open."""
        way = self._way
        if not self._sees_the_film() and not self._shutters.were_open(way):
            seen = not set(way) & set(self._crew.equipment.unseen_shutters)
            self.film.doubt(UNSEEN_OPEN if seen else f"{UNSEEN} {self.blind}")

    @property
    def _way(self) -> tuple[str, ...]:
        """The shutters between the sources of this film and the substrate, its own first."""
        own = {SUBSTRATE_SHUTTER, *map(shutter_of, self.sources)}
        return tuple(each for each in self._crew.equipment.shutters if each in own)

    def _opened(self) -> tuple[str, ...]:
        """Return which shutters were told to be open."""
        return self._way if self.keeper.is_open else ()

    def _seen_closed(self) -> Poller:
        """Wait for the end switches to say that all shutters are closed. Raises Trouble when they do not in time."""
        while not self._shutters.look(self._clock.now(), None, ()):
            yield from self._tick()

    def _watch_shutters(self, now: float, seen: Seen) -> None:
        """Raise Trouble for a shutter that is not where it was told to be; what came through is counted."""
        try:
            self._shutters.row(now, seen.monitor, self._opened())
        except Trouble:
            if not self._shutters.substrate.is_right:
                self._came_through(seen)
            raise

    def _came_through(self, seen: Seen) -> None:
        """Count what the crystal weighed since the shutter, which was told to be closed, was last seen to be."""
        if not self.keeper.is_open:
            now_weighs = math.nan if seen.monitor is None else seen.monitor.thickness
            counted = (self._shutters.substrate.thickness, self.keeper.counted)
            last = max((each for each in counted if not math.isnan(each)), default=math.nan)
            self._book(now_weighs - last)

    def _open(self, most: float) -> bool:
        """Open the shutters, unless somebody holds it; the substrate's last. Return whether they are open.

        most: seconds for which they are open at the most, if the film is not done before.
        """
        crew = self._crew
        reading = self._reading()
        with self._lock:
            if self.is_held:
                return False
            self._go(ChamberState.DEPOSIT)
            for shutter in reversed(self._way):
                crew.switch(shutter, True)
            self.keeper.opened(self._clock.now(), reading)
            self._until = self._clock.now() + most
            self._due = min(self._clock.now() + self._left(), self._until)
        first = "" if most == math.inf else f", {most:.0f} s of them now: its rate is a guess"
        crew.log.tell(
            "shutter_open", "info", f"opening {self.film.openings}, {self._left():.0f} s to go{first}"
        )
        return True

    def _close(self, reading: MonitorReading | None) -> None:
        """Close the shutters, the substrate's first."""
        crew = self._crew
        for shutter in crew.equipment.shutters:
            crew.switch(shutter, False)
        self.keeper.closed(self._clock.now(), reading)
        if not self._over:
            crew.machine.go(ChamberState.PLASMA)
        grown = self.film.thickness * 1e9
        crew.log.tell(
            "shutter_closed", "info", f"{grown:.1f} nm after {self.film.open_time:.1f} s of open shutter"
        )

    def _reading(self) -> MonitorReading | None:
        monitor = self._crew.equipment.monitor
        return None if monitor is None or math.isnan(self.film.monitor) else monitor.read_film()

    def _held(self, ramp_down: Callable[[], Poller]) -> Poller:
        """Stay behind the closed shutter until somebody goes on; without power when that takes long."""
        crew, since = self._crew, self._clock.now()
        crew.log.interrupted()
        crew.log.tell("hold", "warning", f"held at {self.film.thickness * 1e9:.1f} nm, the shutter is closed")
        self.film.flags |= FilmFlag.HELD
        while self.is_held:
            if self._lit and self._clock.now() - since > crew.limits.hold:
                crew.log.tell("hold", "warning", "held for long: the source is ramped down")
                yield from ramp_down()
            yield from self._tick()
        self.film.paused += self._clock.now() - since
        crew.log.tell("resume", "info", f"after {self._clock.now() - since:.0f} s")

    def _rotate(self, on: bool) -> None:
        """Turn the substrate, where a relay does that. Raises InterlockError where it shall turn and none does."""
        names = self._crew.equipment.relays.names()
        if on and ROTATION not in names:
            raise InterlockError(
                "rotation", f"no relay of {self._crew.name} is called {ROTATION!r}; nothing was done"
            )
        if ROTATION in names:
            (self._kept_on.add if on else self._kept_on.discard)(ROTATION)
            self._crew.switch(ROTATION, on)

    def told(self) -> dict[str, Any]:
        """Return what a report says of it, in JSON."""
        film = self.film
        return {
            "thickness": None if math.isnan(film.thickness) else film.thickness,
            "open_time": film.open_time,
            "held": self.is_held,
            "shutter_open": self.keeper.is_open,
        }
