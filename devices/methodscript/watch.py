"""Listens to the script that runs on an instrument, to its end: what it says is kept until it is acknowledged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from devices.clock import Clock, Poller
from devices.cycling.cycler import InstrumentAlarm, Page, Record, RunStopped
from devices.cycling.ends import EndReason
from devices.cycling.record_book import RecordBook
from devices.errors import InstrumentError, Timeout, WireError
from devices.methodscript.conversation import Conversation
from devices.methodscript.filing import ScriptFiles
from devices.methodscript.running import Run
from devices.methodscript.small import OPEN_CELL
from devices.wire import Wire

T = TypeVar("T")
log = logging.getLogger(__name__)

STOPPING = 5.0
"""Seconds within which an aborted script must have ended; guess."""

ANOTHER = (
    "the script that is running is not that of {}, which somebody else must have stopped; nothing was changed. When it"
    " is over, what is in the file of this one can be collected"
)


class ScriptWatch:
    """Hears the scripts of one instrument. All but alone() and listen_to() is to be called through alone().

    line, files, book: what is said to the instrument, its files, and what its scripts said. last: the newest run.
    """

    def __init__(self, wire: Wire, clock: Clock, name: str) -> None:
        self._clock, self._lane, self._name = clock, wire.lane, name
        self._lock = threading.RLock()
        self.line = Conversation(wire, clock, name, news=self._hear, is_heard=self._is_heard)
        self.files = ScriptFiles(self.line, name)
        self.book = RecordBook(name)
        self.last: Run | None = None
        self._unsafe = False

    def alone(self, action: Callable[[], T]) -> T:
        """Act where wires may be touched, one at a time."""

        def locked() -> T:
            with self._lock:
                return action()

        return self._clock.call(locked)

    @property
    def run(self) -> Run | None:
        """The run under way."""
        return None if self.last is None or self.last.is_over else self.last

    def is_busy(self) -> bool:
        """Return whether a script runs, whoever started it."""
        self.look()
        return (self.run is not None and not self.run.doubtful) or self.line.is_running()

    def page(self, since: int, most: int) -> Page:
        """Return at most `most` records from number `since` on; those before may go, and the files with them."""
        self.book.acknowledge(since)
        self.look()
        try:
            self.clear_files()
        except WireError as error:
            log.info("%s: %s; the file is deleted later", self._name, error)
        return self.book.page(since, most)

    def clear_files(self) -> None:
        """Delete the files of scripts whose last record was acknowledged. Raises WireError."""
        if self.run is None:
            self.files.clear(self.book.first)

    def stop(self) -> bool:
        """Abort the script, whoever started it, and open the cell; return whether one was running."""
        run = self.run
        if run is not None:
            run.reader.stopping = True
        was_running = self.line.abort()
        if was_running:
            self._wait_for_end(run)
        else:
            self.line.rest()
            self.line.hear(0.0)
            if self.run is not None:
                self._give_up(self.run)
        if run is not None:
            run.doubtful = False
        self._open_idle()
        return was_running

    def listen_to(self, run: Run) -> None:
        """Listen to a run between questions, too, for as long as it is under way."""
        self._clock.spawn(self._lane, self._listening(run), self._poller_failed)

    def look(self) -> None:
        """Hear what is there; when a script is silent for too long, ask whether it still runs."""
        run = self.run
        try:
            self.line.hear(0.0)
            if run is not None and self.run is run:
                self._look_after(run)
            if self._unsafe and self.run is None:
                self._open_idle()
        except WireError:
            if run is not None:
                run.suspect = True
            raise

    def _look_after(self, run: Run) -> None:
        reader = run.reader
        if run.is_anothers:
            self._disown(run)
        elif reader.is_broken and not reader.awaits_file:
            self.stop()
        elif not reader.awaits_file and run.is_overdue(self._clock.now()):
            if self.line.is_running():
                run.heard, run.suspect = self._clock.now(), False
            elif self.run is run:
                self._give_up(run)
        if self.run is run and reader.awaits_file:
            if self._unsafe:
                self._open_idle()
            self._read_file(run)

    def _give_up(self, run: Run) -> None:
        """Hear that a run is over which was not heard to end: its file tells how, or else what time it had."""
        self._unsafe = True
        if run.doubtful:
            run.dropped = True
        else:
            self._keep(run, run.vanish(silent=run.suspect, now=self._clock.now()))

    def _disown(self, run: Run) -> None:
        """Be done with a run that another's script was taken for: it goes on, and the file of this one stays."""
        run.dropped, text = True, ANOTHER.format(run.token)
        self.book.add([InstrumentAlarm("another_script", text), RunStopped(text, EndReason.INSTRUMENT_ERROR)])

    def _read_file(self, run: Run) -> None:
        """Book what a script that is over kept on the instrument. Raises WireError."""
        was_read = self.files.read_back(run.reader, lambda records: self._keep(run, records))
        self._keep(run, run.reader.concluded(self._clock.now() - run.began, was_read=was_read))

    def _keep(self, run: Run, records: Iterable[Record]) -> None:
        """Book what is new; the run is over with its last record."""
        self.book.add(run.new(records))
        if run.reader.over:
            self._unsafe = self._unsafe or run.reader.unsafe
            if run.file:
                self.files.delete_behind(self.book.next, run.file)

    def _hear(self, line: str) -> None:
        """Take a line of the script that runs."""
        run = self.run
        if run is not None:
            self._keep(run, run.hear(line, self._clock.now()))
            self._unsafe = self._unsafe or run.reader.unsafe

    def _is_heard(self) -> bool:
        return self.run is not None and self.run.reader.started

    def _wait_for_end(self, run: Run | None) -> None:
        """Hear an aborted script out; what one that is not ours says is not kept. Raises Timeout."""
        until = self._clock.now() + STOPPING
        while self._clock.now() < until:
            over = run.is_heard_out if run is not None else not self.line.is_running()
            if over:
                return
            self.line.hear(until - self._clock.now())
        raise Timeout(
            f"{self._name}: the script was aborted and does not end; the cell may be on, stop it again"
        )

    def _listening(self, run: Run) -> Poller:
        while self.run is run:
            yield run.reader.script.period
            try:
                self.alone(self.look)
            except (WireError, InstrumentError) as error:
                log.info("%s: %s; it is listened to again", self._name, error)

    def _poller_failed(self, error: Exception) -> None:
        log.error("%s is no longer listened to between questions: %s", self._name, error)

    def _open_idle(self) -> None:
        self.line.execute(OPEN_CELL)
        self._unsafe = False
