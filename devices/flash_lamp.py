"""The flash lamp station: charger, trigger generator and energy meter acting together, with what watches them.

A train is one software trigger per pulse, so that silence means no pulse. It needs a token that arm() gives after
all checks; the states, what may be done in each, and the permissives are tables (devices/lamp).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ophyd import Component
from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Instrument, Words
from devices.clock import Clock, Poller
from devices.errors import InterlockError, LabError
from devices.lamp.arming import ArmToken, Owner, Watch
from devices.lamp.checks import check_recipe
from devices.lamp.discharge import BANK_SAFE, bleeding
from devices.lamp.fate import Crew
from devices.lamp.looks import Looks
from devices.lamp.parameters import LampParameters
from devices.lamp.parts import made_safe, parts_of, refuse_without_a_dead_man
from devices.lamp.permissives import FRESH, Verdict, lacking, require
from devices.lamp.records import RESIDUAL_COLUMNS, TRACE_COLUMNS, PulseLog, pulse_columns
from devices.lamp.residual import Residual
from devices.lamp.states import LampState
from devices.lamp.station import LampStation
from devices.lamp.temperatures import Witnesses
from devices.lamp.train import Train
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles.furnace import Thermometers
from devices.roles.hands import Hands
from devices.roles.lamp import AnnealJob
from devices.roles.lamp_parts import Pyrometer
from devices.roles.predictor import Prediction, Predictor

UNPREDICTED = "nothing predicts what it will do (no predictor)"
PERIODS = 3
"""Times the time between two pulses that the base temperature's last look may be old, to be shown as known."""


class FlashLampStation(LampStation[Train]):
    """A flash lamp as plans see it.

    Control: prepare(job), arm(job), insert(token), kickoff(), stop(), safe(), reset() by a person.
    Get: flight(), state, bank, verdicts() on the permissives.
    Measure: stream `primary`, one row per pulse; `residual`, measured beside predicted; `events`; `trace`, the light
             of each pulse, where there is a recorder.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    parts = ("charger", "gate", "meter")
    optional_parts = ("permissives", "pyrometer", "thermometers", "recorder")

    bank = Component(Words, get="read_bank", unit="1", kind="omitted")

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: LampParameters,
        limits: LampLimits,
        hands: Hands,
        predictor: Predictor | None = None,
        session: str = "",
        owner: Owner | None = None,
    ) -> None:
        super().__init__(
            name=name,
            clock=clock,
            lane=lane,
            instruments=instruments,
            parameters=parameters,
            limits=limits,
            hands=hands,
            predictor=predictor,
            session=session,
            owner=owner,
        )
        self._lamp = lamp = parts_of(instruments)
        refuse_without_a_dead_man(name, lamp)
        lamp.trigger.guard = lambda: self._arming.permit("trigger")
        lamp.trigger.setting_guard = lambda: self._arming.permit("set")
        lamp.charger.guard = lambda: self._arming.permit("charge")
        lamp.charger.acting = False
        pulses = self.add_stream("primary", pulse_columns(set(instruments)))
        residual = self.add_stream("residual", RESIDUAL_COLUMNS)
        traces = self.add_stream("trace", TRACE_COLUMNS) if lamp.recorder is not None else None
        self._log = PulseLog(clock, pulses, self.add_stream("events", EVENT_COLUMNS), residual, traces)
        self._witnesses = Witnesses(
            clock,
            limits,
            cast(Pyrometer | None, instruments.get("pyrometer")),
            cast(Thermometers | None, instruments.get("thermometers")),
        )
        self._looks = Looks(name, clock, lamp, self._witnesses, parameters.bleed_time_constant)
        self._residual = Residual(self._log, limits, parameters)
        self._predicted: tuple[AnnealJob, Prediction | None] | None = None

    def __repr__(self) -> str:
        verdicts = ", ".join(f"{name} {verdict}" for name, verdict in self.verdicts().items())
        why = f": {self._machine.why}; lab.{self.name}.reset()" if self._machine.why else ""
        return "\n".join(
            (
                f"{self.name}: {self.read_state().upper()}{why}",
                f"  bank         {self.read_bank()}",
                f"  permissives  {verdicts}",
                f"  owner        {self._arming.owner}",
                f"  last pulse   {self._log.last}",
            )
        )

    def read_state(self) -> str:
        """Return the state's word; a bank that has bled meanwhile makes COOLING to SAFE."""
        if self._machine.state is LampState.COOLING and self._flight is None:
            charger = self._looks.charger()
            if charger is not None and charger.voltage < BANK_SAFE and not charger.high_voltage_on:
                self._machine.go(LampState.SAFE)
        return str(self._machine.state.value)

    def read_bank(self) -> str:
        """Return what the bank is, apart from the state: disarmed is not yet discharged."""
        return self._looks.bank()

    def verdicts(self) -> dict[str, Verdict]:
        """Ask for every permissive; one whose instrument does not answer is missing."""
        train = self._flight
        if train is None:
            return self._looks.verdicts(afresh=True)
        return self._looks.verdicts(afresh=False, within=max(FRESH, PERIODS * train.recipe.period))

    def report(self) -> dict[str, Any]:
        """Return state, latched fault, the train that is not finished, permissives and last readings, from memory."""
        verdicts, reading = self._looks.remembered()
        train = self.unfinished
        return {
            "state": str(self._machine.state.value),
            "latched": self._machine.why,
            "train": None if train is None else train.told(),
            "began": self._memory.began,
            "permissives": verdicts,
            "reading": reading,
        }

    def predict(self, job: AnnealJob) -> Prediction | None:
        """Ask the injected predictor; None when the lab has none. What it says is what the job is armed with."""
        prediction = None if self._predictor is None else self._predictor.anneal(job.sample, job.recipe)
        self._predicted = (job, prediction)
        return prediction

    def check(self, recipe: AnnealRecipe) -> None:
        """Raise LimitError when the lab's limits do not allow the recipe; nothing is sent."""
        check_recipe(self.name, recipe, self.limits, self.parameters, bursts=self._lamp.bursts)

    def prepare(self, job: AnnealJob) -> StatusBase:
        """Check and predict the job, have the bank empty and the sample brought; nothing is charged yet."""
        if self._flight is not None:
            raise LabError(f"{self.name} is in the middle of a train; stop it first")
        self._machine.require("prepare")
        self._memory.require_known()
        self.check(job.recipe)
        prediction = self._prediction_of(job)
        charger = self._lamp.charger

        def bled() -> Poller:
            charger.off()
            yield from bleeding(charger, self.clock, self.parameters.bleed_time_constant)
            self._machine.go(LampState.SAFE)

        def ready() -> None:
            self._lamp.meter.prepare()
            self._witnesses.prepare()
            self._job, self._predicted = job, (job, prediction)

        ask = "" if prediction is None else prediction.ask
        return self._prepared(job.sample, ready, ask=ask, before=bled)

    def arm(self, job: AnnealJob) -> ArmToken:
        """Check everything once more and return the token that kickoff() wants; it is good for 30 s and one train.

        Raises InterlockError for a missing permissive, OwnershipError when another process has the lamp, OSError when
        what was written so far cannot be kept.
        """
        self._machine.require("arm")
        if self._job != job:
            raise InterlockError("job", f"{self.name} was not prepared for this job; nothing was charged")
        self.check(job.recipe)
        # What was foretold when the job was prepared may be a day old: the bench and the sample's past go on.
        confirmed = self._predicted is not None and self._predicted[1] is not None and self._predicted[1].ask
        prediction = self.predict(job)
        if prediction is not None and prediction.ask and not confirmed:
            raise InterlockError(
                "prediction", f"{prediction.ask}; nothing was charged. Prepare the job again"
            )
        self._arming.end()
        if self._lamp.board is not None:
            self.clock.call(self._lamp.board.forget)
        if self._witnesses.there:
            self.clock.call(self._witnesses.judged_look)
        require(self.verdicts(), "nothing was charged")
        self.before_arming()
        return self._arming.issue(job, Watch(self.lane, self._watch))

    def kickoff(self) -> StatusBase:
        """Charge the bank and begin the train; the status finishes when the bank is charged.

        Uses up the token that arm() gave and insert() took. Raises InterlockError without one that is good for the
        prepared job.
        """
        token, self._inserted = self._inserted, None
        if self._flight is not None:
            raise LabError(f"{self.name} is already firing; a train is never started twice")
        if self._job is None:
            raise LabError(f"{self.name} was not prepared; nothing was charged")
        self._machine.require("charge")
        if token is None:
            raise InterlockError("arm token", f"{self.name} is not armed; nothing was charged. Arm it first")
        job = self._job
        self._arming.redeem(token, job)
        self._job = None
        try:
            return self._begin(job)
        except Exception as error:
            self._fail(error)
            raise

    def _begin(self, job: AnnealJob) -> StatusBase:
        """Begin a train that a token was used up for."""
        self._log.begin(job.recipe.pulse_count)
        self._tell_unwatched()
        prediction = self._predicted[1] if self._predicted is not None else None
        self._predicted = None
        self._residual.expect(None if prediction is None else prediction.values)
        return self._fly(job, Train(job.recipe, self._lamp, self._crew()))

    def pause(self) -> None:
        """Hold the train after the pulse in hand; the bank stays charged for ten minutes at most."""
        train = self._flight
        if train is not None and train.pause():
            flight = self._log.flight
            # What came of a pulse in flight is known when its row is there.
            least = "at least " if train.fates.in_flight is not None else ""
            self._log.tell("hold", "warning", f"held after {least}{flight.done} of {flight.asked} pulses")

    def resume(self) -> None:
        """Go on with the next pulse; none is repeated. After a gap the rest is predicted again, and may be refused."""
        train = self._flight
        if train is None or not train.paused:
            return
        if train.is_late and train.passed and self._predictor is not None:
            try:
                self._predict_rest(train, self._predictor)
            except InterlockError as error:
                self._fail(error)
                return
        train.resume()

    def reset(self) -> None:
        """Leave FAULT, by a person's command: no plan does this. Raises LabError while the cause is still there."""
        self._machine.require("reset")
        unsafe = self._made_safe()
        if unsafe:
            raise LabError(unsafe)
        if self.clock.call(self._lamp.charger.state).fault:
            self.clock.call(self._lamp.charger.reset)
        if self._lamp.board is not None:
            self.clock.call(self._lamp.board.reset)
        missing = [each for each in lacking(self.verdicts()) if each.source == "input"]
        if missing and self._machine.state is LampState.FAULT:
            said = "; ".join(each.lack for each in missing)
            raise InterlockError(
                ", ".join(each.name for each in missing), f"{said}; {self.name} stays in FAULT"
            )
        if self._machine.state is LampState.FAULT:
            self._log.tell("reset", "info", f"reset by a person after: {self._machine.why}")
            self._machine.go(LampState.COOLING)

    def _crew(self) -> Crew:
        return Crew(
            self.name,
            self.lane,
            self.clock,
            self.parameters,
            self._machine,
            self._arming,
            self._log,
            self._witnesses,
            self._residual,
            self._looks,
            lambda lasting: self.publish(lasting=lasting),
        )

    def _prediction_of(self, job: AnnealJob) -> Prediction | None:
        """Return what this job was predicted to do, once; InterlockError where nothing may go without."""
        said, self._predicted = self._predicted, None
        prediction = said[1] if said is not None and said[0] == job else self.predict(job)
        if prediction is None and not self.limits.unpredicted:
            why = "config allows none without (limits.toml, lamp.unpredicted holds the reason to allow it)"
            raise InterlockError("prediction", f"{UNPREDICTED}, and {why}; nothing was charged")
        return prediction

    def _predict_rest(self, train: Train, predictor: Predictor) -> None:
        assert self._flown is not None
        job, _ = self._flown
        prediction = predictor.rest(job.sample, job.recipe, tuple(train.passed), train.elapsed, train.began)
        if prediction.ask:
            raise InterlockError("prediction", f"of the rest, after the gap: {prediction.ask}")
        self._residual.expect(prediction.values, first=len(train.passed) + 1)
        self._log.tell(
            "predicted_again", "info", f"the rest from pulse {len(train.passed) + 1} on, after the gap"
        )

    def _tell_unwatched(self) -> None:
        """Say at the start of a train what nobody watches, and why it goes without a prediction where it does."""
        unwatched = [name for name, verdict in self.verdicts().items() if verdict == "not watched"]
        if unwatched:
            self._log.tell("not_watched", "info", f"no instrument watches {', '.join(unwatched)}")
        if not self._lamp.bursts:
            text = "no dead-man is on the trigger's inhibit input: a dead host leaves the charger's watchdog only"
            self._log.tell("not_watched", "warning", text)
        if self._predicted is None or self._predicted[1] is None:
            self._log.tell("unpredicted", "warning", f"{UNPREDICTED}; allowed: {self.limits.unpredicted}")

    def _rest(self, failure: str, unsafe: str) -> None:
        self._predicted = None
        super()._rest(failure, unsafe)

    def _tell_end(self, reason: str, failure: str, unsafe: str) -> None:
        if failure:
            self._log.tell("fault", "alarm", failure)
        if unsafe:
            self._log.tell("unsafe", "alarm", unsafe)
            return
        flight = self._log.flight
        said = f"{reason}; {flight.done} of {flight.asked} pulses done, no trigger can pass, the bank is"
        self._log.tell("stopped", "warning", f"{said} {self.read_bank()}")

    def _made_safe(self) -> str:
        """Do everything that makes the lamp safe, whatever fails; return what failed, in words."""
        self._inserted = None
        self._arming.end()
        return made_safe(self.name, self.clock, self._lamp)
