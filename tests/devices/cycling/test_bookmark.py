"""What a later session hears of how far the records of a flight were booked."""

from dataclasses import replace

import pytest

from devices.cycling.bookmark import Bookmark
from devices.cycling.cycler import ElementBegan, Mark, Page, RowTaken
from devices.cycling.flight import CycleFlight
from devices.cycling.going_on import unkept_ledger
from devices.cycling.pace import Pace
from devices.cycling.planned import begun, taken_over
from devices.cycling.position import Phase, Position
from devices.cycling.programs import CellLimits, Loop, Program, Step, When
from devices.cycling.remainder import WHOLE
from devices.cycling.techniques import OpenCircuit, Until
from devices.recipes import canonical_hash, to_json
from devices.roles.potentiostat import CycleJob, TakeOver
from devices.samples import Layer, SampleRef

LONGEST = 1e5
SAMPLE = SampleRef(id="S1", layers=(Layer("LiCoO2", 1e-6),))
REST = Step(OpenCircuit(), Until(duration=60.0))
PROGRAM = Program(
    "p",
    (Loop((REST, REST), times=3, until=When(cycle_at_least=9), counts_cycles=True),),
    CellLimits(2.0, 4.3, 1e-3),
)


def row(number, time=1.0):
    return RowTaken(number, time, 3.9, 0.0, 25.0)


def test_rows_go_on_where_an_instrument_begins_to_count_anew():
    bookmark = Bookmark(Mark(0, 2, 70, 5.0, {}), renumbers=True)
    assert [bookmark.row(row(number)).number for number in (1, 2)] == [71, 72]
    assert (bookmark.mark.row, bookmark.shift) == (72, 70)


def test_rows_keep_their_numbers_where_an_instrument_counts_on():
    bookmark = Bookmark(Mark(0, 2, 70, 5.0, {}), renumbers=True)
    assert [bookmark.row(row(number)).number for number in (71, 72)] == [71, 72]
    assert bookmark.shift == 0


def test_a_part_counts_its_own_steps_and_the_runs_rows():
    bookmark = Bookmark()
    bookmark.element()
    bookmark.row(row(1, 3.0))
    bookmark.begin()
    bookmark.element()
    bookmark.next = 8
    bookmark.note({"boot": "b1"})
    assert bookmark.mark == Mark(8, 1, 1, -1.0, {"boot": "b1"})


class Kept:
    """A cycler that runs the second part of a program, which somebody else has started."""

    haste, without_host = 60.0, "instrument goes on"

    def keeps(self, token, trace):
        return True

    def adopt(self, job, mark):
        self.adopted = mark
        return 4

    def trace(self):
        return {}

    def remarks(self, program):
        return ()

    def records(self, since, most):
        said = [ElementBegan("open_circuit"), row(3), row(4)]
        return Page(since, tuple(said[since - 4 :]), 4 + len(said))


@pytest.fixture
def left():
    """Return where a session stood that died while it started the second part, two steps behind it."""
    planned = begun(CycleJob(SAMPLE, PROGRAM), "t", LONGEST)
    ledger = unkept_ledger(PROGRAM, LONGEST)
    ledger.begin(planned.part, 0.0)
    for number in (1, 2):
        ledger.element(ElementBegan("open_circuit"))
        planned.course.began()
        ledger.row(row(number, 60.0 * number))
    ledger.part_ended(None)
    assert planned.course.next(ledger.seen()) is not None
    return Position(
        SAMPLE.id,
        PROGRAM.name,
        canonical_hash(to_json(PROGRAM)),
        began=1e9,
        token="t#2",
        parts=2,
        phase=Phase.STARTING,
        offset=121.0,
        cutting=False,
        next=4,
        elements=2,
        row=2,
        time=120.0,
        trace={},
        course=planned.course.as_json(),
        ledger=ledger.as_json(),
        rest=WHOLE.as_json(),
    )


def test_a_part_whose_start_was_under_way_counts_its_own_steps_when_it_is_taken_over(clock, left):
    planned = taken_over(TakeOver(SAMPLE, PROGRAM, {}), left, LONGEST)
    ledger = unkept_ledger(PROGRAM, LONGEST)
    ledger.restore(left.ledger, planned.part)
    cycler, said = Kept(), []
    flight = CycleFlight(
        planned,
        cycler,
        clock,
        "lane",
        Pace(60.0, 3600.0),
        ledger,
        began=left.began,
        say=lambda *event: said.append(event),
        changed=lambda: None,
        moved=lambda: None,
    )
    next(flight.fly())
    assert cycler.adopted == replace(left.mark, elements=0, time=-1.0)
    assert flight.phase is Phase.RUNNING
    assert (flight.position.elements, flight.position.row) == (1, 4)
