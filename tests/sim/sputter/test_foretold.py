"""A film that is foretold is the film that the chamber then grows, where the machine is as it is calculated."""

import pytest

from sim.materials.targets import LITHIUM
from sim.physics.evaporation.source import BOAT, temperature_at
from sim.physics.evaporation.vapour import rate_above
from sim.physics.growth.deposit import of_atoms
from sim.physics.vacuum.gases import amounts
from sim.sputter.foretold import Burning, boat_at, foretold, lights, substrate_bias

LCO = Burning("LiCoO2", 119.6)
PHOSPHATE, OXIDE = Burning("Li3PO4", 101.3), Burning("Li2O", 101.3)
ARGON = amounts({"Ar": 2.88, "O2": 0.12})
NITROGEN = amounts({"N2": 0.4})
COLD = {"bias": 0.0, "temperature": 295.0, "turns": True}


def test_the_chamber_grows_what_was_foretold(burning_lco):
    burning_lco.shutter(True, "gun1")
    burning_lco.lap(600.0)
    burning_lco.chamber.change(lambda: None)
    grown = burning_lco.chamber.growth.deposit
    said = foretold([LCO], burning_lco.chamber.gas.pressures, **COLD)
    assert said.material == "LiCoO2"
    assert said.rate * 600.0 == pytest.approx(grown.thickness, rel=5e-3)
    assert said.second.ratio("Li", "Co") == pytest.approx(grown.ratio("Li", "Co"), rel=1e-4)
    assert said.second.mass / said.rate == pytest.approx(grown.mass / grown.thickness, rel=1e-9)
    assert said.second.stress / said.rate == pytest.approx(grown.stress / grown.thickness, rel=1e-3)


def test_the_papers_recipes_give_three_and_two_nanometres_a_minute():
    assert foretold([LCO], ARGON, **COLD).rate * 6e10 == pytest.approx(3.0, rel=0.01)
    film = foretold([PHOSPHATE, OXIDE], NITROGEN, **COLD)
    assert film.material == "LiPON"
    assert film.rate * 6e10 == pytest.approx(2.0, rel=0.01)
    assert film.second.ratio("N", "P") == pytest.approx(0.6, abs=0.01)
    assert film.second.ratio("Li", "P") == pytest.approx(3.6, abs=0.02)


def test_films_of_several_targets_add():
    alone = [foretold([each], NITROGEN, **COLD).second for each in (PHOSPHATE, OXIDE)]
    both = foretold([PHOSPHATE, OXIDE], NITROGEN, **COLD).second
    assert both.thickness == pytest.approx(sum(each.thickness for each in alone), rel=1e-12, abs=0.0)
    assert both.mass == pytest.approx(sum(each.mass for each in alone), rel=1e-12, abs=0.0)


def test_what_is_left_of_a_target_and_a_calibration_scale_the_rate():
    plain = foretold([LCO], ARGON, **COLD).rate
    assert foretold([Burning("LiCoO2", 119.6, left=0.92)], ARGON, **COLD).rate == pytest.approx(
        0.92 * plain, rel=1e-6, abs=0.0
    )
    assert foretold([LCO], ARGON, **COLD, scale=1.12).rate == pytest.approx(1.12 * plain, rel=1e-6, abs=0.0)


def test_a_substrate_that_stands_still_is_covered_unevenly():
    turning = foretold([LCO], ARGON, **COLD)
    still = foretold([LCO], ARGON, **{**COLD, "turns": False})
    assert turning.uniformity < 0.003 < still.uniformity
    assert still.rate == turning.rate


def test_a_bias_makes_the_film_denser_and_thinner():
    bias = substrate_bias(20.0, 3.0)
    assert bias == pytest.approx(50.0)
    plain, biased = (foretold([LCO], ARGON, **{**COLD, "bias": each}).second for each in (0.0, bias))
    assert biased.atoms["Co"] == pytest.approx(plain.atoms["Co"], rel=1e-12)
    lost = {element: plain.atoms[element] - biased.atoms[element] for element in plain.atoms}
    assert lost["Li"] == pytest.approx(0.05 * plain.atoms["Li"], rel=1e-9)
    assert plain.mass - biased.mass == pytest.approx(of_atoms(lost, 1.0).mass, rel=1e-9, abs=0.0)
    assert biased.thickness < plain.thickness
    assert biased.active > plain.active


@pytest.mark.parametrize("target", ["Ti", "unobtainium"])
def test_a_target_that_no_model_foretells_is_refused_by_its_name(target):
    with pytest.raises(ValueError, match=f"a target of {target}"):
        foretold([Burning(target, 100.0)], ARGON, **COLD)


def test_nitrogen_does_not_light_where_the_film_grows_and_does_where_it_is_struck():
    powers = {"Li3PO4": 40.0, "Li2O": 40.0}
    assert not lights([PHOSPHATE, OXIDE], powers, NITROGEN)
    assert lights([PHOSPHATE, OXIDE], powers, amounts({"N2": 3.0}))


def test_an_insulator_never_lights_on_direct_current():
    assert not lights([Burning("Li3PO4", 100.0, direct=True)], {"Li3PO4": 100.0}, ARGON)


def test_a_boat_at_a_rate_gives_that_rate_and_stays_as_hot_by_its_power():
    for rate in (0.1e-9, 0.3e-9, 3e-9):
        boat = boat_at(rate, 0.3)
        assert rate_above(LITHIUM, boat.loss, 0.3) == pytest.approx(rate, rel=1e-6, abs=0.0)
        assert temperature_at(BOAT, LITHIUM, boat.power) == pytest.approx(boat.temperature, abs=1e-3)
    with pytest.raises(ValueError, match="gives less than"):
        boat_at(1e-6, 0.3)
