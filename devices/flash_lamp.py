"""The flash lamp station: charger, trigger generator and energy meter acting together.

A train is one software trigger per pulse, sent by a poller on the station's lane, so that silence means no
pulse. The charger's watchdog (1.5 s) is fed by the same poller, and only while the plan renews its lease.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import threading
from collections.abc import Generator, Mapping
from typing import Annotated, Self, cast

from ophyd.status import StatusBase
from ophyd.utils import InvalidState
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.bank import charging_time, energy_between, voltage_after
from devices.base import EVENT_COLUMNS, Column, Instrument, Station
from devices.clock import Clock, Handle, Poller
from devices.errors import InstrumentError, InterlockError, LabError, LimitError, OutcomeUnknown, WireError
from devices.limits import LampLimits
from devices.places import ChuckCourse, ChuckTemperature, ChuckTransfer, FilmModel, Mount, require_chuck
from devices.quantities import STRICT, Unit
from devices.recipes import AnnealRecipe
from devices.roles import (
    AnnealJob,
    Bring,
    Charger,
    EnergyMeter,
    Flight,
    Hands,
    Prediction,
    Predictor,
    PulseTrigger,
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
BANK_SAFE = 50.0
"""V below which the bank counts as discharged, and a hand may come near the lamp."""
BLEED_PERIOD = 1.0
"""Seconds between looks at a bank that bleeds."""
BLEED_DEADLINE = 600.0
"""Seconds a bank may take to discharge; with a time constant of 20 s it needs one minute."""
MOST_MISSING = 2
"""Pulses in a row without an energy after which the lamp is taken to misfire."""


class PulseFlag(enum.IntFlag):
    """What a pulse's row may have to say about itself."""

    OK = 0
    HELD_BEFORE = 1
    ENERGY_MISSING = 2
    TRIGGER_UNCONFIRMED = 4
    BANK_MISSING = 8


class LampState(enum.Enum):
    """What the station is doing."""

    SAFE = "safe"
    CHARGING = "charging"
    FIRING = "firing"
    HELD = "held"
    BLEEDING = "bleeding"
    FAULT = "fault"


@dataclasses.dataclass
class Pulse:
    """A pulse that was triggered and is not yet recorded; times in s since the first, bank voltages in V."""

    number: int
    recipe: AnnealRecipe
    elapsed: float
    before: float
    held: bool
    confirmed: bool | None = None
    after: float = math.nan


PULSE_COLUMNS: Mapping[str, Column] = {
    "pulse": Column("1", "integer", low=1),
    "elapsed": Column("s"),
    "bank_voltage_before": Column("V", precision=1, low=0, part="charger"),
    "bank_voltage_after": Column("V", precision=1, low=0, part="charger"),
    "pulse_energy": Column("J", precision=4, low=0, part="meter"),
    "exposure": Column("J/m^2", precision=0, low=0, part="meter"),
    "duration": Column("s"),
    "counter": Column("1", "integer", low=0),
    "flags": Column("1", "integer", low=0),
}


class FlashLampStation(Station):
    """A flash lamp as plans see it.

    Control: prepare(job), kickoff(), stop(), safe().
    Get: flight(), state.
    Measure: stream `primary`, one row per pulse; stream `events`.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    role = "FlashLamp"
    parts = ("charger", "gate", "meter")

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Of the station as built and as the lab knows it: the meter, the lamp with its charger, where foils lie.

        aperture_area [m2] and calibration [1] of the meter. Of the lamp: bank_capacitance [F], lamp_constant [ohm
        A^0.5], explosion_constant [J s^-0.5]; efficiency [1], the share of the bank's energy that comes out as light
        on exposed_area [m2]; charger_power [W] and charger_current [A] that reach the bank. Of the foil's
        place: mount, chuck_temperature [K] or chuck_course over the time since a foil's first flash,
        chuck_transfer [W/(m2 K)] between foil and chuck; model, the set by which films are predicted.

        The defaults are the example lamp: a tube of 15 cm by 5 mm (guess) on a 600 W, 1 kV charger, its efficiency and
        chuck_transfer fitted to the FLA paper. Bank, lamp and charger bound mean power and rate; predictions use all.
        """

        aperture_area: Annotated[float, Field(gt=0, le=1e-2), Unit("m^2")]
        meter_calibration: Annotated[float, Field(gt=0, le=10), Unit("1")]
        bank_capacitance: Annotated[float, Field(gt=0, le=1), Unit("F")]
        lamp_constant: Annotated[float, Field(gt=0, le=1000), Unit("ohm A^0.5")]
        efficiency: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.49213
        exposed_area: Annotated[float, Field(gt=0, le=1), Unit("m^2")] = 20e-4
        explosion_constant: Annotated[float, Field(gt=0, le=1e8), Unit("J/s^0.5")] = 1.5e5
        charger_power: Annotated[float, Field(gt=0, le=1e5), Unit("W")] = 600.0
        charger_current: Annotated[float, Field(gt=0, le=1e3), Unit("A")] = 0.6
        mount: Mount = "chuck"
        chuck_temperature: ChuckTemperature = 298.15
        chuck_course: ChuckCourse = ()
        chuck_transfer: ChuckTransfer = 100.0
        model: FilmModel = "S1"

        @model_validator(mode="after")
        def _chuck_is_there_for_its_course(self) -> Self:
            require_chuck(self.mount, self.chuck_course)
            return self

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: Parameters,
        limits: LampLimits,
        hands: Hands,
        predictor: Predictor | None = None,
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self._charger = cast(Charger, instruments["charger"])
        self._trigger = cast(PulseTrigger, instruments["gate"])
        self._meter = cast(EnergyMeter, instruments["meter"])
        self.parameters, self.limits = parameters, limits
        self._hands, self._predictor = hands, predictor
        self._pulses = self.add_stream("primary", PULSE_COLUMNS)
        self._events = self.add_stream("events", EVENT_COLUMNS)
        self.state = LampState.SAFE
        self._job: AnnealJob | None = None
        self._train: Handle | None = None
        self._started: StatusBase | None = None
        self._finished: StatusBase | None = None
        self._flight = Flight("never started", 0, 0, False)
        self._kicked_off = 0.0
        self._lease_until = 0.0
        self._paused = False
        self._missing = 0
        self._preparation = 0
        self._in_flight: Pulse | None = None
        self._lock = threading.RLock()

    def predict(self, job: AnnealJob) -> Prediction | None:
        """Ask the injected predictor; None when the lab has none."""
        return None if self._predictor is None else self._predictor.anneal(job.sample, job.recipe)

    def check(self, recipe: AnnealRecipe) -> None:
        """Raise LimitError when the lab's limits do not allow the recipe; nothing is sent."""
        limits = self.limits
        if recipe.micro_pulses:
            why = f"{self.name}.micro_pulses (its trigger generator gates whole pulses only)"
            raise LimitError(why, len(recipe.micro_pulses), "micro-pulses", 0, 0)
        for quantity, value, unit, high in (
            ("bank_voltage", recipe.voltage, "V", limits.bank_voltage),
            ("pulse_duration", recipe.pulse_duration, "s", limits.pulse_duration),
            ("pulse_count", recipe.pulse_count, "pulses", limits.pulse_count),
            ("rate", recipe.rate, "Hz", limits.rate),
            ("average_power", self.electrical_energy(recipe) * recipe.rate, "W", limits.average_power),
        ):
            if not 0 < value <= high:
                where = f"limits.toml, lamp.{quantity} or lamps.{self.name}.{quantity}"
                raise LimitError(f"{self.name}.{quantity} ({where})", value, unit, 0, high)
        if not recipe.rate <= (fastest := self.fastest_rate(recipe)):
            why = f"{self.name}.rate (its charger fills the bank again no faster)"
            raise LimitError(why, recipe.rate, "Hz", 0, fastest)

    def electrical_energy(self, recipe: AnnealRecipe) -> float:
        """Return what one pulse draws from the bank [J]."""
        return energy_between(recipe.voltage, self._voltage_after(recipe), self.parameters.bank_capacitance)

    def fastest_rate(self, recipe: AnnealRecipe) -> float:
        """Return how often the charger can fill the bank again [Hz] after a pulse of this recipe."""
        built = self.parameters
        recharge = charging_time(
            self._voltage_after(recipe),
            recipe.voltage,
            built.charger_power,
            built.charger_current,
            built.bank_capacitance,
        )
        return 1 / (recharge + recipe.pulse_duration)

    def _voltage_after(self, recipe: AnnealRecipe) -> float:
        built = self.parameters
        return voltage_after(
            recipe.voltage, recipe.pulse_duration, built.bank_capacitance, built.lamp_constant
        )

    def prepare(self, job: AnnealJob) -> StatusBase:
        """Check the job, have the sample brought, set trigger and meter; nothing is charged yet."""
        if self._train is not None:
            raise LabError(f"{self.name} is in the middle of a train; stop it first")
        self.check(job.recipe)
        status = self.clock.status(f"prepare {self.name}", 24 * 3600.0)
        self._preparation += 1
        number = self._preparation

        def call_hands() -> Poller:
            self._charger.off()
            yield from self._bleed()
            brought = self._hands.set(Bring(job.sample, self.name))
            brought.add_callback(lambda _: self.clock.spawn(self.lane, configure(brought), fail))

        def configure(brought: StatusBase) -> Poller:
            failure = brought.exception(timeout=0)
            if failure is not None:
                raise failure
            if number != self._preparation:
                raise InterlockError(
                    "preparation", "it was called off before the sample came; nothing was set"
                )
            self._trigger.prepare(job.recipe.pulse_duration)
            self._meter.prepare()
            self._job = job
            status.set_finished()
            yield from ()

        def fail(error: Exception) -> None:
            self._finish(status, error)

        self.clock.spawn(self.lane, call_hands(), fail)
        return status

    def kickoff(self) -> StatusBase:
        """Charge the bank and begin the train; the status finishes when the bank is charged."""
        if self._job is None:
            raise LabError(f"{self.name} was not prepared; nothing was charged")
        if self._train is not None:
            raise LabError(f"{self.name} is already firing; a train is never started twice")
        job, self._job = self._job, None
        recipe = job.recipe
        self._flight = Flight("running", recipe.pulse_count, 0, False)
        self._kicked_off = self.clock.now()
        self._paused, self._missing = False, 0
        self.state = LampState.CHARGING
        self.renew_lease()
        self._started = self.clock.status(f"{self.name} charging", 2 * CHARGE_DEADLINE)
        longest = (
            2 * recipe.pulse_count * max(recipe.period, METER_DEADLINE) + 2 * CHARGE_DEADLINE + 24 * 3600.0
        )
        self._finished = self.clock.status(f"{self.name} train of {recipe.pulse_count}", longest)
        with self._lock:
            self._train = self.clock.spawn(self.lane, self._fire_train(recipe), self._fail)
        return self._started

    def complete(self) -> StatusBase:
        """Return the status that finishes with the train."""
        if self._finished is None:
            raise LabError(f"{self.name} was not kicked off")
        return self._finished

    def renew_lease(self) -> None:
        """Let the train go on for another LEASE seconds."""
        self._lease_until = self.clock.now() + LEASE

    def flight(self) -> Flight:
        """Return what was asked and done."""
        return self._flight

    def pause(self) -> None:
        """Hold the train after the pulse in hand; the bank stays charged for LONGEST_HOLD seconds at most."""
        if self._train is not None and not self._paused:
            self._paused = True
            self._tell("hold", "warning", f"held after pulse {self._flight.done} of {self._flight.asked}")

    def resume(self) -> None:
        """Go on with the next pulse; none is repeated."""
        if self._paused:
            self._paused = False
            self.renew_lease()

    def stop(self, *, success: bool = False) -> None:
        """End the train now and make the station safe; the pulses not yet fired are not fired."""
        self._preparation += 1
        self._job = None
        self._end("stopped")

    def safe(self) -> None:
        """Inhibit triggers, switch the charger off, let the bank bleed. Raises LabError naming what did not obey."""
        self._end("made safe")

    def close(self) -> None:
        """Make it safe: a lamp nobody looks after holds no charge."""
        self._end("closed")

    def _end(self, reason: str, error: Exception | None = None) -> None:
        """Make everything safe first; then account for the pulse in hand and finish the statuses."""
        with self._lock:
            train, self._train = self._train, None
        unsafe = self._made_safe()
        if train is not None:
            train.cancel()
            self._settle_pulse()
            with self._lock:
                done, asked = self._flight.done, self._flight.asked
                self._flight = Flight(reason, asked, done, done < asked)
            self.state = LampState.SAFE if error is None and not unsafe else LampState.FAULT
            try:
                self._tell_end(reason, error, unsafe)
            finally:
                for status in (self._started, self._finished):
                    self._finish(status, error)
        if unsafe and error is None:
            raise LabError(unsafe)

    def _tell_end(self, reason: str, error: Exception | None, unsafe: str) -> None:
        if error is not None:
            self._tell("fault", "alarm", reason)
        if unsafe:
            self._tell("unsafe", "alarm", unsafe)
            return
        try:
            bank = f"{self.clock.call(self._charger.state).voltage:.0f} V"
        except LabError as silent:
            bank = f"an unknown voltage ({silent})"
        self._tell("stopped", "info", f"{reason}; triggers inhibited, the bank is at {bank} and bleeding")

    def _fail(self, error: Exception) -> None:
        self._end(f"{type(error).__name__}: {error}", error)

    @staticmethod
    def _finish(status: StatusBase | None, error: Exception | None = None) -> None:
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

    def _made_safe(self) -> str:
        """Do everything that makes the lamp safe, whatever fails; return what failed, in words."""
        failures = []
        for action in (self._trigger.safe, self._charger.safe, self._meter.safe):
            try:
                self.clock.call(action)
            except Exception as error:  # noqa: BLE001 - whatever fails, the next one is made safe all the same
                failures.append(
                    str(error) if isinstance(error, LabError) else f"{action.__qualname__}: {error!r}"
                )
        if not failures:
            return ""
        return (
            f"{self.name} could not be made safe: {'; '.join(failures)}. The charger switches itself off 1.5 s"
            " after the last word from here; look at its front panel"
        )

    def _settle_pulse(self) -> None:
        """Find out what became of a pulse that was triggered and not yet recorded.

        On wall time the train's last step may be at it as well; whoever is first records it.
        """
        pulse = self._in_flight
        if pulse is None:
            return
        energy, trouble = None, ""
        try:
            if pulse.confirmed is None:
                self.clock.sleep(pulse.recipe.pulse_duration + GATE_MARGIN, self.lane)
                pulse.confirmed = self._was_fired(pulse)
        except Exception as error:  # noqa: BLE001 - the meter is asked all the same, and nothing may hang on this
            trouble = repr(error)
        until = self.clock.now() + METER_DEADLINE
        while energy is None and self._in_flight is pulse and self.clock.now() < until:
            self.clock.sleep(KEEP_ALIVE / 5, self.lane)
            try:
                energy = self.clock.call(self._meter.take)
            except Exception as error:  # noqa: BLE001 - as above
                trouble = repr(error)
        if trouble:
            self._tell("reply_lost", "warning", f"what came of pulse {pulse.number}: {trouble}")
        try:
            self._record(pulse, energy)
        except LabError:
            # The events have what is unknown; that a lamp stays dark matters no more when its train is over.
            return

    def _was_fired(self, pulse: Pulse) -> bool:
        """Ask the trigger generator; when its answer is lost it has forgotten, and bank and meter must tell."""
        try:
            return self.clock.call(self._trigger.fired)
        except (WireError, OutcomeUnknown) as error:
            self._tell("reply_lost", "warning", f"whether pulse {pulse.number} was fired: {error}")
            return False

    def _tell(self, code: str, severity: str, text: str) -> None:
        row = {"t": self.clock.now() - self._kicked_off, "code": code, "severity": severity, "text": text}
        self._events.append(self.clock.time(), row)

    def _fire_train(self, recipe: AnnealRecipe) -> Poller:
        yield from self._charge(recipe.voltage, program=True)
        assert self._started is not None
        assert self._finished is not None
        self._finish(self._started)
        self.state = LampState.FIRING
        first = due = self.clock.now() + SETTLING
        for number in range(1, recipe.pulse_count + 1):
            held = yield from self._wait_until(due)
            yield from self._charge(recipe.voltage, program=False)
            due = self.clock.now() + recipe.period
            yield from self._fire_one(number, recipe, first, held=held)
        self._charger.off()
        self._trigger.safe()
        self.state = LampState.BLEEDING
        yield from self._bleed()
        self._tell("discharged", "info", f"bank below {BANK_SAFE:g} V")
        with self._lock:
            if self._train is None:
                return
            self._train = None
            self._flight = Flight("completed", recipe.pulse_count, self._flight.done, False)
        self.state = LampState.SAFE
        self._finish(self._finished)

    def _alive(self) -> float:
        """Ask the charger, which feeds its watchdog, if the plan still renews its lease; return the voltage."""
        if not self._paused and self.clock.now() > self._lease_until:
            raise InterlockError("lease", f"the plan was silent for {LEASE:g} s; no further pulse is fired")
        state = self._charger.state()
        if state.fault or not state.high_voltage_on:
            raise InstrumentError(
                f"{self.name}.charger", "off", "fault, or high voltage off in the middle of a train"
            )
        return state.voltage

    def _charge(self, voltage: float, *, program: bool) -> Poller:
        if program:
            # Under the lock, so that it cannot come after the end of the train has switched the charger off.
            with self._lock:
                if self._train is not None:
                    self._charger.program(voltage)
        until = self.clock.now() + CHARGE_DEADLINE
        while self._alive() < (1 - CHARGE_TOLERANCE) * voltage:
            if self.clock.now() > until:
                raise InstrumentError(f"{self.name}.charger", "slow", f"bank below {voltage:g} V after 30 s")
            yield KEEP_ALIVE / 5

    def _bleed(self) -> Poller:
        """Wait until the bank, switched off, is discharged."""
        until = self.clock.now() + BLEED_DEADLINE
        while (voltage := self._charger.state().voltage) >= BANK_SAFE:
            if self.clock.now() > until:
                raise InterlockError(
                    "bank",
                    f"still at {voltage:.0f} V {BLEED_DEADLINE:g} s after it was switched off; keep away",
                )
            yield BLEED_PERIOD

    def _wait_until(self, due: float) -> Generator[float, None, bool]:
        """Keep the charger alive until `due`, and through a pause; return whether there was one."""
        held = False
        hold_until = math.inf
        while self._paused or self.clock.now() < due:
            if self._paused and not held:
                held, hold_until = True, self.clock.now() + LONGEST_HOLD
                self.state = LampState.HELD
            if self._paused and self.clock.now() > hold_until:
                raise InterlockError("hold", f"held longer than {LONGEST_HOLD:g} s")
            self._alive()
            yield KEEP_ALIVE if self._paused else min(KEEP_ALIVE, max(due - self.clock.now(), 0.0))
        self.state = LampState.FIRING
        return held

    def _fire_one(self, number: int, recipe: AnnealRecipe, first: float, *, held: bool) -> Poller:
        """Send one trigger, never a second; learn from trigger and meter what came of it."""
        before = self._alive()
        with self._lock:
            if self._train is None:
                return
            self._in_flight = pulse = Pulse(number, recipe, self.clock.now() - first, before, held)
            self._trigger.fire()
        yield recipe.pulse_duration + GATE_MARGIN
        pulse.confirmed = self._was_fired(pulse)
        pulse.after = self._alive()
        until = self.clock.now() + METER_DEADLINE
        while (energy := self._meter.take()) is None and self.clock.now() < until:
            self._alive()
            yield KEEP_ALIVE / 5
        self._record(pulse, energy)

    def _record(self, pulse: Pulse, energy: float | None) -> None:
        """Count the pulse and append its row, once; raises when nobody saw it, or when the lamp stays dark."""
        with self._lock:
            if self._in_flight is not pulse:
                return
            self._in_flight = None
            self._missing = self._missing + 1 if energy is None else 0
            emptied = pulse.after < (1 - LEAST_DROOP) * pulse.before
            if pulse.confirmed or emptied or energy is not None:
                self._append(pulse, energy)
            else:
                unknown = (
                    f"pulse {pulse.number} was triggered once and neither trigger generator, bank nor meter saw it;"
                    f" it is not repeated, {self._flight.done} pulses are certain. Look at the lamp before going on"
                )
                self._tell("outcome_unknown", "alarm", unknown)
                raise OutcomeUnknown(unknown)
        if self._missing >= MOST_MISSING:
            raise InstrumentError(
                f"{self.name}.meter", "dark", f"no energy from {MOST_MISSING} pulses in a row"
            )

    def _append(self, pulse: Pulse, energy: float | None) -> None:
        flags = PulseFlag.HELD_BEFORE if pulse.held else PulseFlag.OK
        flags |= PulseFlag.OK if pulse.confirmed else PulseFlag.TRIGGER_UNCONFIRMED
        flags |= PulseFlag.ENERGY_MISSING if energy is None else PulseFlag.OK
        flags |= PulseFlag.BANK_MISSING if math.isnan(pulse.after) else PulseFlag.OK
        measured = math.nan if energy is None else energy
        self._flight = Flight("running", self._flight.asked, self._flight.done + 1, False)
        row = {
            "pulse": pulse.number,
            "elapsed": pulse.elapsed,
            "bank_voltage_before": pulse.before,
            "bank_voltage_after": pulse.after,
            "pulse_energy": measured,
            "exposure": measured * self.parameters.meter_calibration / self.parameters.aperture_area,
            "duration": pulse.recipe.pulse_duration,
            "counter": self._flight.done,
            "flags": int(flags),
        }
        self._pulses.append(self.clock.time(), row)
