"""Damage terms held against the lab's thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from devices.limits import Beyond, DamageLimits
from sim.physics.anneal.damage import Damage

Level = Literal["ok", "warning", "fault"]

UNITS: Mapping[str, str] = {
    "molten_share": "1",
    "substrate_margin": "K",
    "lithium_loss": "s",
    "film_peak": "K",
    "energy_release": "J/m^2",
    "explosion_share": "1",
}
"""The terms in the order they are shown, with their SI units."""


@dataclass(frozen=True)
class Term:
    """One damage term: its value and thresholds in one SI unit, what that comes to, and what is done beyond."""

    name: str
    value: float
    unit: str
    warn: float
    fault: float
    beyond: Beyond = "refuse"

    @property
    def level(self) -> Level:
        """Whether the value is above the fault threshold, above the warning, or neither; no number is a fault."""
        if not self.value <= self.fault:
            return "fault"
        return "warning" if self.value > self.warn else "ok"


def judge(values: Damage | Mapping[str, Any], limits: DamageLimits) -> tuple[Term, ...]:
    """Return every term with its thresholds; `values` is a Damage, or a prediction that holds its fields."""
    given = values if isinstance(values, Mapping) else vars(values)
    thresholds = {name: getattr(limits, name) for name in UNITS}
    return tuple(
        Term(name, float(given[name]), unit, each.warn, each.fault, each.beyond)
        for (name, unit), each in zip(UNITS.items(), thresholds.values(), strict=True)
    )


def faults(terms: tuple[Term, ...], beyond: Beyond = "refuse") -> str:
    """Return what is beyond its fault threshold, or no number, and to be treated so, in words; or nothing."""
    return "; ".join(
        f"{term.name} = {_with_unit(term.value, term)} is {_against(term)} {_with_unit(term.fault, term)}"
        f" (limits.toml, damage.{term.name})"
        for term in terms
        if term.level == "fault" and term.beyond == beyond
    )


def _against(term: Term) -> str:
    return "above" if term.value > term.fault else "no number to hold against"


def _with_unit(value: float, term: Term) -> str:
    return f"{value:.4g}" if term.unit == "1" else f"{value:.4g} {term.unit}"
