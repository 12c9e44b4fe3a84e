"""The log of a session: everything typed, what it failed with, and the runs it made."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)


class Diary:
    """A text file, written line by line, so that what was typed last is there after any end.

    now: returns the wall's time [s since the epoch]. begun: returns the uids of all runs of the session so far. A disk
    that takes no more is told of once, and is no reason to refuse a command.
    """

    def __init__(
        self, folder: Path, head: str, now: Callable[[], float], begun: Callable[[], Iterable[str]]
    ) -> None:
        self._now, self._begun = now, begun
        self._told: set[str] = set(begun())
        self._failed = False
        self.path = folder / f"session-{datetime.fromtimestamp(now()).astimezone():%Y%m%d-%H%M%S-%f}.log"
        self._write([head])

    def typed(self, number: int, text: str) -> None:
        """Write down what was typed, before it is done."""
        self._runs()
        first, *more = text.rstrip().splitlines() or [""]
        self._write([f"In [{number}]: {first}", *(f"   ...: {each}" for each in more)])

    def came(self, error: BaseException | None) -> None:
        """Write down what came of it: runs that were begun, an error with its traceback."""
        self._runs()
        if error is not None:
            lines = "".join(traceback.format_exception(error)).splitlines()
            self._write(
                [f"failed: {type(error).__name__}: {error}".rstrip(), *(f"    {each}" for each in lines)]
            )

    def close(self, how: str) -> None:
        """Write down how it ended."""
        self._runs()
        self._write([how])

    def _runs(self) -> None:
        new = [uid for uid in self._begun() if uid not in self._told]
        self._told.update(new)
        self._write([f"run {uid}" for uid in new])

    def _write(self, lines: Iterable[str]) -> None:
        stamp = f"{datetime.fromtimestamp(self._now()).astimezone():%Y-%m-%d %H:%M:%S}"
        text = "".join(f"{stamp} {each}\n" for each in lines)
        if not text:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError as error:
            if not self._failed:
                log.warning("%s: what is typed is not kept: %s", self.path, error)
            self._failed = True
