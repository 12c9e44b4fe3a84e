"""At which rate a film is believed to grow, and of which conditions that is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from devices.roles.films import FilmRate, Tooling
from devices.sputter.conditions import Conditions, Difference, conditions_of, differences, power_difference
from devices.sputter.guns import GunPlan
from devices.sputter.parameters import RateCalibration, SputterParameters
from devices.sputter.recipe import DepositionRecipe


def believed_rate(
    recipe: DepositionRecipe, built: SputterParameters, plans: Sequence[GunPlan]
) -> FilmRate | None:
    """Return the rate that the calibrations in the bench file say: each gun's in proportion to its power.

    None when one target has none. Away from its calibration's conditions a rate is uncertain.
    """
    parts = []
    for plan in plans:
        known = built.rates.get(plan.target.material)
        if known is None:
            return None
        parts.append(believed_of(recipe, plan, known))
    return together(parts)


def believed_of(recipe: DepositionRecipe, plan: GunPlan, known: RateCalibration) -> FilmRate:
    """Return the rate that one target gives by a calibration in the bench file, in proportion to its power."""
    conditions = Conditions(known.pressure, known.bias_power, known.substrate_temperature)
    apart = [*differences(conditions, conditions_of(asdict(recipe)))]
    if (power := power_difference(known.power, known.power, plan.power)) is not None:
        apart.append(power)
    sd = math.hypot(known.sd, *(each.rate for each in apart))
    return FilmRate(
        known.rate * plan.power / known.power, sd, known.id, elsewhere(plan.target.material, apart)
    )


def together(parts: Sequence[FilmRate]) -> FilmRate:
    """Return the rate of a film from several targets: volumes add. It is calibrated when each of them was."""
    total = sum(each.rate for each in parts)
    ids = [each.calibration for each in parts]
    return FilmRate(
        total,
        math.hypot(*(each.rate * each.sd for each in parts)) / total,
        "+".join(ids) if all(ids) else "",
        "; ".join(each.elsewhere for each in parts if each.elsewhere),
    )


def elsewhere(of: str, apart: Iterable[Difference]) -> str:
    """Return in words of what something is known, empty where that is as it is wanted."""
    words = ", ".join(dict.fromkeys(each.words for each in apart))
    return f"{of} {words}" if words else ""


def told_elsewhere(rate: FilmRate | None, tooling: Tooling | None) -> list[str]:
    """Return what there is to say of a rate and a tooling that are known of other conditions than the film's."""
    return [
        f"the {what} is known of {known.elsewhere}: it is uncertain by {known.sd:.0%}"
        for what, known in (("rate", rate), ("monitor's tooling", tooling))
        if known is not None and known.elsewhere
    ]
