"""What every make has to keep of the contract: starts that never act twice, refusals, words on a lost host."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from devices.cycling.cycler import ElementEnded, InstrumentAlarm, Job, RowTaken, RunStopped
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.errors import LimitError, OutcomeUnknown, Timeout, WireError

LIMITS = CellLimits(voltage_min=-1.0, voltage_max=4.3, current_max=1e-3)
REST = Step(OpenCircuit(), Until(duration=100.0), Record(interval=20.0))
SILENCE = 70.0
PLACES = (1, 2, 3, 5, 8, 13)
"""Before which of the writes of a start the link falls silent."""


class Gate:
    """A port that loses what is asked or what is answered, from one write on, for a time."""

    def __init__(self, port: Any, clock: Any, loses: str, place: int, lasts: float) -> None:
        self.port, self.clock, self.loses = port, clock, loses
        self.left, self.lasts, self.until = place, lasts, float("inf")

    @property
    def is_shut(self) -> bool:
        return self.left <= 0 and self.clock.now() < self.until

    def write(self, data: bytes) -> None:
        if data and self.until == float("inf"):
            self.left -= 1
            if self.left <= 0:
                self.until = self.clock.now() + self.lasts
        if not (self.is_shut and self.loses == "request"):
            self.port.write(data)

    def read(self, timeout: float) -> bytes:
        heard = self.port.read(timeout)
        return b"" if self.is_shut else heard

    def close(self) -> None:
        self.port.close()


def persevere(lab: Any, driver: Any, job: Job, again: bool) -> int:
    """Start as a station does that does not give up; what else is raised is a failure."""
    for _ in range(100):
        try:
            return int(driver.start(job.token))
        except Timeout:
            with suppress(WireError):
                if again:
                    driver.upload(job)
        except OutcomeUnknown:
            pass
        lab.clock.sleep(5.0)
    raise AssertionError("it never started")


def heard(lab: Any, driver: Any, since: int) -> list[Any]:
    """Return a run's records, when it is over."""
    records: list[Any] = []
    while not records or not isinstance(records[-1], RunStopped):
        lab.clock.sleep(20.0)
        page = driver.records(since + len(records), 1000)
        records += page.records
    return records


@pytest.mark.parametrize("loses", ["request", "reply"])
@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
def test_a_token_that_is_started_again_runs_once_and_is_answered_the_same(
    open_lab: Any, bench: str, loses: str
) -> None:
    lab = open_lab(bench)
    driver = lab.potentiostat.channels
    port, since = driver.wire._port, 1
    for number, place in enumerate(PLACES):
        lasts = (1.2, SILENCE)[number % 2]
        job = Job("t", (REST,), LIMITS, f"t{number}", 3600.0)
        driver.upload(job)
        driver.wire._port = Gate(port, lab.clock, loses, place, lasts)
        first = persevere(lab, driver, job, again=number % 3 == 0)
        assert first == since
        driver.wire._port = port
        records = heard(lab, driver, first)
        assert driver.start(job.token) == first, "what ran is answered the same"
        driver.upload(job)
        assert driver.start(job.token) == first
        assert driver.read_busy() == 0
        reasons = [each.reason for each in records if isinstance(each, ElementEnded)]
        assert reasons == ([] if bench == "twin" else [EndReason.DURATION]), "a Squidstat says none"
        assert sum(isinstance(each, RunStopped) for each in records) == 1
        times = [each.time for each in records if isinstance(each, RowTaken)]
        assert len(times) == len(set(times)) <= 6
        gaps = [each.code for each in records if isinstance(each, InstrumentAlarm)]
        assert len(times) == 6 or gaps
        since = first + len(records)


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
def test_a_duration_that_the_instrument_does_not_take_is_refused_before(open_lab: Any, bench: str) -> None:
    driver = open_lab(bench).potentiostat.channels
    short = Step(ConstantCurrent(1e-5), Until(duration=1e-6), Record(interval=20.0))
    with pytest.raises(LimitError, match=r"until\.duration"):
        driver.check(Program("p", (REST, short), LIMITS))


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
def test_what_becomes_of_a_lost_host_is_said(open_lab: Any, bench: str) -> None:
    driver = open_lab(bench).potentiostat.channels
    kept, opened = (driver.remarks(Program("p", (REST,), LIMITS, policy)) for policy in ("keep", "open"))
    assert len(set(opened) - set(kept)) == 1
    assert driver.without_host
