"""Capacitor bank on a flash lamp: what one pulse takes, gives, and how the bank fills again.

[FLA paper] stands for the 2021 paper on flash lamp annealing of LiCoO2 on aluminium foil.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

CAPACITANCE = 5.6e-3  # F, of the station's bank, guess: gives with K0 the droop that [FLA paper] implies
LAMP_CONSTANT = 35.0  # ohm A^0.5, of the lamp, guess: typical of a long xenon tube
EXPOSED_AREA = 20e-4  # m2, foil under the lamp, guess
EXPLOSION_CONSTANT = 1.5e5
"""J s^-0.5, guess: 20 kJ s^-0.5 per cm of length and cm of bore [flash-lamp textbooks], for a tube of 15 cm by
5 mm, which has the length over bore of K0 = 35 ohm A^0.5."""
CHARGER_POWER, CHARGER_CURRENT = 600.0, 0.6  # W, A: a 600 W charger of 1 kV, all of it into the bank
UNITS = {
    "capacitance": "F",
    "lamp_constant": "ohm A^0.5",
    "exposed_area": "m2",
    "explosion_constant": "J/s^0.5",
    "charger_power": "W",
    "charger_current": "A",
}
CALIBRATION_VOLTAGE = 850.0  # V, [FLA paper]
CALIBRATION_DURATION = 1.8e-3  # s, [FLA paper]
CALIBRATION_EXPOSURE = 16.5e4  # J m-2, [FLA paper]: 330 J/cm2 in 20 pulses and 4950 J/cm2 in 300
ROUND_OFF = 1e-9  # of a pulse's length


def _droop(voltage: float, duration: float, capacitance: float, lamp_constant: float) -> float:
    """Return x = V0 tp / (C K0^2); the bank ends the pulse at V0 / (1 + x).

    A flash lamp obeys V = K0 sqrt(i) [flash-lamp textbooks], so C dV/dt = -(V / K0)^2 and
    V(t) = V0 / (1 + x t / tp).
    """
    return voltage * duration / (capacitance * lamp_constant**2)


def _electrical_energy(voltage: float, droop: float, capacitance: float) -> float:
    """Return what the bank gives up in falling from V0 to V0 / (1 + x) [J]."""
    return -0.5 * capacitance * voltage**2 * math.expm1(-2.0 * math.log1p(droop))


def calibrated_efficiency(capacitance: float, lamp_constant: float, exposed_area: float) -> float:
    """Return the share of the bank's energy that reaches the foil [1], from one point: 16.5 J/cm2.

    capacitance [F], lamp_constant [ohm A^0.5], exposed_area [m2]. The point is 850 V for 1.8 ms, [FLA paper];
    the share is taken as constant, so that every other voltage and duration is a prediction; at 900 V it is
    19.29 J/cm2, and [FLA paper] has 830/43 = 19.30 J/cm2.
    """
    droop = _droop(CALIBRATION_VOLTAGE, CALIBRATION_DURATION, capacitance, lamp_constant)
    return CALIBRATION_EXPOSURE * exposed_area / _electrical_energy(CALIBRATION_VOLTAGE, droop, capacitance)


@dataclass(frozen=True)
class Bank:
    """Describe a capacitor bank with its charger, its lamp and the foil they light.

    capacitance [F], lamp_constant K0 [ohm A^0.5], efficiency [1] of electrical energy to light on the exposed
    area, exposed_area [m2], explosion_constant Ke of the lamp [J s^-0.5]; charger_power [W] and charger_current [A]
    into the bank at most.
    """

    capacitance: float = CAPACITANCE
    lamp_constant: float = LAMP_CONSTANT
    efficiency: float = calibrated_efficiency(CAPACITANCE, LAMP_CONSTANT, EXPOSED_AREA)
    exposed_area: float = EXPOSED_AREA
    explosion_constant: float = EXPLOSION_CONSTANT
    charger_power: float = CHARGER_POWER
    charger_current: float = CHARGER_CURRENT

    def __post_init__(self) -> None:
        for name, unit in UNITS.items():
            _require_positive(name, getattr(self, name), unit)
        if not 0.0 < self.efficiency <= 1.0:
            raise ValueError(f"efficiency = {self.efficiency} is outside (0, 1]")


@dataclass(frozen=True)
class Discharge:
    """Hold one pulse: bank voltages [V], energies [J], exposure [J m-2], droop x [1], duration [s].

    lit: start and end [s] of each micro-pulse within the duration; empty where the lamp burns all through it.
    The lamp follows its bank at once: a rise time of about 60 us (guess) is left out. So is what the charger
    adds between micro-pulses: 600 W for 1 ms are 0.1 % of a pulse.
    """

    voltage_before: float
    voltage_after: float
    electrical_energy: float
    light_energy: float
    exposure: float
    droop: float
    duration: float
    lit: tuple[tuple[float, float], ...] = ()

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """Return start and end [s] of each stretch of light; one, where there are no micro-pulses."""
        return self.lit or ((0.0, self.duration),)

    @property
    def lit_duration(self) -> float:
        """Return how long the lamp burns in sum [s]."""
        return sum(end - start for start, end in self.windows)

    def power_share(self, time: ArrayLike) -> Array:
        """Return the pulse shape [s-1] at time [s] after the start; its integral over the pulse is 1.

        P = V i = V^3 / K0^2, so it falls as (1 + x t / tp)^-3 with t the time the lamp has burned; zero in the
        dark.
        """
        moments = np.asarray(time, dtype=float)
        scale = -2.0 * self.droop / (self.lit_duration * math.expm1(-2.0 * math.log1p(self.droop)))
        lit = np.any([(moments >= start) & (moments <= end) for start, end in self.windows], axis=0)
        return np.where(lit, scale * (1.0 + self.droop * self._burned(moments)) ** -3, 0.0)

    def energy_share(self, time: ArrayLike) -> Array:
        """Return the share of the energy [1] given until time [s], exact; 0 before the pulse, 1 after."""
        whole = np.expm1(-2.0 * np.log1p(self.droop))
        return np.asarray(np.expm1(-2.0 * np.log1p(self.droop * self._burned(time))) / whole)

    def _burned(self, time: ArrayLike) -> Array:
        """Return the share [1] of its light time that the lamp has burned at time [s]."""
        knots = np.array(self.windows).ravel()
        burned = np.cumsum(np.diff(knots, prepend=knots[0]) * (np.arange(len(knots)) % 2))
        return np.asarray(np.interp(np.asarray(time, dtype=float), knots, burned / burned[-1]))


def discharge(
    bank: Bank, voltage: float, duration: float, lit: tuple[tuple[float, float], ...] = ()
) -> Discharge:
    """Fire the lamp from a bank at voltage [V] for duration [s].

    lit: start and end [s] of micro-pulses in order, within the duration; empty for light all through it.
    E = C V0^2 / 2 (1 - (1 + x)^-2) with x = V0 tp / (C K0^2) and tp the time the lamp burns.
    Raises ValueError unless voltage and duration are positive and micro-pulses follow one another.
    """
    _require_positive("voltage", voltage, "V")
    _require_positive("duration", duration, "s")
    moments = [moment for window in lit for moment in window]
    apart = all(start < end for start, end in lit) and moments == sorted(moments)
    if not (apart and all(0.0 <= moment <= duration * (1.0 + ROUND_OFF) for moment in moments)):
        raise ValueError(f"lit = {lit} s: micro-pulses must follow one another within {duration} s")
    burning = sum(end - start for start, end in lit) if lit else duration
    droop = _droop(voltage, burning, bank.capacitance, bank.lamp_constant)
    electrical = _electrical_energy(voltage, droop, bank.capacitance)
    light = bank.efficiency * electrical
    return Discharge(
        voltage_before=voltage,
        voltage_after=voltage / (1.0 + droop),
        electrical_energy=electrical,
        light_energy=light,
        exposure=light / bank.exposed_area,
        droop=droop,
        duration=duration,
        lit=lit,
    )


@dataclass(frozen=True)
class Charging:
    """Hold a bank after charging: voltage [V], energy put into it [J], whether the target is reached."""

    voltage: float
    energy: float
    reached: bool


def charging_time(voltage: float, target: float, power: float, capacitance: float, current: float) -> float:
    """Return how long a charger needs from voltage to target [s]; 0 if the bank is there already.

    voltage, target [V], power into the bank [W], capacitance [F], current limit [A]. Below V = P / I the
    current limits and C dV/dt = I; above it the power limits and C V dV/dt = P.
    Raises ValueError for a negative voltage or a power, capacitance or current that is not positive.
    """
    _require_charger(voltage, target, power, capacitance, current)
    if voltage >= target:
        return 0.0
    corner = power / current
    linear = max(min(target, corner) - voltage, 0.0) * capacitance / current
    start = max(voltage, corner)
    return linear + max(target**2 - start**2, 0.0) * capacitance / (2.0 * power)


def charge(
    voltage: float, target: float, power: float, dt: float, capacitance: float, current: float = 0.6
) -> Charging:
    """Charge a bank for dt [s] towards target [V], in closed form.

    voltage [V], power into the bank [W] (a 600 W charger at an efficiency or setting of 50 % puts in 300 W),
    capacitance [F], current limit [A] (0.6 A: a 600 W charger of 1 kV). A bank above its target is left
    alone: a charger cannot sink.
    Raises ValueError for a negative voltage or dt, or a power, capacitance or current that is not positive.
    """
    _require_charger(voltage, target, power, capacitance, current)
    if not dt >= 0.0:
        raise ValueError(f"dt = {dt} s must not be negative")
    if charging_time(voltage, target, power, capacitance, current) <= dt:
        final = max(voltage, target)
    else:
        corner = power / current
        linear = min(dt, max(corner - voltage, 0.0) * capacitance / current)
        ramped = voltage + current * linear / capacitance
        final = math.sqrt(ramped**2 + 2.0 * power * (dt - linear) / capacitance)
    return Charging(final, 0.5 * capacitance * (final**2 - voltage**2), final >= target)


def bleed(voltage: float, dt: float, time_constant: float) -> float:
    """Return the voltage [V] left after dt [s] on a bleed resistor; time_constant = R C [s].

    Raises ValueError for a negative dt or a time constant that is not positive.
    """
    _require_positive("time_constant", time_constant, "s")
    if not math.isfinite(voltage):
        raise ValueError(f"voltage = {voltage} V must be finite")
    if not dt >= 0.0:
        raise ValueError(f"dt = {dt} s must not be negative")
    return voltage * math.exp(-dt / time_constant)


def _require_charger(voltage: float, target: float, power: float, capacitance: float, current: float) -> None:
    for name, value, unit in (
        ("power", power, "W"),
        ("capacitance", capacitance, "F"),
        ("current", current, "A"),
    ):
        _require_positive(name, value, unit)
    for name, value in (("voltage", voltage), ("target", target)):
        if not 0.0 <= value < math.inf:
            raise ValueError(f"{name} = {value} V must be finite and not negative")


def _require_positive(name: str, value: float, unit: str) -> None:
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f"{name} = {value} {unit} must be positive and finite")
