"""Conditions on values, as they are typed: `recipe.voltage > 880 V`, `result.end_reason = completed`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from devices.errors import DataError
from labctl.runs.quantities import unit_of
from labctl.units import EXAMPLES, UnitError, parse

_CONDITION = re.compile(r"\s*([A-Za-z][\w.]*)\s*(>=|<=|!=|==|=|>|<)\s*(.+?)\s*", re.ASCII | re.DOTALL)

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}

CLOSE = 1e-9
"""Numbers that differ relatively by less are equal: what was typed in volts and kept in volts is."""


@dataclass(frozen=True)
class Condition:
    """What must hold: a key or the end of one, an operator, and what was typed after it."""

    name: str
    sign: str
    typed: str

    def number(self, key: str) -> float | None:
        """Return what was typed as a number in the unit of a key; None when it is none that fits."""
        unit = unit_of(key)
        for each in [unit] if unit else EXAMPLES:
            try:
                return parse(self.typed, each)
            except UnitError:
                continue
        return None

    def fits(self, key: str) -> bool:
        """Return whether it speaks of a key: by its whole name, its end, or its first word and its end."""
        first, _, rest = self.name.partition(".")
        return (
            key == self.name
            or key.endswith(f".{self.name}")
            or bool(rest and key.startswith(f"{first}.") and key.endswith(f".{rest}"))
        )

    def keys(
        self, known: Iterable[str], whose: str = "run", texts: Callable[[str], bool] = lambda _: False
    ) -> list[str]:
        """Return the keys it speaks of; whose: what has them, for messages; texts: whether a key has any text.

        Raises DataError when there is none, or when what was typed can be compared with none: a text with numbers
        neither.
        """
        known = list(known)
        found = [key for key in known if self.fits(key)]
        if not found:
            there = ", ".join(sorted({key.rpartition(".")[2] for key in known})) or "none yet"
            raise DataError(f"no {whose} has a value called {self.name!r}; there are: {there}")
        equal = self.sign in ("=", "!=")
        fitting = [key for key in found if self.number(key) is not None or (equal and texts(key))]
        if not fitting:
            unit = unit_of(found[0])
            example = EXAMPLES.get(unit, f"1 {unit}".rstrip())
            raise DataError(f"{self.typed!r} cannot be compared with {found[0]}; give e.g. {example!r}")
        return fitting

    def holds(self, key: str, value: float | str) -> bool:
        """Return whether it holds for a value of a key that it speaks of."""
        if isinstance(value, str):
            return self.sign in ("=", "!=") and (value == self.typed) == (self.sign == "=")
        number = self.number(key)
        if number is None:
            return self.sign == "!="
        equal = abs(value - number) <= CLOSE * max(abs(value), abs(number))
        return (self.sign in ("=", ">=", "<=")) if equal else COMPARE[self.sign](value, number)


def condition(text: str) -> Condition:
    """Return what was typed as a condition. Raises DataError when it is none."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise DataError(f"{text!r} is no condition; write e.g. 'recipe.voltage > 880 V'")
    name, sign, typed = match.groups()
    return Condition(name, "=" if sign == "==" else sign, typed)
