"""The command that follows a run from another process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.in_order import StoppedInOrder
from labctl.commands.options import DataOption

RunOption = Annotated[
    str,
    typer.Argument(
        help="A run's uid, enough of its beginning, or `last`: that one and all that come after it."
    ),
]


def watch(
    run: RunOption = "last",
    picture: Annotated[
        Path | None, typer.Option(help="Keep a picture of the run in this file, drawn again as it goes on.")
    ] = None,
    window: Annotated[bool, typer.Option("--window", help="Show the picture in a window.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End with the run, also with the last one.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No table.")] = False,
    data: DataOption = None,
) -> None:
    """Follow a run as it goes on: a table with units, and a picture. Reads its journal only, and cannot hold it up."""
    from labctl.config.finder import data_dir
    from labctl.live.following import watch as follow
    from labctl.live.showing import in_a_file, in_a_window
    from labctl.stopping import ended_by_signals

    def say(line: str) -> None:
        if not quiet:
            typer.echo(line)

    with StoppedInOrder("the watching ended; what it watched goes on as it did"), ended_by_signals():
        if window:
            shown = in_a_window()
            follow(data_dir(data), run, say, shown.draw, once=once, wait=shown.wait)
        else:
            follow(data_dir(data), run, say, None if picture is None else in_a_file(picture), once=once)
