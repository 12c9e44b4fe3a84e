"""Materials for the terminal: a list of all, and all that one file says."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labctl.how_many import how_many
from labctl.materials.kinds import Report
from labctl.materials.library import Library, reactions_of
from labctl.materials.reading import Entry, Quantity
from labctl.plain_text import plain
from labctl.showing.runs import PIPED
from labctl.units import UnitError, show

LIKE = {
    "kg/m^3": "g/cm^3",
    "C/m^3": "uAh/cm^2/um",
    "m^2/s": "cm^2/s",
    "A/m^2": "uA/cm^2",
    "S/m": "S/cm",
    "m": "um",
    "Pa": "MPa",
    "K": "degC",
}
"""The units people read here."""

DIGITS = 4


def print_list(entries: Sequence[Entry]) -> None:
    """Print materials in one line each."""
    console = _console()
    table = Table()
    for name in ("kind", "material", "what", "capacity or conductivity", "window", "runs"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        key = "conductivity" if entry.kind == "electrolyte" else "capacity"
        amount = entry.numbers.get(key) or entry.numbers.get("site_charge")
        window = [entry.value(name) for name in ("lower", "upper")]
        limits = "" if None in window else f"{window[0]:g} to {window[1]:g} V"
        told = "" if amount is None else f"{in_units(amount)} ({amount.stated.status})"
        runs = f"no: {entry.why_not}" if entry.why_not else "yes"
        table.add_row(
            entry.kind, Text(entry.name), Text(plain(entry.file.about)), told, limits, Text(plain(runs))
        )
    console.print(table)


def print_entry(entry: Entry, library: Library) -> None:
    """Print all that a material's file says."""
    console = _console()
    about = f": {plain(entry.file.about)}" if entry.file.about else ""
    formula = f", {entry.file.formula}" if entry.file.formula else ""
    console.print(Text(f"{entry.name}, {entry.kind}{formula}{about}"), soft_wrap=True)
    runs = f"not run by the twins: {plain(entry.why_not)}" if entry.why_not else "run by the twins"
    console.print(Text(runs), soft_wrap=True)
    table = Table()
    for name in ("", "value", "status", "source", "note"):
        table.add_column(name, overflow="fold")
    for name, quantity in entry.numbers.items():
        said = quantity.stated
        held = f"held in {said.held_in}" if said.held_in else ""
        note = "; ".join(filter(None, (plain(said.note), held)))
        table.add_row(name, in_units(quantity), said.status, said.source, Text(note))
    if (curve := entry.curve) is not None:
        made = ", ".join(f"{u:.4g} V x {share:.2g}" for u, share, _ in reactions_of(entry))
        table.add_row("ocp", Text(made), curve.status, curve.source, Text(plain(curve.note)))
    console.print(table)
    if entry.kind == "anode" and not entry.why_not and "lost" not in entry.numbers:
        console.print("  No loss in a cycle is printed of it: on the twins it does not fade.", soft_wrap=True)
    for report in entry.file.reports:
        console.print(Text(f"  {report.source}: {in_words(report)}"), soft_wrap=True)
    cited = [quantity.stated.source for quantity in entry.numbers.values()]
    cited += [report.source for report in entry.file.reports] + ([curve.source] if curve else [])
    for name in dict.fromkeys(cited):
        console.print(Text(f"  [{name}] {plain(library.source(name).in_words())}"), soft_wrap=True)


def in_units(quantity: Quantity) -> str:
    """Return a number as people read it."""
    if math.isinf(quantity.value):
        return "none"
    like = LIKE.get(quantity.unit, quantity.unit)
    try:
        number, _, unit = show(float(f"{quantity.value:.{DIGITS + 4}g}"), quantity.unit, like).partition(" ")
    except UnitError:
        number, unit = f"{quantity.value:g}", quantity.unit
    return f"{float(number):.{DIGITS}g} {unit}".removesuffix(" 1")


def in_words(report: Report) -> str:
    """Return a report on a line, with what its numbers say of one another."""
    parts = [report.composition, report.cell]
    if report.capacity is not None:
        end = "" if report.capacity_end is None else f" -> {report.capacity_end / 3.6e7:.4g}"
        parts.append(f"{report.capacity / 3.6e7:.4g}{end} uAh/cm2/um")
    elif report.capacity_end is not None:
        parts.append(f"ends at {report.capacity_end / 3.6e7:.4g} uAh/cm2/um")
    if report.current is not None:
        parts.append(f"{report.current * 100.0:.4g} uA/cm2")
    parts += [report.rate, report.voltage, report.thickness, report.substrate, report.process]
    parts += [how_many(report.cycles, "cycle") if report.cycles is not None else "", report.said]
    said = "; ".join(plain(each) for each in parts if each)
    return f"{said} [checked: {plain(report.chk)}]" if report.chk else said


def _console() -> Console:
    console = Console()
    # Whoever says how wide it is to be gets it so.
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED
    return console
