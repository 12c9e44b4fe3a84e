"""The evaporator: a boat that follows its power, a crystal past the shutter, lithium on the sample."""

import pytest

from sim.foil import Foil, FoilError, Surroundings
from sim.materials.targets import LITHIUM
from sim.physics.evaporation.source import BOAT, ELECTRON_BEAM, STEFAN_BOLTZMANN, power_at
from sim.physics.evaporation.vapour import mass_for, rate_above


def heated(stand, temperature, source=BOAT):
    """Have the boat at a temperature [K], with a power that a DC supply in its program gives."""
    stand.close_loop()
    power = power_at(source, LITHIUM, temperature)
    stand.station.supplies["boat"].dc_load.drive(power)
    stand.lap(60.0)
    assert stand.chamber.boat.temperature == pytest.approx(temperature, abs=0.1)


@pytest.mark.parametrize(("temperature", "rate"), [(750.0, 0.064e-9), (800.0, 0.29e-9), (850.0, 1.10e-9)])
def test_the_crystal_sees_hertz_and_knudsen_behind_the_closed_shutter(evaporator, temperature, rate):
    heated(evaporator, temperature)
    evaporator.chamber.change(lambda: None)
    before = evaporator.chamber.crystal.mass
    evaporator.lap(100.0)
    evaporator.chamber.change(lambda: None)
    grown = (evaporator.chamber.crystal.mass - before) / LITHIUM.density
    assert grown / 100.0 == pytest.approx(rate, rel=0.03)
    assert evaporator.chamber._grown() is None


def test_what_leaves_the_boat_is_what_the_cosine_law_wants_for_the_film(evaporator):
    heated(evaporator, 820.0)
    evaporator.relay("substrate_shutter", True)
    charge = evaporator.chamber.boat.charge
    evaporator.lap(3600.0)
    evaporator.chamber.change(lambda: None)
    film = evaporator.chamber._grown()
    lost = charge - evaporator.chamber.boat.charge
    assert lost == pytest.approx(mass_for(LITHIUM, film.thickness, 0.3), rel=1e-9, abs=0.0)
    assert rate_above(LITHIUM, lost, 0.3) == pytest.approx(film.thickness, rel=1e-9, abs=0.0)
    assert film.material == "Li"
    assert film.deposit.atoms["Li"] * LITHIUM.atom == pytest.approx(film.deposit.mass)


def test_an_empty_boat_gives_nothing_and_the_black_box_knows(evaporator):
    heated(evaporator, 820.0)
    evaporator.fail("boat_empty")
    evaporator.relay("substrate_shutter", True)
    evaporator.lap(60.0)
    assert evaporator.chamber._grown() is None
    evaporator.mend("boat_empty")
    evaporator.lap(60.0)
    assert evaporator.chamber.boat.charge > 0.0


def test_more_power_than_the_melt_bears_does_not_end_the_world(evaporator):
    evaporator.station.supplies["boat"].dc_load.drive(390.0)
    evaporator.lap(600.0)
    assert evaporator.chamber.boat.temperature <= LITHIUM.hottest
    assert evaporator.told("boat empty")


@pytest.mark.parametrize(
    ("mask", "area", "edge"),
    [("circle 1 mm", 0.007854e-4, 0.0133), ("rectangle 0.15 cm^2", 0.15e-4, 0.0034)],
)
def test_the_film_has_the_area_of_the_mask_that_the_hands_laid_on_with_its_half_shadow(
    make_evaporator, mask, area, edge
):
    stand = make_evaporator(truth={})
    stand.bring(mask=mask)
    stand.relay("roughing_valve", True)
    heated(stand, 780.0)
    stand.relay("substrate_shutter", True)
    stand.lap(600.0)
    stand.relay("substrate_shutter", False)
    (film,) = stand.bench.foil("s1").grown
    assert film.area / area - 1.0 == pytest.approx(edge, abs=5e-4)


def test_a_mask_is_the_one_it_was_brought_under_last_and_outlives_its_session(make_evaporator):
    stand = make_evaporator(truth={})
    foil = stand.bring(mask="circle 1 mm")
    assert stand.chamber._area() == pytest.approx(0.7854e-6 * 1.0133, rel=1e-3)
    assert stand.bring(mask="rectangle 3 mm x 5 mm") is foil
    assert stand.chamber._area() == pytest.approx(1.5e-5 * 1.0036, rel=1e-3)
    assert Foil.from_dict(foil.to_dict(), Surroundings()).mask == "rectangle 3 mm x 5 mm"
    stand.bring()
    assert stand.chamber._area() is None


def test_a_mask_is_not_exchanged_under_vacuum_and_one_of_no_known_opening_not_laid_on(make_evaporator):
    stand = make_evaporator(truth={})
    stand.bring(mask="circle 1 mm")
    with pytest.raises(FoilError, match="none that the twins know"):
        stand.bring(mask="the old one")
    assert stand.bring(mask="circle 1 mm").mask == "circle 1 mm"
    stand.relay("roughing_valve", True)
    stand.lap(300.0)
    with pytest.raises(FoilError, match="under vacuum"):
        stand.bring(mask="circle 2 mm")
    assert stand.bring(mask="circle 1 mm").mask == "circle 1 mm"


def test_water_gives_lithium_its_doubts(make_evaporator):
    stand = make_evaporator(truth={"pumped_for": 7e4})
    stand.fail("water_leak", value=1e-3)
    heated(stand, 780.0)
    stand.relay("substrate_shutter", True)
    stand.lap(600.0)
    film = stand.chamber._grown()
    assert film.area is None
    assert film.doubts == ("water",)


def test_the_charge_left_in_the_boat_outlives_a_session(make_evaporator):
    first = make_evaporator(truth={"pumped_for": 7e4})
    heated(first, 820.0)
    first.lap(1800.0)
    second = make_evaporator(truth={})
    second.station.restore(first.station.kept(), None)
    assert second.chamber.boat.charge == first.chamber.boat.charge < 1e-3
    second.lap(60.0)
    assert second.chamber.boat.temperature == pytest.approx(300.0, abs=0.1)


@pytest.mark.parametrize("temperature", [750.0, 850.0])
def test_an_electron_beam_heats_by_its_own_balance_and_gives_hertz_and_knudsens_rate(
    make_evaporator, temperature
):
    """P = eps s A (T^4 - T0^4) + loss + m_dot L, and as much film as from a boat of that temperature."""
    stand = make_evaporator(truth={"pumped_for": 7e4, "source": "electron beam"})
    heated(stand, temperature, ELECTRON_BEAM)
    stand.relay("substrate_shutter", True)
    lost = stand.chamber.boat.charge
    stand.lap(100.0)
    stand.chamber.change(lambda: None)
    flow = (lost - stand.chamber.boat.charge) / 100.0
    radiated = ELECTRON_BEAM.emissivity * STEFAN_BOLTZMANN * ELECTRON_BEAM.radiating
    balance = radiated * (temperature**4 - 300.0**4) + ELECTRON_BEAM.conductance * (temperature - 300.0)
    assert balance + flow * LITHIUM.heat == pytest.approx(stand.chamber.power, rel=1e-3)
    assert stand.chamber._grown().thickness / 100.0 == pytest.approx(
        rate_above(LITHIUM, 1e-4 * LITHIUM.flux(temperature), 0.3),
        rel=2e-3,
        abs=0.0,
    )


def test_an_electron_beam_follows_its_power_with_a_lag_of_two_seconds(make_evaporator):
    stand = make_evaporator(truth={"pumped_for": 7e4, "source": "electron beam"})
    stand.close_loop()
    stand.station.supplies["boat"].dc_load.drive(power_at(ELECTRON_BEAM, LITHIUM, 800.0))
    stand.lap(2.0)
    stand.chamber.change(lambda: None)
    assert stand.chamber.boat.temperature == pytest.approx(300.0 + 500.0 * 0.632, abs=1.0)
