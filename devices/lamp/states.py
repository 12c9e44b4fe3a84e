"""The states of a flash lamp as a table: where each may go, and what may be done in it."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from devices.errors import InterlockError

Deed = Literal["prepare", "arm", "charge", "fire", "reset"]
"""What a station is asked to do. Making it safe is no deed: that may be done in every state."""


class LampState(enum.Enum):
    """What the station is doing. COOLING: no trigger can pass, the bank bleeds and the foil cools."""

    SAFE = "safe"
    CHARGING = "charging"
    ARMED = "armed"
    FIRING = "firing"
    COOLING = "cooling"
    FAULT = "fault"


@dataclass(frozen=True)
class Rule:
    """One line of the table: the states that may follow, and the deeds that may be done."""

    then: frozenset[LampState]
    may: frozenset[Deed]


def _rule(then: tuple[LampState, ...], *may: Deed) -> Rule:
    return Rule(frozenset(then), frozenset(may))


_S = LampState
RULES: Mapping[LampState, Rule] = {
    _S.SAFE: _rule((_S.CHARGING, _S.COOLING, _S.FAULT), "prepare", "arm", "charge", "reset"),
    _S.CHARGING: _rule((_S.ARMED, _S.COOLING, _S.FAULT), "charge"),
    _S.ARMED: _rule((_S.FIRING, _S.COOLING, _S.FAULT), "charge", "fire"),
    _S.FIRING: _rule((_S.ARMED, _S.COOLING, _S.FAULT), "charge"),
    _S.COOLING: _rule((_S.SAFE, _S.FAULT), "prepare", "reset"),
    _S.FAULT: _rule((_S.COOLING,), "reset"),
}
"""FIRING is from a trigger until what came of it is known: in it, no second one is sent. FAULT stays until a person
resets it; what follows is COOLING, since the bank may still hold a charge."""

UNDER_WAY = frozenset({LampState.CHARGING, LampState.ARMED, LampState.FIRING})
"""In which a lamp needs its host."""
LASTING = frozenset({LampState.CHARGING, LampState.FAULT})
"""To be known after a power cut: that a bank was being charged, and that a fault is latched."""


def _nobody() -> None:
    """Tell nobody."""


class LampMachine:
    """The state of one lamp, held to the table. It begins in COOLING: nobody has looked at the bank yet.

    was_latched: whether the state before this one was FAULT.
    """

    def __init__(self, name: str, changed: Callable[[], None] = _nobody) -> None:
        """Begin; `changed` is called after every change of the state."""
        self._name, self._changed = name, changed
        self._lock = threading.RLock()
        self.was_latched = False
        self._state = LampState.COOLING
        self._why = ""

    @property
    def state(self) -> LampState:
        """The present state."""
        return self._state

    @property
    def why(self) -> str:
        """Why it is in FAULT; nothing in any other state."""
        return self._why

    def require(self, deed: Deed) -> None:
        """Raise InterlockError, with what to do next, when this may not be done now."""
        with self._lock:
            state, why = self._state, self._why
        if deed in RULES[state].may:
            return
        if state is LampState.FAULT:
            raise InterlockError(
                "state",
                f"{self._name} is in FAULT ({why}); look at the lamp, then type lab.{self._name}.reset() or"
                f" `labctl reset {self._name}`. Nothing was done",
            )
        allowed = ", ".join(sorted(each.value for each, rule in RULES.items() if deed in rule.may))
        raise InterlockError(
            "state", f"{self._name} is {state.value}; to {deed} it must be {allowed}. Nothing was done"
        )

    def go(self, state: LampState, why: str = "") -> None:
        """Change the state; staying where it is changes nothing. Raises InterlockError outside the table."""
        with self._lock:
            if state is self._state:
                return
            if state not in RULES[self._state].then:
                raise InterlockError(
                    "state", f"{self._name} does not go from {self._state.value} to {state.value}"
                )
            self.was_latched = self._state is LampState.FAULT
            self._state, self._why = state, why if state is LampState.FAULT else ""
        self._changed()
