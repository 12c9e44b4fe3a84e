"""The books of a cycling run: numbering of nested loops, and charges that add up whatever the readings do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.base import RowStream
from devices.cycle_ledger import (
    CYCLE_COLUMNS,
    PRIMARY_COLUMNS,
    STEP_COLUMNS,
    CycleFlag,
    CycleLedger,
    count_executions,
    executions,
    longest_duration,
)
from devices.cycle_records import ElementBegan, RowTaken
from devices.errors import InstrumentError
from devices.techniques import CellLimits, ConstantCurrent, Loop, OpenCircuit, Program, Step, Until

LIMITS = CellLimits(voltage_min=0.0, voltage_max=5.0, current_max=1.0)
REST = Step(OpenCircuit(), Until(duration=10.0))
CHARGE = Step(ConstantCurrent(1e-3), Until(voltage_above=4.2))
DISCHARGE = Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0))


def program(*nodes: Step | Loop) -> Program:
    return Program("p", nodes, LIMITS)


def numbers(*nodes: Step | Loop) -> list[tuple[int, int, int]]:
    return [(each.step_index, each.step_count, each.cycle) for each in executions(program(*nodes))]


class Books:
    """A ledger and its streams."""

    def __init__(self, *nodes: Step | Loop, longest_step: float = 1e6) -> None:
        self.streams = [
            RowStream(name, name, columns, {"": "test", "channels": "cycler"})
            for name, columns in (
                ("primary", PRIMARY_COLUMNS),
                ("steps", STEP_COLUMNS),
                ("cycles", CYCLE_COLUMNS),
            )
        ]
        primary, steps, cycles = self.streams
        self.ledger = CycleLedger(
            program(*nodes),
            primary=primary,
            steps=steps,
            cycles=cycles,
            began=1e9,
            longest_step=longest_step,
            range_of=lambda step: 0,
        )
        self.number = 0

    def step(self, *rows: tuple[float, float, float]) -> None:
        """Book a step of rows (time, V, A)."""
        self.ledger.element(ElementBegan("x"))
        for time, voltage, current in rows:
            self.number += 1
            self.ledger.row(RowTaken(self.number, time, voltage, current, 25.0))

    def taken(self) -> list[dict[str, Sequence[Any]]]:
        """Return the columns of the three streams."""
        return [next(stream.collect_pages(), {"data": {}})["data"] for stream in self.streams]


def test_steps_outside_counting_loops_belong_to_the_first_and_last_cycle() -> None:
    counted = Loop((CHARGE, DISCHARGE), 2, counts_cycles=True)
    assert numbers(REST, counted, REST) == [
        (0, 1, 1),
        (1, 2, 1),
        (2, 3, 1),
        (1, 4, 2),
        (2, 5, 2),
        (3, 6, 2),
    ]


def test_nested_loops_keep_the_path_order_and_count_only_what_counts() -> None:
    inner = Loop((REST,), 2)
    outer = Loop((CHARGE, inner, DISCHARGE), 2, counts_cycles=True)
    found = numbers(outer, Loop((REST,), 3, counts_cycles=True))
    assert [index for index, _, _ in found] == [0, 1, 1, 2, 0, 1, 1, 2, 3, 3, 3]
    assert [count for _, count, _ in found] == list(range(1, 12))
    assert [cycle for _, _, cycle in found] == [1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5]


def test_counting_passes_that_begin_together_are_one_cycle() -> None:
    inner = Loop((CHARGE, DISCHARGE), 2, counts_cycles=True)
    found = numbers(Loop((inner, REST), 2, counts_cycles=True))
    assert [cycle for _, _, cycle in found] == [1, 1, 2, 2, 2, 3, 3, 4, 4, 4]


def test_a_program_without_counting_loops_is_one_cycle() -> None:
    assert {cycle for _, _, cycle in numbers(CHARGE, DISCHARGE, REST)} == {1}


nodes = st.recursive(
    st.sampled_from([REST, CHARGE, DISCHARGE]),
    lambda inner: st.builds(
        Loop, st.lists(inner, min_size=1, max_size=3).map(tuple), st.integers(1, 3), st.booleans()
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(nodes, min_size=1, max_size=3))
def test_the_count_of_executions_is_what_is_unrolled(tree: list[Step | Loop]) -> None:
    whole = program(*tree)
    unrolled = list(executions(whole))
    assert count_executions(whole) == len(unrolled)
    leaves = whole.leaves()
    assert all(leaves[each.step_index] is each.step for each in unrolled)
    assert sorted({each.step_index for each in unrolled}) == list(range(len(leaves)))
    cycles = [each.cycle for each in unrolled]
    assert cycles == sorted(cycles)
    assert set(cycles) == set(range(1, cycles[-1] + 1))
    expected = sum(10.0 if each.step is REST else 77.0 for each in unrolled)
    assert longest_duration(whole, 77.0) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e-3, 1e-3), min_size=2, max_size=30))
def test_charge_adds_up_over_rows_steps_and_cycles(currents: list[float]) -> None:
    books = Books(CHARGE, DISCHARGE)
    half = len(currents) // 2
    books.step(*((float(i), 4.0, current) for i, current in enumerate(currents[:half])))
    books.step(*((float(i), 4.0, current) for i, current in enumerate(currents[half:], half)))
    books.ledger.finish("stopped", certain=True)
    primary, steps, cycles = books.taken()
    total = primary["charge"][-1] if primary else 0.0
    assert sum(steps["charge"]) == pytest.approx(total, abs=1e-15)
    net = cycles["charge_capacity"][0] - cycles["discharge_capacity"][0]
    assert net == pytest.approx(total, abs=1e-15)
    assert sum(steps["energy"]) == pytest.approx(4.0 * total, abs=1e-15)


def test_a_constant_current_is_integrated_exactly() -> None:
    books = Books(CHARGE)
    books.step((0.0, 3.0, 1e-3), (1800.0, 3.5, 1e-3), (3600.0, 4.2, 1e-3))
    assert books.ledger.finish("instrument")
    _, steps, cycles = books.taken()
    assert steps["charge"] == [pytest.approx(1e-3, rel=1e-12)]
    assert steps["end_reason"] == ["voltage_above"]
    assert cycles["flags"] == [int(CycleFlag.NO_REST | CycleFlag.NO_EFFICIENCY)]
    assert math.isnan(cycles["efficiency"][0])


def test_rest_counts_nothing_and_gives_its_last_voltage() -> None:
    books = Books(REST)
    books.step((0.0, 3.9, 1e-9), (10.0, 3.8, -1e-9))
    assert books.ledger.finish("instrument")
    primary, _, cycles = books.taken()
    assert primary["charge"] == [0.0, 0.0]
    assert cycles["end_voltage_rest"] == [3.8]
    assert math.isnan(cycles["efficiency"][0])
    assert cycles["flags"] == [int(CycleFlag.NO_EFFICIENCY)]


def test_a_failed_reading_is_flagged_and_bridged() -> None:
    books = Books(CHARGE)
    books.step((0.0, 3.0, 1e-3), (10.0, math.nan, 1e-3), (20.0, 3.2, math.nan), (36.0, 4.2, 1e-3))
    assert books.ledger.finish("instrument")
    primary, steps, _ = books.taken()
    assert primary["flags"] == [0, CycleFlag.VOLTAGE_INVALID, CycleFlag.CURRENT_INVALID, 0]
    assert steps["charge"] == [pytest.approx(1e-5, rel=1e-12)]
    assert steps["flags"] == [int(CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID)]


def test_an_end_that_the_rows_do_not_show_is_unclear() -> None:
    books = Books(CHARGE, REST)
    books.step((0.0, 3.0, 1e-3), (10.0, 3.1, 1e-3))
    books.step((10.0, 3.1, 0.0), (20.0, 3.1, 0.0))
    assert books.ledger.finish("instrument")
    _, steps, _ = books.taken()
    assert steps["end_reason"] == ["unclear", "duration"]
    assert steps["flags"][0] == CycleFlag.END_UNCLEAR


def test_the_stations_own_bound_on_a_step_is_flagged() -> None:
    books = Books(CHARGE, longest_step=100.0)
    books.step((0.0, 3.0, 1e-3), (100.0, 3.1, 1e-3))
    assert books.ledger.finish("instrument")
    _, steps, _ = books.taken()
    assert steps["end_reason"] == ["longest_step"]
    assert steps["flags"] == [int(CycleFlag.LONGEST_REACHED)]


def test_what_was_cut_short_is_not_done() -> None:
    books = Books(CHARGE, DISCHARGE)
    books.step((0.0, 3.0, 1e-3), (10.0, 4.2, 1e-3))
    assert not books.ledger.finish("safety")
    assert books.ledger.done == 0
    _, steps, cycles = books.taken()
    assert steps["end_reason"] == ["safety"]
    assert cycles["flags"][0] & CycleFlag.STOPPED_EARLY


def test_records_that_no_program_explains_are_refused() -> None:
    books = Books(REST)
    with pytest.raises(InstrumentError, match="before any step"):
        books.ledger.row(RowTaken(1, 0.0, 3.0, 0.0, 25.0))
    books.step((0.0, 3.0, 0.0))
    with pytest.raises(InstrumentError, match="no step left"):
        books.step((10.0, 3.0, 0.0))
