"""The states of a station as a table: where each may go, what may be done in it; and the state held to the table."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from devices.errors import InterlockError

StateT = TypeVar("StateT", bound=enum.Enum)
DeedT = TypeVar("DeedT", bound=str)
"""What a station is asked to do. Making it safe is no deed: that may be done in every state."""


@dataclass(frozen=True)
class Rule(Generic[StateT, DeedT]):
    """One line of the table: the states that may follow, and the deeds that may be done."""

    then: frozenset[StateT]
    may: frozenset[DeedT]


def rule(then: Collection[StateT], *may: DeedT) -> Rule[StateT, DeedT]:
    """Return a line of the table."""
    return Rule(frozenset(then), frozenset(may))


@dataclass(frozen=True)
class StateTable(Generic[StateT, DeedT]):
    """The rules by state, the state to begin in, and that of a latched fault."""

    rules: Mapping[StateT, Rule[StateT, DeedT]]
    first: StateT
    fault: StateT


def _nobody() -> None:
    """Tell nobody."""


class StateMachine(Generic[StateT, DeedT]):
    """The state of one station, held to its table. before: the state before this one."""

    def __init__(
        self, name: str, table: StateTable[StateT, DeedT], changed: Callable[[], None] = _nobody
    ) -> None:
        """Begin; `changed` is called after every change of the state."""
        self._name, self._table, self._changed = name, table, changed
        self._lock = threading.RLock()
        self._state = self.before = table.first
        self._why = ""

    @property
    def state(self) -> StateT:
        """The present state."""
        return self._state

    @property
    def why(self) -> str:
        """Why it is in the state of a fault; nothing in any other state."""
        return self._why

    def require(self, deed: DeedT) -> None:
        """Raise InterlockError, with what to do next, when this may not be done now."""
        with self._lock:
            state, why = self._state, self._why
        if deed in self._table.rules[state].may:
            return
        if state is self._table.fault:
            raise InterlockError(
                "state",
                f"{self._name} is in FAULT ({why}); look at it, then type lab.{self._name}.reset() or"
                f" `labctl reset {self._name}`. Nothing was done",
            )
        allowed = ", ".join(
            sorted(each.value for each, line in self._table.rules.items() if deed in line.may)
        )
        raise InterlockError(
            "state", f"{self._name} is {state.value}; to {deed} it must be {allowed}. Nothing was done"
        )

    def go(self, state: StateT, why: str = "") -> None:
        """Change the state; staying where it is changes nothing. Raises InterlockError outside the table."""
        with self._lock:
            if state is self._state:
                return
            if state not in self._table.rules[self._state].then:
                raise InterlockError(
                    "state", f"{self._name} does not go from {self._state.value} to {state.value}"
                )
            self.before = self._state
            self._state, self._why = state, why if state is self._table.fault else ""
        self._changed()
