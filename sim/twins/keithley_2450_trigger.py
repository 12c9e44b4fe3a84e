"""A SourceMeter's trigger model: numbered blocks, played from a start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

MOST_BLOCKS = 63
"""Blocks of one trigger model [2450-901-01]."""


@dataclass(frozen=True)
class Block:
    """One block: what it does, with its numbers. `to` is the block a branch goes to.

    recall: the level [V] of a list at an index from 1, next: the one behind, from the last to the first. until: branch
    for so many seconds.
    """

    does: Literal[
        "output", "notify", "measure", "wait", "count", "always", "delay", "clear", "recall", "next", "until"
    ]
    value: float = 0.0
    to: int = 0
    buffer: str = "defbuffer1"
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Timer:
    """Trigger timer 1: every delay [s] an event, from the notify event that starts it; count 0: for ever."""

    delay: float = 10e-6
    count: int = 1
    notify: int = 0
    enabled: bool = False


@dataclass(frozen=True)
class Action:
    """What a trigger model does at a time [s] of the bench; idle: it is through, at that block."""

    time: float
    does: Literal["output", "measure", "clear", "level", "idle"]
    value: float = 0.0
    buffer: str = "defbuffer1"


def play(blocks: Mapping[int, Block], timer: Timer, start: float, row_time: float) -> Iterator[Action]:
    """Yield what happens from `start` on; a measurement takes row_time [s] and is there at its end."""
    time, at = start, 1
    began, ticks, index = start, 0, 0
    passes: dict[int, int] = {}
    while at in blocks:
        block = blocks[at]
        following = at + 1
        match block.does:
            case "output" | "clear":
                yield Action(time, block.does, block.value, block.buffer)
            case "measure":
                time += row_time
                yield Action(time, "measure", buffer=block.buffer)
            case "recall" | "next":
                index = round(block.value) - 1 if block.does == "recall" else (index + 1) % len(block.levels)
                yield Action(time, "level", block.levels[index])
            case "always":
                following = block.to
            case "delay":
                time += block.value
            case "notify" if timer.enabled and timer.notify == round(block.value):
                began, ticks = time, 0
            case "wait":
                ticks += 1
                if timer.count and ticks > timer.count:
                    return  # no event comes any more
                time = max(time, began + ticks * timer.delay)
            case "until" if time - start < block.value:
                following = block.to
            case "count":
                passes[at] = (passes.get(at, 0) + 1) % round(block.value)
                following = block.to if passes[at] else at + 1
        at = following
    yield Action(time, "idle", at - 1)
