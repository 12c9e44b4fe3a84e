"""The states of a vacuum chamber as a table: where each may go, and what may be done in it."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from devices.errors import InterlockError

Deed = Literal["prepare", "pump", "vent", "heat", "gas", "strike", "open", "reset"]
"""What a station is asked to do. Making it safe is no deed: that may be done in every state. open: the shutter between
source and substrate; strike: power on the sources."""


class ChamberState(enum.Enum):
    """What the chamber is. PUMPING: neither vented nor known to be at its base pressure; it begins so.

    PLASMA: sources have power, the substrate's shutter is closed. DEPOSIT: it is open. An evaporator, without gas,
    goes from BASE to PLASMA.
    """

    VENTED = "vented"
    PUMPING = "pumping"
    BASE = "base"
    GAS = "gas"
    PLASMA = "plasma"
    DEPOSIT = "deposit"
    FAULT = "fault"


@dataclass(frozen=True)
class Rule:
    """One line of the table: the states that may follow, and the deeds that may be done."""

    then: frozenset[ChamberState]
    may: frozenset[Deed]


def _rule(then: tuple[ChamberState, ...], *may: Deed) -> Rule:
    return Rule(frozenset((*then, ChamberState.FAULT)), frozenset(may))


_S = ChamberState
RULES: Mapping[ChamberState, Rule] = {
    _S.VENTED: _rule((_S.PUMPING,), "prepare", "pump", "vent", "reset"),
    _S.PUMPING: _rule((_S.BASE, _S.VENTED), "prepare", "pump", "vent", "reset"),
    _S.BASE: _rule(
        (_S.PUMPING, _S.VENTED, _S.GAS, _S.PLASMA), "prepare", "pump", "vent", "heat", "gas", "reset"
    ),
    _S.GAS: _rule((_S.PUMPING, _S.PLASMA), "heat", "gas", "strike"),
    _S.PLASMA: _rule((_S.GAS, _S.PUMPING, _S.DEPOSIT), "heat", "gas", "strike", "open"),
    _S.DEPOSIT: _rule((_S.PLASMA, _S.PUMPING), "heat", "open"),
    _S.FAULT: Rule(frozenset({_S.PUMPING}), frozenset({"reset"})),
}
"""Gas that was closed leaves a chamber that is PUMPING. FAULT stays until a person resets it."""

UNDER_WAY = frozenset({_S.GAS, _S.PLASMA, _S.DEPOSIT})
"""In which a chamber needs its host."""
LASTING = frozenset({_S.DEPOSIT, _S.PLASMA, _S.FAULT})
"""To be known after a power cut."""


def _nobody() -> None:
    """Tell nobody."""


class ChamberMachine:
    """The state of one chamber, held to the table. was_lasting: whether the state before this one is to be known."""

    def __init__(self, name: str, changed: Callable[[], None] = _nobody) -> None:
        """Begin; `changed` is called after every change of the state."""
        self._name, self._changed = name, changed
        self._lock = threading.RLock()
        self.was_lasting = False
        self._state = ChamberState.PUMPING
        self._why = ""

    @property
    def state(self) -> ChamberState:
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
        if state is ChamberState.FAULT:
            raise InterlockError(
                "state",
                f"{self._name} is in FAULT ({why}); look at it, then type lab.{self._name}.reset() or"
                f" `labctl reset {self._name}`. Nothing was done",
            )
        allowed = ", ".join(each.value for each, rule in RULES.items() if deed in rule.may)
        raise InterlockError(
            "state", f"{self._name} is {state.value}; to {deed} it must be {allowed}. Nothing was done"
        )

    def go(self, state: ChamberState, why: str = "") -> None:
        """Change the state; staying where it is changes nothing. Raises InterlockError outside the table."""
        with self._lock:
            if state is self._state:
                return
            if state not in RULES[self._state].then:
                raise InterlockError(
                    "state", f"{self._name} does not go from {self._state.value} to {state.value}"
                )
            self.was_lasting = self._state in LASTING
            self._state, self._why = state, why if state is ChamberState.FAULT else ""
        self._changed()
