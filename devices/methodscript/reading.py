"""From the lines that a running script sends to a cycler's records.

The language has no checksums. A package whose form is broken is missing, as any that did not come: its number
shows it. One whose number does not fit and is not confirmed by the next is taken as broken, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from devices.cycle_ends import EndReason
from devices.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Record,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.errors import Garbled
from devices.methodscript.compile import Script
from devices.methodscript.complaints import parse_complaint
from devices.methodscript.judging import FIRST_SAFETY, REASONS
from devices.methodscript.packages import Status, Value, parse_package
from devices.programs import Step
from devices.techniques import setpoint_current

NUMBERED = ("ja", "jb")
BEGIN = ("eb",)
END = ("jc", "eb")
ROW = ("eb", "ab", "ba")
FREQUENCIES = (("eb", "dc", "cc", "cd", "ci", "ck", "ch"), ("eb", "dc", "cc", "cd", "ci", "ck", "cj"))

COARSE = 1.0
"""Seconds by which a package may round a time that has no room for milliseconds."""

LOST_CURRENT = 0.1
"""Part of a setpoint below which no current flows: the leads are open; guess."""


class RunReader:
    """Reads one run of a script: feed() it lines, say when it was stopped on purpose.

    numbered() gives the next row its number on the channel. `started` once the script was heard to run; `over` when
    it has ended; `unsafe` when it ended without opening the cell.
    """

    def __init__(self, script: Script, numbered: Callable[[], int]) -> None:
        self.script = script
        self.started = self.over = self.unsafe = False
        self.stopping = False
        self._numbered = numbered
        self._package = 0
        self._before_jump: int | None = None
        self._step = 0
        self._open = False
        self._base = self._elapsed = 0.0
        self._safety: EndReason | None = None
        self._said: set[str] = set()
        self._last_current = math.nan

    def feed(self, line: str, at: float) -> list[Record]:
        """Return the records that a line makes; `at` [s] is the host's time since the start."""
        if self.over:
            return []
        if line == "":
            return list(self._ended())
        if line.startswith("P"):
            self.started = True
            return list(self._packaged(line, at))
        if line == f"Trun {self.script.token}":
            self.started = True
        complaint = parse_complaint(line) if line.startswith("!") else None
        if complaint is None:
            return []
        self.over = self.unsafe = True
        words = f"error {complaint.code:04X}: {complaint.words(self.script.lines)}"
        return [InstrumentAlarm("instrument_error", words), RunStopped(words, EndReason.INSTRUMENT_ERROR)]

    def lost(self, why: str) -> list[Record]:
        """Return the records of a run of which nothing more will be heard."""
        self.over = self.unsafe = True
        return [InstrumentAlarm("run_lost", why), RunStopped(why, EndReason.UNCLEAR)]

    def _ended(self) -> Iterator[Record]:
        self.over = True
        whole = self._step == self.script.steps and not self._open
        if self._safety is not None:
            yield RunStopped(f"the script's limit: {self._safety}", self._safety)
        elif whole:
            yield RunStopped("the script has run to its end")
        elif self.stopping:
            yield RunStopped("the script was aborted", EndReason.OPERATOR)
        else:
            yield InstrumentAlarm("rows_gap", "what the script sent last was lost")
            yield RunStopped("the script has ended, why was lost", EndReason.UNCLEAR)

    def _packaged(self, line: str, at: float) -> Iterator[Record]:
        try:
            values = parse_package(line)
        except Garbled:
            return
        kinds = tuple(value.kind for value in values)
        if kinds[:2] != NUMBERED or any(math.isnan(value.number) for value in values[:2]):
            return
        package, step = int(values[0].number), int(values[1].number)
        before = self._package
        if not self._is_next(package, step):
            return
        if package > before + 1:
            yield InstrumentAlarm("rows_gap", f"packages {before + 1} to {package - 1} of the run were lost")
        yield from self._stepped(step, kinds[2:], values[2].number, at)
        yield from self._booked(kinds[2:], values[2:])

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
        if kinds == BEGIN:
            exact = not missed and abs(time - self._elapsed) <= COARSE
            self._base = self._elapsed if exact and self._step > 1 else time
        elif kinds != END:
            self._base = max(self._base, at - time)
            yield InstrumentAlarm(
                "rows_gap", "when this step began was lost; its times are by the host's clock"
            )

    def _booked(self, kinds: tuple[str, ...], values: tuple[Value, ...]) -> Iterator[Record]:
        if kinds == END:
            reason = REASONS.get(int(values[0].number), EndReason.UNCLEAR)
            if values[0].number >= FIRST_SAFETY:
                reason = self._safety = self._told_by_leads(reason)
            self._elapsed = self._base + values[1].number
            self._open = False
            yield ElementEnded(reason)
        elif kinds == ROW:
            time, volts, amperes = values
            self._last_current = amperes.number
            yield from self._statuses(values)
            time_of = self._base + time.number
            yield RowTaken(self._numbered(), time_of, volts.number, amperes.number, math.nan)
        elif kinds in FREQUENCIES:
            yield from self._statuses(values)
            time_of = self._base + values[0].number
            hertz, real, imaginary, volts_dc, amperes_dc, sine = (value.number for value in values[1:])
            peak = sine * math.sqrt(2.0)
            yield SpectrumPoint(
                self._numbered(), time_of, hertz, real, imaginary, volts_dc, amperes_dc, peak, math.nan
            )

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

    def _told_by_leads(self, reason: EndReason) -> EndReason:
        """Return why a limit was met: a voltage that ran away without the current that drives it has no cell."""
        asked = setpoint_current(self._now().run)
        if reason not in (EndReason.SAFETY_VOLTAGE_MAX, EndReason.SAFETY_VOLTAGE_MIN) or not asked:
            return reason
        return EndReason.OPEN_CIRCUIT if abs(self._last_current) < LOST_CURRENT * asked else reason

    def _now(self) -> Step:
        return self.script.step(self._step)
