"""A bank that was switched off: waited for until a hand may come near, and told when it never gets there."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InterlockError
from devices.lamp.discharge import bank_in_words, bleeding, time_to_safe
from devices.roles.lamp_parts import ChargerState

LOW_VOLTAGE = 50.0
"""V: the bound of the safety extra-low voltage of a hand that touches is 60 V of direct current (IEC 61140)."""


def bled(time_constant: float, slower: float = 1.0, until: float = 1e4) -> tuple[float, float]:
    """Return after how many seconds the wait ends, and at which voltage, of a bank of 900 V."""
    clock: Any = SimpleNamespace(moment=0.0)
    clock.now = lambda: clock.moment

    def state() -> ChargerState:
        left = 900.0 * math.exp(-clock.moment / (slower * time_constant))
        return ChargerState(left, 0.0, False, False)

    charger: Any = SimpleNamespace(state=state)
    for delay in bleeding(charger, clock, time_constant):
        clock.moment += delay
        assert clock.moment < until, "it waits for ever"
    return clock.moment, state().voltage


@pytest.mark.parametrize("slower", [0.5, 1.0, 2.5])
def test_the_wait_ends_when_the_bank_is_below_what_a_hand_may_touch_and_no_sooner(slower: float) -> None:
    lasted, voltage = bled(20.0, slower)
    assert voltage < LOW_VOLTAGE
    assert lasted == pytest.approx(slower * time_to_safe(900.0, 20.0), abs=1.0)
    assert 900.0 * math.exp(-time_to_safe(900.0, 20.0) / 20.0) == pytest.approx(LOW_VOLTAGE)


def test_a_bank_that_does_not_bleed_is_told_with_its_voltage() -> None:
    with pytest.raises(InterlockError, match=r"bank: still at \d+ V .*keep away"):
        bled(20.0, 100.0)


def test_a_bank_is_never_called_discharged_while_high_voltage_is_on_or_above_what_a_hand_may_touch() -> None:
    assert bank_in_words(ChargerState(10.0, 0.0, True, False), 20.0) == "charged, 10 V"
    assert bank_in_words(ChargerState(51.0, 0.0, False, False), 20.0).startswith("discharging")
    assert bank_in_words(ChargerState(49.0, 0.0, False, False), 20.0) == "discharged, 49 V"
