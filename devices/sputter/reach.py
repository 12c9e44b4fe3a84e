"""What the parts of a sputter system can do at the most, whatever lab and targets allow."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from devices.errors import LimitError
from devices.sputter.equipment import Equipment
from devices.sputter.guns import GunPlan
from devices.sputter.recipe import DepositionRecipe


@dataclass(frozen=True)
class Reach:
    """The most that parts can be set to: powers [W] by source, the substrate's bias too; flows [mol/s] by gas;
    pressure [Pa] that the throttle holds; temperature [K] of the heater. What nobody knows does not count. A gas with a
    flow of 0 has no inlet; inlets: which have, empty where nobody said."""

    powers: Mapping[str, float] = field(default_factory=dict)
    flows: Mapping[str, float] = field(default_factory=dict)
    pressure: float = math.inf
    temperature: float = math.inf
    inlets: tuple[str, ...] = ()


def gases_of(recipe: DepositionRecipe) -> set[str]:
    """Return every gas that a recipe lets in, to light the plasma too."""
    strike = () if recipe.strike is None else recipe.strike.gases
    return {each.gas for each in (*recipe.gases, *strike)}


def reach_of(equipment: Equipment, gases: Collection[str]) -> Reach:
    """Return what the instruments say of themselves. The controller of gas is asked; one it does not have is 0."""
    valve, heater, there = equipment.valve, equipment.heater, equipment.gas.flows()
    return Reach(
        {name: supply.limit for name, supply in equipment.powered.items()},
        {gas: equipment.gas.full_scale(gas) if gas in there else 0.0 for gas in gases},
        math.inf if valve is None else valve.full_scale,
        math.inf if heater is None else heater.limit,
        tuple(there),
    )


def require_reach(name: str, recipe: DepositionRecipe, plans: Sequence[GunPlan], reach: Reach) -> None:
    """Raise LimitError for what a recipe sets beyond the reach of the part that has to do it."""
    for what, value, unit, most in _asked(recipe, plans, reach):
        if value > most * (1 + 1e-9):
            why = _no_inlet(reach) if what.startswith("flow") and not most else "its part can do no more"
            raise LimitError(f"{name}.{what} ({why})", value, unit, 0.0, most)


def _no_inlet(reach: Reach) -> str:
    there = f"; those there are: {', '.join(reach.inlets)}" if reach.inlets else ""
    return f"no inlet of the gas controller is named so in the bench file{there}"


def _asked(
    recipe: DepositionRecipe, plans: Sequence[GunPlan], reach: Reach
) -> Iterator[tuple[str, float, str, float]]:
    """Yield what is set: a name, a value, its unit, the most that is possible."""
    strike = recipe.strike
    for plan in plans:
        yield f"{plan.gun}.power", plan.power, "W", reach.powers.get(plan.gun, math.inf)
    yield "bias_power", recipe.bias_power, "W", reach.powers.get("bias", math.inf)
    for each in (*recipe.gases, *(() if strike is None else strike.gases)):
        yield f"flow of {each.gas}", each.flow, "mol/s", reach.flows.get(each.gas, math.inf)
    yield "pressure", recipe.pressure, "Pa", reach.pressure
    if strike is not None:
        yield "strike.pressure", strike.pressure, "Pa", reach.pressure
    if recipe.substrate_temperature is not None:
        yield "substrate_temperature", recipe.substrate_temperature, "K", reach.temperature
