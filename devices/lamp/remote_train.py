"""A train on a tool that runs recipes by itself: started once, counted meanwhile, ended by the interlock loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

from devices.base import Column
from devices.clock import Clock, Poller
from devices.errors import InstrumentError, LabError, OutcomeUnknown
from devices.flown.underway import finish
from devices.instruments.remote_recipe import RemoteRecipe
from devices.lamp.arming import Arming
from devices.lamp.memory import LampTrain
from devices.lamp.permissives import judged, require, require_never_opened
from devices.lamp.records import Pulse, PulseLog
from devices.lamp.states import LampMachine, LampState
from devices.lamp.train import CHARGE_DEADLINE
from devices.recipes import AnnealRecipe
from devices.roles.lamp_parts import PermissiveBoard

LOOK = 0.2
"""Seconds between looks at the tool; a tenth of the dead-man's, and below any period of pulses."""
PATIENCE = 60.0
"""Seconds beyond its recipe's own length within which the tool must be idle again; guess."""

PULSE_COLUMNS: Mapping[str, Column] = {
    "pulse": Column("1", "integer", low=1),
    "elapsed": Column("s", part="tool"),
    "bank_voltage_before": Column("V", precision=1, low=0, part="tool"),
    "duration": Column("s"),
    "counter": Column("1", "integer", low=0, part="tool"),
    "flags": Column("1", "integer", low=0),
}
"""What the tool's table offers of a pulse: that it counted one. Its time is by the recipe's rate, its voltage asked."""


class Publishing(Protocol):
    """Whoever is told what the train does now."""

    def publish(self, *, lasting: bool = False) -> None:
        """Report it."""


class RemoteTrain(LampTrain):
    """One train. flashes_before, gates, unknown: as of a lamp's Fates, which it is itself."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        recipe: AnnealRecipe,
        tool: RemoteRecipe,
        board: PermissiveBoard,
        machine: LampMachine,
        arming: Arming,
        records: PulseLog,
        told: Publishing,
    ) -> None:
        length = recipe.pulse_count * recipe.period
        super().__init__(
            clock,
            clock.status(f"{name} charging", 2 * CHARGE_DEADLINE),
            clock.status(f"{name} train", 2 * length + 2 * CHARGE_DEADLINE + PATIENCE),
        )
        self.fates = self
        self._name, self.recipe, self._tool, self._board = name, recipe, tool, board
        self._machine, self._arming, self._log, self._told = machine, arming, records, told
        self._longest = length + PATIENCE
        self.flashes_before: int | None = None
        self.gates = max(1, len(recipe.micro_pulses))
        self.unknown = False
        self._armed = False

    def poller(self, done: Callable[[], None]) -> Poller:
        """Close the loop, load, arm, start once; count until the tool is idle again."""
        self._board.was_off()
        self.flashes_before = self._board.flashes()
        self._told.publish(lasting=True)
        with self._lock:
            if self._over:
                return
            self._arming.grant("close")
            self._board.enable()
            # The loop was open, which the tool keeps as a fault until it is aborted.
            self._tool.abort()
            old = self._tool.errors()
            if old:
                self._log.tell("tool_said", "info", f"before this train: {'; '.join(old)}")
            self._tool.load(self.recipe)
            self._arming.grant("charge")
            self._tool.arm()
            self._armed = True
        until = self._clock.now() + CHARGE_DEADLINE
        while self._tool.state() != "armed":
            self._alive()
            if self._clock.now() > until:
                raise InstrumentError(self._name, "slow", f"not charged after {CHARGE_DEADLINE:g} s")
            yield LOOK
        self._machine.go(LampState.ARMED)
        finish(self.started, None)
        self._alive()
        self._start()
        until = self._clock.now() + self._longest
        while (state := self._tool.state()) == "firing":
            self._alive()
            self._count()
            if self._clock.now() > until:
                raise InstrumentError(
                    self._name, "slow", "the train is longer than its recipe; it was aborted"
                )
            yield LOOK
        self._count()
        if state != "idle" or self._log.flight.done != self.recipe.pulse_count:
            raise InstrumentError(
                self._name,
                state,
                f"the tool ended after {self._log.flight.done} of {self.recipe.pulse_count} pulses",
            )
        self._board.safe()
        self._arming.end()
        self._machine.go(LampState.ARMED)
        self._machine.go(LampState.COOLING)
        if self.end():
            done()

    def settle(self) -> None:
        """Count what the tool gave, once more, after its end."""
        if not self._armed:
            return
        try:
            self._clock.call(self._count)
        except LabError as error:
            self.unknown = True
            self._log.tell("reply_lost", "alarm", f"how many pulses the tool gave is not known: {error}")

    def _start(self) -> None:
        """Send fire, once; where its acknowledgement is lost the tool's own count tells."""
        with self._lock:
            if self._over:
                return
            self._machine.require("fire")
            self._machine.go(LampState.FIRING)
            self._arming.grant("trigger")
            self._first = self._clock.time()
            try:
                self._tool.fire()
            except OutcomeUnknown as error:
                self._log.tell("reply_lost", "warning", f"whether the train was started: {error}")
                if self._tool.state() != "firing" and not self._tool.pulses_done():
                    raise

    def _count(self) -> None:
        """Append a row for every pulse that the tool has counted since the last look."""
        counted = self._tool.pulses_done()
        while (number := self._log.flight.done + 1) <= counted:
            elapsed = (number - 1) * self.recipe.period
            pulse = Pulse(number, self.recipe, elapsed, self.recipe.voltage, False, confirmed=True)
            self._log.count(pulse, None, math.nan, at=self._first + elapsed)
            self._told.publish()

    def _alive(self) -> None:
        """Feed the dead-man, if the plan still renews its lease and every permissive is there."""
        self._require_lease("the train was aborted")
        inputs = self._board.inputs()
        require(judged(inputs, None, None), "the train was aborted")
        require_never_opened(self._board.opened(), "the train was aborted")
        self._arming.grant("feed")
        self._board.alive()
        self._told.publish()
