"""A potentiostat channel from program to rows: what is prepared, refused, started once and told."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from devices.bridges.lines import ReplyTo, pack, unpack
from devices.cycling.columns import PRIMARY_COLUMNS
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, Until
from devices.errors import InterlockError, LimitError, ProgramError
from devices.roles.hands import Bring
from devices.roles.potentiostat import CycleJob, Potentiostat
from devices.samples import SampleRef
from sim.twins.squidstat_channel import Accuracy
from tests.support.cells import CELL, CURRENT
from tests.support.channel import LIMITS, SAMPLE, Rig, cycles, rest, rows


def test_the_station_fits_its_role() -> None:
    rig = Rig()
    assert isinstance(rig.station, Potentiostat)
    assert set(rig.station.streams) == {"primary", "impedance", "steps", "cycles", "events"}
    assert list(rig.station.streams["primary"].columns) == list(PRIMARY_COLUMNS)


def test_a_program_becomes_rows_whose_charges_are_the_cells_own() -> None:
    rig = Rig()
    complete = rig.fly(cycles(2))
    assert complete.done
    assert complete.success
    state = CELL.current_step(CELL.fresh(), 0.0, 130.0).state
    passed = []
    for _ in range(2):
        for current, limit in (
            (CURRENT, {"upper": 4.2, "lower": 2.0}),
            (-CURRENT, {"lower": 3.0, "upper": 4.3}),
        ):
            segment = CELL.current_step(state, current, math.inf, **limit)
            passed.append((float(segment.charge[-1]) / 3600, float(segment.energy[-1]) / 3600))
            state = segment.state
        state = CELL.current_step(state, 0.0, 300.0).state
    steps, by_cycle = rows(rig.station.streams["steps"]), rows(rig.station.streams["cycles"])
    driven = [index for index, name in enumerate(steps["technique"]) if name == "constant_current"]
    assert [steps["charge"][i] for i in driven] == pytest.approx([charge for charge, _ in passed], rel=1e-6)
    assert [steps["energy"][i] for i in driven] == pytest.approx([energy for _, energy in passed], rel=2e-3)
    assert by_cycle["charge_capacity"] == pytest.approx([passed[0][0], passed[2][0]], rel=1e-6)
    assert by_cycle["discharge_capacity"] == pytest.approx([-passed[1][0], -passed[3][0]], rel=1e-6)
    assert by_cycle["efficiency"] == pytest.approx(
        [-passed[1][0] / passed[0][0], -passed[3][0] / passed[2][0]]
    )
    primary = rows(rig.station.streams["primary"])
    assert primary["charge"][-1] * 3600 == pytest.approx(rig.twin.charges[0][1], rel=1e-6)
    assert by_cycle["end_voltage_rest"][-1] == pytest.approx(primary["voltage"][-1], abs=1e-9)


def test_the_noise_of_a_row_does_not_show_in_the_charge() -> None:
    rig = Rig(accuracy=Accuracy())
    rig.fly(cycles(1))
    primary = rows(rig.station.streams["primary"])
    assert primary["charge"][-1] * 3600 == pytest.approx(rig.twin.charges[0][1], abs=1e-4 * 0.31)
    assert set(primary["flags"]) == {0}
    assert rig.station.flight().done == 4


def test_steps_tell_how_they_ended() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    steps = rows(rig.station.streams["steps"])
    assert steps["end_reason"] == ["duration", "voltage_above", "voltage_below", "duration"]
    assert steps["step_index"] == [0, 1, 2, 3]
    assert steps["flags"] == [0, 0, 0, 0]
    assert steps["t_start"][1:] == pytest.approx(steps["t_end"][:-1])
    flight = rig.station.flight()
    assert (flight.end_reason, flight.asked, flight.done, flight.interrupted) == ("completed", 4, 4, False)


def test_time_labels_and_ranges_stand_in_the_rows() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    primary = rows(rig.station.streams["primary"])
    offsets = np.subtract(primary["unix_time"], primary["test_time"])
    assert offsets == pytest.approx(1.75e9 + 10.0, abs=1e-6)
    assert set(zip(primary["step_index"], primary["range"], strict=True)) == {
        (0, -1),
        (1, 2),
        (2, 2),
        (3, -1),
    }
    assert primary["record"] == list(range(1, len(primary["record"]) + 1))


def test_the_hands_bring_the_cell_to_its_channel_first() -> None:
    rig = Rig(channel=2)
    rig.fly(cycles(1))
    assert rig.hands.tasks == [Bring(SAMPLE, "potentiostat/2")]
    assert rig.sent("start")[0]["channel"] == 2
    assert rig.station.flight().end_reason == "completed"


def test_what_the_channel_may_not_do_is_refused_before_the_wire() -> None:
    rig = Rig()
    wide = CellLimits(voltage_min=2.0, voltage_max=6.0, current_max=1e-3)
    strong = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=0.1)
    for limits in (wide, strong):
        with pytest.raises(LimitError):
            rig.station.prepare(CycleJob(SAMPLE, Program("p", (rest(1.0),), limits)))
    with pytest.raises(ProgramError):
        rig.station.prepare(CycleJob(SAMPLE, Program("p", (Loop((rest(1.0),), 70_000),), LIMITS)))
    assert rig.touched.requests == []
    assert rig.hands.tasks == []


def test_nothing_starts_twice_nor_unprepared() -> None:
    rig = Rig()
    with pytest.raises(InterlockError):
        rig.station.kickoff()
    with pytest.raises(InterlockError):
        rig.station.complete()
    rig.fly(cycles(1), until=1000.0)
    with pytest.raises(InterlockError):
        rig.station.kickoff()
    with pytest.raises(InterlockError):
        rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(1e5)
    with pytest.raises(InterlockError):
        rig.station.kickoff()
    assert len(rig.sent("start")) == 1


def test_a_busy_channel_of_an_earlier_session_is_refused() -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.station.close()
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(1010.0)
    assert isinstance(status.exception(), InterlockError)
    rig.station.safe()
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(1020.0)
    assert status.success


def test_the_baseline_asks_the_instrument() -> None:
    rig = Rig()
    rig.driver.identify()
    assert rig.station.read()["potentiostat_channels_busy"]["value"] == 0
    rig.fly(cycles(1), until=1000.0)
    reading = rig.station.read()
    assert reading["potentiostat_channels_busy"]["value"] == 1
    assert reading["potentiostat_channels_channels"]["value"] == 4
    assert set(rig.station.describe()) == set(reading)


def test_a_late_reply_is_not_taken_for_another() -> None:
    late, own = pack({"id": 6, "busy": True}), pack({"id": 7, "busy": False})
    buffer = bytearray(late + own + b"rest")
    assert unpack(ReplyTo(7).take(buffer) or b"")["busy"] is False
    assert buffer == b"rest"


def test_nothing_can_be_changed_where_nothing_runs() -> None:
    rig = Rig()
    with pytest.raises(InterlockError, match="nothing runs"):
        rig.station.change_times(3)


def test_a_step_that_asks_for_a_temperature_is_refused_without_a_chamber() -> None:
    rig = Rig()
    warm = replace(rest(60.0), temperature=333.0)
    with pytest.raises(ProgramError, match="no chamber"):
        rig.station.prepare(CycleJob(SAMPLE, Program("p", (warm,), LIMITS)))


def test_a_current_a_thousand_times_too_large_for_the_film_is_doubted_not_refused() -> None:
    rig = Rig()
    rig.fly(
        Program("p", (Step(ConstantCurrent(1e-2), Until(duration=1.0)),), CellLimits(2.0, 4.3, 1e-2)),
        until=200.0,
    )
    events = rows(rig.station.streams["events"])
    assert "doubt" in events["code"]
    assert "step 0" in events["text"][events["code"].index("doubt")]


@pytest.mark.parametrize(
    ("voltage", "words"), [(0.0, "no cell"), (-3.5, "reversed"), (4.5, "above"), (math.nan, "lead is open")]
)
def test_a_bad_contact_is_found_before_anything_is_uploaded(monkeypatch, voltage, words) -> None:
    rig = Rig()
    monkeypatch.setattr(rig.driver, "read_cell", lambda: voltage)
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    with pytest.raises(InterlockError, match=words):
        raise status.exception()
    assert not rig.sent("upload")


def test_another_cell_than_the_record_says_is_refused() -> None:
    class Records:
        def rest_voltage(self, sample: SampleRef) -> float:
            return 4.1

    rig = Rig(records=Records())
    status = rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    with pytest.raises(InterlockError, match="another cell"):
        raise status.exception()
