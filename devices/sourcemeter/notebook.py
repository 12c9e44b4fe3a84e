"""What a SourceMeter itself remembers of a job: whose it is, and which step's rows each of its two buffers holds.

It stands in the counts of trigger timers that nothing else uses. They go with the power and with *RST, and only then
[2461-901-01], so that a host which finds them finds the rows as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from devices.sourcemeter.line import Line

BUFFERS = ("defbuffer1", "defbuffer2")
"""Steps fill them in turn: while one is emptied for a step, the other keeps the rows of the step before."""

_JOB = 4
_STEPS = dict(zip(BUFFERS, (2, 3), strict=True))
"""Which timer's count says it."""

_MOST = 1_048_575
"""The largest count [2450-901-01]; after a power-up it is 1."""


@dataclass(frozen=True)
class Kept:
    """A measurement that is in the instrument: its buffer, which step of the job it is, and since when.

    step: as step_mark has it. stamp: when its first row was taken, by the instrument's clock (s and a fraction); None
    without a row.
    """

    buffer: str
    step: int
    stamp: tuple[float, ...] | None


def other(buffer: str) -> str:
    """Return the buffer that is not this one."""
    return BUFFERS[1 - BUFFERS.index(buffer)]


def step_mark(count: int) -> int:
    """Return what stands for a step, counted from 1; 0 is none."""
    return 1 + (count - 1) % _MOST


def job_mark(token: str) -> int:
    """Return what stands for a job; a power-up's is none."""
    return 2 + int(hashlib.sha256(token.encode()).hexdigest(), 16) % (_MOST - 1)


def of_job(token: str) -> tuple[str, ...]:
    """Return the commands that begin the notes of a job, none of whose steps was armed."""
    return (
        *(f":TRIG:TIM{timer}:COUN 0" for timer in _STEPS.values()),
        f":TRIG:TIM{_JOB}:COUN {job_mark(token)}",
    )


def of_step(buffer: str, count: int) -> tuple[str, ...]:
    """Return the commands that empty a buffer for a step; on one line, so that both are done or neither."""
    return f':TRAC:CLE "{buffer}"', f":TRIG:TIM{_STEPS[buffer]}:COUN {step_mark(count)}"


def of_nobody() -> tuple[str, ...]:
    """Return the commands that end the notes: what is in the buffers is nobody's."""
    return (f":TRIG:TIM{_JOB}:COUN 1",)


def is_of(line: Line, token: str) -> bool:
    """Return whether the notes are a job's."""
    return int(line.numbers(f":TRIG:TIM{_JOB}:COUN?")[0]) == job_mark(token)


def rows_in(line: Line, buffer: str) -> int:
    """Return how many rows a buffer holds."""
    return int(line.numbers(f':TRAC:ACT:END? "{buffer}"')[0])


def stamp_of(line: Line, buffer: str) -> tuple[float, ...]:
    """Return when the first row of a buffer that holds any was taken."""
    return (*line.numbers(f':TRAC:DATA? 1, 1, "{buffer}", SEC, FRAC', 2),)


def kept(line: Line) -> list[Kept]:
    """Return the measurements that were armed last, the oldest first; the last may not have begun."""
    found = []
    for buffer, timer in _STEPS.items():
        step = int(line.numbers(f":TRIG:TIM{timer}:COUN?")[0])
        if step:
            found.append(Kept(buffer, step, stamp_of(line, buffer) if rows_in(line, buffer) else None))
    return sorted(found, key=lambda each: (each.stamp is None, each.stamp or ()))
