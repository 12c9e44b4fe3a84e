"""The states of a flash lamp as a table: where each may go, and what may be done in it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal

from devices.states import Rule, StateMachine, StateTable, rule

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


_S = LampState
RULES: Mapping[LampState, Rule[LampState, Deed]] = {
    _S.SAFE: rule((_S.CHARGING, _S.COOLING, _S.FAULT), "prepare", "arm", "charge", "reset"),
    _S.CHARGING: rule((_S.ARMED, _S.COOLING, _S.FAULT), "charge"),
    _S.ARMED: rule((_S.FIRING, _S.COOLING, _S.FAULT), "charge", "fire"),
    _S.FIRING: rule((_S.ARMED, _S.COOLING, _S.FAULT), "charge"),
    _S.COOLING: rule((_S.SAFE, _S.FAULT), "prepare", "reset"),
    _S.FAULT: rule((_S.COOLING,), "reset"),
}
"""FIRING is from a trigger until what came of it is known: in it, no second one is sent. FAULT stays until a person
resets it; what follows is COOLING, since the bank may still hold a charge."""

UNDER_WAY = frozenset({LampState.CHARGING, LampState.ARMED, LampState.FIRING})
"""In which a lamp needs its host."""
LASTING = frozenset({LampState.CHARGING, LampState.FAULT})
"""To be known after a power cut: that a bank was being charged, and that a fault is latched."""

TABLE = StateTable(RULES, LampState.COOLING, LampState.FAULT)
"""A lamp begins in COOLING: nobody has looked at the bank yet."""
LampMachine = StateMachine[LampState, Deed]
