"""One program on one channel, from its first start to its end: parts started, rows collected, the cell opened.

One poller acts: it looks, and goes on to the next part. Whoever wants the cell open says so once: it is done at once
where the link allows it, and otherwise by the poller, until the instrument has acknowledged it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from devices.clock import Clock, Poller
from devices.cycling.bookmark import Bookmark
from devices.cycling.cycler import (
    Cycler,
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Record,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.cycling.ends import EndReason
from devices.cycling.ledger import CycleLedger
from devices.cycling.pace import Pace, next_question
from devices.cycling.planned import Planned
from devices.cycling.position import CellState, Phase, Position
from devices.cycling.programs import MOST_TIMES
from devices.cycling.remainder import Rest
from devices.cycling.silence import Say, Silence
from devices.errors import InstrumentError, LabError, LimitError, OutcomeUnknown, Timeout, WireError
from devices.recipes import canonical_hash, to_json

RECORDS_PER_PAGE = 1000
"""Records asked for at once: about 60 kB, and 24 h at 1 Hz come in 87 pages."""

COMPLETED = "completed"
"""The end reason of a flight that ran to the end of its program."""

STOP_DEADLINE = 10.0
"""Seconds within which the instrument must say that it stopped; guess."""

STOP_PERIOD = 0.1
"""Seconds between questions whether it has."""

DECISION_PERIOD = 5.0
"""Seconds between questions where the host has to go on at the end of a part; the cell rests that long at most."""


class CycleFlight:
    """A flight of one program. `fly` is its poller; `open`, `leave` and `fail` end it from elsewhere.

    began [s] is the time label of the kickoff. changed is called when it started and when it is over, moved when its
    position is another. end_reason, interrupted and failure say how it ended, cell how its cell is then.
    """

    def __init__(
        self,
        planned: Planned,
        cycler: Cycler,
        clock: Clock,
        lane: str,
        pace: Pace,
        ledger: CycleLedger,
        *,
        began: float,
        say: Say,
        changed: Callable[[], None],
        moved: Callable[[], None],
    ) -> None:
        self.program = planned.program
        self.phase = Phase.STARTING
        self.end_reason = "running"
        self.interrupted = False
        self.cell = CellState.RUNNING
        self.failure: Exception | None = None
        self.started = False
        self._job, self._part, self._course = planned.job, planned.part, planned.course
        self._token = planned.job.token.partition("#")[0]
        self._cycler, self._clock, self._lane, self._pace, self._ledger = cycler, clock, lane, pace, ledger
        self._say, self._changed, self._moved = say, changed, moved
        self._sample, self._hash = planned.sample.id, canonical_hash(to_json(planned.program))
        resumed = self._resumed = planned.resumed
        self._how = planned.how
        self._interval = min(step.record.interval for step in planned.program.leaves())
        self._label = began
        self._began = clock.now() - (clock.time() - self._label)
        self._lock, self._talking = threading.RLock(), threading.RLock()
        self._parts = 1 if resumed is None else resumed.parts
        self._rest = planned.rest
        self._continues = False
        self._bookmark = Bookmark() if resumed is None else Bookmark(resumed.mark, resumed.shift)
        self._left: Position | None = None
        self._wish: str | None = None
        self._cutting = False
        self._stopped = self._acted = False
        self._silence = Silence(clock, pace.patience, say)

    @property
    def over(self) -> bool:
        """Whether it is over."""
        return self.phase is Phase.OVER

    @property
    def wants_open(self) -> bool:
        """Whether somebody wants the cell open and the instrument has not yet acknowledged it."""
        return self._wish is not None and not self.over

    @property
    def asked(self) -> int:
        """How many step executions there are; at the end those that it took, passes run on a silent link too."""
        return self.done if self.end_reason == COMPLETED else self._course.asked

    @property
    def done(self) -> int:
        """How many were run to their end."""
        return self._ledger.done

    def fly(self) -> Poller:
        """Start the first part, collect, go on to the next, until all are over."""
        with self._talking:
            if self.over:
                return
            if self._resumed is None:
                self._start(0.0)
            else:
                self._resume(self._resumed)
        self._say(self._how, "info", f"{self.program.name}, {self.asked} steps")
        for remark in self._cycler.remarks(self.program):
            self._say("remark", "info", remark)
        self.started = True
        self._changed()
        while not self.over:
            self._look()
            if self.phase is Phase.RUNNING:
                yield self._period()
            elif not self.over:
                yield from self._pass_on()

    @property
    def position(self) -> Position | None:
        """How far it has come, for a later session; None when nothing is left on the instrument."""
        with self._lock:
            if self.over:
                return self._left
            mark = self._bookmark.mark
            return Position(
                self._sample,
                self.program.name,
                self._hash,
                self._label,
                self._job.token,
                self._parts,
                str(self.phase),
                self._clock.now() - self._began,
                self._cutting,
                mark.next,
                mark.elements,
                mark.row,
                mark.time,
                mark.trace,
                self._course.as_json(),
                self._ledger.as_json(),
                self._rest.as_json(),
                self._bookmark.shift,
            )

    def open(self, reason: str) -> None:
        """Open the cell, then fetch what the instrument has to say of it.

        Raises WireError when the link is silent; the poller then opens the cell as soon as it is back.
        """
        with self._talking:
            self._wish = self._wish or reason
            if self.phase in (Phase.STARTING, Phase.BETWEEN):
                self._call_off(reason)
                return
            try:
                self._stop_if_wanted()
            except WireError as error:
                text = f"{error}; the cell is opened as soon as the link is back"
                self._say("not_opened", "alarm", text)
                raise
        until = self._clock.now() + STOP_DEADLINE
        while self.phase is Phase.RUNNING and self._clock.now() < until:
            self._look()
            if self.phase is Phase.RUNNING:
                self._clock.sleep(STOP_PERIOD, self._lane)
        with self._lock:
            if self.phase is Phase.RUNNING:
                self._ledger.finish(EndReason.OPERATOR)
                self._say("stopped", "warning", "the cell is open, but the last rows did not come")
                self._end(reason, interrupted=True)

    def leave(self, reason: str) -> None:
        """Fetch what there is, then leave the instrument to itself, which the events say."""
        try:
            self._collect()
            self._cycler.leave()
        except LabError as error:
            self._say("link_lost", "warning", str(error))
        with self._talking, self._lock:
            if (self.phase is Phase.BETWEEN and not self._completed()) or self.phase is Phase.STARTING:
                self._left = self.position if self._parts > 1 or self.phase is Phase.BETWEEN else None
                self._call_off(reason)
            elif self.phase is Phase.RUNNING:
                self._left = self.position
                self._ledger.finish(EndReason.LEFT_RUNNING)
                text = f"{self.program.name}, {self.done} of {self.asked} steps done: the {self._cycler.without_host}"
                if self._course.goes_on:
                    text += "; what comes after the part that runs needs a host and does not begin"
                self._say("left_running", "warning", f"{text}; safe() opens the cell")
                text = "left running under the instrument's own limits"
                self._end(text, interrupted=True, cell=CellState.LEFT)

    def fail(self, error: Exception) -> None:
        """Fail the flight; the rows so far stay."""
        if self.over:
            return
        running = {
            Phase.STARTING: "nothing runs",
            Phase.BETWEEN: "nothing runs, the cell is open",
            Phase.RUNNING: "the instrument may still be running it",
        }[self.phase]
        cell = CellState.UNKNOWN if self.phase is Phase.RUNNING else CellState.OPEN
        if isinstance(error, OutcomeUnknown):
            running, cell = "it is unknown whether it runs", CellState.UNKNOWN
        with self._lock:
            self.failure = error
            self._left = None if self.phase is Phase.STARTING and self._parts == 1 else self.position
            try:
                lost = isinstance(error, WireError | OutcomeUnknown)
                self._ledger.finish(EndReason.LINK_LOST if lost else EndReason.INSTRUMENT_ERROR)
                self._say("failed", "alarm", f"{error}; {running}")
            finally:
                self._end(f"failed: {type(error).__name__}: {error}", interrupted=True, cell=cell)

    def change_times(self, times: int) -> int:
        """Let the loop that runs run `times` passes in all; see Course.change_times."""
        if not 1 <= times <= MOST_TIMES:
            raise LimitError(f"{self.program.name} passes", times, "1", 1, MOST_TIMES)
        self._collect()
        with self._lock:
            self._cycler.check(replace(self.program, steps=self._course.with_times(times)))
            passes = self._course.change_times(times)
            self._say("times_changed", "info", f"the loop that runs ends after {passes} passes")
        return passes

    def _start(self, offset: float) -> None:
        """Start what is uploaded; `offset` [s] after the run's start its times begin."""
        self._moved()
        self._bookmark.next = self._cycler.start(self._job.token)
        self._expect(offset)
        self._cutting = self._stopped = self._acted = False
        self._bookmark.begin()
        self.phase = Phase.RUNNING
        self._note_position()

    def _expect(self, offset: float) -> None:
        """Open the books for the part that begins `offset` [s] after the run's start, or for the rest of it."""
        self._continues = self._rest.spent is not None
        if self._rest.is_whole:
            self._ledger.begin(self._part, offset)
        else:
            self._ledger.go_on(self._part, self._rest.over, offset)

    def _resume(self, left: Position) -> None:
        """Go on where an earlier session was. Raises InstrumentError when nothing of it is left."""
        self._cutting = left.cutting
        if left.phase == Phase.RUNNING or left.phase == Phase.BETWEEN:
            self._bookmark.next = self._cycler.adopt(self._job, left.mark)
            self._continues = self._rest.spent is not None and not left.elements
            self.phase = Phase(left.phase)
        else:
            self._resume_start(left)
        self._note_position()

    def _resume_start(self, left: Position) -> None:
        """Go on with a part whose start was under way: it runs, or is started now."""
        self._bookmark.begin()
        mark = self._bookmark.mark
        if self._cycler.keeps(self._job.token, left.trace):
            self._bookmark.next = self._cycler.adopt(self._job, mark)
            self._expect(left.offset)
            self.phase = Phase.RUNNING
        elif self._parts == 1:
            raise InstrumentError(self._lane, "gone", f"{self.program.name} was never started")
        else:
            self._cycler.adopt(self._job, replace(mark, over=True))
            self._bookmark.renumbers = True

    def _note_position(self) -> None:
        """Write down how far the records were booked."""
        self._bookmark.note(self._cycler.trace())
        self._moved()

    def _period(self) -> float:
        """Return how long to wait before the next look; short where something is to be done then."""
        if self._stopped:
            return STOP_PERIOD
        hurried = self._cutting or self._wish is not None or self._course.goes_on
        longest = min(self._pace.poll_period, self._cycler.haste)
        since = self._clock.now() - self._began - self._ledger.axis - self._bookmark.mark.time
        return next_question(self._interval, min(longest, DECISION_PERIOD) if hurried else longest, since)

    def _pass_on(self) -> Poller:
        """Go on to the next part, or end; a silent link is borne for as long as patience says."""
        with self._lock:
            if self.phase is Phase.BETWEEN:
                if self._completed():
                    return
                self._parts += 1
                token = f"{self._token}#{self._parts}"
                self._job, self._rest = replace(self._job, nodes=self._part.nodes, token=token), Rest()
                self.phase = Phase.STARTING
        uploaded, job = False, self._job
        while self.phase is Phase.STARTING:
            try:
                with self._talking:
                    if self.phase is not Phase.STARTING:
                        return
                    if not uploaded:
                        self._cycler.upload(job)
                        uploaded = True
                    self._start(self._clock.now() - self._began)
            except (WireError, OutcomeUnknown) as error:
                # Nothing arrived: both again. Otherwise the token tells whether it had been started.
                uploaded = uploaded and not isinstance(error, Timeout)
                self._silence.bear(error, "the next part is begun when the link is back")
                yield min(self._pace.poll_period, DECISION_PERIOD)
            else:
                self._silence.end()

    def _completed(self) -> bool:
        """Take the next part from the course; end the flight and return True when there is none."""
        self._course.told = ""
        part = self._course.next(self._ledger.seen())
        if self._course.told:
            self._say("condition", "info", self._course.told)
        if part is not None:
            self._part = part
            return False
        self._ledger.finish(None)
        self._acknowledge()
        self._say("completed", "info", f"{self.done} steps")
        self._end(COMPLETED, interrupted=False)
        return True

    def _look(self) -> None:
        """Open the cell where that is wanted, and collect; a silent link is borne as long as patience says."""
        try:
            self._stop_if_wanted()
            self._collect()
            self._stop_if_wanted()
        except WireError as error:
            self._silence.bear(error, "the instrument goes on and keeps the rows")
        else:
            self._silence.end()

    def _stop_if_wanted(self) -> None:
        """Stop the instrument, once acknowledged never again, when the part is to be cut or the cell opened."""
        with self._talking:
            wanted = self._cutting or self._wish is not None
            if wanted and not self._stopped and self.phase is Phase.RUNNING:
                self._acted = self._cycler.stop()
                self._stopped = True

    def _collect(self) -> None:
        """Fetch and book everything there is; one caller at a time, since to ask on is to acknowledge."""
        with self._talking:
            while self.phase is Phase.RUNNING:
                page = self._cycler.records(self._bookmark.next, RECORDS_PER_PAGE)
                with self._lock:
                    for number, record in enumerate(page.records, page.first):
                        if self.phase is Phase.RUNNING:
                            self._bookmark.next = number + 1
                            self._book(record)
                if page.records:
                    self._note_position()
                if page.first + len(page.records) >= page.next:
                    return

    def _acknowledge(self) -> None:
        """Say that everything was booked: whoever keeps it need not any more."""
        try:
            self._cycler.records(self._bookmark.next, 0)
        except LabError as error:
            self._say("not_acknowledged", "info", str(error))

    def _book(self, record: Record) -> None:
        match record:
            case RowTaken():
                self._ledger.row(self._bookmark.row(record))
            case SpectrumPoint():
                self._ledger.spectrum(self._bookmark.row(record))
            case ElementBegan():
                if self._continues:
                    self._continues = False
                else:
                    self._ledger.element(record)
                    self._cutting = self._course.began() or self._cutting
                self._bookmark.element()
                self._note_position()
            case ElementEnded():
                self._ledger.ended(record)
            case InstrumentAlarm():
                self._say(record.code, "alarm", record.text)
            case RunStopped():
                self._conclude(record)

    def _conclude(self, stopped: RunStopped) -> None:
        """Book the end of a part that the instrument tells of: go on, or end."""
        cut = self._ledger.part_ended(
            stopped.cause, named=stopped.named, acted=self._acted, completed=stopped.completed
        )
        ours = cut is EndReason.OPERATOR
        if cut is None or (ours and self._wish is None and self._cutting):
            self.phase = Phase.BETWEEN
            if self._wish is not None and not self._completed():
                self._finish_by_wish(self._wish, stopped.reason)
        elif ours and self._wish is not None:
            self._finish_by_wish(self._wish, stopped.reason)
        else:
            self._ledger.finish(cut)
            self._say("safety", "alarm", f"{cut}: {stopped.reason}; the cell is open")
            self._end(f"{cut}: {stopped.reason}", interrupted=True)

    def _finish_by_wish(self, wish: str, told: str) -> None:
        self._ledger.finish(EndReason.OPERATOR)
        self._say("stopped", "info", f"{wish}: {told}; the cell is open")
        self._end(wish, interrupted=True)

    def _call_off(self, reason: str) -> None:
        """End a flight whose part was not yet started, or whose start is not yet answered."""
        between = self.phase is Phase.BETWEEN or self._parts > 1
        where = "between two parts" if between else "before it ran"
        self._cycler.stop()
        self._ledger.finish(EndReason.OPERATOR if between else None)
        self._say("stopped", "info", f"{reason} {where}; the cell is open")
        self._end(f"{reason} {where}", interrupted=True)

    def _end(self, reason: str, *, interrupted: bool, cell: CellState = CellState.OPEN) -> None:
        self.end_reason, self.interrupted, self.phase, self.cell = reason, interrupted, Phase.OVER, cell
        self._changed()
