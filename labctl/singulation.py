"""From a sheet's map to single cells: the list of good ones, and experiments that cycle some of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import DataError, LabError
from labctl.derived.store import derive
from labctl.exports.csv_files import header
from labctl.runs.run import Run
from labctl.whole_file import write_whole

KIND = "sheet_bins"
DIGITS = 6
"""Of a number: a meter answers with no more."""


@dataclass(frozen=True)
class Sorted:
    """A sheet's cells in their bins: the derived result, the map it is of, cells by bin, and places on the sheet."""

    derived: Run
    map: Run
    counts: Mapping[str, int]
    places: int

    @property
    def share_good(self) -> float:
        """The yield [1]: good cells over places on the sheet, those not looked at too."""
        return self.counts.get("good", 0) / self.places

    def good(self) -> list[tuple[str, int, int]]:
        """Return address, row and column of the good cells, along the rows."""
        table = self.derived.table()
        keep = table["good"] == 1
        columns = (table[name][keep].tolist() for name in ("address", "row", "column"))
        return [(str(address), int(row), int(column)) for address, row, column in zip(*columns, strict=True)]


def sort_sheet(data: Path, run: Run) -> Sorted:
    """Derive a map's bins, or find them. Raises LabError for a run that is no map, or has no cell."""
    if run.start.get("purpose") != "map":
        raise LabError(f"run {run.uid[:8]} is a {run.start.get('purpose')!r} run, not the map of a sheet")
    if "primary" not in run.streams:
        raise LabError(f"run {run.uid[:8]} ended before any cell was measured: nothing of it can be sorted")
    (made,) = derive(data, [run], [KIND])
    derived = Run(made.uid, data)
    table = derived.table("yield")
    counts = {str(name): int(count) for name, count in zip(table["bin"], table["cells"], strict=True)}
    return Sorted(derived, run, counts, int(run.start["sites"]))


def write_list(found: Sorted, folder: Path) -> Path:
    """Write the list by which good cells are singulated, as CSV, and return its path. Raises DataError."""
    table = found.derived.table()
    units = found.derived.units("primary")
    names = ["address", "row", "column", "voltage", "electrolyte", "interface"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header(names, units))
    keep = table["good"] == 1
    for cells in zip(*(table[name][keep].tolist() for name in names), strict=True):
        writer.writerow([_cell(cell) for cell in cells])
    return _written(folder / f"{_stem(found)}-good.csv", text.getvalue())


def sampled(found: Sorted, count: int) -> list[tuple[str, int, int]]:
    """Return some good cells, evenly along the web. Raises LabError when there are fewer."""
    good = found.good()
    if count > len(good):
        raise LabError(f"{count} cells were asked for, {len(good)} are good")
    chosen = np.unique(np.linspace(0, len(good) - 1, count).round().astype(int))
    return [good[each] for each in chosen.tolist()]


def write_experiments(
    found: Sorted, cells: Sequence[tuple[str, int, int]], program: str, folder: Path
) -> list[Path]:
    """Write an experiment that cycles each of some cells, and a night's list of them all; return the paths."""
    sheet = found.map.start["sample"]
    paths = [
        _written(
            folder / f"{sheet['id']}-{address}.toml", _experiment(sheet, address, row, column, program, found)
        )
        for address, row, column in cells
    ]
    items = "".join(f'\n[[item]]\nexperiment = "{path.name}"\n' for path in paths)
    return [*paths, _written(folder / f"{_stem(found)}-night.toml", f"schema = 1\n{items}")]


def _experiment(
    sheet: Mapping[str, Any], address: str, row: int, column: int, program: str, found: Sorted
) -> str:
    note = f"{address} of sheet {sheet['id']}, good in map {found.map.uid[:8]}"
    lines = [
        "schema = 1",
        'plan = "cycle"',
        f"program = {json.dumps(program)}",
        f"notes = {json.dumps(note)}",
        "",
        "[sample]",
        f'id = "{sheet["id"]}.{address}"',
        f'parents = ["{sheet["id"]}"]',
        f"site = [{row}, {column}]",
        f'area = "{sheet["area"] * 1e6:.9g} mm^2"',
        f'area_sd = "{sheet["area_sd"] * 1e6:.9g} mm^2"',
    ]
    for key in ("layers", "cell_layers"):
        for layer in sheet[key]:
            lines += [
                "",
                f"[[sample.{key}]]",
                f'material = "{layer["material"]}"',
                f'thickness = "{layer["thickness"] * 1e6:.9g} um"',
                f'thickness_sd = "{layer["thickness_sd"] * 1e6:.9g} um"',
                f"source = {json.dumps(layer['source'])}",
            ]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> Any:
    """Return what stands in a list: numbers as their meter gives them, and nothing for what is not known."""
    if not isinstance(value, float):
        return value
    return f"{value:.{DIGITS}g}" if np.isfinite(value) else ""


def _stem(found: Sorted) -> str:
    return f"{found.map.start['sample']['id']}-{found.map.uid[:8]}"


def _written(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror or error}); name another --output"
        ) from error
    return path
