"""States on disk and parameters: old states still load, numbers out of range do not."""

import math

import pytest

from sim.physics.cell.data import Ageing, CellError, CellState, turned

OLD = {"lithium": [0.5, 0.6], "anode_lithium": 1.0, "charge": 0.1, "energy": 0.4}


def test_state_written_before_cells_aged_has_not_aged() -> None:
    state = CellState.from_dict(OLD)
    assert (state.cycles, state.discharged, state.cathode_overpotential) == (0.0, 0.0, 0.0)
    assert CellState.from_dict(state.to_dict()) == state


def test_discharge_becomes_cycles_only_when_a_charge_begins() -> None:
    state = CellState((0.5,), 1.0, 0.0, 0.0, cycles=2.0, discharged=0.3)
    assert turned(state, 0.6, charging=False) is state
    aged = turned(state, 0.6, charging=True)
    assert (aged.cycles, aged.discharged) == (2.5, 0.0)
    assert turned(aged, 0.6, charging=True) is aged


@pytest.mark.parametrize(
    "numbers",
    [
        {"plating_loss": -0.1},
        {"plating_loss": 1.0},
        {"active_loss": math.nan},
        {"resistance_growth": -1.0},
        {"resistance_growth": math.inf},
    ],
)
def test_ageing_out_of_range_is_refused(numbers) -> None:
    with pytest.raises(CellError):
        Ageing(**numbers)
