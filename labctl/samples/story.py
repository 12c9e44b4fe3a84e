"""A sample's story: what it is, was made from and went through, from journals and facts; nothing is calculated anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.errors import DataError
from labctl.fact_file import Fact
from labctl.runs.briefs import COLUMNS, DERIVED, Brief, brief_of
from labctl.runs.conditions import Condition
from labctl.runs.films import DEPOSITED, FilmPutOn
from labctl.runs.index import ask_index
from labctl.runs.kinds import MAKING
from labctl.runs.remarks import BAD
from labctl.runs.states import NEVER
from labctl.samples.deposited import films_on, put_on
from labctl.samples.facts import Facts
from labctl.samples.measurements import Measurement, measured
from labctl.samples.parents import Families, Parent
from labctl.samples.past import Gaps

VALUES = (
    "prediction.surface_peak", "prediction.foil_peak", "prediction.crystalline_mean", "result.pulses",
    "result.best_discharge", "result.last_discharge", "result.cycles", "result.retention", "sample.thickness",
    "sample.thickness_sd", "sample.area", "result.peak_temperature",
)  # fmt: skip
"""What of a run's values stands in a sample's story."""


@dataclass(frozen=True)
class Step:
    """One run of a story, with its values; own: False for one of a parent's.

    values: by the last part of their keys, those of films that were put on by the whole key.
    """

    brief: Brief
    values: Mapping[str, float]
    own: bool = True


@dataclass(frozen=True)
class Story:
    """What is known of a sample, oldest first.

    layers: (material, thickness [m], its standard uncertainty) as first described, foil and cell; films: what was put
    on it since; upper: the materials of electrolyte and anode that are there, from the bottom up; by: what was
    measured instead. steps: its runs, and those of its parents before it was cut. facts: all that was entered of it.
    values: by name, in SI, as `labctl samples --where` takes them. gaps: journals of its past that cannot be read, in
    words. trouble: why its facts cannot be read.
    """

    id: str
    label: str = ""
    layers: tuple[tuple[str, float, float], ...] = ()
    area: float | None = None
    films: tuple[FilmPutOn, ...] = ()
    upper: tuple[str, ...] = ()
    by: tuple[Measurement, ...] = ()
    parents: tuple[Parent, ...] = ()
    children: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    facts: tuple[Fact, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def last(self) -> float | None:
        """When its last run began [s since the epoch], where that is known."""
        return max((step.brief.time for step in self.steps if step.brief.time > NEVER), default=None)

    def fits(self, condition: Condition) -> bool:
        """Return whether a condition holds for any of its values that it speaks of; what must not be, for all."""
        held = [condition.holds(key, value) for key, value in self.values.items() if condition.fits(key)]
        return all(held) and bool(held) if condition.sign == "!=" else any(held)


class Stories:
    """The stories of the samples of a data directory, as it is when this is made; `only`: of one sample."""

    def __init__(self, data: Path, only: str = "") -> None:
        self._data, self._facts = data, Facts(data)
        self._families, self._films, self._gaps, runs = ask_index(
            data, lambda index: self._asked(index, only)
        )
        self._steps: dict[str, list[Step]] = {}
        for brief, values in runs:
            self._steps.setdefault(brief.sample, []).append(Step(brief, values))
        self._known = {*self._facts.samples(), *self._steps}

    def _asked(
        self, index: sqlite3.Connection, only: str
    ) -> tuple[Families, dict[str, list[FilmPutOn]], Gaps, list[tuple[Brief, dict[str, float]]]]:
        """Return families, films, gaps and runs from one look: each look at all files of 10,000 runs takes 50 ms."""
        families = Families(self._data, index)
        wanted = _wanted(families, only)
        gaps = Gaps(self._data, families, index)
        return families, put_on(index, wanted), gaps, _runs(index, self._data, wanted)

    def ids(self) -> list[str]:
        """Return the ids of all samples of which anything is known."""
        return sorted(self._known)

    def of(self, sample: str) -> Story:
        """Return a sample's story; facts that cannot be read are its trouble. Raises DataError for no sample."""
        if sample not in self._known:
            raise DataError(f"nothing is known of a sample {sample!r}; `labctl samples` lists them")
        try:
            facts = tuple(self._facts.of(sample))
            parents = tuple(self._families.ancestors(sample))
            by = tuple(measured(self._data, sample, families=self._families))
            films = tuple(films_on(self._films, sample, parents))
            gaps = tuple(map(str, self._gaps.of(sample)))
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
        described: Mapping[str, Any] = next(
            (each["sample"] for each in facts if each["fact"] == "described"), {}
        )
        return Story(
            sample,
            label=next((step.brief.label for step in reversed(own) if step.brief.label), ""),
            layers=tuple(_layers(described)),
            area=described.get("area"),
            films=films,
            upper=tuple(dict.fromkeys(_upper(described, facts, films))),
            by=by,
            parents=tuple(self._families.parents(sample)),
            children=tuple(self._families.children(sample)),
            steps=steps,
            facts=facts,
            values=_values(steps, facts) | _film_values(films) | _measured_values(by, films, described),
            gaps=gaps,
        )


def _wanted(families: Families, only: str) -> list[str]:
    """Return the samples whose runs are needed, none for all of them."""
    try:
        return [only, *(each.id for each in families.ancestors(only))] if only else []
    except DataError:
        return [only]


def _layers(described: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    for layer in (*described.get("layers", ()), *described.get("cell_layers", ())):
        yield layer["material"], layer["thickness"], layer.get("thickness_sd", 0.0)


def _upper(described: Mapping[str, Any], facts: Iterable[Fact], films: Iterable[FilmPutOn]) -> Iterator[str]:
    """Yield what is on the cathode: what a cell was described with, once it is built, and what was put on here."""
    if any(each["fact"] == "assembled" for each in facts):
        yield from (layer["material"] for layer in described.get("cell_layers", ()))
    yield from (film.material for film in films if film.is_upper)


def _film_values(films: Sequence[FilmPutOn]) -> dict[str, float]:
    """Return what was put on, by deposited.<material>.<what>; and of the cathode, which is the sample's film."""
    values: dict[str, float] = {}
    for film in films:
        key = f"{DEPOSITED}.{film.material}"
        for name, value in (("thickness", film.thickness), ("thickness_sd", film.sd)):
            values[f"{key}.{name}"] = values.get(f"{key}.{name}", 0.0) + value
        values[f"{key}.doubtful"] = max(values.get(f"{key}.doubtful", 0.0), float(bool(film.doubts)))
        if not film.is_upper:
            values["thickness"] = values[f"{key}.thickness"]
        if film.area is not None:
            values["area"] = min(values.get("area", film.area), film.area)
    return values


def _measured_values(
    by: Iterable[Measurement], films: Sequence[FilmPutOn], described: Mapping[str, Any]
) -> dict[str, float]:
    """Return area and the film's thickness where they were measured; of a piece not described yet any layer's."""
    stack = [layer["material"] for layer in described.get("layers", ())]
    film = [*stack, *(each.material for each in films if not each.is_upper)][-1:]
    return {
        each.quantity: each.value
        for each in by
        if each.quantity == "area" or (each.quantity == "thickness" and film in ([], [each.layer]))
    }


def _values(steps: tuple[Step, ...], facts: tuple[Fact, ...]) -> dict[str, float]:
    """Return what a sample came to. Heat counts whatever a run is marked; capacities of bad runs do not."""
    values: dict[str, float] = {"cell": float(any(each["fact"] == "assembled" for each in facts))}
    for step in steps:
        found = step.values
        for name in ("surface_peak", "foil_peak", "peak_temperature"):
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
    return values


def _runs(
    connection: sqlite3.Connection, data: Path, samples: Sequence[str]
) -> list[tuple[Brief, dict[str, float]]]:
    """Return every run of some samples, of all where none is named, oldest first, and its values."""
    keys = dict(
        connection.execute(
            f"SELECT id, key FROM keys WHERE key IN ({_marks(VALUES)}) OR key LIKE '{DEPOSITED}.%'", VALUES
        ).fetchall()
    )
    named = f"sample IN ({_marks(samples)})" if samples else "sample <> ''"
    named += f" AND purpose <> '{DERIVED}'"
    cursor = connection.cursor()
    cursor.row_factory = None
    found: dict[int, dict[str, float]] = {}
    for run, key, number in cursor.execute(
        f"SELECT run, key, number FROM runs JOIN amounts ON run = runs.id WHERE {named} AND key IN ({_marks(keys)})",
        [*samples, *keys],
    ):
        whole = keys[key]
        if number is not None:
            name = whole if whole.startswith(f"{DEPOSITED}.") else whole.rpartition(".")[2]
            found.setdefault(run, {})[name] = number
    rows = cursor.execute(
        f"SELECT id, {COLUMNS} FROM runs WHERE listed AND {named} ORDER BY began, uid", [*samples]
    )
    return [(brief_of(data, row), found.get(run, {})) for run, *row in rows]


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" for _ in values)
