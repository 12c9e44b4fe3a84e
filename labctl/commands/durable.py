"""Commands that see to it that what was kept stays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import DataOption

RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN...]", help="Uids, enough of their beginnings, or `last`; all runs if none."),
]


def verify(runs: RunsArgument = None, data: DataOption = None) -> None:
    """Check every record, document and row number of runs; exit status 1 when anything is wrong."""
    from labctl.config.finder import data_dir
    from labctl.journal.verify import verify as verify_all

    found = _journals(runs, data)
    if not found:
        typer.echo(f"no runs in {data_dir(data)}")
    if not verify_all(found, lambda verdict: typer.echo(str(verdict))):
        raise typer.Exit(1)


def recover(runs: RunsArgument = None, data: DataOption = None) -> None:
    """Close runs whose process died, with the rows that were never collected; opening a bench does it, too.

    A run that is named is closed even if it is damaged in the middle: what cannot be read is set aside beside it. Where
    none is named, those that are damaged are told, and left as they are.
    """
    from labctl.config.finder import data_dir
    from labctl.journal.recovery import recover_run, unended
    from labctl.runs.damaged import damaged

    folder = data_dir(data)
    found = [recover_run(path, folder) for path in (_journals(runs, data) if runs else unended(folder))]
    reports = [each for each in found if each is not None]
    troubled = {report.path for report in reports if report.trouble}
    left = [] if runs else [each for each in damaged(folder) if each.path not in troubled]
    typer.echo("\n".join(map(str, (*reports, *left))) or "nothing to recover")
    if troubled or left:
        raise typer.Exit(1)


def backup(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the copy, outside the data.")],
    data: DataOption = None,
) -> None:
    """Copy the data folder, what changed since the last time; to restore it, name the copy as --data."""
    from labctl.config.finder import data_dir
    from labctl.journal.backup import backup as back_up

    report = back_up(data_dir(data), directory)
    typer.echo(str(report))
    if report.failures:
        raise typer.Exit(1)


def _journals(runs: list[str] | None, data: Path | None) -> list[Path]:
    from labctl.config.finder import data_dir
    from labctl.runs.briefs import find_run, run_files

    folder = data_dir(data)
    return [find_run(folder, uid) for uid in runs] if runs else run_files(folder)
