"""What does a map of a sheet of 2,400 cells cost: its physics alone, and all of it through plan and documents?

    python benchmarks/sheet.py [--repeats 7]

Prints CPU time, the median and the least of the repeats. The physics is what the world reckons for one map: the sheet
drawn, its cells formed in groups, each voltage and each spectrum read. All of it is a session on the bench `sheet`,
opened and closed, and the plan between. On two busy cores of 2026: 0.09 s and 1.3 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

import labctl
from devices.sheet.recipe import SheetRecipe
from labctl.config.folder import Config
from labctl.config.models import Experiment
from sim.sheets import SheetOfCells

EXPERIMENT, BENCH = "map-anodeless-sheet", "sheet"
TOGETHER = 40
"""Cells that are formed at once: the coils of a relay module."""


def physics(cells: SheetOfCells, recipe: SheetRecipe) -> None:
    """Reckon what a map asks of its world, every cell anew."""
    sheet = SheetOfCells(cells.nominal, cells.truth, cells.shape)
    places = [(row, column) for row in range(cells.shape[0]) for column in range(cells.shape[1])]
    pulse = recipe.formation
    assert pulse is not None
    for first in range(0, len(places), TOGETHER):
        sheet.hold(places[first : first + TOGETHER], pulse.voltage, pulse.duration, 0.0)
    frequencies = np.array(recipe.frequencies)
    for place in places:
        sheet.open_circuit(place, pulse.rest)
        sheet.impedance(place, frequencies)


def whole(experiment: Experiment) -> SheetOfCells:
    """Map the sheet in a session of its own; return its cells."""
    with tempfile.TemporaryDirectory() as folder, labctl.open_session(BENCH, data=Path(folder)) as lab:
        lab.run(experiment)
        assert experiment.sample is not None
        cells: SheetOfCells = lab.twins.foil(experiment.sample.id).as_sheet()
    return cells


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """Return the CPU time [s] of each repeat."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    experiment = Config().experiment(EXPERIMENT)
    assert isinstance(experiment.recipe, SheetRecipe)
    # What is imported and made once is not of a map.
    cells = whole(experiment)
    works: dict[str, Callable[[], object]] = {
        "physics": partial(physics, cells, experiment.recipe),
        "session, plan, twins and documents": partial(whole, experiment),
    }
    for name, work in works.items():
        taken = timed(work, repeats)
        print(f"{name}: {median(taken):.3f} s of CPU, {min(taken):.3f} s at the least of {repeats}")


if __name__ == "__main__":
    main()
