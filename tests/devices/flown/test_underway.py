"""It lives while a plan renews its lease, stands still when held, and ends once."""

from __future__ import annotations

import pytest

from devices.errors import InterlockError
from devices.flown.underway import LEASE, Underway, finish


@pytest.fixture
def flight(clock):
    return Underway(clock, clock.status("start", 1.0), clock.status("whole", 1.0))


def test_a_lease_runs_out_unless_it_is_renewed(flight, clock):
    clock.sleep(LEASE - 1.0)
    flight.renew_lease()
    clock.sleep(LEASE)
    flight._require_lease("nothing was done")
    clock.sleep(1.0)
    with pytest.raises(InterlockError, match="no live plan was heard of for 15 s; nothing was done"):
        flight._require_lease("nothing was done")


def test_what_was_resumed_waits_for_a_live_plan(flight):
    assert flight.pause()
    assert not flight.pause()
    flight.resume()
    flight.hold_lease()
    assert flight.is_held
    assert not flight.paused
    flight.renew_lease()
    assert not flight.is_held


def test_it_ends_once(flight):
    assert flight.end()
    assert not flight.end()
    assert flight.is_over


def test_statuses_end_once_and_keep_their_first_end(flight):
    finish(flight.started)
    flight.finish(RuntimeError("stopped"))
    flight.finish(None)
    flight.started.wait(1.0)
    with pytest.raises(RuntimeError, match="stopped"):
        flight.finished.wait(1.0)
