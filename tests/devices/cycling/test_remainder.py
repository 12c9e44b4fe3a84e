"""What is left of a step and of nested loops is exactly what was not done yet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cycling.programs import Loop, Step
from devices.cycling.remainder import Rest, Spent, behind, remaining
from devices.cycling.sequence import Part, executions
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    CurrentRamp,
    OpenCircuit,
    PotentiostaticImpedance,
    Until,
    VoltageRamp,
)


def rest(seconds: float) -> Step:
    return Step(OpenCircuit(), Until(duration=seconds))


TREES = st.recursive(
    st.floats(1.0, 1e6).map(rest),
    lambda inner: st.builds(
        lambda body, times: Loop(tuple(body), times),
        st.lists(inner, min_size=1, max_size=3),
        st.integers(1, 4),
    ),
    max_leaves=6,
)


@given(st.lists(TREES, min_size=1, max_size=3), st.floats(0.0, 1.0))
def test_what_is_left_of_nodes_are_the_executions_not_yet_over(nodes, share) -> None:
    whole = [turn.step for turn in Part(tuple(nodes), 0).walk()]
    over = int(share * len(whole))
    left = behind(tuple(nodes), over, lambda step: step)
    assert [turn.step for turn in Part(left, 0).walk()] == whole[over:]
    assert sum(executions(node) for node in left) == len(whole) - over


@given(st.lists(TREES, min_size=1, max_size=3), st.floats(0.0, 0.999))
def test_the_step_under_way_alone_is_shortened(nodes, share) -> None:
    whole = [turn.step for turn in Part(tuple(nodes), 0).walk()]
    over = int(share * len(whole))
    left = [turn.step for turn in Part(Rest(over, Spent(0.5, 0.0, 0.0)).of(tuple(nodes)), 0).walk()]
    assert left[0].until.duration == pytest.approx(whole[over].until.duration - 0.5)
    assert left[1:] == whole[over + 1 :]


def test_times_charges_and_energies_are_lessened_and_voltages_are_not() -> None:
    step = Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0, duration=100.0, charge=0.1, energy=0.4))
    left = remaining(step, Spent(40.0, -0.04, -0.16))
    assert left is not None
    assert left.until.named() == pytest.approx(
        {"voltage_below": 3.0, "duration": 60.0, "charge": 0.06, "energy": 0.24}
    )
    assert remaining(step, Spent(40.0, -0.1, -0.16)) is None
    assert remaining(step, Spent(99.95, -0.04, -0.16)) is None


def test_what_a_voltage_or_a_current_ends_is_done_again() -> None:
    for step in (
        Step(ConstantCurrent(1e-3), Until(voltage_above=4.2)),
        Step(ConstantVoltage(4.2), Until(current_below=1e-5)),
        Step(PotentiostaticImpedance(1e4, 1.0, 5e-3)),
    ):
        assert remaining(step, Spent(1e4, 1.0, 1.0)) == step


def test_a_ramp_goes_on_where_its_setpoint_was() -> None:
    down = remaining(Step(VoltageRamp(4.0, 3.0, 1e-3)), Spent(250.0, -1.0, -3.5))
    up = remaining(Step(CurrentRamp(0.0, 1e-3, 1e-5)), Spent(30.0, 1.0, 3.5))
    assert down is not None
    assert up is not None
    assert isinstance(down.run, VoltageRamp)
    assert isinstance(up.run, CurrentRamp)
    assert (down.run.start, down.run.end, up.run.start) == pytest.approx((3.75, 3.0, 3e-4))
    assert remaining(Step(VoltageRamp(4.0, 3.0, 1e-3)), Spent(1000.0, -1.0, -3.5)) is None
