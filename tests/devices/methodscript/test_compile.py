"""Whatever the driver accepts becomes a script that the instrument accepts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.cycling.cycler import ElementBegan, Job, RowTaken
from devices.cycling.programs import Loop, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)
from devices.errors import LimitError, ProgramError
from devices.instruments.palmsens_emstat4 import LISTENING, ROWS_AHEAD
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.compile import compiled, mark_of, stairs
from sim.twins.methodscript.grammar import Grammar
from tests.support.emstat import LIMITS, Rig

voltages = st.floats(2.6, 4.3)
currents = st.floats(1e-9, 9e-3).flatmap(lambda size: st.sampled_from([size, -size]))
intervals = st.builds(
    Record,
    st.floats(0.02, 1e4),
    st.none() | st.floats(1e-6, 1.0),
    st.none() | st.floats(1e-9, 1.0),
)
durations = st.floats(0.02, 3e6)
untils = st.builds(
    Until,
    voltage_above=st.none() | voltages,
    voltage_below=st.none() | voltages,
    current_above=st.none() | st.floats(1e-9, 9e-3),
    current_below=st.none() | st.floats(1e-9, 9e-3),
    charge=st.none() | st.floats(1e-9, 1e7),
    energy=st.none() | st.floats(1e-9, 1e8),
    duration=durations,
    voltage_rate_below=st.none() | st.floats(1e-9, 1e4),
    current_rate_below=st.none() | st.floats(1e-9, 1e3),
)
techniques: st.SearchStrategy[Any] = st.one_of(
    st.builds(ConstantCurrent, currents),
    st.builds(ConstantVoltage, voltages),
    st.builds(ConstantPower, st.floats(1e-9, 1e-3)),
    st.builds(ConstantResistance, st.floats(1.0, 1e9)),
    st.just(OpenCircuit()),
)
frequencies = st.floats(1e-3, 2e5)
sweeps = st.builds(VoltageRamp, st.floats(2.6, 3.4), st.floats(3.5, 4.3), st.floats(1e-6, 1.0))
sines = st.one_of(
    st.builds(PotentiostaticImpedance, frequencies, frequencies, st.floats(1e-3, 0.1), bias=st.just(3.5)),
    st.builds(GalvanostaticImpedance, frequencies, frequencies, st.floats(1e-6, 1e-3)),
)
steps = st.one_of(
    st.builds(Step, techniques, untils, intervals),
    st.builds(Step, sweeps, untils, intervals),
    st.builds(Step, sines),
)
bodies = lambda inner: st.lists(inner, min_size=1, max_size=3).map(tuple)  # noqa: E731
nodes = st.recursive(steps, lambda inner: st.builds(Loop, bodies(inner), st.integers(1, 10**5)), max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(nodes, min_size=1, max_size=3))
def test_what_the_driver_accepts_compiles_to_what_the_instrument_accepts(tree: list[Step | Loop]) -> None:
    asked = Program("p", tuple(tree), LIMITS)
    try:
        Rig().driver.check(asked)
    except (LimitError, ProgramError):
        return
    script = compiled(Job("p", tuple(tree), LIMITS, "t/1.0#1", 1e6), EMSTAT4_HR, LISTENING, ROWS_AHEAD)
    commands = Grammar().read(script.lines)
    assert [command.name for command in commands].count("on_finished:") == 1
    assert len(script.request) < EMSTAT4_HR.script + 10


@settings(deadline=None, max_examples=30)
@given(tokens=st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=2, unique=True))
def test_two_jobs_of_few_steps_have_marks_that_are_far_apart(tokens: list[str]) -> None:
    one, other = (mark_of(token, 1000) for token in tokens)
    assert abs(one - other) > 1000


def hold(volts: float, duration: float = 3.0) -> Step:
    return Step(ConstantVoltage(volts), Until(duration=duration), Record(interval=1.0))


def test_holds_at_equal_distances_are_one_step_of_the_script_and_each_has_its_own_voltage() -> None:
    levels = [3.9, 3.95, 4.0, 4.05]
    rig = Rig()
    records = rig.run(*map(hold, levels), hold(3.8))
    steps: list[list[float]] = []
    for record in records:
        if isinstance(record, ElementBegan):
            steps.append([])
        elif isinstance(record, RowTaken):
            steps[-1].append(record.voltage)
    assert len(steps) == 5
    for rows, level in zip(steps, [*levels, 3.8], strict=True):
        assert rows == pytest.approx([level] * len(rows), abs=2e-3)
        assert len(rows) >= 3


@pytest.mark.parametrize(
    ("nodes", "alike"),
    [
        ([hold(3.9), hold(3.95), hold(4.0)], 3),
        ([hold(4.0), hold(3.9), hold(3.8), hold(3.75)], 3),
        ([hold(3.9), hold(3.95), hold(4.0, 4.0)], 2),
        ([Loop((hold(3.9),), 2), hold(3.9)], 0),
        ([Step(OpenCircuit(), Until(duration=1.0)), hold(3.9)], 0),
    ],
)
def test_a_staircase_is_of_holds_that_differ_in_their_voltage_by_the_same_each_time(
    nodes: list[Step | Loop], alike: int
) -> None:
    assert stairs(nodes) == nodes[:alike]


def test_a_titration_takes_no_more_of_the_memory_with_more_levels() -> None:
    sizes = [
        len(compiled(Job("p", tuple(hold(3.0 + 0.001 * n) for n in range(many)), LIMITS, "t", 3600.0), EMSTAT4_HR,
                     LISTENING, ROWS_AHEAD).request)
        for many in (5, 500)
    ]  # fmt: skip
    assert sizes[1] - sizes[0] < 10
