"""What the lab's limits say of a recipe or program, before any device is opened; the devices say it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from devices.cycling.cells import CellSize
from devices.cycling.programs import Program
from devices.errors import Mistake
from devices.limits import ChannelLimits, LampLimits, Limits
from devices.recipes import AnnealRecipe
from labctl.config.checking import joined
from labctl.config.models import Experiment
from labctl.units import show

LAMP = "lamp"
"""The device that plans call their lamp, on every bench."""

LAMP_LIMIT_OF = {
    "voltage": ("bank_voltage", "V"),
    "pulse_duration": ("pulse_duration", "s"),
    "pulse_count": ("pulse_count", ""),
    "rate": ("rate", "Hz"),
}
"""Which limit of a lamp bounds which field of a recipe, and the field's unit."""


def beyond_limits(experiment: Experiment, limits: Limits, file: str) -> list[Mistake]:
    """Return what of an experiment the lab does not allow."""
    found: list[Mistake] = []
    if isinstance(experiment.recipe, AnnealRecipe):
        found += recipe_beyond(experiment.recipe, limits.of_lamp(LAMP), file, "recipe")
    high = limits.of_lamp(LAMP).bank_voltage
    for volts in experiment.arguments.get("voltages", ()):
        if volts > high:
            reason = f"the lab allows {high:g} V at the most (limits.toml, lamp.bank_voltage)"
            found.append(Mistake(file, "voltages", f"{volts:g} V", reason))
    if experiment.program is not None and experiment.sample is not None:
        program = experiment.program.on(CellSize.of(experiment.sample))
        found += program_beyond(program, limits.potentiostat, file, "program")
    return found


def recipe_beyond(recipe: AnnealRecipe, limits: LampLimits, file: str, key: str = "") -> Iterator[Mistake]:
    """Yield the fields of a recipe that are larger than the lamp's limits."""
    for each in fields(recipe):
        if each.name not in LAMP_LIMIT_OF:
            continue
        name, unit = LAMP_LIMIT_OF[each.name]
        value, high = getattr(recipe, each.name), getattr(limits, name)
        if value > high:
            most = show(high, unit, unit) if unit else str(high)
            typed = show(value, unit, unit) if unit else str(value)
            reason = f"the lab allows {most} at the most (limits.toml, lamp.{name})"
            yield Mistake(file, joined(key, each.name), typed, reason)


def program_beyond(program: Program, limits: ChannelLimits, file: str, key: str = "") -> Iterator[Mistake]:
    """Yield what a program wants beyond the channel's limits: its window with the safety margin, its current."""
    window = f"the lab allows {limits.voltage_min:g} to {limits.voltage_max:g} V (limits.toml, potentiostat)"
    for name in ("voltage_min", "voltage_max"):
        value = getattr(program.limits, name)
        if not limits.voltage_min <= value <= limits.voltage_max:
            yield Mistake(file, joined(key, "limits", name), f"{value:g} V", window)
    if program.limits.current_max > limits.current:
        most = f"the lab allows {limits.current:g} A at the most (limits.toml, potentiostat.current)"
        yield Mistake(file, joined(key, "limits.current_max"), f"{program.limits.current_max:g} A", most)
