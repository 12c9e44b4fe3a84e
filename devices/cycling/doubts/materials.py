"""Doubts about voltages and temperatures at which a cell's materials are not themselves."""

from __future__ import annotations

import math

from devices.cycling.doubts.seen import Seen, direction
from devices.cycling.programs import Step
from devices.cycling.techniques import ConstantVoltage, VoltageRamp, setpoint_current
from devices.cycling.windows import NEAR, TEMPERATURES, emptied_below


def voltage_of_another_cathode(seen: Seen) -> str:
    """A hold, or an end, at a voltage at which the cathode is no longer itself."""
    low, high = seen.window
    for volts in _voltages(seen.step):
        if volts < emptied_below(seen.cell):
            # Said of a cell without an anode by `over_discharge`, and what it means.
            continue
        if not low - NEAR <= volts <= high + NEAR:
            return f"{volts:g} V is outside of {low:.4g} to {high:.4g} V, where {seen.cell.materials[0]} is itself"
    return ""


def voltage_of_another_electrolyte(seen: Seen) -> str:
    """A hold, an end or a sweep at a voltage that the electrolyte does not bear."""
    run, (low, high) = seen.step.run, seen.stable
    asked = [*_voltages(seen.step), *((run.start, run.end) if isinstance(run, VoltageRamp) else ())]
    for volts, bound, beyond in ((max(asked, default=low), high, 1.0), (min(asked, default=high), low, -1.0)):
        if beyond * (volts - bound) > NEAR:
            side = "up to" if beyond > 0.0 else "down to"
            return (
                f"{volts:g} V is {abs(volts - bound):.2f} V beyond the {bound:.4g} V {side} which"
                f" {seen.cell.materials[1]} is stable here"
            )
    return ""


def sweep_of_another_cathode(seen: Seen) -> str:
    """A sweep beyond the voltages at which the cathode is itself."""
    run, (low, high) = seen.step.run, seen.window
    if (
        isinstance(run, VoltageRamp)
        and not low - NEAR <= min(run.start, run.end) <= max(run.start, run.end) <= high + NEAR
    ):
        itself = f"{low:.4g} to {high:.4g} V, where {seen.cell.materials[0]} is itself"
        return f"a sweep from {run.start:g} to {run.end:g} V leaves {itself}"
    return ""


def lithium_at_an_end(seen: Seen) -> str:
    """A discharge of more than the film holds that no voltage ends, of a cell whose lithium is what was charged."""
    until = seen.step.until
    if not seen.cell.anodeless or direction(seen.step) >= 0 or until.voltage_below is not None:
        return ""
    current = setpoint_current(seen.step.run) or math.nan
    asked = min(until.charge or math.inf, abs(current) * (until.duration or math.inf))
    if asked < seen.capacity:
        return ""
    return (
        "a discharge without an end by voltage, and no anode has lithium of its own: once what was charged is back in"
        f" the cathode, the voltage falls to the limit of {seen.limits.voltage_min:g} V, which ends the run"
    )


def over_discharge(seen: Seen) -> str:
    """A discharge of a cell without an anode below its window."""
    run, low = seen.step.run, seen.window[0]
    swept = (run.start, run.end) if isinstance(run, VoltageRamp) else ()
    volts = min((*_voltages(seen.step), *swept), default=math.inf)
    if volts >= emptied_below(seen.cell):
        return ""
    return (
        f"{volts:g} V is below {low:.4g} V, to which {seen.cell.materials[0]} is discharged: the cell has no lithium"
        " but what was charged, which is back in its cathode or lost before; this over-discharges it"
    )


def temperature_of_another_cell(seen: Seen) -> str:
    """A temperature at which one of the cell's materials does not serve."""
    kelvin = seen.step.temperature
    for material in seen.cell.materials if kelvin is not None else ():
        low, high = TEMPERATURES.get(material, (0.0, math.inf))
        if kelvin is not None and not low <= kelvin <= high:
            bounds = f"{low - 273.15:.0f} to {high - 273.15:.0f} oC"
            return f"{kelvin - 273.15:.4g} oC is outside of {bounds}, where {material} serves"
    return ""


def _voltages(step: Step) -> list[float]:
    """Return the voltages [V] at which a step is held, or ends."""
    held = step.run.voltage if isinstance(step.run, ConstantVoltage) else None
    asked = (held, step.until.voltage_above, step.until.voltage_below)
    return [volts for volts in asked if volts is not None]
