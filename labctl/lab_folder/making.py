"""A lab's folder made: a bench of twins, limits, recipes, a sample, a first experiment, all with comments."""

from __future__ import annotations

from pathlib import Path

from devices.errors import DataError
from labctl.config.documents import shown
from labctl.config.finder import shipped_dir
from labctl.lab_folder.writing import filled, write_new

FILES = {
    "README.md": "readme.md",
    "benches/twin.toml": "bench.toml",
    "samples/film-1.toml": "sample.toml",
    "recipes/gentle.toml": "recipe.toml",
    "programs/first-cycles.toml": "program.toml",
    "experiments/first-cell.toml": "experiment.toml",
    "tests/conftest.py": "conftest.txt",
}
"""What is written, and from which template."""

FIRST = "first-cell"
"""The experiment that a new lab has."""


def make_lab(folder: Path) -> list[Path]:
    """Write a lab's files into a folder and return them. Raises DataError when one is there, and writes none."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{shown(folder)} is a file; name another folder, nothing was written")
    # The lab's limits are ours until somebody narrows them: one place for each number.
    files = {folder / "limits.toml": (shipped_dir() / "limits.toml").read_text()}
    files |= {folder / name: filled(template) for name, template in FILES.items()}
    return write_new(files)
