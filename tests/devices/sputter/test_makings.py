"""From what a film grows: what a recipe calls it must be what its targets and gases make."""

from __future__ import annotations

import pytest

from devices.errors import InterlockError
from devices.limits import FilmMaking, SputterLimits
from devices.sputter.makings import base_pressure_of, grown, require_makings
from devices.sputter.recipe import SCCM, DepositionRecipe, GasFlow, GunSetting

LIMITS = SputterLimits()


def film(material, targets, gases):
    return DepositionRecipe(
        "r",
        material,
        tuple(GunSetting(each, power=50.0) for each in targets.split()),
        tuple(GasFlow(each, SCCM) for each in gases.split()),
        pressure=1.0,
        base_pressure=1e-5,
        presputter=100.0,
        thickness=1e-8,
    )


@pytest.mark.parametrize(
    ("material", "targets", "gases"),
    [
        ("LiCoO2", "LiCoO2", "Ar O2"),
        ("LiPON", "Li3PO4", "N2"),
        ("LiPON", "Li3PO4 Li2O", "N2"),
        ("Li3PO4", "Li3PO4", "Ar"),
        ("Cu", "Cu", "Ar"),
        ("LiCoO2", "LiCoO2", "Kr O2"),
        ("LiPON", "Li3PO4", "N2 Ar"),
    ],
)
def test_what_its_targets_and_gases_make_is_allowed(material, targets, gases):
    require_makings("sputter", film(material, targets, gases), LIMITS)


@pytest.mark.parametrize(
    ("material", "targets", "gases", "why"),
    [
        ("LiPON", "LiCoO2", "N2", "it needs a target of Li3PO4; nothing of LiCoO2 is in it"),
        ("LiPON", "Li3PO4", "Ar", "it needs N2 as a gas"),
        ("LiPON", "Li3PO4 LiCoO2", "N2", "nothing of LiCoO2 is in it"),
        ("LiCoO2", "LiCoO2", "Ar", "it needs O2 as a gas"),
        ("LiCoO2", "LiCoO2", "N2 O2", "N2 would be built into it"),
        ("Li3PO4", "Li3PO4", "N2", "what grows so is LiPON"),
        ("NMC", "LiCoO2", "Ar", "nobody said that it does"),
    ],
)
def test_what_they_do_not_make_is_refused_in_words(material, targets, gases, why):
    with pytest.raises(InterlockError, match=why):
        require_makings("sputter", film(material, targets, gases), LIMITS)


def test_the_water_before_a_film_is_judged_by_what_grows():
    named_otherwise = film("Electrolyte", "Li3PO4", "N2")
    assert grown(named_otherwise, LIMITS) == ("LiPON",)
    assert base_pressure_of(named_otherwise, LIMITS) == LIMITS.base_pressures["LiPON"]
    assert base_pressure_of(film("Li3PO4", "Li3PO4", "Ar"), LIMITS) == LIMITS.base_pressure


def test_a_lab_may_say_what_else_grows():
    films = {**LIMITS.films, "NMC": FilmMaking(("LiNi033Mn033Co033O2",), ("O2",))}
    recipe = film("NMC", "LiNi033Mn033Co033O2", "Ar O2")
    require_makings("sputter", recipe, SputterLimits(films=films))
