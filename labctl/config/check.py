"""What is wrong with which files, for `labctl check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from devices.cycling.programs import CellLimits, Program
from devices.errors import ConfigError, Mistake
from devices.limits import Limits
from devices.recipes import AnnealRecipe
from labctl.config import experiments, programs, readers
from labctl.config.allowed import beyond_limits, program_beyond, recipe_beyond
from labctl.config.checking import Collected
from labctl.config.documents import read, shown
from labctl.config.folder import FOLDERS, Config
from labctl.config.models import BenchFile, Experiment
from labctl.config.own import NOT_CONFIGURATION, mistakes_in
from labctl.config.telling import FILE as TELLING
from labctl.config.telling import telling

_MARKS: Mapping[str, tuple[str, ...]] = {
    "experiment": ("plan",),
    "bench": ("devices", "clock"),
    "program": ("macro", "rates"),
    "sample": ("layers",),
    "tool": ("framing",),
    "recipe": ("voltage", "pulse_count", "segments"),
    "limits": ("lamp", "potentiostat"),
    "telling": ("target",),
}
"""Keys that tell what a file outside the folders is, in the order of asking."""

LIMITS = "limits.toml"

PROGRAM_FILES = (".txt", ".json")
"""Endings of programs that are not in TOML: the language of cycling, and aurora-unicycler's."""


def check(files: Sequence[Path] = (), directory: Path | None = None) -> list[Mistake]:
    """Return every mistake of these files, or of the whole configuration folder, each told once.

    The kind of a file is known by its folder, or else by its keys. Names in an experiment are looked up in
    `directory` (see config_dir). Raises ConfigError when that is not there.
    """
    config = Config(directory)
    collected = Collected()
    limits = collected.attempt(config.limits)
    widest = None if limits is None else widest_cell(limits)
    checks: Mapping[str, Callable[[Path], Any]] = {
        "limits": readers.limits,
        "telling": telling,
        "bench": _bench,
        "recipe": readers.any_recipe,
        "program": lambda path: programs.program(path, widest),
        "sample": readers.sample,
        "tool": readers.tool,
        "experiment": lambda path: experiments.experiment(path, config.path),
        "material": material_at,
        "published": _published,
    }
    for path in files or _all_files(config.directory):
        kind = collected.attempt(kind_of, path)
        made = None if kind is None else collected.attempt(checks[kind], path)
        if limits is not None:
            collected.mistakes += _beyond(made, limits, shown(path))
    if not files:
        collected.mistakes += [*mistakes_in(config.directory), *_materials(config.directory)]
    return list(dict.fromkeys(collected.mistakes))


def material_at(path: Path) -> Any:
    """Return the material in a file of a library. Raises ConfigError."""
    # The library reads its files with what is in this package.
    from labctl.materials.library import KINDS, Library, folder_of
    from labctl.materials.reading import material

    kind = next(kind for kind in KINDS if folder_of(kind) == path.absolute().parent.name)
    return material(path, kind, Library(path.absolute().parents[2]).references)


def _materials(directory: Path) -> list[Mistake]:
    from labctl.materials.library import Library

    return Library(directory).mistakes()


def _published(path: Path) -> Any:
    # Only who checks or reproduces them reads them.
    from labctl.reproducing.published import published_at

    return published_at(path)


def _bench(path: Path) -> BenchFile:
    # Drivers bring ophyd along, which takes half a second that no other file needs.
    from labctl.config.benches import bench

    return bench(path)


def _beyond(made: Any, limits: Limits, file: str) -> list[Mistake]:
    if isinstance(made, Experiment):
        return beyond_limits(made, limits, file)
    if isinstance(made, AnnealRecipe):
        return list(recipe_beyond(made, limits.lamp, file))
    if isinstance(made, Program):
        return list(program_beyond(made, limits.potentiostat, file))
    return []


def _all_files(directory: Path) -> list[Path]:
    """Return limits.toml, asked for even when it is not there, and every other TOML file below."""
    inside = (path.relative_to(directory) for path in directory.rglob("*.toml"))
    found = {directory / path for path in inside if path.parts[0] not in NOT_CONFIGURATION}
    return sorted({directory / LIMITS, *found})


def widest_cell(limits: Limits) -> CellLimits:
    """Return the widest limits a cell may have in this lab, for a program's file that says none."""
    channel = limits.potentiostat
    return CellLimits(channel.voltage_min, channel.voltage_max, channel.current)


def kind_of(path: Path) -> str:
    """Return what a file is: by its folder, its ending, or else its keys. Raises ConfigError."""
    if path.suffix in PROGRAM_FILES:
        return "program"
    if path.name in (LIMITS, TELLING):
        return path.stem
    for kind, folder in FOLDERS.items():
        if path.absolute().parent.name == folder:
            return kind
    if path.absolute().parents[1].name == "materials":
        return "material"
    if path.absolute().parent.name == "published":
        return "published"
    body = read(path).body
    for kind, keys in _MARKS.items():
        if any(key in body for key in keys):
            return kind
    folders = ", ".join(f"{folder}/" for folder in FOLDERS.values())
    reason = f"nothing in it tells what it is; files belong into one of {folders} or are limits.toml"
    raise ConfigError([Mistake(shown(path), "", "", reason)])
