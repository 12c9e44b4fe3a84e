"""The way through a program: without conditions it is the program unrolled, with them it stops where they hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step, When
from devices.cycling.sequence import Course, Seen, holds
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Until
from devices.errors import InterlockError

LIMITS = CellLimits(voltage_min=0.0, voltage_max=5.0, current_max=1.0)
REST = Step(OpenCircuit(), Until(duration=10.0))
CHARGE = Step(ConstantCurrent(1e-3), Until(voltage_above=4.2))
DISCHARGE = Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0))
CYCLES = Loop((CHARGE, DISCHARGE), 5, counts_cycles=True)


def program(*nodes):
    return Program("p", nodes, LIMITS)


def unrolled(nodes, first=0):
    """Return the step indices that plain nodes run, by another way than the course's."""
    index = first
    for node in nodes:
        if isinstance(node, Step):
            yield index
            index += 1
        else:
            inner = list(unrolled(node.body, index))
            yield from inner * node.times
            index = max(inner) + 1


def play(course, look=lambda executed: Seen(), change=None):
    """Run a course to its end; `look` tells what was seen after so many executions, `change` acts before each."""
    executed = []
    while (part := course.next(look(executed))) is not None:
        for turn in part.walk():
            index = turn.step_index
            if course.began():
                break
            executed.append(index)
            if change is not None:
                change(course, executed)
    return executed


plain = st.recursive(
    st.sampled_from([REST, CHARGE, DISCHARGE]),
    lambda inner: st.builds(
        Loop,
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.integers(1, 4),
        st.booleans(),
    ),
    max_leaves=6,
)


@given(st.lists(plain, min_size=1, max_size=4))
def test_a_program_without_conditions_is_one_part_and_runs_unrolled(nodes):
    course = Course(program(*nodes))
    expected = list(unrolled(nodes))
    assert course.asked == len(expected)
    parts = []
    while (part := course.next(Seen())) is not None:
        parts.append(part)
        for _ in part.walk():
            assert not course.began()
    assert len(parts) == 1
    assert [turn.step_index for turn in parts[0].walk()] == expected
    assert course.asked == len(expected)


def test_a_loop_ends_after_the_pass_in_which_its_condition_came_true():
    loop = replace(CYCLES, until=When(retention_below=0.8))
    course = Course(program(loop, REST))

    def look(executed):
        passes = len(executed) // 2
        return Seen(cycle=passes, retention=(10.0 - passes) / 9.0)

    assert course.asked == 11
    executed = play(course, look)
    # 7/9 is the first below 0.8: three passes, then the rest.
    assert executed == [0, 1, 0, 1, 0, 1, 2]
    assert course.asked == 7


def test_a_jump_is_taken_as_often_as_it_may():
    nodes = (replace(REST, tags=("again",)), CHARGE, Jump("again", at_most=2), DISCHARGE)
    assert play(Course(program(*nodes))) == [0, 1, 0, 1, 0, 1, 2]


def test_a_jump_forward_skips_when_the_step_before_it_ended_so():
    nodes = (CHARGE, Jump("end", When(ended_by=EndReason.DURATION)), DISCHARGE, replace(REST, tags=("end",)))
    assert play(Course(program(*nodes)), lambda _: Seen(ended_by=EndReason.DURATION)) == [0, 2]
    assert play(Course(program(*nodes)), lambda _: Seen(ended_by=EndReason.VOLTAGE_ABOVE)) == [0, 1, 2]


@given(st.integers(1, 10), st.integers(1, 12), st.booleans())
def test_changed_passes_are_run_whatever_follows_and_the_pass_under_way_is_finished(when, times, followed):
    nodes = (REST, CYCLES, *([REST, CYCLES] if followed else []))
    course = Course(program(*nodes))

    def change(course, executed):
        if len(executed) == 1 + when:
            course.change_times(times)

    executed = play(course, change=change)
    under_way = -(-when // 2)
    passes = max(times, under_way)
    expected = [0, *[1, 2] * passes, *([3, *[4, 5] * 5] if followed else [])]
    assert executed == expected
    assert course.asked == len(expected)


def test_passes_can_be_changed_more_than_once():
    course = Course(program(CYCLES))

    def change(course, executed):
        if len(executed) == 3:
            course.change_times(9)
        if len(executed) == 15:
            course.change_times(8)

    assert play(course, change=change) == [0, 1] * 8


def test_without_a_counting_loop_under_way_nothing_can_be_changed():
    course = Course(program(REST, CYCLES))
    course.next(Seen())
    course.began()
    with pytest.raises(InterlockError, match="no loop of cycles"):
        course.change_times(3)


def test_a_condition_on_what_was_not_measured_does_not_hold():
    everything = When(
        voltage_below=3.0,
        discharge_capacity_below=1.0,
        retention_below=1.0,
        efficiency_below=1.0,
        voltage_above=1.0,
    )
    assert not holds(everything, Seen())
    assert holds(everything, Seen(voltage=2.0))


def test_a_program_with_a_condition_inside_a_loop_or_a_jump_to_nowhere_is_refused():
    inner = replace(CYCLES, until=When(cycle_at_least=3))
    with pytest.raises(ValueError, match="top level"):
        program(Loop((inner,), 2))
    with pytest.raises(ValueError, match="no node"):
        program(REST, Jump("nowhere"))
    with pytest.raises(ValueError, match="more than one"):
        program(replace(REST, tags=("a",)), replace(CHARGE, tags=("a",)), Jump("a"))
