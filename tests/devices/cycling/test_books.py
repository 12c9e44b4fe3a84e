"""Books that are put down and taken up again, at any row, say the same as books that were never put down."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from devices.base import RowStream
from devices.cycling.columns import CYCLE_COLUMNS, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.cycling.cycler import ElementBegan, RowTaken
from devices.cycling.ledger import CycleLedger
from devices.cycling.programs import CellLimits, Loop, Program, Step, When
from devices.cycling.sequence import Course, Part, Seen
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Until

LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=1e-2)
BODY = (
    Step(ConstantCurrent(1e-3), Until(duration=10.0)),
    Step(OpenCircuit(), Until(duration=10.0)),
    Step(ConstantCurrent(-1e-3), Until(duration=10.0)),
)
PROGRAM = Program(
    "p",
    (
        Step(OpenCircuit(), Until(duration=10.0)),
        Loop(BODY, 2, counts_cycles=True),
        Loop(BODY, 3, counts_cycles=True, until=When(cycle_at_least=4)),
    ),
    LIMITS,
)
ADDED = {"charge": "charge", "energy": "energy", "test_time": "test_time", "record": "record"}
COLUMNS = {"primary": PRIMARY_COLUMNS, "impedance": IMPEDANCE_COLUMNS, "steps": STEP_COLUMNS}


def books() -> tuple[CycleLedger, dict[str, RowStream]]:
    streams = {
        name: RowStream(name, name, columns, {"": "x", "channels": "x"})
        for name, columns in (COLUMNS | {"cycles": CYCLE_COLUMNS}).items()
    }
    ledger = CycleLedger(
        streams,
        limits=LIMITS,
        began=1e9,
        longest_step=1e5,
        range_of=lambda _: 0,
        counts_cycles=True,
    )
    return ledger, streams


def rows_of(streams: dict[str, RowStream], stream: str) -> list[dict[str, Any]]:
    pages = list(streams[stream].collect_pages())
    if not pages:
        return []
    data = pages[0]["data"]
    return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]


def played(stop_at: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Play the program; put the books down before record `stop_at` of all and take them up with others."""
    (ledger, streams), course, told = books(), Course(PROGRAM), []
    number, at, offset = 0, 0, 0.0
    part = course.next(Seen())
    while part is not None:
        ledger.begin(part, offset)
        for record in records_of(part, number):
            if at == stop_at:
                kept = json.loads(json.dumps({"ledger": ledger.as_json(), "course": course.as_json()}))
                told.append((streams, {}))
                (ledger, streams), course = books(), Course(PROGRAM)
                part = course.restore(kept["course"])
                ledger.restore(kept["ledger"], part)
            at += 1
            if isinstance(record, ElementBegan):
                ledger.element(record)
                course.began()
            else:
                ledger.row(record)
                number = record.number
        offset += 1000.0
        assert ledger.part_ended(None) is None
        part = course.next(ledger.seen())
    ledger.finish(None)
    told.append((streams, ledger.offsets.as_json()))
    return tuple(joined(told, stream) for stream in ("primary", "steps", "cycles"))  # type: ignore[return-value]


def joined(told: list[Any], stream: str) -> list[dict[str, Any]]:
    """Return the rows of a stream with what their offsets add, as a chain of runs is read."""
    rows = []
    for streams, offsets in told:
        for row in rows_of(streams, stream):
            for key in row:
                axis = {"t_start": "test_time", "t_end": "test_time"}.get(key, key)
                if stream == "primary" or axis in ("test_time", "step_count", "cycle"):
                    row[key] = row[key] + offsets.get(axis, 0) if axis in offsets else row[key]
            rows.append(row)
    return rows


def records_of(part: Part, number: int) -> list[Any]:
    records: list[Any] = []
    for place, turn in enumerate(part.walk()):
        records.append(ElementBegan(turn.step.run.technique))
        current = getattr(turn.step.run, "current", 0.0)
        for second in (0.0, 4.0, 10.0):
            number += 1
            time = 10.0 * place + second
            records.append(RowTaken(number, time, 3.5 + 1e-3 * number, current, math.nan))
    return records


@pytest.mark.parametrize("stop_at", range(1, 52, 3))
def test_books_taken_up_again_say_the_same(stop_at: int) -> None:
    whole, resumed = played(-1), played(stop_at)
    assert len(whole[0]) == 39
    for expected, found in zip(whole, resumed, strict=True):
        assert len(found) == len(expected)
        for one, other in zip(expected, found, strict=True):
            for key, value in one.items():
                assert other[key] == pytest.approx(value, abs=1e-9, nan_ok=True), key
