"""What may stand in a start document: plain values that JSON and event-model keep as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from devices.errors import LabError

DEEPEST = 64
"""Levels of tables and lists within one another; deeper is a mistake, or a table that contains itself."""

LONGEST_TEXT = 100_000
"""Characters of one text; a longer one is a file, to be attached to the sample."""


def plain_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as plain values: numpy's become Python's, tuples become lists, any text stays as it is.

    Raises LabError that names everything that cannot be kept: keys that are no text, or with "." or "/"; numbers
    that are none; objects.
    """
    mistakes = list(_mistakes("metadata", metadata, 0))
    if mistakes:
        shown = "\n  ".join(mistakes[:20])
        raise LabError(f"metadata that cannot be kept; no run was begun:\n  {shown}")
    plain: dict[str, Any] = _plain(metadata)
    return plain


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Refuse metadata that cannot be kept. Raises LabError as `plain_metadata` does, and for a sample that is none."""
    plain_metadata(metadata)
    if not isinstance(metadata.get("sample", ""), str | Mapping):
        raise LabError("no run was begun: metadata.sample must be a text or a table")


def _mistakes(place: str, value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"{place}: more than {DEEPEST} levels deep, or it contains itself"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _key_mistakes(place, key)
            yield from _mistakes(f"{place}[{_short(key)}]", inner, depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _mistakes(f"{place}[{index}]", inner, depth + 1)
    elif isinstance(value, np.ndarray | np.generic):
        yield from _numpy_mistakes(place, value, depth)
    else:
        yield from _leaf_mistakes(place, value)


def _leaf_mistakes(place: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            yield f"{place}: {len(value)} characters; attach such a text as a file"
        elif not _encodable(value):
            yield f"{place}: text with half a character (a lone surrogate), {_short(value)}"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f'{place}: {value} is no number; leave it out, or write it as text ("{value}")'
    elif not (value is None or isinstance(value, bool | int)):
        yield f"{place}: {type(value).__name__} is no text, number, list or table; write it as one"


def _key_mistakes(place: str, key: Any) -> Iterator[str]:
    if not isinstance(key, str):
        yield f"{place}: the key {_short(key)} is no text"
    elif "." in key or "/" in key:
        yield f'{place}: the key {_short(key)} has a "." or "/"; use "_"'
    elif len(key) > LONGEST_TEXT or not _encodable(key):
        yield f"{place}: the key {_short(key)} is too long, or half a character"


def _numpy_mistakes(place: str, value: Any, depth: int) -> Iterator[str]:
    if value.dtype.kind not in "biufUO":
        yield f"{place}: numpy's {value.dtype} cannot be kept"
    elif isinstance(value, np.generic) or value.ndim == 0:
        yield from _mistakes(place, value.item(), depth + 1)
    else:
        yield from _mistakes(place, value.tolist(), depth + 1)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, str):
        return str.__str__(value)
    # Enumerations of numbers and numpy's floats are numbers to JSON as well, but not to whoever asks for their type.
    if isinstance(value, bool) or value is None:
        return value
    return int(value) if isinstance(value, int) else float(value)


def _encodable(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _short(value: Any) -> str:
    text = ascii(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return text if len(text) <= 40 else f"{text[:40]}..."
