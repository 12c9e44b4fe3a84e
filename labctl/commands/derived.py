"""The command that derives results from runs."""

from __future__ import annotations

from typing import Annotated

import typer

from labctl.commands.options import DataOption


def derive(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Uids, enough of their beginning, or `last`.")
    ],
    kind: Annotated[
        list[str] | None,
        typer.Option(help="cycle_table, rate_table, ...; may be repeated. All that apply if none."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=NUMBER", help="A parameter, e.g. width=0.002 for dq_dv."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Compute tables from runs and keep them as runs: cycles, rates, energy over power, dQ/dV, fits, titrations."""
    from labctl.config.finder import data_dir
    from labctl.derived.kinds import KINDS
    from labctl.derived.store import derive as derive_from
    from labctl.runs.run import Run

    numbers = {}
    for text in set_ or []:
        name, _, value = text.partition("=")
        try:
            numbers[name.strip()] = float(value)
        except ValueError as error:
            raise typer.BadParameter(f"NAME=NUMBER, not {text!r}", param_hint="--set") from error
    directory = data_dir(data)
    found = derive_from(directory, [Run(uid, directory) for uid in runs], kind or [], numbers)
    for each in found:
        rows = ", ".join(
            f"{count} {'rows' if name == 'primary' else name}" for name, count in each.rows.items()
        )
        was = "made" if each.made else "was there"
        typer.echo(
            f"{each.uid[:8]}  {each.kind:14}  {was}, {rows}, of {len(each.inputs)} run(s): {KINDS[each.kind].says}"
        )
    if len(found) == 1:
        typer.echo(f"`labctl show {found[0].uid[:8]}` shows it")
    for uid in sorted({uid for each in found for uid in each.bad}):
        typer.echo(f"left out: run {uid[:8]} is marked bad")
    if not found:
        typer.echo("nothing can be derived from these runs: they have no rows that any kind needs")
