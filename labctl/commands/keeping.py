"""Commands that look at what was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import DataOption, RunArgument


def runs(data: DataOption = None) -> None:
    """List the runs that were kept."""
    from labctl.show import print_runs

    print_runs(data)


def show(
    run: RunArgument,
    stream: Annotated[str, typer.Option(help="Which stream's rows to show.")] = "",
    columns: Annotated[str, typer.Option(help="Which columns, between commas; all that fit if none.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="How many rows at the most.")] = 12,
    data: DataOption = None,
) -> None:
    """Show one run: what was asked, what came of it, and its rows."""
    from labctl.show import print_run

    print_run(run, stream, columns, rows, data)


def plot(
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; `pictures` in the data if none.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Draw a run's pictures from its journal."""
    from labctl.config.finder import data_dir
    from labctl.plot import plot_run
    from labctl.runs.run import Run

    for path in plot_run(Run(run, data), output or data_dir(data) / "pictures"):
        typer.echo(str(path))
