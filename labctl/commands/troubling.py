"""Commands that make trouble on a served bench, and end it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import DataOption

FolderOption = Annotated[
    Path | None,
    typer.Option("--dir", help="Folder of the server, as given to `twin serve`; in the data if none."),
]
ServedOption = Annotated[str, typer.Option("--bench", help="Name of the bench that is served.")]


class Turn(StrEnum):
    """Which way a fault is switched."""

    ON = "on"
    OFF = "off"


def faults(
    begins: Annotated[
        str, typer.Argument(help="How names begin, such as sputter.gas; those that are on if it says `on`.")
    ] = "",
    folder: FolderOption = None,
    bench: ServedOption = "twin",
    data: DataOption = None,
) -> None:
    """List the faults that a served bench knows by name, and which are on."""
    from labctl.serving.trouble_desk import ask

    found = ask(_folder(folder, bench, data), {"do": "list"})["faults"]
    rows = [row for row in found if (row["on"] if begins == "on" else row["name"].startswith(begins))]
    if not rows:
        typer.echo("none is on" if begins == "on" else f"no fault begins with {begins!r}")
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        coming = "" if row["due"] is None else f" (changes in {row['due']:.1f} s)"
        typer.echo(f"{row['name']:{width}}  {'ON ' if row['on'] else 'off'}  {row['what']}{coming}")


def fault(
    name: Annotated[str, typer.Argument(help="As `labctl twin faults` lists it.")],
    turn: Annotated[Turn, typer.Argument(help="on or off.")],
    after: Annotated[str, typer.Option(help='Not now but then, such as "5 s".')] = "",
    lasts: Annotated[str, typer.Option(help='It is off again by itself after that, such as "2 min".')] = "",
    seed: Annotated[
        int | None, typer.Option(help="Draw the time with --after as its mean; the same for the same seed.")
    ] = None,
    folder: FolderOption = None,
    bench: ServedOption = "twin",
    data: DataOption = None,
) -> None:
    """Switch a fault of a served bench on or off while it runs."""
    from labctl.serving.trouble_desk import ask

    request = {
        "do": "switch",
        "name": name,
        "on": turn is Turn.ON,
        "after": _seconds(after, "--after") or 0.0,
        "lasts": _seconds(lasts, "--lasts"),
        "seed": seed,
    }
    typer.echo(ask(_folder(folder, bench, data), request)["done"])


def _seconds(text: str, option: str) -> float | None:
    from labctl.units import UnitError, parse

    if not text:
        return None
    try:
        return parse(text, "s")
    except UnitError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _folder(folder: Path | None, bench: str, data: Path | None) -> Path:
    from labctl.config.finder import data_dir

    return (folder or data_dir(data) / "served" / Path(bench).stem).absolute()
