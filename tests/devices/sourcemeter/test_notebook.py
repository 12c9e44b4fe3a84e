"""What a SourceMeter remembers of a job: nobody else's, no power-up's, and which buffer is the older one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from devices.sourcemeter.notebook import (
    BUFFERS,
    is_of,
    job_mark,
    kept,
    of_job,
    of_nobody,
    of_step,
    other,
    step_mark,
)
from sim.twins.keithley_2450 import Keithley2450Twin

MOST = 1_048_575  # the largest count of a timer


def spoken(*commands: tuple[str, ...]) -> Any:
    """Return a line to a twin that was told some commands."""
    twin = Keithley2450Twin(noise=0.0)
    twin.receive(b"OUTP:SMOD HIMP\n", 0.0)
    for group in commands:
        assert twin.receive((";".join(group) + ";:SYST:ERR?\n").encode(), 0.0).startswith(b"0,")

    def numbers(query: str, count: int = 1) -> list[float]:
        words = twin.receive(query.encode() + b"\n", 0.0).decode().split(",")
        assert len(words) == count
        return [float(word) for word in words]

    return SimpleNamespace(numbers=numbers, twin=twin)


def test_marks_fit_into_a_count_and_are_no_power_ups() -> None:
    assert all(2 <= job_mark(f"smu/{number}") <= MOST for number in range(1000))
    assert len({job_mark(f"smu/{number}") for number in range(100)}) == 100
    assert [step_mark(count) for count in (1, 2, MOST, MOST + 1)] == [1, 2, MOST, 1]


def test_a_job_is_known_until_the_power_goes_or_it_is_nobodys() -> None:
    line = spoken(of_job("t1"))
    assert is_of(line, "t1")
    assert not is_of(line, "t2")
    assert not is_of(spoken(of_job("t1"), of_nobody()), "t1")
    line.twin.power_cycle(0.0)
    assert not is_of(line, "t1")


@pytest.mark.parametrize("older", BUFFERS)
def test_the_buffer_that_was_armed_last_comes_last(older: str) -> None:
    newer = other(older)

    line = spoken(of_job("t1"), of_step(older, 4))
    assert [(each.buffer, each.step, each.stamp) for each in kept(line)] == [(older, 4, None)]
    line.twin.receive(f':READ? "{older}"\n'.encode(), 1.25)
    line.twin.receive((";".join(of_step(newer, 5)) + "\n").encode(), 2.0)
    assert [(each.buffer, each.step) for each in kept(line)] == [(older, 4), (newer, 5)]
    line.twin.receive(f':READ? "{newer}"\n'.encode(), 3.0)
    first, second = kept(line)
    assert (first.buffer, second.buffer) == (older, newer)
    assert first.stamp is not None
    assert second.stamp is not None
    assert second.stamp[0] - first.stamp[0] + second.stamp[1] - first.stamp[1] == pytest.approx(1.75)
