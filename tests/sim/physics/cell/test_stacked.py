"""Layers in parallel driven as one cell."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellError, EndReason
from sim.physics.cell.control import Current, Power, Until
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.stacked import StackedCell, cell_of_layers

LAYER = replace(cathode.cell_on(graded_edges(1.2e-6, 30), 2e-14, area=1.5e-4))
BAD = replace(LAYER, contact_resistance=0.03)


def test_equal_layers_are_one_cell_of_their_area():
    stack, drawn = StackedCell([LAYER] * 6), Current(8e-4)
    one = cell_of_layers([LAYER] * 6)
    assert type(one) is Cell
    segments = [cell.step(cell.fresh(), drawn, Until(upper=4.1)) for cell in (stack, one)]
    assert segments[0].time[-1] == pytest.approx(segments[1].time[-1], rel=1e-6)
    frequency = np.array([1e4, 1.0])
    found = [cell.impedance(each.state, frequency) for cell, each in zip((stack, one), segments, strict=True)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_a_bad_layer_takes_less_and_all_of_them_take_what_flows():
    stack = cell_of_layers([BAD, *[LAYER] * 5])
    state = stack.step(stack.fresh(), Current(8e-4), Until(duration=600.0)).state
    shares = stack.shares(state, 8e-4)
    assert shares.sum() == pytest.approx(8e-4, rel=1e-9)
    assert shares[0] < 0.9 * shares[1]


def test_a_state_survives_as_text_and_goes_on_the_same():
    stack = cell_of_layers([BAD, *[LAYER] * 5])
    state = stack.step(stack.fresh(), Current(8e-4), Until(duration=600.0)).state
    again = stack.state_from(json.loads(json.dumps(state.to_dict())))
    assert again == state
    assert stack.voltage(again, -1e-4) == stack.voltage(state, -1e-4)


def test_what_cannot_be_met_is_one_row_at_rest():
    stack = cell_of_layers([BAD, *[LAYER] * 5])
    segment = stack.step(stack.fresh(), Power(-10.0), Until(duration=1.0))
    assert segment.end is EndReason.MAXIMUM_POWER
    assert segment.current.tolist() == [0.0]


def test_the_state_of_one_cell_is_no_stack():
    with pytest.raises(CellError, match="single cell"):
        cell_of_layers([BAD, LAYER]).voltage(Cell(LAYER).fresh(), 0.0)
    with pytest.raises(CellError, match="2 layers"):
        cell_of_layers([BAD, LAYER]).state_from(Cell(LAYER).fresh().to_dict())
