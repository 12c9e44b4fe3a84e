"""What a channel allows of a program, and not the least beyond it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devices.cycling.checks import check_limits
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Until
from devices.errors import LimitError, ProgramError
from devices.limits import ChannelLimits

CHANNEL = ChannelLimits(voltage_min=2.0, voltage_max=4.5, current=1e-3)
LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.5, current_max=1e-3)
STEPS = (
    Step(ConstantCurrent(1e-3), Until(voltage_above=4.2)),
    Step(OpenCircuit(), Until(duration=10.0)),
    Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0)),
)


def test_a_program_may_use_all_that_its_channel_has() -> None:
    check_limits("cell", Program("p", STEPS, LIMITS), CHANNEL)


@pytest.mark.parametrize(
    ("field", "value"), [("voltage_min", 1.999), ("voltage_max", 4.501), ("current_max", 1.001e-3)]
)
def test_a_cell_whose_limits_reach_beyond_its_channels_is_refused(field: str, value: float) -> None:
    beyond: Any = replace(LIMITS, **{field: value})
    with pytest.raises(LimitError, match=rf"cell: p limits.{field}"):
        check_limits("cell", Program("p", STEPS, beyond), CHANNEL)


def test_no_step_asks_for_more_current_than_the_limits_that_the_channel_allows() -> None:
    for current in (1.001e-3, -1.001e-3):
        with pytest.raises(ValueError, match=r"exceeds limits\.current_max"):
            Program("p", (Step(ConstantCurrent(current), Until(duration=1.0)),), LIMITS)


def test_a_temperature_that_nothing_here_could_hold_is_refused() -> None:
    warm = (*STEPS[:1], replace(STEPS[1], temperature=320.0))
    with pytest.raises(ProgramError, match="step 1 asks for 320 K, and this bench has no chamber"):
        check_limits("cell", Program("p", warm, LIMITS), CHANNEL)
