"""The multiplexer station: relay matrices between a sheet of cells and one meter on each of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ophyd import Component
from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Instrument, Station
from devices.clock import Clock, Handle
from devices.errors import InterlockError, LabError, LimitError
from devices.lamp.preparation import Preparation
from devices.lamp.station import Words
from devices.limits import ChannelLimits
from devices.roles.flown import Flight
from devices.roles.hands import Bring, Hands
from devices.roles.multiplexer import RelayMatrix, SheetJob, SiteMeter
from devices.samples import SampleRef
from devices.sheet.mapping import POINT_COLUMNS, SITE_COLUMNS, MapLog, SheetMap, Site, map_duration, sites_of
from devices.sheet.recipe import SheetRecipe

MATRICES = ("matrix", "matrix_2", "matrix_3", "matrix_4")
METERS = ("meter", "meter_2", "meter_3", "meter_4")


class MultiplexerStation(Station):
    """A multiplexer as plans see it.

    Control: prepare(job), kickoff(), stop(), pause between two cells, safe().
    Get: flight(), state, duration() of a map.
    Measure: streams `primary`, one row a cell; `impedance`, one row a cell and frequency; `events`.
    Set: nothing apart from a job; the recipe holds all.
    """

    role = "Multiplexer"
    parts = ("matrix", "meter")
    optional_parts = (*MATRICES[1:], *METERS[1:])

    state = Component(Words, get="read_state", unit="1", kind="normal")

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
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self.limits, self._hands = limits, hands
        self._matrices = [cast(RelayMatrix, instruments[part]) for part in MATRICES if part in instruments]
        self._meters = [cast(SiteMeter, instruments[part]) for part in METERS if part in instruments]
        primary = self.add_stream("primary", SITE_COLUMNS)
        points = self.add_stream("impedance", POINT_COLUMNS)
        self._log = MapLog(clock, primary, points, self.add_stream("events", EVENT_COLUMNS))
        self._job: SheetJob | None = None
        self._map: SheetMap | None = None
        self._flown: SheetMap | None = None
        self._running: Handle | None = None
        self._preparation: Preparation | None = None

    def read_state(self) -> str:
        """Return the state's word."""
        return "mapping" if self._map is not None else "safe"

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
        if self._map is not None:
            raise InterlockError(f"{self.name} idle", "a map is under way; stop it first, nothing was sent")
        self.check(job.sample, job.recipe)
        if self._preparation is not None:
            self._preparation.call_off()
        preparation = self._preparation = Preparation(self.name, self.clock, self.lane, self._hands)

        def ready() -> None:
            for meter in self._meters_used:
                meter.prepare(job.recipe.frequencies, job.recipe.amplitude)
            self._job = job

        preparation.run(None, 0.0, self._open_all, [Bring(job.sample, self.name)], ready)
        return preparation.status

    def kickoff(self) -> StatusBase:
        """Begin the map that was prepared; the status finishes at once, that of complete() with it."""
        if self._map is not None:
            raise InterlockError(f"{self.name} idle", "a map is under way already")
        job, self._job = self._job, None
        if job is None:
            raise LabError(f"{self.name} was not prepared; nothing was measured")
        sites = self._sites(job.sample)
        self._log.begin(len(sites))
        going = SheetMap(
            self.name, sites, job.recipe, self._matrices, self._meters_used, self.clock, self._log
        )
        self._map = self._flown = going

        def failed(error: Exception) -> None:
            if not going.is_over:
                self._end(f"{type(error).__name__}: {error}", error)

        self._running = self.clock.spawn(self.lane, going.poller(lambda: self._completed(going)), failed)
        self.publish(lasting=True)
        return going.started

    def complete(self) -> StatusBase:
        """Return the status that finishes with the map."""
        if self._flown is None:
            raise LabError(f"{self.name} was not kicked off")
        return self._flown.finished

    def renew_lease(self) -> None:
        """Do nothing: what is under way does no harm without a plan."""

    def pause(self) -> None:
        """Stay before the next cells."""
        if self._map is not None:
            self._map.held = True

    def resume(self) -> None:
        """Go on with the next cells."""
        if self._map is not None:
            self._map.held = False

    def flight(self) -> Flight:
        """Return how many cells were asked and looked at; one that is missing was looked at."""
        return self._log.flight

    def stop(self, *, success: bool = False) -> None:
        """End the map: all relays open."""
        self._end("stopped")

    def safe(self) -> None:
        """Open all relays, let the meters float. Raises LabError naming what did not obey."""
        self._end("made safe")

    def close(self) -> None:
        """End a map: nobody would take its rows."""
        self._end("closed")

    def _completed(self, going: SheetMap) -> None:
        self._map = None
        self._log.conclude("completed")
        self.publish(lasting=True)
        going.finish(None)

    def _end(self, reason: str, error: Exception | None = None) -> None:
        if self._preparation is not None:
            self._preparation.call_off()
        self._job = None
        going, self._map = self._map, None
        was_going = going is not None and going.end()
        if self._running is not None:
            self._running.cancel()
        unsafe = self._made_safe()
        if going is not None and was_going:
            self._log.conclude(reason)
            self._log.tell("stopped" if error is None else "fault", "warning", unsafe or reason)
            going.finish(error)
        self.publish(lasting=True)
        if unsafe and error is None:
            raise LabError(unsafe)

    def _open_all(self) -> None:
        for matrix in self._matrices:
            matrix.open_all()

    def _made_safe(self) -> str:
        failures = []
        for safe in (*(each.safe for each in self._matrices), *(each.safe for each in self._meters)):
            try:
                self.clock.call(safe)
            except Exception as error:  # noqa: BLE001 - whatever fails, the next one is made safe all the same
                failures.append(str(error) if isinstance(error, LabError) else repr(error))
        return f"{self.name} could not be made safe: {'; '.join(failures)}" if failures else ""
