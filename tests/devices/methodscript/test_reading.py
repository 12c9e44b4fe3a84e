"""Lines of a run become records; what is missing or comes twice shows."""

from __future__ import annotations

import itertools
import math

import pytest

from devices.cycling.cycler import ElementBegan, ElementEnded, InstrumentAlarm, Job, RowTaken, RunStopped
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Loop, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Until
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.compile import compiled
from devices.methodscript.reading import RunReader
from sim.twins.methodscript.values import write_variable

REST = Step(OpenCircuit(), Until(duration=10.0))
CHARGE = Step(ConstantCurrent(1e-5), Until(duration=10.0))
JOB = Job("j", (Loop((REST, CHARGE), times=2),), CellLimits(2.0, 4.2, 1e-3), "t/1#2", 100.0)
SCRIPT = compiled(JOB, EMSTAT4_HR, (0.1, 10.0), 20)


def reader() -> RunReader:
    count = itertools.count(1)
    return RunReader(SCRIPT, lambda: next(count))


def sent(number: int, step: int, **values: float) -> str:
    variables = [write_variable("ja", number), write_variable("jb", SCRIPT.mark + step)]
    return "P" + ";".join([*variables, *(write_variable(kind, value) for kind, value in values.items())])


def begin(number: int, step: int, at: float) -> str:
    return sent(number, step, eb=at)


def row(number: int, step: int, time: float) -> str:
    return sent(number, step, eb=time, ab=3.9, ba=1e-5)


def end(number: int, step: int, why: int, time: float) -> str:
    return sent(number, step, jc=why, eb=time)


def fed(lines: list[str]) -> list[object]:
    reading = reader()
    return [record for line in lines for record in reading.feed(line, 50.0)]


def test_times_add_up_over_the_steps() -> None:
    records = fed([begin(1, 1, 3.0), row(2, 1, 1.0), end(3, 1, 7, 10.0), begin(4, 2, 13.0), row(5, 2, 1.5)])
    assert [type(each) for each in records] == [ElementBegan, RowTaken, ElementEnded, ElementBegan, RowTaken]
    assert [each.time for each in records if isinstance(each, RowTaken)] == [4.0, 14.5]
    assert records[2] == ElementEnded(EndReason.DURATION)


def test_sums_of_a_step_become_what_passed_between_its_rows() -> None:
    def counted(number: int, step: int, time: float, charge: float, voltage: float = 3.9) -> str:
        variables = [write_variable("ja", number), write_variable("jb", SCRIPT.mark + step)]
        values = (("eb", time), ("ab", voltage), ("ba", 1e-5), ("ja", charge), ("ja", 4.0 * charge))
        return "P" + ";".join([*variables, *(write_variable(kind, value) for kind, value in values)])

    lines = [begin(1, 1, 3.0), counted(2, 1, 1.0, 1e-5), counted(3, 1, 2.0, 3e-5, math.nan)]
    lines += [counted(4, 1, 3.0, 6e-5), end(5, 1, 7, 10.0), begin(6, 2, 13.0), counted(7, 2, 1.0, 2e-5)]
    rows = [each for each in fed(lines) if isinstance(each, RowTaken)]
    assert [row.charge for row in rows] == pytest.approx([1e-5, math.nan, 5e-5, 2e-5], nan_ok=True)
    assert [row.energy for row in rows] == pytest.approx([4e-5, math.nan, 2e-4, 8e-5], nan_ok=True)


def test_a_current_that_is_set_flowed_before_its_first_row() -> None:
    rows = [
        each for each in fed([begin(1, 1, 3.0), row(2, 1, 0.5), row(3, 1, 2.0)]) if isinstance(each, RowTaken)
    ]
    assert [each.charge for each in rows] == pytest.approx([5e-6, math.nan], nan_ok=True)


def test_what_comes_twice_is_left_out() -> None:
    lines = [begin(1, 1, 3.0), row(2, 1, 1.0), row(3, 1, 2.0)]
    assert fed([each for line in lines for each in (line, line)]) == fed(lines)


def test_a_gap_is_told_and_steps_in_it_are_kept_count_of() -> None:
    records = fed([begin(1, 1, 3.0), row(2, 1, 1.0), row(9, 3, 2.0)])
    assert records[2] == InstrumentAlarm("rows_gap", "packages 3 to 8 of the run were lost")
    assert records[3:6] == [
        ElementEnded(EndReason.UNCLEAR),
        ElementBegan("constant_current"),
        ElementEnded(EndReason.UNCLEAR),
    ]
    assert records[6] == ElementBegan("open_circuit")
    assert isinstance(records[7], InstrumentAlarm)
    assert isinstance(records[8], RowTaken)
    assert records[8].time == pytest.approx(50.0)


def test_a_number_that_does_not_fit_and_is_not_confirmed_hides_nothing_after_it() -> None:
    records = fed([begin(1, 1, 3.0), row(2, 1, 1.0), row(1027, 1, 2.0), row(4, 1, 3.0), row(5, 1, 4.0)])
    assert [each.time for each in records if isinstance(each, RowTaken)] == [4.0, 5.0, 6.0, 7.0]


def test_a_step_that_cannot_be_is_no_package() -> None:
    assert len(fed([begin(1, 1, 3.0), row(2, 4, 1.0), begin(2, 99, 3.0)])) == 1


def test_a_run_ends_whole_or_says_what_is_missing() -> None:
    ends = [
        line
        for step in range(1, 5)
        for line in (begin(2 * step - 1, step, 10.0 * step), end(2 * step, step, 7, 10.0))
    ]
    assert fed([*ends, ""])[-1] == RunStopped("the script has run to its end")
    assert fed([*ends[:-1], ""])[-1] == RunStopped("the script has ended, why was lost", EndReason.UNCLEAR)
    limit = [begin(3, 2, 20.0), row(4, 2, 0.5), end(5, 2, 102, 1.0), ""]
    assert fed([*ends[:2], *limit])[-1] == RunStopped(
        "the script's limit: safety_voltage_min", EndReason.SAFETY_VOLTAGE_MIN
    )


def test_an_error_ends_it_and_leaves_the_cell_to_be_opened() -> None:
    reading = reader()
    records = reading.feed("!0028: Line 30", 1.0)
    assert reading.unsafe
    assert [type(each) for each in records] == [InstrumentAlarm, RunStopped]
    assert reading.feed(begin(1, 1, 3.0), 1.0) == []


def test_the_token_shows_that_it_runs() -> None:
    reading = reader()
    assert reading.feed("Trun t/1~3", 0.0) == []
    assert not reading.started
    reading.feed("Trun t/1~2", 0.0)
    assert reading.started
