"""The states of a vacuum chamber as a table: where each may go, and what may be done in it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal

from devices.states import Rule, StateMachine, StateTable, rule

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


def _or_fault(then: tuple[ChamberState, ...], *may: Deed) -> Rule[ChamberState, Deed]:
    return rule((*then, ChamberState.FAULT), *may)


_S = ChamberState
RULES: Mapping[ChamberState, Rule[ChamberState, Deed]] = {
    _S.VENTED: _or_fault((_S.PUMPING,), "prepare", "pump", "vent", "reset"),
    _S.PUMPING: _or_fault((_S.BASE, _S.VENTED), "prepare", "pump", "vent", "reset"),
    _S.BASE: _or_fault(
        (_S.PUMPING, _S.VENTED, _S.GAS, _S.PLASMA), "prepare", "pump", "vent", "heat", "gas", "reset"
    ),
    _S.GAS: _or_fault((_S.PUMPING, _S.PLASMA), "heat", "gas", "strike"),
    _S.PLASMA: _or_fault((_S.GAS, _S.PUMPING, _S.DEPOSIT), "heat", "gas", "strike", "open"),
    _S.DEPOSIT: _or_fault((_S.PLASMA, _S.PUMPING), "heat", "open"),
    _S.FAULT: rule((_S.PUMPING,), "reset"),
}
"""Gas that was closed leaves a chamber that is PUMPING. FAULT stays until a person resets it."""

UNDER_WAY = frozenset({_S.GAS, _S.PLASMA, _S.DEPOSIT})
"""In which a chamber needs its host."""
LASTING = frozenset({_S.DEPOSIT, _S.PLASMA, _S.FAULT})
"""To be known after a power cut."""

TABLE = StateTable(RULES, ChamberState.PUMPING, ChamberState.FAULT)
ChamberMachine = StateMachine[ChamberState, Deed]
