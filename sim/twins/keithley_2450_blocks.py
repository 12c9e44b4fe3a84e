"""How a SourceMeter's trigger model is set up by commands: blocks, templates, timers, lists of levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from sim.twins.keithley_2450_buffers import Buffers
from sim.twins.keithley_2450_scpi import (
    CONFLICT,
    ILLEGAL,
    INIT_IGNORED,
    MISSING,
    NOT_ALLOWED,
    Refused,
    boolean,
    choice,
    number,
    quoted,
    whole,
)
from sim.twins.keithley_2450_settings import RAIL, Settings
from sim.twins.keithley_2450_trigger import MOST_BLOCKS, Action, Block, Timer, play

SWEEP_LIST = "VoltLinearSweepList"
"""The name of the configuration list in which a linear sweep of voltage keeps its levels [programs for the 2461 and
the 2470]; that its first level is set at once is a guess."""

MOST_COUNT = 1_048_575
"""Of a trigger timer [2450-901-01]."""

IDLE_TIMERS = (2, 3, 4)
"""Trigger timers of which there is a count, and nothing that it would count."""


class TriggerModel:
    """What is set up to run: state, the block it is at, and the actions to come."""

    def __init__(self, settings: Settings, buffers: Buffers) -> None:
        self._settings, self._buffers = settings, buffers
        self.reset()

    def reset(self) -> None:
        """Forget all that was set up."""
        self.state, self.block = "EMPTY", 0
        self.actions: Iterator[Action] = iter(())
        self._timer = Timer()
        self._idle_counts = dict.fromkeys(IDLE_TIMERS, 1)
        self._blocks: dict[int, Block] = {}
        self._lists: dict[str, tuple[float, ...]] = {}

    @property
    def runs(self) -> bool:
        """Whether it is under way."""
        return self.state == "RUNNING"

    def start(self, now: float, row_time: float) -> None:
        """Begin; row_time [s] is what a row takes. Raises Refused."""
        if self.runs:
            raise Refused(INIT_IGNORED)
        if not self._blocks:
            raise Refused(CONFLICT)
        self._settings.check_level()
        self.state = "RUNNING"
        self.actions = play(self._blocks, self._timer, now, row_time)

    def stop(self, state: str, block: int | None = None) -> None:
        """Do nothing more: it is through, at a block, or was aborted."""
        self.state, self.actions = state, iter(())
        self.block = self.block if block is None else block

    def refuse_while_running(self) -> None:
        """Raise Refused when it is under way."""
        if self.runs:
            raise Refused(CONFLICT)

    def offer(self, action: Callable[..., None]) -> None:
        """Enter the commands that set it up into a table."""
        action("TRIGger:STATe?", lambda _: f"{self.state};{self.state};{self.block}")
        action("TRIGger:LOAD", self._load, 1, 4)
        action("TRIGger:LOAD:LOOP:DURation", lambda words: self._load(['"DurationLoop"', *words]), 1, 3)
        action("TRIGger:TIMer1:DELay", lambda words: self._set_timer(delay=number(words[0], 8e-6, 1e5)), 1)
        action("TRIGger:TIMer1:COUNt", lambda words: self._set_timer(count=whole(words[0], 0, MOST_COUNT)), 1)
        action("TRIGger:TIMer1:STARt:STIMulus", self._stimulus, 1)
        action("TRIGger:TIMer1:STATe", lambda words: self._set_timer(enabled=boolean(words[0])), 1)
        for timer in IDLE_TIMERS:
            action(f"TRIGger:TIMer{timer}:COUNt", partial(self._set_idle_count, timer), 1)
            action(f"TRIGger:TIMer{timer}:COUNt?", lambda _, timer=timer: str(self._idle_counts[timer]))
        place = "TRIGger:BLOCk:"
        action(f"{place}SOURce:STATe", lambda w: self._add(w, Block("output", boolean(w[1]))), 2)
        action(f"{place}NOTify", lambda w: self._add(w, Block("notify", whole(w[1], 1, 8))), 2)
        action(f"{place}WAIT", self._wait, 2, 3)
        action(f"{place}DELay:CONStant", lambda w: self._add(w, Block("delay", number(w[1], 167e-9, 1e4))), 2)
        action(
            f"{place}MEASure",
            lambda w: self._add(w, Block("measure", buffer=self._buffers.named(w[1:]))),
            1,
            2,
        )
        action(
            f"{place}BUFFer:CLEar",
            lambda w: self._add(w, Block("clear", buffer=self._buffers.named(w[1:]))),
            1,
            2,
        )
        action(
            f"{place}BRANch:COUNter",
            lambda w: self._add(w, Block("count", whole(w[1], 1, 2**32 - 1), whole(w[2], 1, MOST_BLOCKS))),
            3,
        )
        action(
            f"{place}BRANch:ALWays",
            lambda w: self._add(w, Block("always", to=whole(w[1], 0, MOST_BLOCKS))),
            2,
        )
        action(f"{place}CONFig:RECall", self._recall, 2, 3)
        action(f"{place}CONFig:NEXT", lambda w: self._add(w, Block("next", levels=self._levels(w))), 2)
        action("SOURce[1]:SWEep:VOLTage:LINear", self._sweep, 3, 9)

    def _set_idle_count(self, timer: int, words: list[str]) -> None:
        self._idle_counts[timer] = whole(words[0], 0, MOST_COUNT)

    def _set_timer(self, **changes: Any) -> None:
        self._timer = replace(self._timer, **changes)

    def _stimulus(self, words: list[str]) -> None:
        event = choice(words[0], "NONE", *(f"NOTify{place}" for place in range(1, 9)))
        self._set_timer(notify=0 if event == "NONE" else int(event[-1]))

    def _wait(self, words: list[str]) -> None:
        choice(words[1], "TIMer1")
        self._add(words, Block("wait"))

    def _add(self, words: list[str], block: Block) -> None:
        self.refuse_while_running()
        self._blocks[whole(words[0], 1, MOST_BLOCKS)] = block
        self.state = "BUILDING"

    def _load(self, words: list[str]) -> None:
        self.refuse_while_running()
        name = quoted(words[0]).upper()
        if name == "EMPTY":
            if len(words) > 1:
                raise Refused(NOT_ALLOWED)
            self._blocks, self.state = {}, "EMPTY"
            return
        if name != "DURATIONLOOP":
            raise Refused(ILLEGAL)
        if len(words) < 2:
            raise Refused(MISSING)
        lasts = number(words[1], 500e-9, 100e3)
        delay = number(words[2], 0.0, 1e4) if len(words) > 2 else 0.0
        buffer = self._buffers.named(words[3:])
        self._model(
            Block("output", True),
            Block("delay", delay),
            Block("measure", buffer=buffer),
            Block("until", lasts, 2),
            Block("output", False),
        )

    def _sweep(self, words: list[str]) -> None:
        self.refuse_while_running()
        start, stop = (number(word, -RAIL, RAIL) for word in words[:2])
        points = whole(words[2], 2, 1_000_000)
        delay = number(words[3], -1.0, 1e4) if len(words) > 3 else 0.0
        if len(words) > 4 and whole(words[4], 0, 268_435_455) != 1:
            raise Refused(ILLEGAL)
        buffer = self._buffers.named(words[8:])
        self._settings.change("level VOLT", start)
        levels = tuple(np.linspace(start, stop, points).tolist())
        self._lists[SWEEP_LIST] = levels
        self._model(
            Block("recall", 1, levels=levels),
            Block("output", True),
            Block("always", to=5),
            Block("next", levels=levels),
            Block("delay", max(delay, 0.0)),
            Block("measure", buffer=buffer),
            Block("count", points, 4),
            Block("output", False),
        )

    def _recall(self, words: list[str]) -> None:
        levels = self._levels(words)
        index = whole(words[2], 1, len(levels)) if len(words) > 2 else 1
        self._add(words, Block("recall", index, levels=levels))

    def _levels(self, words: list[str]) -> tuple[float, ...]:
        """Return the levels of the configuration list that a block names."""
        name = quoted(words[1])
        if name not in self._lists:
            raise Refused(ILLEGAL)
        return self._lists[name]

    def _model(self, *blocks: Block) -> None:
        self._blocks = dict(enumerate(blocks, 1))
        self.state = "BUILDING"
