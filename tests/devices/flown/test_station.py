"""A prepared job is good for one flight; whatever ends it, all is made safe and its statuses end."""

from __future__ import annotations

import pytest

from devices.base import EVENT_COLUMNS
from devices.errors import InterlockError, LabError
from devices.flown.account import FlightLog
from devices.flown.station import FlownStation, tried
from devices.flown.underway import Underway
from devices.samples import Layer, SampleRef
from labctl.clock.virtual import VirtualClock

SAMPLE = SampleRef("s1", (Layer("Al", 100e-6),))


class Waits(Underway):
    """Lets ten seconds pass."""

    def poller(self, done):
        for _ in range(10):
            self._require_lease("it was ended")
            yield 1.0
        if self.end():
            done()


class Waiting(FlownStation):
    """Flies what waits, on no instruments; `unsafe` is what does not obey."""

    role = "Waiting"

    def __init__(self, clock, hands):
        super().__init__(name="waiting", clock=clock, lane="lane", instruments={}, hands=hands)
        events = self.add_stream("events", EVENT_COLUMNS)
        self._log = FlightLog(clock, events, events)
        self.unsafe = ""

    def prepare(self, sample):
        return self._prepared(sample, lambda: setattr(self, "_job", sample))

    def kickoff(self):
        job = self._taken("nothing waits")
        self._log.begin(1)
        clock = self.clock
        return self._fly(job, Waits(clock, clock.status("start", 60.0), clock.status("whole", 60.0)))

    def _made_safe(self):
        return self.unsafe


class Hands:
    """Brings at once."""

    def __init__(self, clock):
        self.clock = clock

    def set(self, task):
        status = self.clock.status("task", 10.0)
        status.set_finished()
        return status


@pytest.fixture
def station():
    clock = VirtualClock()
    yield Waiting(clock, Hands(clock))
    clock.close()


def kicked_off(station):
    status = station.prepare(SAMPLE)
    station.clock.sleep(0.1)
    assert status.success
    station.kickoff()
    return station.complete()


def events(station):
    return [code for page in station.streams["events"].collect_pages() for code in page["data"]["code"]]


def test_nothing_flies_without_a_prepared_job_and_one_is_good_once(station):
    with pytest.raises(LabError, match="was not prepared; nothing waits"):
        station.kickoff()
    with pytest.raises(LabError, match="was not kicked off"):
        station.complete()
    kicked_off(station)
    with pytest.raises(LabError, match="was not prepared"):
        station.kickoff()


def test_a_prepared_job_is_gone_after_a_stop(station):
    station.prepare(SAMPLE)
    station.clock.sleep(0.1)
    station.stop()
    with pytest.raises(LabError, match="was not prepared"):
        station.kickoff()


def test_a_preparation_that_was_called_off_sets_nothing(station):
    status = station.prepare(SAMPLE)
    station.stop()
    station.clock.sleep(0.1)
    with pytest.raises(InterlockError, match="called off"):
        raise status.exception(timeout=0)


def test_all_that_was_done_is_completed(station):
    whole = kicked_off(station)
    station.clock.sleep(11.0)
    assert whole.success
    assert station.flight().end_reason == "completed"


def test_a_lease_that_runs_out_fails_what_is_under_way(station):
    whole = kicked_off(station)
    station._flight._lease_until = station.clock.now() + 3.0
    station.clock.sleep(11.0)
    assert isinstance(whole.exception(timeout=0), InterlockError)
    assert events(station) == ["fault"]


def test_a_stop_ends_it_and_tells_it_once(station):
    whole = kicked_off(station)
    station.stop()
    station.safe()
    station.clock.sleep(11.0)
    assert whole.success
    assert station.flight().end_reason == "stopped"
    assert events(station) == ["stopped"]


def test_statuses_end_although_something_does_not_obey(station):
    whole = kicked_off(station)
    station.unsafe = "a valve hangs"
    with pytest.raises(LabError, match="a valve hangs"):
        station.safe()
    assert whole.success


def test_what_fails_does_not_keep_the_next_from_being_tried(clock):
    seen = []

    def hangs():
        raise LabError("it hangs")

    def breaks():
        raise RuntimeError("broken")

    said = tried(clock, (hangs, breaks, lambda: seen.append(1)))
    assert seen == [1]
    assert said.startswith("it hangs; ")
    assert "broken" in said
