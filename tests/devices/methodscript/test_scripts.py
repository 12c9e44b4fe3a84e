"""A script starts once, whatever is lost on the link, and is taken over by its own token only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from devices.cycling.cycler import Job, Mark
from devices.cycling.ends import EndReason
from devices.cycling.position import NOWHERE
from devices.cycling.programs import Step
from devices.cycling.techniques import ConstantCurrent, Record, Until
from devices.errors import InstrumentError, OutcomeUnknown, Timeout
from devices.ports import Fault
from tests.support.cells import CURRENT
from tests.support.emstat import LIMITS, LONG, Rig, alarms_of, ends_of, rows_of, stop_of


def test_a_token_starts_once() -> None:
    rig = Rig()
    assert rig.start(LONG) == 1
    assert rig.driver.read_busy() == 1
    assert rig.driver.start("t1") == 1
    rig.driver.upload(Job("job", (LONG,), LIMITS, "t1", 1e5))
    assert rig.driver.start("t1") == 1
    with pytest.raises(InstrumentError, match="not what was uploaded"):
        rig.driver.start("t2")
    with pytest.raises(InstrumentError, match="busy"):
        rig.driver.upload(Job("job", (LONG,), LIMITS, "t2", 1e5))
    assert [event for _, event, _ in rig.twin.log].count(
        "started"
    ) == 2  # an empty script asks whether it is idle


def test_a_script_that_the_instrument_refuses_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.twins.palmsens_emstat4.SCRIPT_MEMORY", 1000)
    rig = Rig()
    with pytest.raises(InstrumentError, match=r"4005: the script is too large .* \(file_close\)"):
        rig.start(LONG)
    assert rig.driver.read_busy() == 0
    assert rig.heard() == []


def test_the_reply_to_a_start_may_be_lost() -> None:
    rig = Rig(faults=[None, None, None, Fault("drop")])
    assert rig.start(LONG) == 1
    records = rig.finish()
    assert ends_of(records) == [EndReason.DURATION]
    assert len([each for _, each, text in rig.twin.log if each == "started" and "4 lines" not in text]) >= 1


def test_a_start_that_did_not_arrive_is_known_not_to_run() -> None:
    rig = Rig(faults=[None, None, None, Fault("ignore")])
    with pytest.raises(Timeout, match="nothing runs"):
        rig.start(LONG)
    assert rig.driver.read_busy() == 0
    assert not rig.twin.cell_is_on
    rig.start(LONG, token="t2")
    assert ends_of(rig.finish()) == [EndReason.DURATION]


class Torn:
    """A port that loses the end of one long request."""

    def __init__(self, port: Any, keep: int) -> None:
        self.port, self.keep = port, keep
        self.read, self.close = port.read, port.close

    def write(self, data: bytes) -> None:
        if len(data) > 500 and self.keep:
            data, self.keep = data[: self.keep], 0
        self.port.write(data)


@pytest.mark.parametrize("keep", [3, 100, 700, -1, -12])
def test_a_script_that_arrived_in_part_does_not_run(keep: int) -> None:
    rig = Rig()
    rig.driver.wire._port = Torn(rig.driver.wire._port, keep)  # type: ignore[assignment]
    with pytest.raises(Timeout, match="nothing runs"):
        rig.start(LONG)
    assert not rig.twin.cell_is_on
    assert rig.driver.read_busy() == 0


def test_silence_after_a_start_leaves_its_outcome_unknown() -> None:
    rig = Rig(faults=[None, None, None, *[Fault("drop")] * 50])
    with pytest.raises(OutcomeUnknown):
        rig.start(LONG)
    while True:
        rig.after(1.0)
        try:
            first = rig.driver.start("t1")
        except OutcomeUnknown:
            continue
        break
    assert ends_of(rig.finish(first)) == [EndReason.DURATION]
    assert sum(what == "started" and not text.startswith("0 ") for _, what, text in rig.twin.log) == 1


def test_a_start_that_was_lost_in_a_long_silence_is_sent_again_and_said() -> None:
    rig = Rig(faults=[None, None, None, *[Fault("ignore")] * 50])
    with pytest.raises(OutcomeUnknown):
        rig.start(LONG)
    first = 0
    while not first:
        rig.after(1.0)
        with suppress(OutcomeUnknown):
            first = rig.driver.start("t1")
    records = rig.finish(first)
    assert alarms_of(records) == ["started_again"]
    assert ends_of(records) == [EndReason.DURATION]


HOUR = Step(ConstantCurrent(CURRENT / 10), Until(duration=3600.0), Record(interval=2.0))


def adopted(rig: Rig, token: str, mark: Mark = NOWHERE, step: Step = HOUR) -> int:
    return rig.driver.adopt(Job("job", (step,), LIMITS, token, 30 * 86400.0), mark)


def test_a_script_that_runs_is_taken_over_by_its_token_and_all_its_rows_come() -> None:
    rig = Rig()
    rig.start(HOUR)
    rig.after(100.0)
    rig.succeeded()
    first = adopted(rig, "t1")
    records = rig.finish(first)
    assert len(rows_of(records)) == 1801
    assert ends_of(records) == [EndReason.DURATION]


def test_another_programs_script_is_not_taken_over_and_goes_on() -> None:
    rig = Rig()
    rig.start(HOUR)
    rig.after(100.0)
    rig.succeeded()
    with pytest.raises(InstrumentError, match=r"not that of t2.*nothing was changed"):
        adopted(rig, "t2")
    assert rig.driver.read_busy() == 1
    assert rig.twin.log[-1][1:] != ("cell", "off")
    assert len(rows_of(rig.finish(adopted(rig, "t1")))) == 1801


def test_another_programs_script_that_is_heard_late_ends_the_taking_over_and_goes_on() -> None:
    slow = Step(ConstantCurrent(CURRENT / 10), Until(duration=3600.0), Record(interval=120.0))
    rig = Rig()
    rig.start(slow)
    rig.after(200.0)
    rig.succeeded()
    first = adopted(rig, "t2", step=slow)
    rig.after(300.0)
    records = rig.heard(first)
    assert alarms_of(records) == ["another_script"]
    assert stop_of(records).cause is EndReason.INSTRUMENT_ERROR
    assert rig.driver.read_busy() == 1
    assert len(rows_of(rig.finish(adopted(rig, "t1", step=slow)))) == 31


def test_the_file_of_another_program_is_not_taken_for_ones_own() -> None:
    rig = Rig()
    rig.start(replace(HOUR, until=Until(duration=60.0)))
    rig.succeeded()
    rig.clock.run_until(200.0)
    with pytest.raises(InstrumentError, match="no file of it"):
        adopted(rig, "t2")
    assert len(rig.twin.storage.files) == 1
