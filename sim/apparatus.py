"""Apparatus that several twins share: it has a state of its own and no wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.physics.lamp.bank import Bank, Discharge
from sim.physics.lamp.bank import bleed as bled
from sim.physics.lamp.bank import charge as charged
from sim.physics.lamp.bank import discharge as discharged

BLEED_TIME_CONSTANT = 20.0  # s, guess: 3.6 kohm across 5.6 mF, 900 V fall below 50 V in a minute
IGNITION_VOLTAGE = 100.0  # V, guess: below it the simmering arc does not take over


BUILT = {
    "bank_capacitance": "capacitance",
    "lamp_constant": "lamp_constant",
    "efficiency": "efficiency",
    "exposed_area": "exposed_area",
    "explosion_constant": "explosion_constant",
    "charger_power": "charger_power",
    "charger_current": "charger_current",
}
"""What the parameters of a lamp's station say of its bank, and as which field of Bank."""


def bank_from(built: Mapping[str, Any]) -> Bank:
    """Return the bank that a station's parameters describe; what they do not say is as in the example lamp."""
    return Bank(**{field: built[name] for name, field in BUILT.items() if name in built})


@dataclass
class FlashHead:
    """The capacitor bank and its lamp: charged by a supply, bled by a resistor, emptied by a gate.

    voltage [V] of the bank, bleed_time_constant [s], ignition_voltage [V].
    """

    bank: Bank = field(default_factory=Bank)
    voltage: float = 0.0
    bleed_time_constant: float = BLEED_TIME_CONSTANT
    ignition_voltage: float = IGNITION_VOLTAGE

    def charge(self, target: float, power: float, current: float, dt: float) -> None:
        """Charge towards target [V] with at most power [W] and current [A] for dt [s]; never downwards."""
        self.voltage = charged(self.voltage, target, power, dt, self.bank.capacitance, current).voltage

    def bleed(self, dt: float) -> None:
        """Let the bleed resistor work for dt [s]."""
        self.voltage = bled(self.voltage, dt, self.bleed_time_constant)

    def discharge(self, duration: float) -> Discharge | None:
        """Flash for duration [s]; None when the bank is below the ignition voltage."""
        if self.voltage < self.ignition_voltage:
            return None
        pulse = discharged(self.bank, self.voltage, duration)
        self.voltage = pulse.voltage_after
        return pulse
