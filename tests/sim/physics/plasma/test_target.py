import json

import numpy as np
import pytest

from sim.materials.targets import TARGETS
from sim.physics.plasma.target import (
    CAREFUL_RAMP,
    CONTACT_TIME,
    CRACKED_RATE,
    EFFICIENCY_LOSS,
    RACETRACK,
    RAMP_HAZARD,
    Body,
    Target,
    Wear,
    efficiency,
    exposed,
    followed,
    used,
    worn,
)

LITHIUM_COBALT = Target(TARGETS["LiCoO2"].body)
POWER = 119.6  # W, 5.9 W/cm2 on 2 inches
EMISSION = 0.2288e-3 / 3600.0  # kg/s at it


def test_a_two_inch_target_has_the_papers_power_density() -> None:
    assert POWER / LITHIUM_COBALT.area == pytest.approx(5.9e4, rel=1e-3)


def test_temperature_rises_through_a_target_as_conduction_says() -> None:
    """Against cells of the slab itself, heated in front and cooled behind."""
    body, flux, thickness, cells = LITHIUM_COBALT.body, LITHIUM_COBALT.flux(POWER), 3e-3, 200
    conductance = body.conductivity * cells / thickness
    temperatures = np.zeros(cells)
    for index in range(cells - 2, -1, -1):
        temperatures[index] = temperatures[index + 1] + flux / conductance
    assert body.rise(flux, thickness) == pytest.approx(temperatures[0], rel=0.01)


def test_stress_is_that_of_a_plate_kept_flat() -> None:
    """A linear profile is kept from bending by a moment; its edge fibre has E a dT / 2 (1 - nu)."""
    body = Body(5000.0, 3.7, modulus=150e9, expansion=13e-6, poisson=0.25)
    z = np.linspace(-0.5, 0.5, 10001)
    fibre = body.modulus / (1.0 - body.poisson) * body.expansion * 100.0 * (z.mean() - z)
    assert body.stress(100.0) == pytest.approx(fibre.max(), rel=1e-12)


def test_a_films_conductivity_would_break_any_target_at_the_papers_power() -> None:
    """254 and 636 MPa with 0.66 W/(m K), 46 and 115 MPa with 3.7, mean and below the groove."""
    film = Target(Body(4800.0, 0.66))
    for target, stress in ((film, 636e6), (LITHIUM_COBALT, 115e6)):
        assert target.hottest_stress(POWER) == pytest.approx(stress, rel=0.03)
        assert target.hottest_stress(POWER) / RACETRACK == pytest.approx(stress / 2.5, rel=0.03)


@pytest.mark.parametrize(("stress", "probability"), [(46e6, 7e-6), (90e6, 0.006), (115e6, 0.07)])
def test_cracks_follow_weibull(stress: float, probability: float) -> None:
    assert -np.expm1(-LITHIUM_COBALT.body.crack_hazard(stress)) == pytest.approx(probability, rel=0.06)


def test_a_metal_does_not_crack() -> None:
    titanium = Target(TARGETS["Ti"].body)
    assert titanium.body.crack_hazard(titanium.hottest_stress(300.0)) == 0.0
    assert followed(titanium, 0.0, 300.0, 1.0)[1] == 0.0


def test_a_target_lasts_its_hours() -> None:
    """3 mm: 36 h and 4.3 kWh; 6.35 mm: 76 h; one film of 3.3 um in 18.3 h takes half of the thin one."""
    assert LITHIUM_COBALT.usable / EMISSION / 3600.0 == pytest.approx(36.0, rel=0.02)
    assert LITHIUM_COBALT.usable / EMISSION * POWER / 3.6e6 == pytest.approx(4.3, rel=0.02)
    thick = Target(LITHIUM_COBALT.body, thickness=6.35e-3)
    assert thick.usable / EMISSION / 3600.0 == pytest.approx(76.0, rel=0.02)
    wear = worn(LITHIUM_COBALT, Wear(), EMISSION, POWER, 18.3 * 3600.0)
    assert used(LITHIUM_COBALT, wear) == pytest.approx(0.51, abs=0.02)


def test_wear_does_not_depend_on_the_step() -> None:
    once, often = worn(LITHIUM_COBALT, Wear(), EMISSION, POWER, 66000.0), Wear()
    for _ in range(1100):
        often = worn(LITHIUM_COBALT, often, EMISSION, POWER, 60.0)
    assert often.eroded == pytest.approx(once.eroded, rel=1e-10, abs=0.0)
    assert once.eroded < EMISSION * 66000.0
    assert efficiency(LITHIUM_COBALT, once) == pytest.approx(
        1.0 - EFFICIENCY_LOSS * once.eroded / LITHIUM_COBALT.usable
    )
    cracked = worn(LITHIUM_COBALT, Wear(cracked=True), EMISSION, POWER, 1.0)
    assert cracked.eroded == pytest.approx(CRACKED_RATE * EMISSION, rel=1e-6, abs=0.0)


def test_air_asks_for_conditioning_again() -> None:
    wear = worn(LITHIUM_COBALT, Wear(), EMISSION, POWER, 600.0)
    assert wear.conditioned == pytest.approx(600.0 * POWER)
    assert exposed(wear).conditioned == 0.0
    assert exposed(wear).energy == wear.energy


def test_a_step_of_power_endangers_a_target_more_than_a_ramp() -> None:
    heat, step_hazard = followed(LITHIUM_COBALT, 0.0, POWER, 100.0 * CONTACT_TIME)
    assert heat == pytest.approx(POWER)
    heat, ramp = 0.0, 0.0
    for second in range(round(POWER / CAREFUL_RAMP)):
        heat, more = followed(LITHIUM_COBALT, heat, second * CAREFUL_RAMP, 1.0)
        ramp += more
    assert ramp == pytest.approx(RAMP_HAZARD * POWER / CAREFUL_RAMP, rel=0.05)
    assert step_hazard > 20.0 * ramp


def test_the_hazard_of_a_step_does_not_depend_on_how_it_is_looked_at() -> None:
    heat, total = 0.0, 0.0
    for _ in range(1000):
        heat, more = followed(LITHIUM_COBALT, heat, POWER, 0.02)
        total += more
    once = followed(LITHIUM_COBALT, 0.0, POWER, 20.0)
    assert (heat, total) == pytest.approx(once, rel=1e-10)


def test_wear_survives_a_file() -> None:
    wear = Wear(1e-3, 2e6, 1e5, True)
    assert Wear.from_dict(json.loads(json.dumps(wear.to_dict()))) == wear


def test_the_back_of_a_target_is_warmer_than_its_plate() -> None:
    assert LITHIUM_COBALT.back_rise(POWER) == pytest.approx(29.5, rel=0.01)
