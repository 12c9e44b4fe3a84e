"""What every flash lamp's station has, whatever its lamp is made of: tokens, states, a memory of trains."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, ClassVar, TypeVar, cast

from devices.base import Instrument
from devices.clock import Clock
from devices.flown.station import FlownStation
from devices.lamp.arming import Arming, ArmToken, Nobody, Owner
from devices.lamp.checks import electrical_energy, fastest_rate
from devices.lamp.memory import LampMemory, LampTrain
from devices.lamp.parameters import LampParameters
from devices.lamp.permissives import Verdict, require, require_never_opened
from devices.lamp.records import PulseLog
from devices.lamp.states import LASTING, TABLE, LampMachine, LampState
from devices.lamp.unfinished import Unfinished
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles.hands import Hands
from devices.roles.lamp import AnnealJob
from devices.roles.lamp_parts import PermissiveBoard
from devices.roles.predictor import Predictor

TrainT = TypeVar("TrainT", bound=LampTrain)


class LampStation(FlownStation[AnnealJob, TrainT]):
    """The part of a lamp's station that does not depend on its instruments; subclasses fly trains of their own."""

    role = "FlashLamp"
    needs_lease = True
    latches = True
    Parameters = LampParameters
    cools_from: ClassVar[Set[LampState]] = frozenset(LampState) - {LampState.FAULT}
    """In which states an end without a fault leaves a lamp that cools."""
    _log: PulseLog

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
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments, hands=hands)
        self.parameters, self.limits = parameters, limits
        self._predictor = predictor
        self._board = cast(PermissiveBoard | None, instruments.get("permissives"))
        self._arming = Arming(name, clock, session, owner or Nobody())
        if self._board is not None:
            self._board.guard = self._arming.permit_board
        self._machine = LampMachine(name, TABLE, self._changed)
        self._memory = LampMemory(name, clock, self._board)
        self._inserted: ArmToken | None = None

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Be in FAULT where the last session left one, or its host died with a train; a person's reset() ends it."""
        why = self._memory.recalled(report, died=died)
        if why:
            self._made_safe()
            self._machine.go(LampState.FAULT, why)

    @property
    def unfinished(self) -> Unfinished | None:
        """The train under way, or the last one that did not come to its end; None when all was done."""
        if self._flight is not None and self._flown is not None:
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

    def _changed(self) -> None:
        """Report a change of the state; one into danger, and into or out of a latched fault, outlives a power cut."""
        self.publish(lasting=self._machine.state in LASTING or self._machine.before is LampState.FAULT)

    def _watch(self) -> None:
        """Raise when what a token was given for is no longer so."""
        require(self.verdicts(), "disarmed")
        if self._board is not None:
            require_never_opened(self.clock.call(self._board.opened), "disarmed")

    def _begun(self, flight: TrainT) -> None:
        self._memory.began = flight.began
        self._machine.go(LampState.CHARGING)

    def _done(self) -> None:
        self._memory.forget()
        if self._machine.state is LampState.COOLING:
            self._machine.go(LampState.SAFE)

    def _remember(self) -> None:
        if self._flown is not None:
            self._memory.ended(*self._flown, self._log.flight)

    def _rest(self, failure: str, unsafe: str) -> None:
        if self._machine.state is LampState.FAULT:
            return
        if failure or unsafe:
            self._machine.go(LampState.FAULT, failure or unsafe)
        elif self._machine.state in self.cools_from:
            self._machine.go(LampState.COOLING)
