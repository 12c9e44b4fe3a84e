"""From what the lamp left at every depth to a cell: the labelled fit against the paper, and its limits."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.materials import cathode
from sim.materials.annealed_film import FIT, CapacityRow, annealed_cell
from sim.physics.cell import Cell, cycled_capacity

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


@pytest.mark.parametrize("row", FIT.rows, ids=lambda row: f"{row.film * 1e6:.1f} um at {row.current} A/m2")
def test_capacity_of_a_flashed_film_meets_the_paper_within_4_percent(row: CapacityRow) -> None:
    found = capacity(flashed(row.film), row.current, cycles=8)
    assert found == pytest.approx(row.paper, rel=0.04)
    assert found == pytest.approx(row.fit, rel=0.005)


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
        given, rel=1e-13
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
