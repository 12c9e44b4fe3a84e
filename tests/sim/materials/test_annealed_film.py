"""From what the lamp left at every depth to a cell: the labelled fit against the paper, and its limits."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.materials import cathode
from sim.materials.annealed_film import FIT, CapacityRow, annealed_cell
from sim.materials.thermal import lco_on_foil
from sim.physics.cell.cell import Cell, cycled_capacity
from sim.physics.lamp.bank import Bank, discharge

AREA = 1e-5  # m2
Floats = NDArray[np.float64]
# Hottest temperature [K] against relative depth (quadratic) of the flash twin, for the three films [m]
PEAK_TEMPERATURE = {
    0.7e-6: (-12.6, -37.4, 972.2),
    1.2e-6: (-8.2, -90.8, 1036.9),
    3.3e-6: (-0.5, -224.1, 1076.5),
}


Profile = tuple[Floats, Floats, Floats, Floats]


def flashed(thickness: float) -> Profile:
    """Return centres, widths, crystallinity and peak temperature as the flash twin leaves the film."""
    depth = (np.arange(40) + 0.5) / 40
    amorphous = 0.29 / (1.0 + np.exp((0.665 - depth) / 0.045)) if thickness > 2e-6 else np.zeros(40)
    bend, fall, front = PEAK_TEMPERATURE[thickness]
    hottest = front + fall * depth + bend * depth**2
    widths: Floats = np.full(40, thickness / 40)
    return depth * thickness, widths, 1.0 - amorphous, hottest


def uniform(crystallinity: float, temperature: float, cells: int = 20) -> Profile:
    widths: Floats = np.full(cells, 0.7e-6 / cells)
    return (
        np.cumsum(widths) - 0.5 * widths,
        widths,
        np.full(cells, crystallinity),
        np.full(cells, temperature),
    )


def capacity(profile: Profile, current: float, cycles: int = 3) -> float:
    """Return the discharge capacity [C/m2] at a current [A/m2]."""
    cell = Cell(annealed_cell(*profile, area=AREA))
    return cycled_capacity(cell, current * AREA, 3.0, 4.25, cycles) / AREA


@pytest.fixture(scope="module")
def annealed() -> dict[float, Cell]:
    """Return the cells on the three films, flashed by the thermal twin with the recipes of the fit."""
    recipes = {0.7e-6: (850.0, 20), 1.2e-6: (900.0, 43), 3.3e-6: (850.0, 300)}
    cells = {}
    for thickness, (voltage, pulses) in recipes.items():
        lamp = lco_on_foil(thickness)
        state, _ = lamp.train(lamp.initial(298.15), discharge(Bank(), voltage, 1.8e-3), 2.5, pulses)
        left = lamp.result(lamp.relax(state, 60.0))
        cells[thickness] = Cell(annealed_cell(left.depth, left.width, left.crystalline, left.peak, area=AREA))
    return cells


@pytest.mark.parametrize("row", FIT.rows, ids=lambda row: f"{row.film * 1e6:.1f} um at {row.current} A/m2")
def test_recipe_through_the_thermal_twin_meets_the_paper_within_5_percent(
    row: CapacityRow, annealed: dict[float, Cell]
) -> None:
    cycles = 20 if row.film > 2e-6 else 8
    found = cycled_capacity(annealed[row.film], row.current * AREA, 3.0, 4.25, cycles) / AREA
    assert found == pytest.approx(row.paper, rel=0.05)
    assert found == pytest.approx(row.fit, rel=2e-3), "the stored residuals are those of another model"


@pytest.mark.parametrize("row", FIT.rows, ids=lambda row: f"{row.film * 1e6:.1f} um at {row.current} A/m2")
def test_default_mesh_is_within_0_2_percent_of_a_finer_one(
    row: CapacityRow, annealed: dict[float, Cell]
) -> None:
    coarse = annealed[row.film].parameters
    edges = np.array(coarse.edges)
    finer = np.concatenate(
        ([0.0], (edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0.25, 1, 4)).ravel())
    )
    middle, centres = 0.5 * (finer[1:] + finer[:-1]), 0.5 * (edges[1:] + edges[:-1])
    logarithms = np.interp(middle, centres, np.log(coarse.diffusivity))
    fine = replace(
        coarse,
        edges=tuple(finer.tolist()),
        diffusivity=tuple(np.exp(logarithms).tolist()),
        active_share=tuple(np.repeat(coarse.active_share, 4).tolist()),
    )
    found = [
        cycled_capacity(cell, row.current * AREA, 3.0, 4.25, 3) for cell in (annealed[row.film], Cell(fine))
    ]
    assert found[0] == pytest.approx(found[1], rel=2e-3)


def test_stored_residuals_are_all_below_4_percent() -> None:
    assert max(abs(row.residual) for row in FIT.rows) < 0.04


def test_film_as_sputtered_gives_no_cell() -> None:
    assert capacity(uniform(0.0, 300.0), 0.5) == 0.0


def test_half_hearted_anneal_gives_a_bad_cell() -> None:
    assert capacity(uniform(0.1, 773.0), 0.5) < 0.05 * capacity(uniform(1.0, 970.0), 0.5)


def test_hotter_film_carries_more_at_a_high_rate() -> None:
    found = [capacity(uniform(1.0, temperature), 5.0) for temperature in (873.0, 973.0, 1073.0, 1400.0)]
    assert found == sorted(found)


def test_crystalline_film_at_low_rate_holds_72_6_microampere_hours_times_utilisation() -> None:
    expected = 72.6 * 36.0 * cathode.UTILISATION * 0.7
    assert capacity(uniform(1.0, 1073.0), 5e-3) == pytest.approx(expected, rel=2e-3)


def test_amorphous_share_counts_once_as_sites() -> None:
    mixed = annealed_cell(*uniform(0.6, 1000.0), area=AREA)
    whole = annealed_cell(*uniform(1.0, 1000.0), area=AREA)
    assert mixed.diffusivity == whole.diffusivity
    assert np.allclose(
        np.array(mixed.active_share) / np.array(whole.active_share), 0.6 + 0.4 * FIT.amorphous_amount
    )


def test_amount_of_sites_is_carried_over_exactly() -> None:
    centres, widths, crystallinity, temperature = flashed(3.3e-6)
    parameters = annealed_cell(centres, widths, crystallinity, temperature, area=AREA)
    given = np.sum(widths * (crystallinity + FIT.amorphous_amount * (1.0 - crystallinity))) * FIT.utilisation
    assert np.sum(np.diff(parameters.edges) * np.array(parameters.active_share)) == pytest.approx(
        given,
        rel=1e-13,
        abs=0.0,
    )


def test_input_that_is_not_a_film_is_refused() -> None:
    centres, widths, crystallinity, temperature = uniform(1.0, 1000.0)
    for bad in (np.nan, np.inf, 0.0, -5.0):
        with pytest.raises(ValueError, match="temperature"):
            annealed_cell(centres, widths, crystallinity, temperature * bad, area=AREA)
    with pytest.raises(ValueError, match="crystallinity"):
        annealed_cell(centres, widths, crystallinity * np.nan, temperature, area=AREA)
    with pytest.raises(ValueError, match="crystallinity"):
        annealed_cell(centres, widths, crystallinity + 0.1, temperature, area=AREA)
    with pytest.raises(ValueError, match="tile"):
        annealed_cell(centres + 1e-7, widths, crystallinity, temperature, area=AREA)
    with pytest.raises(ValueError, match="one length"):
        annealed_cell(centres, widths[:-1], crystallinity, temperature, area=AREA)
    with pytest.raises(ValueError, match="area"):
        annealed_cell(centres, widths, crystallinity, temperature, area=float("nan"))
