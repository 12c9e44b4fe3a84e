"""A step's trigger model: its rows lie on the grid, and it is over when the step is."""

from __future__ import annotations

import re

import pytest

from devices.cycling.programs import Step
from devices.cycling.techniques import Record, VoltageRamp
from devices.sourcemeter.abilities import BUFFER_ROWS, LONGEST_DELAY
from devices.sourcemeter.trigger import swept, timed

ROW = 0.04


@pytest.mark.parametrize(
    ("interval", "lasts"), [(10.0, 95.0), (30.0, 30.0), (30.0, 0.5), (4.0, 12.05), (7e4, 9.5e4)]
)
def test_waits_and_delays_add_up_to_the_duration(interval: float, lasts: float) -> None:
    plan = timed(interval, lasts, ROW, "defbuffer1")
    _, blocks = plan.groups
    passes = int(next(block for block in blocks if "COUN" in block).split()[2].rstrip(","))
    delays = [float(block.split()[-1]) for block in blocks if "DEL:CONS" in block]
    alone = sum("MEAS" in block for block in blocks) - 2  # the row between the grid's last and the end
    assert passes * plan.period + sum(delays) + alone * ROW == pytest.approx(lasts)
    assert all(delay <= LONGEST_DELAY for delay in delays)
    assert plan.rows == passes + 1 + alone
    assert [int(re.findall(r"BLOC:\S+ (\d+)", block)[0]) for block in blocks] == list(
        range(1, len(blocks) + 1)
    )
    assert plan.due(plan.rows - 1) <= lasts + 1e-9


def test_a_step_that_is_too_long_for_the_buffer_ends_before_it_is_full() -> None:
    plan = timed(1.0, 1e6, ROW, "defbuffer1")
    assert plan.rows < BUFFER_ROWS
    assert plan.lasts == BUFFER_ROWS - 2


def test_a_sweep_has_a_row_in_the_middle_of_each_stair_where_the_ramp_would_be() -> None:
    ramp = VoltageRamp(3.9, 4.0, 1e-3)
    plan = swept(Step(ramp, record=Record(10.0)), ramp, 1e4, ROW, "defbuffer1")
    # 0.2 s a stair, finer than the rows asked for, and a row more at either end.
    assert plan.rows == 502
    assert plan.lasts == pytest.approx(100.0)
    assert ":SOUR:SWE:VOLT:LIN 3.9001, 3.9999, 500, " in plan.groups[0][0]
    assert [plan.due(row) for row in (0, 1, 2, 500, 501)] == pytest.approx([0.0, 0.1, 0.3, 99.9, 100.0])


def test_a_sweep_that_is_cut_short_walks_through_a_part_of_its_stairs() -> None:
    ramp = VoltageRamp(4.0, 3.9, 1e-3)
    plan = swept(Step(ramp), ramp, 0.3, ROW, "defbuffer1")
    assert plan.rows == 4
    assert ":SOUR:SWE:VOLT:LIN 3.9999, 3.9997, 2, " in plan.groups[0][0]
