"""The sample of a run: as it was then, by all that is known of it now; the one place that says how large a cell is.

A measurement counts whenever it was entered. What the run itself went by stands apart, as its nominal size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import TypeAdapter, ValidationError

from devices.cycling.cells import SECONDS_PER_HOUR
from devices.recipes import to_json
from devices.samples import SampleRef
from labctl.runs.films import FilmPutOn
from labctl.runs.kinds import IMPORT
from labctl.samples.believed import believed
from labctl.samples.measurements import UNITS, Measurement

if TYPE_CHECKING:
    from labctl.runs.run import Run

RUNS = "runs"
"""The folder of a data folder that journals are kept in, by year and month."""

DESCRIBED = ("layers", "cell_layers", "grown", "area", "area_sd", "area_m2", "area_sd_m2")
"""What of a sample growth and measurements change."""

BELIEVED = ("layers", "cell_layers", "area_m2", "area_sd_m2")
"""What of it start documents say under `believed`."""

SAME = 1e-9
"""Relative difference of two numbers that are one: what JSON and a sum may change."""


@dataclass(frozen=True)
class Size:
    """How large a cell is: area [m2], film thickness [m], capacity [Ah], each with sd; NaN where it is not known.

    The area is that of all layers in parallel; basis: what the capacity rests on.
    """

    area: float = math.nan
    area_sd: float = 0.0
    thickness: float = math.nan
    thickness_sd: float = 0.0
    capacity: float = math.nan
    capacity_sd: float = 0.0
    basis: str = ""

    @classmethod
    def of(cls, sample: Mapping[str, Any], capacity: Mapping[str, Any] | None) -> Self:
        """Return the size that a sample and a nominal capacity of a start document tell."""
        film, nominal = (sample.get("layers") or [{}])[-1], capacity or {}
        layers = _known(sample.get("parallel"), 1.0)
        return cls(
            area=layers * _positive(sample.get("area_m2", sample.get("area"))),
            area_sd=layers * _known(sample.get("area_sd_m2", sample.get("area_sd")), 0.0),
            thickness=_positive(film.get("thickness")),
            thickness_sd=_known(film.get("thickness_sd"), 0.0),
            capacity=_positive(nominal.get("value_Ah")),
            capacity_sd=_known(nominal.get("sd_Ah"), 0.0),
            basis=str(nominal.get("basis", "")),
        )

    def per_area(self, value: float) -> tuple[float, float]:
        """Return a quantity of the cell per area, with its standard uncertainty."""
        each = value / self.area
        return each, abs(each) * self.area_sd / self.area

    def per_volume(self, value: float) -> tuple[float, float]:
        """Return a quantity of the cell per volume of its cathode film, with its standard uncertainty."""
        each = value / (self.area * self.thickness)
        relative = math.hypot(self.area_sd / self.area, self.thickness_sd / self.thickness)
        return each, abs(each) * relative

    @property
    def known(self) -> bool:
        """Return whether both area and thickness are known."""
        return math.isfinite(self.area) and math.isfinite(self.thickness)

    def described(self) -> dict[str, Any]:
        """Return it as plain values, None for what is unknown."""
        return {
            name: None if isinstance(each, float) and not math.isfinite(each) else each
            for name, each in asdict(self).items()
        }


@dataclass(frozen=True)
class SampleOfRun:
    """A sample as it was at a run by what is known now, and the size of its cell.

    sample: as `sample` in a start document says it, with the films that were there. nominal: `sample` as the run was
    told it. then, as_run: the sample, and the size of its cell, that the run went by. measured: what counts in place
    of what was meant; since: those of them that the run did not go by. films: what runs had put on, its own too.
    """

    sample: Mapping[str, Any]
    size: Size
    nominal: Mapping[str, Any]
    then: Mapping[str, Any]
    as_run: Size
    measured: tuple[Measurement, ...] = ()
    since: tuple[Measurement, ...] = ()
    films: tuple[FilmPutOn, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return what the start document of a result says that was made of such a run: as those of runs do."""
        changed = {key: self.sample[key] for key in BELIEVED if key in self.sample}
        capacity = {"capacity": _capacity(self.size)} if math.isfinite(self.size.capacity) else {}
        return {"sample": dict(self.nominal), **({"believed": changed} if changed else {}), **capacity}

    def described(self) -> dict[str, Any]:
        """Return it for other programs: the sample, its capacity [Ah], what was measured in SI.

        Under `nominal` is what the run was told where that is something else.
        """
        told = {key: self.nominal[key] for key in DESCRIBED if key in self.nominal}
        other = {key: value for key, value in told.items() if value != self.sample.get(key)}
        said = dict(self.sample)
        if math.isfinite(self.size.capacity):
            said["capacity"] = _capacity(self.size)
        if math.isfinite(self.as_run.capacity) and not _is_same(self.as_run.capacity, self.size.capacity):
            other["capacity"] = _capacity(self.as_run)
        if self.measured:
            said["measured"] = [{**asdict(each), "unit": UNITS[each.quantity]} for each in self.measured]
        return {**said, "nominal": other} if other else said


def sample_of_run(run: Run, data: Path | None = None) -> SampleOfRun:
    """Return the sample of a run as it was then, as thick and as large as it is known to be now.

    data: the folder its facts are in; that which its journal is kept in if None. Of what is no sample of ours, and of a
    journal that lies alone, the start document is all there is. Raises DataError as `believed` does.
    """
    told = as_told(run)
    described = _described(told.nominal)
    folder = None if described is None else data or _folder_of(run)
    if described is None or folder is None:
        return told
    inputs = {*map(str, run.start.get("inputs") or ()), *run.chain}
    # The date of an imported run is another clock's: what was on its sample then is not told by it.
    is_ours = run.start.get("plan_name") != IMPORT
    until = float(run.members[-1].start["time"]) if is_ours else math.inf
    found = believed(folder, described, until, inputs)
    if not (found.by or found.films):
        return told
    stack = {each.material for each in (*found.sample.layers, *found.sample.cell_layers)}
    measured = tuple(each for each in found.by if not each.layer or each.layer in stack)
    sample = {**told.nominal, "grown": [], **to_json(found.sample), **found.described()}
    if not sample["grown"]:
        del sample["grown"]
    return replace(
        told,
        sample=sample,
        size=Size.of(sample, found.cell.described() or run.start.get("capacity")),
        measured=measured,
        since=tuple(each for each in measured if not _is_same(each.value, _gone_by(told, each))),
        films=found.films,
    )


def as_told(run: Run) -> SampleOfRun:
    """Return the sample of a run by its start document alone, as it was believed to be then."""
    said = run.start.get("sample")
    nominal: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    then = {**nominal, **(run.start.get("believed") or {})}
    size = Size.of(then, run.start.get("capacity"))
    return SampleOfRun(then, size, nominal, then, size)


def electrodes_area(run: Run) -> float:
    """Return the area [m2] of all layers in parallel of a run's cell; NaN where nobody says it."""
    return sample_of_run(run).size.area


def _folder_of(run: Run) -> Path | None:
    """Return the data folder that a run's journal is kept in; None where it lies alone."""
    places = run.path.absolute().parents
    return places[3] if len(places) > 3 and places[2].name == RUNS else None


def _described(said: Mapping[str, Any]) -> SampleRef | None:
    """Return the sample of a start document; None where it is not described whole, or with words of its own."""
    known = {field.name: said[field.name] for field in fields(SampleRef) if field.name in said}
    try:
        return TypeAdapter(SampleRef).validate_python(known, strict=False)
    except ValidationError:
        # Somebody else's data: a sample without layers, or with what we have no words for.
        return None


def _gone_by(told: SampleOfRun, measured: Measurement) -> float:
    """Return what a run went by [SI] instead of what was measured; NaN where it had no such number."""
    if measured.quantity == "area":
        return _known(told.then.get("area_m2", told.then.get("area")))
    if measured.quantity == "capacity":
        return told.as_run.capacity * SECONDS_PER_HOUR
    stack = [*(told.then.get("layers") or ()), *(told.then.get("cell_layers") or ())]
    return next((float(each["thickness"]) for each in stack if each["material"] == measured.layer), math.nan)


def _capacity(size: Size) -> dict[str, Any]:
    return {"value_Ah": size.capacity, "sd_Ah": size.capacity_sd, "basis": size.basis}


def _is_same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=SAME) or (math.isnan(one) and math.isnan(other))


def _known(value: Any, otherwise: float = math.nan) -> float:
    return otherwise if value is None else float(value)


def _positive(value: Any) -> float:
    number = _known(value)
    return number if number > 0.0 else math.nan
