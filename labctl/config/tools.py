"""Command tables that bench files name: the files in tools/, beside the folder of the bench, or any by its path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devices.errors import ConfigError, Mistake
from devices.recipes import canonical_hash
from labctl.config.checking import nearest
from labctl.config.documents import named, quoted, read, shown
from labctl.config.models import Part
from labctl.config.readers import tool


def body_of(name: str, file: str, key: str) -> dict[str, Any]:
    """Return the tables of a tool's file, checked; `key` in `file`, a bench, is where it is named.

    Raises ConfigError with every mistake in the tool's file, or that there is none of this name.
    """
    path = path_of(name, Path(file))
    if not path.is_file():
        there = sorted(each.stem for each in path.parent.glob("*.toml"))
        others = f"there are {', '.join(there)}" if there else "there is none at all"
        reason = f"there is no tool of this name in {shown(path.parent)}{nearest(path.stem, there)}; {others}"
        raise ConfigError([Mistake(file, key, quoted(name), reason)])
    tool(path)
    return dict(named(read(path), path.stem))


def path_of(name: str, bench: Path) -> Path:
    """Return the file of a tool that a bench file names: by its path where it ends with .toml."""
    folder = bench.absolute().parent
    return folder / name if name.endswith(".toml") else folder.parent / "tools" / f"{name}.toml"


def hash_with(config_hash: str, parts: Iterable[Part]) -> str:
    """Return a bench's hash together with those of the tables its parts use; its own where none does."""
    tables = [
        canonical_hash(asdict(part.parameters.table)) for part in parts if hasattr(part.parameters, "table")
    ]
    return canonical_hash([config_hash, *tables]) if tables else config_hash
