"""A bank that was switched off: how long it needs until a hand may come near, and the wait for it."""

from __future__ import annotations

import math

from devices.clock import Clock, Poller
from devices.errors import InterlockError
from devices.roles.lamp_parts import Charger, ChargerState

BANK_SAFE = 50.0
"""V below which the bank counts as discharged, and a hand may come near the lamp."""
BLEED_PERIOD = 1.0
"""Seconds between looks at a bank that bleeds."""
PATIENCE = 3.0
"""Times the bank's time constant by which a discharge may be slower than it should; guess."""
LEAST_PATIENCE = 30.0
"""Seconds that any discharge may take."""


def time_to_safe(voltage: float, time_constant: float) -> float:
    """Return how long a bank at voltage [V] bleeds until it is discharged [s]."""
    return time_constant * math.log(voltage / BANK_SAFE) if voltage > BANK_SAFE else 0.0


def bank_in_words(state: ChargerState, time_constant: float) -> str:
    """Return what the bank is: discharged, charged, or discharging, with the time until it is safe."""
    if state.high_voltage_on:
        return f"charged, {state.voltage:.0f} V"
    if state.voltage < BANK_SAFE:
        return f"discharged, {state.voltage:.0f} V"
    wait = time_to_safe(state.voltage, time_constant)
    return f"discharging, {state.voltage:.0f} V, below {BANK_SAFE:g} V in {wait:.0f} s"


def bleeding(charger: Charger, clock: Clock, time_constant: float) -> Poller:
    """Wait until the bank, switched off, is discharged. Raises InterlockError when it is far slower than it should."""
    state = charger.state()
    longest = max(PATIENCE * time_to_safe(state.voltage, time_constant), LEAST_PATIENCE)
    until = clock.now() + longest
    while state.voltage >= BANK_SAFE:
        if clock.now() > until:
            raise InterlockError(
                "bank", f"still at {state.voltage:.0f} V {longest:.0f} s after it was switched off; keep away"
            )
        yield BLEED_PERIOD
        state = charger.state()
