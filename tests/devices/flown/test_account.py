"""What is missing, or was not done in one go, is interrupted."""

from __future__ import annotations

import pytest

from devices.base import EVENT_COLUMNS, Column, RowStream
from devices.flown.account import FlightLog


@pytest.fixture
def log(clock):
    sources = {"": "device"}
    rows = RowStream("device_primary", "primary", {"site": Column("1", "integer")}, sources)
    return FlightLog(clock, rows, RowStream("device_events", "events", EVENT_COLUMNS, sources))


def test_a_flight_is_whole_when_all_was_done_in_one_go(log):
    log.begin(3)
    log.reached(3)
    log.conclude("completed")
    assert (log.flight.end_reason, log.flight.done, log.flight.interrupted) == ("completed", 3, False)


@pytest.mark.parametrize(("done", "held"), [(2, False), (3, True)])
def test_a_flight_is_interrupted_when_work_is_missing_or_it_was_held(log, done, held):
    log.begin(3)
    if held:
        log.interrupted()
    log.reached(done)
    log.conclude("stopped")
    assert log.flight.interrupted


def test_events_count_their_time_from_the_beginning(log, clock):
    clock.sleep(5.0)
    log.begin(1)
    clock.sleep(2.0)
    log.tell("hold", "warning", "held")
    (page,) = log._events.collect_pages()
    assert page["data"]["t"] == [2.0]


def test_a_row_may_have_a_label_of_its_own(log, clock):
    log.row({"site": 1}, at=7.0)
    log.row({"site": 2})
    (page,) = log._rows.collect_pages()
    assert page["time"] == [7.0, clock.time()]
