"""The evaporator: a boat that follows its power, a crystal past the shutter, lithium on the sample."""

import pytest

from sim.materials.targets import LITHIUM
from sim.physics.evaporation.source import BOAT, power_at
from sim.physics.evaporation.vapour import mass_for, rate_above


def heated(stand, temperature):
    """Have the boat at a temperature [K], with a power that a DC supply in its program gives."""
    stand.close_loop()
    power = power_at(BOAT, LITHIUM, temperature)
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
    assert lost == pytest.approx(mass_for(LITHIUM, film.thickness, 0.3), rel=1e-9)
    assert rate_above(LITHIUM, lost, 0.3) == pytest.approx(film.thickness, rel=1e-9)
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


def test_the_mask_gives_the_film_its_area_and_water_its_doubts(make_evaporator):
    stand = make_evaporator(truth={"pumped_for": 7e4, "mask_area": 1.5e-5})
    stand.fail("water_leak", value=1e-3)
    heated(stand, 780.0)
    stand.relay("substrate_shutter", True)
    stand.lap(600.0)
    film = stand.chamber._grown()
    assert film.area == 1.5e-5
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
