"""The follower: every journal of a data folder, each event once, into a catalogue.

It only reads journals. What it has done stands in the catalogue itself: a run with a stop document is done, of others
the rows are counted. So it may be killed at any moment and begins again where it was.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from tiled.queries import KeyPresent
from tiled.utils import Conflicts

from devices.errors import DataError, LabError, Unreadable
from labctl.catalog.opened import opened
from labctl.catalog.place import Place
from labctl.catalog.writer import RunWriter, forget
from labctl.journal.documents import read_start
from labctl.journal.records import size_of
from labctl.journal.shape import RunShape
from labctl.journal.tail import Tail
from labctl.runs.briefs import run_files

log = logging.getLogger(__name__)

PERIOD = 1.0
"""Seconds between two looks at the journals."""

AGAIN = 10.0
"""Seconds until a catalogue that does not answer is tried again."""

REFUSED_AGAIN = 60.0
"""Seconds until a run is tried again that the catalogue refused."""

LONGEST = 300
"""Characters of an error that are told; the log has all of them."""


class CatalogueDown(LabError):
    """The catalogue does not answer; nothing is lost, the journals have everything."""


@dataclass(frozen=True)
class Pass:
    """What was done: runs read on, rows written, and which runs are left aside, with the reason."""

    runs: int
    rows: int
    aside: dict[str, str]


@dataclass(frozen=True)
class Aside:
    """A run that is left aside until its journal has another size, or until a time [s, monotonic].

    size: None of one that is no file.
    """

    why: str
    size: int | None
    until: float


@dataclass
class Followed:
    """One run that is not done: how far it was read, and its writer."""

    tail: Tail
    writer: RunWriter

    def read_on(self) -> None:
        """Write what has come since; what stands before a damage is written too. Raises DataError."""
        try:
            for record in self.tail.records():
                self.writer.take(record, self.tail.offset - record.offset)
        except DataError:
            self.writer.flush()
            raise
        self.writer.flush()

    def agrees(self) -> bool:
        """Write what has come since; return whether the catalogue has the rows of the journal and no others."""
        self.writer.written = 0
        if self.tail.grown():
            try:
                self.read_on()
            except Conflicts:
                return False
        return not self.tail.cut_short() and not self.writer.surplus_at_end


class Follower:
    """Follows the journals of a data folder into an opened catalogue."""

    def __init__(self, catalogue: Any, place: Place, tell: Callable[[str], None]) -> None:
        self._catalogue, self._place, self._tell = catalogue, place, tell
        self._done = set(catalogue.search(KeyPresent("stop.exit_status")).keys())
        self._followed: dict[str, Followed] = {}
        self._aside: dict[str, Aside] = {}

    def look(self, over: threading.Event) -> Pass:
        """Read on in every run that is not done, until `over`. Raises CatalogueDown."""
        runs = rows = 0
        for path in self._in_order():
            if over.is_set():
                break
            written = self._read_on(path)
            runs, rows = runs + (written > 0), rows + written
        return Pass(runs, rows, {uid: aside.why for uid, aside in self._aside.items()})

    def _in_order(self) -> list[Path]:
        """Return the journals to look at, new ones last and in the order in which their runs began.

        A catalogue lists runs in the order in which they came in, and people ask it for the last one.
        """
        paths = [path for path in run_files(self._place.data) if path.stem not in self._done]
        known = [path for path in paths if path.stem in self._followed or path.stem in self._aside]
        new = sorted(set(paths).difference(known), key=began)
        return [*(path for path in known if not self._to_wait(path)), *new]

    def _to_wait(self, path: Path) -> bool:
        aside = self._aside.get(path.stem)
        return aside is not None and aside.size == _size(path) and monotonic() < aside.until

    def _read_on(self, path: Path) -> int:
        """Read on in one run; return how many rows were written."""
        uid = path.stem
        try:
            run = self._of_one_mind(path)
            self._aside.pop(uid, None)
        except DataError as error:
            run = self._followed[uid]
            # The disk, or who may read it, may be mended, and the file is as long as it was.
            until = monotonic() + REFUSED_AGAIN if isinstance(error, Unreadable) else math.inf
            self._leave(path, str(error), until)
        except Exception as error:
            log.exception("run %s could not be written to the catalogue", uid)
            self._check(error)
            run = self._followed[uid]
            reason = f"the catalogue refused it: {in_one_line(error, self._place)}"
            self._leave(path, reason, monotonic() + REFUSED_AGAIN)
        if run.writer.ended:
            self._done.add(uid)
            self._followed.pop(uid, None)
        return run.writer.written

    def _of_one_mind(self, path: Path) -> Followed:
        """Read on; a run of which the catalogue has other rows than the journal is written from its beginning.

        So it is when recovery dropped what was damaged, or when its rows are ragged and another follower began it.
        """
        run = self._followed.setdefault(path.stem, self._from_its_beginning(path))
        if run.agrees():
            return run
        forget(self._catalogue, [path.stem])
        run = self._followed[path.stem] = self._from_its_beginning(path)
        run.read_on()
        return run

    def _from_its_beginning(self, path: Path) -> Followed:
        writer = RunWriter(self._catalogue, path.stem, may_be_files=self._place.may_have_files)
        return Followed(Tail(path, RunShape()), writer)

    def _leave(self, path: Path, why: str, until: float) -> None:
        self._followed.pop(path.stem, None)
        known = self._aside.get(path.stem)
        if known is None or known.why != why:
            self._tell(f"{path.stem[:8]} is left aside: {why}")
        self._aside[path.stem] = Aside(why, _size(path), until)

    def _check(self, cause: Exception) -> None:
        """Raise CatalogueDown when it is not the run: when the catalogue answers nothing at all."""
        try:
            self._catalogue.keys().head(1)
        except Exception as error:
            log.exception("the catalogue does not answer")
            raise CatalogueDown(
                f"{self._place} does not answer: {in_one_line(error, self._place)}"
            ) from cause


def began(path: Path) -> float:
    """Return when a run began [s since the epoch], from the beginning of its journal; 0 when that cannot be read."""
    try:
        start = read_start(path)
    except DataError:
        return 0.0  # whoever reads it in full says what is wrong
    return 0.0 if start is None else float(start["time"])


def _size(path: Path) -> int | None:
    try:
        return size_of(path)
    except DataError:
        return None


@contextmanager
def answering(place: Place) -> Iterator[Any]:
    """Yield the opened catalogue; whatever it does not do is said in one sentence. Raises CatalogueDown."""
    try:
        with opened(place) as catalogue:
            yield catalogue
    except LabError:
        raise
    except Exception as error:
        log.exception("the catalogue does not answer")
        raise CatalogueDown(f"{place} does not answer: {in_one_line(error, place)}") from error


def follow_once(place: Place, tell: Callable[[str], None]) -> Pass:
    """Bring a catalogue up to the journals as they are now. Raises CatalogueDown."""
    with answering(place) as catalogue:
        return Follower(catalogue, place, tell).look(threading.Event())


def follow(place: Place, over: threading.Event, tell: Callable[[str], None]) -> None:
    """Follow the journals until `over`; a catalogue that does not answer is tried again and again."""
    said = ""
    while not over.is_set():
        try:
            with opened(place) as catalogue:
                follower = Follower(catalogue, place, tell)
                if said:
                    tell(f"{place} answers again")
                    said = ""
                while not over.is_set():
                    follower.look(over)
                    over.wait(PERIOD)
        except Exception as error:
            log.exception("the catalogue does not answer")
            reason = (
                str(error) if isinstance(error, CatalogueDown) else f"{place}: {in_one_line(error, place)}"
            )
            why = f"{reason}; it is tried again every {AGAIN:.0f} s, the journals have everything"
            if why != said:
                tell(why)
            said = why
            over.wait(AGAIN)


def in_one_line(error: Exception, place: Place) -> str:
    """Return what an error says, short enough for a terminal; of a traceback that it quotes, the end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    text = place.masked(lines[-1] if "Traceback" in str(error) else lines[0])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
