"""The states of a lamp are a table: what follows what, what may be done where, and a fault that stays."""

from __future__ import annotations

import itertools

import pytest

from devices.errors import InterlockError
from devices.lamp.states import RULES, TABLE, LampMachine, LampState

S = LampState
WAYS: dict[LampState, tuple[LampState, ...]] = {
    S.SAFE: (S.SAFE,),
    S.COOLING: (),
    S.CHARGING: (S.SAFE, S.CHARGING),
    S.ARMED: (S.SAFE, S.CHARGING, S.ARMED),
    S.FIRING: (S.SAFE, S.CHARGING, S.ARMED, S.FIRING),
    S.FAULT: (S.FAULT,),
}
"""How to come to each state from COOLING, in which a machine begins."""


def machine_in(state: LampState) -> LampMachine:
    machine = LampMachine("lamp", TABLE)
    for step in WAYS[state]:
        machine.go(step, "the reason")
    assert machine.state is state
    return machine


@pytest.mark.parametrize(("before", "after"), list(itertools.product(LampState, LampState)))
def test_a_state_follows_another_exactly_where_the_table_says(before: LampState, after: LampState) -> None:
    machine = machine_in(before)
    if before is after or after in RULES[before].then:
        machine.go(after)
        assert machine.state is after
    else:
        with pytest.raises(InterlockError, match=f"{before.value} to {after.value}"):
            machine.go(after)
        assert machine.state is before


@pytest.mark.parametrize("state", list(LampState))
@pytest.mark.parametrize("deed", ["prepare", "arm", "charge", "fire", "reset"])
def test_a_deed_is_refused_wherever_the_table_does_not_name_it(state: LampState, deed) -> None:  # type: ignore[no-untyped-def]
    machine = machine_in(state)
    if deed in RULES[state].may:
        machine.require(deed)
    else:
        with pytest.raises(InterlockError, match="Nothing was done"):
            machine.require(deed)


def test_only_an_armed_lamp_fires_and_a_pulse_in_hand_is_none() -> None:
    assert [state for state in LampState if "fire" in RULES[state].may] == [S.ARMED]


def test_every_state_can_be_made_safe_or_fail() -> None:
    for state in set(LampState) - {S.FAULT}:
        assert S.FAULT in RULES[state].then
        assert state is S.COOLING or S.COOLING in RULES[state].then


def test_a_fault_stays_says_why_and_what_to_type() -> None:
    machine = machine_in(S.FAULT)
    with pytest.raises(InterlockError, match=r"FAULT \(the reason\).*lab\.lamp\.reset\(\)"):
        machine.require("prepare")
    assert [state for state in LampState if state in RULES[S.FAULT].then] == [S.COOLING]
    machine.go(S.COOLING)
    assert machine.why == ""
