"""The demonstration: three films of the FLA paper, annealed and cycled on the twins, held against the paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from rich.table import Table

from labctl.compare import Row, compare
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.pictures.drawing import CELSIUS
from labctl.pictures.plot import plot_run
from labctl.progress import Voice
from labctl.replay import replay
from labctl.running import run_shown
from labctl.runs.run import Run
from labctl.stopping import scripted_session

EXPERIMENTS = ("fla-0.7um", "fla-1.2um", "fla-3.3um")
PER_AREA = 36.0
"""C/m2 in one uAh/cm2."""


def new_demo_directory() -> Path:
    """Return a data folder of its own, `demo-1` and so on: a demo needs fresh foils."""
    return next(folder for number in count(1) if not (folder := data_dir() / f"demo-{number}").exists())


def run_demo(config: Path | None, data: Path) -> None:
    """Run the demonstration and print what came of it."""
    console = Voice()
    experiments = [Config(config).experiment(name) for name in EXPERIMENTS]
    kept = []
    with scripted_session("twin", config=config, data=data) as (lab, stopping):
        for experiment in experiments:
            kept.append(run_shown(lab, stopping, experiment))
    report(console, experiments, kept, data)


def report(
    console: Voice, experiments: Sequence[Experiment], kept: Sequence[Sequence[str]], data: Path
) -> None:
    """Print the tables and draw the pictures, from the documents in the journal."""
    rows, pictures = [], []
    temperatures = Table(
        "film",
        "pulses",
        "surface peak",
        "Al peak",
        "Al molten",
        title="Temperatures, calculated from the recorded pulses",
    )
    for experiment, (annealed, cycled) in zip(experiments, kept, strict=True):
        anneal_run, cycle_run = Run(annealed, data), Run(cycled, data)
        rows += compare(cycle_run, experiment.compare)
        result = replay(anneal_run).result
        assert experiment.sample is not None
        temperatures.add_row(
            experiment.sample.id,
            str(len(anneal_run.table()["pulse"])),
            f"{result.surface_peak - CELSIUS:.0f} degC",
            f"{result.foil_peak - CELSIUS:.0f} degC",
            f"{result.molten:.0%}",
        )
        pictures += plot_run(anneal_run, data / "pictures") + plot_run(cycle_run, data / "pictures")
    console.print(comparison_table(rows))
    console.print(
        "paper: surface 690 to 900 degC, hotter for thicker films; Al below its melting point of 660 degC in both"
    )
    console.print('850 V recipes ("for most of the experiments": at 900 V the twin melts a part of the foil)')
    console.print(temperatures)
    console.print("1447 uA/cm2 is what the paper calls about 10C of the 3.3 um film; the current is derived.")
    console.print(f"runs:     {data / 'runs'}  (labctl runs --data {data})")
    console.print(f"pictures: {data / 'pictures'} ({len(pictures)})")


def comparison_table(rows: Sequence[Row]) -> Table:
    """Return the table paper / twin / deviation."""
    table = Table(title="Discharge capacity, last cycle at each current (uAh/cm2)")
    table.add_column("film")
    for name in ("uA/cm2", "paper", "twin", "deviation", "last change"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.sample,
            f"{row.current_density * 1e6 / 1e4:g}",
            f"{row.published / PER_AREA:.0f}",
            "-" if math.isnan(row.measured) else f"{row.measured / PER_AREA:.1f}",
            "-" if math.isnan(row.deviation) else f"{row.deviation:+.1%}",
            "-" if math.isnan(row.last_change) else f"{row.last_change:+.2%}",
        )
    return table
