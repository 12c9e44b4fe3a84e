"""The furnace station: a temperature controller that is led along a recipe, a furnace or a rapid thermal annealer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ophyd import Component
from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Instrument, Station
from devices.clock import Clock, Handle
from devices.errors import InterlockError, LabError, LimitError
from devices.lamp.preparation import Preparation
from devices.lamp.station import Words
from devices.limits import FurnaceLimits
from devices.recipes import ROOM, FurnaceRecipe
from devices.roles.flown import Flight
from devices.roles.furnace import FurnaceJob
from devices.roles.hands import Bring, Confirm, Hands
from devices.roles.lamp_parts import PermissiveBoard
from devices.samples import doubts_about
from devices.sputter.baking import FURNACE_COLUMNS, Baking, FurnaceLog
from devices.sputter.interlocks import Permits
from devices.sputter.looks import CELSIUS
from devices.sputter.parameters import FurnaceParameters
from devices.sputter.parts import HeaterController

COLD = 50.0
"""K above room temperature up to which a furnace counts as cold enough to begin; guess."""


class FurnaceStation(Station):
    """A furnace as plans see it.

    Control: prepare(job), kickoff(), stop(), safe(), reset() by a person.
    Get: flight(), state.
    Measure: stream `primary`, temperatures as measured; `events`.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    role = "Furnace"
    parts = ("heater",)
    optional_parts = ("permissives",)
    needs_lease = True
    Parameters = FurnaceParameters

    state = Component(Words, get="read_state", unit="1", kind="normal")

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: FurnaceParameters,
        limits: FurnaceLimits,
        hands: Hands,
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self.parameters, self.limits, self._hands = parameters, limits, hands
        self._heater = cast(HeaterController, instruments["heater"])
        self._board = cast(PermissiveBoard | None, instruments.get("permissives"))
        self._permits = Permits(name)
        if self._board is not None:
            self._board.guard = self._permits.board
        primary = self.add_stream("primary", FURNACE_COLUMNS)
        self._log = FurnaceLog(clock, primary, self.add_stream("events", EVENT_COLUMNS))
        self._fault = ""
        self._job: FurnaceJob | None = None
        self._baking: Baking | None = None
        self._flown: Baking | None = None
        self._running: Handle | None = None
        self._preparation: Preparation | None = None

    def read_state(self) -> str:
        """Return the state's word."""
        return "fault" if self._fault else "heating" if self._baking is not None else "safe"

    def report(self) -> dict[str, Any]:
        """Return state, latched fault and the last temperature, from memory."""
        baking = self._baking
        warm = None if baking is None or baking.temperature != baking.temperature else baking.temperature
        return {"state": self.read_state(), "latched": self._fault, "reading": {"temperature": warm}}

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Be in FAULT where the last session left one, or its host died while it heated: nobody led it since."""
        self._fault = str(report.get("latched", ""))
        if died and report.get("state") == "heating":
            self._fault = (
                "the host died in the middle of an anneal: how hot it was since then, nobody recorded"
            )
        if self._fault:
            self._made_safe()

    def check(self, recipe: FurnaceRecipe) -> None:
        """Raise LimitError when furnace or lab do not allow the recipe; nothing is sent."""
        before = ROOM
        for number, segment in enumerate(recipe.segments):
            where = f"{self.name}.segments.{number}"
            highest = self.limits.temperature
            if not segment.temperature <= highest:
                why = f"{where}.temperature (limits.toml, furnace)"
                raise LimitError(why, segment.temperature, "K", 0, highest)
            fastest = self.parameters.heating if segment.temperature >= before else self.parameters.cooling
            if not segment.ramp <= fastest:
                raise LimitError(
                    f"{where}.ramp (bench file: it goes no faster)", segment.ramp, "K/s", 0, fastest
                )
            before = segment.temperature

    def prepare(self, job: FurnaceJob) -> StatusBase:
        """Check the job, have the sample brought into a cold furnace."""
        if self._baking is not None:
            raise LabError(f"{self.name} is in the middle of an anneal; stop it first")
        self._require_no_fault()
        self.check(job.recipe)
        if self._preparation is not None:
            self._preparation.call_off()
        preparation = self._preparation = Preparation(self.name, self.clock, self.lane, self._hands)
        tasks: list[Bring | Confirm] = [Bring(job.sample, self.name)]
        doubts = doubts_about(job.sample)
        if doubts:
            tasks.insert(0, Confirm(job.sample, self.name, doubts))

        def ready() -> None:
            self._job = job

        preparation.run(None, 0.0, self._require_cold, tasks, ready)
        return preparation.status

    def kickoff(self) -> StatusBase:
        """Begin the anneal that was prepared; the status finishes at once, that of complete() with it."""
        if self._baking is not None:
            raise LabError(f"{self.name} is already heating; an anneal is never started twice")
        job, self._job = self._job, None
        if job is None:
            raise LabError(f"{self.name} was not prepared; nothing was heated")
        self._require_no_fault()
        self.clock.call(self._require_cold)
        self.before_arming()
        self._log.begin(len(job.recipe.segments))
        baking = Baking(
            self.name,
            job.recipe,
            self._heater,
            self._board,
            self.clock,
            self._log,
            self.limits,
            self._permits,
            self.parameters.row_period,
        )
        self._baking = self._flown = baking

        def failed(error: Exception) -> None:
            if not baking.is_over:
                self._end(f"{type(error).__name__}: {error}", error)

        self._running = self.clock.spawn(self.lane, baking.poller(lambda: self._completed(baking)), failed)
        self.publish(lasting=True)
        return baking.started

    def complete(self) -> StatusBase:
        """Return the status that finishes with the anneal."""
        if self._flown is None:
            raise LabError(f"{self.name} was not kicked off")
        return self._flown.finished

    def renew_lease(self) -> None:
        """Let the anneal go on while its plan lives."""
        if self._baking is not None:
            self._baking.renew_lease()

    def hold_lease(self) -> None:
        """Let the anneal stay held while its plan is."""
        if self._baking is not None:
            self._baking.hold_lease()

    def pause(self) -> None:
        """Stay at the present temperature: what is hot cannot be held otherwise. The film's dose grows meanwhile."""
        if self._baking is not None:
            self._baking.hold(True)
            self._log.tell("hold", "warning", "held at its present set point; the dose goes on")

    def resume(self) -> None:
        """Go on along the profile as soon as a live plan renews the lease."""
        if self._baking is not None:
            self._baking.hold(False)

    def flight(self) -> Flight:
        """Return how many segments were asked and done."""
        return self._log.flight

    def stop(self, *, success: bool = False) -> None:
        """End the anneal: the heater is off, the furnace cools by itself."""
        self._end("stopped")

    def safe(self) -> None:
        """Switch the heater off. Raises LabError naming what did not obey."""
        self._end("made safe")

    def close(self) -> None:
        """Make it safe: nobody would lead it."""
        self._end("closed")

    def reset(self) -> None:
        """Leave FAULT, by a person's command."""
        unsafe = self._made_safe()
        if unsafe:
            raise LabError(unsafe)
        if self._board is not None:
            with self._permits.granting("board forget"):
                self.clock.call(self._board.reset)
        self._fault = ""
        self.publish(lasting=True)

    def _require_no_fault(self) -> None:
        if self._fault:
            raise InterlockError(
                "state",
                f"{self.name} is in FAULT ({self._fault}); look at it, then type lab.{self.name}.reset(). Nothing was"
                " done",
            )

    def _require_cold(self) -> None:
        temperature = self._heater.read_temperature()
        if not temperature <= ROOM + COLD:
            raise InterlockError(
                "temperature",
                f"{self.name} is still at {temperature - CELSIUS:.0f} degC; recipes begin at room temperature",
            )

    def _completed(self, baking: Baking) -> None:
        try:
            self._baking = None
            self._log.conclude("completed")
            self.publish(lasting=True)
        finally:
            baking.finish(None)

    def _end(self, reason: str, error: Exception | None = None) -> None:
        if self._preparation is not None:
            self._preparation.call_off()
        self._job = None
        baking, self._baking = self._baking, None
        going = baking is not None and baking.end()
        if self._running is not None:
            self._running.cancel()
        unsafe = self._made_safe()
        if error is not None or unsafe:
            self._fault = unsafe or reason
        if baking is not None and going:
            self._log.conclude(reason)
            self._log.tell(
                "stopped" if error is None else "fault", "alarm" if error else "warning", unsafe or reason
            )
            baking.finish(error)
        self.publish(lasting=True)
        if unsafe and error is None:
            raise LabError(unsafe)

    def _made_safe(self) -> str:
        failures = []
        for part in (self._heater, self._board):
            if part is not None:
                try:
                    self.clock.call(part.safe)
                except Exception as error:  # noqa: BLE001 - whatever fails, the next one is made safe all the same
                    failures.append(str(error) if isinstance(error, LabError) else repr(error))
        if not failures:
            return ""
        return f"{self.name} could not be made safe: {'; '.join(failures)}. Switch the heater off by hand"
