"""A sample's story: what it is, was made from and went through, from journals and facts; nothing is calculated anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.errors import DataError
from labctl.fact_file import Fact
from labctl.runs.briefs import COLUMNS, Brief, brief_of
from labctl.runs.conditions import Condition
from labctl.runs.index import ask_index
from labctl.runs.making import MAKING
from labctl.runs.remarks import BAD
from labctl.samples.facts import Facts
from labctl.samples.measurements import Measurement, measured
from labctl.samples.parents import Families, Parent

VALUES = (
    "prediction.surface_peak", "prediction.foil_peak", "prediction.crystalline_mean", "result.pulses",
    "result.best_discharge", "result.last_discharge", "result.cycles", "result.retention", "sample.thickness",
    "sample.thickness_sd", "sample.area",
)  # fmt: skip
"""What of a run's values stands in a sample's story."""


@dataclass(frozen=True)
class Step:
    """One run of a story, with its values by the last part of their keys; own: False for one of a parent's."""

    brief: Brief
    values: Mapping[str, float]
    own: bool = True


@dataclass(frozen=True)
class Story:
    """What is known of a sample, oldest first.

    layers: (material, thickness [m], its standard uncertainty) as first described, foil and cell; by: what was
    measured instead. steps: its runs, and those of its parents before it was cut. facts: all that was entered of
    it. values: by name, in SI, as `labctl samples --where` takes them. trouble: why its facts cannot be read.
    """

    id: str
    label: str = ""
    layers: tuple[tuple[str, float, float], ...] = ()
    area: float | None = None
    by: tuple[Measurement, ...] = ()
    parents: tuple[Parent, ...] = ()
    children: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    facts: tuple[Fact, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    trouble: str = ""

    def fits(self, condition: Condition) -> bool:
        """Return whether a condition holds for any of its values that it speaks of."""
        return any(condition.holds(key, value) for key, value in self.values.items() if condition.fits(key))


class Stories:
    """The stories of all samples of a data directory, as it is when this is made."""

    def __init__(self, data: Path) -> None:
        self._data, self._facts, self._families = data, Facts(data), Families(data)
        self._steps: dict[str, list[Step]] = {}
        for brief, values in ask_index(data, lambda connection: list(_runs(connection, data))):
            self._steps.setdefault(brief.sample, []).append(Step(brief, values))

    def ids(self) -> list[str]:
        """Return the ids of all samples of which anything is known."""
        return sorted({*self._facts.samples(), *(sample for sample in self._steps if sample)})

    def of(self, sample: str) -> Story:
        """Return a sample's story; facts that cannot be read are its trouble. Raises DataError for no sample."""
        if sample not in self.ids():
            raise DataError(f"nothing is known of a sample {sample!r}; `labctl samples` lists them")
        try:
            facts = tuple(self._facts.of(sample))
            parents = tuple(self._families.ancestors(sample))
            by = tuple(measured(self._data, sample))
        except DataError as error:
            return Story(sample, steps=tuple(self._steps.get(sample, ())), trouble=str(error))
        ends = {each.id: each.cut for each in parents}
        inherited = [
            Step(step.brief, step.values, own=False)
            for parent, end in ends.items()
            for step in self._steps.get(parent, ())
            if step.brief.plan in MAKING and (end is None or step.brief.time < end)
        ]
        own = self._steps.get(sample, [])
        steps = tuple(sorted([*inherited, *own], key=lambda step: step.brief.time))
        described = next((each["sample"] for each in facts if each["fact"] == "described"), {})
        return Story(
            sample,
            label=next((step.brief.label for step in reversed(own) if step.brief.label), ""),
            layers=tuple(_layers(described)),
            area=described.get("area"),
            by=by,
            parents=tuple(self._families.parents(sample)),
            children=tuple(self._families.children(sample)),
            steps=steps,
            facts=facts,
            values=_values(steps, facts, by),
        )


def _layers(described: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    for layer in (*described.get("layers", ()), *described.get("cell_layers", ())):
        yield layer["material"], layer["thickness"], layer.get("thickness_sd", 0.0)


def _values(steps: tuple[Step, ...], facts: tuple[Fact, ...], by: tuple[Measurement, ...]) -> dict[str, float]:
    """Return what a sample came to. Heat counts whatever a run is marked; capacities of bad runs do not."""
    values: dict[str, float] = {"cell": float(any(each["fact"] == "assembled" for each in facts))}
    for step in steps:
        found = step.values
        for name in ("surface_peak", "foil_peak"):
            if name in found:
                values[name] = max(values.get(name, found[name]), found[name])
        if "pulses" in found:
            values["pulses"] = values.get("pulses", 0.0) + found["pulses"]
        values |= {name: found[name] for name in ("crystalline_mean", "thickness", "area") if name in found}
        if step.own and step.brief.mark != BAD:
            values |= {name: found[name] for name in ("last_discharge", "retention") if name in found}
            if "best_discharge" in found:
                values["capacity"] = max(values.get("capacity", 0.0), found["best_discharge"])
            values["cycles"] = values.get("cycles", 0.0) + found.get("cycles", 0.0)
    cathode = next((layer for layer in by if layer.quantity == "thickness"), None)
    for each in by:
        if each.quantity == "area" or each is cathode:
            values[each.quantity] = each.value
    return values


def _runs(connection: sqlite3.Connection, data: Path) -> Iterator[tuple[Brief, dict[str, float]]]:
    """Yield every run with a sample, oldest first, and its values."""
    marks = ", ".join("?" for _ in VALUES)
    keys = dict(connection.execute(f"SELECT id, key FROM keys WHERE key IN ({marks})", VALUES).fetchall())
    found: dict[int, dict[str, float]] = {}
    wanted = ", ".join(map(str, keys))
    for run, key, number in connection.execute(f"SELECT run, key, number FROM amounts WHERE key IN ({wanted})"):
        found.setdefault(run, {})[keys[key].rpartition(".")[2]] = number
    for identity, *row in connection.execute(
        f"SELECT id, {COLUMNS} FROM runs WHERE listed AND sample <> '' ORDER BY began, uid"
    ):
        yield brief_of(data, row), found.get(identity, {})
