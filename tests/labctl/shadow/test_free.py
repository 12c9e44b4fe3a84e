"""The model on its own gives the charge that its own cell would."""

import pytest

from labctl.shadow.free import FreeCell
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Until
from tests.labctl.shadow.conftest import cycled


def test_it_takes_the_charge_of_its_own_cell_to_each_voltage(parameters):
    cell = Cell(parameters)
    free = FreeCell(cell, cell.fresh())
    steps = [row for kind, row in cycled(parameters, densities=(5.0,), cycles=2) if kind == "step"]
    told = [free.follow(row) for row in steps]
    assert [each is None for each in told] == [False, True, False, True] * 2
    for row, charge in zip(steps, told, strict=True):
        if charge is not None:
            assert charge == pytest.approx(row["charge"], rel=1e-4)


def test_a_step_that_a_time_ended_passes_what_was_measured_and_is_not_compared(parameters):
    cell = Cell(parameters)
    free, state = FreeCell(cell, cell.fresh()), cell.fresh()
    row = {"technique": "constant_current", "end_reason": "duration", "t_start": 0.0, "t_end": 600.0}
    assert free.follow({**row, "charge": 1e-6, "v_end": 3.9}) is None
    half = cell.step(state, Current(6e-6), Until(duration=600.0)).state
    hold = {"technique": "constant_voltage", "end_reason": "current_below", "t_start": 0.0, "t_end": 3600.0}
    assert free.follow({**hold, "charge": 0.0, "v_end": 4.0}) is None
    last = {"technique": "constant_current", "end_reason": "voltage_above", "t_start": 0.0, "t_end": 1e4}
    assert half.charge > 0.0
    assert free.follow({**last, "charge": 6e-6 * 1e4 / 3600, "v_end": 4.25}) > 0.0
