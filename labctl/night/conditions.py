"""Conditions between items: what an earlier one's runs must have come to."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.errors import LabError
from labctl.runs.entries import entry_of
from labctl.runs.quantities import unit_of
from labctl.units import UnitError, parse, show

_WRITTEN = re.compile(
    r"\s*(?P<item>[A-Za-z0-9][\w.-]{0,63})\s*:\s*(?P<key>[a-z][\w.]*)\s*(?P<sign><=|>=|<|>)\s*(?P<value>\S.*?)\s*"
)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_UNMET = re.compile(r":\s*[a-z][\w.]*\s*(?:<=|>=|<|>)\s*[^:]*: it is ")
"""In the words of `Condition.unmet`, in those of whoever waited for such an item too."""


def is_unmet(reason: str) -> bool:
    """Return whether a reason says that a condition did not hold: what was wanted then did not happen by design."""
    return _UNMET.search(reason) is not None


@dataclass(frozen=True)
class Condition:
    """A quantity of an item's latest run that has it, held against a value [SI]."""

    text: str
    item: str
    key: str
    sign: str
    value: float
    unit: str = "1"

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Return the condition that a text says. Raises LabError that says how one is written."""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise LabError('must be like "ITEM: last_discharge > 40 uAh", with < <= > or >=')
        unit = unit_of(match["key"]) or "1"
        try:
            value = parse(match["value"], unit)
        except UnitError as error:
            raise LabError(f"{match['key']}: {error}") from error
        return cls(text.strip(), match["item"], match["key"], match["sign"], value, unit)

    def unmet(self, journals: Sequence[Path]) -> str:
        """Return why it does not hold for these runs, oldest first; nothing when it holds."""
        found = None
        for path in journals:
            entry = entry_of(path)
            for key, number, _ in () if entry is None else entry.amounts:
                if number is not None and (key == self.key or key.endswith(f".{self.key}")):
                    found = number
        if found is None:
            return f"{self.text}: no run of {self.item} tells a {self.key}"
        if _SIGNS[self.sign](found, self.value):
            return ""
        written = self.text.rpartition(self.sign)[2].strip().lstrip("+-0123456789.eE ") or "1"
        there, _, unit = show(found, self.unit, written).partition(" ")
        return f"{self.text}: it is {float(there):.4g} {unit if unit != '1' else ''}".rstrip()
