"""The command that sorts the cells of a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import DataOption, RunArgument


def sheet(
    run: RunArgument,
    sample: Annotated[int, typer.Option(min=0, help="Write experiments that cycle so many good cells.")] = 0,
    program: Annotated[str, typer.Option(help="The program they run.")] = "formation",
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; `sheets` in the data if none.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Sort the cells of a mapped sheet: bins, yield, heat maps, and the list of good cells to be singulated."""
    from labctl.config.finder import data_dir
    from labctl.pictures.plot import plot_run
    from labctl.runs.run import Run
    from labctl.singulation import sampled, sort_sheet, write_experiments, write_list

    directory = data_dir(data)
    folder = output or directory / "sheets"
    found = sort_sheet(directory, Run(run, data))
    for name, count in found.counts.items():
        typer.echo(f"{name:14} {count:6d}  {count / found.places:6.1%}")
    looked = sum(found.counts.values())
    if looked < found.places:
        typer.echo(f"{'not looked at':14} {found.places - looked:6d}  {1 - looked / found.places:6.1%}")
    typer.echo(f"yield {found.share_good:.1%} of {found.places} cells; derived as {found.derived.uid[:8]}")
    typer.echo(str(write_list(found, folder)))
    for path in plot_run(found.map, folder):
        typer.echo(str(path))
    if sample:
        for path in write_experiments(found, sampled(found, sample), program, folder):
            typer.echo(str(path))
