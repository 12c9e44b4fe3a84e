"""What a place in a table may hold, read from the annotations of the dataclass it becomes."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
from pydantic.fields import FieldInfo

from devices.quantities import Unit
from labctl.units import EXAMPLES, bounds_like

_PLAIN: Mapping[Any, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


@dataclasses.dataclass(frozen=True)
class Field:
    """One place: its path in the table, its type and constraints, the keys beside it, what was typed."""

    path: tuple[str, ...]
    kind: Any
    constraints: tuple[Any, ...]
    siblings: tuple[str, ...]
    typed: Any
    present: bool

    @property
    def unit(self) -> str:
        """The SI unit of a number ("" for anything else)."""
        return next((each.symbol for each in self.constraints if isinstance(each, Unit)), "")

    def limits(self) -> str:
        """Return "between 200 and 1000 V", "above 0", or nothing; in the unit that was typed, where it can be."""
        bounds = {type(each): each for each in self.constraints}
        words = {
            word: float(getattr(bounds[kind], name))
            for word, kind, name in (
                ("at least", annotated_types.Ge, "ge"),
                ("above", annotated_types.Gt, "gt"),
                ("at most", annotated_types.Le, "le"),
                ("below", annotated_types.Lt, "lt"),
            )
            if kind in bounds
        }
        numbers, symbol = list(words.values()), ""
        if self.unit not in ("", "1"):
            numbers, symbol = bounds_like(self.typed, self.unit, numbers)
        told = {word: f"{number:g}" for word, number in zip(words, numbers, strict=True)}
        unit = symbol and f" {symbol}"
        if told.keys() >= {"at least", "at most"}:
            return f"between {told['at least']} and {told['at most']}{unit}"
        said = " and ".join(f"{word} {number}" for word, number in told.items())
        return f"{said}{unit}" if said else ""

    def allowed(self) -> str:
        """Return what may stand here, in words."""
        limits = self.limits()
        if self.unit:
            return f"a value {limits}".rstrip() if limits else f"a number in {self.unit}"
        if get_origin(self.kind) is Literal:
            return _choices(get_args(self.kind))
        if get_origin(self.kind) is tuple:
            return f"a list{self._length('entries')}"
        if get_origin(self.kind) is dict or dataclasses.is_dataclass(self.kind):
            return "a table"
        plain = _PLAIN.get(self.kind, "a table")
        if self.kind is str:
            return f"{plain}{self._pattern()}{self._length('characters')}"
        return f"{plain} {limits}".rstrip()

    def choices(self) -> tuple[str, ...]:
        """Return the words of which one must stand here; none where anything else may."""
        return tuple(map(str, get_args(self.kind))) if get_origin(self.kind) is Literal else ()

    def tags(self) -> str:
        """Return what may tell the members of a union apart, in words."""
        return _choices(tag for member in _members(self.kind) for tag in _tags(member))

    def example(self) -> str:
        """Return an example of a number with its unit, where one is due."""
        return f', e.g. "{EXAMPLES[self.unit]}"' if self.unit in EXAMPLES and self.unit != "1" else ""

    def _length(self, of: str) -> str:
        least = next(
            (each.min_length for each in self.constraints if isinstance(each, annotated_types.MinLen)), 0
        )
        most = next(
            (each.max_length for each in self.constraints if isinstance(each, annotated_types.MaxLen)), None
        )
        if most is not None:
            return f" of {least} to {most} {of}"
        return f" of at least {least} {of}" if least else ""

    def _pattern(self) -> str:
        pattern = next((each.pattern for each in self.constraints if getattr(each, "pattern", None)), None)
        return "" if pattern is None else f" like {_PATTERNS.get(pattern, pattern)}"


_PATTERNS: Mapping[str, str] = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$": '"lco-0.7um_A" (at most 64 of letters, digits, _ . -)',
    r"^[a-z][a-z0-9_]{0,31}$": '"lamp_2" (at most 32 of small letters, digits, _; a letter first)',
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$": '"fla-paper": who says so, the name of a file in materials/references',
    r"^[A-Za-z][A-Za-z0-9]{0,31}$": '"LiCoO2" (at most 32 letters and digits; a letter first)',
}
"""Patterns in words, where the pattern itself would not help the person at the keyboard."""


def field_at(kind: Any, body: Any, place: tuple[int | str, ...]) -> Field | None:
    """Return the field at `place`, pydantic's path to a mistake in `body`.

    None when the path leads into a member of a union that `body` was not meant to be: a table with the keys
    of a loop is judged as a loop only.
    """
    path: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    present = True
    kind, constraints = _bare(kind)
    key_kind: Any = Any
    for step in place:
        if step == "[key]":
            # The key of a table is wrong, not what stands under it.
            return Field(path, *_bare(key_kind), siblings, None, False)
        members = _members(kind)
        if len(members) > 1:
            chosen = _meant(members, body)
            if step not in _tags(chosen) and chosen.__name__ != _label(step):
                return None
            kind, constraints = _bare(chosen)
            continue
        kind = members[0]
        path += (f"[{step}]" if isinstance(step, int) else step,)
        siblings = tuple(_hints(kind)) if isinstance(kind, type) and dataclasses.is_dataclass(kind) else ()
        present, body = _inside(body, step)
        key_kind = get_args(kind)[0] if get_origin(kind) is dict else Any
        kind, constraints = _bare(_inner(kind, step))
    kind, more = _bare(_given(kind))
    return Field(path, kind, (*constraints, *more), siblings, body, present)


def _choices(values: Iterable[Any]) -> str:
    return f"one of {', '.join(json.dumps(value) for value in values)}"


def _bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without its annotations, and these."""
    constraints: tuple[Any, ...] = ()
    while get_origin(kind) is Annotated:
        kind, *extras = get_args(kind)
        for extra in extras:
            constraints += tuple(extra.metadata) if isinstance(extra, FieldInfo) else (extra,)
    return kind, constraints


def _given(kind: Any) -> Any:
    """Return the one thing that may stand where nothing may stand too, with its annotations; else the type itself."""
    others = [each for each in get_args(kind) if each is not types.NoneType]
    return others[0] if get_origin(kind) in (Union, types.UnionType) and len(others) == 1 else kind


def _members(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union apart from None, or the type itself."""
    if get_origin(kind) not in (Union, types.UnionType):
        return (kind,)
    return tuple(_bare(each)[0] for each in get_args(kind) if each is not types.NoneType)


def _meant(members: tuple[Any, ...], body: Any) -> Any:
    """Return the member whose tag, or else most of whose keys, the table has."""
    keys = set(body) if isinstance(body, dict) else set()
    values = {value for value in body.values() if isinstance(value, str)} if keys else set()
    return max(members, key=lambda each: (len(values & set(_tags(each))), len(keys & set(_hints(each)))))


def _label(step: int | str) -> str:
    """Return the class in pydantic's name for a member, "Loop" or "function-after[check(), Step]"."""
    return str(step).rstrip("]").rpartition(" ")[2]


def _tags(kind: Any) -> tuple[str, ...]:
    """Return the values of the Literal fields that tell the members of a union apart."""
    return tuple(_tags_of(kind)) if dataclasses.is_dataclass(kind) else ()


def _tags_of(kind: Any) -> Iterator[str]:
    for hint in _hints(kind).values():
        if get_origin(hint) is Literal and len(get_args(hint)) == 1:
            yield get_args(hint)[0]


def _inside(body: Any, step: int | str) -> tuple[bool, Any]:
    if isinstance(body, dict) and step in body:
        return True, body[step]
    if isinstance(body, list) and isinstance(step, int) and step < len(body):
        return True, body[step]
    return False, None


def _inner(kind: Any, step: int | str) -> Any:
    """Return the annotation one step further down; Any where the key is unknown."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _hints(kind).get(str(step), Any)
    arguments = get_args(kind)
    return arguments[-1 if get_origin(kind) is dict else 0] if arguments else Any


@cache
def _hints(kind: Hashable) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)
