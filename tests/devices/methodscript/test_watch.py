"""A script that runs: stopped, in error, on a troubled link, off and on, where no files are kept."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from devices.cycling.cycler import ElementBegan, InstrumentAlarm
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Technique,
    Until,
    VoltageRamp,
)
from devices.errors import InstrumentError, WireError
from devices.methodscript.compile import SETTLING
from devices.ports import Fault, TwinPort
from tests.support.cells import CURRENT, RESTED, Foil, make_cell
from tests.support.emstat import (
    LANE,
    LONG,
    OCV,
    OFTEN,
    Deaf,
    Endpoint,
    Rig,
    alarms_of,
    ends_of,
    rows_of,
    stop_of,
)


@pytest.mark.parametrize(
    "step",
    [
        LONG,
        Step(ConstantVoltage(3.96), Until(duration=600.0)),
        Step(OpenCircuit(), Until(duration=600.0)),
        Step(VoltageRamp(3.94, 4.0, 1e-4)),
        Step(CurrentRamp(0.0, 6e-5, 1e-7)),
        Step(PotentiostaticImpedance(10.0, 0.01, 0.01)),
        Step(GalvanostaticImpedance(10.0, 0.01, 1e-6)),
        Step(ConstantPower(2e-4), Until(duration=600.0)),
    ],
    ids=lambda step: step.run.technique,
)
def test_a_stop_in_the_middle_opens_the_cell(step: Step) -> None:
    rig = Rig()
    first = rig.start(step, LONG)
    rig.after(100.0)
    assert rig.twin.cell_is_on != isinstance(step.run, OpenCircuit)
    assert rig.driver.stop() is True
    assert not rig.twin.cell_is_on
    records = rig.heard(first)
    assert stop_of(records).cause is EndReason.OPERATOR
    assert rig.driver.read_busy() == 0
    assert rig.driver.stop() is False
    rig.driver.safe()


def test_a_script_of_somebody_else_is_seen_and_can_be_stopped() -> None:
    rig = Rig()
    rig.twin.receive(b'e\nset_pgstat_mode 2\nset_e 3950m\ncell_on\nwait 1000\nsend_string "x"\n\n', 0.0)
    assert rig.driver.read_busy() == 1
    assert rig.driver.stop() is True
    assert not rig.twin.cell_is_on
    assert rig.heard() == []


def test_an_error_in_the_run_is_told_with_its_line_and_the_cell_is_opened() -> None:
    short = make_cell(leak_resistance=1e-3)  # 10 ohm
    rig = Rig(wired=Foil(short, RESTED))
    limits = CellLimits(-1.0, 4.0, 0.2)
    records = rig.run(Step(ConstantVoltage(3.9), Until(duration=100.0)), limits=limits)
    assert alarms_of(records)[-1] == "instrument_error"
    stopped = stop_of(records)
    assert stopped.cause is EndReason.INSTRUMENT_ERROR
    assert "0032" in stopped.reason
    assert "meas_loop_ca" in stopped.reason or "endloop" in stopped.reason
    assert not rig.twin.cell_is_on


class Falsified(Endpoint):
    """Says that no voltage can be read, from some time on."""

    def exchange(self, data: bytes) -> bytes:
        said = super().exchange(data)
        return re.sub(rb";ab[0-9A-F]{7}.", b";ab     nan", said) if self.clock.now() > 100.0 else said


@pytest.mark.parametrize("technique", [ConstantCurrent(CURRENT / 4), OpenCircuit()])
def test_readings_that_fail_for_good_stop_what_is_driven_and_no_rest(technique: Technique) -> None:
    rig = Rig()
    rig.driver.wire._port = TwinPort(Falsified(rig.twin, rig.clock), rig.clock, LANE)  # type: ignore[arg-type]
    records = rig.run(Step(technique, Until(duration=600.0), Record(interval=10.0)))
    assert alarms_of(records) == ["reading_failed"]
    driven = isinstance(technique, ConstantCurrent)
    assert stop_of(records).cause is (EndReason.INSTRUMENT_ERROR if driven else None)
    assert (len(rows_of(records)) == 61) != driven
    assert not rig.twin.cell_is_on


def test_a_power_cycle_in_a_run_is_reported_as_a_lost_run() -> None:
    rig = Rig()
    first = rig.start(LONG)
    rig.after(100.0)
    rig.twin.power_cycle(rig.clock.now())
    assert not rig.twin.cell_is_on
    rig.after(200.0)
    records = rig.heard(first)
    assert alarms_of(records) == ["run_lost"]
    assert len(rows_of(records)) == 4
    assert stop_of(records).cause is EndReason.INSTRUMENT_ERROR
    assert "switched off and on" in stop_of(records).reason
    assert ends_of(records) == []
    assert rig.driver.read_busy() == 0
    second = rig.driver._watch.book.next
    assert rig.start(LONG, token="t2") == second
    assert ends_of(rig.finish(second)) == [EndReason.DURATION]


def test_what_the_buffer_loses_shows_as_a_gap_where_no_files_are_kept() -> None:
    rig = Rig(storage=0)
    first = rig.start(Step(OpenCircuit(), Until(duration=1000.0), Record(interval=1.0)), LONG)
    rig.after(50.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(900.0)
    rig.clock.is_deaf = False
    records = rig.finish(first)
    assert "rows_gap" in alarms_of(records)
    assert ends_of(records) == [EndReason.DURATION, EndReason.DURATION]
    rows = rows_of(records)
    assert np.all(np.diff([row.time for row in rows]) > 0.0)
    (gap,) = [each.text for each in records if isinstance(each, InstrumentAlarm)]
    lost = np.diff([row.time for row in rows]).max() - 1.0
    low, high = (int(word) for word in gap.split() if word.isdigit())
    assert high - low + 1 == pytest.approx(lost, abs=2.0)


def test_a_gap_over_the_border_of_two_steps_says_which_step_follows() -> None:
    rig = Rig(storage=0)
    short = Step(OpenCircuit(), Until(duration=400.0), Record(interval=1.0))
    first = rig.start(short, short, short)
    rig.after(50.0)
    rig.clock.is_deaf = True
    rig.clock.run_until(1000.0)
    rig.clock.is_deaf = False
    records = rig.finish(first)
    assert len([each for each in records if isinstance(each, ElementBegan)]) == 3
    assert ends_of(records) == [EndReason.UNCLEAR, EndReason.UNCLEAR, EndReason.DURATION]
    assert stop_of(records).cause is None
    assert rows_of(records)[-1].time == pytest.approx(1200.0 + SETTLING, abs=11.0)


@pytest.mark.parametrize("seed", range(4))
def test_trouble_on_the_wire_doubles_nothing_and_hides_nothing(seed: int) -> None:
    chances = np.random.default_rng(seed)
    troubles = ("drop", "duplicate", "truncate", "garble", "disconnect")
    script = [None] * 4 + [
        Fault(troubles[chances.integers(5)], 0.01) if chances.random() < 0.2 else None for _ in range(400)
    ]
    rig = Rig(faults=script, seed=seed)
    first = rig.start(Step(OpenCircuit(), Until(duration=600.0), Record(interval=2.0)))
    while rig.clock.now() < 800.0:
        rig.clock.run_until(rig.clock.now() + 7.0)
        try:
            rig.heard(first)
        except (WireError, InstrumentError):
            continue
    records = rig.heard(first)
    rows = rows_of(records)
    times = [row.time for row in rows]
    assert times == sorted(set(times))
    assert len(times) == 301
    assert ends_of(records) == [EndReason.DURATION]


def test_a_link_that_was_gone_for_a_minute_loses_nothing() -> None:
    rig = Rig(faults=itertools.chain([None] * 9, [Fault("disconnect")] * 6))
    first = rig.start(Step(OpenCircuit(), Until(duration=600.0), Record(interval=5.0)))
    records = rig.finish(first)
    assert alarms_of(records) == []
    assert len(rows_of(records)) == 121
    assert ends_of(records) == [EndReason.DURATION]


def test_a_script_that_ends_in_a_silence_ends_for_its_own_reason_where_its_time_says_so() -> None:
    rig = Rig(storage=0)
    first = rig.start(LONG)
    Deaf(rig, 580.0, 640.0)
    records = rig.finish(first)
    assert alarms_of(records) == ["rows_gap"]
    assert ends_of(records) == [EndReason.DURATION]
    assert stop_of(records).cause is None


def test_a_script_that_ends_in_a_silence_before_its_time_has_no_known_reason() -> None:
    rig = Rig(storage=0)
    first = rig.start(Step(ConstantCurrent(CURRENT), Until(voltage_above=OCV + 0.1, duration=1e5)))
    Deaf(rig, 60.0, 5000.0)
    records = rig.finish(first)
    assert stop_of(records).cause is EndReason.UNCLEAR


def test_records_are_kept_until_they_are_asked_past() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=60.0), OFTEN))
    rig.after(100.0)
    page = rig.driver.records(first, 3)
    assert (page.first, len(page.records), page.next) == (1, 3, 17)
    assert rig.driver.records(first, 3) == page
    assert rig.driver.records(4, 100).records[0] == rig.driver.records(4, 1).records[0]
    with pytest.raises(InstrumentError, match="oldest left is 4"):
        rig.driver.records(1, 3)
