"""What `labctl reproduce` does: the experiments behind a table run or found, its rows measured, told and drawn."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devices.errors import LabError
from labctl.analysis.cycles import capacities
from labctl.compare import compare, is_rate
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.how_many import how_many
from labctl.materials.kinds import Report
from labctl.materials.library import Library
from labctl.progress import Voice
from labctl.report.making import write
from labctl.report.text_page import text_page
from labctl.reproducing.from_library import CYCLES, Trial, trials
from labctl.reproducing.going import folder_of, run_all, runs_of, why_not
from labctl.reproducing.measuring import QUANTITIES, Seen, plateau
from labctl.reproducing.page import page_of
from labctl.reproducing.published import Published, PublishedRow, experiments_of, published
from labctl.reproducing.rows import PER_AREA, PER_VOLUME, SHARE, VOLTS, Row
from labctl.runs.run import Run

PAGE, TEXT = "reproduced.html", "reproduced.txt"


@dataclass
class Table:
    """A table with its experiments, their runs by experiment, and why some have none."""

    asked: Published
    data: Path
    library: Library
    experiments: list[Experiment]
    trials: list[Trial]
    runs: dict[str, tuple[Run, ...]] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)

    def seen(self, experiment: Experiment, row: PublishedRow | None = None) -> Seen | None:
        """Return what an experiment gave; None where it did not come to its end."""
        runs = self.runs.get(experiment.name, ())
        if experiment.sample is None or why_not(runs, experiment):
            return None
        found = Seen(runs, experiment.sample, self.data, self.library)
        return found if row is None else replace(found, voltage=row.voltage, utilisation=row.utilisation)


def reproduce(name: str, config: Path | None, data: Path, *, again: bool) -> list[Row]:
    """Reproduce a table in a data folder of its own below `data`, print it, write its page, and return its rows.

    Raises ConfigError, DataError, Stopped.
    """
    console, began = Voice(), time.process_time()
    folder = Config(config)
    asked = published(name, folder)
    table = table_of(asked, folder, folder_of(name, data, again=again))
    console.print(f"{asked.title}: {how_many(len(table.experiments), 'experiment')}, data in {table.data}")
    table.troubles = run_all(table.experiments, asked.bench, config, table.data, console)
    table.runs = {each.name: runs_of(table.data, each) for each in table.experiments}
    rows = list(rows_of(table))
    page = page_of(asked.title, rows, table.runs, table.data, time.process_time() - began)
    write(page, table.data / PAGE, text=False)
    write(page, table.data / TEXT, text=True)
    console.print(text_page(page), markup=False)
    console.print(f"page: {table.data / PAGE}")
    console.print(f"CPU time {time.process_time() - began:.1f} s")
    return rows


def table_of(asked: Published, config: Config, data: Path) -> Table:
    """Return a table with its experiments, nothing run yet. Raises ConfigError."""
    library = Library(config.directory)
    tried = [] if asked.library is None else list(trials(library, asked.library, config))
    return Table(
        asked,
        data,
        library,
        [*experiments_of(asked, config), *(each.experiment for each in tried if each.experiment)],
        tried,
    )


def rows_of(table: Table) -> Iterator[Row]:
    """Yield the rows: capacities that experiments compare, then those of the table, then of each material."""
    tried = {each.experiment.name for each in table.trials if each.experiment}
    for experiment in table.experiments:
        if experiment.name not in tried:
            yield from _compared(table, experiment)
    named = {each.name: each for each in table.experiments}
    for row in table.asked.row:
        yield _measured(table, named[row.run], row)
    for trial in table.trials:
        yield from _of_trial(table, trial)


def _compared(table: Table, experiment: Experiment) -> Iterator[Row]:
    if not experiment.compare:
        return
    seen, trouble = table.seen(experiment), table.troubles.get(experiment.name, "")
    found = (
        {}
        if seen is None
        else {each.current_density: each for each in compare(seen.of("cycle"), experiment.compare)}
    )
    for point in experiment.compare:
        row = found.get(point.current_density)
        yield Row(
            says=f"{experiment.name}: discharge at {point.current_density * 100.0:g} uA/cm2",
            unit=PER_AREA,
            low=point.discharge_capacity,
            high=point.discharge_capacity,
            twin=math.nan if row is None else row.measured,
            tolerance=table.asked.tolerance,
            source=point.source,
            run="" if seen is None else seen.last.uid,
            trouble=trouble,
        )


def _measured(table: Table, experiment: Experiment, row: PublishedRow) -> Row:
    quantity, seen = QUANTITIES[row.quantity], table.seen(experiment, row)
    value, trouble = math.nan, table.troubles.get(experiment.name, "")
    if seen is not None:
        try:
            value = quantity.read(seen)
        except LabError as error:
            trouble = str(error)
    used = f", {row.utilisation:.1%} used" if row.utilisation < 1.0 else ""
    low, high = _bounds(row.number("value"), row.number("low"), row.number("high"))
    return Row(
        f"{row.run}: {quantity.says}{used}", quantity.unit, low, high, value, row.tolerance, row.source,
        "" if seen is None else seen.last.uid, row.note, trouble,
    )  # fmt: skip


def _bounds(value: float | None, low: float | None, high: float | None) -> tuple[float, float]:
    if value is not None:
        return value, value
    if low is None and high is None:
        return math.nan, math.nan
    return -math.inf if low is None else low, math.inf if high is None else high


def _of_trial(table: Table, trial: Trial) -> Iterator[Row]:
    experiment = trial.experiment
    seen = None if experiment is None else table.seen(experiment)
    trouble = trial.trouble if experiment is None else table.troubles.get(experiment.name, "")
    if trial.entry.kind == "cathode":
        yield from _of_cathode(table, trial, seen, trouble)
        return
    efficiency = math.nan
    if seen is not None:
        cycles = seen.cycles()
        efficiency = float(cycles["discharge_capacity"][-1] / cycles["charge_capacity"][-1])
    yield Row(
        f"{trial.entry.kind} {trial.entry.name}: discharge over charge", SHARE, math.nan, math.nan, efficiency,
        table.asked.tolerance, "", "" if seen is None else seen.last.uid, "", trouble,
    )  # fmt: skip


def _of_cathode(table: Table, trial: Trial, seen: Seen | None, trouble: str) -> Iterator[Row]:
    says, uid = f"cathode {trial.entry.name}", "" if seen is None else seen.last.uid
    for report in trial.reports or (None,):
        printed = math.nan if report is None or report.capacity is None else report.capacity
        current = None if report is None else report.current
        given = math.nan if seen is None else _given(seen, current) / trial.thickness
        one_of_several = f" at {_rate(current)}" if current is not None and len(trial.reports) > 1 else ""
        yield Row(
            f"{says}: capacity{one_of_several}", PER_VOLUME, printed, printed, given, table.asked.tolerance,
            "" if report is None else report.source, uid, _how(trial, report), trouble,
        )  # fmt: skip
    if trial.plateau is None:
        return
    voltage = math.nan
    if seen is not None:
        try:
            voltage = plateau(seen.last)
        except LabError as error:
            trouble = str(error)
    # A number of few digits says no more than it says.
    tolerance = max(table.asked.plateau_tolerance, trial.half_digit / trial.plateau)
    yield Row(
        f"{says}: plateau", VOLTS, trial.plateau, trial.plateau, voltage, tolerance, trial.reports[0].source, uid,
        "", trouble,
    )  # fmt: skip


def _given(seen: Seen, current: float | None) -> float:
    """Return the last discharge [C/m2] at a current [A/m2]; at the first rate without one."""
    if current is None:
        return float(seen.cycles()["discharge_capacity"][CYCLES - 1]) * 3600.0 / seen.area
    table = seen.last.table()
    cycles = capacities(table["cycle"], table["current"], table["charge"])
    given = [each.discharge_capacity for each in cycles if is_rate(each, current * seen.area)]
    return given[-1] * 3600.0 / seen.area if given else math.nan


def _how(trial: Trial, report: Report | None) -> str:
    """Return how a cathode was run, in what cell its printed capacity was measured, and what its numbers say."""
    said = [f"twin {trial.thickness * 1e6:.3g} um"] if trial.thickness else []
    if report is not None:
        said += [f"at {_rate(report.current)}"] if report.current else []
        said += [f"printed of {report.cell}"] if report.cell else []
        if report.capacity is not None and report.capacity == trial.entry.value("capacity"):
            said.append("the twin's film is made with this number")
    return "; ".join(filter(None, (", ".join(said), "" if report is None else report.chk)))


def _rate(current: float) -> str:
    return f"{current * 100.0:.4g} uA/cm2"
