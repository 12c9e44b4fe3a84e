"""The multiplexer station: relay matrices between a sheet of cells and one meter on each of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Instrument
from devices.clock import Clock
from devices.errors import InterlockError, LimitError
from devices.flown.account import FlightLog
from devices.flown.station import FlownStation, tried
from devices.limits import ChannelLimits
from devices.roles.hands import Hands
from devices.roles.multiplexer import RelayMatrix, SheetJob, SiteMeter
from devices.samples import SampleRef
from devices.sheet.mapping import POINT_COLUMNS, SITE_COLUMNS, SheetMap, Site, map_duration, sites_of
from devices.sheet.recipe import SheetRecipe

MATRICES = ("matrix", "matrix_2", "matrix_3", "matrix_4")
METERS = ("meter", "meter_2", "meter_3", "meter_4")


class MultiplexerStation(FlownStation[SheetJob, SheetMap]):
    """A multiplexer as plans see it.

    Control: prepare(job), kickoff(), stop(), pause between two cells, safe().
    Get: flight(), in cells looked at, missing ones too; state, duration() of a map.
    Measure: streams `primary`, one row a cell; `impedance`, one row a cell and frequency; `events`.
    Set: nothing apart from a job; the recipe holds all.
    """

    role = "Multiplexer"
    parts = ("matrix", "meter")
    optional_parts = (*MATRICES[1:], *METERS[1:])

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        limits: ChannelLimits,
        hands: Hands,
        parameters: None = None,
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments, hands=hands)
        self.limits = limits
        self._matrices = [cast(RelayMatrix, instruments[part]) for part in MATRICES if part in instruments]
        self._meters = [cast(SiteMeter, instruments[part]) for part in METERS if part in instruments]
        primary = self.add_stream("primary", SITE_COLUMNS)
        self._points = self.add_stream("impedance", POINT_COLUMNS)
        self._log = FlightLog(clock, primary, self.add_stream("events", EVENT_COLUMNS))

    def read_state(self) -> str:
        """Return the state's word."""
        return "mapping" if self._flight is not None else "safe"

    def report(self) -> dict[str, Any]:
        """Return state and how far a map is, from memory."""
        flight = self._log.flight
        return {"state": self.read_state(), "reading": {"asked": flight.asked, "done": flight.done}}

    def check(self, sample: SampleRef, recipe: SheetRecipe) -> None:
        """Raise LimitError or InterlockError when the station or the lab do not allow a map; nothing is sent."""
        if sample.sheet is None:
            raise InterlockError("sample", f"{sample.id} is no sheet: it says no rows and columns")
        lines = sum(matrix.columns for matrix in self._matrices)
        if sample.sheet.count > lines:
            raise LimitError(f"{self.name}: cells of {sample.id}", sample.sheet.count, "1", 1, lines)
        pulse = recipe.formation
        if pulse is not None and not pulse.voltage <= self.limits.voltage_max:
            where = f"{self.name}.formation.voltage (limits.toml, potentiostat)"
            raise LimitError(where, pulse.voltage, "V", 0.0, self.limits.voltage_max)

    def duration(self, sample: SampleRef, recipe: SheetRecipe) -> float:
        """Return how long [s] the map of a sheet takes."""
        return map_duration(
            self._sites(sample),
            recipe,
            len(self._meters_used),
            min(each.together for each in self._matrices),
            max(each.settling for each in self._matrices),
            self._meters[0].sweep_time(recipe.frequencies),
        )

    @property
    def _meters_used(self) -> Sequence[SiteMeter]:
        return self._meters[: min(each.rows for each in self._matrices)]

    def _sites(self, sample: SampleRef) -> list[Site]:
        assert sample.sheet is not None
        return sites_of(sample.sheet, [matrix.columns for matrix in self._matrices])

    def prepare(self, job: SheetJob) -> StatusBase:
        """Check the job, have the sheet brought under the probes, set the meters; all relays are open."""
        if self._flight is not None:
            raise InterlockError(f"{self.name} idle", "a map is under way; stop it first, nothing was sent")
        self.check(job.sample, job.recipe)

        def ready() -> None:
            for meter in self._meters_used:
                meter.prepare(job.recipe.frequencies, job.recipe.amplitude)
            self._job = job

        return self._prepared(job.sample, ready, before=self._open_all)

    def kickoff(self) -> StatusBase:
        """Begin the map that was prepared; the status finishes at once, that of complete() with it."""
        if self._flight is not None:
            raise InterlockError(f"{self.name} idle", "a map is under way already")
        job = self._taken("nothing was measured")
        sites = self._sites(job.sample)
        self._log.begin(len(sites))
        going = SheetMap(
            self.name,
            sites,
            job.recipe,
            self._matrices,
            self._meters_used,
            self.clock,
            self._log,
            self._points,
        )
        return self._fly(job, going)

    def _tell_end(self, reason: str, failure: str, unsafe: str) -> None:
        self._log.tell("fault" if failure else "stopped", "warning", unsafe or reason)

    def _open_all(self) -> None:
        for matrix in self._matrices:
            matrix.open_all()

    def _made_safe(self) -> str:
        safe = (*(each.safe for each in self._matrices), *(each.safe for each in self._meters))
        failures = tried(self.clock, safe)
        return f"{self.name} could not be made safe: {failures}" if failures else ""
