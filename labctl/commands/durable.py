"""Commands that see to it that what was kept stays."""

from __future__ import annotations

from collections.abc import Sequence
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
    from labctl.config.finder import kept_dir
    from labctl.journal.aside import how_to_set_aside
    from labctl.journal.verify import verify as verify_all
    from labctl.runs.index import mend_index
    from labctl.samples.past import Gaps

    folder = kept_dir(data)
    found = _journals(runs, folder)
    missed = [] if runs else Gaps(folder).absent
    if not found:
        typer.echo(f"no runs in {folder}")
    good = verify_all(found, lambda verdict: typer.echo(str(verdict)))
    if not runs and mend_index(folder):
        typer.echo("the index did not say what these journals say, and is made anew")
    for gap in missed:
        typer.echo(f"{gap}: bring it back from a backup, or {how_to_set_aside(gap.journal.path)}")
    if missed or not good:
        raise typer.Exit(1)


def recover(
    runs: RunsArgument = None,
    data: DataOption = None,
    despite: Annotated[
        str,
        typer.Option(help="Why to do without runs of which nobody can read what they are: set them aside."),
    ] = "",
) -> None:
    """Close runs whose process died, with the rows that were never collected; opening a bench does it, too.

    A run that is named is closed even if it is damaged in the middle: what cannot be read is set aside beside it. Where
    none is named, those that are damaged are told, and left as they are. One of which it cannot even be read whose run
    it is keeps heat and films off samples that it may be of; named with --despite it is set aside, and the past of
    those samples is not known from then on.
    """
    from labctl.config.finder import kept_dir
    from labctl.films.broken import broken
    from labctl.journal.recovery import recover_run, unended
    from labctl.runs.damaged import damaged

    folder = kept_dir(data)
    if despite:
        _set_aside(runs or [], folder, despite)
        return
    found = [recover_run(path, folder) for path in (_journals(runs, folder) if runs else unended(folder))]
    reports = [each for each in found if each is not None]
    troubled = {report.path for report in reports if report.trouble}
    left = [] if runs else [each for each in damaged(folder) if each.path not in troubled]
    films = [said for each in reports if not each.trouble for said in broken(each.path, folder)]
    typer.echo("\n".join(map(str, (*reports, *films, *left))) or "nothing to recover")
    if troubled or left:
        raise typer.Exit(1)


def backup(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the copy, outside the data.")],
    data: DataOption = None,
) -> None:
    """Copy the data folder, what changed since the last time; to restore it, name the copy as --data."""
    from labctl.config.finder import kept_dir
    from labctl.journal.backup import backup as back_up

    report = back_up(kept_dir(data), directory)
    typer.echo(str(report))
    if report.failures:
        raise typer.Exit(1)


def _set_aside(runs: list[str], data: Path, why: str) -> None:
    """Set journals aside, also of runs that facts name and whose journals are gone.

    Raises DataError where one says whose run it is, before anything is done.
    """
    from devices.errors import DataError
    from labctl.journal.aside import why_unread
    from labctl.runs.unread import set_aside
    from labctl.samples.entering import by_hand
    from labctl.samples.past import Gaps

    if not runs:
        raise typer.BadParameter("name the runs that are to be set aside", param_hint="RUN")
    gaps = Gaps(data)
    gone = [gap.journal.path for gap in gaps.absent]
    found = _journals(runs, data, gone)
    for each in found:
        if each not in gone and not why_unread(each):
            raise DataError(
                f"{each} says whose run it is: `labctl recover {each.stem[:8]}` without --despite closes it; nothing"
                " was set aside"
            )
    whose = gaps.begun
    for each in found:
        aside = set_aside(each, why, **by_hand(data))
        sample = whose[each.stem][0] if each.stem in whose else "every sample that was there by now"
        typer.echo(f"{each.name} is set aside as {aside}; the past of {sample} is not known")


def _journals(runs: list[str] | None, data: Path, gone: Sequence[Path] = ()) -> list[Path]:
    """Return the journals of runs that are named, those that say nothing or are gone, too; all where none is named."""
    from labctl.runs.briefs import find_run, run_files

    found = list(dict.fromkeys([*run_files(data), *gone]))
    if not runs:
        return found
    fitting = [[path for path in found if path.stem.startswith(uid)] for uid in runs]
    return [
        paths[0] if uid and len(paths) == 1 else find_run(data, uid)
        for uid, paths in zip(runs, fitting, strict=True)
    ]
