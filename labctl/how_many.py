"""Numbers of things in words."""

from __future__ import annotations


def how_many(count: float, thing: str) -> str:
    """Return a whole number of things, whose name takes an s unless there is one: "1 row", "2 rows"."""
    return f"{count:.0f} {thing}{'' if count == 1 else 's'}"
