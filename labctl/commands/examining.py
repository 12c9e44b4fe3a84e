"""The command that looks for what is wrong with machine and bench."""

from __future__ import annotations

from typing import Annotated

import typer

from labctl.commands.options import ConfigOption, DataOption

DEADLINE = 5.0
"""Seconds that each instrument has to answer unless asked otherwise; drivers give up sooner when they are heard."""


def doctor(
    bench: Annotated[str, typer.Option("--bench", help="Ask the instruments of this bench, too.")] = "",
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds each instrument has.")] = DEADLINE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Look for what is wrong: versions, ports, permissions, locks, clock, disk, data, and who answers on a bench.

    Instruments are asked who they are, nothing else; stations side by side. Each finding comes with its mend. Ends
    with 1 when something will not work.
    """
    from labctl.doctor.examination import examine, tell

    if tell(examine(bench, config, data, deadline), as_json=as_json):
        raise typer.Exit(1)
