"""What `labctl check` says of the programs in files, on a sample's cell and a bench's instruments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from devices.cycling.cells import CellSize
from devices.cycling.macros import Macro
from devices.cycling.programs import CellLimits, Program
from devices.errors import ConfigError, Mistake, ProgramError
from devices.limits import Limits
from devices.samples import SampleRef
from labctl.config import programs
from labctl.config.check import kind_of, widest_cell
from labctl.config.documents import shown
from labctl.config.folder import Config
from labctl.config.models import BenchFile, Part, StationEntry
from labctl.config.naming import file_of
from labctl.language.mistakes import each_of
from labctl.language.report import report, stops

NO_SAMPLE = CellSize(0.15e-4, basis="no sample given")
"""The cell of a program that is checked without a sample: of the FLA paper's area, of unknown capacity."""


@dataclass(frozen=True)
class Told:
    """What was found of one program: its lines, and whether it would hit a limit."""

    lines: tuple[str, ...]
    stopped: bool


def tell_programs(
    files: Sequence[Path],
    *,
    config: Path | None = None,
    sample: str = "",
    area: float | None = None,
    bench: str = "",
) -> Iterator[Told]:
    """Yield what there is to say of each program or experiment among the files.

    sample: whose cell; an experiment's own, and for a program none, if empty: then a cell of this area [m2] and of
    unknown capacity. bench: whose potentiostats are asked. Raises ConfigError for a program that cannot be on that
    cell.
    """
    folder = Config(config)
    limits = folder.limits()
    asked = stations_of(folder.bench(bench), limits) if bench else {}
    checks = {name: station.check for name, station in asked.items()}
    chosen = folder.sample(sample) if sample else None
    widest = widest_cell(limits)
    for path in files:
        macro, own = _program(path, folder, widest)
        if macro is None:
            continue
        cell = _cell(chosen or own, area)
        program = program_on(macro, cell, shown(path))
        hit = stops(program, cell, limits.potentiostat, checks)
        # A driver has no remarks on what it cannot run, and may refuse to be asked.
        taking = {
            name: each for name, each in asked.items() if not any(said.startswith(name) for said in hit)
        }
        remarks = [f"{name}: {said}" for name, each in taking.items() for said in each.remarks(program)]
        yield Told(tuple(report(program, cell, hit, remarks)), bool(hit))


def find_program(typed: str, config: Path | None = None) -> Macro:
    """Return a program, or an experiment's, by its name in the configuration or from a file of any kind."""
    return find_program_and_cell(typed, "", config)[0]


def find_program_and_cell(typed: str, sample: str = "", config: Path | None = None) -> tuple[Macro, CellSize]:
    """Return a program as `find_program` does, and the cell it is for: the sample's, an experiment's own, none's."""
    folder = Config(config)
    path = file_of(typed, folder, ("program", "experiment"))
    macro, own = _program(path, folder, widest_cell(folder.limits()))
    if macro is None:
        raise ConfigError([Mistake(shown(path), "", "", "there is no program in it")])
    return macro, _cell(folder.sample(sample) if sample else own)


def size_of(sample: str, config: Path | None = None) -> CellSize:
    """Return the size of a sample's cell by its name in the configuration; NO_SAMPLE without one."""
    return _cell(Config(config).sample(sample) if sample else None)


def program_on(macro: Macro, cell: CellSize, file: str) -> Program:
    """Return the program of a macro on a cell; ConfigError tells why there is none."""
    try:
        return macro.on(cell)
    except ProgramError as error:
        hint = "give --sample, or no C-rates; " if cell.capacity is None and "capacity" in str(error) else ""
        raise ConfigError([Mistake(file, "", "", f"{hint}{said}") for said in each_of(error)]) from error
    except ValidationError as error:
        where = f"on a cell of {cell.area * 1e4:g} cm2"
        raise ConfigError([Mistake(file, "", "", f"{where}: {said}") for said in each_of(error)]) from error


@dataclass(frozen=True)
class Asked:
    """A potentiostat that nothing hangs on: good for what it refuses and remarks, and for no more."""

    station: Any
    driver: Any

    def check(self, program: Program) -> None:
        """Refuse what the station would. Raises LimitError, ProgramError."""
        self.station.check(program)

    def remarks(self, program: Program) -> Sequence[str]:
        """Return what the instrument would do otherwise than the program says."""
        said: Sequence[str] = self.driver.remarks(program)
        return said


def stations_of(bench: BenchFile, limits: Limits) -> dict[str, Asked]:
    """Return a bench's potentiostats, one of each kind, to be asked what they refuse: nothing is opened."""
    found: dict[str, Asked] = {}
    kinds = []
    for name, entry in bench.devices.items():
        if not isinstance(entry, StationEntry) or getattr(entry.station_class, "role", "") != "Potentiostat":
            continue
        alike = (entry.station_class, entry.parameters, [_make(part) for part in entry.parts.values()])
        if alike not in kinds:
            kinds.append(alike)
            found[name] = _unwired(name, entry, limits)
    return found


def _make(part: Part) -> tuple[type, dict[str, Any]]:
    """Return what a part is, but for the channel it is on."""
    parameters = {} if part.parameters is None else asdict(part.parameters)
    return part.driver_class, {key: value for key, value in parameters.items() if key != "channel"}


def _unwired(name: str, entry: StationEntry, limits: Limits) -> Asked:
    """Return a station whose wires lead nowhere, and that has no clock, no hands and no records."""
    # Brings ophyd along, half a second that a check without a bench need not pay.
    from devices.wire import Wire

    nowhere: Any = None
    drivers = {}
    for part, made in entry.parts.items():
        driver: Any = made.driver_class
        wire = Wire(nowhere, nowhere, name=name, lane=name, sync=driver.sync)
        parameters = {} if made.parameters is None else asdict(made.parameters)
        drivers[part] = driver(wire, nowhere, name=name, **parameters)
    kind: Any = entry.station_class
    station = kind(
        name=name,
        clock=nowhere,
        lane=name,
        instruments=drivers,
        parameters=entry.parameters,
        limits=limits.potentiostat,
        hands=nowhere,
    )
    return Asked(station, drivers["channels"])


def _program(path: Path, folder: Config, widest: CellLimits) -> tuple[Macro | None, SampleRef | None]:
    kind = kind_of(path)
    if kind == "program":
        return programs.program(path, widest), None
    if kind == "experiment":
        found = folder.experiment(path)
        return found.program, found.sample
    return None, None


def _cell(sample: SampleRef | None, area: float | None = None) -> CellSize:
    if sample is not None:
        return CellSize.of(sample)
    return NO_SAMPLE if area is None else CellSize(area)
