"""Where a program stands that was broken off and that no instrument keeps: its rows played through its course again.

Rows are the truth of charge and time. The station's last word, where there is one, tells what rows cannot: that a step
had begun of which there is none yet, and that a loop was made longer or shorter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from devices.base import RowStream
from devices.cycling.columns import CYCLE_COLUMNS, CYCLER, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.cycling.cycler import ElementBegan, ElementEnded, RowTaken, SpectrumPoint
from devices.cycling.ends import OWN_ENDS, EndReason
from devices.cycling.ledger import CycleLedger
from devices.cycling.position import Phase, Position
from devices.cycling.programs import Program, loops
from devices.cycling.remainder import Rest, Spent, remaining
from devices.cycling.sequence import Course, Part, Seen
from devices.cycling.verdict import is_rest
from devices.errors import InterlockError
from devices.recipes import canonical_hash, to_json
from devices.roles.potentiostat import Cycled
from devices.samples import SampleRef

STOPPED_FOR_GOOD = frozenset(
    {
        EndReason.SAFETY_VOLTAGE_MAX,
        EndReason.SAFETY_VOLTAGE_MIN,
        EndReason.SAFETY_CURRENT,
        EndReason.SAFETY_CHARGE,
        EndReason.CURRENT_LOST,
        EndReason.OPEN_CIRCUIT,
        EndReason.SHORT_CIRCUIT,
    }
)
"""Ends after which somebody has to look at the cell before anything goes on."""

LONG_REST = 600.0
"""Seconds of rest after which a cell keeps its voltage; guess: a LiPON cell moves below 1 mV/min then."""

RELAXED = 0.5
"""Volts by which a driven cell may move by itself within days; guess: 3.0 V after a fast discharge become 3.5 V."""

SAME_TIME = 1e-3
"""Seconds by which a break may lie before the last row ahead of it: the precision of a journal's times."""

SAME_START = 1.0
"""Seconds by which the beginning of a run may differ between its rows and a station's last word; guess."""

UNKNOWN_PARTS = 1000
"""Number of the part that begins where nobody knows how many there were: no token comes twice."""


class _Unkept(RowStream):
    """A stream whose rows are in a journal already."""

    def append(self, time: float, row: Mapping[str, Any]) -> None:
        """Let it go."""


@dataclass
class Books:
    """A course, the part in hand and the ledger of a program, as far as it came."""

    course: Course
    part: Part
    ledger: CycleLedger

    @classmethod
    def of(cls, program: Program, longest_step: float) -> Books:
        """Return the books of a program of which nothing was done."""
        course = Course(program)
        part = course.next(Seen())
        if part is None:
            raise InterlockError("go on", f"{program.name} jumps past all its steps")
        ledger = unkept_ledger(program, longest_step)
        ledger.begin(part, 0.0)
        return cls(course, part, ledger)

    @classmethod
    def restored(cls, program: Program, left: Position, longest_step: float) -> Books:
        """Return the books as a station's last word has them."""
        course, ledger = Course(program), unkept_ledger(program, longest_step)
        part = course.restore(left.course)
        ledger.restore(left.ledger, part)
        return cls(course, part, ledger)

    def advance(self) -> Rest | None:
        """Go to what is to run next and return what of the part that is; None at the program's end."""
        step = self.ledger.step
        if step is not None:
            spent = _spent(self.ledger)
            ended = step.said in OWN_ENDS or remaining(step.execution.step, spent) is None
            if not ended:
                return Rest(self.course.begun - 1, spent)
            self.ledger.close_step()
        if self.course.ahead > 0:
            return Rest(self.course.begun)
        following = self.course.next(self.ledger.seen())
        if following is None:
            return None
        self.part = following
        return Rest()


def unkept_ledger(program: Program, longest_step: float) -> CycleLedger:
    """Return the books of a program whose rows nobody needs."""
    columns = {
        "primary": PRIMARY_COLUMNS,
        "impedance": IMPEDANCE_COLUMNS,
        "steps": STEP_COLUMNS,
        "cycles": CYCLE_COLUMNS,
    }
    return CycleLedger(
        {name: _Unkept(name, name, each, {"": name, CYCLER: name}) for name, each in columns.items()},
        limits=program.limits,
        began=0.0,
        longest_step=longest_step,
        range_of=lambda _: -1,
        counts_cycles=any(loop.counts_cycles for loop in loops(program.steps)),
    )


def played(program: Program, told: Cycled, left: Position | None, longest_step: float) -> Books:
    """Return the books after all the rows of a program.

    Raises InterlockError where the rows are not those of the program's course, or the station's last word differs from
    them by more than one step, or they end with a fault.
    """
    books = Books.of(program, longest_step)
    if left is not None:
        books.course.know_times(left.course)
    entries = _by_step(told)
    for count in range(1, max(entries, default=0) + 1):
        _book(books, count, entries.get(count, _Entry()))
    if left is not None:
        _compare(books, left)
    return books


def standing(
    name: str,
    sample: SampleRef,
    program: Program,
    told: Cycled | None,
    left: Position | None,
    longest_step: float,
) -> Position:
    """Return where a program stands, by its rows and by a station's last word, of which one may be missing.

    Raises InterlockError where both are, or say something else.
    """
    last_word = left if left is not None and left.is_of(sample, program) else None
    if told is None:
        if last_word is None:
            raise InterlockError(
                f"{name} go on", "neither rows nor the station's last word say where it stands"
            )
        return replace(last_word, phase=str(Phase.STARTING), trace={}, elements=0, next=0)
    if told.sample != sample.id or told.program_hash != canonical_hash(to_json(program)):
        raise InterlockError(
            f"{name} go on", f"the run is not of {program.name} on {sample.id}; nothing was changed"
        )
    if last_word is not None and abs(last_word.began - told.began) > SAME_START and len(told.rows):
        last_word = None
    books = played(program, told, last_word, longest_step)
    return Position(
        sample=sample.id,
        program=program.name,
        program_hash=told.program_hash,
        began=told.began,
        token=f"{name}/{told.began:.3f}" if last_word is None else last_word.token,
        parts=UNKNOWN_PARTS + len(told.runs) if last_word is None else last_word.parts,
        phase=str(Phase.STARTING),
        offset=0.0,
        cutting=False,
        next=0,
        elements=0,
        row=max(
            (int(each) for table in (told.rows, told.points) for each in table.get("record", ())), default=0
        ),
        time=-1.0,
        trace={},
        course=books.course.as_json(),
        ledger=books.ledger.as_json(),
        rest=Rest().as_json(),
        shift=0 if last_word is None else last_word.shift,
    )


def window_of(ledger: CycleLedger) -> tuple[float, float] | None:
    """Return between which voltages [V] the cell of these books should be at rest; None: they do not say.

    After a long rest it is where it was. A cell that was driven is somewhere about where it was lately.
    """
    step, ended = ledger.step, ledger.seen().voltage
    seen = None if step is None else step.measured()
    if step is None or seen is None:
        return None if ended is None else (ended - RELAXED, ended + RELAXED)
    last = seen.last.voltage
    if is_rest(step.execution.step) and seen.last.time - seen.first.time >= LONG_REST:
        return last, last
    lately = [seen.first.voltage, last, *([] if ended is None else [ended])]
    lately = [volts for volts in lately if volts == volts]
    return (min(lately) - RELAXED, max(lately) + RELAXED) if lately else None


@dataclass
class _Entry:
    """What the journals have of one step: rows, points of a spectrum, and the row of `steps`."""

    rows: Sequence[int] = ()
    points: Sequence[int] = ()
    step: int | None = None
    told: Cycled | None = None

    @property
    def step_index(self) -> int | None:
        """The step's place in the program, as the journals have it."""
        told = self.told
        if told is None:
            return None
        for table, places in ((told.rows, self.rows), (told.points, self.points)):
            if len(places):
                return int(table["step_index"][places[0]])
        return None if self.step is None else int(told.steps["step_index"][self.step])

    @property
    def reason(self) -> EndReason | None:
        """Why it ended; None where it was under way."""
        if self.told is None or self.step is None:
            return None
        return EndReason(self.told.steps["end_reason"][self.step])


def _by_step(told: Cycled) -> dict[int, _Entry]:
    """Return what there is of each step, by how many had begun with it."""
    found: dict[int, _Entry] = {}
    for table, name in ((told.rows, "rows"), (told.points, "points")):
        places: dict[int, list[int]] = {}
        for place, count in enumerate(table.get("step_count", ())):
            places.setdefault(int(count), []).append(place)
        for count, each in places.items():
            setattr(found.setdefault(count, _Entry(told=told)), name, each)
    for place, count in enumerate(told.steps.get("step_count", ())):
        found.setdefault(int(count), _Entry(told=told)).step = place
    return found


def _book(books: Books, count: int, entry: _Entry) -> None:
    """Book one step with all there is of it."""
    ledger, course = books.ledger, books.course
    if ledger.step is not None:
        ledger.close_step()
    while course.ahead <= 0:
        following = course.next(ledger.seen())
        if following is None:
            raise _astray(f"there are rows of a step {count}, and the program ends before it")
        books.part = following
        ledger.begin(following, 0.0)
    ledger.element(ElementBegan("booked"))
    course.began()
    step, index = ledger.step, entry.step_index
    assert step is not None
    if index is not None and index != step.execution.step_index:
        raise _astray(
            f"step {count} of the run was step {index} of the program, and should have been"
            f" {step.execution.step_index}"
        )
    if entry.told is not None:
        _book_rows(ledger, entry.told, entry)
    reason = entry.reason
    if reason in STOPPED_FOR_GOOD:
        raise InterlockError(
            "go on",
            f"step {count} ended by {reason}; look at the cell and its leads, then begin what is left as a program of"
            " its own. Nothing was changed",
        )
    if reason in OWN_ENDS:
        ledger.ended(ElementEnded(reason))
        ledger.close_step()


def _book_rows(ledger: CycleLedger, told: Cycled, entry: _Entry) -> None:
    rows, points, axis = told.rows, told.points, ledger.axis
    before = math.inf
    for place in entry.rows:
        time = float(rows["test_time"][place])
        if ledger.step is not None and any(before <= each + SAME_TIME < time for each in told.breaks):
            ledger.step.was_broken_off(time - axis)
        before = time
        charge, energy = ledger.passed
        ledger.row(
            RowTaken(
                int(rows["record"][place]),
                time - axis,
                float(rows["voltage"][place]),
                float(rows["current"][place]),
                float(rows["ambient_temperature"][place]),
                float(rows["charge"][place]) * 3600.0 - charge,
                float(rows["energy"][place]) * 3600.0 - energy,
            )
        )
    for place in entry.points:
        ledger.spectrum(
            SpectrumPoint(
                int(points["record"][place]),
                float(points["test_time"][place]) - axis,
                *(
                    float(points[name][place])
                    for name in (
                        *("frequency", "z_real", "z_imag", "dc_voltage", "dc_current"),
                        *("amplitude", "distortion"),
                    )
                ),
            )
        )


def _compare(books: Books, left: Position) -> None:
    """Hold the rows against the station's last word."""
    booked, said = books.ledger.count, int(left.ledger["count"])
    if abs(booked - said) > 1:
        raise _astray(f"the rows end in step {booked} of the run, the station's last word was of step {said}")
    step = books.ledger.step
    if said == booked + 1 and step is not None:
        ended_by = left.ledger["seen"]["ended_by"]
        books.ledger.ended(ElementEnded(EndReason(ended_by) if ended_by else EndReason.UNCLEAR))
        books.ledger.close_step()


def _spent(ledger: CycleLedger) -> Spent:
    step = ledger.step
    seen = None if step is None else step.measured()
    if seen is None:
        return Spent(0.0, 0.0, 0.0)
    return Spent(max(seen.last.time - seen.first.time, 0.0), seen.charge, seen.energy)


def _astray(text: str) -> InterlockError:
    return InterlockError("go on", f"{text}; nothing was changed, begin what is left as a program of its own")
