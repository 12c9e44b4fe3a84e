"""Where the cells of a sheet hang, and how long a map takes."""

import pytest

from devices.samples import CellGrid
from devices.sheet.mapping import groups_of, map_duration, sites_of
from devices.sheet.recipe import FormationPulse, SheetRecipe


def test_cells_fill_one_matrix_after_the_other_along_the_rows():
    sites = sites_of(CellGrid(3, 4), [5, 8])
    assert [(site.row, site.column) for site in sites] == [(r, c) for r in (1, 2, 3) for c in (1, 2, 3, 4)]
    assert [(site.matrix, site.line) for site in sites] == [(0, k) for k in range(5)] + [
        (1, k) for k in range(7)
    ]


@pytest.mark.parametrize("size", [1, 2, 4, 40])
def test_groups_have_every_cell_once_and_stay_on_one_matrix(size):
    sites = sites_of(CellGrid(3, 4), [5, 8])
    groups = list(groups_of(sites, size))
    assert [site for group in groups for site in group] == sites
    assert all(len(group) <= size and len({site.matrix for site in group}) == 1 for group in groups)


def test_more_meters_map_faster_and_a_formation_pulse_takes_its_time():
    sites, plain = sites_of(CellGrid(10, 10), [128]), SheetRecipe("map", (1e3,))
    one, four = (map_duration(sites, plain, meters, 40, 2e-3, 0.11) for meters in (1, 4))
    assert 2.0 < one / four <= 4.0
    formed = SheetRecipe("map", (1e3,), formation=FormationPulse(4.1, 30.0, 3600.0))
    assert map_duration(sites, formed, 4, 40, 2e-3, 0.11) - four == pytest.approx(3 * 30.0 + 3600.0, abs=0.1)


@pytest.mark.parametrize("count", [1024, 352, 41, 7])
def test_groups_on_a_matrix_differ_by_one_cell_at_most(count):
    sizes = [len(group) for group in groups_of(sites_of(CellGrid(1, 1000), [count, 1000]), 40)]
    on_first = -(-min(count, 1000) // 40)
    assert max(sizes[:on_first]) - min(sizes[:on_first]) <= 1
    assert max(sizes) <= 40
    assert len(sizes) == on_first + -(-(1000 - min(count, 1000)) // 40)
