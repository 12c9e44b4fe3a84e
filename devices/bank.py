"""What a flash asks of a lamp's capacitor bank and charger, as far as a station must know before it fires.

A flash lamp obeys V = K0 sqrt(i) [flash-lamp textbooks], so a bank C that starts at V0 ends a pulse of length t at
V0 / (1 + x) with x = V0 t / (C K0^2).
"""

from __future__ import annotations


def voltage_after(voltage: float, duration: float, capacitance: float, lamp_constant: float) -> float:
    """Return the voltage [V] that a pulse of duration [s] leaves on a bank [F] at voltage [V].

    lamp_constant K0 [ohm A^0.5].
    """
    return voltage / (1 + voltage * duration / (capacitance * lamp_constant**2))


def energy_between(voltage: float, other: float, capacitance: float) -> float:
    """Return the energy [J] that a bank [F] gives up in falling from voltage to another [V]."""
    return 0.5 * capacitance * (voltage**2 - other**2)


def charging_time(voltage: float, target: float, power: float, current: float, capacitance: float) -> float:
    """Return how long a charger needs from voltage to a higher target [s].

    power [W] and current [A] into the bank [F]: below V = power / current the current limits, above it the power.
    """
    corner = min(max(power / current, voltage), target)
    return (corner - voltage) * capacitance / current + energy_between(target, corner, capacitance) / power
