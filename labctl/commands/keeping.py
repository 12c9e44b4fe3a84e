"""Commands that look at what was kept, and say something of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import ConfigOption, DataOption, OperatorOption, RunArgument
from labctl.commands.samples import NewOption, folder_of

SHOWN = 100
"""Runs in a list unless asked otherwise."""


class Status(StrEnum):
    """How runs may have ended, or not."""

    SUCCESS = "success"
    FAIL = "fail"
    ABORT = "abort"
    DIED = "died"
    RUNNING = "running"
    DAMAGED = "damaged"
    NEWER = "newer"


class Mark(StrEnum):
    """How a run may be marked."""

    BAD = "bad"
    GOOD = "good"


def runs(
    sample: Annotated[str, typer.Option(help="Only those of this sample.")] = "",
    plan: Annotated[str, typer.Option(help="Only this plan: anneal, cycle, ...")] = "",
    since: Annotated[str, typer.Option(help="Began then or later: 2d, 12h, 2026-11-01.")] = "",
    until: Annotated[str, typer.Option(help="Began before then; a day counts whole.")] = "",
    device: Annotated[str, typer.Option(help="Name or role of a device that the plan worked with.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="A condition, e.g. 'recipe.voltage > 880 V'; several must all hold."),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="How it ended, or not.")] = None,
    bad: Annotated[bool | None, typer.Option("--bad/--no-bad", help="Only runs marked bad, or none.")] = None,
    derived: Annotated[bool, typer.Option("--derived", help="Results that were derived, too.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="The newest so many at the most; 0: all.")] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data: DataOption = None,
) -> None:
    """List the runs that were kept, oldest first; those marked bad bear their mark."""
    from labctl.clock.label import wall_label
    from labctl.config.finder import kept_dir
    from labctl.runs.conditions import condition
    from labctl.runs.search import Search, moment, search
    from labctl.showing.runs import print_briefs, print_json

    now, directory = wall_label(), kept_dir(data)
    asked = Search(
        sample=sample,
        plan=plan,
        since=moment(since, now) if since else None,
        until=moment(until, now, end=True) if until else None,
        device=device,
        status=status or "",
        bad=bad,
        derived=derived,
        where=tuple(condition(text) for text in where or ()),
        limit=limit,
    )
    found = search(directory, asked)
    if asked.gone_by:
        said = f"{', '.join(asked.gone_by)}: as the runs went by it"
        typer.echo(f"{said}; what was measured since is in `labctl show RUN` and in tables", err=True)
    if as_json:
        print_json(found)
    else:
        print_briefs(found, directory, limit)


def show(
    run: RunArgument,
    stream: Annotated[str, typer.Option(help="Which stream's rows to show.")] = "",
    columns: Annotated[str, typer.Option(help="Which columns, between commas; all that fit if none.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="How many rows at the most.")] = 12,
    beside: Annotated[
        str, typer.Option(help="Another stream, whose last reading before each row stands in it, too.")
    ] = "",
    data: DataOption = None,
) -> None:
    """Show one run: what was asked, what came of it, and its rows."""
    from labctl.showing.run import print_run

    print_run(run, stream, columns, rows, data, beside)


def plot(
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; `pictures` in the data if none.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Draw a run's pictures from its journal."""
    from devices.errors import DataError
    from labctl.config.finder import data_dir
    from labctl.pictures.plot import plot_run
    from labctl.runs.run import Run

    folder = output or data_dir(data) / "pictures"
    try:
        for path in plot_run(Run(run, data), folder):
            typer.echo(str(path))
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror or error}); name another --output"
        ) from error


def note(
    words: Annotated[list[str], typer.Argument(metavar="[RUN] TEXT", help="The run, then what to note.")],
    sample: Annotated[str, typer.Option(help="Note it of a sample, not of a run.")] = "",
    new: NewOption = False,
    operator: OperatorOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Note something of a run, or of a sample with --sample; the journal stays as it is."""
    from labctl.config.finder import data_dir
    from labctl.runs.briefs import find_run
    from labctl.runs.remarks import note_run
    from labctl.samples.entering import by_hand, enter

    directory = folder_of([sample], data, config, new=new) if sample else data_dir(data)
    text = " ".join(words if sample else words[1:])
    if not text.strip():
        raise typer.BadParameter("say what to note", param_hint="TEXT")
    if sample:
        enter(directory, sample, "note", who=operator, text=text)
        typer.echo(f"noted of sample {sample}")
    else:
        journal = find_run(directory, words[0])
        note_run(journal, text, **by_hand(directory, operator))
        typer.echo(f"noted of run {journal.stem[:8]}")


def mark(
    run: RunArgument,
    as_: Annotated[Mark, typer.Argument(metavar="bad|good", help="What it is.")],
    why: Annotated[str, typer.Option(help="Why.")] = "",
    operator: OperatorOption = "",
    data: DataOption = None,
) -> None:
    """Mark a run bad, or good again. What is derived from runs leaves bad ones out; belief counts their heat."""
    from labctl.config.finder import data_dir
    from labctl.runs.briefs import find_run
    from labctl.runs.remarks import mark_run
    from labctl.samples.entering import by_hand

    directory = data_dir(data)
    journal = find_run(directory, run)
    mark_run(journal, as_.value, why, **by_hand(directory, operator))
    typer.echo(f"run {journal.stem[:8]} is marked {as_.value}")
