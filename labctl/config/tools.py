"""Command tables that bench files name: the files in tools/, beside the folder of the bench."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devices.errors import ConfigError, Mistake
from devices.recipes import canonical_hash
from labctl.config.checking import nearest
from labctl.config.documents import quoted, read, shown
from labctl.config.models import Part
from labctl.config.readers import named, tool


def body_of(name: str, file: str, key: str) -> dict[str, Any]:
    """Return the tables of a tool's file, checked; `key` in `file`, a bench, is where it is named.

    Raises ConfigError with every mistake in the tool's file, or that there is none of this name.
    """
    folder = Path(file).absolute().parent.parent / "tools"
    there = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in there:
        others = f"there are {', '.join(there)}" if there else "there is none at all"
        reason = f"there is no tool of this name in {shown(folder)}{nearest(name, there)}; {others}"
        raise ConfigError([Mistake(file, key, quoted(name), reason)])
    path = folder / f"{name}.toml"
    tool(path)
    return dict(named(read(path), name))


def hash_with(config_hash: str, parts: Iterable[Part]) -> str:
    """Return a bench's hash together with those of the tables its parts use; its own where none does."""
    tables = [
        canonical_hash(asdict(part.parameters.table)) for part in parts if hasattr(part.parameters, "table")
    ]
    return canonical_hash([config_hash, *tables]) if tables else config_hash
