"""The command that holds a kept run against its model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import BenchOption, ConfigOption, DataOption, RunArgument


def shadow(
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; `pictures` in the data if none.")
    ] = None,
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Hold a cycling run against a model of its cell, made of what is known of it: how far apart, and why."""
    from labctl.shadow.showing import show_shadow

    typer.echo(show_shadow(run, bench, output, config, data))
