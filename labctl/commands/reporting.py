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
    from labctl.config.finder import data_dir
    from labctl.config.folder import Config
    from labctl.telling.showing import print_alarms, up_to_date

    folder = data_dir(data)
    print_alarms(up_to_date(folder, Config(config).limits().disk), folder, everything=everything)


def acknowledge(
    alarm: Annotated[list[str], typer.Argument(metavar="ID...", help="Alarms' ids, or enough of them.")],
    data: DataOption = None,
) -> None:
    """Say that you know of an alarm."""
    import getpass

    from labctl.clock.label import wall_label
    from labctl.config.finder import data_dir
    from labctl.plain_text import plain
    from labctl.telling.alarms import Alarms

    known = Alarms(data_dir(data))
    for each in alarm:
        done = known.acknowledge(each, getpass.getuser(), wall_label())
        typer.echo(f"{done.id} acknowledged: {plain(done.condition.source)}: {plain(done.condition.text)}")


def night_courier(data: Path, config: Path) -> None:
    """Send what is in the outbox; what the supervisor starts."""
    from labctl.telling.courier import run_courier

    raise typer.Exit(run_courier(data, config))
