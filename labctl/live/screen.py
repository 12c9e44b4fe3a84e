"""The terminal of the prompt while a plan is waited for: rows above, a bar below, drawn by a thread of its own.

The engine's thread puts each document into a queue, and that is all it does for this: a screen that hangs, or whose
terminal is gone, loses what it would have shown.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from labctl.live.bars import advance, line, waiting
from labctl.live.table import LiveTable

log = logging.getLogger(__name__)

PERIOD = 0.25
"""Seconds of the wall between two looks."""

KEPT = 1000
"""Documents that wait to be shown; the oldest are dropped when nobody shows them."""

Bench = Callable[[], Mapping[str, Mapping[str, Any]]]


class Screen:
    """Shows what the runs of one engine do, while somebody waits for it at the prompt.

    reports: returns what each station at work reports, from memory. now: seconds of the bench. It is entered by each
    call that waits for a plan: the terminal is ours then, and no bar is left on it afterwards.
    """

    def __init__(
        self,
        reports: Bench,
        now: Callable[[], float],
        out: TextIO | None = None,
    ) -> None:
        self._reports, self._now = reports, now
        self._is_ours = False
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._queue: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT)
        self._table = LiveTable()
        self._start: dict[str, Any] = {}
        self._began = 0.0
        self._has_bar = False
        self._drawing = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="screen", daemon=True)
        self._thread.start()

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document."""
        self._queue.append((name, doc))

    @contextmanager
    def during(self, _: object) -> Iterator[None]:
        """Show rows and a bar meanwhile, and at the end what is still to be shown, without a bar."""
        self._is_ours = True
        try:
            yield
        finally:
            self._is_ours = False
            self._draw(with_bar=False)

    def close(self) -> None:
        """Show no more."""
        self._over.set()
        self._thread.join(timeout=2 * PERIOD)

    def _watch(self) -> None:
        while not self._over.wait(PERIOD):
            if self._is_ours:
                self._draw(with_bar=True)

    def _draw(self, *, with_bar: bool) -> None:
        try:
            with self._drawing:
                self._show(with_bar=with_bar and self._is_ours)
        except Exception:
            # A display may fail in any way and must not be seen to: it has nobody to tell.
            log.exception("the screen shows nothing more")
            self._over.set()

    def _show(self, *, with_bar: bool) -> None:
        while self._queue:
            name, doc = self._queue.popleft()
            if name == "start":
                self._start, self._began = doc, self._now()
            elif name == "stop":
                self._start = {}
            self._table.take(name, doc)
        said = "".join(f"{each}\n" for each in self._table.lines())
        bar = self._bar() if with_bar and self._is_terminal else ""
        wipe = "\r\x1b[2K" if self._has_bar else ""
        if wipe or said or bar:
            self._out.write(wipe + said + bar)
            self._out.flush()
        self._has_bar = bool(bar)

    def _bar(self) -> str:
        told = []
        for name, report in self._reports().items():
            found = advance(self._start, report, self._now() - self._began)
            told.append(waiting(name, report) if found is None else line(name, found))
        width = os.get_terminal_size(self._out.fileno()).columns - 1
        return " | ".join(told)[:width]
