"""Starts scripts, each once, and takes over those of an earlier session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.clock import Clock
from devices.cycling.cycler import InstrumentAlarm, Mark
from devices.errors import InstrumentError, OutcomeUnknown, Timeout, WireError
from devices.methodscript.compile import SETTLING, Script
from devices.methodscript.complaints import parse_complaint
from devices.methodscript.reading import RunReader
from devices.methodscript.running import Run, Skip
from devices.methodscript.watch import ANOTHER, ScriptWatch

IDENTIFYING = 10.0
"""Seconds for which a script that is taken over is listened to until it says whose it is; guess."""

UNHEARD = (
    "the link was silent from the start on; no script runs and nothing of one was heard, so it is taken as never begun"
    " and is started now"
)


class Scripts:
    """The scripts of an instrument that is watched; see Cycler. To be called through the watch's alone()."""

    def __init__(self, watch: ScriptWatch, clock: Clock, name: str) -> None:
        self._watch, self._clock, self._name = watch, clock, name
        self._prepared: tuple[str, Script] | None = None

    def was_started(self, token: str) -> bool:
        """Return whether the last run is that of a token."""
        return self._watch.last is not None and self._watch.last.token == token

    def room(self) -> int | None:
        """Return the bytes that a file may have, None where there are no files.

        Raises InstrumentError when they are too few, or a script runs.
        """
        if self._watch.run is not None:
            raise InstrumentError(self._name, "busy", "a script runs already; nothing was prepared")
        self._watch.clear_files()
        return self._watch.files.room()

    def prepare(self, token: str, script: Script) -> None:
        """Keep a script for its start."""
        self._prepared = token, script

    def start(self, token: str) -> int:
        """Send the script that was prepared, once; return the number of its first record.

        Raises InstrumentError when it is refused, Timeout when it did not arrive, OutcomeUnknown when nobody says.
        """
        watch = self._watch
        known = watch.last if self.was_started(token) else None
        if known is not None and (not known.doubtful or self._is_found(known)):
            return known.first
        if self._prepared is None or self._prepared[0] != token:
            raise InstrumentError(self._name, "not_uploaded", f"{token} is not what was uploaded last")
        if watch.is_busy():
            raise InstrumentError(self._name, "busy", "a script runs already; nothing was started")
        script, first = self._prepared[1], watch.book.next
        if known is not None:
            watch.book.add([InstrumentAlarm("started_again", UNHEARD)])
        now, reader = self._clock.now(), RunReader(script, watch.book.next_row)
        run = watch.last = Run(token, reader, now, now, first, watch.book.rows)
        try:
            reply = watch.line.ask(script.request, "e")
        except WireError as lost:
            self._find(run, lost)
        else:
            complaint = parse_complaint(reply)
            if complaint is not None:
                watch.last = None
                raise watch.line.complain(complaint, script.lines)
        watch.listen_to(run)
        return first

    def stop(self) -> bool:
        """Abort the script, whoever started it, and open the cell; return whether one was running."""
        self._prepared = None
        return self._watch.stop()

    def _find(self, run: Run, lost: WireError) -> None:
        """Return when the script runs; one that does not is known so while it would still wait."""
        line = self._watch.line
        while self._clock.now() < run.began + SETTLING:
            try:
                running = line.is_running() or run.reader.started
            except WireError:
                line.rest()
                continue
            if running:
                return
            if self._clock.now() < run.began + SETTLING:
                self._watch.last = None
                raise Timeout(
                    f"{self._name}: the script did not reach the instrument, or was refused; nothing runs and the"
                    " cell is open, start again"
                ) from lost
        run.doubtful = True
        raise self._unknown(run) from lost

    def _is_found(self, run: Run) -> bool:
        """Return whether a script of which nobody knew runs or ran. Raises OutcomeUnknown."""
        watch, reader = self._watch, run.reader
        try:
            watch.look()
            if not (reader.started or watch.line.is_running() or reader.started):
                if not watch.files.holds(run.file):
                    run.dropped = True
                    return False
                run.vanish(silent=True, now=self._clock.now())
        except WireError as lost:
            raise self._unknown(run) from lost
        run.doubtful = False
        watch.listen_to(run)
        return True

    def _unknown(self, run: Run) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._name}: the script of {run.token} was sent and its reply lost; it may be running under its own"
            " limits. Start it with the same token when the instrument answers again: that asks first; or make it safe"
        )

    # What another session left.

    def trace(self) -> Mapping[str, Any]:
        """Return what a later session needs to know of the last run."""
        last = self._watch.last
        if last is None:
            return {}
        return {"rows": last.rows, "began": self._clock.time() - (self._clock.now() - last.began)}

    def keeps(self, path: str) -> bool:
        """Return whether a script runs, whose name nobody can ask, or there is a file of that path."""
        return self._watch.line.is_running() or self._watch.files.holds(path)

    def number_from(self, row: int) -> int:
        """Number rows behind the last of an earlier session; return the number of the next record."""
        book = self._watch.book
        book.rows = max(book.rows, row)
        return book.next

    def adopt(self, token: str, script: Script, mark: Mark) -> int:
        """Go on with a script that runs, or with the file of one that is over; return the number of the next record.

        Raises InstrumentError when there is neither, or another's script runs.
        """
        watch = self._watch
        first, running = watch.book.next, watch.line.is_running()
        if not running and not watch.files.holds(script.file):
            raise InstrumentError(
                self._name, "gone", f"{token} does not run, and there is no file of it on the instrument"
            )
        now = began = self._clock.now()
        rows = mark.row
        if mark.elements:
            rows = int(mark.trace["rows"])
            began = now - (self._clock.time() - float(mark.trace["began"]))
        watch.book.rows = rows
        reader = RunReader(script, watch.book.next_row)
        reader.started = True
        reader.hold()
        skips = Skip(mark.elements, mark.row if mark.row > rows else 0)
        run = watch.last = Run(token, reader, began, now, first, rows, skips=skips)
        if not running:
            run.vanish(silent=True, now=now)
        self._refuse_another(run)
        watch.listen_to(run)
        return first

    def _refuse_another(self, run: Run) -> None:
        """Hear whose script is running, where it says so in time. Raises InstrumentError for another's."""
        until = self._clock.now() + IDENTIFYING
        while not (run.reader.is_known or run.reader.awaits_file) and self._clock.now() < until:
            self._watch.line.hear(until - self._clock.now())
            if run.is_anothers:
                self._watch.last = None
                raise InstrumentError(self._name, "another_script", ANOTHER.format(run.token))
