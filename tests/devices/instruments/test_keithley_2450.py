"""The SourceMeter as a cycler: driver and twin against the cell's own physics, and with trouble on the wire."""

from __future__ import annotations

import itertools
import math
import socket
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.cycling.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Job,
    Mark,
    RowTaken,
    RunStopped,
)
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)
from devices.errors import (
    InstrumentError,
    LabError,
    LimitError,
    OutcomeUnknown,
    OwnershipError,
    ProgramError,
    Timeout,
    WireError,
)
from devices.instruments import keithley_2450
from devices.instruments.keithley_2450 import Keithley2450
from devices.ports import Fault, FaultyPort, Pair, SerialPort, TranscriptPort, random_faults
from devices.sourcemeter import trigger
from devices.wire import Wire
from sim.physics.cell.cell import Cell, CellState
from sim.physics.cell.control import Control, Current, Voltage
from sim.physics.cell.control import Record as Rows
from sim.physics.cell.control import Until as Ends
from tests.support.cells import CELL, CURRENT, HALF, Foil
from tests.support.lane_clock import LaneClock
from tests.support.sourcemeter import LIMITS, LONGEST, Bench

TRANSCRIPT = Path(__file__).parents[2] / "transcripts" / "keithley_2450.toml"
DIGIT = 0.51e-5  # V: half the resolution of the 20 V range
OCV = round(CELL.voltage(HALF, 0.0), 6)


def rows_of(records: list[Any]) -> list[RowTaken]:
    return [each for each in records if isinstance(each, RowTaken)]


def reasons_of(records: list[Any]) -> list[EndReason]:
    return [each.reason for each in records if isinstance(each, ElementEnded)]


def steps_of(records: list[Any]) -> Iterator[list[RowTaken]]:
    """Yield the rows of each step."""
    rows: list[RowTaken] = []
    for record in records:
        if isinstance(record, RowTaken):
            rows.append(record)
        elif isinstance(record, ElementEnded):
            yield rows
            rows = []


def driven(bench: Bench) -> list[tuple[float, float]]:
    """Return when the output was on for longer than a look."""
    switched = [(time, words) for time, words in bench.happened("output")]
    pairs = zip(switched[::2], switched[1::2], strict=True)
    return [(on, off) for (on, _), (off, _) in pairs if off > on]


Parts = list[tuple[Control, Ends]]


def law(state: CellState, parts: Parts, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return voltage and current at times since the start, the parts of a control one after the other."""
    volts, amperes = np.full_like(times, np.nan), np.full_like(times, np.nan)
    began = 0.0
    for control, until in parts:
        here = np.flatnonzero(np.isnan(volts))
        asked = times[here] - began
        segment = CELL.step(state, control, until, Rows(times=tuple(asked.tolist())))
        inside = asked <= segment.time[-1]
        volts[here[inside]] = np.interp(asked[inside], segment.time, segment.voltage)
        amperes[here[inside]] = np.interp(asked[inside], segment.time, segment.current)
        state, began = segment.state, began + float(segment.time[-1])
    return volts, amperes


def after(state: CellState, parts: Parts, lasts: float) -> CellState:
    """Return the cell after so many seconds of a control."""
    for control, until in parts:
        segment = CELL.step(state, control, replace(until, duration=min(until.duration, lasts)))
        state, lasts = segment.state, lasts - float(segment.time[-1])
        if lasts <= 0.0:
            break
    return state


def times_of(rows: list[RowTaken], row_time: float) -> np.ndarray:
    """Return when rows were taken since the output went on: the first is there after its own measuring time."""
    return np.array([row.time - rows[0].time + row_time for row in rows])


def rested(state: CellState, dt: float) -> CellState:
    return CELL.current_step(state, 0.0, dt).state if dt > 0 else state


CYCLE = (
    Step(OpenCircuit(), Until(duration=65.0), Record(interval=20.0)),
    Step(ConstantCurrent(CURRENT), Until(voltage_above=4.1), Record(interval=30.0)),
    Step(ConstantVoltage(4.1), Until(current_below=2e-5), Record(interval=10.0)),
    Step(ConstantCurrent(-CURRENT), Until(voltage_below=3.0), Record(interval=30.0)),
)


def test_rest_charge_hold_and_discharge_are_the_cells_own_physics() -> None:
    bench = Bench()
    records = bench.fly(*CYCLE)
    assert reasons_of(records) == ["duration", "voltage_above", "current_below", "voltage_below"]
    assert records[-1] == RunStopped("all steps are through", None)
    controls: list[list[tuple[Control, Ends]]] = [
        [(Current(0.0), Ends(duration=70.0))],
        [(Current(CURRENT), Ends(upper=4.1)), (Voltage(4.1), Ends(duration=60.0))],
        [(Voltage(4.1), Ends(duration=3600.0))],
        [(Current(-CURRENT), Ends(lower=3.0)), (Voltage(3.0), Ends(duration=60.0))],
    ]
    state, at = HALF, 0.0
    for rows, (on, off), parts in zip(steps_of(records), driven(bench), controls, strict=True):
        state = rested(state, on - at)
        times = times_of(rows, bench.twin.row_time)
        volts, amperes = law(state, parts, times)
        assert [row.voltage for row in rows] == pytest.approx(volts, abs=DIGIT)
        assert [row.current for row in rows] == pytest.approx(amperes, abs=1e-9)
        if len(parts) == 2:
            met = float(CELL.step(state, *parts[0]).time[-1])
            assert times[-2] <= met <= times[-1], "the end is the first row at or after the law's"
        state, at = after(state, parts, off - on), off
    assert [row.number for row in rows_of(records)] == list(range(1, len(rows_of(records)) + 1))


def test_a_hold_that_begins_far_away_rides_the_cells_largest_current_and_never_passes_it() -> None:
    limits = CellLimits(2.0, 4.3, 2e-4)
    step = Step(ConstantVoltage(4.1), Until(current_below=5e-5), Record(interval=5.0))
    bench = Bench()
    records = bench.fly(step, limits=limits)
    rows = rows_of(records)
    times = times_of(rows, bench.twin.row_time)
    volts, amperes = law(
        HALF, [(Current(2e-4), Ends(upper=4.1)), (Voltage(4.1), Ends(duration=3600.0))], times
    )
    assert [row.voltage for row in rows] == pytest.approx(volts, abs=DIGIT)
    assert [row.current for row in rows] == pytest.approx(amperes, abs=1e-9)
    assert reasons_of(records) == ["current_below"]
    assert max(row.current for row in rows) == pytest.approx(2e-4)


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
@pytest.mark.parametrize("way", [0.02, -0.02])
def test_the_rows_of_a_ramp_lie_on_it_and_their_charge_is_what_passed(rate: float, way: float) -> None:
    rest = CELL.voltage(HALF, 0.0)
    ramp = VoltageRamp(rest, rest + way, rate)
    bench = Bench()
    records = bench.fly(
        Step(ramp, Until(), Record(interval=0.2)), limits=CellLimits(2.0, 4.3, 1e-3), until=60.0
    )
    rows = rows_of(records)
    assert reasons_of(records) == ["swept"]
    ((on, off),) = driven(bench)
    assert off - on == pytest.approx(ramp.duration)
    first, *middles, last = rows
    assert (last.time - first.time) == pytest.approx(ramp.duration - bench.twin.row_time)
    times = np.array([row.time - first.time + bench.twin.row_time for row in middles])
    state = rested(HALF, on)
    volts, amperes = law(
        state, [(Voltage(rest, math.copysign(rate, way)), Ends(duration=ramp.duration))], times
    )
    assert [row.voltage for row in middles] == pytest.approx(volts, abs=DIGIT)
    late = times > 0.5 * ramp.duration
    assert np.array([row.current for row in middles])[late] == pytest.approx(amperes[late], rel=2e-3)
    assert sum(row.charge for row in rows) == pytest.approx(bench.twin.charge, rel=2e-3)


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (Until(charge=0.03, duration=3600.0), EndReason.CHARGE),
        (Until(energy=0.1, duration=3600.0), EndReason.ENERGY),
        (Until(duration=333.0), EndReason.DURATION),
        (Until(voltage_above=4.2), EndReason.VOLTAGE_ABOVE),
        (Until(voltage_above=4.2, duration=100.0), EndReason.DURATION),
    ],
)
def test_each_end_is_the_laws_within_a_row(until: Until, reason: EndReason) -> None:
    bench = Bench()
    records = bench.fly(Step(ConstantCurrent(CURRENT), until, Record(interval=10.0)))
    assert reasons_of(records) == [reason]
    rows = rows_of(records)
    lasted = rows[-1].time - rows[0].time
    segment = CELL.current_step(
        HALF, CURRENT, until.duration or 1e5, upper=until.voltage_above, sample_interval=1.0
    )
    laws = {
        EndReason.CHARGE: 0.03 / CURRENT,
        EndReason.ENERGY: float(np.interp(0.1, segment.energy, segment.time)),
        EndReason.DURATION: until.duration or 0.0,
        EndReason.VOLTAGE_ABOVE: float(segment.time[-1]),
    }
    assert laws[reason] - 0.05 <= lasted <= laws[reason] + 10.05
    if reason is EndReason.DURATION:
        assert lasted == pytest.approx(until.duration, abs=1e-6)


def test_a_rest_ends_by_its_rate_when_the_cell_has_come_to_rest() -> None:
    bench = Bench(noise=1.0)
    step = Step(OpenCircuit(), Until(voltage_rate_below=2e-5), Record(interval=5.0))
    records = bench.fly(Step(ConstantCurrent(CURRENT), Until(duration=100.0), Record(interval=10.0)), step)
    assert reasons_of(records) == ["duration", "voltage_rate_below"]
    rows = list(steps_of(records))[1]
    state = CELL.current_step(HALF, CURRENT, 100.09).state
    law_end = float(CELL.step(state, Current(0.0), Ends(voltage_rate=2e-5)).time[-1])
    assert rows[-1].time - rows[0].time == pytest.approx(law_end, abs=10.0)


def test_what_the_rows_say_passed_is_what_passed() -> None:
    bench = Bench(noise=1.0)
    rows = list(steps_of(bench.fly(Loop(CYCLE[1:2] + CYCLE[3:], 2))))
    passed = [float(np.trapezoid([r.current for r in each], [r.time for r in each])) for each in rows]
    assert sum(passed) == pytest.approx(bench.twin.charge, abs=2e-3 * sum(abs(part) for part in passed))
    assert passed[1] == pytest.approx(-passed[2], rel=0.02)


@pytest.mark.parametrize("interval", [2.0, 30.0])
@pytest.mark.parametrize(
    "run",
    [VoltageRamp(OCV, OCV + 0.02, 2e-4), VoltageRamp(OCV, OCV - 0.04, 1e-3), ConstantVoltage(3.96)],
    ids=str,
)
def test_the_charge_of_what_moves_is_that_of_its_samples_however_seldom_rows_are(
    run: Any, interval: float
) -> None:
    bench = Bench()
    records = bench.fly(Step(run, Until(duration=900.0), Record(interval=interval)))
    rows = rows_of(records)
    assert len(rows) <= 900.0 / interval + 3
    assert sum(row.charge for row in rows) == pytest.approx(bench.twin.charge, rel=5e-4)


def test_an_empty_film_that_is_held_takes_no_current_and_its_leads_are_not_open() -> None:
    empty = Cell(replace(CELL.parameters, active_share=(1e-7,) * 20))
    bench = Bench(foil=Foil(empty, empty.fresh()))
    records = bench.fly(Step(ConstantVoltage(4.1), Until(current_below=1e-6, duration=60.0)))
    assert reasons_of(records) == ["current_below"]


def test_neither_voltage_nor_current_ever_leaves_the_limits() -> None:
    limits = CellLimits(3.0, 4.05, 1e-4)
    steps = (
        Step(ConstantCurrent(CURRENT), Until(duration=5000.0), Record(interval=600.0)),
        Step(ConstantCurrent(-CURRENT), Until(duration=5000.0), Record(interval=600.0)),
    )
    bench = Bench()
    records = bench.fly(*steps, limits=limits)
    assert reasons_of(records) == ["safety_voltage_max"]
    assert records[-1].cause is EndReason.SAFETY_VOLTAGE_MAX
    assert max(row.voltage for row in rows_of(records)) <= 4.05 + DIGIT
    assert bench.twin.receive(b"OUTP?;:SOUR:VOLT:PROT?\n", bench.clock.now()) == b"0;PROT5\n"
    assert "safety" in records[-1].reason


def test_a_step_whose_end_lies_behind_the_cell_drives_nothing() -> None:
    bench = Bench()
    records = bench.fly(
        Step(ConstantCurrent(CURRENT), Until(voltage_above=3.5)),
        Step(ConstantCurrent(-CURRENT), Until(voltage_below=4.0)),
    )
    assert reasons_of(records) == ["voltage_above", "voltage_below"]
    assert [row.current for row in rows_of(records)] == [0.0, 0.0]
    assert rows_of(records)[0].voltage == pytest.approx(CELL.voltage(HALF, 0.0), abs=DIGIT)
    assert driven(bench) == []
    assert bench.twin.charge == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "run",
    [
        ConstantPower(1e-4),
        ConstantResistance(1e4),
        CurrentRamp(0.0, 1e-4, 1e-6),
        PotentiostaticImpedance(1e5, 1.0, 0.01),
        GalvanostaticImpedance(1e5, 1.0, 1e-6),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_sentence_that_says_what_it_can(run: Any) -> None:
    until = Until() if "impedance" in run.technique or isinstance(run, CurrentRamp) else Until(duration=10.0)
    program = Program("t", (Step(OpenCircuit(), Until(duration=1.0)), Step(run, until)), LIMITS)
    with pytest.raises(
        ProgramError, match=r"step 1: .*it does open circuit, constant current, constant voltage"
    ):
        Bench().device.check(program)


@pytest.mark.parametrize(
    ("step", "limits"),
    [
        (Step(ConstantCurrent(5e-9), Until(duration=9.0)), LIMITS),
        (Step(OpenCircuit(), Until(duration=9.0), Record(interval=0.05)), LIMITS),
        (Step(ConstantVoltage(4.0), Until(current_below=1e-7)), LIMITS),
        (Step(VoltageRamp(3.0, 4.0, 0.2)), LIMITS),
        (Step(OpenCircuit(), Until(duration=9.0)), CellLimits(2.0, 4.3, 1.5)),
    ],
)
def test_what_is_out_of_range_is_refused_before_the_wire(step: Step, limits: CellLimits) -> None:
    bench = Bench()
    bench.cable.cut = True
    with pytest.raises(LimitError):
        bench.device.check(Program("t", (step,), limits))
    assert bench.clock.now() == 0.0


def test_it_says_what_a_lost_host_means_and_what_it_does_otherwise() -> None:
    program = Program("t", (*CYCLE, Step(VoltageRamp(3.0, 4.0, 1e-3))), LIMITS)
    said = "\n".join(Bench().device.remarks(program))
    for words in (
        "without it the step under way",
        "one row interval",
        "staircase of 5000 stairs of 0.2 mV",
        "limits.current_max",
    ):
        assert words in said


def test_ranges_are_those_that_hold_the_step() -> None:
    bench = Bench()
    bench.begin(*CYCLE)
    assert [bench.device.range_of(step) for step in CYCLE] == [-1, 4, 5, 4]


# The host, away and gone.


def test_a_host_that_is_silent_for_a_minute_loses_no_row_and_doubles_none() -> None:
    step = Step(ConstantCurrent(CURRENT), Until(duration=600.0), Record(interval=1.0))
    quiet, cut = Bench(), Bench()
    expected = rows_of(quiet.fly(step, until=700.0))
    cut.begin(step)
    cut.clock.run_until(100.3)
    cut.cable.cut = True
    cut.clock.run_until(160.3)
    cut.listen()
    with pytest.raises(WireError):
        cut.listen()
    cut.cable.cut = False
    cut.clock.run_until(700.0)
    rows = rows_of(cut.listen())
    assert [row.time for row in rows] == pytest.approx([row.time for row in expected])
    assert [row.voltage for row in rows] == pytest.approx([row.voltage for row in expected], abs=2 * DIGIT)
    assert [row.number for row in rows] == list(range(1, 602))


def test_an_end_that_a_row_showed_while_nobody_looked_stays_the_end() -> None:
    volts = CELL.voltage(HALF, 0.0) + 0.01
    law = CELL.step(HALF, Voltage(volts), Ends(duration=90.0)).current
    bound = float(0.5 * (law[0] + law[-1]))
    step = Step(ConstantVoltage(volts), Until(current_above=bound, duration=100.0), Record(interval=1.0))
    bench = Bench()
    bench.begin(step)
    bench.cable.cut = True
    bench.clock.run_until(90.0)
    bench.cable.cut = False
    bench.clock.run_until(95.0)
    records = bench.listen()
    assert rows_of(records)[0].current > bound > rows_of(records)[-1].current
    assert reasons_of(records) == ["current_above"]
    assert len(rows_of(records)) > 90, "what flowed after the end is in the rows"


def test_a_step_that_ends_while_the_link_is_silent_goes_on_when_it_is_back() -> None:
    steps = (
        Step(ConstantCurrent(CURRENT), Until(duration=60.0), Record(interval=10.0)),
        Step(OpenCircuit(), Until(duration=60.0), Record(interval=10.0)),
    )
    bench = Bench()
    bench.begin(*steps)
    bench.clock.run_until(30.0)
    bench.cable.cut = True
    bench.wait_until(200.0)
    assert driven(bench) == [(0.0, pytest.approx(60.04))], "the output went off at the step's duration"
    bench.cable.cut = False
    bench.wait_until(400.0)
    records = bench.listen()
    assert reasons_of(records) == ["duration", "duration"]
    assert len(rows_of(records)) == 14
    assert rows_of(records)[7].time > 199.0


@pytest.mark.parametrize(
    ("step", "off"),
    [
        (Step(ConstantCurrent(CURRENT), Until(duration=95.0), Record(interval=10.0)), 95.04),
        (Step(ConstantCurrent(CURRENT), Until(voltage_above=4.2), Record(interval=30.0)), 7200.04),
        (Step(ConstantVoltage(4.0), Until(current_below=1e-6), Record(interval=7.0)), 7200.04),
        (Step(OpenCircuit(), Until(duration=0.5), Record(interval=30.0)), 0.54),
        (Step(OpenCircuit(), Until(duration=95_000.0), Record(interval=70_000.0)), 95_000.04),
        (Step(OpenCircuit(), Until(duration=12.05), Record(interval=4.0)), 12.09),
        (Step(VoltageRamp(3.9, 4.0, 1e-3), Until(), Record(interval=10.0)), 100.04),
    ],
)
def test_a_dead_host_leaves_the_output_off_at_the_steps_bound(step: Step, off: float) -> None:
    bench = Bench()
    bench.begin(step, limits=CellLimits(2.0, 4.3, 5e-4), longest=7200.0)
    bench.clock.close()
    bench.twin.advance(100_000.0)
    assert driven(bench) == [(pytest.approx(0.0, abs=0.05), pytest.approx(off, abs=0.02))]
    before = bench.twin.charge
    bench.twin.advance(200_000.0)
    bench.twin.settle()
    assert bench.twin.charge == before, "the cell is disconnected"


def test_a_full_buffer_opens_the_output_and_the_host_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (keithley_2450, trigger):
        monkeypatch.setattr(module, "BUFFER_ROWS", 12)
    step = Step(ConstantCurrent(CURRENT), Until(duration=300.0), Record(interval=10.0))
    bench = Bench()
    rows = rows_of(bench.fly(step, until=400.0))
    assert len(driven(bench)) == 3
    assert rows[-1].time == pytest.approx(300.0, abs=0.2)
    times = [row.time for row in rows]
    assert times == sorted(times)
    assert [round(time, -1) for time in times if time < 100.02] == [10.0 * k for k in range(11)]
    assert max(np.diff(times)) == pytest.approx(10.0, abs=0.2)
    alone = Bench()
    alone.begin(step)
    alone.clock.close()
    alone.twin.advance(1000.0)
    assert driven(alone)[0][1] == pytest.approx(100.04)


# Trouble.


def test_a_start_acts_once() -> None:
    bench = Bench()
    bench.begin(*CYCLE)
    assert bench.device.start("t1") == 1
    bench.device.upload(Job("t", CYCLE, LIMITS, "t1", LONGEST))
    assert bench.device.start("t1") == 1
    with pytest.raises(InstrumentError, match="not_uploaded"):
        bench.device.start("t2")
    with pytest.raises(InstrumentError, match="busy"):
        bench.device.upload(Job("t", CYCLE, LIMITS, "t3", LONGEST))
    assert bench.device.read_busy() == 1
    assert len(bench.happened("trigger")) == 1


@pytest.mark.parametrize("trouble", ["ignore", "drop", "delay", "duplicate", "truncate", "disconnect"])
def test_a_start_in_trouble_acts_once_or_not_at_all(trouble: Any) -> None:
    step = Step(OpenCircuit(), Until(duration=60.0), Record(interval=10.0))
    for place in range(11):
        bench = Bench()
        bench.device.upload(Job("t", (step,), LIMITS, "t1", LONGEST))
        bench.device.wire._port = FaultyPort(
            bench.device.wire._port,
            bench.clock,  # type: ignore[arg-type]
            [*[None] * place, Fault(trouble, 0.8)],
        )
        try:
            bench.device.start("t1")
        except Timeout:
            assert not bench.happened("trigger")
            bench.device.start("t1")
        bench.clock.run_until(100.0)
        started = [words for _, words in bench.happened("trigger") if words == "started"]
        assert started == ["started"]
        records = bench.listen()
        assert reasons_of(records) == ["duration"]
        assert [row.time for row in rows_of(records)] == pytest.approx([10.0 * k for k in range(7)])


def test_a_start_that_nobody_answers_is_unknown_and_bounded() -> None:
    bench = Bench()
    step = Step(ConstantCurrent(CURRENT), Until(duration=60.0), Record(interval=10.0))
    bench.device.upload(Job("t", (step,), LIMITS, "t1", LONGEST))
    exchange = bench.cable.exchange

    def lose_the_start(data: bytes) -> bytes:
        reply = exchange(data)
        bench.cable.cut = bench.cable.cut or b"INIT" in data
        return b"" if bench.cable.cut else reply

    bench.cable.exchange = lose_the_start  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown, match="may be running"):
        bench.device.start("t1")
    bench.twin.advance(100.0)
    assert driven(bench) == [(0.0, pytest.approx(60.04))]
    with pytest.raises(OutcomeUnknown):
        bench.device.start("t1")
    bench.cable.cut, bench.cable.exchange = False, exchange  # type: ignore[method-assign]
    bench.device.upload(Job("t", (step,), LIMITS, "t1", LONGEST))
    assert bench.device.start("t1") == 1
    bench.clock.run_until(200.0)
    assert reasons_of(bench.listen()) == ["duration"]
    assert len(rows_of(bench.heard)) == 7
    assert driven(bench) == [(0.0, pytest.approx(60.04))], "it was started once"


def test_when_nobody_asks_no_further_step_begins_and_records_do_not_grow() -> None:
    bench = Bench()
    steps = (Step(ConstantCurrent(CURRENT / 4), Until(duration=400.0), Record(interval=10.0)),) * 3
    bench.begin(*steps)
    bench.clock.run_until(1e4)
    assert len(driven(bench)) == 1
    assert reasons_of(bench.listen()) == ["duration"]
    assert bench.heard[-1].cause is EndReason.LINK_LOST
    assert bench.device.read_busy() == 0


def test_a_host_that_says_that_it_leaves_lets_no_further_step_begin() -> None:
    bench = Bench()
    steps = (Step(ConstantCurrent(CURRENT / 4), Until(duration=100.0), Record(interval=10.0)),) * 3
    bench.begin(*steps)
    bench.clock.run_until(50.0)
    bench.device.leave()
    bench.clock.run_until(1000.0)
    assert len(driven(bench)) == 1


def test_under_open_the_hosts_process_opens_the_cell_when_nobody_asks() -> None:
    bench = Bench()
    step = Step(ConstantCurrent(CURRENT / 4), Until(duration=4000.0), Record(interval=10.0))
    bench.device.upload(Job("t", (step,), LIMITS, "t1", LONGEST, "open"))
    bench.device.start("t1")
    bench.clock.run_until(1e4)
    ((_, off),) = driven(bench)
    assert 300.0 <= off <= 320.0
    assert reasons_of(bench.listen()) == ["link_lost"]


def test_a_power_cycle_before_the_start_is_refused_and_a_new_upload_mends_it() -> None:
    bench = Bench()
    step = Step(ConstantCurrent(CURRENT), Until(duration=60.0), Record(interval=10.0))
    job = Job("t", (step,), LIMITS, "t1", LONGEST)
    bench.device.upload(job)
    bench.twin.power_cycle(bench.clock.now())
    with pytest.raises(InstrumentError, match="restarted"):
        bench.device.start("t1")
    assert not driven(bench)
    bench.device.upload(job)
    assert bench.device.start("t1") == 1


def test_a_power_cycle_between_two_steps_ends_the_run() -> None:
    bench = Bench()
    steps = (Step(OpenCircuit(), Until(duration=100.0), Record(interval=10.0)),) * 2
    look, count = bench.device._measurement.look, itertools.count()

    def interrupted() -> float:
        if next(count) == 1:
            bench.twin.power_cycle(bench.clock.now())
        return look()

    bench.device._measurement.look = interrupted  # type: ignore[method-assign]
    records = bench.fly(*steps, until=300.0)
    assert reasons_of(records) == ["duration"]
    assert records[-1].cause is EndReason.INSTRUMENT_ERROR
    assert "switched off and on" in records[-1].reason


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_changes_no_row_and_no_end(seed: int) -> None:
    steps = (
        Step(ConstantCurrent(CURRENT), Until(charge=0.02, duration=600.0), Record(interval=10.0)),
        Step(OpenCircuit(), Until(duration=100.0), Record(interval=10.0)),
    )
    troubles: dict[Any, float] = {
        "ignore": 0.03,
        "drop": 0.03,
        "delay": 0.03,
        "duplicate": 0.03,
        "truncate": 0.03,
    }
    faults = itertools.chain([None] * 30, random_faults(seed, troubles, {"delay": 0.7}))
    bench = Bench(faults=faults)
    records = bench.fly(*steps, until=3000.0)
    assert reasons_of(records) == ["charge", "duration"]
    rows = rows_of(records)
    times = [row.time for row in rows]
    assert len(set(times)) == len(times)
    assert times == sorted(times)
    charge, rest = steps_of(records)
    assert [row.time for row in charge] == pytest.approx([10.0 * k for k in range(len(charge))])
    assert len(rest) == 11
    assert [words for _, words in bench.happened("trigger")].count("started") == 2


def test_stop_opens_the_cell_and_brings_the_last_rows() -> None:
    bench = Bench()
    bench.begin(Step(ConstantCurrent(CURRENT), Until(duration=600.0), Record(interval=1.0)))
    bench.clock.run_until(10.3)
    bench.clock.moment = 20.5
    assert bench.device.stop() is True
    records = bench.listen()
    assert len(rows_of(records)) == 21
    assert records[-2:] == [ElementEnded(EndReason.OPERATOR), records[-1]]
    assert records[-1].cause is EndReason.OPERATOR
    assert driven(bench) == [(0.0, pytest.approx(20.5))]
    assert bench.device.stop() is False
    assert bench.device.read_busy() == 0
    bench.clock.run_until(1000.0)
    assert bench.listen() == records


def test_a_stop_on_a_silent_link_is_an_error_and_holds_when_the_link_is_back() -> None:
    bench = Bench()
    bench.begin(*CYCLE)
    bench.wait_until(100.0)
    bench.cable.cut = True
    with pytest.raises(WireError):
        bench.device.stop()
    bench.clock.run_until(150.0)
    bench.cable.cut = False
    bench.clock.run_until(400.0)
    records = bench.listen()
    assert reasons_of(records) == ["duration", "operator"]
    assert records[-1].cause is EndReason.OPERATOR
    assert not bench.twin.output
    assert driven(bench)[-1][1] == pytest.approx(151.0, abs=2.0)


@pytest.mark.parametrize("drift", [-2e-3, 2e-3])
def test_a_clock_that_differs_costs_neither_rows_nor_questions(drift: float) -> None:
    bench = Bench()
    asked, exchange = [0], bench.cable.exchange

    def drifting(data: bytes) -> bytes:
        asked[0] += 1
        moment = bench.clock.moment
        bench.clock.moment = moment * (1.0 + drift)
        try:
            return exchange(data)
        finally:
            bench.clock.moment = moment

    bench.cable.exchange = drifting  # type: ignore[method-assign]
    records = bench.fly(Step(OpenCircuit(), Until(duration=6000.0), Record(interval=30.0)))
    assert [row.time for row in rows_of(records)] == pytest.approx([30.0 * k for k in range(201)])
    assert asked[0] < 3 * 201 + 2 * 201 + 40


def test_safe_opens_what_an_earlier_host_left_running_and_disconnects() -> None:
    bench = Bench()
    bench.begin(Step(ConstantCurrent(CURRENT), Until(duration=600.0), Record(interval=10.0)))
    bench.clock.close()
    bench.clock.moment = 50.0
    later = bench.connect()
    assert later.read_busy() == 1
    later.safe()
    later.safe()
    assert later.read_busy() == 0
    assert driven(bench) == [(0.0, 50.0)]
    assert bench.twin.receive(b"OUTP:VOLT:SMOD?;:TRIG:STAT?\n", 50.0).startswith(b"HIMP;ABORTED")


def test_a_failed_reading_is_a_row_without_a_number_and_three_end_the_run() -> None:
    bench = Bench()
    bench.begin(Step(ConstantCurrent(CURRENT), Until(duration=600.0), Record(interval=10.0)))
    bench.clock.run_until(25.0)
    bench.twin.sense_open = True
    bench.clock.run_until(35.0)
    bench.twin.sense_open = False
    bench.clock.run_until(55.0)
    bench.twin.sense_open = True
    bench.clock.run_until(200.0)
    records = bench.listen()
    failed = [row.time for row in rows_of(records) if math.isnan(row.voltage)]
    assert failed == pytest.approx([30.0, 60.0, 70.0, 80.0])
    assert reasons_of(records) == ["instrument_error"]
    assert isinstance(records[-1], RunStopped)
    assert not bench.twin.output


def test_an_overflow_of_the_look_is_no_voltage_and_drives_nothing() -> None:
    bench = Bench()
    bench.twin.sense_open = True
    assert math.isnan(bench.device.read_cell())
    records = bench.fly(*CYCLE)
    assert reasons_of(records) == ["open_circuit"]
    assert driven(bench) == []


def test_a_lead_that_falls_off_is_seen_with_the_next_sample() -> None:
    bench = Bench()
    bench.begin(Step(ConstantCurrent(CURRENT), Until(voltage_above=4.2), Record(interval=10.0)))
    bench.clock.run_until(35.0)
    bench.twin.wire_cell(None, 35.0)
    bench.clock.run_until(100.0)
    records = bench.listen()
    assert reasons_of(records) == ["open_circuit"]
    assert rows_of(records)[-1].time == pytest.approx(36.0)
    assert not bench.twin.output


def test_a_power_cycle_in_a_run_is_told_and_the_output_disconnected() -> None:
    bench = Bench()
    bench.begin(Step(ConstantCurrent(CURRENT), Until(duration=600.0), Record(interval=10.0)))
    bench.clock.run_until(45.0)
    bench.twin.power_cycle(45.0)
    bench.clock.run_until(100.0)
    records = bench.listen()
    alarm = next(each for each in records if isinstance(each, InstrumentAlarm))
    assert alarm.code == "restarted"
    assert "the cell is open" in alarm.text
    assert records[-1].cause is EndReason.INSTRUMENT_ERROR
    assert bench.twin.receive(b"OUTP?;:OUTP:VOLT:SMOD?\n", 100.0) == b"0;HIMP\n"
    assert bench.device.read_busy() == 0


def test_a_setting_that_is_refused_is_an_error_with_its_number_and_text() -> None:
    bench = Bench()
    receive = bench.twin.receive
    bench.twin.receive = lambda data, now: receive(data.replace(b"PROT5", b"PROT7"), now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match=r"-224: Illegal parameter value .*PROT5"):
        bench.device.upload(Job("t", CYCLE, LIMITS, "t1", LONGEST))


def test_a_step_that_is_refused_in_a_run_opens_the_cell_and_says_why() -> None:
    bench = Bench()
    bench.begin(*CYCLE[:2])
    receive = bench.twin.receive
    bench.twin.receive = lambda data, now: receive(data.replace(b"ILIM 8.6e-05", b"ILIM 8.6e9"), now)  # type: ignore[method-assign]
    bench.wait_until(200.0)
    records = bench.listen()
    alarm = next(each for each in records if isinstance(each, InstrumentAlarm))
    assert (alarm.code, "Data out of range" in alarm.text) == ("-222", True)
    assert records[-1].cause is EndReason.INSTRUMENT_ERROR
    assert not bench.twin.output


def test_another_model_and_another_language_are_not_taken_for_it() -> None:
    bench = Bench()
    bench.twin.model = "2460"
    with pytest.raises(InstrumentError, match="2460"):
        bench.device.identify()
    receive = bench.twin.receive
    bench.twin.model = "2450"
    bench.twin.receive = lambda data, now: b"TSP\n" if data == b"*LANG?\n" else receive(data, now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="SCPI"):
        bench.device.identify()
    bench.twin.receive = lambda data, now: b"Stanford Research Systems,DG645,1,1\n"  # type: ignore[method-assign]
    with pytest.raises(LabError):
        bench.device.identify()


def test_the_driver_plays_the_flight_of_the_transcript() -> None:
    exchanges = [each for each in tomllib.loads(TRANSCRIPT.read_text())["exchange"] if each.get("flight")]
    pairs = [Pair(*(words.encode() for words in pair)) for each in exchanges for pair in each["pairs"]]
    clock = LaneClock()
    port = TranscriptPort(pairs, clock, "smu")  # type: ignore[arg-type]
    wire = Wire(port, clock, name="smu", lane="smu", sync=Keithley2450.sync)  # type: ignore[arg-type]
    device = Keithley2450(wire, clock, name="smu")  # type: ignore[arg-type]
    steps = (
        Step(OpenCircuit(), Until(duration=1.2), Record(interval=0.5)),
        Step(ConstantCurrent(1e-5), Until(voltage_above=4.2), Record(interval=0.5)),
    )
    device.upload(Job("t", steps, CellLimits(-1.0, 4.3, 1e-3), "t1", 3600.0))
    device.start("t1")
    records = list(device.records(1, 100).records)
    records += device.records(2, 100).records
    clock.run_until(10.0)
    records += device.records(2, 100).records
    wire.close()
    assert [row.time for row in rows_of(records)] == pytest.approx([0.0, 0.5, 1.0, 1.2, 1.25])
    assert reasons_of(records) == ["duration", "open_circuit"]
    assert [each.name for each in records if isinstance(each, ElementBegan)] == [
        "open_circuit",
        "constant_current",
    ]


def test_a_second_client_of_the_socket_is_refused_with_the_holders_name(tmp_path: Path) -> None:
    clock: Any = LaneClock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"socket://127.0.0.1:{server.getsockname()[1]}"
        first = SerialPort(address, clock, locks=tmp_path)
        accepted, _ = server.accept()
        with pytest.raises(OwnershipError, match="pid"):
            SerialPort(address, clock, locks=tmp_path)
        first.close()
        accepted.close()


def test_the_keithley_bench_opens_and_its_instrument_answers(open_lab: Callable[[str], Any]) -> None:
    lab = open_lab("keithley")
    station = lab.devices["potentiostat"]
    assert "MODEL 2450" in station.channels.identify()
    assert station.channels.read_busy() == 0
    assert station.channels.read_cell() == pytest.approx(0.0, abs=1e-4), "no cell is wired"


def orphan(bench: Bench, *steps: Step) -> tuple[Job, Keithley2450]:
    """Begin a job in a session that dies before it can tell of it; return the job and the driver of the next one."""
    bench.begin(*steps)
    started = bench.device
    bench.clock.run_until(bench.clock.now() + 3.0)
    started._flight._flight = None
    bench.clock.run_until(bench.clock.now() + 40.0)
    return Job("t", steps, LIMITS, "t1", LONGEST), bench.connect()


@pytest.mark.parametrize("run", [step.run for step in CYCLE] + [VoltageRamp(3.9, 3.95, 1e-3)])
def test_a_start_that_nobody_heard_of_is_taken_over_with_every_row(run: Any) -> None:
    step = Step(run, Until(duration=100.0), Record(interval=5.0))
    bench = Bench()
    job, later = orphan(bench, step, CYCLE[0])
    unheard = {"token": "t0", "begun": 1, "rest": 3.9}
    for trace in ({}, unheard):
        assert later.keeps("t1", trace)
        assert not later.keeps("t2", trace), "another job's buffer has another size"
    first = later.adopt(job, Mark(0, 0, 0, -1.0, {}))
    bench.device, bench.heard = later, []
    bench.wait_until(400.0)
    records = bench.listen()
    assert first == 1
    assert [type(each) for each in records].count(ElementBegan) == 2
    assert reasons_of(records) == ["swept" if isinstance(run, VoltageRamp) else "duration", "duration"]
    rows = next(iter(steps_of(records)))
    lasts = 50.0 if isinstance(run, VoltageRamp) else 100.0
    assert rows[0].time == 0.0
    assert np.diff([row.time for row in rows]).max() <= 5.1
    assert rows[-1].time == pytest.approx(lasts, abs=0.1)
    assert [row.number for row in rows_of(records)] == list(range(1, len(rows_of(records)) + 1))


def test_a_start_that_had_come_to_another_step_is_not_taken_for_the_first() -> None:
    bench = Bench()
    job, later = orphan(bench, CYCLE[3])
    other = replace(job, nodes=(CYCLE[1], CYCLE[3]))
    with pytest.raises(InstrumentError, match="another had begun"):
        later.adopt(other, Mark(0, 0, 0, -1.0, {}))
    assert not bench.twin.output
    assert not later.keeps("t1", {}), "what is left of it can be gone on with"


def test_a_start_that_did_not_come_through_keeps_nothing() -> None:
    bench = Bench()
    bench.device.upload(Job("t", CYCLE, LIMITS, "t1", LONGEST))
    assert not bench.connect().keeps("t1", {})
