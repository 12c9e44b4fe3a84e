"""The books of a cycling run: numbering of nested loops, and charges that add up whatever the readings do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.base import RowStream
from devices.cycling.columns import (
    CYCLE_COLUMNS,
    IMPEDANCE_COLUMNS,
    PRIMARY_COLUMNS,
    STEP_COLUMNS,
    CycleFlag,
)
from devices.cycling.cycler import ElementBegan, ElementEnded, RowTaken, SpectrumPoint
from devices.cycling.ends import EndReason
from devices.cycling.ledger import CycleLedger
from devices.cycling.programs import CellLimits, Loop, Program, Step, loops
from devices.cycling.sequence import Part
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
)
from devices.errors import InstrumentError

LIMITS = CellLimits(voltage_min=0.0, voltage_max=5.0, current_max=1.0)
REST = Step(OpenCircuit(), Until(duration=10.0))
CHARGE = Step(ConstantCurrent(1e-3), Until(voltage_above=4.2))
DISCHARGE = Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0))


def numbers(*nodes: Step | Loop) -> list[tuple[int, int, int]]:
    """Return step index, count and cycle as the ledger books each step of one row."""
    books = Books(*nodes)
    part = Part(nodes, 0)
    for time, _ in enumerate(part.walk()):
        books.step((float(time), 3.5, 0.0))
    books.ledger.finish(None)
    steps = books.taken()["steps"]
    return list(zip(steps["step_index"], steps["step_count"], steps["cycle"], strict=True))


class Books:
    """A ledger and its streams."""

    def __init__(self, *nodes: Step | Loop, longest_step: float = 1e6) -> None:
        columns = {
            "primary": PRIMARY_COLUMNS,
            "impedance": IMPEDANCE_COLUMNS,
            "steps": STEP_COLUMNS,
            "cycles": CYCLE_COLUMNS,
        }
        self.streams = {
            name: RowStream(name, name, each, {"": "test", "channels": "cycler"})
            for name, each in columns.items()
        }
        self.ledger = CycleLedger(
            self.streams,
            limits=LIMITS,
            began=1e9,
            longest_step=longest_step,
            range_of=lambda step: 0,
            counts_cycles=any(loop.counts_cycles for loop in loops(nodes)),
        )
        self.ledger.begin(Part(nodes, 0), 0.0)
        self.number = 0

    def step(self, *rows: tuple[float, float, float]) -> None:
        """Book a step of rows (time, V, A)."""
        self.ledger.element(ElementBegan("x"))
        for time, voltage, current in rows:
            self.number += 1
            self.ledger.row(RowTaken(self.number, time, voltage, current, 25.0))

    def over(self, cause: EndReason | None = None) -> EndReason | None:
        """Tell the ledger that the instrument stopped; return what cut it short."""
        cut = self.ledger.part_ended(cause)
        self.ledger.finish(cut)
        return cut

    def taken(self) -> dict[str, Mapping[str, Sequence[Any]]]:
        """Return the columns of the streams."""
        return {
            name: next(stream.collect_pages(), {"data": {}})["data"] for name, stream in self.streams.items()
        }


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
@given(st.lists(nodes, min_size=1, max_size=3).map(tuple))
def test_cycles_count_up_without_a_hole_and_every_step_is_run(tree: tuple[Step | Loop, ...]) -> None:
    found = numbers(*tree)
    cycles = [cycle for _, _, cycle in found]
    assert cycles == sorted(cycles)
    assert set(cycles) == set(range(1, cycles[-1] + 1))
    leaves = Program("p", tree, LIMITS).leaves()
    assert sorted({index for index, _, _ in found}) == list(range(len(leaves)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e-3, 1e-3), min_size=2, max_size=30))
def test_charge_adds_up_over_rows_steps_and_cycles(currents: list[float]) -> None:
    books = Books(CHARGE, DISCHARGE)
    half = len(currents) // 2
    books.step(*((float(i), 4.0, current) for i, current in enumerate(currents[:half])))
    books.step(*((float(i), 4.0, current) for i, current in enumerate(currents[half:], half)))
    books.ledger.finish(EndReason.OPERATOR)
    primary, _, steps, cycles = books.taken().values()
    total = primary["charge"][-1] if primary else 0.0
    assert sum(steps["charge"]) == pytest.approx(total, abs=1e-15)
    net = cycles["charge_capacity"][0] - cycles["discharge_capacity"][0]
    assert net == pytest.approx(total, abs=1e-15)
    assert sum(steps["energy"]) == pytest.approx(4.0 * total, abs=1e-15)


def test_a_constant_current_is_integrated_exactly() -> None:
    books = Books(CHARGE)
    books.step((0.0, 3.0, 1e-3), (1800.0, 3.5, 1e-3), (3600.0, 4.2, 1e-3))
    assert books.over() is None
    _, _, steps, cycles = books.taken().values()
    assert steps["charge"] == [pytest.approx(1e-3, rel=1e-12, abs=0.0)]
    assert steps["end_reason"] == ["voltage_above"]
    assert cycles["flags"] == [int(CycleFlag.NO_REST | CycleFlag.NO_EFFICIENCY)]
    assert math.isnan(cycles["efficiency"][0])


def test_rest_counts_nothing_and_gives_its_last_voltage() -> None:
    books = Books(REST)
    books.step((0.0, 3.9, 1e-9), (10.0, 3.8, -1e-9))
    assert books.over() is None
    primary, _, _, cycles = books.taken().values()
    assert primary["charge"] == [0.0, 0.0]
    assert cycles["end_voltage_rest"] == [3.8]
    assert math.isnan(cycles["efficiency"][0])
    assert cycles["flags"] == [int(CycleFlag.NO_EFFICIENCY)]


def test_a_failed_reading_is_flagged_and_bridged() -> None:
    books = Books(CHARGE)
    books.step((0.0, 3.0, 1e-3), (10.0, math.nan, 1e-3), (20.0, 3.2, math.nan), (36.0, 4.2, 1e-3))
    assert books.over() is None
    primary, _, steps, _ = books.taken().values()
    assert primary["flags"] == [0, CycleFlag.VOLTAGE_INVALID, CycleFlag.CURRENT_INVALID, 0]
    assert steps["charge"] == [pytest.approx(1e-5, rel=1e-12, abs=0.0)]
    assert steps["flags"] == [int(CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID)]


def test_an_end_that_the_rows_do_not_show_is_unclear() -> None:
    books = Books(CHARGE, REST)
    books.step((0.0, 3.0, 1e-3), (10.0, 3.1, 1e-3))
    books.step((10.0, 3.1, 0.0), (20.0, 3.1, 0.0))
    assert books.over() is None
    _, _, steps, _ = books.taken().values()
    assert steps["end_reason"] == ["unclear", "duration"]
    assert steps["flags"][0] == CycleFlag.END_UNCLEAR


@pytest.mark.parametrize("last", [(), ((10.0, 4.1, -1e-3),)], ids=["no row", "one row"])
def test_a_last_step_that_its_rows_do_not_tell_is_done_where_the_instrument_says_so(
    last: tuple[tuple[float, float, float], ...],
) -> None:
    for completed in (True, False):
        books = Books(CHARGE, DISCHARGE)
        books.step((0.0, 3.0, 1e-3), (10.0, 4.2, 1e-3))
        books.step(*last)
        cut = books.ledger.part_ended(None, completed=completed)
        books.ledger.finish(cut)
        assert cut is (None if completed else EndReason.UNCLEAR)
        assert books.ledger.done == 1 + completed
        steps = books.taken()["steps"]
        assert steps["end_reason"] == ["voltage_above", "unclear"]
        early = CycleFlag.OK if completed else CycleFlag.STOPPED_EARLY
        assert steps["flags"][1] == CycleFlag.END_UNCLEAR | early
        assert math.isnan(steps["t_end"][1]) == (not last)


TIMED = Step(ConstantCurrent(1e-3), Until(duration=3600.0), Record(interval=30.0))


@pytest.mark.parametrize(
    ("nodes", "last", "cause"),
    [
        ((CHARGE, REST), (10.0, 3.1, 1e-3), EndReason.UNCLEAR),
        ((TIMED,), (3590.0, 5.0, 1e-3), EndReason.SAFETY_VOLTAGE_MAX),
        ((TIMED,), (3590.0, 3.1, 0.0), EndReason.OPEN_CIRCUIT),
        ((CHARGE,), (10.0, math.nan, math.nan), None),
        ((TIMED,), (3600.0 - 31.0, 3.1, 1e-3), EndReason.UNCLEAR),
        ((TIMED,), (3600.0 - 30.0, 3.1, 1e-3), None),
    ],
    ids=["a step is left", "a limit", "no current", "a failed reading", "long before", "just before"],
)
def test_words_that_all_is_through_do_not_hide_what_the_rows_show(
    nodes: tuple[Step, ...], last: tuple[float, float, float], cause: EndReason | None
) -> None:
    books = Books(*nodes)
    books.step((0.0, 3.0, 1e-3), last)
    assert books.ledger.part_ended(None, completed=True) is cause


def test_the_stations_own_bound_on_a_step_is_flagged() -> None:
    books = Books(CHARGE, longest_step=100.0)
    books.step((0.0, 3.0, 1e-3), (100.0, 3.1, 1e-3))
    assert books.over() is None
    _, _, steps, _ = books.taken().values()
    assert steps["end_reason"] == ["longest_step"]
    assert steps["flags"] == [int(CycleFlag.LONGEST_REACHED)]


def test_what_was_cut_short_is_not_done_and_says_by_what() -> None:
    books = Books(CHARGE, DISCHARGE)
    books.step((0.0, 3.0, 1e-3), (10.0, 5.0, 1e-3))
    assert books.over() is EndReason.SAFETY_VOLTAGE_MAX
    assert books.ledger.done == 0
    taken = books.taken()
    assert taken["steps"]["end_reason"] == ["safety_voltage_max"]
    assert taken["cycles"]["flags"][0] & CycleFlag.STOPPED_EARLY


def test_the_last_step_of_a_part_is_cut_short_when_none_of_its_ends_shows() -> None:
    books = Books(CHARGE)
    books.step((0.0, 3.0, 1e-3), (10.0, 9.9, 0.0))
    assert books.over() is EndReason.OPEN_CIRCUIT
    assert books.ledger.done == 0


def test_the_instruments_own_reason_comes_first() -> None:
    books = Books(CHARGE, REST)
    books.step((0.0, 3.0, 1e-3), (10.0, 3.1, 1e-3))
    books.ledger.ended(ElementEnded(EndReason.CHARGE))
    books.step((10.0, 3.1, 0.0), (20.0, 3.1, 0.0))
    assert books.over() is None
    assert books.taken()["steps"]["end_reason"] == ["charge", "duration"]


def test_a_second_part_goes_on_in_time_count_and_cycle() -> None:
    books = Books(Loop((CHARGE, DISCHARGE), 1, counts_cycles=True))
    books.step((0.0, 3.0, 1e-3), (10.0, 4.2, 1e-3))
    books.step((10.0, 4.1, -1e-3), (15.0, 3.0, -1e-3))
    assert books.ledger.part_ended(None) is None
    seen = books.ledger.seen()
    assert seen.ended_by is EndReason.VOLTAGE_BELOW
    assert seen.discharge_capacity == pytest.approx(5e-3)
    assert seen.efficiency == pytest.approx(0.5)
    books.ledger.begin(Part((Loop((CHARGE, DISCHARGE), 1, counts_cycles=True),), 0), 100.0)
    books.step((0.0, 3.0, 1e-3), (8.0, 4.2, 1e-3))
    books.step((8.0, 4.1, -1e-3), (12.0, 3.0, -1e-3))
    assert books.over() is None
    assert books.ledger.seen().retention == pytest.approx(0.8)
    assert books.ledger.seen().discharge_capacity == pytest.approx(4e-3)
    taken = books.taken()
    assert taken["primary"]["test_time"] == [0.0, 10.0, 10.0, 15.0, 100.0, 108.0, 108.0, 112.0]
    assert taken["steps"]["step_count"] == [1, 2, 3, 4]
    assert taken["cycles"]["cycle"] == [1, 2]


def test_a_spectrum_is_booked_point_by_point_and_ends_swept() -> None:
    spectrum = Step(PotentiostaticImpedance(1e3, 1.0, 0.01))
    books = Books(spectrum)
    books.ledger.element(ElementBegan("eis"))
    for number, frequency in enumerate((1e3, 1e2, 1e1), 1):
        books.ledger.spectrum(
            SpectrumPoint(number, float(number), frequency, 50.0, math.nan, 3.9, 0.0, 0.01, 0.0)
        )
    assert books.over() is None
    taken = books.taken()
    assert taken["impedance"]["frequency"] == [1e3, 1e2, 1e1]
    assert set(taken["impedance"]["spectrum"]) == {1}
    assert set(taken["impedance"]["flags"]) == {int(CycleFlag.SATURATED)}
    assert taken["steps"]["end_reason"] == ["swept"]


def test_records_that_no_program_explains_are_refused() -> None:
    books = Books(REST)
    with pytest.raises(InstrumentError, match="before any step"):
        books.ledger.row(RowTaken(1, 0.0, 3.0, 0.0, 25.0))
    books.step((0.0, 3.0, 0.0))
    with pytest.raises(InstrumentError, match="no step left"):
        books.step((10.0, 3.0, 0.0))


def test_a_failed_last_reading_does_not_hide_how_a_step_ended() -> None:
    books = Books(REST)
    books.step((0.0, 3.9, 0.0), (9.0, 3.9, 0.0), (10.0, math.nan, math.nan))
    assert books.over() is None
    assert books.taken()["steps"]["end_reason"] == ["duration"]


def test_time_does_not_go_back_where_the_instruments_clock_is_ahead() -> None:
    books = Books(REST)
    books.step((0.0, 3.9, 0.0), (10.0, 3.9, 0.0))
    assert books.ledger.part_ended(None) is None
    books.ledger.begin(Part((REST,), 0), 9.0)
    books.step((0.0, 3.9, 0.0), (10.0, 3.9, 0.0))
    assert books.over() is None
    assert books.taken()["primary"]["test_time"] == [0.0, 10.0, 10.0, 20.0]


def test_the_charge_of_a_biased_spectrum_counts() -> None:
    books = Books(Step(PotentiostaticImpedance(1e3, 1.0, 0.01, bias=3.9)))
    books.ledger.element(ElementBegan("eis"))
    for number, time in enumerate((10.0, 20.0, 36.0), 1):
        books.ledger.spectrum(SpectrumPoint(number, time, 1.0, 50.0, -1.0, 3.9, 1e-3, 0.01, 0.0))
    assert books.over() is None
    taken = books.taken()
    assert taken["steps"]["charge"] == [pytest.approx(1e-5, rel=1e-12, abs=0.0)]
    assert taken["cycles"]["charge_capacity"] == [pytest.approx(1e-5, rel=1e-12, abs=0.0)]


def test_a_fragment_of_a_pass_is_no_whole_cycle() -> None:
    books = Books(Loop((CHARGE, DISCHARGE), 2, counts_cycles=True))
    books.step((0.0, 3.0, 1e-3), (10.0, 4.2, 1e-3))
    books.step((10.0, 4.1, -1e-3), (18.0, 3.0, -1e-3))
    books.step((18.0, 3.0, 1e-3), (19.0, 3.1, 1e-3))
    before = books.ledger.seen()
    assert books.ledger.part_ended(None, acted=True) is EndReason.OPERATOR
    seen = books.ledger.seen()
    assert (seen.cycle, seen.discharge_capacity) == (1, pytest.approx(8e-3))
    assert before.discharge_capacity == pytest.approx(8e-3)


def test_steps_that_are_not_counted_add_nothing_to_a_cycle() -> None:
    counted = Loop((CHARGE, DISCHARGE), 1, counts_cycles=True)
    books = Books(CHARGE, DISCHARGE, counted)
    for start in (0.0, 100.0):
        books.step((start, 3.0, 1e-3), (start + 10.0, 4.2, 1e-3))
        books.step((start + 10.0, 4.1, -1e-3), (start + 18.0, 3.0, -1e-3))
    assert books.over() is None
    taken = books.taken()
    assert taken["cycles"]["charge_capacity"] == [pytest.approx(1e-2 / 3600)]
    assert taken["cycles"]["discharge_capacity"] == [pytest.approx(8e-3 / 3600)]
    assert sum(taken["steps"]["charge"]) == pytest.approx(4e-3 / 3600)


def test_retention_compares_cycles_that_were_discharged_in_the_same_way() -> None:
    fast = replace(DISCHARGE, run=ConstantCurrent(-2e-3))
    books = Books(CHARGE, DISCHARGE)
    found = []
    for discharge, lasted in ((DISCHARGE, 10.0), (fast, 3.0), (DISCHARGE, 9.0), (fast, 2.0)):
        books.ledger.begin(Part((Loop((CHARGE, discharge), 1, counts_cycles=True),), 0), 0.0)
        books.step((0.0, 3.0, 1e-3), (10.0, 4.2, 1e-3))
        current = discharge.run.current
        books.step((10.0, 4.1, current), (10.0 + lasted, 3.0, current))
        assert books.ledger.part_ended(None) is None
        found.append(books.ledger.seen().retention)
    assert found == pytest.approx([1.0, 1.0, 0.9, 2.0 / 3.0])


HOLD = Step(ConstantVoltage(4.1), Until(current_rate_below=1e-9, duration=900.0))


def test_a_rate_is_no_end_where_the_row_shows_a_limit() -> None:
    books = Books(HOLD)
    books.step((0.0, 4.1, 0.5), (1.0, 4.1, 1.0))
    assert books.over() is EndReason.SAFETY_CURRENT
    books = Books(HOLD)
    books.step((0.0, 4.1, 0.5), (1.0, 4.1, 0.4))
    assert books.over() is None
    assert books.taken()["steps"]["end_reason"] == ["current_rate_below"]


def test_a_limit_that_the_instrument_names_ended_a_step_whatever_its_row_shows() -> None:
    books = Books(replace(HOLD, until=Until(current_below=0.6, duration=900.0)))
    books.step((0.0, 4.1, 0.5))
    assert books.ledger.part_ended(None, named=EndReason.SAFETY_CURRENT) is EndReason.SAFETY_CURRENT


def test_a_fault_that_the_instrument_says_is_no_step_done() -> None:
    books = Books(HOLD, REST)
    books.step((0.0, 4.1, 0.5), (1.0, 4.1, 0.0))
    books.ledger.ended(ElementEnded(EndReason.OPEN_CIRCUIT))
    books.step((1.0, 3.9, 0.0), (11.0, 3.9, 0.0))
    assert books.over() is None
    taken = books.taken()["steps"]
    assert (taken["end_reason"], taken["flags"]) == (
        ["open_circuit", "duration"],
        [CycleFlag.STOPPED_EARLY, CycleFlag.OK],
    )
    assert books.ledger.done == 1


def test_a_current_that_falls_where_its_voltage_is_held_is_not_lost() -> None:
    books = Books(CHARGE)
    books.step((0.0, 4.0, 1e-3), (10.0, 4.0, 0.5e-3), (20.0, 4.19, 0.5e-3), (21.0, 4.2, 0.4e-3))
    assert books.over() is None
    assert books.taken()["primary"]["flags"] == [0, CycleFlag.CURRENT_LOST, 0, 0]


@pytest.mark.parametrize("noise", [0.0, 1e-12, 0.9e-6])
def test_noise_is_no_discharge_and_has_no_efficiency(noise: float) -> None:
    weak = replace(DISCHARGE, until=Until(duration=3600.0))
    loop = Loop((replace(CHARGE, until=Until(duration=3600.0)), weak), 1, counts_cycles=True)
    for first, second in ((1e-3, -noise), (noise, -1e-3)):
        books = Books(loop)
        books.step((0.0, 3.0, first), (3600.0, 4.2, first))
        books.step((3600.0, 4.1, second), (7200.0, 3.0, second))
        assert books.ledger.part_ended(None) is None
        seen = books.ledger.seen()
        assert seen.efficiency is None
        assert (seen.discharge_capacity is None) is (second == -noise)
        books.ledger.finish(None)
        assert math.isnan(books.taken()["cycles"]["efficiency"][0])


def test_a_poor_cycle_has_its_efficiency() -> None:
    books = Books(Loop((CHARGE, DISCHARGE), 1, counts_cycles=True))
    books.step((0.0, 3.0, 1e-3), (1000.0, 4.2, 1e-3))
    books.step((1000.0, 4.1, -1e-3), (1002.0, 3.0, -1e-3))
    assert books.ledger.part_ended(None) is None
    assert books.ledger.seen().efficiency == pytest.approx(2e-3)
