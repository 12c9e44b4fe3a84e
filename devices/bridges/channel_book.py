"""What one channel of a cycler said, as numbered records, in order of time: live, or recovered after a lost link.

A record keeps its number for the book's life; it is dropped only when a client has acknowledged it. While the link
is lost, and after it is back until the instrument has said what it kept, live signals wait: what was recovered comes
before them. A row from before the last one, or with its time and its values, is the same row once more, and is dropped;
what is said again from before the element under way is known by the begin of its own element. Two rows of one time that
differ are two: the instrument's clock has a grain, and the last row of an element tells why it ended.

Where an element asks for rows less often than it is sampled, samples make rows: the first and the last of the element,
one each interval between them, and those that failed. Each says what passed since the one before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias

from devices.bridges.squidstat_elements import Message, unrolled
from devices.cycling.leads import LeadWatch
from devices.cycling.tally import Tally, is_valid
from devices.cycling.verdict import MOST_INVALID, READING_FAILED

RECOVERY_QUIET = 5.0
"""Seconds without a recovered row after which the instrument has said all that it kept; guess."""

LEAD_OFF = "the current vanished while the voltage was set: a lead is off"

CHARGED = "limits.charge_max was reached"

GAP = 1.5
"""Intervals between two rows beyond which one is missing."""

CLOCK_GRAIN = 1e-3
"""Seconds by which a row may be late without being missing; guess, one internal sample."""

AT_END = 5e-3
"""Volts by which a last row may miss the voltage that ended its element; guess."""

LEAST_CURRENT = 1e-9
"""A that cannot be told from none: a thousandth of the smallest range, in which no current is read (guess)."""

CHARGE_SHARE = 0.02
"""Part by which rows may miss the charge that ended an element; guess: they are trapezoids."""


class Element(NamedTuple):
    """An element begins: its name, and the library's numbers of it."""

    name: str
    step: int
    substep: int
    cycle: int


class Row(NamedTuple):
    """A row: s, V, A, degC."""

    time: float
    voltage: float
    current: float
    temperature: float


class Point(NamedTuple):
    """A point of a spectrum: s, Hz, ohm, ohm, V, A, the sine's peak as a voltage and as a current, distortion [1]."""

    time: float
    frequency: float
    real: float
    imaginary: float
    voltage: float
    current: float
    voltage_peak: float
    current_peak: float
    distortion: float


class Stopped(NamedTuple):
    """The experiment is over."""

    reason: str


Said: TypeAlias = Element | Row | Point | Stopped


@dataclass
class _Recovery:
    """What was recovered since the link is back: rows, from and to which time [s], when [s] the last one came."""

    heard: float
    count: int = 0
    first: float = math.nan
    last: float = math.nan


@dataclass
class ChannelBook:
    """The records of a channel, from record `first` on; tokens of what was uploaded and started last.

    idle: how many idle samples came, and the voltage [V] of the last; awaits_idle: more are still to be begun.
    limits: least and most voltage [V], largest current [A] of the channel. over: nothing that was begun here runs.
    opens: it is to be stopped when its host is gone, who asked last at `asked` [s]; may_open: the same of what was
    uploaded. discards: what is heard is of a rest that is no run of anybody's.
    """

    first: int = 1
    rows: int = 0
    uploaded: str | None = None
    experiment: Sequence[Message] = ()
    started: str | None = None
    started_at: int = 0
    spent: set[str] = field(default_factory=set)
    records: deque[Sequence[Any]] = field(default_factory=deque)
    idle: tuple[int, float | None] = (0, None)
    limits: tuple[float, float, float] = (-math.inf, math.inf, math.inf)
    awaits_idle: bool = False
    over: bool = True
    may_open: bool = False
    opens: bool = False
    asked: float = 0.0
    discards: bool = False
    link: Literal["up", "lost", "back"] = "up"

    def __post_init__(self) -> None:
        self._plan: Iterator[Message] = iter(())
        self._running: Message = {}
        self._before: Message = {}
        self._element: Element | None = None
        self._in_element = 0
        self._last: Row | Point | None = None
        self._at_last: list[Row | Point] = []  # the element's rows that have the last one's time
        self._charge = self._began = 0.0
        self._tally: Tally[Row] = Tally()
        self._unbroken = False
        self._waiting: list[Said] = []
        self._pending: list[Element] = []
        self._in_old = False  # what is recovered belongs to an element that is over
        self._recovery = _Recovery(0.0)
        self._cut: tuple[str, str] | None = None
        self._leads: LeadWatch | None = None
        self._is_off = False
        self._invalid, self._has_failed = 0, False
        self._discarded = False

    @property
    def next(self) -> int:
        """The number that the next record will have."""
        return self.first + len(self.records)

    def add(self, *record: Any) -> None:
        """Keep a record; a number that is not finite becomes null."""
        self.records.append([_finite(each) for each in record])

    def drop_before(self, number: int) -> None:
        """Forget records a client has safely got."""
        while self.records and self.first < number:
            self.records.popleft()
            self.first += 1

    def since(self, number: int, most: int) -> list[Sequence[Any]]:
        """Return at most `most` records from `number` on."""
        start = max(number - self.first, 0)
        return list(islice(self.records, start, start + most))

    def begin(self, now: float) -> int:
        """Expect the uploaded experiment from `now` [s] on; return the number of its first record."""
        self.opens, self.asked, self._cut = self.may_open, now, None
        self._plan, self._running, self._before = unrolled(self.experiment), {}, {}
        self._element, self._last, self._in_element, self._charge = None, None, 0, 0.0
        self._waiting, self._pending, self._unbroken = [], [], False
        self._tally, self.over = Tally(), False
        return self.next

    def note_start(self, token: str, first: int) -> None:
        """Note that what was uploaded under a token runs, from record `first` on."""
        if self.started is not None:
            self.spent.add(self.started)
        self.uploaded, self.started, self.started_at = None, token, first

    def discard(self) -> None:
        """Keep nothing of what is heard up to the next stop, or the second begin of an element."""
        self.discards, self._discarded = True, False

    def lose_host(self, silent: float) -> None:
        """Note that nobody asked for so many seconds, and that the run is stopped for it."""
        self.opens, self._cut = False, ("link_lost", f"nobody asked for {silent:.0f} s")
        self.add("host_lost", silent)

    # What the library signals.

    def hear(self, said: Said) -> bool:
        """Book what was said just now, or let it wait; return whether the channel is to be stopped."""
        if self.discards and self._is_discarded(said):
            return False
        if self.link == "up":
            return self._take(said)
        if isinstance(said, Row | Point) and self._late(said) <= 0.0:
            stop = self.flush()
            return self._take(said) or stop
        if isinstance(said, Element) and not self._waiting:
            self._pending.append(said)
        else:
            self._waiting.append(said)
        return False

    def recover(self, said: Row | Point, now: float) -> bool:
        """Book a row from the instrument's memory; return whether the channel is to be stopped."""
        if self.discards:
            return False
        stop = False
        pending, self._pending = self._pending, []
        since = -math.inf if self._last is None else said.time - self._last.time
        self._in_old = self._last is not None and (since < 0.0 or (self._in_old and not pending))
        if self._in_old and since <= 0.0:
            return False
        if pending and self._is_again(pending[-1], said):
            pending = []
        for element in pending:
            stop |= self._take(element)
        rows = self.rows
        stop |= self._take(said)
        if self.rows > rows:
            found = self._recovery
            first = said.time if found.count == 0 else found.first
            self._recovery = _Recovery(now, found.count + 1, first, said.time)
        return stop

    def lose_link(self) -> None:
        """Note that the library lost the instrument."""
        if self.link == "back":
            self.flush()
        if self.link == "up":
            self.add("disconnected")
        self.link = "lost"

    def find_link(self, now: float) -> None:
        """Expect from now on what the instrument kept."""
        self.link = "back"
        self._recovery.heard = now

    def settle(self, now: float, busy: bool) -> bool:
        """End a recovery in which nothing comes any more; `busy`: something runs on the channel."""
        if self.link != "back" or now - self._recovery.heard < RECOVERY_QUIET:
            return False
        stop = self.flush()
        if not self.over and not busy:
            why = "it ended while the link was lost"
            if self._cut is None and self._is_cut():
                why += ": it was switched off and on, or stopped by another program"
                self._cut = "instrument_error", why
            self._take(Stopped(why))
        return stop and busy

    def flush(self) -> bool:
        """Mark what was recovered, then book what waited for it; return whether the channel is to be stopped."""
        new = [each for each in self._pending if self._in_element or each != self._element]
        waiting: list[Said] = [*new, *self._waiting]
        self._pending, self._waiting, self._in_old, self.link = [], [], False, "up"
        found, self._recovery = self._recovery, _Recovery(0.0)
        if found.count:
            self.add("recovered", found.count, found.first, found.last)
        stops = [self._take(said) for said in waiting]
        return any(stops)

    def interrupted(self) -> None:
        """Let the next row come when it comes: the experiment was paused."""
        self._tell()
        self._tally, self._unbroken = Tally(), False

    # How it is booked.

    def _take(self, said: Said) -> bool:
        if isinstance(said, Element):
            return self._take_element(said)
        if isinstance(said, Stopped):
            self._take_stop(said)
            return False
        return self._take_row(said) and self._is_broken(said)

    def _take_element(self, said: Element) -> bool:
        known, self._element = self._element, said
        if (
            known is not None
            and known._replace(substep=said.substep) == said
            and said.substep > known.substep
        ):
            return False  # a further part of the same element
        cut = self._ending()
        self._tell()
        if cut is not None:
            self.add("ended", cut[0])
            self._cut = cut
        self.add("element", said.name)
        self._before, self._running = self._running, next(self._plan, {})
        self._in_element, self._charge, self._tally = 0, 0.0, Tally()
        self._invalid, self._has_failed = 0, False
        self._leads = LeadWatch.of(str(self._running.get("element")), LEAST_CURRENT)
        self._is_off = False
        return cut is not None

    def _take_stop(self, said: Stopped) -> None:
        if self.over:
            return
        self._tell()
        self.over = True
        cut = self._ending() or self._cut
        self.add("stopped", *((said.reason,) if cut is None else (cut[1], cut[0])))

    def _ending(self) -> tuple[str, str] | None:
        """Return what the element under way came to that is none of its ends, and in words."""
        if self._is_off:
            return "open_circuit", LEAD_OFF
        return ("safety_charge", CHARGED) if self._is_at_safety() else None

    def _is_broken(self, said: Row | Point) -> bool:
        """Return whether a driven element is to be stopped: a lead is off, or its readings are no numbers any more."""
        if is_valid(said):
            self._invalid = 0
            if self._leads is None or self._is_off or not self._leads.is_off(said.time, said.current):
                return False
            self._is_off, self._cut = True, ("open_circuit", LEAD_OFF)
            return not self.over
        self._invalid += 1
        if not self._has_failed:
            self._has_failed = True
            self.add("reading_failed")
        if self._invalid < MOST_INVALID or self._running.get("element") == "open_circuit" or self.over:
            return False
        self._cut = "instrument_error", READING_FAILED
        return True

    def _is_cut(self) -> bool:
        """Return whether the last row shows no end of its element: then something else ended it."""
        last, element = self._last, self._running
        if not isinstance(last, Row) or "duration" not in element:
            return False
        limits, current = self.limits, abs(last.current)
        reached = (
            last.time - self._began >= float(element["duration"]) - 2.0 * float(element["interval"]),
            last.voltage >= min(element.get("voltage_above", math.inf), limits[1]) - AT_END,
            last.voltage <= max(element.get("voltage_below", -math.inf), limits[0]) + AT_END,
            current >= min(element.get("current_above", math.inf), limits[2]) * (1.0 - CHARGE_SHARE),
            current <= element.get("current_below", -math.inf) * (1.0 + CHARGE_SHARE),
            abs(self._charge) >= element.get("charge", math.inf) * (1.0 - CHARGE_SHARE),
            "voltage_rate_below" in element or "current_rate_below" in element,
        )
        return not any(reached)

    def _is_discarded(self, said: Said) -> bool:
        """Return whether what is heard is of the rest that is no run; its stop, or what begins after it, is the end."""
        if isinstance(said, Element):
            self.discards, self._discarded = not self._discarded, True
            return self.discards
        self.discards = not isinstance(said, Stopped)
        return True

    def _take_row(self, said: Row | Point) -> bool:
        """Book a row; return whether it was new."""
        last = self._last
        if last is not None and (said.time < last.time or (self._in_element and self._is_known(said))):
            return False
        if last is not None and self._unbroken and self._late(said, unknown=0.0) > 0.0:
            self._tell()
            self.add("gap", last.time, said.time)
        if not self._in_element:
            self._began = said.time
        if isinstance(said, Row):
            self._sample(said)
            self._count(last, said)
        else:
            self.rows += 1
            by_current = self._running.get("element") == "galvanostatic_impedance"
            peak = said.current_peak if by_current else said.voltage_peak
            self.add("spectrum", self.rows, *said[:6], peak, said.distortion)
        if last is None or said.time > last.time or not self._in_element:
            self._at_last = []
        self._at_last.append(said)
        self._last, self._in_element, self._unbroken = said, self._in_element + 1, True
        return True

    def _is_known(self, said: Row | Point) -> bool:
        """Return whether a row of this element has the time and the values of one that was booked at the last time."""
        values = [_finite(each) for each in said]
        return any([_finite(each) for each in booked] == values for booked in self._at_last)

    def _sample(self, said: Row) -> None:
        """Make a row of a sample, or hold it until one is due or its element ends."""
        interval = self._running.get("record")
        if interval is None:
            self.rows += 1
            self.add("row", self.rows, *said)
            return
        tally = self._tally
        tally.add(said)
        due = -math.inf if tally.told is None else tally.told + interval - 0.5 * self._running["interval"]
        if said.time >= due or not is_valid(said):
            self._tell()

    def _tell(self) -> None:
        """Make a row of the sample that is held, if there is one."""
        held = self._tally.held
        if held is not None:
            self.rows += 1
            self.add("row", self.rows, *held, *self._tally.passed(held))
            self._tally.clear(held)

    def _late(self, said: Row | Point, unknown: float = math.inf) -> float:
        """Return the seconds by which a row comes too late to be the next; `unknown` where rows do not come by time."""
        if self._last is None:
            return unknown
        elements = (self._running,) if self._in_element else (self._running, self._before)
        longest = max(_interval(each) for each in elements)
        if math.isinf(longest):
            return unknown
        return said.time - self._last.time - GAP * longest - CLOCK_GRAIN

    def _is_again(self, element: Element, said: Row | Point) -> bool:
        """Return whether a recovered begin of an element, with its first row, is that of the one under way."""
        last = self._last
        is_first = self._in_element == 1 and last is not None and said.time == last.time
        return element == self._element and (self._in_element == 0 or is_first)

    def _count(self, last: Row | Point | None, said: Row) -> None:
        if isinstance(last, Row) and self._in_element:
            passed = 0.5 * (last.current + said.current) * (said.time - last.time)
            self._charge += passed if math.isfinite(passed) else 0.0

    def _is_at_safety(self) -> bool:
        safety = self._running.get("charge_safety")
        return safety is not None and abs(self._charge) >= (1.0 - CHARGE_SHARE) * float(safety)


def _interval(element: Message) -> float:
    """Return the seconds between rows; infinite where they do not come by the clock."""
    return math.inf if "voltage_change" in element else float(element.get("interval", math.inf))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
