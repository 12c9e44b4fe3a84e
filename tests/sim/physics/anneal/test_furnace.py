import numpy as np
import pytest

from sim.materials.thermal import FURNACE_POINTS, LCO, LCO_COUPLED, MODELS, ROOM, lco_on, lco_on_foil
from sim.physics.anneal.crystallisation import isothermal
from sim.physics.anneal.furnace import in_furnace
from sim.physics.lamp.bank import Bank, discharge

PER_AREA_AND_THICKNESS = 3.6e7
CELSIUS = 273.15


def held(temperature: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([0.0, duration]), np.array([temperature, temperature])


def bound(model: str, temperature: float, duration: float) -> float:
    """Return the capacity bound [uAh/cm2/um] of a furnace anneal."""
    film = MODELS[model].film
    return 71.4 * isothermal(film.kinetics, temperature, duration)


@pytest.mark.parametrize("model", MODELS)
def test_the_furnace_anneals_of_the_fit_are_met(model: str) -> None:
    """40 and 39 uAh/cm2/um at 500 C for 2 h and 520 C for 15 min, all of 71.4 at 700 C, [FLA paper]."""
    for (temperature, duration), measured in zip(FURNACE_POINTS, (40.0, 39.0), strict=True):
        assert bound(model, temperature, duration) == pytest.approx(measured, abs=2.0)
    assert bound(model, 700.0 + CELSIUS, 60.0) == pytest.approx(71.4, abs=0.5)


@pytest.mark.parametrize(
    ("temperature", "duration", "capacity"),
    [(500.0, 7200.0, 41.1), (520.0, 900.0, 37.5), (550.0, 1200.0, 71.3)],
)
def test_furnaces_of_the_literature_have_these_bounds(
    temperature: float, duration: float, capacity: float
) -> None:
    assert bound("S1", temperature + CELSIUS, duration) == pytest.approx(capacity, abs=0.2)


@pytest.mark.parametrize(("up", "capacity"), [(600.0, 40.1), (5.0, 42.3)])
def test_ramps_count(up: float, capacity: float) -> None:
    """520 C for 15 min is 37.5 uAh/cm2/um by itself; 5 K/min down, and up at 600 or 5 K/min, add to it."""
    times = np.cumsum([0.0, 495.0 / up * 60.0, 900.0, 495.0 / 5.0 * 60.0])
    temperatures = np.array([25.0, 520.0, 520.0, 25.0]) + CELSIUS
    foil = lco_on((("Al2O3", 0.5e-3),), 0.7e-6)
    result = foil.result(in_furnace(foil, foil.initial(ROOM), times, temperatures))
    assert result.crystalline_bound / PER_AREA_AND_THICKNESS == pytest.approx(capacity, abs=0.2)


def test_a_fresh_film_in_a_furnace_is_even_over_its_depth() -> None:
    foil = lco_on_foil(3.3e-6)
    result = foil.result(in_furnace(foil, foil.initial(ROOM), *held(773.15, 7200.0)))
    assert np.ptp(result.crystalline) == 0.0
    assert result.mean == pytest.approx(isothermal(LCO.kinetics, 773.15, 7200.0), rel=1e-12, abs=0.0)
    assert result.crystalline_bound / PER_AREA_AND_THICKNESS == pytest.approx(71.4 * result.mean)
    assert result.surface_peak == result.foil_peak == 773.15


def test_a_furnace_goes_on_with_what_flashes_have_begun() -> None:
    foil, pulse = lco_on_foil(3.3e-6), discharge(Bank(), 850.0, 1.8e-3)
    flashed = foil.anneal(foil.initial(ROOM), pulse, 2.5, 20)
    before, after = (
        foil.result(state) for state in (flashed, in_furnace(foil, flashed, *held(773.15, 900.0)))
    )
    assert np.all(after.crystalline >= before.crystalline)
    assert after.bottom > before.bottom + 0.1
    assert after.surface_peak == before.surface_peak
    assert after.imbalance == before.imbalance


def test_two_furnaces_in_a_row_count_as_one() -> None:
    foil = lco_on_foil(0.7e-6, film=LCO_COUPLED)
    once = in_furnace(foil, foil.initial(ROOM), *held(773.15, 2000.0))
    twice = in_furnace(
        foil, in_furnace(foil, foil.initial(ROOM), *held(773.15, 500.0)), *held(773.15, 1500.0)
    )
    assert twice.dose == pytest.approx(once.dose)
    assert twice.lithium_loss == pytest.approx(once.lithium_loss)


def test_a_second_at_900_degrees_is_a_second_of_lithium_loss() -> None:
    foil = lco_on((("Al2O3", 0.5e-3),), 0.7e-6)
    after = in_furnace(foil, foil.initial(ROOM), *held(1173.15, 7.0))
    assert after.lithium_loss == pytest.approx(7.0)


def test_aluminium_above_its_melting_point_is_molten_and_glass_above_its_own_limit_too_hot() -> None:
    foil = lco_on_foil(0.7e-6)
    assert in_furnace(foil, foil.initial(ROOM), *held(973.15, 1.0)).molten == 1.0
    assert in_furnace(foil, foil.initial(ROOM), *held(900.0, 1.0)).molten == 0.0
    glass = lco_on((("glass", 0.5e-3),), 0.7e-6)
    after = in_furnace(glass, glass.initial(ROOM), *held(825.0 + CELSIUS, 1.0))
    assert after.substrate_margin == pytest.approx(300.0)


def test_a_profile_that_cannot_be_is_refused() -> None:
    foil = lco_on_foil(0.7e-6)
    with pytest.raises(ValueError, match="leaves the range"):
        in_furnace(foil, foil.initial(ROOM), *held(2600.0, 1.0))
    with pytest.raises(ValueError, match=r"time \[s\] of a profile must rise"):
        in_furnace(foil, foil.initial(ROOM), *held(800.0, 0.0))
