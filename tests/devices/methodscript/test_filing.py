"""What a silent link lost is read from the instrument's file, and the file goes when its rows were collected."""

from __future__ import annotations

import numpy as np
import pytest

from devices.cycling.ends import EndReason
from devices.cycling.programs import Step
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Record, Until
from devices.errors import InstrumentError
from devices.instruments.palmsens_emstat4 import OUTPUT_BUFFER
from devices.methodscript.compile import SETTLING
from tests.support.cells import CURRENT
from tests.support.emstat import LONG, OCV, Deaf, Rig, alarms_of, ends_of, rows_of, stop_of


@pytest.mark.parametrize(
    ("silence", "interval"),
    [
        *((60.0, 1.0), (600.0, 1.0), (3600.0, 1.0), (60.0, 0.1), (600.0, 0.1)),
        pytest.param(3600.0, 0.1, marks=pytest.mark.slow),
    ],
)
def test_a_silent_link_loses_no_row_and_none_comes_twice(silence: float, interval: float) -> None:
    rig = Rig()
    lasts = silence + 100.0
    first = rig.start(
        Step(OpenCircuit(), Until(duration=lasts), Record(interval=interval)),
        Step(ConstantCurrent(CURRENT), Until(duration=60.0)),
    )
    rig.after(20.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(rig.clock.now() + silence)
    rig.clock.is_deaf = False
    records = rig.finish(first)
    rows = rows_of(records)
    rest = [row.time - SETTLING for row in rows if row.current == 0.0]
    assert len(rest) == round(lasts / interval) + 1
    assert rest == pytest.approx(np.append(0.0, np.arange(1, len(rest)) * interval), abs=0.6 * interval)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert ends_of(records) == [EndReason.DURATION, EndReason.DURATION]
    assert stop_of(records).cause is None
    lost = silence / interval > OUTPUT_BUFFER / 45
    assert alarms_of(records) == (["rows_held", "recovered"] if lost else [])


@pytest.mark.parametrize("seed", range(8))
def test_a_link_that_is_lost_at_any_moment_loses_no_row(seed: int) -> None:
    chances = np.random.default_rng(seed)
    rig = Rig()
    first = rig.start(
        Step(ConstantCurrent(CURRENT), Until(duration=300.0), Record(interval=1.0)),
        Step(OpenCircuit(), Until(duration=300.0), Record(interval=1.0)),
    )
    since = rig.clock.now() + float(chances.uniform(0.0, 620.0))
    Deaf(rig, since, since + float(10.0 ** chances.uniform(0.0, 3.5)))
    records = rig.finish(first)
    assert [row.number for row in rows_of(records)] == list(range(1, 603))
    assert ends_of(records) == [EndReason.DURATION, EndReason.DURATION]
    assert stop_of(records).cause is None


def test_a_limit_that_was_met_in_a_silence_is_told_and_its_rows_come() -> None:
    rig = Rig()
    first = rig.start(Step(ConstantCurrent(CURRENT), Until(voltage_above=OCV + 0.1, duration=1e5)))
    Deaf(rig, 60.0, 5000.0)
    records = rig.finish(first)
    assert ends_of(records) == [EndReason.VOLTAGE_ABOVE]
    assert stop_of(records).cause is None
    assert rows_of(records)[-1].voltage == pytest.approx(OCV + 0.1, abs=5e-3)


def test_a_file_is_deleted_when_its_last_record_is_acknowledged() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=60.0)))
    records = rig.finish(first)
    assert len(rig.twin.storage.files) == 1
    assert rig.driver.records(first + len(records), 0).records == ()
    assert not rig.twin.storage.files


def test_rows_that_were_held_come_with_a_stop() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=1e5), Record(interval=0.1)))
    rig.after(5.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(200.0)
    rig.clock.is_deaf = False
    rig.after(50.0)
    assert len(rows_of(rig.heard(first))) < 400
    assert rig.driver.stop() is True
    records = rig.heard(first)
    assert stop_of(records).cause is EndReason.OPERATOR
    assert len(rows_of(records)) == pytest.approx(2470, abs=2)


def test_a_power_cycle_in_a_silence_loses_only_what_was_not_yet_in_the_file() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=1e5), Record(interval=0.1)))
    rig.after(5.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(500.0)
    rig.twin.power_cycle(rig.clock.now())
    rig.clock.is_deaf = False
    rig.after(60.0)
    records = rig.heard(first)
    assert len(rows_of(records)) > 4900
    assert stop_of(records).cause is EndReason.INSTRUMENT_ERROR


def test_a_storage_without_room_for_a_day_of_rows_is_refused() -> None:
    rig = Rig(storage=6_000_000)
    with pytest.raises(InstrumentError, match="are free"):
        rig.start(LONG)
    assert rig.driver.delete_files() == 0


def test_a_file_that_is_full_takes_no_more_and_the_script_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.methodscript.filing.LEAST_ROOM", 0)
    rig = Rig(storage=40_000)
    records = rig.run(Step(OpenCircuit(), Until(duration=1000.0), Record(interval=1.0)))
    assert len(rows_of(records)) == 1001
    assert rig.twin.storage.used < 40_000
    assert alarms_of(records) == []
