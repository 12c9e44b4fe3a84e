"""The command that reproduces what was published."""

from __future__ import annotations

from typing import Annotated

import typer

from labctl.commands.in_order import StoppedInOrder
from labctl.commands.options import ConfigOption, DataOption

SHIPPED = ("fla", "anodeless", "review")


def reproduce(
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[fla|anodeless|review]", help="Tables in config/published; these three if none."
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Run all anew, in a new data folder.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Run what stands behind published tables on the twins, and print paper, twin and deviation, with a page.

    What ran to its end before is found and not run again. Each table has a data folder of its own below --data.
    """
    from labctl.config.finder import data_dir
    from labctl.reproducing.reproduce import reproduce as reproduce_table

    with StoppedInOrder():
        for name in tables or SHIPPED:
            reproduce_table(name, config, data_dir(data), again=again)
