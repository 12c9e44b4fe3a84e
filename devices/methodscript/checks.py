"""What an instrument that runs MethodSCRIPT refuses of a program, step by step; nothing is sent."""

from __future__ import annotations

import math
from collections.abc import Iterator

from devices.cycling.programs import CellLimits, Program, Step
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
from devices.methodscript.judging import LONGEST_LOOK, current_look, voltage_look
from devices.methodscript.techniques import PERIODS, SETTLING

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
    _check_rates(step, abilities, where)
    if isinstance(step.run, PotentiostaticImpedance | GalvanostaticImpedance):
        _check_spectrum(step.run, abilities, where)


def _check_rates(step: Step, abilities: Abilities, where: str) -> None:
    """Refuse a rate that cannot be told from noise in time."""
    until = step.until
    if until.voltage_rate_below is not None:
        least = until.voltage_rate_below * voltage_look(until.voltage_rate_below, abilities) / LONGEST_LOOK
        _within(f"{where} until.voltage_rate_below", until.voltage_rate_below, "V/s", least, math.inf)
    if until.current_rate_below is not None:
        look, _ = current_look(until.current_rate_below, abilities)
        least = until.current_rate_below * look / LONGEST_LOOK
        _within(f"{where} until.current_rate_below", until.current_rate_below, "A/s", least, math.inf)


def unseen(step: Step, limits: CellLimits) -> Iterator[str]:
    """Return what of the charge of a step neither its script counts nor its rows show."""
    if isinstance(step.run, PotentiostaticImpedance) and step.run.bias is not None:
        most = 0.5 * limits.current_max * (PERIODS / step.run.first + SETTLING)
        yield (
            "a spectrum's charge is one of trapezoids between its frequencies: where its bias jumps, it may be off by"
            f" {most:.2g} C, at the cell's largest current"
        )


def looks(step: Step, abilities: Abilities) -> Iterator[str]:
    """Return over what time the rates with which a step ends are averaged."""
    until, lasts = step.until, step.until.duration or math.inf
    if until.voltage_rate_below is not None:
        look = voltage_look(until.voltage_rate_below, abilities)
        never = f": longer than the {lasts:g} s of its step, which never ends by it" if look >= lasts else ""
        yield f"a rate of {until.voltage_rate_below:.3g} V/s is averaged over {look:.3g} s or more{never}"
    if until.current_rate_below is not None:
        look, per_ampere = current_look(until.current_rate_below, abilities)
        beyond = "" if math.isinf(lasts) else f": above {lasts / per_ampere:.3g} A its step never ends by it"
        yield (
            f"a rate of {until.current_rate_below:.3g} A/s is averaged over {look:.3g} s at least, and"
            f" {1e-6 * per_ampere:.3g} s for each uA that flows{beyond}"
        )


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
