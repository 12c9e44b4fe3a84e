"""The method of aurora-unicycler, which goes back by loops, as the nodes of a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from devices.cycling.cells import CellSize, Rate
from devices.cycling.programs import Loop, Step
from devices.cycling.techniques import (
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
from devices.errors import ProgramError
from labctl.language.mistakes import together, told
from labctl.language.parser import DEEPEST, MOST_MISTAKES, UNREAD
from labctl.language.unicycler_schema import (
    OWN_TAG,
    Again,
    Current,
    Entry,
    Rest,
    Spectrum,
    Sweep,
    Tag,
    Voltage,
    ampere,
)


@dataclass(frozen=True)
class _Open:
    """A node that was read, with its first and last place in the method and how deep its loops go."""

    first: int
    last: int
    node: Step | Loop
    depth: int = 0


class Reader:
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
        """Return the nodes. Raises ProgramError with every entry that has no meaning here."""
        done: list[_Open] = []
        mistakes: list[ProgramError] = []
        for at, entry in enumerate(self._method):
            if isinstance(entry, Tag):
                continue
            try:
                if isinstance(entry, Again):
                    done = self._looped(at, entry, done)
                else:
                    done.append(self._step(at, entry))
            except ProgramError as error:
                mistakes.append(error)
                if not isinstance(entry, Again):
                    done.append(_Open(at, at, UNREAD))
            if len(mistakes) >= MOST_MISTAKES:
                break
        if mistakes:
            raise together(mistakes)
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
        depth = 1 + max(each.depth for each in body)
        if depth > DEEPEST:
            raise self._wrong(at, f"loops are nested deeper than {DEEPEST} levels")
        nodes, target = tuple(each.node for each in body), self._method[start]
        tags: tuple[str, ...] = ()
        counts = _goes_both_ways(nodes)
        if isinstance(target, Tag):
            own = OWN_TAG.fullmatch(target.tag)
            counts = own[1] == "cycle" if own else counts
            shared = any(target.tag in each.node.tags for each in body)
            tags = (*self._tags_before(start), *(() if own or shared else (target.tag,)))
        try:
            return [*before, _Open(start, at, Loop(nodes, again.cycle_count, counts, tags=tags), depth)]
        except ValidationError as error:
            raise self._wrong(at, told(error)) from error

    def _wrong(self, at: int, what: str) -> ProgramError:
        return ProgramError(f"unicycler method[{at}] ({self._method[at].step}): {what}")

    def _run(self, entry: Rest | Current | Voltage | Spectrum | Sweep) -> tuple[Technique, Until]:
        match entry:
            case Rest():
                return OpenCircuit(), Until(duration=entry.until_time_s)
            case Current():
                drive = self._current(entry.rate_C, entry.current_mA)
                if not drive:
                    raise ProgramError("needs rate_C or current_mA")
                name = "voltage_above" if drive > 0 else "voltage_below"
                volts = {name: entry.until_voltage_V or None}
                return ConstantCurrent(drive), Until(duration=entry.until_time_s or None, **volts)
            case Voltage():
                below = abs(self._current(entry.until_rate_C, entry.until_current_mA)) or None
                until = Until(duration=entry.until_time_s or None, current_below=below)
                return ConstantVoltage(entry.voltage_V), until
            case Sweep():
                rate = ampere(entry.scan_rate_mV_per_s)
                return VoltageRamp(entry.start_voltage_V, entry.end_voltage_V, rate), Until()
        return _spectrum(entry), Until()

    def _current(self, rate: float | None, milli: float | None) -> float:
        """Return the current [A] of a C-rate, which goes first, or of mA; 0 for neither."""
        if not rate:
            return ampere(milli or 0.0)
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
    return GalvanostaticImpedance(first, last, ampere(entry.amplitude_mA or 0.0), per_decade)


def _goes_both_ways(nodes: Sequence[Step | Loop]) -> bool:
    runs = [node.run for node in nodes if isinstance(node, Step)]
    currents = [run.current for run in runs if isinstance(run, ConstantCurrent)]
    charges = any(drive > 0 for drive in currents) or any(isinstance(run, ConstantVoltage) for run in runs)
    return charges and any(drive < 0 for drive in currents)
