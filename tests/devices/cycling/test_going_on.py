"""A program that is broken off anywhere, any number of times, and gone on with does what it had done uninterrupted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.base import RowStream
from devices.cycling.columns import CYCLE_COLUMNS, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.cycling.cycler import ElementBegan, RowTaken, SpectrumPoint
from devices.cycling.going_on import Books, standing, window_of
from devices.cycling.ledger import CycleLedger
from devices.cycling.position import Position
from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step, When, loops
from devices.cycling.remainder import Rest
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    OpenCircuit,
    PotentiostaticImpedance,
    Until,
    VoltageRamp,
)
from devices.errors import InterlockError
from devices.recipes import canonical_hash, to_json
from devices.roles.potentiostat import Cycled
from devices.samples import Layer, SampleRef

SAMPLE = SampleRef(id="S1", layers=(Layer("LiCoO2", 1e-6),))
LIMITS = CellLimits(voltage_min=2.0, voltage_max=4.3, current_max=1e-1)
CHARGE = Step(ConstantCurrent(1e-3), Until(voltage_above=4.2))
HOLD = Step(ConstantVoltage(4.2), Until(current_below=2e-4))
DISCHARGE = Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0))
REST = Step(OpenCircuit(), Until(duration=35.0))
CCCV = (CHARGE, HOLD, REST, DISCHARGE, REST)
PULSE = Step(ConstantCurrent(1e-3), Until(charge=0.03, voltage_above=4.25))
BURST = Step(ConstantCurrent(1e-3), Until(energy=0.1, duration=200.0))
SPECTRUM = Step(PotentiostaticImpedance(100.0, 1.0, 5e-3, per_decade=2))
PROGRAMS = {
    "cccv": (REST, Loop(CCCV, 3, counts_cycles=True), REST),
    "gitt": (Loop((Loop((PULSE, REST), 3), DISCHARGE), 2, counts_cycles=True),),
    "condition": (
        Loop((CHARGE, DISCHARGE), 6, counts_cycles=True, until=When(retention_below=0.96)),
        Loop((CHARGE, REST, DISCHARGE), 2, counts_cycles=True),
        REST,
    ),
    "jump": (
        Step(OpenCircuit(), Until(duration=35.0), tags=("again",)),
        Loop((CHARGE, DISCHARGE), 1, counts_cycles=True),
        Jump("again", When(cycle_at_least=1), at_most=2),
        REST,
    ),
    "spectra": (REST, Loop((CHARGE, SPECTRUM, DISCHARGE), 2, counts_cycles=True), SPECTRUM, REST),
    "ramps and energies": (
        BURST,
        Step(VoltageRamp(3.5, 4.0, 1e-2)),
        Step(VoltageRamp(4.0, 3.5, 1e-2)),
        BURST,
    ),
}
LABEL = 1.7e9
FREQUENCIES = (100.0, 30.0, 10.0, 3.0, 1.0)


class Cell:
    """A capacity of 0.1 C/V that fades whenever it is emptied, without resistance."""

    def __init__(self) -> None:
        self.charge, self.through, self.was_full = 0.02, 0.0, False

    @property
    def voltage(self) -> float:
        return 3.0 + self.charge / (0.1 * (1.0 - 0.15 * self.through))

    def carry(self, current: float, lasts: float) -> None:
        self.charge += current * lasts
        self.was_full = self.was_full or self.charge > 0.05

    def fade(self, *, is_empty: bool) -> None:
        self.through += 0.1 * (self.was_full and is_empty)
        self.was_full = self.was_full and not is_empty


def lasts_until(cell: Cell, step: Step) -> Iterator[tuple[float, float]]:  # noqa: C901 - one end after the other
    """Yield the times [s] and currents [A] of rows, each after the cell has come there."""
    at, current, until = 0.0, getattr(step.run, "current", 0.0), step.until
    passed = spent = 0.0
    if isinstance(step.run, VoltageRamp):
        span = step.run.end - step.run.start
        current = math.copysign(0.1 * step.run.rate, span)
    else:
        span = 0.0
    yield 0.0, current
    while True:
        dt = 10.0
        if isinstance(step.run, ConstantVoltage):
            at, current = at + dt, 1e-3 * math.exp(-(at + dt) / 30.0)
            yield at, current
            if current <= 2e-4:
                return
            continue
        if isinstance(step.run, VoltageRamp):
            dt = min(dt, step.run.duration - at)
        if until.duration is not None:
            dt = min(dt, until.duration - at)
        if until.charge is not None:
            dt = min(dt, (until.charge - passed) / abs(current))
        if until.energy is not None:
            # The charge at which the energy of a capacity is reached.
            volts = cell.voltage
            slope = current / 0.1
            power = abs(current)
            need = (until.energy - spent) / power
            dt = min(dt, (-volts + math.sqrt(volts * volts + 2.0 * slope * need)) / slope)
        for bound, sign in ((until.voltage_above, 1.0), (until.voltage_below, -1.0)):
            if bound is not None and current * sign > 0:
                faded = 0.1 * (1.0 - 0.15 * cell.through)
                dt = min(
                    dt, max((bound - 3.0) * faded - cell.charge, -cell.charge) / current if sign > 0 else 1e9
                )
                if sign < 0:
                    dt = min(dt, max(cell.charge - (bound - 3.0) * faded, 0.0) / -current)
        was = cell.voltage
        cell.carry(current, dt)
        at, passed = at + dt, passed + abs(current) * dt
        spent += abs(current) * dt * 0.5 * (was + cell.voltage)
        ends = (
            (until.duration is not None and at >= until.duration - 1e-9)
            or (until.charge is not None and passed >= until.charge - 1e-12)
            or (until.energy is not None and spent >= until.energy - 1e-12)
            or (until.voltage_above is not None and cell.voltage >= until.voltage_above - 1e-9)
            or (until.voltage_below is not None and cell.voltage <= until.voltage_below + 1e-9)
            or (isinstance(step.run, VoltageRamp) and at >= step.run.duration - 1e-9)
        )
        # It fades when it is empty, where that shows in no voltage.
        cell.fade(is_empty=ends and until.voltage_below is not None)
        yield at, current
        if ends:
            return


COLUMNS = {"primary": PRIMARY_COLUMNS, "impedance": IMPEDANCE_COLUMNS, "steps": STEP_COLUMNS}
COLUMNS |= {"cycles": CYCLE_COLUMNS}
ADDED = {
    "primary": ("test_time", "charge", "energy", "cycle", "step_count"),
    "impedance": ("test_time", "cycle", "step_count"),
    "steps": ("cycle", "step_count"),
    "cycles": ("cycle",),
}
IDENTITY = {"steps": "step_count", "cycles": "cycle"}


class Killed(Exception):
    """The host died."""


@dataclass
class Host:
    """Plays a program on a cell; dies after so many records."""

    program: Program
    cell: Cell
    lives: int
    told: dict[str, list[dict[str, Any]]]
    number: int = 0
    now: float = 0.0
    last_word: Position | None = None
    breaks: tuple[float, ...] = ()

    def play(self) -> None:
        """Play what is left of the program."""
        left = standing("p", SAMPLE, self.program, self.cycled(), self.last_word, 1e6)
        left = Position(**json.loads(json.dumps(left.as_json())))
        books = Books.restored(self.program, left, 1e6)
        booked, rest = books.part, books.advance()
        self.streams = {
            name: RowStream(name, name, columns, {"": "x", "channels": "x"})
            for name, columns in COLUMNS.items()
        }
        self.ledger = CycleLedger(
            self.streams,
            limits=LIMITS,
            began=LABEL,
            longest_step=1e6,
            range_of=lambda _: 0,
            counts_cycles=any(loop.counts_cycles for loop in loops(self.program.steps)),
        )
        self.ledger.restore(left.ledger, booked)
        if self.told["primary"]:
            self.breaks += (self.ledger.offsets.test_time,)
        self.left, self.course, self.rest = left, books.course, rest
        if rest is not None and rest.spent is None:
            self.ledger.close_step()
        try:
            while rest is not None:
                self.run(books.part, rest)
                self.ledger.close_step()
                following, rest = books.course.next(self.ledger.seen()), Rest()
                if following is None:
                    break
                books.part = following
            self.ledger.finish(None)
        finally:
            self.keep()

    def run(self, part: Any, rest: Rest) -> None:
        """Run what is left of a part, as an instrument would."""
        self.rest, continues, began = rest, rest.spent is not None, self.now
        if rest.is_whole:
            self.ledger.begin(part, self.now)
        else:
            self.ledger.go_on(part, rest.over, self.now)
        for turn in replace(part, nodes=rest.of(part.nodes)).walk():
            self.live()
            if not continues:
                self.ledger.element(ElementBegan("x"))
                self.course.began()
            continues = False
            if isinstance(turn.step.run, PotentiostaticImpedance):
                self.spectrum(began)
                continue
            first = self.now
            for at, current in lasts_until(self.cell, turn.step):
                self.now = first + at
                self.number += 1
                self.ledger.row(RowTaken(self.number, self.now - began, self.cell.voltage, current, math.nan))
                self.live()

    def spectrum(self, began: float) -> None:
        for frequency in FREQUENCIES:
            self.now += 1.0
            self.number += 1
            volts = self.cell.voltage
            self.ledger.spectrum(
                SpectrumPoint(self.number, self.now - began, frequency, 1.0, -1.0, volts, 0.0, 5e-3, 0.0)
            )
            self.live()

    def live(self) -> None:
        self.lives -= 1
        if self.lives == 0:
            raise Killed

    def keep(self) -> None:
        """Keep what the journal would have, and the station's last word."""
        offsets = self.ledger.offsets.as_json()
        for name, stream in self.streams.items():
            pages = list(stream.collect_pages())
            data = pages[0]["data"] if pages else {}
            for values in zip(*data.values(), strict=True):
                row = dict(zip(data, values, strict=True))
                for key in ADDED[name]:
                    row[key] += offsets[key]
                identity = IDENTITY.get(name)
                if identity:
                    self.told[name] = [each for each in self.told[name] if each[identity] != row[identity]]
                self.told[name].append(row)
        going = replace(
            self.left,
            course=self.course.as_json(),
            ledger=self.ledger.as_json(),
            rest=self.rest.as_json() if self.rest else Rest().as_json(),
        )
        self.last_word = Position(**json.loads(json.dumps(going.as_json())))

    def cycled(self) -> Cycled:
        columns = {
            name: {key: [row[key] for row in rows] for key in COLUMNS[name]} if rows else {}
            for name, rows in self.told.items()
        }
        told = canonical_hash(to_json(self.program))
        return Cycled(
            ["u"],
            SAMPLE.id,
            told,
            LABEL,
            columns["primary"],
            columns["impedance"],
            columns["steps"],
            self.breaks,
        )


def program_of(name: str) -> Program:
    return Program("p", PROGRAMS[name], LIMITS)


def played(name: str, lives: list[int], *, words: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Play a program through hosts of which each dies after so many records; return what their journals say."""
    program, cell = program_of(name), Cell()
    told: dict[str, list[dict[str, Any]]] = {stream: [] for stream in COLUMNS}
    host = Host(program, cell, -1, told)
    for life in [*lives, -1]:
        host = Host(
            program,
            cell,
            life,
            told,
            host.number,
            host.now + 500.0,
            host.last_word if words else None,
            host.breaks,
        )
        try:
            host.play()
            break
        except Killed:
            continue
    return told


WHOLE = {name: played(name, []) for name in PROGRAMS}


def assert_same(name: str, found: dict[str, list[dict[str, Any]]]) -> None:
    whole = WHOLE[name]
    for stream, keys in (
        ("steps", ("step_index", "step_count", "cycle", "technique", "end_reason", "flags")),
        ("cycles", ("cycle", "flags")),
    ):
        assert [[row[key] for key in keys] for row in found[stream]] == [
            [row[key] for key in keys] for row in whole[stream]
        ]
    if name == "cccv":
        # A hold begins anew with its first current: what the cell takes is the model's, not the books'.
        return
    for stream, keys in (
        ("steps", ("charge", "energy")),
        ("cycles", ("charge_capacity", "discharge_capacity", "efficiency")),
    ):
        for one, other in zip(found[stream], whole[stream], strict=True):
            for key in keys:
                assert one[key] == pytest.approx(other[key], rel=1e-6, abs=1e-12, nan_ok=True), (stream, key)
    assert found["primary"][-1]["charge"] == pytest.approx(whole["primary"][-1]["charge"], abs=1e-12)


def test_the_programs_are_what_they_are_meant_to_be() -> None:
    retention = [row["discharge_capacity"] for row in WHOLE["condition"]["cycles"]]
    assert 4 <= len(retention) < 8
    assert [row["step_index"] for row in WHOLE["jump"]["steps"]].count(0) == 3
    assert len(WHOLE["spectra"]["impedance"]) == 3 * len(FREQUENCIES)
    assert {row["end_reason"] for row in WHOLE["gitt"]["steps"]} >= {"charge", "duration", "voltage_below"}


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=15, deadline=None)
@given(lives=st.lists(st.integers(1, 120), min_size=1, max_size=4))
def test_wherever_it_is_broken_off_the_books_are_those_of_one_run(name, words, lives) -> None:
    assert_same(name, played(name, lives, words=words))


def test_a_last_word_of_two_steps_on_is_refused() -> None:
    told: dict[str, list[dict[str, Any]]] = {stream: [] for stream in COLUMNS}
    host = Host(program_of("gitt"), Cell(), 30, told)
    with pytest.raises(Killed):
        host.play()
    assert host.last_word is not None
    count = host.last_word.ledger["count"]
    host.last_word = replace(host.last_word, ledger={**host.last_word.ledger, "count": count + 2})
    with pytest.raises(InterlockError, match="last word"):
        standing("p", SAMPLE, host.program, host.cycled(), host.last_word, 1e6)


def test_a_fault_is_not_gone_on_with() -> None:
    told: dict[str, list[dict[str, Any]]] = {stream: [] for stream in COLUMNS}
    host = Host(program_of("gitt"), Cell(), 30, told)
    with pytest.raises(Killed):
        host.play()
    told["steps"][-1]["end_reason"] = "open_circuit"
    with pytest.raises(InterlockError, match="look at the cell"):
        standing("p", SAMPLE, host.program, host.cycled(), None, 1e6)


def test_rows_of_another_program_are_refused() -> None:
    told: dict[str, list[dict[str, Any]]] = {stream: [] for stream in COLUMNS}
    host = Host(program_of("gitt"), Cell(), 30, told)
    with pytest.raises(Killed):
        host.play()
    with pytest.raises(InterlockError, match="is not of"):
        standing("p", SAMPLE, program_of("jump"), host.cycled(), None, 1e6)
    for row in told["primary"]:
        row["step_index"] += 1
    with pytest.raises(InterlockError, match="should have been"):
        standing("p", SAMPLE, host.program, host.cycled(), None, 1e6)


def test_the_voltage_a_cell_should_have_is_tight_after_a_long_rest_only() -> None:
    books = Books.of(Program("p", (Step(OpenCircuit(), Until(duration=1e4)),), LIMITS), 1e6)
    books.ledger.element(ElementBegan("x"))
    for time in (0.0, 300.0, 900.0):
        books.ledger.row(RowTaken(1, time, 3.9, 0.0, math.nan))
        low, high = window_of(books.ledger) or (0.0, 0.0)
        assert high - low == pytest.approx(0.0 if time == 900.0 else 1.0)
