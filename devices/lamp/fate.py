"""What becomes of each pulse that was triggered: asked of generator, bank, meter, and at last the board's counter."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from devices.clock import Clock
from devices.errors import InstrumentError, InterlockError, LabError, OutcomeUnknown, WireError
from devices.lamp.arming import Arming
from devices.lamp.looks import Looks
from devices.lamp.parameters import LampParameters
from devices.lamp.parts import LampParts
from devices.lamp.records import Pulse, PulseLog
from devices.lamp.residual import Residual
from devices.lamp.states import LampMachine, LampState
from devices.lamp.temperatures import Witnesses
from devices.lamp.unfinished import COUNTER
from devices.recipes import AnnealRecipe

KEEP_ALIVE = 0.5
"""Seconds between questions to the charger, a third of its watchdog."""
METER_DEADLINE = 2.0
"""Seconds after a flash within which the meter has a new value (thermal heads answer in about one)."""
GATE_MARGIN = 0.02
"""Seconds from the end of a gate until the trigger generator is asked whether it was completed."""
LEAST_DROOP = 0.05
"""Share of its voltage that a flash takes from the bank at least; the paper's pulses take 18 %."""
MOST_MISSING = 2
"""Pulses in a row without an energy after which the lamp is taken to misfire."""


@dataclass(frozen=True)
class Crew:
    """What a train works with, besides its instruments. report: tells what it does, to outlive a power cut or not."""

    name: str
    lane: str
    clock: Clock
    built: LampParameters
    machine: LampMachine
    arming: Arming
    log: PulseLog
    witnesses: Witnesses
    residual: Residual
    looks: Looks
    report: Callable[[bool], None]


class Fates:
    """The pulses of one train: at most one in flight, all others recorded, each once.

    passed: time since the first [s] and bank voltage [V] of each. unknown: whether nobody saw one. lock: who holds it
    decides what is in flight.
    """

    def __init__(
        self, recipe: AnnealRecipe, parts: LampParts, crew: Crew, is_over: Callable[[], bool]
    ) -> None:
        self.recipe, self._parts, self._crew, self._is_over = recipe, parts, crew, is_over
        self._clock, self._log = crew.clock, crew.log
        self.lock = threading.RLock()
        self.passed: list[tuple[float, float]] = []
        self.in_flight: Pulse | None = None
        self.flashes_before: int | None = None
        self.unknown = False
        self._missing = 0

    @property
    def gates(self) -> int:
        """How many flashes the board sees of one pulse."""
        return max(1, len(self.recipe.micro_pulses))

    def begin(self) -> None:
        """Look at the board's counter before anything can fire."""
        if self._parts.board is not None:
            # It forgets on reading: from now on it tells whether its count began anew.
            self._parts.board.was_off()
            self.flashes_before = self._parts.board.flashes()

    def settle(self) -> None:
        """Find out what became of a pulse that was triggered and not yet recorded.

        On wall time the poller's last step may be at it as well; whoever is first records it.
        """
        pulse = self.in_flight
        if pulse is None:
            return
        energy, trouble = None, ""
        try:
            if pulse.confirmed is None:
                self._clock.sleep(self.recipe.pulse_duration + GATE_MARGIN, self._crew.lane)
                pulse.confirmed = self.was_fired(pulse)
        except Exception as error:  # noqa: BLE001 - the meter is asked all the same, and nothing may hang on this
            trouble = repr(error)
        until = self._clock.now() + METER_DEADLINE
        while energy is None and self.in_flight is pulse and self._clock.now() < until:
            self._clock.sleep(KEEP_ALIVE / 5, self._crew.lane)
            try:
                energy = self._clock.call(self._parts.meter.take)
            except Exception as error:  # noqa: BLE001 - as above
                trouble = repr(error)
        if trouble:
            self._log.tell("reply_lost", "warning", f"what came of pulse {pulse.number}: {trouble}")
        try:
            self.record(pulse, energy)
        except (InstrumentError, OutcomeUnknown):
            # The events have what is unknown; that a lamp stays dark matters no more when its train is over.
            return

    def hold_against_the_board(self) -> None:
        """Raise InterlockError when the board's own counter has seen more flashes than pulses are recorded.

        The flashes of a burst are not told apart there. Fewer are told by generator, bank and meter.
        """
        board = self._parts.board
        if board is None or self.recipe.micro_pulses:
            return
        counted = self._counted(board.flashes())
        if counted > len(self.passed):
            raise InterlockError(
                "count",
                f"the board counted {counted} flashes of this train, {len(self.passed)} pulses are recorded: somebody"
                " else triggers the lamp. No further pulse is fired; look at the trigger's cables and clients",
            )

    def was_fired(self, pulse: Pulse) -> bool:
        """Ask the trigger generator; when its answer is lost it has forgotten, and bank and meter must tell.

        Raises InterlockError when the trigger was inhibited: then there is no pulse to look for.
        """
        try:
            return self._clock.call(self._parts.trigger.fired)
        except (WireError, OutcomeUnknown) as error:
            self._log.tell("reply_lost", "warning", f"whether pulse {pulse.number} was fired: {error}")
            return False
        except InterlockError:
            with self.lock:
                self.in_flight = None
            self._log.tell(
                "inhibited", "alarm", f"the trigger of pulse {pulse.number} was inhibited: no flash"
            )
            raise

    def record(self, pulse: Pulse, energy: float | None) -> None:
        """Count the pulse and append its row, once; raises when nobody saw it, or when the lamp stays dark."""
        seen = bool(pulse.confirmed) or pulse.emptied(LEAST_DROOP) or energy is not None
        seen = seen or self._seen_by_the_board(pulse)
        with self.lock:
            if self.in_flight is not pulse:
                return
            self.in_flight = None
            self._missing = self._missing + 1 if energy is None else 0
            if not seen:
                self.unknown = True
                unknown = (
                    f"pulse {pulse.number} was triggered once and neither trigger generator, bank, meter nor the"
                    f" board's counter saw it; it is not repeated, {self._log.flight.done} pulses are certain. Look at"
                    " the lamp before going on"
                )
                self._log.tell("outcome_unknown", "alarm", unknown)
                raise OutcomeUnknown(unknown)
            built = self._crew.built
            measured = math.nan if energy is None else energy
            self.passed.append((pulse.elapsed, pulse.before))
            self._log.count(pulse, energy, measured * built.meter_calibration / built.aperture_area)
            if not self._is_over():
                self._crew.machine.go(LampState.ARMED)
        if self._missing >= MOST_MISSING:
            raise InstrumentError(
                f"{self._crew.name}.meter", "dark", f"no energy from {MOST_MISSING} pulses in a row"
            )

    def _counted(self, flashes: int) -> int:
        return (flashes - (self.flashes_before or 0)) % COUNTER

    def _seen_by_the_board(self, pulse: Pulse) -> bool:
        """Ask the witness that no reply of another instrument can hide: its counter goes on by itself."""
        board = self._parts.board
        if board is None or self.flashes_before is None:
            return False
        try:
            counted = self._counted(self._clock.call(board.flashes))
        except LabError as error:
            self._log.tell("reply_lost", "warning", f"whether pulse {pulse.number} was counted: {error}")
            return False
        return counted > len(self.passed) * self.gates
