"""What an instrument that runs MethodSCRIPT refuses of a program, step by step; nothing is sent."""

from __future__ import annotations

import math

from devices.cycling.programs import Program, Step
from devices.cycling.techniques import (
    GalvanostaticImpedance,
    Impedance,
    OpenCircuit,
    PotentiostaticImpedance,
    setpoint_current,
    setpoint_voltages,
)
from devices.errors import LimitError, ProgramError
from devices.methodscript.abilities import Abilities

OF_CURRENT = ("current_above", "current_below", "charge", "energy", "current_rate_below")
"""Ends that an open cell cannot meet: no current is measured there."""


def check_ranges(program: Program, abilities: Abilities, name: str) -> None:
    """Refuse what lies beyond the instrument's ranges. Raises LimitError, ProgramError."""
    limits = program.limits
    for what, volts in (("voltage_min", limits.voltage_min), ("voltage_max", limits.voltage_max)):
        _within(f"{name} limits.{what}", volts, "V", -abilities.voltage, abilities.voltage)
    _within(f"{name} limits.current_max", limits.current_max, "A", abilities.least_current, abilities.current)
    for index, step in enumerate(program.leaves()):
        _check_step(step, abilities, f"{name} step {index}:")


def _check_step(step: Step, abilities: Abilities, where: str) -> None:
    for volts in setpoint_voltages(step.run):
        _within(f"{where} voltage", volts, "V", -abilities.voltage, abilities.voltage)
    amperes = setpoint_current(step.run)
    if amperes:
        _within(f"{where} |current|", amperes, "A", abilities.least_current, abilities.current)
    if isinstance(step.run, OpenCircuit):
        asked = [end for end in OF_CURRENT if getattr(step.until, end) is not None]
        if asked or step.record.current_change is not None:
            what = asked[0] if asked else "record.current_change"
            raise ProgramError(
                f"{where} {what}: at rest the cell is open and no current is measured; a rest ends by voltage,"
                " voltage rate or duration. Nothing was sent"
            )
    if isinstance(step.run, PotentiostaticImpedance | GalvanostaticImpedance):
        _check_spectrum(step.run, abilities, where)


def _check_spectrum(run: Impedance, abilities: Abilities, where: str) -> None:
    low, high = abilities.frequency
    for what, hertz in (("first", run.first), ("last", run.last)):
        _within(f"{where} {what}", hertz, "Hz", low, high)
    if isinstance(run, PotentiostaticImpedance):
        root = math.sqrt(2.0)
        _within(
            f"{where} amplitude",
            run.amplitude,
            "V",
            root * abilities.least_sine,
            root * abilities.voltage_sine,
        )


def _within(what: str, value: float, unit: str, low: float, high: float) -> None:
    if not low <= value <= high:
        raise LimitError(what, value, unit, low, high)
