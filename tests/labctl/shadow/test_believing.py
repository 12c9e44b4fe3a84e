"""What past runs passed through a cell is what its film lacks."""

import pytest

from labctl.shadow.believing import charge_before


def test_the_charge_of_earlier_runs_counts_and_that_of_later_ones_and_other_cells_does_not(kept):
    first = kept.begin("s1", plan="cycle")
    kept.rows(first, "steps", {"step_index": [0, 1], "charge": [5e-6, -3e-6]})
    kept.end(first)
    kept.cycle("s2")
    second = kept.begin("s1", plan="take_over", purpose="cycle")
    kept.rows(second, "steps", {"step_index": [0], "charge": [1e-6]})
    kept.end(second)
    third = kept.cycle("s1")
    began = second.time + 2 * 3600.0
    assert charge_before(kept.folder, "s1", first.time) == 0.0
    assert charge_before(kept.folder, "s1", second.time) == pytest.approx(2e-6 * 3600)
    assert third
    assert charge_before(kept.folder, "s1", began - 3600.0) == pytest.approx(3e-6 * 3600)
