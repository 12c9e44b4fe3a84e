"""From what a film grows, in which vacuum, and how thin it may be: targets and gases must be those of the film a recipe
names."""

from __future__ import annotations

import math

from devices.errors import InterlockError, LimitError
from devices.limits import SputterLimits
from devices.sputter.recipe import DepositionRecipe
from devices.sputter.records import LEAST

WHERE = "limits.toml, sputter.films"
NOBLE = frozenset({"He", "Ne", "Ar", "Kr", "Xe"})
"""Gases that sputter and stay out of the film."""
SHORTEST = 1.0
"""s of open shutter at the least: the rows by which a film is counted and ended come once a second."""


def require_makings(name: str, recipe: DepositionRecipe, limits: SputterLimits) -> None:
    """Raise InterlockError unless the recipe's film is what grows from its targets in its gases.

    A film that the lab's table does not know is one of a single target that is called like it.
    """
    targets, gases = _targets(recipe), _gases(recipe)
    said = f"{name}: {recipe.material} is to grow from {_words(targets)} in {_words(gases)}"
    making = limits.films.get(recipe.material)
    if making is None:
        others = grown(recipe, limits)
        if targets != {recipe.material} or others:
            what = f"what grows so is {' or '.join(others)}" if others else "nobody said that it does"
            raise InterlockError("material", f"{said}, but {what} ({WHERE}); nothing was set")
        return
    wrong = [f"it needs a target of {each}" for each in making.targets if each not in targets]
    wrong += [f"it needs {each} as a gas" for each in making.gases if each not in gases]
    wrong += [f"nothing of {each} is in it" for each in sorted(targets - {*making.targets, *making.besides})]
    wrong += [f"{each} would be built into it" for each in sorted(gases - {*making.gases, *NOBLE})]
    if wrong:
        raise InterlockError("material", f"{said}, but {'; '.join(wrong)} ({WHERE}); nothing was set")


def grown(recipe: DepositionRecipe, limits: SputterLimits) -> tuple[str, ...]:
    """Return the films of the lab's table that a recipe's targets and gases make, whatever the recipe calls them."""
    targets, gases = _targets(recipe), _gases(recipe)
    return tuple(
        film
        for film, making in limits.films.items()
        if {*making.targets} <= targets <= {*making.targets, *making.besides} and {*making.gases} <= gases
    )


def base_pressure_of(recipe: DepositionRecipe, limits: SputterLimits) -> float:
    """Return the base pressure [Pa] at the most before a recipe's film: by its name and by what grows."""
    bases = limits.base_pressures
    return min(bases.get(each, limits.base_pressure) for each in (recipe.material, *grown(recipe, limits)))


def require_reachable(name: str, pressure: float, limits: SputterLimits) -> None:
    """Raise LimitError for a base pressure [Pa] that no chamber reaches: it would be pumped for in vain, for a day."""
    if not pressure >= limits.base_pressure_least:
        what = f"{name}.base_pressure (no chamber reaches less: limits.toml, sputter.base_pressure_least)"
        raise LimitError(what, pressure, "Pa", limits.base_pressure_least, math.inf)


def require_endable(name: str, thickness: float, rate: float | None, duration: float | None = None) -> None:
    """Raise LimitError for a film that is over before anything could end it.

    thickness [m]; rate [m/s] at which it is believed to grow, None where nobody knows; duration [s] of the open shutter
    where that ends it, whatever came by then.
    """
    if duration is not None:
        if duration < SHORTEST:
            what = f"{name}.duration (no shutter is timed closer)"
            raise LimitError(what, duration, "s", SHORTEST, math.inf)
        return
    grown = 0.0 if rate is None else rate * SHORTEST
    if thickness < max(LEAST, grown):
        why = (
            f"{SHORTEST:g} s of film, which nothing ends sooner"
            if grown > LEAST
            else "the noise of a crystal"
        )
        raise LimitError(f"{name}.thickness ({why})", thickness, "m", max(LEAST, grown), math.inf)


def _targets(recipe: DepositionRecipe) -> set[str]:
    return {each.target for each in recipe.guns}


def _gases(recipe: DepositionRecipe) -> set[str]:
    return {each.gas for each in recipe.gases}


def _words(names: set[str]) -> str:
    return " and ".join(sorted(names))
