"""The states of a chamber are a table: what follows what, what may be done where, and a fault that stays."""

from __future__ import annotations

import itertools

import pytest

from devices.errors import InterlockError
from devices.sputter.states import RULES, TABLE, ChamberMachine, ChamberState

S = ChamberState
WAYS = {
    S.PUMPING: (),
    S.VENTED: (S.VENTED,),
    S.BASE: (S.BASE,),
    S.GAS: (S.BASE, S.GAS),
    S.PLASMA: (S.BASE, S.GAS, S.PLASMA),
    S.DEPOSIT: (S.BASE, S.GAS, S.PLASMA, S.DEPOSIT),
    S.FAULT: (S.FAULT,),
}


def machine_in(state):
    machine = ChamberMachine("sputter", TABLE)
    for step in WAYS[state]:
        machine.go(step, "the reason")
    assert machine.state is state
    return machine


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_a_state_follows_another_exactly_where_the_table_says(before, after):
    machine = machine_in(before)
    if before is after or after in RULES[before].then:
        machine.go(after)
        assert machine.state is after
    else:
        with pytest.raises(InterlockError, match=f"{before.value} to {after.value}"):
            machine.go(after)


def test_no_way_to_gas_or_plasma_leads_from_a_vented_chamber_but_through_the_base_pressure():
    for state in (S.VENTED, S.PUMPING, S.FAULT):
        assert not RULES[state].then & {S.GAS, S.PLASMA, S.DEPOSIT}
        assert not RULES[state].may & {"gas", "strike", "open", "heat"}


def test_nothing_is_vented_with_gas_or_plasma():
    assert {state for state in S if "vent" in RULES[state].may} == {S.VENTED, S.PUMPING, S.BASE}


def test_only_reset_leaves_a_fault():
    assert RULES[S.FAULT].may == {"reset"}
    with pytest.raises(InterlockError, match=r"FAULT \(the reason\).*reset"):
        machine_in(S.FAULT).require("pump")
