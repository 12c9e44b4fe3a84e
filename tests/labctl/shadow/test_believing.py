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
    assert before(kept, first.time) == 0.0
    assert before(kept, second.time) == pytest.approx(2e-6 * 3600)
    assert third
    assert before(kept, began - 3600.0) == pytest.approx(3e-6 * 3600)


def test_of_a_run_that_is_gone_on_with_the_step_that_was_broken_off_counts_too(kept):
    first = kept.begin("s1", plan="cycle")
    kept.rows(first, "steps", {"step_index": [0], "charge": [5e-6]})
    kept.end(first)
    broken = kept.begin("s1", plan="cycle")
    kept.rows(broken, "steps", {"step_index": [0], "charge": [-3e-6]})
    follower = {"continues": broken.uid, "offsets": {"charge": -2.5e-6}}
    assert before(kept, broken.time + 60.0, **follower) == pytest.approx(2.5e-6 * 3600)


def before(kept, time, **start):
    """Return what passed before a run of s1 that begins at a time."""
    return charge_before(kept.folder, "s1", {"time": time, **start})
