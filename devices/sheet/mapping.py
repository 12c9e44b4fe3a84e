"""One map of a sheet on its way: cells formed in groups, then measured, as many at once as there are meters."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from devices.base import Column, RowStream
from devices.clock import Clock, Poller
from devices.flown.account import FlightLog
from devices.flown.underway import Underway, finish
from devices.roles.multiplexer import Crosspoint, RelayMatrix, SiteMeter
from devices.samples import CellGrid
from devices.sheet.recipe import FormationPulse, SheetRecipe

EXCHANGE = 0.01
"""Seconds that a question takes, beyond what is measured; guess: a LAN."""
LONGEST = 1e7
"""Seconds that a map may take."""
HELD = 1.0
"""Seconds between looks whether a map that is held may go on."""
SAID = 20
"""Missing cells that an event names one by one."""


class SiteFlag(enum.IntFlag):
    """What a row may have to say about itself."""

    OK = 0
    MISSING = 1  # nothing is connected: no voltage and no impedance
    NO_VOLTAGE = 2  # nothing holds a voltage, but something is there
    INCOMPLETE = 4  # some frequencies were not measured


SITE_COLUMNS: Mapping[str, Column] = {
    "site": Column("1", "integer", low=1),
    "row": Column("1", "integer", low=1),
    "column": Column("1", "integer", low=1),
    "group": Column("1", "integer", low=0),
    "elapsed": Column("s"),
    "rested": Column("s"),
    "voltage": Column("V"),
    "flags": Column("1", "integer", low=0),
}
"""group: of cells that were formed together behind one source, from 1; 0 without a formation pulse. rested: seconds
since that pulse, NaN without one. Sites are numbered along the rows, from 1."""

POINT_COLUMNS: Mapping[str, Column] = {
    "site": Column("1", "integer", low=1),
    "frequency": Column("Hz"),
    "z_real": Column("ohm"),
    "z_imag": Column("ohm"),
}


@dataclass(frozen=True)
class Site:
    """A cell: its number along the rows, its row and column, all from 1, and where it hangs: matrix and column."""

    number: int
    row: int
    column: int
    matrix: int
    line: int


def sites_of(grid: CellGrid, columns: Sequence[int]) -> list[Site]:
    """Return the cells of a sheet on matrices of so many columns each, which are filled one after the other."""
    places = [(matrix, line) for matrix, count in enumerate(columns) for line in range(count)]
    return [
        Site(number, (number - 1) // grid.columns + 1, (number - 1) % grid.columns + 1, *places[number - 1])
        for number in range(1, grid.count + 1)
    ]


def groups_of(sites: Sequence[Site], size: int) -> Iterator[list[Site]]:
    """Yield sites in groups of at most so many, each on one matrix, where they differ by one cell at most.

    What many cells behind one source get of it depends on how many they are.
    """
    for _, several in groupby(sites, key=lambda site: site.matrix):
        there = list(several)
        count = math.ceil(len(there) / size)
        for number in range(count):
            yield there[number * len(there) // count : (number + 1) * len(there) // count]


def map_duration(
    sites: Sequence[Site], recipe: SheetRecipe, meters: int, together: int, relays: float, sweep: float
) -> float:
    """Return how long [s] a map takes; relays [s] settle, sweep [s] of one meter."""
    batches = sum(1 for _ in groups_of(sites, meters))
    each = relays + recipe.settle + (1 + 3 * meters) * EXCHANGE + sweep
    pulse = recipe.formation
    if pulse is None:
        return batches * each
    groups = sum(1 for _ in groups_of(sites, together))
    formed = groups * (relays + 2 * EXCHANGE + pulse.duration)
    return formed + pulse.rest + batches * each


class SheetMap(Underway):
    """One map. It has a lease that nobody looks at: what it does does no harm without a plan."""

    def __init__(
        self,
        name: str,
        sites: Sequence[Site],
        recipe: SheetRecipe,
        matrices: Sequence[RelayMatrix],
        meters: Sequence[SiteMeter],
        clock: Clock,
        log: FlightLog,
        points: RowStream,
    ) -> None:
        super().__init__(clock, clock.status(f"{name} start", LONGEST), clock.status(f"{name} map", LONGEST))
        self._sites, self._recipe = sites, recipe
        self._matrices, self._meters = matrices, meters
        self._log, self._points = log, points
        self._on: RelayMatrix | None = None
        self._formed: dict[int, float] = {}
        self._group: dict[int, int] = {}
        self._missing: list[Site] = []
        self._relays = max(each.settling for each in matrices)

    def poller(self, done: Callable[[], None]) -> Poller:
        """Form, wait, measure; `done` is called when all was done and nobody ended it."""
        finish(self.started, None)
        pulse = self._recipe.formation
        if pulse is not None:
            yield from self._form(pulse)
        for group in groups_of(self._sites, len(self._meters)):
            while self.paused and not self._over:
                yield HELD
            if self._over:
                return
            yield from self._measure(group)
        if self.end():
            self._disconnect()
            self._say_what_is_missing()
            done()

    def _form(self, pulse: FormationPulse) -> Poller:
        """Hold groups of cells at the pulse's voltage, then wait until a leak would show."""
        source = self._meters[0]
        for number, group in enumerate(
            groups_of(self._sites, min(each.together for each in self._matrices)), 1
        ):
            while self.paused and not self._over:
                yield HELD
            if self._over:
                return
            source.float_free()
            self._connect(group, rows=1)
            yield self._relays
            source.hold(pulse.voltage)
            yield pulse.duration + 2 * EXCHANGE
            if self._over:
                return
            # First open, then let go: without a bias the meter would discharge what hangs on it.
            self._disconnect()
            source.float_free()
            self._formed |= dict.fromkeys((site.number for site in group), self._clock.now())
            self._group |= dict.fromkeys((site.number for site in group), number)
        self._log.tell(
            "formed", "info", f"{len(self._sites)} cells were held at {pulse.voltage:g} V; they rest"
        )
        yield pulse.rest

    def _measure(self, group: Sequence[Site]) -> Poller:
        used = self._meters[: len(group)]
        self._connect(group, rows=len(used))
        yield self._relays + self._recipe.settle
        if self._over:
            return
        voltages = [meter.open_circuit() for meter in used]
        looked = self._clock.now()
        for meter, voltage in zip(used, voltages, strict=True):
            meter.begin(0.0 if math.isnan(voltage) else max(voltage, 0.0))
        yield used[0].sweep_time(self._recipe.frequencies) + (1 + 3 * len(self._meters)) * EXCHANGE
        if self._over:
            return
        for site, meter, voltage in zip(group, used, voltages, strict=True):
            self._keep(site, looked, voltage, meter.take())
        self._log.reached(self._log.flight.done + len(group))

    def _keep(self, site: Site, looked: float, voltage: float, values: Sequence[float]) -> None:
        """Write a cell's rows, what is missing of it with what is not."""
        known = [math.isfinite(value) for value in values]
        flags = SiteFlag.OK
        if not any(known):
            flags |= SiteFlag.MISSING
            self._missing.append(site)
        else:
            flags |= SiteFlag.NO_VOLTAGE if math.isnan(voltage) else 0
            flags |= SiteFlag.INCOMPLETE if not all(known) else 0
        label = self._clock.time()
        self._log.row(
            {
                "site": site.number,
                "row": site.row,
                "column": site.column,
                "group": self._group.get(site.number, 0),
                "elapsed": looked - self._log.began,
                "rested": looked - self._formed.get(site.number, math.nan),
                "voltage": voltage,
                "flags": int(flags),
            },
            at=label,
        )
        if flags & SiteFlag.MISSING:
            return
        for frequency, real, imaginary in zip(
            self._recipe.frequencies, values[0::2], values[1::2], strict=True
        ):
            point = {"site": site.number, "frequency": frequency, "z_real": real, "z_imag": imaginary}
            self._points.append(label, point)

    def _connect(self, group: Sequence[Site], *, rows: int) -> None:
        """Connect the cells of a group, each to a row of its own, or all to the first."""
        matrix = self._matrices[group[0].matrix]
        if self._on is not None and self._on is not matrix:
            self._on.open_all()
        self._on = matrix
        matrix.connect([Crosspoint(at % rows, site.line) for at, site in enumerate(group)])

    def _disconnect(self) -> None:
        if self._on is not None:
            self._on.open_all()

    def _say_what_is_missing(self) -> None:
        if not self._missing:
            return
        named = ", ".join(f"row {site.row} column {site.column}" for site in self._missing[:SAID])
        more = f" and {len(self._missing) - SAID} more" if len(self._missing) > SAID else ""
        self._log.tell(
            "missing",
            "warning",
            f"{len(self._missing)} of {len(self._sites)} cells were not there or not in contact: {named}{more};"
            " all others were measured",
        )
