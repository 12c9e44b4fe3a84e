"""What a chamber does of its own, without a film: it is pumped, vented, looked at for leaks; one thing at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ophyd.status import StatusBase

from devices.base import RowStream
from devices.clock import Handle, Poller
from devices.errors import InterlockError, LabError, in_words
from devices.flown.underway import finish
from devices.sputter.crew import Crew
from devices.sputter.endings import Endings
from devices.sputter.equipment import ROUGHING_VALVE
from devices.sputter.interlocks import TURBO, judged, require
from devices.sputter.looks import CELSIUS
from devices.sputter.records import resting_row
from devices.sputter.states import ChamberState
from devices.sputter.vacuum import pumped, require_pumpable, require_ventable, risen, vented

log = logging.getLogger(__name__)

ALONE = 1.0
"""Seconds between looks meanwhile."""
PATIENCE = 7 * 24 * 3600.0
"""Seconds that a status of pumping or venting may take; what is slow ends earlier by the limits."""


class Aside:
    """Pumps, vents and checks for leaks on the chamber's lane, with a row a second.

    volume [m3] of the chamber. status: of what it did last, None before anything was.
    """

    def __init__(self, crew: Crew, rows: RowStream, leaks: RowStream, volume: float) -> None:
        self._crew, self._rows, self._leaks, self._volume = crew, rows, leaks, volume
        self._handle: Handle | None = None
        self.status: StatusBase | None = None
        self._was_opened = False

    @property
    def is_busy(self) -> bool:
        """Whether it is at something."""
        return self.status is not None and not self.status.done

    def pump_down(self, pressure: float) -> StatusBase:
        """Pump to a pressure [Pa]."""
        action = self._watched(pumped(self._crew, pressure, self._closed_tick, looked=True))
        return self._begun("pump", require_pumpable, action)

    def vent(self) -> StatusBase:
        """Let air in."""
        return self._begun("vent", require_ventable, vented(self._crew, self._tick))

    def leak_check(self, pressure: float, duration: float) -> StatusBase:
        """Pump to a pressure [Pa], close everything off for a time [s], fit how it rises."""

        def checked() -> Poller:
            rise = yield from risen(self._crew, pressure, duration, self._closed_tick)
            self._leaks.append(self._crew.clock.time(), rise.row(self._volume))
            leak = rise.slope * self._volume
            said = f"{leak:.2g} Pa m3/s ({leak * 10:.2g} mbar l/s) leak in, or come off the walls"
            self._crew.log.tell("leak", "info", said)

        return self._begun("leak check", require_pumpable, self._watched(checked()))

    def forget(self) -> None:
        """Let its status count no more: a film is what is made now."""
        self.status = None

    def call_off(self) -> None:
        """End what it is at, if anything: the chamber is made safe."""
        if self._handle is not None:
            self._handle.cancel()
        finish(self.status, LabError(f"{self._crew.name} was made safe meanwhile"))
        self._handle = self.status = None

    def _begun(self, what: str, allowed: Callable[[Crew], None], action: Poller) -> StatusBase:
        """Begin something, and return its status. Raises at once what `allowed` raises, which looks at everything."""
        crew = self._crew
        crew.log.begin(1)
        status = crew.clock.status(f"{what} {crew.name}", PATIENCE)
        # It is busy from the first look on: that takes half a second on real wires.
        before, self.status = self.status, status
        try:
            crew.clock.call(lambda: allowed(crew))
        except BaseException as error:
            # Whoever interrupts it at the prompt shall not leave it busy.
            self.status = before
            finish(status, LabError(in_words(error)))
            crew.log.tell(what, "alarm", in_words(error))
            crew.log.conclude(in_words(error))
            raise

        def poller() -> Poller:
            if status.done:
                # It was called off while it was looked at.
                return
            yield from action
            crew.log.progress(1.0, whole=True)
            crew.log.conclude("completed")
            finish(status)

        def failed(error: Exception) -> None:
            crew.log.tell(what, "alarm", in_words(error))
            crew.log.conclude(in_words(error))
            # Who typed it looks at no status.
            log.warning("%s: %s", crew.name, in_words(error))
            finish(status, error)

        self._handle = crew.clock.spawn(crew.lane, poller(), failed)
        return status

    def _watched(self, action: Poller) -> Poller:
        """Do what needs a closed chamber; when it is opened everything is made safe, and no pump pumps air."""
        crew, self._was_opened = self._crew, False
        try:
            yield from action
        except InterlockError:
            if not self._was_opened:
                raise
            yield from Endings(crew.clock, crew.equipment, crew.permits).all(gently=False)
            crew.switch(ROUGHING_VALVE, False)
            if crew.equipment.turbo is not None:
                with crew.permits.granting(TURBO):
                    crew.equipment.turbo.stop()
            if crew.machine.state is ChamberState.BASE:
                crew.machine.go(ChamberState.PUMPING)
            raise

    def _closed_tick(self) -> Poller:
        """Let a second pass, and look at everything. Raises InterlockError when the chamber is no longer closed."""
        crew = self._crew
        for second in self._tick():
            self._was_opened = "missing" in judged("pump", crew.situation()).values()
            require("pump", crew.situation(), "pumping was ended: turbo pump off, roughing valve closed")
            yield second

    def _tick(self) -> Poller:
        """Let a second pass and look at everything meanwhile."""
        crew = self._crew
        seen = crew.looks.everything()
        known: dict[str, float | str] = {
            "elapsed": crew.log.elapsed,
            "state": crew.machine.state.value,
            "pressure": crew.pressure,
            "valve_position": seen.position,
            "substrate_temperature": seen.temperature - CELSIUS,
        }
        crew.log.row(resting_row(self._rows.columns, known))
        crew.report(False)
        yield ALONE
