"""From the lines that a running script sends to a cycler's records.

The language has no checksums. A package whose form is broken is missing, as any that did not come: its number
shows it. Where the script keeps a file on the instrument, everything from the first missing package on is read from
there when the script is over, so that rows come in their order. Where it keeps none, the gap is told; a package whose
number does not fit and is not confirmed by the next is then taken as broken, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from devices.cycling.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Record,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.cycling.ends import EndReason
from devices.cycling.programs import Step
from devices.cycling.techniques import ConstantVoltage
from devices.cycling.verdict import MOST_INVALID, READING_FAILED, fault_of, is_rest
from devices.errors import Garbled
from devices.methodscript.compile import Script
from devices.methodscript.complaints import Complaint, parse_complaint
from devices.methodscript.judging import FIRST_SAFETY, REASONS
from devices.methodscript.packages import Status, Value, parse_package

NUMBERED = ("ja", "jb")
BEGIN = ("eb",)
END = ("jc", "eb")
LAST: tuple[str, ...] = ()
ROW = ("eb", "ab", "ba")
COUNTED_ROW = (*ROW, "ja", "ja")
FREQUENCIES = (("eb", "dc", "cc", "cd", "ci", "ck", "ch"), ("eb", "dc", "cc", "cd", "ci", "ck", "cj"))

HELD = (
    "something that the script sent was not heard; it stands in a file on the instrument, and all from there on is"
    " booked when the script has come to its end. Stop it to have the rows now"
)

NO_FILE = "the file in which the instrument keeps what its script sends could not be read; what was not heard is lost"

COARSE = 1.0
"""Seconds by which a package may round a time that has no room for milliseconds."""

LATE = 2.0
"""Seconds that the instrument's clock may be behind the host's at the end of what was not heard; guess."""


STRANGE = 2
"""Packages without the script's mark after which another one is running: a single one may be broken."""


class RunReader:
    """Reads one run of a script: feed() it lines, say when it was stopped on purpose.

    numbered() gives the next row its number on the channel. `started` once the script was heard to run; `over` when
    it has ended; `unsafe` when it ended without opening the cell; `is_broken` when it ought to be stopped, since its
    readings are no numbers any more. `awaits_file`: it is over but for what stands in its file, which from_file()
    takes line by line: `is_torn` when lines of it were missing, `takes_gaps` lets them be missing. `is_known` once a
    package had the script's mark; `is_foreign` when packages came and none had it: another script is running.
    """

    def __init__(self, script: Script, numbered: Callable[[], int]) -> None:
        self.script = script
        self.started = self.over = self.unsafe = False
        self.stopping = self.is_broken = False
        self.awaits_file = self.is_torn = self.takes_gaps = False
        self.is_known = False
        self._strange = 0
        self._held = self._finished = False
        self._complaint: Complaint | None = None
        self._vanished: tuple[str, EndReason] | None = None
        self._recovered: tuple[float, float] | None = None
        self._numbered = numbered
        self._package = 0
        self._before_jump: int | None = None
        self._step = 0
        self._open = False
        self._base = self._elapsed = self._elapsed_in_step = 0.0
        self._safety: EndReason | None = None
        self._said: set[str] = set()
        self._rows: tuple[RowTaken | None, RowTaken | None] = (None, None)
        self._invalid = 0
        self._sums: tuple[float, ...] = (0.0, 0.0)
        self.recovered = 0

    def feed(self, line: str, at: float) -> list[Record]:
        """Return the records that a line makes; `at` [s] is the host's time since the start."""
        if self.over or self.awaits_file:
            return []
        if line.startswith("P"):
            self.started = True
            numbers = self._numbers(line)
            return [] if self._held or numbers is None else list(self._packaged(*numbers, at))
        if line == f"Trun {self.script.token}":
            self.started = True
        self._complaint = parse_complaint(line) if line.startswith("!") else None
        if line != "" and self._complaint is None:
            return []
        self.unsafe = self._complaint is not None
        if self.script.file and (self._held or not self._finished):
            self.awaits_file = True
            return []
        return list(self._failed(self._complaint) if self._complaint else self._ended())

    def hold(self) -> None:
        """Take nothing more from what is sent: the file has it."""
        self._held = True

    def vanish(self, why: str, cause: EndReason) -> None:
        """Hear that it does not run any more; what became of it is in the file, else it ended so."""
        self.awaits_file, self._vanished = True, (why, cause)

    def from_file(self, line: str) -> list[Record]:
        """Return the records that a line of the file makes; those that are known make none."""
        numbers = self._numbers(line) if line.startswith("P") else None
        if numbers is None:
            return []
        found = list(self._packaged(*numbers, self._base + self._elapsed_in_step, from_file=True))
        for each in found:
            if isinstance(each, RowTaken | SpectrumPoint):
                self._recovered = (self._recovered or (each.time,))[0], each.time
                self.recovered += 1
        return found

    def concluded(self, at: float, *, was_read: bool) -> list[Record]:
        """Return the last records, once the file was read, or could not be, at `at` [s] after the start."""
        self.awaits_file = False
        said: list[Record] = []
        if self._recovered:
            first, last = self._recovered
            text = f"{self.recovered} rows from {first:g} s to {last:g} s came from the instrument's file"
            said.append(InstrumentAlarm("recovered", text))
        if not was_read:
            said.append(InstrumentAlarm("rows_gap", NO_FILE))
        if self._complaint is not None:
            return [*said, *self._failed(self._complaint)]
        if self._vanished is None or self._finished or self._is_through:
            return [*said, *self._ended()]
        unheard = [] if was_read or self._vanished[1] is not EndReason.UNCLEAR else self.ended_unheard(at)
        return [*said, *(unheard or self.lost(*self._vanished))]

    def _failed(self, complaint: Complaint) -> Iterator[Record]:
        self.over = self.unsafe = True
        words = f"error {complaint.code:04X}: {complaint.words(self.script.lines)}"
        yield InstrumentAlarm("instrument_error", words)
        yield RunStopped(words, EndReason.INSTRUMENT_ERROR)

    @property
    def _is_through(self) -> bool:
        """Whether its last step has ended, or one of the limits ended it."""
        return self._safety is not None or (self._step == self.script.steps and not self._open)

    def lost(self, why: str, cause: EndReason) -> list[Record]:
        """Return the records of a run of which nothing more will be heard."""
        self.over = self.unsafe = True
        return [InstrumentAlarm("run_lost", why), RunStopped(why, cause)]

    def ended_unheard(self, at: float) -> list[Record]:
        """Return the records of a run that came to its end while the link was silent; none where it cannot have.

        It came to its end when by `at` [s since the start] all steps that were not heard to end had the time for it.
        """
        places = range(self._step, self.script.steps + 1) if self._open else ()
        steps = [self.script.step(place) for place in places]
        lasting = [step.until.duration for step in steps]
        if not steps or None in lasting or at < self._base + sum(each or 0.0 for each in lasting) - LATE:
            return []
        self.over = self.unsafe = True
        text = f"what the script sent from {self._base + self._elapsed_in_step:.0f} s on was lost"
        said: list[Record] = [InstrumentAlarm("rows_gap", text)]
        for step in steps:
            if step is not steps[0]:
                said.append(ElementBegan(step.run.technique))
            alone = set(step.until.named()) == {"duration"}
            said.append(ElementEnded(EndReason.DURATION if alone else EndReason.UNCLEAR))
        return [*said, RunStopped("the script has come to its end, unheard while the link was silent")]

    def _ended(self) -> Iterator[Record]:
        self.over = True
        if self._safety is not None:
            yield RunStopped(f"the script's limit: {self._safety}", self._safety)
        elif self._is_through:
            yield RunStopped("the script has run to its end")
        elif self.is_broken:
            yield RunStopped(READING_FAILED, EndReason.INSTRUMENT_ERROR)
        elif self.stopping:
            yield RunStopped("the script was aborted", EndReason.OPERATOR)
        else:
            yield InstrumentAlarm("rows_gap", "what the script sent last was lost")
            yield RunStopped("the script has ended, why was lost", EndReason.UNCLEAR)

    @property
    def is_foreign(self) -> bool:
        """Whether what is heard is another script's."""
        return not self.is_known and self._strange >= STRANGE

    def _numbers(self, line: str) -> tuple[int, int, tuple[Value, ...]] | None:
        """Return the numbers of a package and of its step, and its values; None for one that is not the script's."""
        try:
            values = parse_package(line)
        except Garbled:
            return None
        kinds = tuple(value.kind for value in values[:2])
        numbered = kinds == NUMBERED and not any(math.isnan(value.number) for value in values[:2])
        step = int(values[1].number) - self.script.mark if numbered else -1
        if not 0 <= step <= self.script.steps:
            self._strange += 1
            return None
        self.is_known = True
        return int(values[0].number), step, tuple(values[2:])

    def _packaged(
        self, package: int, step: int, values: tuple[Value, ...], at: float, *, from_file: bool = False
    ) -> Iterator[Record]:
        kinds = tuple(value.kind for value in values)
        before = self._package
        if package > before + 1 and self.script.file and not self.takes_gaps:
            self.is_torn = self.is_torn or from_file
            if not from_file and not self._held:
                self._held = True
                yield InstrumentAlarm("rows_held", HELD)
            return
        if not self._is_next(package, step):
            return
        if package > before + 1:
            yield InstrumentAlarm("rows_gap", f"packages {before + 1} to {package - 1} of the run were lost")
        if kinds != LAST:
            yield from self._stepped(step, kinds, values[0].number, at)
        yield from self._booked(kinds, values)

    def _is_next(self, package: int, step: int) -> bool:
        """Return whether a package is new, and remember it."""
        ahead = package - self._package
        if ahead <= 0:
            if self._before_jump is None or package != self._before_jump + 2:
                return False
            self._package, self._before_jump = package, None
            return True
        if not self._step <= step <= min(self._step + ahead, self.script.steps):
            return False
        self._before_jump = self._package if ahead > 1 else None
        self._package = package
        return True

    def _stepped(self, step: int, kinds: tuple[str, ...], time: float, at: float) -> Iterator[Record]:
        """Yield what begins, and what must have happened in a gap."""
        if step == self._step:
            return
        missed = step > self._step + 1 or self._open or kinds != BEGIN
        while self._step < step:
            if self._open:
                yield ElementEnded(EndReason.UNCLEAR)
            self._step, self._open = self._step + 1, True
            yield ElementBegan(self._now().run.technique)
        self._said.clear()
        self._invalid, self._elapsed_in_step, self._sums = 0, 0.0, (0.0, 0.0)
        if isinstance(self._now().run, ConstantVoltage):
            # A step of voltage draws more than what was before it by itself: only rows of one hold show a surge.
            self._rows = None, None
        if kinds == BEGIN:
            exact = not missed and abs(time - self._elapsed) <= COARSE
            self._base = self._elapsed if exact and self._step > 1 else time
        elif kinds != END:
            self._base = max(self._base, at - time)
            yield InstrumentAlarm(
                "rows_gap", "when this step began was lost; its times are by the host's clock"
            )

    def _booked(self, kinds: tuple[str, ...], values: tuple[Value, ...]) -> Iterator[Record]:
        if kinds == LAST:
            self._finished = True
        elif kinds == END:
            reason = REASONS.get(int(values[0].number), EndReason.UNCLEAR)
            if values[0].number >= FIRST_SAFETY:
                reason = self._safety = self._fault(reason)
            self._elapsed = self._base + values[1].number
            self._open = False
            yield ElementEnded(reason)
        elif kinds in (ROW, COUNTED_ROW):
            time, volts, amperes = values[:3]
            yield from self._statuses(values)
            time_of = self._base + time.number
            passed = self._since_last(*(each.number for each in values))
            row = RowTaken(self._numbered(), time_of, volts.number, amperes.number, math.nan, *passed)
            self._rows, self._elapsed_in_step = (self._rows[1], row), time.number
            yield row
            yield from self._failures(row)
        elif kinds in FREQUENCIES:
            yield from self._statuses(values)
            time_of = self._base + values[0].number
            hertz, real, imaginary, volts_dc, amperes_dc, sine = (value.number for value in values[1:])
            peak = sine * math.sqrt(2.0)
            yield SpectrumPoint(
                self._numbered(), time_of, hertz, real, imaginary, volts_dc, amperes_dc, peak, math.nan
            )

    def _since_last(self, time: float, volts: float, amperes: float, *sums: float) -> tuple[float, ...]:
        """Return charge and energy since the last good row, of the sums since the step began; nothing without them.

        Of a step without sums the current is set: it flowed until the first row as well.
        """
        is_first = self._elapsed_in_step == 0.0
        if not all(map(math.isfinite, (volts, amperes, *sums))):
            return ()
        if not sums:
            return (amperes * time, amperes * volts * time) if is_first else ()
        before, self._sums = self._sums, sums
        return tuple(after - first for first, after in zip(before, sums, strict=True))

    def _statuses(self, values: tuple[Value, ...]) -> Iterator[Record]:
        """Yield an alarm for what the instrument says of its values, once for each step."""
        words = {
            Status.TIMING: ("timing", "a sample came late: the script is too slow for its interval"),
            Status.OVERLOAD: ("overload", "a reading is beyond its range"),
        }
        for flag, (code, text) in words.items():
            if code not in self._said and any(value.status & flag for value in values):
                self._said.add(code)
                yield InstrumentAlarm(code, text)

    def _failures(self, row: RowTaken) -> Iterator[Record]:
        """Yield an alarm for readings that are no numbers, once for each step, and note when there are too many."""
        if math.isfinite(row.voltage) and math.isfinite(row.current):
            self._invalid = 0
            return
        self._invalid += 1
        self.is_broken = self.is_broken or (self._invalid >= MOST_INVALID and not is_rest(self._now()))
        if "reading_failed" not in self._said:
            self._said.add("reading_failed")
            yield InstrumentAlarm("reading_failed", READING_FAILED)

    def _fault(self, reason: EndReason) -> EndReason:
        """Return why a limit was met: what is wrong with leads or cell, where the last row shows it."""
        before, last = self._rows
        fault = None if last is None else fault_of(self._now(), before, last, self.script.limits)
        return fault or reason

    def _now(self) -> Step:
        return self.script.step(self._step)
