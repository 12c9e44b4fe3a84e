"""What lamp and lab allow of a recipe, before anything is sent."""

from __future__ import annotations

import math

from devices.bank import charging_time, energy_between, voltage_after
from devices.errors import LimitError
from devices.lamp.parameters import LampParameters
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe

ALIKE = 1e-6
"""Of a length: micro-pulses that differ by less are equal to a trigger generator."""


def check_recipe(
    name: str, recipe: AnnealRecipe, limits: LampLimits, built: LampParameters, *, bursts: bool
) -> None:
    """Raise LimitError when the lab's limits do not allow the recipe, or this lamp cannot do it.

    bursts: whether its trigger generator may open several gates by itself.
    """
    if recipe.micro_pulses:
        _check_micro_pulses(name, recipe, bursts=bursts)
    for quantity, value, unit, high in (
        ("bank_voltage", recipe.voltage, "V", limits.bank_voltage),
        ("pulse_duration", recipe.pulse_duration, "s", limits.pulse_duration),
        ("pulse_count", recipe.pulse_count, "pulses", limits.pulse_count),
        ("rate", recipe.rate, "Hz", limits.rate),
        ("average_power", electrical_energy(recipe, built) * recipe.rate, "W", limits.average_power),
    ):
        if not 0 < value <= high:
            where = f"limits.toml, lamp.{quantity} or lamps.{name}.{quantity}"
            raise LimitError(f"{name}.{quantity} ({where})", value, unit, 0, high)
    if not recipe.rate <= (fastest := fastest_rate(recipe, built)):
        why = f"{name}.rate (its charger fills the bank again no faster)"
        raise LimitError(why, recipe.rate, "Hz", 0, fastest)


def electrical_energy(recipe: AnnealRecipe, built: LampParameters) -> float:
    """Return what one pulse draws from the bank [J]."""
    return energy_between(recipe.voltage, _voltage_after(recipe, built), built.bank_capacitance)


def fastest_rate(recipe: AnnealRecipe, built: LampParameters) -> float:
    """Return how often the charger can fill the bank again [Hz] after a pulse of this recipe."""
    recharge = charging_time(
        _voltage_after(recipe, built),
        recipe.voltage,
        built.charger_power,
        built.charger_current,
        built.bank_capacitance,
    )
    return 1 / (recharge + recipe.pulse_duration)


def _voltage_after(recipe: AnnealRecipe, built: LampParameters) -> float:
    return voltage_after(recipe.voltage, _burning(recipe), built.bank_capacitance, built.lamp_constant)


def _burning(recipe: AnnealRecipe) -> float:
    """Return how long the lamp burns in one pulse [s]."""
    return math.fsum(end - start for start, end in recipe.lit) if recipe.lit else recipe.pulse_duration


def _check_micro_pulses(name: str, recipe: AnnealRecipe, *, bursts: bool) -> None:
    if not bursts:
        why = (
            f"{name}.micro_pulses (its trigger generator gates whole pulses only: several gates by one trigger need"
            " a dead-man in hardware on its inhibit input, dead_man = true in the bench file)"
        )
        raise LimitError(why, len(recipe.micro_pulses), "micro-pulses", 0, 0)
    first = recipe.micro_pulses[0]
    for each in recipe.micro_pulses:
        for quantity in ("duration", "duty"):
            value, wanted = getattr(each, quantity), getattr(first, quantity)
            if not math.isclose(value, wanted, rel_tol=ALIKE):
                why = f"{name}.micro_pulses.{quantity} (a burst's gates are all alike)"
                raise LimitError(why, value, "s" if quantity == "duration" else "1", wanted, wanted)
