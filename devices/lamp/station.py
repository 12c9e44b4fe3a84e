"""What every flash lamp's station has, whatever its lamp is made of: tokens, states, a memory of trains, statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar, cast

from ophyd import Component
from ophyd.status import StatusBase

from devices.base import Instrument, Quantity, Station
from devices.clock import Clock, Handle
from devices.errors import LabError
from devices.lamp.arming import Arming, ArmToken, Nobody, Owner
from devices.lamp.checks import electrical_energy, fastest_rate
from devices.lamp.memory import Begun, LampMemory
from devices.lamp.parameters import LampParameters
from devices.lamp.permissives import Verdict, require, require_never_opened
from devices.lamp.preparation import Preparation
from devices.lamp.records import PulseLog
from devices.lamp.states import LASTING, TABLE, LampMachine, LampState
from devices.lamp.unfinished import Unfinished
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles.flown import Flight
from devices.roles.hands import Hands
from devices.roles.lamp import AnnealJob
from devices.roles.lamp_parts import PermissiveBoard
from devices.roles.predictor import Predictor


class LampTrain(Begun, Protocol):
    """A train as its station sees it."""

    @property
    def finished(self) -> StatusBase:
        """Finishes when it is over."""

    def renew_lease(self) -> None:
        """Let it go on while its plan lives."""

    def hold_lease(self) -> None:
        """Let it stay held while its plan is."""

    def finish(self, error: Exception | None) -> None:
        """Bring its statuses to their end."""


class Words(Quantity):
    """A quantity that is told in words."""

    def describe(self) -> dict[str, Any]:
        """Describe it as text of the station's own."""
        return {self.name: {"source": f"{self.parent.name}:{self.attr_name}", "dtype": "string", "shape": []}}


TrainT = TypeVar("TrainT", bound=LampTrain)


class LampStation(Station, Generic[TrainT]):
    """The part of a lamp's station that does not depend on its instruments; subclasses fly trains of their own."""

    role = "FlashLamp"
    needs_lease = True
    latches = True
    Parameters = LampParameters

    state = Component(Words, get="read_state", unit="1", kind="normal")

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
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self.parameters, self.limits = parameters, limits
        self._hands, self._predictor = hands, predictor
        self._board = cast(PermissiveBoard | None, instruments.get("permissives"))
        self._arming = Arming(name, clock, session, owner or Nobody())
        if self._board is not None:
            self._board.guard = self._arming.permit_board
        self._machine = LampMachine(name, TABLE, self._changed)
        self._memory = LampMemory(name, clock, self._board)
        self._log: PulseLog
        self._job: AnnealJob | None = None
        self._train: TrainT | None = None
        self._flown: tuple[AnnealJob, TrainT] | None = None
        self._running: Handle | None = None
        self._inserted: ArmToken | None = None
        self._preparation: Preparation | None = None

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Be in FAULT where the last session left one, or its host died with a train; a person's reset() ends it."""
        why = self._memory.recalled(report, died=died)
        if why:
            self._made_safe()
            self._machine.go(LampState.FAULT, why)

    @property
    def unfinished(self) -> Unfinished | None:
        """The train under way, or the last one that did not come to its end; None when all was done."""
        if self._train is not None and self._flown is not None:
            return self._memory.of(*self._flown, self._log.flight)
        return self._memory.unfinished

    def account(self) -> Unfinished | None:
        """Return the unfinished train with what the board's counter says of it now.

        Raises WireError; InterlockError when nobody can know how many flashes there were.
        """
        try:
            return self._memory.asked()
        finally:
            self.publish(lasting=True)

    def accounted(self) -> None:
        """Take note that every flash of the unfinished train is recorded, or known to a person."""
        self._memory.accounted()
        self.publish(lasting=True)

    @property
    def last_began(self) -> float | None:
        """Time label [s] of the last train that was begun, whatever became of it; None if there was none."""
        return self._memory.began

    @property
    def asks_to_finish(self) -> bool:
        """Whether a person must agree before the rest of a train is fired that did not come to its end."""
        return self.limits.finish == "ask"

    def read_state(self) -> str:
        """Return the state's word."""
        return str(self._machine.state.value)

    def verdicts(self) -> dict[str, Verdict]:
        """Ask for every permissive; one whose instrument does not answer is missing."""
        raise NotImplementedError(f"{type(self).__name__} does not say what permits a pulse")

    def read(self) -> dict[str, Any]:
        """Read every quantity of every instrument, and the station's own state."""
        return {**super().read(), **self.state.read()}

    def describe(self) -> dict[str, Any]:
        """Describe every quantity of every instrument, and the station's own state."""
        return {**super().describe(), **self.state.describe()}

    def electrical_energy(self, recipe: AnnealRecipe) -> float:
        """Return what one pulse draws from the bank [J]."""
        return electrical_energy(recipe, self.parameters)

    def fastest_rate(self, recipe: AnnealRecipe) -> float:
        """Return how often the charger can fill the bank again [Hz] after a pulse of this recipe."""
        return fastest_rate(recipe, self.parameters)

    def insert(self, token: ArmToken) -> None:
        """Put in the token that the next kickoff() uses up."""
        self._inserted = token

    def complete(self) -> StatusBase:
        """Return the status that finishes with the train."""
        if self._flown is None:
            raise LabError(f"{self.name} was not kicked off")
        return self._flown[1].finished

    def renew_lease(self) -> None:
        """Let the train go on while its plan lives."""
        if self._train is not None:
            self._train.renew_lease()

    def hold_lease(self) -> None:
        """Let the train stay held while its plan is: there is one to go on with, but it does not act."""
        if self._train is not None:
            self._train.hold_lease()

    def flight(self) -> Flight:
        """Return what was asked and done."""
        return self._log.flight

    def stop(self, *, success: bool = False) -> None:
        """End the train now and make the station safe; the pulses not yet fired are not fired."""
        self._end("stopped")

    def safe(self) -> None:
        """Let no pulse pass, discharge what can be. Raises LabError naming what did not obey."""
        self._end("made safe")

    def close(self) -> None:
        """Make it safe: a lamp nobody looks after holds no charge."""
        self._end("closed")

    def _end(self, reason: str, error: Exception | None = None) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not say how a train is ended")

    def _made_safe(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} does not say what is safe")

    def _changed(self) -> None:
        """Report a change of the state; one into danger, and into or out of a latched fault, outlives a power cut."""
        self.publish(lasting=self._machine.state in LASTING or self._machine.before is LampState.FAULT)

    def _watch(self) -> None:
        """Raise when what a token was given for is no longer so."""
        require(self.verdicts(), "disarmed")
        if self._board is not None:
            require_never_opened(self.clock.call(self._board.opened), "disarmed")

    def _call_off_preparation(self) -> None:
        if self._preparation is not None:
            self._preparation.call_off()

    def _completed(self, train: TrainT) -> None:
        """Take note that a train did all of its pulses and is over; its statuses end whatever happens."""
        try:
            if self._train is train:
                self._train = None
            self._memory.forget()
            self._log.conclude("completed")
            if self._machine.state is LampState.COOLING:
                self._machine.go(LampState.SAFE)
        finally:
            train.finish(None)
