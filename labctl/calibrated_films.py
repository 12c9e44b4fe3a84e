"""At which rate a recipe's film grows by what was fitted to witnesses, on targets as worn as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from devices.roles.films import FilmRate
from devices.sputter.checks import believed_rate
from devices.sputter.guns import GunPlan, planned
from devices.sputter.parameters import RateCalibration, SputterParameters
from devices.sputter.recipe import DepositionRecipe

if TYPE_CHECKING:
    from labctl.film_rates import FilmFit


def calibrated_rate(
    built: SputterParameters,
    fits: Mapping[tuple[str, str], FilmFit],
    recipe: DepositionRecipe,
    worn: Mapping[str, float],
) -> FilmRate | None:
    """Return the mean rate of a recipe's film; None when none of its targets was calibrated.

    built: the machine; a target without a fit goes by it. fits: by target and material of the film. worn: what the
    target on each gun had [J] before. Where only a film of the target alone was measured, that counts: volumes add.
    """
    plans = [planned(setting, built.targets) for setting in recipe.guns]
    known = {
        plan.gun: fit
        for plan in plans
        for made in (plan.target.material, recipe.material)
        if (fit := fits.get((plan.target.material, made))) is not None
    }
    if not known:
        return None

    def mean(duration: float) -> FilmRate | None:
        rates = {
            plan.target.material: _at(known[plan.gun], plan, worn[plan.gun], recipe.presputter, duration)
            for plan in plans
            if plan.gun in known
        }
        return believed_rate(recipe, replace(built, rates={**built.rates, **rates}), plans)

    first = mean(recipe.duration or 0.0)
    if first is None or recipe.duration is not None:
        return first
    return mean(recipe.thickness / first.rate)


def _at(fit: FilmFit, plan: GunPlan, worn: float, presputter: float, duration: float) -> RateCalibration:
    """Return the mean rate of a film of a duration [s] from a target that had some energy [J] before.

    A rate falls with its target's wear, evenly as far as anybody knows: that of the film's middle is the mean.
    """
    middle = worn + plan.power * (presputter + 0.5 * duration)
    share = plan.target.share_of_rate(middle) / plan.target.share_of_rate(fit.worn)
    return RateCalibration(share * fit.rate_at(plan.power), plan.power, fit.pressure, fit.rate_sd, fit.id)
