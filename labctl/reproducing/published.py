"""What was published, by tables in config/published: experiments that stand behind it, and rows to hold against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.errors import ConfigError, Mistake
from devices.quantities import STRICT, Unit
from devices.samples import SafeId
from labctl.config.checking import nearest, validate
from labctl.config.documents import quoted, read
from labctl.config.finder import shipped_dir
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.units import UnitError, parse

FOLDER = "published"

UNITS = {
    "surface_peak": "K",
    "foil_peak": "K",
    "plateau": "V",
    "mean_voltage": "V",
    "calculated_energy_density": "J/m^3",
    "full_energy_density": "J/m^3",
    "energy_density": "J/m^3",
    "first_capacity": "C/m^2",
    "retention": "1",
    "charged": "C",
    "missing_layer": "1",
    "yield": "1",
}
"""The quantities that a row may be of, and their units."""

Quantity = Literal[
    "surface_peak",
    "foil_peak",
    "plateau",
    "mean_voltage",
    "calculated_energy_density",
    "full_energy_density",
    "energy_density",
    "first_capacity",
    "retention",
    "charged",
    "missing_layer",
    "yield",
]
Tolerance = Annotated[float, Field(gt=0, lt=1), Unit("1")]
Said = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True, config=STRICT)
class PublishedRun:
    """An experiment behind a table; sample: another id for its sample, of a cell of its own."""

    experiment: SafeId
    sample: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")] = ""


@dataclass(frozen=True, config=STRICT)
class PublishedRow:
    """A number as it was published: a value, or what it lies above and below; none where no number is printed.

    run: the experiment that it is held against. tolerance [1] of the value. voltage [V] and utilisation [1]: by which
    an energy density is calculated from layers alone, as `labctl ved` does. Values are texts with units, of the
    quantity's.
    """

    run: SafeId
    quantity: Quantity
    value: Said = ""
    low: Said = ""
    high: Said = ""
    tolerance: Tolerance = 0.05
    source: Annotated[str, Field(max_length=64)] = ""
    voltage: Annotated[float | None, Field(gt=0, le=10), Unit("V")] = None
    utilisation: Annotated[float, Field(gt=0, le=1), Unit("1")] = 1.0
    note: Annotated[str, Field(max_length=500)] = ""

    def number(self, name: Literal["value", "low", "high"]) -> float | None:
        """Return what stands there in SI; None where nothing does. Raises UnitError."""
        text = {"value": self.value, "low": self.low, "high": self.high}[name]
        return parse(text, UNITS[self.quantity]) if text else None


@dataclass(frozen=True, config=STRICT)
class FromLibrary:
    """How materials of the library are tried: C-rate, cathode thickness [m], and the cathode for all other kinds."""

    rate: Annotated[str, Field(pattern=r"^(C/\d+|\d+C)$")]
    thickness: Annotated[float, Field(gt=0, le=1e-4), Unit("m")]
    partner: SafeId


@dataclass(frozen=True, config=STRICT)
class Published:
    """A table: its experiments run on a bench, and its rows. tolerance [1] of capacities that experiments compare.

    library: materials of which each is a run and a row, too; plateau_tolerance [1] of their voltages.
    """

    name: SafeId
    title: Annotated[str, Field(max_length=200)]
    bench: SafeId = "twin"
    tolerance: Tolerance = 0.05
    plateau_tolerance: Tolerance = 0.05
    run: Annotated[tuple[PublishedRun, ...], Field(max_length=100)] = ()
    row: Annotated[tuple[PublishedRow, ...], Field(max_length=1000)] = ()
    library: FromLibrary | None = None


def published(name: str, config: Config) -> Published:
    """Return a table by its name: the lab's own, else the one that came with labctl. Raises ConfigError."""
    paths = [folder / FOLDER / f"{name}.toml" for folder in (config.directory, shipped_dir())]
    path = next((each for each in paths if each.is_file()), None)
    if path is None:
        known = tables(config)
        reason = f"no published table has this name{nearest(name, known)}; there are {', '.join(known)}"
        raise ConfigError([Mistake(FOLDER, "", quoted(name), reason)])
    return published_at(path)


def published_at(path: Path) -> Published:
    """Return the table in a file. Raises ConfigError with every mistake in it."""
    document = read(path)
    found: Published = validate(Published, {**document.body, "name": path.stem}, file=document.file)
    if mistakes := list(_mistakes(found, document.file)):
        raise ConfigError(mistakes)
    return found


def tables(config: Config) -> list[str]:
    """Return the names of all tables."""
    folders = [Path(each) / FOLDER for each in (config.directory, shipped_dir())]
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


def experiments_of(found: Published, config: Config) -> list[Experiment]:
    """Return the experiments that a table names, each with a sample of its own. Raises ConfigError."""
    made = []
    for run in found.run:
        experiment = config.experiment(run.experiment)
        if run.sample and experiment.sample is not None:
            experiment = replace(experiment, sample=replace(experiment.sample, id=run.sample))
        made.append(experiment)
    return made


def _mistakes(found: Published, file: str) -> list[Mistake]:
    runs, mistakes = {run.experiment for run in found.run}, []
    for at, row in enumerate(found.row):
        if row.run not in runs:
            mistakes.append(
                Mistake(file, f"row[{at}].run", quoted(row.run), "no [[run]] has this experiment")
            )
        if row.value and (row.low or row.high):
            mistakes.append(Mistake(file, f"row[{at}].value", quoted(row.value), "give it, or low and high"))
        for name in ("value", "low", "high"):
            try:
                row.number(name)
            except UnitError as error:
                mistakes.append(Mistake(file, f"row[{at}].{name}", quoted(getattr(row, name)), str(error)))
        if (row.value or row.low or row.high) and not row.source:
            mistakes.append(Mistake(file, f"row[{at}].source", "", "missing: who published the number?"))
    return mistakes
