"""Commands that make a lab's own folder, and add to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labctl.commands.options import ConfigOption


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made if it is not there.")],
) -> None:
    """Make a lab of your own: a bench of twins with the hardware form beside it, limits, a recipe, a first experiment.

    Nothing is overwritten.
    """
    from labctl.config.documents import shown
    from labctl.lab_folder.making import FIRST, make_lab

    for path in make_lab(folder):
        typer.echo(f"wrote {shown(path)}")
    typer.echo(
        f"next:\n  cd {folder}\n  labctl check\n  labctl rehearse {FIRST}\n  labctl run {FIRST}"
        "\nor, at a prompt:\n  labctl shell"
    )


def new(
    kind: Annotated[str, typer.Argument(help="instrument, plan or material.")],
    name: Annotated[str, typer.Argument(help="What it is called.")],
    of: Annotated[
        str,
        typer.Option("--kind", help="Of a material: cathode, electrolyte, anode, substrate or collector."),
    ] = "cathode",
    config: ConfigOption = None,
) -> None:
    """Write the files of a new instrument, plan or material of your own lab, with a test that says what to do."""
    from labctl.config.documents import shown
    from labctl.config.finder import config_dir
    from labctl.lab_folder.adding import add, bench_table

    lab = config_dir(config)
    written = add(lab, kind, name, of)
    for path in written:
        typer.echo(f"wrote {shown(path)}")
    if kind == "instrument":
        typer.echo(
            f"to have it on a bench, put this into its file in {shown(lab / 'benches')}:\n{bench_table(name)}"
        )
    typer.echo(f"next: python -m pytest {shown(written[-1])}   # it fails, and says what to do")
