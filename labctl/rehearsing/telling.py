"""A rehearsal in words and tables."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labctl.how_many import how_many
from labctl.plain_text import plain
from labctl.rehearsing.rehearsal import Rehearsed
from labctl.rehearsing.work import charge_in_words, clock_time, size_in_words

WORDS = {"ok": "", "warning": "WARNING", "fault": "FAULT"}


def tell(rehearsed: Rehearsed, console: Console | None = None) -> None:
    """Print what came of a rehearsal: when, how near to limits, how much, what is wrong."""
    console = console or Console(highlight=False)
    console.print(
        Text(f"{rehearsed.what} on the twins of bench {rehearsed.bench}; nothing real was touched"),
        soft_wrap=True,
    )
    if rehearsed.timeline:
        console.print(_timeline(rehearsed))
    if rehearsed.margins:
        console.print(_margins(rehearsed))
    console.print(Text(_in_all(rehearsed)), soft_wrap=True)
    for name in rehearsed.left_out:
        console.print(Text(f"{name} has no twin and took no part"), soft_wrap=True)
    for question in rehearsed.questions:
        console.print(Text(f"somebody will be asked: {plain(question)}"), soft_wrap=True)
    for warning in rehearsed.warnings:
        console.print(Text(f"WARNING: {plain(warning)}"), soft_wrap=True)
    for fault in rehearsed.faults:
        console.print(Text(f"FAULT: {plain(fault)}"), soft_wrap=True)
    if not rehearsed.warnings and not rehearsed.faults:
        console.print("no warnings, no faults")


def _timeline(rehearsed: Rehearsed) -> Table:
    table = Table("from", "for", "what", box=None, header_style="", pad_edge=False)
    for span in rehearsed.timeline:
        lasted = span.ended - span.began
        since = timedelta(seconds=round(span.began - rehearsed.began))
        table.add_row(str(since), _for(lasted), Text(plain(span.what)))
    return table


def _for(seconds: float) -> str:
    if seconds <= 0:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else clock_time(seconds)


def _margins(rehearsed: Rehearsed) -> Table:
    table = Table(
        "quantity", "value", "limit (warn / fault)", "margin", "", box=None, header_style="", pad_edge=False
    )
    for each in rehearsed.margins:
        table.add_row(each.name, each.value, each.limit, each.left, WORDS[each.level])
    return table


def _in_all(rehearsed: Rehearsed) -> str:
    work = rehearsed.work
    said = [f"{_for(rehearsed.duration) or 'no time'} in all"]
    if work.pulses:
        said.append(f"{how_many(work.pulses, 'pulse')} ({work.lamp_energy:.0f} J on the meter)")
    if work.charge:
        said.append(f"{charge_in_words(work.charge)} through cells")
    said.append(how_many(work.rows, "row"))
    said.append(f"{size_in_words(work.disk)} of {rehearsed.room / 1e9:.0f} GB free")
    return ", ".join(said)
