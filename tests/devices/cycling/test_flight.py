"""Flights from their start to their end: trouble on the wire, stops from outside, programs of several parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from devices.bridges.lines import pack, unpack
from devices.cycling.columns import CycleFlag
from devices.cycling.programs import Loop, Program, Step, When
from devices.cycling.techniques import ConstantCurrent, Record, Until
from devices.errors import OutcomeUnknown, Timeout, WireError
from devices.ports import Fault
from devices.roles.potentiostat import CycleJob
from sim.twins.squidstat_elements import Accuracy
from tests.support.cells import CURRENT
from tests.support.channel import (
    LIMITS,
    SAMPLE,
    Rig,
    charge_to,
    cycles,
    discharge_to,
    rest,
    rows,
)


def test_extra_looks_give_equal_rows() -> None:
    taken = []
    for period in (60.0, 100.0, 7.3):
        rig = Rig(accuracy=Accuracy(), poll_period=period)
        rig.fly(cycles(1))
        taken.append([rows(rig.station.streams[name]) for name in ("primary", "steps", "cycles")])
    assert taken[0] == taken[1] == taken[2]


def test_a_safety_limit_ends_the_flight_and_is_named() -> None:
    rig = Rig()
    program = Program(
        "slow", (Step(ConstantCurrent(CURRENT), Until(duration=36000.0), Record(60.0)),), LIMITS
    )
    complete = rig.fly(program)
    assert complete.success
    flight = rig.station.flight()
    assert flight.interrupted
    assert flight.done == 0
    assert "maximum voltage limit of 4.3 V" in flight.end_reason
    steps, events = rows(rig.station.streams["steps"]), rows(rig.station.streams["events"])
    assert steps["flags"] == [int(CycleFlag.STOPPED_EARLY)]
    assert steps["v_end"][0] == pytest.approx(4.3, abs=1e-6)
    assert events["code"] == ["started", "safety"]
    assert events["severity"][-1] == "alarm"


def test_an_open_lead_is_flagged_and_ends_the_run() -> None:
    rig = Rig()
    rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    rig.station.kickoff()
    rig.clock.run_until(1000.0)
    rig.twin.wire_cell(0, None)
    rig.clock.run_until(2000.0)
    primary = rows(rig.station.streams["primary"])
    assert primary["flags"][-1] == CycleFlag.CURRENT_LOST
    assert rig.station.flight().interrupted


TROUBLES = ("drop", "duplicate", "truncate", "garble", "delay", "ignore", "dribble")


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_never_lost_nor_doubled_by_trouble_on_the_wire(seed: int) -> None:
    calm = Rig(accuracy=Accuracy(), poll_period=60.0)
    calm.fly(cycles(1))
    chance = np.random.default_rng(seed)

    def faults() -> Iterable[Fault | None]:
        yield from [None] * 6
        while True:
            trouble = TROUBLES[int(chance.integers(len(TROUBLES)))] if chance.random() < 0.4 else None
            amount = {"garble": 0.01, "delay": 0.7}.get(trouble or "", 0.0)
            yield None if trouble is None else Fault(trouble, amount)  # type: ignore[arg-type]

    rig = Rig(accuracy=Accuracy(), poll_period=60.0, faults=faults(), fault_seed=seed)
    complete = rig.fly(cycles(1))
    assert complete.done
    assert complete.success
    for name in ("primary", "steps", "cycles"):
        ours, theirs = rows(rig.station.streams[name]), rows(calm.station.streams[name])
        for label in ("unix_time",):
            ours.pop(label, None)
            theirs.pop(label, None)
        assert ours == theirs
    assert len(rig.sent("start")) == 1


def test_a_dead_link_costs_no_rows_within_its_patience() -> None:
    silent = [None] * 12 + [Fault("disconnect")] * 120
    rig = Rig(faults=silent, poll_period=60.0)
    complete = rig.fly(cycles(1))
    assert complete.success
    events = rows(rig.station.streams["events"])
    assert events["code"].count("link_lost") == events["code"].count("link_back") == 1
    calm = Rig()
    calm.fly(cycles(1))
    assert rows(rig.station.streams["primary"])["charge"] == rows(calm.station.streams["primary"])["charge"]


def test_a_link_dead_for_too_long_fails_the_flight_and_keeps_the_rows() -> None:
    rig = Rig(faults=itertools.chain([None] * 12, itertools.repeat(Fault("disconnect"))), patience=600.0)
    complete = rig.fly(cycles(1), until=5000.0)
    assert complete.done
    assert not complete.success
    assert rig.station.flight().interrupted
    assert rows(rig.station.streams["primary"])["record"][0] == 1
    assert rows(rig.station.streams["events"])["code"][-1] == "failed"
    assert rig.twin.busy(0)
    assert rig.station.report()["state"] == "unknown"


def start_faults(*faults: Fault | None) -> Iterable[Fault | None]:
    """Return calm until the start (busy? twice, two looks at the cell, limits, upload), then these."""
    return itertools.chain([None] * 6, faults)


def test_a_start_whose_reply_is_lost_is_asked_about_and_not_repeated() -> None:
    rig = Rig(faults=start_faults(Fault("drop")))
    assert rig.fly(cycles(1)).success
    assert len(rig.sent("start")) == 1
    assert rig.station.flight().done == 4


def test_a_start_that_never_arrived_is_reported_and_not_repeated() -> None:
    rig = Rig(faults=start_faults(Fault("ignore")))
    complete = rig.fly(cycles(1))
    assert isinstance(complete.exception(), Timeout)
    assert len(rig.sent("start")) == 0
    assert not rig.twin.busy(0)


def test_a_start_nobody_can_be_asked_about_is_unknown() -> None:
    rig = Rig(faults=start_faults(Fault("drop"), *[Fault("disconnect")] * 50))
    complete = rig.fly(cycles(1))
    assert isinstance(complete.exception(), OutcomeUnknown)
    assert len(rig.sent("start")) == 1
    assert rig.twin.busy(0)


def test_a_doubled_start_starts_once() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    again = pack({**rig.sent("start")[0], "id": 99})
    reply = unpack(rig.touched.exchange(again))
    assert reply["first"] == 1
    assert [event for _, event, _ in rig.twin.log].count("started") == 1


def test_stop_under_keep_leaves_the_cell_cycling_and_says_so() -> None:
    rig = Rig()
    complete = rig.fly(cycles(1), until=1000.0)
    rig.station.stop()
    assert complete.success
    assert rig.twin.busy(0)
    flight = rig.station.flight()
    assert flight.end_reason.startswith("left running")
    assert flight.interrupted
    assert rows(rig.station.streams["events"])["code"] == ["started", "left_running"]
    assert rows(rig.station.streams["steps"])["end_reason"] == ["duration", "left_running"]
    rig.clock.run_until(2000.0)
    assert len(rig.sent("stop")) == 0


def test_stop_under_open_opens_the_cell_and_keeps_the_last_row() -> None:
    rig = Rig()
    complete = rig.fly(cycles(1, "open"), until=1000.0)
    rig.station.stop()
    rig.station.stop()
    assert complete.success
    assert not rig.twin.busy(0)
    assert len(rig.sent("stop")) == 1
    primary = rows(rig.station.streams["primary"])
    assert primary["charge"][-1] * 3600 == pytest.approx(rig.twin.charges[0][1], rel=1e-9)
    assert primary["test_time"][-1] == pytest.approx(990.0, abs=1e-6)
    assert rig.station.flight().end_reason == "stopped"


def test_close_leaves_it_running_and_safe_opens_it() -> None:
    rig = Rig()
    rig.fly(cycles(1, "open"), until=1000.0)
    assert rig.station.report()["state"] == "running"
    rig.station.close()
    assert rig.twin.busy(0)
    assert rig.station.flight().end_reason.startswith("left running")
    assert rig.station.report()["state"] == "left running"
    rig.station.safe()
    rig.station.safe()
    assert not rig.twin.busy(0)
    assert rig.station.report()["state"] == "open"


@pytest.mark.parametrize(("ended", "state"), [(False, "left running"), (True, "open")])
def test_what_an_earlier_session_left_is_told_until_it_is_over(ended: bool, state: str) -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.station.close()
    told = rig.station.report()
    if ended:
        rig.driver.stop()
    later = rig.another()
    later.recall(told, died=False)
    assert later.report()["state"] == "left running"
    later.left()
    assert later.report()["state"] == state


def test_safe_in_flight_opens_the_cell_whatever_the_program_says() -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.station.safe()
    assert not rig.twin.busy(0)
    assert rig.station.flight().end_reason == "made safe"
    assert rows(rig.station.streams["steps"])["end_reason"][-1] == "operator"


@pytest.mark.parametrize("ending", ["stop", "safe", "close"])
def test_a_start_not_yet_sent_is_called_off(ending: str) -> None:
    rig = Rig()
    rig.station.prepare(CycleJob(SAMPLE, cycles(1)))
    rig.clock.run_until(10.0)
    started = rig.station.kickoff()
    complete = rig.station.complete()
    getattr(rig.station, ending)()
    rig.clock.run_until(1000.0)
    assert started.success
    assert complete.success
    assert len(rig.sent("start")) == 0
    assert rig.station.flight().end_reason.endswith("before it ran")
    assert rig.station.flight().interrupted


def test_stop_under_open_also_opens_the_cell_of_a_lost_flight() -> None:
    rig = Rig(faults=start_faults(Fault("drop"), *[Fault("disconnect")] * 12))
    complete = rig.fly(cycles(1, "open"), until=100.0)
    assert isinstance(complete.exception(), OutcomeUnknown)
    rig.station.stop()
    while rig.twin.busy(0):
        rig.station.stop()
    codes = rows(rig.station.streams["events"])["code"]
    assert codes[0] == "failed"
    assert set(codes[1:-1]) <= {"not_opened"}
    assert codes[-1] == "stopped"


def test_an_interval_that_the_instrument_overrides_is_told() -> None:
    rig = Rig()
    rig.fly(Program("p", (charge_to(4.0, voltage_change=0.01),), LIMITS))
    events = rows(rig.station.streams["events"])
    assert events["code"] == ["started", "remark", "completed"]
    assert "overrides the interval" in events["text"][1]


SHORT = Program(
    "short",
    (
        rest(120.0),
        Loop(
            tuple(
                Step(ConstantCurrent(current), Until(duration=5.0, voltage_above=4.2), Record(60.0))
                for current in (CURRENT, 0.5 * CURRENT)
            ),
            4,
            counts_cycles=True,
        ),
    ),
    LIMITS,
)
"""A rest, then steps shorter than their interval."""


def without_short_rows(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the instrument give no row of an element that is shorter than its interval."""
    say, runs = rig.twin.measured, rig.twin._channels[0]

    def measured(channel: int, reading: Any) -> None:
        if runs.element.duration >= runs.element.interval:
            say(channel, reading)

    monkeypatch.setattr(rig.twin, "measured", measured)


def test_steps_without_a_row_are_booked_each_and_end_a_run_that_the_instrument_completed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    without_short_rows(rig, monkeypatch)
    complete = rig.fly(SHORT)
    assert complete.success
    flight = rig.station.flight()
    assert (flight.end_reason, flight.done, flight.asked) == ("completed", 9, 9)
    steps = rows(rig.station.streams["steps"])
    assert steps["end_reason"] == ["duration", *["unclear"] * 8]
    assert steps["flags"][1:] == [int(CycleFlag.END_UNCLEAR)] * 8
    assert steps["step_count"] == list(range(1, 10))
    assert rows(rig.station.streams["primary"])["step_count"] == [1, 1, 1]


def test_a_run_that_was_broken_off_in_a_step_without_a_row_is_not_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    without_short_rows(rig, monkeypatch)
    rig.fly(SHORT, until=rig.clock.now() + 10.0 + 120.0 + 7 * 5.0 + 2.0)
    rig.twin.advance(rig.clock.now())
    assert rig.twin.busy(0)
    rig.twin.stop(0)
    rig.clock.run_until(1e5)
    flight = rig.station.flight()
    assert flight.interrupted
    assert flight.end_reason == "unclear: Experiment stopped manually"
    assert (flight.done, flight.asked) == (8, 9)


def test_stop_after_the_end_does_nothing() -> None:
    rig = Rig()
    rig.fly(cycles(1))
    rig.station.stop()
    assert rig.station.flight().end_reason == "completed"


def test_a_restarted_bridge_fails_the_flight() -> None:
    rig = Rig()
    complete = rig.fly(cycles(1), until=1000.0)
    rig.bridge.boot = "b2"
    rig.clock.run_until(2000.0)
    assert "restarted" in str(complete.exception())


def test_alarms_of_the_instrument_become_events() -> None:
    rig = Rig()
    rig.fly(cycles(1), until=1000.0)
    rig.twin.library.handler.deviceError.emit(0, "fan failure")
    rig.twin.library.handler.deviceDisconnected.emit()
    rig.clock.run_until(1e5)
    events = rows(rig.station.streams["events"])
    assert events["code"] == ["started", "instrument_error", "disconnected", "completed"]


def conditional(times: int, until: When, *after: Step) -> Program:
    """Cycle until a condition holds, at most so many times, then go on."""
    body = (charge_to(4.1, 10 * CURRENT), discharge_to(3.5, 10 * CURRENT))
    return Program("conditional", (Loop(body, times, counts_cycles=True, until=until), *after), LIMITS)


def test_a_loop_ends_when_its_condition_holds_and_the_history_is_one() -> None:
    rig = Rig()
    complete = rig.fly(conditional(9, When(cycle_at_least=3), rest(60.0)))
    assert complete.done
    assert complete.success
    steps, by_cycle = rows(rig.station.streams["steps"]), rows(rig.station.streams["cycles"])
    assert steps["step_index"] == [0, 1, 0, 1, 0, 1, 2]
    assert steps["step_count"] == list(range(1, 8))
    assert by_cycle["cycle"] == [1, 2, 3]
    primary = rows(rig.station.streams["primary"])
    assert primary["test_time"] == sorted(primary["test_time"])
    assert primary["record"] == list(range(1, len(primary["record"]) + 1))
    flight = rig.station.flight()
    assert (flight.end_reason, flight.asked, flight.done) == ("completed", 7, 7)
    # Between two parts the host has to go on: the cell rests no longer than its look takes.
    gaps = np.subtract(steps["t_start"][2::2], steps["t_end"][1:-1:2])
    assert 0.0 <= max(gaps) <= 5.0 + 1e-6


def test_a_loop_that_runs_is_made_longer_or_shorter_and_what_follows_still_comes() -> None:
    for times, expected in ((2, [1, 2, 1, 2]), (7, [1, 2] * 7)):
        rig = Rig()
        body = (charge_to(4.1, 10 * CURRENT), discharge_to(3.5, 10 * CURRENT))
        program = Program("p", (rest(60.0), Loop(body, 4, counts_cycles=True), rest(60.0)), LIMITS)
        rig.station.prepare(CycleJob(SAMPLE, program))
        rig.clock.run_until(10.0)
        rig.station.kickoff()
        complete = rig.station.complete()
        rig.clock.run_until(120.0)
        assert rig.station.change_times(times) == times
        rig.clock.run_until(1e5)
        assert complete.success
        steps = rows(rig.station.streams["steps"])
        whole = [
            index
            for index, why in zip(steps["step_index"], steps["end_reason"], strict=True)
            if why != "operator"
        ]
        assert whole == [0, *expected, 3]
        flight = rig.station.flight()
        assert flight.asked == flight.done == len(whole)


def test_a_stop_between_two_parts_leaves_the_cell_open_and_says_so() -> None:
    rig = Rig()
    rig.station.prepare(CycleJob(SAMPLE, conditional(3, When(cycle_at_least=9))))
    rig.clock.run_until(10.0)
    rig.station.kickoff()
    rig.clock.run_until(11.0)
    while rig.twin.busy(0):
        rig.clock.moment += 1.0
        rig.twin.advance(rig.clock.now())
    rig.twin.deliver()
    rig.station.safe()
    assert not rig.twin.busy(0)
    rig.clock.run_until(1e5)
    assert rig.station.flight().interrupted


class Cut:
    """A port that can be cut and mended by the test, for all requests or those that hold a word."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.cut, self.word = inner, False, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write(self, data: bytes) -> None:
        if self.cut and self.word in data:
            raise Timeout("the cable is cut")
        self.inner.write(data)


def cut_rig(program: Program) -> tuple[Rig, Cut]:
    """Return a rig in flight whose cable can be cut."""
    rig = Rig()
    cable = Cut(rig.wire._port)
    rig.wire._port = cable
    rig.station.prepare(CycleJob(SAMPLE, program))
    rig.clock.run_until(10.0)
    rig.station.kickoff()
    rig.clock.run_until(20.0)
    return rig, cable


def test_a_cell_that_could_not_be_made_safe_is_opened_when_the_link_is_back() -> None:
    rig, cable = cut_rig(cycles(3))
    cable.cut = True
    with pytest.raises(WireError):
        rig.station.safe()
    assert rig.twin.busy(0)
    rig.station.stop()  # as a plan's cleanup does; the wish to open stays
    rig.clock.run_until(200.0)
    cable.cut = False
    rig.clock.run_until(300.0)
    assert not rig.twin.busy(0)
    flight = rig.station.flight()
    assert flight.end_reason == "made safe"
    assert flight.interrupted
    assert {"not_opened", "link_lost", "link_back"} <= set(rows(rig.station.streams["events"])["code"])


def test_a_cut_during_which_the_link_fails_is_made_when_it_is_back() -> None:
    body = (charge_to(4.1, 10 * CURRENT), discharge_to(3.5, 10 * CURRENT))
    rig, cable = cut_rig(Program("p", (Loop(body, 20, counts_cycles=True), rest(60.0)), LIMITS))
    rig.clock.run_until(100.0)
    assert rig.station.change_times(1) == 1
    cable.cut, cable.word = True, b"stop"
    rig.clock.run_until(2000.0)
    events = rows(rig.station.streams["events"])
    assert "link_lost" in events["code"]
    assert not rig.sent("stop")
    cable.cut = False
    rig.clock.run_until(1e5)
    assert len(rig.sent("stop")) == 1
    steps = rows(rig.station.streams["steps"])
    whole = [i for i, why in zip(steps["step_index"], steps["end_reason"], strict=True) if why != "operator"]
    # What ran until the link was back is in the books; the rest follows once.
    assert whole == [0, 1] * (len(whole) // 2) + [2]
    flight = rig.station.flight()
    assert flight.end_reason == "completed"
    assert flight.asked == flight.done == len(whole)


def test_what_ended_by_itself_before_it_was_stopped_is_complete() -> None:
    for end in ("stop", "close", "safe"):
        rig = Rig(poll_period=100.0)
        rig.station.prepare(CycleJob(SAMPLE, Program("p", (rest(20.0),), LIMITS)))
        rig.clock.run_until(10.0)
        rig.station.kickoff()
        rig.clock.run_until(60.0)
        getattr(rig.station, end)()
        flight = rig.station.flight()
        assert (flight.end_reason, flight.done, flight.interrupted) == ("completed", 1, False), end
