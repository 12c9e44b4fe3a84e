"""A flash lamp tool with a recipe engine of its own, as a station: it is armed, started once, counted and stopped.

What such a tool can promise: a train that was started once, the number of pulses it says it gave, an end when its
interlock loop opens. What it cannot: a hold between pulses, a measured energy, one trigger per pulse. So the station
needs a board of permissives whose own contact, the dead-man, is in the tool's interlock loop: silence of the host
opens it. A pause ends the train, with the pulses counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Instrument
from devices.clock import Clock
from devices.errors import InterlockError, LabError
from devices.flown.station import tried
from devices.instruments.remote_recipe import RemoteRecipe
from devices.lamp.arming import ArmToken, Owner, Watch
from devices.lamp.checks import check_recipe
from devices.lamp.parameters import LampParameters
from devices.lamp.permissives import Verdict, judged, lacking, require
from devices.lamp.records import RESIDUAL_COLUMNS, PulseLog
from devices.lamp.remote_train import PULSE_COLUMNS, RemoteTrain
from devices.lamp.states import UNDER_WAY, LampState
from devices.lamp.station import LampStation
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles.hands import Hands
from devices.roles.lamp import AnnealJob
from devices.roles.lamp_parts import PermissiveBoard
from devices.roles.predictor import Prediction, Predictor


class RemoteLampStation(LampStation[RemoteTrain]):
    """A flash lamp tool as plans see it; see devices.flash_lamp for what a station of instruments does more.

    Control: prepare(job), arm(job), insert(token), kickoff(), stop(), safe(), reset() by a person.
    Get: flight(), state, verdicts() on the permissives.
    Measure: stream `primary`, one row per pulse that the tool counted: its time by the recipe's rate, the voltage that
             was asked; `events`.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    parts = ("tool", "permissives")
    cools_from = UNDER_WAY

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
        self._tool = cast(RemoteRecipe, instruments["tool"])
        self._loop = cast(PermissiveBoard, instruments["permissives"])
        self._tool.guard = lambda: self._arming.permit("trigger")
        self._tool.arm_guard = lambda: self._arming.permit("charge")
        pulses = self.add_stream("primary", PULSE_COLUMNS)
        self._log = PulseLog(
            clock,
            pulses,
            self.add_stream("events", EVENT_COLUMNS),
            self.add_stream("residual", RESIDUAL_COLUMNS),
        )
        self._verdicts: dict[str, Verdict] = {}
        self._confirmed = False

    def __repr__(self) -> str:
        verdicts = ", ".join(f"{name} {verdict}" for name, verdict in self.verdicts().items())
        why = f": {self._machine.why}; lab.{self.name}.reset()" if self._machine.why else ""
        return "\n".join(
            (
                f"{self.name}: {self._machine.state.value.upper()}{why}",
                f"  permissives  {verdicts}",
                f"  owner        {self._arming.owner}",
                f"  last pulse   {self._log.last}",
            )
        )

    def verdicts(self) -> dict[str, Verdict]:
        """Ask for every permissive; one whose board does not answer is missing."""
        try:
            inputs = self.clock.call(self._loop.inputs)
        except LabError:
            inputs = {"door": False}
        self._verdicts = judged(inputs, None, None)
        return self._verdicts

    def report(self) -> dict[str, Any]:
        """Return state, latched fault, the train that is not finished and the permissives, from memory."""
        train = self.unfinished
        return {
            "state": str(self._machine.state.value),
            "latched": self._machine.why,
            "train": None if train is None else train.told(),
            "began": self._memory.began,
            "permissives": self._verdicts,
        }

    def predict(self, job: AnnealJob) -> Prediction | None:
        """Ask the injected predictor; None when the lab has none."""
        return None if self._predictor is None else self._predictor.anneal(job.sample, job.recipe)

    def check(self, recipe: AnnealRecipe) -> None:
        """Raise LimitError or ProgramError when lab or tool do not allow the recipe; nothing is sent."""
        check_recipe(self.name, recipe, self.limits, self.parameters, bursts=True)
        self._tool.check(recipe)

    def prepare(self, job: AnnealJob) -> StatusBase:
        """Check and predict the job, have the sample brought; nothing is charged yet."""
        if self._flight is not None:
            raise LabError(f"{self.name} is in the middle of a train; stop it first")
        self._machine.require("prepare")
        self._memory.require_known()
        self.check(job.recipe)
        prediction = self.predict(job)
        if prediction is None and not self.limits.unpredicted:
            raise InterlockError("prediction", "nothing predicts what it will do; nothing was charged")
        ask = "" if prediction is None else prediction.ask
        self._confirmed = bool(ask)

        def ready() -> None:
            self._job = job

        return self._prepared(job.sample, ready, ask=ask, before=lambda: self._machine.go(LampState.SAFE))

    def arm(self, job: AnnealJob) -> ArmToken:
        """Check everything once more and return the token that kickoff() wants; it is good for 30 s and one train."""
        self._machine.require("arm")
        if self._job != job:
            raise InterlockError("job", f"{self.name} was not prepared for this job; nothing was charged")
        prediction = self.predict(job)
        if prediction is not None and prediction.ask and not self._confirmed:
            raise InterlockError(
                "prediction", f"{prediction.ask}; nothing was charged. Prepare the job again"
            )
        self._arming.end()
        self.clock.call(self._loop.forget)
        require(self.verdicts(), "nothing was charged")
        self.before_arming()
        return self._arming.issue(job, Watch(self.lane, self._watch))

    def kickoff(self) -> StatusBase:
        """Load and arm the tool; the status finishes when it is charged, and it is started at once then."""
        token, self._inserted = self._inserted, None
        if self._flight is not None:
            raise LabError(f"{self.name} is already firing; a train is never started twice")
        self._machine.require("charge")
        job = self._job
        if token is None or job is None:
            raise InterlockError("arm token", f"{self.name} is not armed; nothing was charged. Arm it first")
        self._arming.redeem(token, job)
        self._job = None
        self._log.begin(job.recipe.pulse_count)
        train = RemoteTrain(
            self.name,
            self.clock,
            job.recipe,
            self._tool,
            self._loop,
            self._machine,
            self._arming,
            self._log,
            self,
        )
        return self._fly(job, train)

    def pause(self) -> None:
        """End the train: this tool cannot hold one between two pulses."""
        if self._flight is not None:
            self._end("paused, and this tool cannot hold a train")

    def resume(self) -> None:
        """Do nothing: the train was ended; finish_train fires the rest."""

    def reset(self) -> None:
        """Leave FAULT, by a person's command: no plan does this. Raises LabError while the cause is still there."""
        self._machine.require("reset")
        unsafe = self._made_safe()
        if unsafe:
            raise LabError(unsafe)
        self.clock.call(self._loop.reset)
        missing = list(lacking(self.verdicts()))
        if missing and self._machine.state is LampState.FAULT:
            said = "; ".join(each.lack for each in missing)
            raise InterlockError(missing[0].name, f"{said}; {self.name} stays in FAULT")
        if self._machine.state is LampState.FAULT:
            self._log.tell("reset", "info", f"reset by a person after: {self._machine.why}")
            self._machine.go(LampState.COOLING)

    def _tell_end(self, reason: str, failure: str, unsafe: str) -> None:
        flight = self._log.flight
        done = f"{reason}; {flight.done} of {flight.asked} pulses done, the interlock loop is open"
        super()._tell_end(done, failure, "")

    def _see_that_it_rests(self) -> None:
        # Tools refuse an abort while their interlock is open; an open interlock has ended the train by itself.
        if self._tool.state() not in ("idle", "fault"):
            self._tool.safe()

    def _made_safe(self) -> str:
        """Open the loop, which ends whatever the tool does, and see that it has. Return what failed, in words."""
        self._inserted = None
        self._arming.end()
        failures = tried(self.clock, (self._loop.safe, self._see_that_it_rests))
        if not failures:
            return ""
        return f"{self.name} could not be made safe: {failures}. Open its interlock, look at its panel"
