"""What machine and lab allow of an evaporation, before anything is sent."""

from __future__ import annotations

from devices.errors import InterlockError, LimitError
from devices.limits import SputterLimits
from devices.sputter.makings import require_endable, require_reachable
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.recipe import EvaporationRecipe


def check_evaporation(
    name: str,
    recipe: EvaporationRecipe,
    limits: SputterLimits,
    built: EvaporatorParameters,
    power_limit: float,
) -> FilmConstants:
    """Return what the monitor is set to for a recipe's film, by the bench file. power_limit [W] of the boat's supply.

    Raises LimitError when the lab's limits do not allow the recipe, or the supply does not bear it, and InterlockError
    where nobody knows how to weigh its film.
    """
    require_reachable(name, recipe.base_pressure, limits)
    base = limits.base_pressures.get(recipe.material, limits.base_pressure)
    for what, value, unit, high in (
        ("thickness", recipe.thickness, "m", limits.thickness),
        (f"base_pressure before {recipe.material}", recipe.base_pressure, "Pa", base),
        ("power (its boat's supply gives no more)", recipe.power, "W", power_limit),
    ):
        if not 0 < value <= high:
            raise LimitError(f"{name}.{what} (limits.toml, sputter; bench file)", value, unit, 0, high)
    require_endable(name, recipe.thickness, recipe.rate)
    known = built.films.get(recipe.material)
    if known is None:
        raise InterlockError(
            "monitor", f"{name}: there are no constants of a {recipe.material} film (parameters.films)"
        )
    return known
