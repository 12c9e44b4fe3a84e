"""Commands of the unattended night."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.in_order import StoppedInOrder, leave
from labctl.commands.options import ConfigOption, DataOption


def night(
    listed: Annotated[
        Path | None, typer.Argument(metavar="[LIST.toml]", help="The list of the night.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="NIGHT", help="Go on with a night; `last` for the newest."),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Rehearse on twins only; start nothing.")
    ] = False,
    despite: Annotated[str, typer.Option(help="Why to start although the rehearsal fails.")] = "",
    unit: Annotated[
        bool, typer.Option("--unit", help="Print a systemd unit that goes on with the newest night at boot.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Run a list of experiments unattended: rehearsed first, watched, gone on with after a crash.

    Ends with 0 when everything was done, 3 when something failed or was stopped, 1 when the night was given up. After
    a reboot `labctl night --resume last` goes on, and `labctl night --unit` prints the systemd unit that does so; when
    there is nothing to go on with it says so and ends with 0.
    """
    if unit:
        from labctl.config.finder import data_dir
        from labctl.night.unit import unit as unit_of

        typer.echo(unit_of(data_dir(data)), nl=False)
        return
    if (listed is None) == (resume is None):
        raise typer.BadParameter("give a LIST.toml, or --resume with a night's name (or `last`)")
    with StoppedInOrder():
        if listed is None:
            from labctl.night.going_on import go_on

            status = go_on(resume, data)
        else:
            from labctl.night.starting import start

            status = start(listed, config, data, despite, only_rehearse=rehearse)
    raise typer.Exit(status)


def night_run(folder: Annotated[Path, typer.Argument()]) -> None:
    """Run a night's items; what the supervisor starts."""
    from labctl.night.process import run_night

    try:
        with StoppedInOrder():
            status = run_night(folder)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    leave(status)


def night_guard(folder: Annotated[Path, typer.Argument()]) -> None:
    """Guard a night; what the supervisor starts."""
    from labctl.night.guard import guard

    guard(folder)


def order(
    verb: Annotated[str, typer.Argument(help="add, remove, move, go-on or stop.")],
    what: Annotated[str, typer.Argument(help="An item's name; the experiment for `add`.")] = "",
    before: Annotated[str, typer.Option(help="Before which item; at the end if none.")] = "",
    name: Annotated[str, typer.Option(help="What the added item is called.")] = "",
    after: Annotated[list[str] | None, typer.Option(help="Items that must be done before.")] = None,
    night: Annotated[str, typer.Option("--night", help="Which night; the newest if none.")] = "",
    data: DataOption = None,
) -> None:
    """Change a night that runs: add, move or remove items, let one go on that asks, stop it."""
    from labctl.night.ordering import give_order

    typer.echo(give_order(verb, what, before, name, after or [], night, data))
