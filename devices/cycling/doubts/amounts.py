"""Doubts about how much: a current, a power, a load, a charge or an energy of another cell, or in another unit."""

from __future__ import annotations

from devices.cycling.cells import SECONDS_PER_HOUR
from devices.cycling.doubts.seen import FASTEST, SLOWEST, Seen, drives, micro
from devices.cycling.techniques import ConstantPower, ConstantResistance, setpoint_current

FULLEST = 3.0
"""Capacities of the film above which a charge is doubted; guess: LiCoO2 holds two of the halves that are used."""


def fast_current(seen: Seen) -> str:
    """Milliamperes where microamperes were meant."""
    current = setpoint_current(seen.step.run) or 0.0
    if seen.rate(current) > FASTEST:
        said = f"{micro(current)}A is {seen.rate(current):.3g}C of {seen.holds}"
        return f"{said}; was a smaller unit meant (uA, not mA)?"
    return ""


def slow_current(seen: Seen) -> str:
    """Nanoamperes where microamperes were meant."""
    rate = seen.rate(setpoint_current(seen.step.run) or 0.0)
    if 0 < rate < SLOWEST and seen.step.until.duration is None and drives(seen.step):
        current = micro(setpoint_current(seen.step.run) or 0.0)
        return (
            f"{current}A is {rate:.3g}C of {seen.holds}, {1 / rate:.3g} h one way; was a larger unit meant?"
        )
    return ""


def power_of_another_cell(seen: Seen) -> str:
    """A power whose current at the lowest voltage no film bears, or none feels."""
    run = seen.step.run
    if not isinstance(run, ConstantPower):
        return ""
    rate = seen.rate(abs(run.power) / seen.lowest)
    if rate > FASTEST or (0 < rate < SLOWEST and seen.step.until.duration is None):
        return f"{micro(abs(run.power))}W draws {rate:.3g}C of {seen.holds}; was another unit meant (uW, not mW)?"
    return ""


def load_of_another_cell(seen: Seen) -> str:
    """A load that is a short to this cell, or nothing."""
    run = seen.step.run
    if not isinstance(run, ConstantResistance):
        return ""
    high = seen.rate(seen.limits.voltage_max / run.resistance)
    if high > FASTEST:
        return f"{_ohm(run.resistance)} draws {high:.3g}C of {seen.holds}: a short; was a larger unit meant (kOhm)?"
    if 0 < high < SLOWEST and seen.step.until.duration is None:
        return f"{_ohm(run.resistance)} draws {high:.3g}C of {seen.holds}; was a smaller unit meant?"
    return ""


def charge_of_another_cell(seen: Seen) -> str:
    """An end by a charge that the film does not hold."""
    charge = seen.step.until.charge
    if charge is not None and charge > FULLEST * seen.capacity:
        said = f"{micro(charge / SECONDS_PER_HOUR)}Ah is {charge / seen.capacity:.3g} times {seen.holds}"
        return f"an end at {said}; was a smaller unit meant (uAh, not mAh)?"
    return ""


def energy_of_another_cell(seen: Seen) -> str:
    """An end by an energy that the film does not hold."""
    energy, full = seen.step.until.energy, seen.capacity * seen.limits.voltage_max
    if energy is not None and energy > FULLEST * full:
        said = f"{micro(energy / SECONDS_PER_HOUR)}Wh is {energy / full:.3g} times what the film holds"
        return f"an end at {said}; was a smaller unit meant (uWh, not mWh)?"
    return ""


def _ohm(value: float) -> str:
    return f"{value / 1e3:.3g} kOhm" if value >= 1e3 else f"{value:.3g} Ohm"
