"""A train of flashes: one software trigger per pulse, sent on the station's lane, each looked after until it is known.

Silence of the host means no pulse. The charger's watchdog (1.5 s) and the dead-man on the trigger generator's inhibit
input, where there is one, are fed by the same poller, and only while the plan renews its lease.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass

from ophyd.status import StatusBase
from ophyd.utils import InvalidState

from devices.clock import Clock, Poller
from devices.errors import InstrumentError, InterlockError, LabError, OutcomeUnknown, WireError
from devices.lamp.arming import Arming
from devices.lamp.discharge import BANK_SAFE, bleeding
from devices.lamp.parameters import LampParameters
from devices.lamp.permissives import FRESH, judged, require
from devices.lamp.records import TRACE_SAMPLES, Pulse, PulseLog
from devices.lamp.residual import Residual
from devices.lamp.states import LampMachine, LampState
from devices.lamp.temperatures import Base, Witnesses
from devices.recipes import AnnealRecipe
from devices.roles import (
    Charger,
    ChargerState,
    EnergyMeter,
    PermissiveBoard,
    PulseTrigger,
    Trace,
    TraceRecorder,
)

KEEP_ALIVE = 0.5
"""Seconds between questions to the charger, a third of its watchdog."""
LEASE = 15.0
"""Seconds the plan may stay silent before the train stops firing."""
LONGEST_HOLD = 600.0
"""Seconds a pause may last before the lamp makes itself safe."""
CHARGE_DEADLINE = 30.0
"""Seconds the bank may take to reach its voltage; 0.6 A fill 5.6 mF to 850 V in 8 s."""
CHARGE_TOLERANCE = 0.005
"""Share of the asked voltage the bank may lack when it fires; the charger reads back to 0.1 %."""
SETTLING = 0.5
"""Seconds from CHARGE_TOLERANCE to the first pulse, so that it has the bank as full as all others."""
METER_DEADLINE = 2.0
"""Seconds after a flash within which the meter has a new value (thermal heads answer in about one)."""
GATE_MARGIN = 0.02
"""Seconds from the end of a gate until the trigger generator is asked whether it was completed."""
LEAST_DROOP = 0.05
"""Share of its voltage that a flash takes from the bank at least; the paper's pulses take 18 %."""
COUNTER = 65536
"""Where the board's counter of flashes begins anew."""

MOST_MISSING = 2
"""Pulses in a row without an energy after which the lamp is taken to misfire."""
LOOK_AHEAD = 0.4
"""Seconds before a pulse at which the base temperature is looked at: a scan of thermocouples takes 0.2 s."""
TRACE_LENGTH = 2.0
"""Length of a trace of a pulse's light, in lengths of the pulse."""
LATE = 1.0
"""Seconds after which a pulse that comes late leaves a gap in its train; guess, well above what a charger varies by."""


@dataclass(frozen=True)
class LampParts:
    """The instruments of a lamp; those that not every lamp has are None."""

    charger: Charger
    trigger: PulseTrigger
    meter: EnergyMeter
    board: PermissiveBoard | None = None
    recorder: TraceRecorder | None = None


@dataclass(frozen=True)
class Crew:
    """What a train works with, besides its instruments."""

    name: str
    lane: str
    clock: Clock
    built: LampParameters
    machine: LampMachine
    arming: Arming
    log: PulseLog
    witnesses: Witnesses
    residual: Residual


class Train:
    """One train, from charging to a bank that is empty again.

    started and finished: statuses. poller() is run on the station's lane; end() ends it from anywhere.
    """

    def __init__(self, recipe: AnnealRecipe, parts: LampParts, crew: Crew) -> None:
        self.recipe = recipe
        self._parts, self._crew = parts, crew
        self._clock, self._log = crew.clock, crew.log
        clock, count = crew.clock, recipe.pulse_count
        self.started: StatusBase = clock.status(f"{crew.name} charging", 2 * CHARGE_DEADLINE)
        longest = 2 * count * max(recipe.period, METER_DEADLINE) + 2 * CHARGE_DEADLINE + 24 * 3600.0
        self.finished: StatusBase = clock.status(f"{crew.name} train of {count}", longest)
        self.began = clock.time()
        self.passed: list[tuple[float, float]] = []
        self._lock = threading.RLock()
        self._over = False
        self._paused = False
        self._due = math.inf
        self._first = math.nan
        self._flashes_before = 0
        self._missing = 0
        self._in_flight: Pulse | None = None
        self.renew_lease()

    @property
    def paused(self) -> bool:
        """Whether it is held."""
        return self._paused

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, or was ended."""
        return self._over

    @property
    def is_late(self) -> bool:
        """Whether a pulse is due that has not come."""
        return self._clock.now() > self._due

    @property
    def elapsed(self) -> float:
        """Seconds since the first pulse; none before it."""
        return max(0.0, self._clock.now() - self._first) if self.passed else 0.0

    def renew_lease(self) -> None:
        """Let it go on for another LEASE seconds."""
        self._lease_until = self._clock.now() + LEASE

    def pause(self) -> bool:
        """Hold it after the pulse in hand; return whether it was going on."""
        was, self._paused = self._paused, True
        return not was

    def resume(self) -> None:
        """Go on with the next pulse; none is repeated."""
        self._paused = False
        self.renew_lease()

    def end(self) -> bool:
        """Send no further trigger; return whether it was going on."""
        with self._lock:
            was, self._over = self._over, True
        return not was

    def finish(self, error: Exception | None) -> None:
        """Bring its statuses to their end, those that have not come to one."""
        for status in (self.started, self.finished):
            finish(status, error)

    def poller(self, done: Callable[[], None]) -> Poller:
        """Charge, fire every pulse, discharge; `done` is called when all was done and nobody ended it."""
        recipe, crew, parts = self.recipe, self._crew, self._parts
        if parts.recorder is not None:
            parts.recorder.prepare(TRACE_LENGTH * recipe.pulse_duration, TRACE_SAMPLES)
        self._let_triggers_pass()
        yield from self._charge(program=True)
        crew.machine.go(LampState.ARMED)
        finish(self.started, None)
        self._first = self._due = self._clock.now() + SETTLING
        for number in range(1, recipe.pulse_count + 1):
            held = yield from self._wait(LOOK_AHEAD if crew.witnesses.there else 0.0)
            yield from self._charge(program=False)
            before = self._looked(number)
            held = (yield from self._wait()) or held
            if self._is_stale():
                before = self._looked(number)
            self._note_gap(number)
            self._due = self._clock.now() + recipe.period
            yield from self._fire(number, before, held=held)
            self._hold_against_the_board()
        self._disarm()
        yield from bleeding(parts.charger, self._clock, crew.built.bleed_time_constant)
        self._log.tell("discharged", "info", f"bank below {BANK_SAFE:g} V")
        if self.end():
            done()

    def settle(self) -> None:
        """Find out what became of a pulse that was triggered and not yet recorded.

        On wall time the poller's last step may be at it as well; whoever is first records it.
        """
        pulse = self._in_flight
        if pulse is None:
            return
        energy, trouble = None, ""
        try:
            if pulse.confirmed is None:
                self._clock.sleep(self.recipe.pulse_duration + GATE_MARGIN, self._crew.lane)
                pulse.confirmed = self._was_fired(pulse)
        except Exception as error:  # noqa: BLE001 - the meter is asked all the same, and nothing may hang on this
            trouble = repr(error)
        until = self._clock.now() + METER_DEADLINE
        while energy is None and self._in_flight is pulse and self._clock.now() < until:
            self._clock.sleep(KEEP_ALIVE / 5, self._crew.lane)
            try:
                energy = self._clock.call(self._parts.meter.take)
            except Exception as error:  # noqa: BLE001 - as above
                trouble = repr(error)
        if trouble:
            self._log.tell("reply_lost", "warning", f"what came of pulse {pulse.number}: {trouble}")
        try:
            self._record(pulse, energy)
        except (InstrumentError, OutcomeUnknown):
            # The events have what is unknown; that a lamp stays dark matters no more when its train is over.
            return

    def _let_triggers_pass(self) -> None:
        """Set the generator and close the loop, under the lock: not after the end of the train has made them safe."""
        slots = self.recipe.micro_pulses
        with self._lock:
            if self._over:
                return
            if slots:
                width = slots[0].duty * slots[0].duration
                self._parts.trigger.prepare_burst(width, len(slots), slots[0].duration)
            else:
                self._parts.trigger.prepare(self.recipe.pulse_duration)
            if self._parts.board is not None:
                self._parts.board.enable()
                self._flashes_before = self._parts.board.flashes()

    def _hold_against_the_board(self) -> None:
        """Raise InterlockError when the board's own counter has seen more flashes than pulses are recorded.

        The flashes of a burst are not told apart there. Fewer are told by generator, bank and meter.
        """
        board = self._parts.board
        if board is None or self.recipe.micro_pulses:
            return
        counted = (board.flashes() - self._flashes_before) % COUNTER
        if counted > len(self.passed):
            raise InterlockError(
                "count",
                f"the board counted {counted} flashes of this train, {len(self.passed)} pulses are recorded: somebody"
                " else triggers the lamp. No further pulse is fired; look at the trigger's cables and clients",
            )

    def _disarm(self) -> None:
        parts, crew = self._parts, self._crew
        parts.charger.off()
        parts.trigger.safe()
        if parts.board is not None:
            parts.board.safe()
        crew.arming.end()
        with self._lock:
            if not self._over:
                crew.machine.go(LampState.COOLING)

    def _alive(self) -> ChargerState:
        """Ask charger and permissives, which feeds both watchdogs, if the plan still renews its lease."""
        if not self._paused and self._clock.now() > self._lease_until:
            raise InterlockError("lease", f"the plan was silent for {LEASE:g} s; no further pulse is fired")
        charger = self._parts.charger.state()
        board = self._parts.board
        inputs = None
        if board is not None:
            board.alive()
            inputs = board.inputs()
        require(judged(inputs, charger, None), "no further pulse is fired")
        if not charger.high_voltage_on:
            raise InstrumentError(
                f"{self._crew.name}.charger", "off", "fault, or high voltage off in the middle of a train"
            )
        return charger

    def _charge(self, *, program: bool) -> Poller:
        voltage = self.recipe.voltage
        if program:
            # Under the lock, so that it cannot come after the end of the train has switched the charger off.
            with self._lock:
                if not self._over:
                    self._crew.machine.require("charge")
                    self._parts.charger.program(voltage)
        until = self._clock.now() + CHARGE_DEADLINE
        while self._alive().voltage < (1 - CHARGE_TOLERANCE) * voltage:
            if self._clock.now() > until:
                name = f"{self._crew.name}.charger"
                raise InstrumentError(name, "slow", f"bank below {voltage:g} V after 30 s")
            yield KEEP_ALIVE / 5

    def _is_stale(self) -> bool:
        """Return whether the base temperature must be looked at again: a pause came between."""
        age = self._crew.witnesses.age()
        return age is not None and age > FRESH

    def _wait(self, ahead: float = 0.0) -> Generator[float, None, bool]:
        """Keep the charger alive until the next pulse is due, or some seconds ahead of it, and through a pause.

        Return whether there was a pause.
        """
        held = False
        hold_until = math.inf
        while self._paused or self._clock.now() < self._due - ahead:
            if self._paused and not held:
                held, hold_until = True, self._clock.now() + LONGEST_HOLD
            if self._paused and self._clock.now() > hold_until:
                raise InterlockError("hold", f"held longer than {LONGEST_HOLD:g} s")
            self._alive()
            left = max(self._due - ahead - self._clock.now(), 0.0)
            yield KEEP_ALIVE if self._paused else min(KEEP_ALIVE, left)
        return held

    def _note_gap(self, number: int) -> None:
        late = self._clock.now() - self._due
        if late > LATE and number > 1:
            self._log.interrupted()
            text = f"pulse {number} comes {late:.1f} s late; the layer counts as interrupted"
            self._log.tell("gap", "warning", text)

    def _fire(self, number: int, before: Base, *, held: bool) -> Poller:
        """Send one trigger, never a second; learn from generator, bank and meter what came of it."""
        crew, parts = self._crew, self._parts
        charger = self._alive()
        require(judged(None, charger, crew.witnesses.age()), "no further pulse is fired")
        pulse = Pulse(
            number,
            self.recipe,
            self._clock.now() - self._first,
            charger.voltage,
            held,
            base=before.base,
            chuck=before.chuck,
        )
        with self._lock:
            if self._over:
                return
            crew.machine.require("fire")
            crew.machine.go(LampState.FIRING)
            self._in_flight = pulse
            crew.arming.grant()
            parts.trigger.fire()
        yield self.recipe.pulse_duration + GATE_MARGIN
        pulse.confirmed = self._was_fired(pulse)
        pulse.after = self._alive().voltage
        after = crew.witnesses.look() if crew.witnesses.there else None
        until = self._clock.now() + METER_DEADLINE
        while (energy := parts.meter.take()) is None and self._clock.now() < until:
            self._alive()
            yield KEEP_ALIVE / 5
        self._record(pulse, energy)
        if parts.recorder is not None:
            self._log.trace(number, self._traced(number, parts.recorder))
        if after is not None:
            crew.witnesses.hold_against(before, after)
        crew.residual.energy(number, math.nan if energy is None else energy)

    def _traced(self, number: int, recorder: TraceRecorder) -> Trace | None:
        """Take the trace of a pulse's light; a trace that does not come is no reason to stop a train."""
        try:
            return recorder.take()
        except LabError as error:
            self._log.tell("reply_lost", "warning", f"the trace of pulse {number}: {error}")
            return None

    def _looked(self, number: int) -> Base:
        """Look at the base temperature just before a pulse and hold it against the prediction."""
        crew = self._crew
        if not crew.witnesses.there:
            return Base(self._clock.now())
        seen = crew.witnesses.judged_look()
        crew.residual.base(number, seen.base)
        return seen

    def _was_fired(self, pulse: Pulse) -> bool:
        """Ask the trigger generator; when its answer is lost it has forgotten, and bank and meter must tell.

        Raises InterlockError when the trigger was inhibited: then there is no pulse to look for.
        """
        try:
            return self._clock.call(self._parts.trigger.fired)
        except (WireError, OutcomeUnknown) as error:
            self._log.tell("reply_lost", "warning", f"whether pulse {pulse.number} was fired: {error}")
            return False
        except InterlockError:
            with self._lock:
                self._in_flight = None
            self._log.tell(
                "inhibited", "alarm", f"the trigger of pulse {pulse.number} was inhibited: no flash"
            )
            raise

    def _record(self, pulse: Pulse, energy: float | None) -> None:
        """Count the pulse and append its row, once; raises when nobody saw it, or when the lamp stays dark."""
        with self._lock:
            if self._in_flight is not pulse:
                return
            self._in_flight = None
            self._missing = self._missing + 1 if energy is None else 0
            if not (pulse.confirmed or pulse.emptied(LEAST_DROOP) or energy is not None):
                unknown = (
                    f"pulse {pulse.number} was triggered once and neither trigger generator, bank nor meter saw it;"
                    f" it is not repeated, {self._log.flight.done} pulses are certain. Look at the lamp before going on"
                )
                self._log.tell("outcome_unknown", "alarm", unknown)
                raise OutcomeUnknown(unknown)
            built = self._crew.built
            measured = math.nan if energy is None else energy
            self.passed.append((pulse.elapsed, pulse.before))
            self._log.count(pulse, energy, measured * built.meter_calibration / built.aperture_area)
            if not self._over:
                self._crew.machine.go(LampState.ARMED)
        if self._missing >= MOST_MISSING:
            raise InstrumentError(
                f"{self._crew.name}.meter", "dark", f"no energy from {MOST_MISSING} pulses in a row"
            )


def finish(status: StatusBase | None, error: Exception | None = None) -> None:
    """Bring a status to its end, unless it has come to one."""
    if status is None or status.done:
        return
    try:
        if error is None:
            status.set_finished()
        else:
            status.set_exception(error)
    except InvalidState:
        # On wall time its deadline, or an end from another thread, may come between the look and the call.
        return
