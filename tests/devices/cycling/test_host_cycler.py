"""A host that steps a program dies at any instant, and another takes the cell over: every row once, every step its own.

The judge is the twin: the rows that it measured, and the charge that truly passed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from devices.base import RowStream
from devices.cycling.books import Offsets
from devices.cycling.columns import CYCLE_COLUMNS, CYCLER, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.cycling.cycler import RunStopped
from devices.cycling.flight import COMPLETED, CycleFlight
from devices.cycling.pace import Pace
from devices.cycling.planned import Planned, begun, taken_over
from devices.cycling.position import Phase, Position
from devices.cycling.programs import Loop, Program, Step, When
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Record, Until
from devices.instruments.keithley_2450 import Keithley2450
from devices.roles.potentiostat import CycleJob, TakeOver
from devices.samples import Layer, SampleRef
from sim.twins.keithley_2450_buffers import Row
from tests.support.cells import CELL, CURRENT, HALF
from tests.support.sourcemeter import LIMITS, LONGEST, Bench

SAMPLE = SampleRef("s", (Layer("Al", 100e-6),))
INTERVAL = 0.2
OFTEN = Record(interval=INTERVAL)
CHARGE = Step(ConstantCurrent(CURRENT), Until(duration=1.0), OFTEN)
DISCHARGE = Step(ConstantCurrent(-0.5 * CURRENT), Until(duration=0.6), OFTEN)
REST = Step(OpenCircuit(), Until(duration=0.4), OFTEN)
HOLD = Step(ConstantVoltage(CELL.voltage(HALF, 0.0) + 5e-3), Until(duration=0.6), OFTEN)
AT_ONCE = Step(ConstantCurrent(CURRENT), Until(voltage_above=3.0), OFTEN)
BY_CHARGE = Step(ConstantCurrent(CURRENT), Until(charge=0.7 * CURRENT, duration=3.0), OFTEN)

PROGRAMS = {
    "three steps": (CHARGE, REST, DISCHARGE),
    "the same twice": (CHARGE, CHARGE, DISCHARGE),
    "short ones": (*(Step(ConstantCurrent(CURRENT), Until(duration=0.2), OFTEN),) * 4, REST),
    "some at once": (AT_ONCE, CHARGE, AT_ONCE, AT_ONCE, DISCHARGE, AT_ONCE),
    "a loop with a condition": (Loop((BY_CHARGE, DISCHARGE), 3, until=When(voltage_above=9.0)), HOLD, REST),
}


class Killed(BaseException):
    """The host's process is gone."""


class NothingBegan(Exception):
    """There is nothing that could be taken over."""


class Journal(RowStream):
    """A stream whose rows stay here."""

    def append(self, time: float, row: Any) -> None:
        """Keep a row."""
        self._rows.append(row)

    def behind(self, offsets: Offsets) -> list[dict[str, Any]]:
        """Return the rows, charge and steps counted from the first start."""
        return [
            row
            | {"charge": row["charge"] + offsets.charge, "step_count": row["step_count"] + offsets.step_count}
            for row in self._rows
        ]


@dataclass
class Told:
    """What is on disk: the station's last word, and what was booked up to it."""

    word: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)


class World:
    """A twin with a cell, and hosts that step a program on it one after the other, each until it dies."""

    def __init__(self, *steps: Step | Loop) -> None:
        self.program = Program("p", steps, LIMITS)
        self.bench = Bench()
        self.told = Told()
        self.said: list[tuple[str, str]] = []
        self.measured: list[float] = []
        self.deeds, self._last = 0, -1
        store, exchange = self.bench.twin._store, self.bench.cable.exchange

        def witnessed(name: str, time: float, values: tuple[float, float]) -> Row:
            if name.startswith("defbuffer"):
                self.measured.append(time)
            return store(name, time, values)

        def deadly(data: bytes) -> bytes:
            reply = exchange(data)
            self._do()
            return reply

        self.bench.twin._store = witnessed  # type: ignore[method-assign]
        self.bench.cable.exchange = deadly  # type: ignore[method-assign]

    def _do(self) -> None:
        self.deeds += 1
        if self.deeds == self._last:
            raise Killed

    def live(self, deeds: int = -1, *, rests: float = 0.0) -> CycleFlight | None:
        """Let a host step the program up to its so-and-so-many'th deed: a message, or a last word not yet written.

        Return its flight, which is over; None when it died. rests: how long [s] nobody takes over then.
        """
        clock = self.bench.clock
        self.deeds, self._last = 0, deeds
        try:
            flight = self._begin()
            while not flight.over:
                clock.run_until(clock.now() + 1.0)
        except Killed:
            clock.close()
            clock.moment += rests
            return None
        return flight

    def _begin(self) -> CycleFlight:
        device, left = self.bench.connect(), Position.heard(json.loads(self.told.word or "null"))
        if left is None:
            planned = begun(CycleJob(SAMPLE, self.program), "t", LONGEST)
            device.upload(planned.job)
            return self._flight(device, planned)
        goes_on = left.phase == Phase.BETWEEN or (left.phase == Phase.STARTING and left.parts > 1)
        if not goes_on and not device.keeps(left.token, left.trace):
            raise NothingBegan
        offsets = left.offsets.as_json()
        return self._flight(device, taken_over(TakeOver(SAMPLE, self.program, offsets), left, LONGEST))

    def _flight(self, device: Keithley2450, planned: Planned) -> CycleFlight:
        clock, told = self.bench.clock, self.told
        columns = (PRIMARY_COLUMNS, IMPEDANCE_COLUMNS, STEP_COLUMNS, CYCLE_COLUMNS)
        names = ("primary", "impedance", "steps", "cycles")
        streams = {
            name: Journal(name, name, each, {"": name, CYCLER: name})
            for name, each in zip(names, columns, strict=True)
        }
        began = clock.time() if planned.resumed is None else planned.resumed.began
        ledger = planned.ledger(streams, began, device.range_of)

        def write_down() -> None:
            self._do()
            position = flight.position
            self.told = Told(
                "" if position is None else json.dumps(position.as_json()),
                told.rows + streams["primary"].behind(ledger.offsets),
                told.steps + streams["steps"].behind(ledger.offsets),
            )

        flight = CycleFlight(
            planned,
            device,
            clock,  # type: ignore[arg-type]
            "smu",
            Pace(INTERVAL, 60.0),
            ledger,
            began=began,
            say=lambda code, severity, text: self.said.append((code, text)),
            changed=lambda: write_down() if flight.over else None,
            moved=write_down,
        )
        clock.spawn("smu", flight.fly(), flight.fail)
        return flight

    def judge(self, flight: CycleFlight, done: int, at_once: int) -> None:
        """Hold what is on disk against what the twin measured, and what truly passed."""
        rows, steps, said = self.told.rows, self.told.steps, self.said
        assert flight.end_reason == COMPLETED, said
        assert [row["record"] for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) == len(self.measured) + at_once, "rows that are lost, or doubled"
        times = [row["unix_time"] for row in rows]
        assert times == sorted(times)
        assert [step["step_count"] for step in steps] == list(range(1, done + 1))
        assert {step["end_reason"] for step in steps} <= {"duration", "charge", "voltage_above"}, steps
        passed = rows[-1]["charge"] * 3600.0
        assert passed == pytest.approx(self.bench.twin.charge, abs=CURRENT * INTERVAL)


@cache
def lived(steps: tuple[Step | Loop, ...]) -> tuple[int, int, int]:
    """Return of a host that does not die: how many deeds it did, steps it took, and of these such as drive nothing."""
    world = World(*steps)
    flight = world.live()
    assert flight is not None
    at_once = sum(step["t_start"] == step["t_end"] for step in world.told.steps)
    world.judge(flight, flight.done, at_once)
    return world.deeds, flight.done, at_once


def outlived(steps: tuple[Step | Loop, ...], deaths: tuple[int, ...], rests: float) -> World | None:
    """Let hosts die one after the other at so-and-so-many deeds; return the world when the last one has landed.

    None when nothing had begun by then.
    """
    world = World(*steps)
    try:
        for deeds in deaths:
            if world.live(deeds, rests=rests) is not None:
                return None
        flight = world.live()
    except NothingBegan:
        assert world.bench.twin.charge == 0.0
        assert not world.measured
        return None
    assert flight is not None
    _, done, at_once = lived(steps)
    world.judge(flight, done, at_once)
    return world


def instants(steps: tuple[Step | Loop, ...], apart: int) -> range:
    """Return every so-and-so-many'th deed, behind the first of a host's words."""
    return range(1 + apart // 2, lived(steps)[0] + 1, apart)


RESTS = (0.0, 0.05, 3.0)
"""Seconds until somebody takes over: the step goes on, or just ends, or is long over."""

SLOWLY = [pytest.mark.slow, pytest.mark.timeout(900)]


def forms(few: list[str], apart: int, closer: int) -> list[Any]:
    """Return some programs with instants far apart, and all of them slowly, with instants closer together."""
    return [
        *((name, apart) for name in few),
        *(pytest.param(name, closer, marks=SLOWLY) for name in PROGRAMS),
    ]


@pytest.mark.parametrize(("name", "apart"), [("a loop with a condition", 61), *forms([*PROGRAMS][:4], 13, 1)])
def test_a_host_that_dies_at_any_message_or_word_is_taken_over_with_every_row_once(
    name: str, apart: int
) -> None:
    for deeds in instants(PROGRAMS[name], apart):
        outlived(PROGRAMS[name], (deeds,), RESTS[deeds // apart % len(RESTS)])


@pytest.mark.parametrize(("name", "apart"), forms(["three steps"], 23, 7))
def test_who_takes_over_may_die_as_well(name: str, apart: int) -> None:
    for deeds in instants(PROGRAMS[name], apart):
        for again in range(1, 40, apart):
            outlived(PROGRAMS[name], (deeds, again), 0.0)


def test_no_step_takes_the_place_of_rows_that_are_not_written_down() -> None:
    bench = Bench()
    bench.begin(CHARGE, DISCHARGE, REST)
    bench.clock.run_until(100.0)
    assert len(bench.happened("trigger")) == 2, "started and over"
    bench.listen()
    bench.clock.run_until(101.0)
    bench.listen()
    bench.clock.run_until(200.0)
    assert [words for _, words in bench.happened("trigger")].count("started") == 2
    bench.wait_until(300.0)
    assert isinstance(bench.heard[-1], RunStopped)
    assert [words for _, words in bench.happened("trigger")].count("started") == 3


def dead_between(rests: float) -> World:
    """Return a world whose host died as the second step had begun, before any word of it."""
    world = World(*PROGRAMS["three steps"])
    sent: list[bytes] = []
    exchange = world.bench.cable.exchange

    def listening(data: bytes) -> bytes:
        sent.append(data)
        reply = exchange(data)
        if sum(each.startswith(b":INIT") for each in sent) == 2:
            raise Killed
        return reply

    world.bench.cable.exchange = listening  # type: ignore[method-assign]
    assert world.live(rests=rests) is None
    world.bench.cable.exchange = exchange  # type: ignore[method-assign]
    return world


def test_a_stop_of_what_was_just_taken_over_brings_the_rows_of_both_steps() -> None:
    world = dead_between(0.3)
    flight = world._begin()
    world.bench.clock.run_until(world.bench.clock.now())
    flight.open("enough")
    assert [step["end_reason"] for step in world.told.steps] == ["duration", "operator"]
    assert len(world.told.rows) == len(world.measured)
    assert not world.bench.twin.output


def test_a_step_that_the_rows_do_not_lead_to_is_refused_in_words_and_the_cell_opened() -> None:
    world = dead_between(0.1)
    world.bench.twin.receive(b":TRIG:TIM3:COUN 3\n", world.bench.clock.now())
    flight = world.live()
    assert flight is not None
    assert "another had begun than step 2" in flight.end_reason
    assert not world.bench.twin.output
    assert len(world.told.rows) == 6, "those of the step that was told of"
