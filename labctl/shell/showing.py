"""What the prompt shows of a thing that was typed: stations in words, quantities with units, what was not called."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import FunctionType, GeneratorType, MethodType, SimpleNamespace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ophyd import Device

from devices.base import Instrument, Quantity, Station
from devices.cycling.cells import Rate
from devices.cycling.macros import RateTest, WindowMacro
from devices.errors import LabError
from devices.quantities import Unit
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.models import Experiment
from labctl.plain_text import plain
from labctl.plans import discover_plans
from labctl.powered import in_words
from labctl.units import EXAMPLES, show

WITH_UNITS = (
    SampleRef, AnnealRecipe, FurnaceRecipe, DepositionRecipe, EvaporationRecipe, RateTest, WindowMacro,
)  # fmt: skip
"""Kinds of files whose quantities are floats in SI units, which nobody reads."""

OF_A_GUN = 1e3
"""W/m2 above which a power over an area is that of a target, not that of a cell; guess."""

LEFT_OUT = frozenset({"materials"})
"""What is filled in from other files."""


def show_in_words(formatter: Any) -> None:
    """Have IPython's formatter of plain text show what newcomers meet at the prompt."""
    formatter.for_type(GeneratorType, _made)
    formatter.for_type(FunctionType, _function)
    formatter.for_type(MethodType, _method)
    formatter.for_type(SimpleNamespace, _namespace)
    formatter.for_type(Experiment, _experiment)
    formatter.for_type(Station, _station)
    formatter.for_type(Instrument, _instrument)
    formatter.for_type(Quantity, _quantity)
    for kind in WITH_UNITS:
        formatter.for_type(kind, _with_units)


def with_units(thing: Any) -> str:
    """Return what stands in the file of a sample, a recipe or a program, with units, as far as it is not as ever."""
    head, *rest = (f"{name} {value}" for name, value in _fields(thing))
    return "\n  ".join([head, *rest])


def _made(generator: Any, printer: Any, cycle: bool) -> None:
    """Say of a plan that it was made and not run: nothing else tells."""
    name = generator.__name__
    if name in discover_plans() or generator.gi_code.co_filename.endswith("bluesky/plans.py"):
        printer.text(f"a plan, {name}: nothing has been done yet. {_how(name)}")
    else:
        printer.text(repr(generator))


def _function(function: Any, printer: Any, cycle: bool) -> None:
    name = function.__name__
    if name in discover_plans():
        printer.text(f"a plan, {name}: nothing has been done yet. {_how(name)}, {name}? shows what it takes")
    else:
        printer.text(repr(function))


def _namespace(space: Any, printer: Any, cycle: bool) -> None:
    """List plans with the first line of what each says of itself."""
    names, known = vars(space), discover_plans()
    if not names or not set(names) <= set(known):
        printer.text(repr(space))
        return
    width = max(map(len, names))
    lines = [
        f"  {name.ljust(width)}  {(plan.__doc__ or '').partition(chr(10))[0]}" for name, plan in names.items()
    ]
    printer.text("\n".join(["RE(PLAN(...)) runs one, PLAN? shows what it takes:", *lines]).rstrip())


def _experiment(experiment: Any, printer: Any, cycle: bool) -> None:
    name = f'experiments["{experiment.name}"]'
    on = f" on {experiment.sample.id}" if experiment.sample is not None else ""
    lines = [
        f"an experiment, {experiment.name}: {experiment.plan}{on}; nothing has been done yet. lab.run({name}) runs it,"
        f" %rehearse {experiment.name} tries it on the twins"
    ]
    if (sample := experiment.sample) is not None:
        parts = (sample.layers, sample.cell_layers)
        layers = " | ".join(
            ", ".join(f"{each.material} {show(each.thickness, 'm', 'um')}" for each in part)
            for part in parts
            if part
        )
        lines.append(f"{plain(sample.id)}: {layers}, area {show(sample.area, 'm^2', 'cm^2')}")
    for part in (experiment.recipe, experiment.program):
        if part is not None:
            lines.append(_in_one_line(part).removeprefix("name "))
    lines += [f"{key}: {plain(value, 200)}" for key, value in experiment.arguments.items()]
    lines += [f"notes: {plain(experiment.notes)}"] if experiment.notes else []
    printer.text("\n  ".join(lines))


def _how(name: str) -> str:
    return f"RE({name}(...)) runs it, %rehearse {name}(...) tries it on the twins"


def _method(method: Any, printer: Any, cycle: bool) -> None:
    name = method.__name__
    if method.__module__.partition(".")[0] in ("labctl", "devices", "bluesky", "ophyd"):
        printer.text(
            f"{name} was not called, so nothing has been done: type {name}(...). {name}? says what it does"
        )
    else:
        printer.text(repr(method))


def _station(station: Any, printer: Any, cycle: bool) -> None:
    if type(station).__repr__ is not Device.__repr__:
        printer.text(repr(station))
        return
    parts = ", ".join(f"{name} ({each.kind_name})" for name, each in station.instruments.items())
    printer.text(f"{in_words([station])}; {parts}")


def _instrument(instrument: Any, printer: Any, cycle: bool) -> None:
    printer.text(f"{instrument.name}, {instrument.kind_name}: {', '.join(instrument.component_names)}")


def _quantity(quantity: Any, printer: Any, cycle: bool) -> None:
    """Ask for the value: whoever types a quantity wants to know what it is."""
    try:
        value: Any = quantity.parent.clock.call(quantity.get)
    except LabError as error:
        printer.text(f"{quantity.name} cannot be read: {error}")
    else:
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        printer.text(f"{quantity.name} is {shown} {'' if quantity.unit == '1' else quantity.unit}".rstrip())


def _with_units(thing: Any, printer: Any, cycle: bool) -> None:
    printer.text(with_units(thing))


def _fields(thing: Any) -> Iterator[tuple[str, str]]:
    """Yield names and values of what differs from its default; parts of it in a line each."""
    hints = get_type_hints(type(thing), include_extras=True)
    for field in dataclasses.fields(thing):
        value, unit = getattr(thing, field.name), _unit(hints[field.name])
        if field.name in LEFT_OUT or value in (None, 0.0) or (value == field.default and not unit):
            continue
        name = field.name.replace("_", " ")
        if isinstance(value, tuple) and value and all(map(dataclasses.is_dataclass, value)):
            for each in value:
                yield name, _in_one_line(each)
        elif dataclasses.is_dataclass(value):
            yield name, _in_one_line(value)
        else:
            yield name, _text(value, unit)


def _in_one_line(part: Any) -> str:
    if isinstance(part, Rate):
        return f"{part.value:g} C" if part.basis == "C-rate" else _text(part.value, part.basis)
    return ", ".join(f"{name} {text}" for name, text in _fields(part))


def _text(value: Any, unit: str) -> str:
    if unit in ("", "1") or not isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else plain(value, 200)
    if unit == "K":
        return f"{value - 273.15:.6g} degC"
    if unit == "s" and value >= 1:
        return _duration(value)
    if unit == "W/m^2" and value >= OF_A_GUN:
        return show(value, unit, "W/cm^2")
    return show(value, unit, EXAMPLES[unit].partition(" ")[2] if unit in EXAMPLES else unit)


def _duration(seconds: float) -> str:
    """Return a duration [s] in the longest unit of which it is a whole number, above 2 min."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length and seconds % length == 0.0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _unit(hint: Any) -> str:
    while get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        for each in extras:
            if isinstance(each, Unit):
                return each.symbol
    return next((found for each in get_args(hint) if (found := _unit(each))), "")
