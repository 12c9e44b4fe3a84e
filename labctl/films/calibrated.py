"""At which rate a recipe's film grows, and what the monitor makes of it, by what was fitted to witnesses: on targets as
worn as they are, by the fits nearest to the film's conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from devices.roles.films import FilmRate, Tooling
from devices.sputter.believed import believed_of, elsewhere, together
from devices.sputter.conditions import Difference, conditions_of, power_difference
from devices.sputter.guns import GunPlan, planned
from devices.sputter.parameters import SputterParameters
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.films.nearest_fits import Applied, applied, between

if TYPE_CHECKING:
    from labctl.films.rates import FilmFit

SMALLEST_SD = 1e-4
"""Of a tooling among others; several equal films have none of their own."""


def calibrated_rate(
    built: SputterParameters,
    fits: Sequence[FilmFit],
    recipe: DepositionRecipe,
    worn: Mapping[str, float],
) -> FilmRate | None:
    """Return the mean rate of a recipe's film; None when none of its targets was calibrated.

    built: the machine; a target without a fit goes by it. fits: oldest first. worn: what the target on each gun had [J]
    before. Where only a film of the target alone was measured, that counts: volumes add.
    """
    plans = [planned(setting, built.targets) for setting in recipe.guns]
    known = {plan.gun: _of_target(fits, plan.target.material, recipe) for plan in plans}
    if not any(known.values()):
        return None

    def mean(duration: float) -> FilmRate | None:
        parts = []
        for plan in plans:
            believed = built.rates.get(plan.target.material)
            if known[plan.gun]:
                middle = worn[plan.gun] + plan.power * (recipe.presputter + 0.5 * duration)
                parts.append(_at(known[plan.gun], plan, middle))
            elif believed is not None:
                parts.append(believed_of(recipe, plan, believed))
            else:
                return None
        return together(parts)

    first = mean(recipe.duration or 0.0)
    if first is None or recipe.duration is not None:
        return first
    return mean(recipe.thickness / first.rate)


def calibrated_tooling(
    fits: Sequence[FilmFit], recipe: DepositionRecipe | EvaporationRecipe
) -> Tooling | None:
    """Return film on the sample over film on the crystal, the mean over what its films were made from.

    None when nobody measured. fits: oldest first.
    """
    wanted = conditions_of(asdict(recipe))
    by_target: dict[str, list[FilmFit]] = {}
    for fit in fits:
        if fit.material == recipe.material and fit.tooling is not None:
            by_target.setdefault(fit.target, []).append(fit)
    known = [_tooling(target, applied(those, wanted)) for target, those in by_target.items()]
    if not known:
        return None
    weights = [1.0 / max(each.sd, SMALLEST_SD) ** 2 for each in known]
    return Tooling(
        sum(w * each.value for w, each in zip(weights, known, strict=True)) / sum(weights),
        sum(weights) ** -0.5,
        "+".join(each.calibration for each in known),
        "; ".join(each.elsewhere for each in known if each.elsewhere),
    )


def _of_target(fits: Sequence[FilmFit], target: str, recipe: DepositionRecipe) -> tuple[Applied, ...]:
    """Return the fits that a target's share of a film goes by: of this film's material, else of its own alone."""
    for material in (recipe.material, target):
        those = [fit for fit in fits if (fit.target, fit.material) == (target, material)]
        if those:
            return applied(those, conditions_of(asdict(recipe)))
    return ()


def _at(using: Sequence[Applied], plan: GunPlan, middle: float) -> FilmRate:
    """Return the mean rate of a film in whose middle its target has had some energy [J].

    A rate falls with its target's wear, evenly as far as anybody knows: that of the film's middle is the mean.
    """
    rates, sds, apart = [], [], []
    for each in using:
        fit, power = each.fit, _of_another_power(each.fit, plan.power)
        beyond = [*each.apart, *(() if power is None else (power,))]
        share = plan.target.share_of_rate(middle) / plan.target.share_of_rate(fit.worn)
        rates.append(share * fit.rate_at(plan.power))
        sds.append(math.hypot(fit.rate_sd, *(one.rate for one in beyond)))
        apart += beyond
    rate, sd = between(rates, sds, [each.weight for each in using])
    return FilmRate(rate, sd, _ids(using), elsewhere(plan.target.material, apart))


def _of_another_power(fit: FilmFit, power: float) -> Difference | None:
    """Return what lies between a gun's power [W] and those of a fit; of one that tells no law its middle counts."""
    if not fit.in_proportion:
        return power_difference(*fit.powers, power)
    found = power_difference(fit.power, fit.power, power)
    return found and replace(found, words=f"{found.words}, {fit.in_proportion}")


def _tooling(target: str, using: Sequence[Applied]) -> Tooling:
    factors = [each.fit.tooling or math.nan for each in using]
    apart = [one for each in using for one in each.apart]
    sds = [math.hypot(each.fit.tooling_sd, *(one.tooling for one in each.apart)) for each in using]
    factor, sd = between(factors, sds, [each.weight for each in using])
    return Tooling(factor, sd, _ids(using), elsewhere(target, apart))


def _ids(using: Sequence[Applied]) -> str:
    return "+".join(each.fit.id for each in using)
