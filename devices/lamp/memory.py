"""What a lamp remembers of trains beyond their end and its own: which was not finished, and who must say what of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from devices.clock import Clock
from devices.errors import InterlockError, LabError
from devices.flown.underway import Underway
from devices.lamp.states import UNDER_WAY, LampState
from devices.lamp.unfinished import Unfinished
from devices.recipes import canonical_hash, to_json
from devices.roles.flown import Flight
from devices.roles.lamp import AnnealJob
from devices.roles.lamp_parts import PermissiveBoard


class Counted(Protocol):
    """What counts the pulses of a train: the board's flashes before it, those of one pulse, whether nobody saw one."""

    @property
    def flashes_before(self) -> int | None:
        """The board's counter at its start; None where nothing counts, or it was not looked at yet."""

    @property
    def gates(self) -> int:
        """How many flashes the board sees of one pulse."""

    @property
    def unknown(self) -> bool:
        """Whether there was a pulse of which nobody knows."""


class LampTrain(Underway):
    """A train, whatever its lamp is made of. fates: what counts its pulses."""

    fates: Counted


class LampMemory:
    """Keeps the last train that was begun and not finished, in this session or the one before it.

    began: time label [s] of the last train that was begun, finished or not; None if there was none.
    """

    def __init__(self, name: str, clock: Clock, board: PermissiveBoard | None) -> None:
        self._name, self._clock, self._board = name, clock, board
        self.unfinished: Unfinished | None = None
        self.began: float | None = None

    def of(self, job: AnnealJob, train: LampTrain, flight: Flight) -> Unfinished:
        """Return a train that is under way as it would be remembered."""
        fates = train.fates
        return Unfinished(
            job.sample.id,
            canonical_hash(to_json(job.recipe)),
            flight.asked,
            flight.done,
            train.began,
            fates.flashes_before,
            fates.gates,
        )

    def ended(self, job: AnnealJob, train: LampTrain, flight: Flight) -> None:
        """Remember a train that was ended early; it is accounted for unless the board counted more, or nobody saw."""
        left = self.of(job, train, flight)
        try:
            left, counted = self._counted(left)
        except LabError:
            # A board that does not answer may have counted a flash that nobody else saw: it is asked later.
            self.unfinished = left
            return
        known = not train.fates.unknown if counted is None else counted == flight.done
        self.unfinished = replace(left, accounted=known)

    def forget(self) -> None:
        """Forget it: what was begun was done."""
        self.unfinished = None

    def accounted(self) -> None:
        """Take note that every flash of it is recorded, or known to a person."""
        if self.unfinished is not None:
            self.unfinished = replace(self.unfinished, accounted=True)

    def asked(self) -> Unfinished | None:
        """Return it with the pulses that the board counted instead of those its host recorded, where it counted any.

        Raises WireError; InterlockError when nobody can know how many there were: nothing counted, its board was
        switched off meanwhile, or the count cannot be right. A person who has looked says accounted().
        """
        left = self.unfinished
        if left is None or left.accounted:
            return left
        left, counted = self._counted(left)
        self.unfinished = left
        if counted is not None and left.done <= counted <= left.asked:
            return replace(left, done=counted)
        if counted is None and self._board is not None and not left.void and not left.done:
            # What can fire comes after the look at the counter.
            return left
        if counted is None:
            why = f"by its last word there were {left.done} pulses of {left.asked}, and " + (
                "its board was switched off since" if left.void else "no board counted its flashes"
            )
        else:
            why = (
                f"its board counts {counted} pulses of a train of {left.asked} of which {left.done} are recorded:"
                " somebody else triggered, or it was switched off meanwhile"
            )
        raise InterlockError(
            "count",
            f"{self._name}: {why}. Nothing was fired; look at the film, then type lab.{self._name}.accounted() to go"
            " on with what is recorded",
        )

    def require_known(self) -> None:
        """Raise InterlockError while there is a train whose end nobody wrote down: the next one would hide it."""
        left = self.unfinished
        if left is not None and not left.accounted:
            raise InterlockError(
                "sample",
                f"the last train of {self._name}, on {left.sample}, was cut off, and it may have had more than the"
                f" {left.done} pulses that are recorded. Run lab.plans.finish_train first, or type"
                f" lab.{self._name}.accounted() when you know; nothing was charged",
            )

    def recalled(self, report: Mapping[str, Any], *, died: bool) -> str:
        """Take what the session before reported last; return why the lamp must be in FAULT, empty if it need not."""
        self.unfinished = left = Unfinished.heard(report.get("train"))
        self.began = report.get("began")
        state = str(report.get("state", ""))
        if died and state in {each.value for each in UNDER_WAY}:
            if left is None or (state == LampState.CHARGING.value and not left.done):
                doing = "while charging, before the first pulse by its last word"
            else:
                doing = f"while firing, after {left.done} pulses by its last word"
            return f"the host died {doing}; {self._board_says()}"
        return str(report.get("latched", ""))

    def _counted(self, left: Unfinished) -> tuple[Unfinished, int | None]:
        """Ask the board: return the train, its count void where the board was off, and what was counted if anything."""
        board = self._board
        if board is None or left.flashes_before is None:
            return left, None
        if self._clock.call(board.was_off):
            left = replace(left, void=True)
        return left, left.counted(self._clock.call(board.flashes))

    def _board_says(self) -> str:
        left = self.unfinished
        if self._board is None or left is None or left.flashes_before is None:
            return "no board counted its flashes"
        try:
            self.unfinished, counted = self._counted(left)
        except LabError as error:
            return f"its board does not say how many flashes there were ({error})"
        if counted is None:
            return "its board was switched off since, and its count of flashes is lost"
        return f"the board counted {counted} flashes"
