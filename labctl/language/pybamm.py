"""Programs to PyBaMM's experiment strings and back.

PyBaMM's discharge current is positive and ours is negative; in its strings the words charge and discharge say it.
A tuple is a cycle of PyBaMM's and a pass of a counting loop here; a step outside a tuple is a cycle of its own
there and belongs to none here. Limits, name and what a lost host means are not in its strings. What PyBaMM has
no words for is refused by name.

Source: pybamm.step.string and pybamm.Experiment of PyBaMM 26.10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits, Jump, Loop, Node, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    OpenCircuit,
    Record,
    Technique,
    Until,
)
from devices.errors import ProgramError
from labctl.language.estimate import estimate
from labctl.language.parser import parse
from labctl.language.printer import natural_end
from labctl.language.quantities import write, write_scaled

Experiment: TypeAlias = list[str | tuple[str, ...]]

MOST_STEPS = 10_000
"""Strings; PyBaMM has no loops, so a program is written out."""


LONGEST = 86400.0
"""Seconds after which PyBaMM ends a step that says no duration, and calls the experiment infeasible
[pybamm.experiment.step.base_step, 26.10]."""


def to_pybamm(program: Program) -> Experiment:
    """Return the argument of pybamm.Experiment. Raises ProgramError naming what PyBaMM has no words for."""
    places: dict[int, int] = {}
    for index, step in enumerate(program.leaves()):
        places.setdefault(id(step), index)  # one object may stand in several places
    experiment: Experiment = []
    for cycle in _cycles(program.steps, places):
        experiment.append(cycle)
        if len(experiment) > MOST_STEPS:
            raise ProgramError(
                f"{program.name}: PyBaMM has no loops, and more than {MOST_STEPS} cycles result"
            )
    return experiment


def breaks_off(program: Program, cell: CellSize) -> list[int]:
    """Return the steps that PyBaMM may break off and the instruments do not: longer than its day, and not told so."""
    if cell.capacity is None:
        return []
    steps = program.leaves()
    return [
        each.index
        for each in estimate(program, cell).steps
        if each.duration > LONGEST and steps[each.index].until.duration is None
    ]


def show_pybamm(experiment: Experiment, broken_off: Sequence[int] = ()) -> str:
    """Return an experiment as Python source, equal neighbours written once; broken_off: steps to be warned of."""
    parts = [
        f"    # step {index} may last longer than {LONGEST / 3600.0:g} h, after which PyBaMM breaks off a step without"
        " a duration\n"
        for index in broken_off
    ]
    for entry, equal in groupby(experiment):
        times = len(list(equal))
        shown = f'"{entry}"' if isinstance(entry, str) else _tuple(entry)
        parts.append(f"    {shown},\n" if times == 1 else f"    *[{shown}] * {times},\n")
    return f"[\n{''.join(parts)}]\n"


def from_pybamm(
    experiment: Sequence[str | Sequence[str]],
    *,
    name: str,
    limits: CellLimits,
    cell: CellSize | None = None,
    record: Record | None = None,
    on_host_loss: Literal["keep", "open"] = "keep",
) -> Program:
    """Return the program of PyBaMM's strings; equal cycles in a row become one loop.

    record: of strings without a period. Raises ProgramError with the string, and line and column in it.
    """
    nodes: list[Node] = []
    for entry, equal in groupby(tuple(each) if not isinstance(each, str) else each for each in experiment):
        times = len(list(equal))
        if isinstance(entry, str):
            nodes += [_step(entry, cell, record)] * times
        else:
            body = tuple(_step(text, cell, record) for text in entry)
            nodes.append(Loop(body, times, counts_cycles=True))
    return Program(name, tuple(nodes), limits, on_host_loss)


def _tuple(entry: tuple[str, ...]) -> str:
    inner = "".join(f'        "{text}",\n' for text in entry)
    return f"(\n{inner}    )"


def _step(text: str, cell: CellSize | None, record: Record | None) -> Step:
    nodes = parse(text, cell, record).nodes
    if len(nodes) != 1 or not isinstance(nodes[0], Step):
        raise ProgramError(f'"{text}" is not one step')
    return nodes[0]


def _cycles(nodes: Sequence[Node], places: dict[int, int]) -> Iterator[str | tuple[str, ...]]:
    for node in nodes:
        if isinstance(node, Step):
            yield _string(node, places[id(node)])
        elif isinstance(node, Jump):
            raise ProgramError(f'PyBaMM has no words for the jump to "{node.to}"')
        else:
            _refuse(node, places)
            if node.counts_cycles:
                cycle = tuple(_flat(node.body, places))
                yield from (cycle for _ in range(node.times))
            else:
                for _ in range(node.times):
                    yield from _cycles(node.body, places)


def _flat(nodes: Sequence[Step | Loop], places: dict[int, int]) -> Iterator[str]:
    """Yield the strings of one cycle, loops in it written out."""
    for node in nodes:
        if isinstance(node, Step):
            yield _string(node, places[id(node)])
            continue
        _refuse(node, places)
        if node.counts_cycles:
            raise ProgramError(f"{_place(node, places)}: PyBaMM has no words for a cycle within a cycle")
        for _ in range(node.times):
            yield from _flat(node.body, places)


def _refuse(loop: Loop, places: dict[int, int]) -> None:
    if loop.until is not None:
        raise ProgramError(f"{_place(loop, places)}: PyBaMM has no words for a loop with a condition")
    if loop.tags:
        raise ProgramError(f"{_place(loop, places)}: PyBaMM has no words for a loop's tag {loop.tags[0]!r}")


def _place(loop: Loop, places: dict[int, int]) -> str:
    node: Step | Loop = loop
    while isinstance(node, Loop):
        node = node.body[0]
    return f"the loop at step {places[id(node)]}"


def _string(step: Step, index: int) -> str:
    def refuse(what: str) -> ProgramError:
        return ProgramError(f"step {index}: PyBaMM's strings have no words for {what}")

    if step.tags:
        raise refuse(f"the tag {step.tags[0]!r}")
    if step.temperature is not None:
        raise refuse("a temperature; it is an argument of pybamm.step.string")
    if step.record.voltage_change is not None or step.record.current_change is not None:
        raise refuse("rows by a change of voltage or current")
    drive = _drive(step.run)
    if drive is None:
        raise refuse(step.run.technique)
    ends = [_end(step.run, name, value) for name, value in step.until.named().items() if name != "duration"]
    if None in ends:
        raise refuse(f"an end by {_nameless(step.run, step.until)}")
    if len(ends) > 1:
        raise refuse("more than one end besides a duration")
    duration = [] if step.until.duration is None else [f"for {_time(step.until.duration)}"]
    joined = "or until" if duration else "until"
    return " ".join([drive, *duration, *(f"{joined} {end}" for end in ends), _period(step.record)])


def _nameless(run: Technique, until: Until) -> str:
    return next(
        name for name, value in until.named().items() if name != "duration" and _end(run, name, value) is None
    )


def _drive(run: Technique) -> str | None:
    match run:
        case OpenCircuit():
            return "Rest"
        case ConstantCurrent(current=drive):
            return f"{'Discharge' if drive < 0 else 'Charge'} at {_milli(abs(drive), 'A')}"
        case ConstantPower(power=drive):
            return f"{'Discharge' if drive < 0 else 'Charge'} at {_milli(abs(drive), 'W')}"
        case ConstantResistance(resistance=resistance):
            return f"Discharge at {write_scaled(resistance)} Ohm"
        case ConstantVoltage(voltage=voltage):
            return f"Hold at {write_scaled(voltage)} V"
    return None


def _end(run: Technique, name: str, value: float) -> str | None:
    """Return an end in PyBaMM's words: of a side it does not imply only for voltages, as it signs currents."""
    if name in ("voltage_above", "voltage_below"):
        side = "" if name == natural_end(run) else "> " if name == "voltage_above" else "< "
        return f"{side}{write_scaled(value)} V"
    return _milli(value, "A") if name == "current_below" else None


def _time(seconds: float) -> str:
    number, unit = write(seconds, "s").split()
    words = {"h": "hour", "min": "minute", "s": "second"}
    if unit not in words:
        return f"{write_scaled(seconds)} seconds"
    return f"{number} {words[unit]}{'' if number == '1' else 's'}"


def _period(record: Record) -> str:
    number, *unit = _time(record.interval).split()
    return f"({number} {unit[0].removesuffix('s')} period)"


def _milli(value: float, unit: str) -> str:
    return f"{write_scaled(value, 3)} m{unit}"
