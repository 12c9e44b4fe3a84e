"""The command that tries an experiment on twins before anything happens."""

from __future__ import annotations

from typing import Annotated

import typer

from labctl.commands.in_order import StoppedInOrder
from labctl.commands.options import BenchOption, ConfigOption, DataOption


def rehearse(
    experiments: Annotated[
        list[str],
        typer.Argument(metavar="EXPERIMENT...", help="An EXPERIMENT.toml, or the name of one."),
    ],
    bench: BenchOption = "twin",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Run an experiment on twins in virtual time: timeline, margins, charge, rows, disk, what would go wrong.

    On a bench of real devices the twins of the same bench file are used, and no port is opened. Samples begin as the
    data folder has them; nothing is written there. Ends with 3 when the experiment would fail.
    """
    from labctl.config.finder import data_dir
    from labctl.config.folder import Config
    from labctl.rehearsing.rehearsal import rehearse_experiment
    from labctl.rehearsing.telling import tell
    from labctl.stopping import ended_by_signals

    chosen = Config(config).select(bench, experiments)
    failed = False
    with StoppedInOrder(), ended_by_signals():
        for experiment in chosen.experiments:
            told = rehearse_experiment(experiment, chosen.bench, chosen.limits, data_dir(data))
            tell(told)
            failed |= bool(told.faults)
    if failed:
        raise typer.Exit(3)
