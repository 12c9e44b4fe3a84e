"""Tables become frozen dataclasses, or mistakes with key, value and what is allowed in the field's unit."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from devices.cycling.programs import Refusals
from devices.errors import ConfigError, Mistake
from labctl.config.documents import quoted
from labctl.config.fields import Field, field_at
from labctl.units import parse

P = ParamSpec("P")
T = TypeVar("T")


def validate(kind: type[T], body: Any, *, file: str, key: str = "") -> T:
    """Return `body` (plain TOML values) as a `kind`, a strict pydantic dataclass.

    `key` is where the table stands in `file`. Raises ConfigError with every mistake in it.
    """
    try:
        return TypeAdapter(kind).validate_json(json.dumps(body), strict=True, context={"units": parse})
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = (mistake for each in details for mistake in _mistakes(kind, body, each, file, key))
        raise ConfigError(list(dict.fromkeys(found))) from error


class Collected:
    """The mistakes of several attempts, to be shown together."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def attempt(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what `action` returns, or None when it raised ConfigError."""
        try:
            return action(*args, **kwargs)
        except ConfigError as error:
            self.mistakes += error.mistakes
            return None

    def settle(self) -> None:
        """Raise ConfigError when anything was collected; a mistake met twice is told once."""
        if self.mistakes:
            raise ConfigError(list(dict.fromkeys(self.mistakes)))


def nearest(name: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """Return `; did you mean "..."?` when one of the known names is close, else nothing.

    cutoff: how alike they must be, 1 being the same [difflib's ratio].
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return f'; did you mean "{close[0]}"?' if close else ""


def joined(*parts: str) -> str:
    """Return a dotted key; an index in brackets takes no dot."""
    key = ""
    for part in parts:
        key += part if not key or not part or part.startswith("[") else f".{part}"
    return key


def _mistakes(kind: Any, body: Any, details: ErrorDetails, file: str, prefix: str) -> Iterator[Mistake]:
    """Yield what pydantic refused, nothing when another mistake says it better."""
    field = field_at(kind, body, details["loc"])
    if field is None:
        return
    key = joined(prefix, *field.path)
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Refusals):
        yield from (Mistake(file, key, "", said) for said in cause.found)
        return
    if details["type"].startswith("union_tag"):
        tag = details["ctx"]["discriminator"].strip("'")
        typed = field.typed.get(tag)
        key = joined(prefix, *field.path, tag)
        yield Mistake(file, key, "" if typed is None else quoted(typed), f"must be {field.tags()}")
        return
    if details["type"] == "too_short" and len(field.typed) >= details["ctx"]["min_length"]:
        return  # its entries were refused one by one; pydantic counts only the good ones
    shown = field.present and not isinstance(field.typed, dict | list)
    value = quoted(field.typed) if shown else ""
    yield Mistake(file, key, value, _allowed(field, details))


def _allowed(field: Field, details: ErrorDetails) -> str:
    """Return what is allowed, in words."""
    context: Mapping[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing" | "missing_argument":
            return f"missing; give {field.allowed()}{field.example()}"
        case "unexpected_keyword_argument" | "extra_forbidden":
            near = nearest(field.path[-1], field.siblings)
            return (
                f"unknown key{near}; the keys are {', '.join(field.siblings)}"
                if field.siblings
                else "unknown key"
            )
        case "value_error":
            limits = field.limits()
            return f"{context['error']}{f' ({limits})' if limits and field.unit else ''}"
        case "literal_error":
            near = nearest(field.typed, field.choices()) if isinstance(field.typed, str) else ""
            return f"must be {field.allowed()}{near}"
        case _:
            return f"must be {(field.unit and field.limits()) or field.allowed()}"
