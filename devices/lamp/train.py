"""A train of flashes: one software trigger per pulse, sent on the station's lane, each looked after until it is known.

Silence of the host means no pulse. The charger's watchdog (1.5 s) and the dead-man on the trigger generator's inhibit
input, where there is one, are fed by the same poller, and only while a live plan renews the train's lease, held or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping

from devices.clock import Poller
from devices.errors import InstrumentError, InterlockError, LabError
from devices.flown.underway import finish
from devices.lamp.discharge import BANK_SAFE, bleeding
from devices.lamp.fate import GATE_MARGIN, KEEP_ALIVE, METER_DEADLINE, Crew, Fates
from devices.lamp.memory import LampTrain
from devices.lamp.parts import LampParts
from devices.lamp.permissives import FRESH, judged, require, require_never_opened
from devices.lamp.records import TRACE_SAMPLES, Pulse
from devices.lamp.states import LampState
from devices.lamp.temperatures import Base
from devices.recipes import AnnealRecipe
from devices.roles.lamp_parts import ChargerState, Trace, TraceRecorder

LONGEST_HOLD = 600.0
"""Seconds a pause may last before the lamp makes itself safe."""
CHARGE_DEADLINE = 30.0
"""Seconds the bank may take to reach its voltage; 0.6 A fill 5.6 mF to 850 V in 8 s."""
CHARGE_TOLERANCE = 0.005
"""Share of the asked voltage the bank may lack when it fires; the charger reads back to 0.1 %."""
SETTLING = 0.5
"""Seconds from CHARGE_TOLERANCE to the first pulse, so that it has the bank as full as all others."""
LOOK_AHEAD = 0.4
"""Seconds before a pulse at which the base temperature is looked at: a scan of thermocouples takes 0.2 s."""
TRACE_LENGTH = 2.0
"""Length of a trace of a pulse's light, in lengths of the pulse."""
LATE = 1.0
"""Seconds after which a pulse that comes late leaves a gap in its train; guess, well above what a charger varies by."""


class Train(LampTrain):
    """One train, from charging to a bank that is empty again. A hold lets no trigger pass."""

    fates: Fates

    def __init__(self, recipe: AnnealRecipe, parts: LampParts, crew: Crew) -> None:
        clock, count = crew.clock, recipe.pulse_count
        longest = 2 * count * max(recipe.period, METER_DEADLINE) + 2 * CHARGE_DEADLINE + 24 * 3600.0
        super().__init__(
            clock,
            clock.status(f"{crew.name} charging", 2 * CHARGE_DEADLINE),
            clock.status(f"{crew.name} train of {count}", longest),
        )
        self.recipe = recipe
        self._parts, self._crew, self._log = parts, crew, crew.log
        self.fates = Fates(recipe, parts, crew, lambda: self._over)
        self.passed = self.fates.passed
        self._lock = self.fates.lock
        self._due = math.inf
        self._first = math.nan

    @property
    def is_late(self) -> bool:
        """Whether a pulse is due that has not come."""
        return self._clock.now() > self._due

    @property
    def elapsed(self) -> float:
        """Seconds since the first pulse; none before it."""
        return max(0.0, self._clock.now() - self._first) if self.passed else 0.0

    def settle(self) -> None:
        """Find out what became of a pulse that was triggered and not yet recorded."""
        self.fates.settle()

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
            yield from self._one(number)
            self.fates.hold_against_the_board()
        self._disarm()
        yield from bleeding(parts.charger, self._clock, crew.built.bleed_time_constant)
        self._log.tell("discharged", "info", f"bank below {BANK_SAFE:g} V")
        if self.end():
            done()

    def _one(self, number: int) -> Poller:
        """Wait for a pulse's time, look at the base just before it, fire; begin again where a hold came between."""
        held = yield from self._wait(LOOK_AHEAD if self._crew.witnesses.there else 0.0)
        yield from self._charge(program=False)
        before = self._looked(number)
        while True:
            held = (yield from self._wait()) or held
            if self._is_stale():
                before = self._looked(number)
            pulse = self._triggered(number, before, held=held)
            if pulse is not None:
                yield from self._looked_after(pulse, before)
                return
            if self._over:
                return

    def _let_triggers_pass(self) -> None:
        """Set the generator and close the loop, under the lock: not after the end of the train has made them safe."""
        slots = self.recipe.micro_pulses
        with self._lock:
            if self._over:
                return
            self.fates.begin()
            # What the board counts is known to who comes after this host, whatever happens to it.
            self._crew.report(True)
            self._crew.arming.grant("set")
            if slots:
                width = slots[0].duty * slots[0].duration
                self._parts.trigger.prepare_burst(width, len(slots), slots[0].duration)
            else:
                self._parts.trigger.prepare(self.recipe.pulse_duration)
            if self._parts.board is not None:
                self._crew.arming.grant("close")
                self._parts.board.enable()

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
        """Ask gate, charger and permissives, which feeds both watchdogs, if a live plan still renews the lease."""
        self._require_lease("no further pulse is fired")
        self._parts.trigger.require_set()
        charger = self._asked_charger()
        board = self._parts.board
        inputs: Mapping[str, bool] | None = None
        if board is not None:
            self._crew.arming.grant("feed")
            board.alive()
            inputs = board.inputs()
        verdicts = judged(inputs, charger, None)
        self._crew.looks.saw(charger, {key: each for key, each in verdicts.items() if each != "not watched"})
        self._crew.report(False)
        require(verdicts, "no further pulse is fired")
        if board is not None:
            require_never_opened(board.opened(), "no further pulse is fired")
        if not charger.high_voltage_on:
            raise InstrumentError(
                f"{self._crew.name}.charger", "off", "fault, or high voltage off in the middle of a train"
            )
        return charger

    def _asked_charger(self) -> ChargerState:
        """Ask the charger as the loop that acts, which alone may keep it alive."""
        charger = self._parts.charger
        charger.acting = True
        try:
            return charger.state()
        finally:
            charger.acting = False

    def _charge(self, *, program: bool) -> Poller:
        voltage = self.recipe.voltage
        if program:
            # Under the lock, so that it cannot come after the end of the train has switched the charger off.
            with self._lock:
                if not self._over:
                    self._crew.machine.require("charge")
                    self._crew.arming.grant("charge")
                    self._parts.charger.program(voltage)
        until = self._clock.now() + CHARGE_DEADLINE
        while self._alive().voltage < (1 - CHARGE_TOLERANCE) * voltage:
            if self._clock.now() > until:
                name = f"{self._crew.name}.charger"
                raise InstrumentError(name, "slow", f"bank below {voltage:g} V after 30 s")
            yield KEEP_ALIVE / 5

    def _is_stale(self) -> bool:
        """Return whether the base temperature must be looked at again."""
        age = self._crew.witnesses.age()
        return age is not None and age > FRESH

    def _wait(self, ahead: float = 0.0) -> Generator[float, None, bool]:
        """Keep the charger alive until the next pulse is due, or some seconds ahead of it, and through a hold.

        Return whether there was a hold.
        """
        held = False
        hold_until = math.inf
        while (holding := self.is_held) or self._clock.now() < self._due - ahead:
            if holding and not held:
                held, hold_until = True, self._clock.now() + LONGEST_HOLD
            if holding and self._clock.now() > hold_until:
                raise InterlockError("hold", f"held longer than {LONGEST_HOLD:g} s")
            self._alive()
            if self._is_stale() and (holding or self._due - self._clock.now() > 2 * LOOK_AHEAD):
                # A witness that has fallen silent is not found out by the next pulse only.
                self._crew.witnesses.look()
            left = max(self._due - ahead - self._clock.now(), 0.0)
            yield KEEP_ALIVE if holding else min(KEEP_ALIVE, left)
        return held

    def _note_gap(self, number: int) -> None:
        late = self._clock.now() - self._due
        if late > LATE and number > 1:
            self._log.interrupted()
            text = f"pulse {number} comes {late:.1f} s late; the layer counts as interrupted"
            self._log.tell("gap", "warning", text)

    def _triggered(self, number: int, before: Base, *, held: bool) -> Pulse | None:
        """Send one trigger, never a second; return its pulse, None when a hold or the end came first."""
        crew, fates = self._crew, self.fates
        due = self._clock.now() + self.recipe.period
        charger = self._alive()
        require(judged(None, charger, crew.witnesses.age()), "no further pulse is fired")
        with self._lock:
            if self._over or self.is_held:
                return None
            self._note_gap(number)
            self._due = due
            elapsed = self._clock.now() - self._first
            pulse = Pulse(
                number, self.recipe, elapsed, charger.voltage, held, base=before.base, chuck=before.chuck
            )
            crew.machine.require("fire")
            crew.machine.go(LampState.FIRING)
            fates.in_flight = pulse
            crew.arming.grant("trigger")
            self._parts.trigger.fire()
        return pulse

    def _looked_after(self, pulse: Pulse, before: Base) -> Poller:
        """Learn from generator, bank and meter what came of a trigger."""
        crew, parts, number = self._crew, self._parts, pulse.number
        yield self.recipe.pulse_duration + GATE_MARGIN
        pulse.confirmed = self.fates.was_fired(pulse)
        pulse.after = self._alive().voltage
        after = crew.witnesses.look() if crew.witnesses.there else None
        until = self._clock.now() + METER_DEADLINE
        while (energy := parts.meter.take()) is None and self._clock.now() < until:
            self._alive()
            yield KEEP_ALIVE / 5
        self.fates.record(pulse, energy)
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
