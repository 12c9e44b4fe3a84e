"""Programs to the JSON of aurora-unicycler and back.

Charge is positive on both sides. What unicycler has no field for is refused naming the step; name, what a lost
host means and a safety delay are not carried. A loop goes back to a tag of its own: "cycle-1" where its passes are
counted, "repeat-1" where not. In files from elsewhere a loop counts when charges and discharges stand in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from devices.cells import SECONDS_PER_HOUR, CellSize, Rate
from devices.errors import ConfigError, Mistake, ProgramError
from devices.programs import CellLimits, Jump, Loop, Node, Program, Step, loops
from devices.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Technique,
    Until,
    VoltageRamp,
)
from labctl.config.checking import validate
from labctl.language.quantities import write_scaled
from labctl.language.steps import told
from labctl.language.unicycler_schema import (
    Again,
    Current,
    Entry,
    Protocol,
    Rest,
    Safety,
    Spectrum,
    Sweep,
    Tag,
    Voltage,
)

OWN_TAG = re.compile(r"(cycle|repeat)-\d+")

FREQUENCIES = (1e-5, 1e7)
"""Hz, that unicycler allows."""


def to_unicycler(program: Program, cell: CellSize | None = None) -> dict[str, Any]:
    """Return the protocol as unicycler's JSON has it. Raises ProgramError naming what it has no field for."""
    steps = program.leaves()
    record = steps[0].record
    other = next((index for index, step in enumerate(steps) if step.record != record), None)
    if other is not None:
        raise ProgramError(f"step {other}: unicycler records all steps alike, and this one records otherwise")
    return {
        "unicycler": {},
        "sample": {"name": "$NAME", "capacity_mAh": _capacity(cell)},
        "record": {
            "current_mA": _milli(record.current_change),
            "voltage_V": record.voltage_change,
            "time_s": record.interval,
        },
        "safety": _safety(program.limits),
        "method": list(_Writer(program).method()),
    }


def from_unicycler(
    body: Mapping[str, Any],
    *,
    name: str,
    cell: CellSize | None = None,
    limits: CellLimits | None = None,
    on_host_loss: Literal["keep", "open"] = "keep",
    file: str = "unicycler",
) -> Program:
    """Return the program of a protocol. C-rates use its own capacity, or else the cell's.

    limits: for what the protocol's `safety` leaves open. Raises ConfigError for a file that is not of
    unicycler's form, ProgramError for what has no meaning here.
    """
    protocol = validate(Protocol, dict(body), file=file)
    if protocol.sample.capacity_mAh is not None:
        cell = CellSize(
            1.0 if cell is None else cell.area, _ampere(protocol.sample.capacity_mAh) * SECONDS_PER_HOUR
        )
    rows = protocol.record
    try:
        record = Record(rows.time_s, rows.voltage_V, _maybe(rows.current_mA))
        nodes = _Reader(protocol.method, cell, record).nodes()
        return Program(name, nodes, _limits(protocol.safety, limits), on_host_loss)
    except ValidationError as error:
        raise ProgramError(f"{file}: {told(error)}") from error


@dataclass(frozen=True)
class UnicyclerProgram:
    """A protocol of unicycler's as a macro: a program once the cell is known; `limits` as in from_unicycler."""

    name: str
    body: Mapping[str, Any]
    limits: CellLimits | None = None
    file: str = "unicycler"

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell. Raises ConfigError, ProgramError."""
        return from_unicycler(self.body, name=self.name, cell=cell, limits=self.limits, file=self.file)


def load(text: str, file: str) -> Mapping[str, Any]:
    """Return the JSON in a text. Raises ConfigError when it is none, or no table."""
    try:
        body = json.loads(text, parse_constant=lambda word: word)
    except json.JSONDecodeError as error:
        raise ConfigError([Mistake(file, "", "", f"not JSON: {error.msg}", error.lineno)]) from error
    except RecursionError as error:
        raise ConfigError([Mistake(file, "", "", "nested too deeply")]) from error
    if not isinstance(body, dict):
        raise ConfigError([Mistake(file, "", "", "must be a table with record and method")])
    return body


def _capacity(cell: CellSize | None) -> float | None:
    return None if cell is None or cell.capacity is None else 1e3 * cell.capacity / SECONDS_PER_HOUR


def _milli(value: float | None) -> float | None:
    """Return A as mA; the nearest float to the decimal, so that it comes back the same."""
    return None if value is None else float(write_scaled(value, 3))


def _ampere(milli: float) -> float:
    return float(write_scaled(milli, -3))


def _maybe(milli: float | None) -> float | None:
    return None if milli is None else _ampere(milli)


def _safety(limits: CellLimits) -> dict[str, Any]:
    charge = limits.charge_max
    return {
        "max_voltage_V": limits.voltage_max,
        "min_voltage_V": limits.voltage_min,
        "max_current_mA": _milli(limits.current_max),
        "min_current_mA": _milli(-limits.current_max),
        "max_capacity_mAh": None if charge is None else 1e3 * charge / SECONDS_PER_HOUR,
        "delay_s": None,
    }


def _limits(safety: Safety, otherwise: CellLimits | None) -> CellLimits:
    """Return the cell's limits; the tighter of the two currents, since ours has no sign."""
    currents = [abs(each) for each in (safety.max_current_mA, safety.min_current_mA) if each is not None]
    charge = safety.max_capacity_mAh
    found: dict[str, Any] = {
        "voltage_min": safety.min_voltage_V,
        "voltage_max": safety.max_voltage_V,
        "current_max": _ampere(min(currents)) if currents else None,
        "charge_max": 1e-3 * charge * SECONDS_PER_HOUR if charge else None,
    }
    for name, value in found.items():
        if value is None and otherwise is None and name != "charge_max":
            raise ProgramError(f"unicycler: safety says nothing of {name}; give the cell's limits")
        found[name] = getattr(otherwise, name, None) if value is None else value
    return CellLimits(**found)


class _Writer:
    """Writes a program's nodes as unicycler's method."""

    def __init__(self, program: Program) -> None:
        self._program = program
        taken = [tag for step in program.leaves() for tag in step.tags]
        taken += [tag for loop in loops(program.steps) for tag in loop.tags]
        twice = next((tag for tag in taken if taken.count(tag) > 1), None)
        if twice is not None:
            raise ProgramError(f"unicycler has every tag once, and {twice!r} stands on several steps")
        self._taken, self._loops, self._step = set(taken), 0, 0

    def method(self) -> Iterator[dict[str, Any]]:
        """Yield the entries."""
        yield from self._entries(self._program.steps)

    def _entries(self, nodes: Sequence[Node]) -> Iterator[dict[str, Any]]:
        for node in nodes:
            if isinstance(node, Jump):
                raise ProgramError(f'unicycler has no field for the jump to "{node.to}"')
            yield from ({"step": "tag", "tag": tag} for tag in node.tags)
            if isinstance(node, Step):
                yield self._entry(node)
                self._step += 1
                continue
            if node.until is not None:
                raise ProgramError(f"the loop at step {self._step}: unicycler has no field for its condition")
            tag = self._own_tag(node)
            yield {"step": "tag", "tag": tag}
            yield from self._entries(node.body)
            yield {"step": "loop", "loop_to": tag, "cycle_count": node.times}

    def _own_tag(self, loop: Loop) -> str:
        while True:
            self._loops += 1
            tag = f"{'cycle' if loop.counts_cycles else 'repeat'}-{self._loops}"
            if tag not in self._taken:
                return tag

    def _entry(self, step: Step) -> dict[str, Any]:
        ends = step.until.named()
        if step.temperature is not None:
            raise self._refused("a temperature")
        entry = {"step": "", **self._driven(step.run, ends)}
        entry["until_time_s"] = ends.pop("duration", None)
        if ends:
            raise self._refused(f"an end by {next(iter(ends))}")
        timeless = isinstance(step.run, VoltageRamp | PotentiostaticImpedance | GalvanostaticImpedance)
        if timeless and entry.pop("until_time_s") is not None:
            raise self._refused("an end by duration")
        return entry

    def _driven(self, run: Technique, ends: dict[str, float]) -> dict[str, Any]:
        """Return a step's own fields; takes the ends out of `ends` that it has a field for."""
        match run:
            case OpenCircuit() if "duration" in ends:
                return {"step": "open_circuit_voltage"}
            case ConstantCurrent(current=drive) if drive:
                volts = ends.pop("voltage_above" if drive > 0 else "voltage_below", None)
                if volts == 0.0:
                    raise self._refused("an end at 0 V; it is as good as none there")
                return {"step": "constant_current", "current_mA": _milli(drive), "until_voltage_V": volts}
            case ConstantVoltage(voltage=voltage):
                current = _milli(ends.pop("current_below", None))
                return {"step": "constant_voltage", "voltage_V": voltage, "until_current_mA": current}
            case VoltageRamp(start=start, end=end, rate=rate):
                return {
                    "step": "voltage_scan",
                    "start_voltage_V": start,
                    "end_voltage_V": end,
                    "scan_rate_mV_per_s": _milli(rate),
                }
            case PotentiostaticImpedance(bias=None, amplitude=amplitude):
                return {**self._spectrum(run), "amplitude_V": amplitude}
            case GalvanostaticImpedance(bias=0.0, amplitude=amplitude):
                return {**self._spectrum(run), "amplitude_mA": _milli(amplitude)}
            case PotentiostaticImpedance() | GalvanostaticImpedance():
                raise self._refused("an impedance's bias")
            case OpenCircuit():
                raise self._refused("a rest without a duration")
        raise self._refused("a current of zero" if isinstance(run, ConstantCurrent) else run.technique)

    def _spectrum(self, run: PotentiostaticImpedance | GalvanostaticImpedance) -> dict[str, Any]:
        low, high = FREQUENCIES
        if not (low <= run.first <= high and low <= run.last <= high):
            raise self._refused(f"frequencies beyond {low:g} to {high:g} Hz")
        return {
            "step": "impedance_spectroscopy",
            "start_frequency_Hz": run.first,
            "end_frequency_Hz": run.last,
            "points_per_decade": run.per_decade,
        }

    def _refused(self, what: str) -> ProgramError:
        return ProgramError(f"step {self._step}: unicycler has no field for {what}")


@dataclass(frozen=True)
class _Open:
    """A node that was read, with its first and last place in the method."""

    first: int
    last: int
    node: Step | Loop


class _Reader:
    """Reads unicycler's method, which goes back by loops, as a tree."""

    def __init__(self, method: Sequence[Entry], cell: CellSize | None, record: Record) -> None:
        self._method, self._cell, self._record = method, cell, record
        tags = [entry.tag for entry in method if isinstance(entry, Tag)]
        twice = next((tag for tag in tags if tags.count(tag) > 1), None)
        if twice is not None:
            raise ProgramError(f'unicycler: the tag "{twice}" stands twice')
        places = {entry.tag: at for at, entry in enumerate(method) if isinstance(entry, Tag)}
        self._starts = {
            at: self._start(at, entry, places) for at, entry in enumerate(method) if isinstance(entry, Again)
        }

    def nodes(self) -> tuple[Step | Loop, ...]:
        """Return the nodes."""
        done: list[_Open] = []
        for at, entry in enumerate(self._method):
            if isinstance(entry, Tag):
                continue
            if isinstance(entry, Again):
                done = self._looped(at, entry, done)
            else:
                done.append(self._step(at, entry))
        return tuple(each.node for each in done)

    def _start(self, at: int, again: Again, places: Mapping[str, int]) -> int:
        """Return where a loop goes back to, counted from 0."""
        start = again.loop_to - 1 if isinstance(again.loop_to, int) else places.get(again.loop_to, -1)
        if start < 0:
            raise self._wrong(at, f"there is no {again.loop_to!r} to go back to")
        if start >= at:
            raise self._wrong(at, f"{again.loop_to!r} lies ahead; a loop goes back")
        return start

    def _step(self, at: int, entry: Rest | Current | Voltage | Spectrum | Sweep) -> _Open:
        try:
            run, until = self._run(entry)
            return _Open(at, at, Step(run, until, self._record, self._tags_before(at)))
        except ValidationError as error:
            raise self._wrong(at, told(error)) from error
        except ProgramError as error:
            raise self._wrong(at, str(error)) from error

    def _tags_before(self, at: int) -> tuple[str, ...]:
        """Return the tags right before a place, up to one that opens a loop: those before that are the loop's."""
        first = at
        while (
            first > 0 and isinstance(self._method[first - 1], Tag) and first - 1 not in self._starts.values()
        ):
            first -= 1
        return tuple(entry.tag for entry in self._method[first:at] if isinstance(entry, Tag))

    def _looped(self, at: int, again: Again, done: Sequence[_Open]) -> list[_Open]:
        start = self._starts[at]
        body = [each for each in done if each.first >= start]
        before = [each for each in done if each.first < start]
        if not body:
            raise self._wrong(at, "no step stands between it and where it goes back to")
        if any(each.last >= start for each in before):
            raise self._wrong(at, "it goes back into the middle of another loop")
        nodes, target = tuple(each.node for each in body), self._method[start]
        tags: tuple[str, ...] = ()
        counts = _goes_both_ways(nodes)
        if isinstance(target, Tag):
            own = OWN_TAG.fullmatch(target.tag)
            counts = own[1] == "cycle" if own else counts
            shared = any(target.tag in each.node.tags for each in body)
            tags = (*self._tags_before(start), *(() if own or shared else (target.tag,)))
        try:
            return [*before, _Open(start, at, Loop(nodes, again.cycle_count, counts, tags=tags))]
        except ValidationError as error:
            raise self._wrong(at, told(error)) from error

    def _wrong(self, at: int, what: str) -> ProgramError:
        return ProgramError(f"unicycler method[{at}] ({self._method[at].step}): {what}")

    def _run(self, entry: Rest | Current | Voltage | Spectrum | Sweep) -> tuple[Technique, Until]:
        match entry:
            case Rest():
                return OpenCircuit(), Until(duration=entry.until_time_s)
            case Current():
                drive = self._ampere(entry.rate_C, entry.current_mA)
                if not drive:
                    raise ProgramError("needs rate_C or current_mA")
                name = "voltage_above" if drive > 0 else "voltage_below"
                volts = {name: entry.until_voltage_V or None}
                return ConstantCurrent(drive), Until(duration=entry.until_time_s or None, **volts)
            case Voltage():
                below = abs(self._ampere(entry.until_rate_C, entry.until_current_mA)) or None
                until = Until(duration=entry.until_time_s or None, current_below=below)
                return ConstantVoltage(entry.voltage_V), until
            case Sweep():
                rate = _ampere(entry.scan_rate_mV_per_s)
                return VoltageRamp(entry.start_voltage_V, entry.end_voltage_V, rate), Until()
        return _spectrum(entry), Until()

    def _ampere(self, rate: float | None, milli: float | None) -> float:
        """Return the current [A] of a C-rate, which goes first, or of mA; 0 for neither."""
        if not rate:
            return _ampere(milli or 0.0)
        if self._cell is None:
            raise ProgramError("a C-rate needs sample.capacity_mAh, or the cell")
        return Rate(rate, "C-rate").on(self._cell)


def _spectrum(entry: Spectrum) -> Technique:
    for name, usual in (("measures_per_point", 1), ("drift_correction", False)):
        if (getattr(entry, name) or usual) != usual:
            raise ProgramError(f"{name} has no meaning here; leave it out")
    if (entry.amplitude_V is None) == (entry.amplitude_mA is None):
        raise ProgramError("needs one of amplitude_V and amplitude_mA")
    first, last, per_decade = entry.start_frequency_Hz, entry.end_frequency_Hz, entry.points_per_decade
    if entry.amplitude_V is not None:
        return PotentiostaticImpedance(first, last, entry.amplitude_V, per_decade)
    return GalvanostaticImpedance(first, last, _ampere(entry.amplitude_mA or 0.0), per_decade)


def _goes_both_ways(nodes: Sequence[Step | Loop]) -> bool:
    runs = [node.run for node in nodes if isinstance(node, Step)]
    currents = [run.current for run in runs if isinstance(run, ConstantCurrent)]
    charges = any(drive > 0 for drive in currents) or any(isinstance(run, ConstantVoltage) for run in runs)
    return charges and any(drive < 0 for drive in currents)
