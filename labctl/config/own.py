"""A lab's own plans, instruments and twins: folders beside its benches, found by name as ours are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import devices.instruments
import plans
import sim.twins
from devices.errors import ConfigError, Mistake
from labctl.config.documents import quoted, shown

HOMES: dict[str, ModuleType] = {"plans": plans, "instruments": devices.instruments, "twins": sim.twins}
"""The package that each of these folders of a lab joins."""

NOT_CONFIGURATION = ("labctl-data", "materials", "tests", "transcripts", *HOMES)
"""Folders of a lab whose files are no benches, recipes and so on."""

_OURS = {folder: tuple(package.__path__) for folder, package in HOMES.items()}


def join(lab: Path) -> None:
    """Let what a lab wrote itself be found: plans/*.py as plans, instruments/*.py as drivers, twins/*.py as twins.

    Raises ConfigError for a file that has the name of one of ours, which would never be looked at.
    """
    mistakes = []
    for folder, package in HOMES.items():
        home = (lab / folder).absolute()
        taken = {path.stem for ours in _OURS[folder] for path in Path(ours).glob("*.py")}
        for path in _modules(home):
            if path.stem in taken:
                reason = f"labctl has {folder} of this name itself; choose another"
                mistakes.append(Mistake(shown(path), "", quoted(path.stem), reason))
        if home.is_dir() and str(home) not in package.__path__:
            package.__path__.append(str(home))
    if mistakes:
        raise ConfigError(mistakes)


def own_modules(lab: Path) -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the file of everything that a lab wrote itself."""
    for folder, package in HOMES.items():
        for path in _modules(lab / folder):
            yield f"{package.__name__}.{path.stem}", path


def imported(name: str, file: str, key: str = "", value: str = "") -> ModuleType:
    """Return a module by its dotted name. Raises ConfigError, told of `key` in `file`, when it cannot be imported."""
    try:
        return import_module(name)
    except Exception as error:  # what a lab wrote itself may fail at import in any way
        place = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = f"{name} cannot be imported ({type(error).__name__}{place}: {error})"
        raise ConfigError([Mistake(file, key, value, reason)]) from error


def mistakes_in(lab: Path) -> Iterable[Mistake]:
    """Yield what hinders the lab's own files from being imported."""
    for name, path in own_modules(lab):
        try:
            imported(name, shown(path))
        except ConfigError as error:
            yield from error.mistakes


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.stem.isidentifier())
