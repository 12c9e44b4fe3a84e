"""The furnace station: a temperature controller that is led along a recipe, a furnace or a rapid thermal annealer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ophyd.status import StatusBase

from devices.base import EVENT_COLUMNS, Instrument
from devices.clock import Clock, Poller
from devices.errors import InterlockError, LabError
from devices.flown.account import FlightLog
from devices.flown.station import FlownStation, tried
from devices.limits import FurnaceLimits
from devices.recipes import ROOM, FurnaceRecipe
from devices.roles.furnace import FurnaceJob
from devices.roles.hands import Hands, Heat
from devices.roles.lamp_parts import PermissiveBoard
from devices.samples import doubts_about
from devices.sputter.baking import FURNACE_COLUMNS, Baking, cooled
from devices.sputter.heating_check import check_heating
from devices.sputter.interlocks import HEAT, Permits
from devices.sputter.looks import CELSIUS
from devices.sputter.parameters import FurnaceParameters
from devices.sputter.parts import HeaterController

COLD = 50.0
"""K above room temperature up to which a furnace counts as cold enough to begin; guess."""


class FurnaceStation(FlownStation[FurnaceJob, Baking]):
    """A furnace as plans see it.

    Control: prepare(job), kickoff(), stop(), safe(), reset() by a person. A pause keeps it at its present temperature.
    Get: flight(), in segments; state.
    Measure: stream `primary`, temperatures as measured; `events`.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    role = "Furnace"
    parts = ("heater",)
    optional_parts = ("permissives",)
    needs_lease = True
    Parameters = FurnaceParameters

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
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments, hands=hands)
        self.parameters, self.limits = parameters, limits
        self._heater = cast(HeaterController, instruments["heater"])
        self._board = cast(PermissiveBoard | None, instruments.get("permissives"))
        self._permits = Permits(name)
        self._heater.guard = self._permits.only(HEAT)
        if self._board is not None:
            self._board.guard = self._permits.board
        primary = self.add_stream("primary", FURNACE_COLUMNS)
        self._log = FlightLog(clock, primary, self.add_stream("events", EVENT_COLUMNS))
        self._fault = ""

    def __repr__(self) -> str:
        why = f": {self._fault}; lab.{self.name}.reset()" if self._fault else ""
        warm = self.report()["reading"]["temperature"]
        said = "not asked since this session began" if warm is None else f"{warm - CELSIUS:.0f} degC"
        ramps = (
            f"heats at {self.parameters.heating:g} K/s, cools at {self.parameters.cooling:g} K/s at the most"
        )
        return "\n".join(
            (
                f"{self.name}: {self.read_state().upper()}{why}",
                f"  temperature  {said}",
                f"  furnace      up to {self.limits.temperature - CELSIUS:.0f} degC, {ramps}",
            )
        )

    def read_state(self) -> str:
        """Return the state's word."""
        return "fault" if self._fault else "heating" if self._flight is not None else "safe"

    def report(self) -> dict[str, Any]:
        """Return state, latched fault and the last temperature, from memory."""
        baking = self._flight
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
        check_heating(self.name, recipe, self.limits, self.parameters)

    def prepare(self, job: FurnaceJob) -> StatusBase:
        """Check the job, have the sample brought into a cold furnace: one that is hot from before cools first."""
        if self._flight is not None:
            raise LabError(f"{self.name} is in the middle of an anneal; stop it first")
        self._require_no_fault()
        self.check(job.recipe)

        def ready() -> None:
            self._job = job

        heat = Heat.of(job.recipe)
        return self._prepared(job.sample, ready, ask=doubts_about(job.sample), then=heat, before=self._cooled)

    def kickoff(self) -> StatusBase:
        """Begin the anneal that was prepared; the status finishes at once, that of complete() with it."""
        if self._flight is not None:
            raise LabError(f"{self.name} is already heating; an anneal is never started twice")
        job = self._taken("nothing was heated")
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
        return self._fly(job, baking)

    def pause(self) -> None:
        """Stay at the present temperature: what is hot cannot be held otherwise. The film's dose grows meanwhile."""
        super().pause()
        if self._flight is not None:
            self._log.tell("hold", "warning", "held at its present set point; the dose goes on")

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
                f"{self.name} is in FAULT ({self._fault}); look at it, then type lab.{self.name}.reset() or"
                f" `labctl reset {self.name}`. Nothing was done",
            )

    def _cooled(self) -> Poller:
        """Wait for a furnace that is too hot to begin with, its heater off."""
        temperature = self._heater.read_temperature()
        if temperature > ROOM + COLD:
            self._heater.off()
            said = f"{self.name} is at {temperature - CELSIUS:.0f} degC; it cools before the sample comes in"
            self._log.tell("cooling", "info", said)
            yield from cooled(self._heater, self.clock, self.parameters.row_period, lambda: None)

    def _require_cold(self) -> None:
        temperature = self._heater.read_temperature()
        if not temperature <= ROOM + COLD:
            raise InterlockError(
                "temperature",
                f"{self.name} is still at {temperature - CELSIUS:.0f} degC; recipes begin at room temperature",
            )

    def _rest(self, failure: str, unsafe: str) -> None:
        self._fault = unsafe or failure or self._fault

    def _made_safe(self) -> str:
        failures = tried(self.clock, [part.safe for part in (self._heater, self._board) if part is not None])
        return (
            f"{self.name} could not be made safe: {failures}. Switch the heater off by hand"
            if failures
            else ""
        )
