"""Commands that tell people what happened: alarms, and the report of a night."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import ConfigOption, DataOption


def alarms(
    everything: Annotated[bool, typer.Option("--all", help="Acknowledged ones, too.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """List alarms that nobody has acknowledged, the worst first."""
    from labctl.config.finder import kept_dir
    from labctl.config.folder import Config
    from labctl.telling.showing import print_alarms, up_to_date

    folder = kept_dir(data)
    print_alarms(up_to_date(folder, Config(config).limits().disk), folder, everything=everything)


def acknowledge(
    alarm: Annotated[list[str], typer.Argument(metavar="ID...", help="Alarms' ids, or enough of them.")],
    data: DataOption = None,
) -> None:
    """Say that you know of an alarm."""
    import getpass

    from labctl.clock.label import wall_label
    from labctl.config.finder import kept_dir
    from labctl.plain_text import plain
    from labctl.telling.alarms import Alarms

    known = Alarms(kept_dir(data))
    for each in alarm:
        done = known.acknowledge(each, getpass.getuser(), wall_label())
        typer.echo(f"{done.id} acknowledged: {plain(done.condition.source)}: {plain(done.condition.text)}")


def night_courier(data: Path, config: Path) -> None:
    """Send what is in the outbox; what the supervisor starts."""
    from labctl.telling.courier import run_courier

    raise typer.Exit(run_courier(data, config))


def report(
    night: Annotated[str, typer.Argument(help="A night's name; the newest if none.")] = "",
    since: Annotated[
        str, typer.Option(help="Of all runs since a time instead, e.g. 2d, 12h or 2026-11-01.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write it; beside the night if not said.")
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="As plain text, to the terminal unless --output.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Report a night, or a time: what needs you, what ran, what stopped and why, predicted against measured."""
    from labctl.clock.label import wall_label
    from labctl.config.finder import kept_dir
    from labctl.config.folder import Config
    from labctl.night.folder import find_night
    from labctl.report.making import PAGE, of_night, of_time, write
    from labctl.report.text_page import text_page

    if night and since:
        raise typer.BadParameter("give a night, or --since")
    kept, now = kept_dir(data), wall_label()
    if since:
        page, place = of_time(kept, since, Config(config).limits().disk, now), kept / PAGE
    else:
        folder = find_night(kept, night)
        page, place = of_night(kept, folder, now), folder / PAGE
    if text and output is None:
        typer.echo(text_page(page))
        return
    write(page, output or place, text=text)
    typer.echo(f"report: {output or place}")
