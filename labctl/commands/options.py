"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration folder (or $LABCTL_CONFIG; else the one shipped)."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder (or $LABCTL_DATA; else ./labctl-data).")
]
BenchOption = Annotated[str, typer.Option("--bench", help="Name of the bench, as in config/benches.")]
OperatorOption = Annotated[
    str, typer.Option("--operator", help="Who does it; goes into what is written. The login if none.")
]
RunArgument = Annotated[str, typer.Argument(help="A run's uid, enough of its beginning, or `last`.")]
