"""The configuration folder: ask it for a bench, a recipe, an experiment by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.cycling.macros import Macro
from devices.errors import ConfigError, Mistake
from devices.limits import Limits
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.samples import SampleRef
from labctl.config import readers
from labctl.config.allowed import beyond_limits
from labctl.config.checking import Collected, nearest
from labctl.config.documents import quoted, shown
from labctl.config.finder import config_dir
from labctl.config.models import BenchFile, Experiment
from labctl.config.own import join

FOLDERS: Mapping[str, str] = {
    "bench": "benches",
    "recipe": "recipes",
    "program": "programs",
    "sample": "samples",
    "experiment": "experiments",
    "tool": "tools",
}
"""The folder of each kind of file; limits.toml stands beside them."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Selection:
    """What one session is made of."""

    bench: BenchFile
    limits: Limits
    experiments: tuple[Experiment, ...]


class Config:
    """The files of one folder. Whatever is asked for is whole, or ConfigError tells all mistakes in it."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = config_dir(directory)
        join(self.directory)

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names there are of one kind ("bench", "recipe", "program", "sample", "experiment", "tool")."""
        return tuple(sorted(path.stem for path in (self.directory / FOLDERS[kind]).glob("*.toml")))

    def path(self, kind: str, name: str, *, file: str = "", key: str = "") -> Path:
        """Return the file of that name.

        Raises ConfigError that says which names exist; `key` in `file` is where the name was typed.
        """
        folder, names = self.directory / FOLDERS[kind], self.names(kind)
        if name in names and _NAME.fullmatch(name):
            return folder / f"{name}.toml"
        there = f"there are {', '.join(names)}" if names else "there is none at all"
        reason = f"there is no {kind} of this name in {shown(folder)}{nearest(name, names)}; {there}"
        raise ConfigError([Mistake(file or shown(folder), key, quoted(name), reason)])

    def bench(self, name: str) -> BenchFile:
        """Return a bench, by name or from any file; its stations and drivers imported, their parameters checked."""
        # Drivers bring ophyd along, which takes half a second that no other file needs.
        from labctl.config.benches import bench

        return bench(self.bench_path(name))

    def bench_path(self, name: str) -> Path:
        """Return the file of a bench: by its name here, or any file (text that ends in ".toml")."""
        return Path(name) if name.endswith(".toml") else self.path("bench", name)

    def limits(self) -> Limits:
        """Return limits.toml."""
        return readers.limits(self.directory / "limits.toml")

    def recipe(self, name: str) -> AnnealRecipe:
        """Return an anneal recipe."""
        return readers.recipe(self.path("recipe", name))

    def furnace(self, name: str) -> FurnaceRecipe:
        """Return a recipe for a furnace."""
        return readers.furnace(self.path("recipe", name))

    def sample(self, name: str) -> SampleRef:
        """Return a sample as the lab describes it."""
        return readers.sample(self.path("sample", name))

    def program(self, name: str) -> Macro:
        """Return a cycling program, or the macro that becomes one on a cell's area."""
        # Macros of every kind take a twentieth of a second, which a session that opens reads none of.
        from labctl.config import programs

        return programs.program(self.path("program", name))

    def experiment(self, name: str | Path) -> Experiment:
        """Return an experiment by its name here, or from any file (a Path, or text that ends in ".toml")."""
        from labctl.config import experiments

        is_file = isinstance(name, Path) or name.endswith(".toml")
        path = Path(name) if is_file else self.path("experiment", str(name))
        return experiments.experiment(path, self.path)

    def select(self, bench: str, experiments: Sequence[str | Path] = ()) -> Selection:
        """Return what a session is made of; the mistakes of all its files are raised together."""
        collected = Collected()
        chosen = collected.attempt(self.bench, bench)
        limits = collected.attempt(self.limits)
        found = [collected.attempt(self.experiment, each) for each in experiments]
        for name, experiment in zip(experiments, found, strict=True):
            if experiment is not None and limits is not None:
                collected.mistakes += beyond_limits(experiment, limits, str(name))
        collected.settle()
        assert chosen is not None
        assert limits is not None
        return Selection(chosen, limits, tuple(each for each in found if each is not None))
