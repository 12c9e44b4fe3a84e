"""A program as text of the language of cycling; parsed again, it is the same program."""

from __future__ import annotations

from collections.abc import Iterator

from devices.cycling.programs import CellLimits, Jump, Node, Program, Step, When
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
    Technique,
    Until,
    VoltageRamp,
)
from labctl.language.quantities import write

INDENT = "    "


def print_program(program: Program) -> str:
    """Return a whole program as text: name, limits, what a lost host means, and its nodes."""
    records = {step.record for step in program.leaves()}
    usual = next(iter(records)) if len(records) == 1 else Record()
    head = [
        f"program {program.name}",
        f"limits {print_limits(program.limits)}",
        *([f"on host loss {program.on_host_loss}"] if program.on_host_loss != "keep" else []),
        *([_recording(usual)] if usual != Record() else []),
    ]
    return "\n".join([*head, *(line for node in program.steps for line in _lines(node, usual))]) + "\n"


def print_step(step: Step, usual: Record | None = None) -> str:
    """Return one step as text, with its tags before it; `usual` is the record that need not be said."""
    words = [_drive(step.run), *_ends(step.run, step.until)]
    if step.record != (usual or Record()):
        words.append(_recording(step.record))
    if step.temperature is not None:
        words.append(f"at {write(step.temperature, 'K')}")
    return _tags(step.tags) + " ".join(words)


def _lines(node: Node, usual: Record) -> Iterator[str]:
    if isinstance(node, Step):
        yield print_step(node, usual)
    elif isinstance(node, Jump):
        when = f" when {_condition(node.when)}" if node.when is not None else ""
        most = f" at most {node.at_most} times" if node.at_most != 1 else ""
        yield f"go to {node.to}{when}{most}"
    else:
        opening, closing = "()" if node.counts_cycles else "[]"
        yield f"{_tags(node.tags)}repeat {node.times} x {opening}"
        yield from (f"{INDENT}{line}" for inner in node.body for line in _lines(inner, usual))
        yield closing if node.until is None else f"{closing} until {_condition(node.until)}"


def _tags(tags: tuple[str, ...]) -> str:
    return "".join(f"{tag}: " for tag in tags)


def print_limits(limits: CellLimits) -> str:
    """Return the cell's limits as text."""
    window = f"{write(limits.voltage_min, 'V')} to {write(limits.voltage_max, 'V')}"
    charge = f", {write(limits.charge_max, 'C')}" if limits.charge_max is not None else ""
    return f"{window}, {write(limits.current_max, 'A')}{charge}"


def _drive(run: Technique) -> str:
    match run:
        case OpenCircuit():
            return "Rest"
        case ConstantCurrent(current=drive):
            return f"{_direction(drive)} at {write(abs(drive), 'A')}"
        case ConstantPower(power=drive):
            return f"{_direction(drive)} at {write(abs(drive), 'W')}"
        case ConstantResistance(resistance=resistance):
            return f"Discharge at {write(resistance, 'ohm')}"
        case ConstantVoltage(voltage=voltage):
            return f"Hold at {write(voltage, 'V')}"
        case VoltageRamp(start=start, end=end, rate=rate):
            return f"Sweep from {write(start, 'V')} to {write(end, 'V')} at {write(rate, 'V/s')}"
        case CurrentRamp(start=start, end=end, rate=rate):
            return f"Sweep from {write(start, 'A')} to {write(end, 'A')} at {write(rate, 'A/s')}"
        case PotentiostaticImpedance(bias=bias):
            around = "" if bias is None else f", around {write(bias, 'V')}"
            return f"{_spectrum(run, 'V')}{around}"
        case GalvanostaticImpedance(bias=bias):
            around = f", around {write(bias, 'A')}" if bias else ""
            return f"{_spectrum(run, 'A')}{around}"


def _spectrum(run: PotentiostaticImpedance | GalvanostaticImpedance, unit: str) -> str:
    band = f"Impedance from {write(run.first, 'Hz')} to {write(run.last, 'Hz')}"
    return f"{band}, {write(run.amplitude, unit)}, {run.per_decade} per decade"


def _direction(drive: float) -> str:
    return "Discharge" if drive < 0 else "Charge"


def _ends(run: Technique, until: Until) -> Iterator[str]:
    joined = ""
    if until.duration is not None:
        yield f"for {write(until.duration, 's')}"
        joined = "or "
    ends = [
        *_sides(until.voltage_above, "voltage_above", "V", run),
        *_sides(until.voltage_below, "voltage_below", "V", run),
        *([] if until.current_above is None else [f"above {write(until.current_above, 'A')}"]),
        *([] if until.current_below is None else [write(until.current_below, "A")]),
        *([] if until.charge is None else [write(until.charge, "C")]),
        *([] if until.energy is None else [write(until.energy, "J")]),
        *([] if until.voltage_rate_below is None else [write(until.voltage_rate_below, "V/s")]),
        *([] if until.current_rate_below is None else [write(until.current_rate_below, "A/s")]),
    ]
    if ends:
        yield f"{joined}until {' or '.join(ends)}"


def _sides(value: float | None, name: str, unit: str, run: Technique) -> list[str]:
    """Return a voltage end; its side is left out where the step says it."""
    if value is None:
        return []
    natural = natural_end(run)
    side = "" if name == natural else f"{name.removeprefix('voltage_')} "
    return [f"{side}{write(value, unit)}"]


def natural_end(run: Technique) -> str:
    """Return the voltage end that a technique runs into: "voltage_above", "voltage_below" or nothing."""
    match run:
        case ConstantCurrent(current=drive) | ConstantPower(power=drive) if drive:
            return "voltage_above" if drive > 0 else "voltage_below"
        case ConstantResistance():
            return "voltage_below"
    return ""


def _recording(record: Record) -> str:
    every = [write(record.interval, "s")]
    if record.voltage_change is not None:
        every.append(write(record.voltage_change, "V"))
    if record.current_change is not None:
        every.append(write(record.current_change, "A"))
    return f"recording every {' or '.join(every)}"


def _condition(when: When) -> str:
    parts = [
        *([] if when.ended_by is None else [f"ended by {when.ended_by.value}"]),
        *([] if when.voltage_above is None else [f"voltage above {write(when.voltage_above, 'V')}"]),
        *([] if when.voltage_below is None else [f"voltage below {write(when.voltage_below, 'V')}"]),
        *_below("capacity", when.discharge_capacity_below, "C"),
        *_below("retention", when.retention_below, "1"),
        *_below("efficiency", when.efficiency_below, "1"),
        *([] if when.cycle_at_least is None else [f"cycle {when.cycle_at_least}"]),
    ]
    return " or ".join(parts)


def _below(what: str, value: float | None, unit: str) -> list[str]:
    return [] if value is None else [f"{what} below {write(value, unit)}"]
