"""Numbers that labctl's own code holds, because the twins were calibrated with them: found by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

HOMES = ("sim.materials.", "devices.cycling.")
"""Where a number may be held."""

MODULE = 3
"""Of the parts of a name, which are its module's."""


def held(name: str) -> Any:
    """Return what a dotted name stands for: a module's constant, an attribute, or an entry by key or number.

    Raises ValueError where there is none.
    """
    if not name.startswith(HOMES):
        raise ValueError(f"must begin with one of {', '.join(HOMES)}")
    parts = name.split(".")
    try:
        found: Any = import_module(".".join(parts[:MODULE]))
        for part in parts[MODULE:]:
            found = _inner(found, part)
    except (ImportError, AttributeError, KeyError, IndexError, ValueError) as error:
        raise ValueError(f"there is nothing called {name} ({error})") from error
    return found


def _inner(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value[part]
    if isinstance(value, Sequence):
        return value[int(part)]
    return getattr(value, part)
