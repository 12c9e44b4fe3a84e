"""How everything in a chamber is ended: the shutters first, then the power by a short ramp, then the gas."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

from devices.clock import Clock
from devices.errors import LabError
from devices.sputter.equipment import SUBSTRATE_SHUTTER, VENT_VALVE, Equipment
from devices.sputter.interlocks import Permits

T = TypeVar("T")

log = logging.getLogger(__name__)

RAMP = 3.0
"""Seconds in which the power goes to zero when a film is given up: a plate of 3 mm follows in one, its contact to the
cooling in seven [deposition twins]; well within the 12 s of the table of endings."""
STEPS = 6


def _nothing() -> None:
    """Do nothing: nobody counts what comes through the shutters."""


class Endings:
    """Ends what goes on, whatever fails on the way; `failures` says what did, in words.

    shut: called when the shutters were told to close, for whoever counts how long they were open. keep: writes down
    what came through them. It is done before a ramp, which a host may not survive, but never before power that must
    go at once; what it fails with is logged, and no failure to make the chamber safe.
    """

    def __init__(
        self,
        clock: Clock,
        equipment: Equipment,
        permits: Permits,
        shut: Callable[[], None] = _nothing,
        keep: Callable[[], None] = _nothing,
    ) -> None:
        self._clock, self._equipment, self._permits = clock, equipment, permits
        self._shut, self._keep = shut, keep
        self.failures: list[str] = []

    def shutters(self) -> None:
        """Close every shutter."""
        relays = self._equipment.relays
        try:
            closing = self._equipment.shutters
        except Exception:  # noqa: BLE001 - the substrate's shutter there always is
            closing = [SUBSTRATE_SHUTTER]
        for name in closing:
            self._do(f"{name} closed", partial(relays.switch, name, False))
        self._do("what came through counted", self._shut)

    def write_down(self) -> None:
        """Write down what came through the shutters; a disk that does not take it keeps nothing from its end."""
        try:
            self._clock.call(self._keep)
        except Exception as error:  # noqa: BLE001 - as _do
            log.error(
                "what came through the shutters could not be written down; the chamber is made safe all the same: %s",
                _in_words(error),
            )

    def ramped(self) -> Generator[float, None, None]:
        """Take the power of all sources to zero by a short ramp, then switch them off."""
        powered = self._equipment.powered
        on = {}
        for name, supply in powered.items():
            state = self._do(f"{name} asked", supply.state)
            if state is not None and state.on and state.in_control:
                on[name] = state.forward
        for step in range(1, STEPS + 1) if on else ():
            for name, forward in on.items():
                watts = float(int(forward * (1 - step / STEPS)))
                with self._permits.granting(f"power {name}"):
                    self._do(f"{name} ramped", partial(powered[name].set_power, watts))
            with self._permits.granting("board feed"):
                self._do("dead-man fed", self._equipment.board.alive)
            yield RAMP / STEPS
        self.cut()

    def cut(self) -> None:
        """Switch every source off, and take the dead-man out of the loop."""
        for name, supply in self._equipment.powered.items():
            self._do(f"{name} off", supply.safe)
        self._do("dead-man open", self._equipment.board.safe)

    def gas(self) -> None:
        """Close every gas, open the throttle, switch the heater off; keep pumping."""
        equipment = self._equipment
        self._do("gas closed", equipment.gas.safe)
        if equipment.heater is not None:
            self._do("heater off", equipment.heater.safe)
        if equipment.valve is not None:
            self._do("throttle open", equipment.valve.safe)

    def all(self, *, gently: bool) -> Generator[float, None, None]:
        """Do all of it in order; gently: with a ramp, which takes RAMP seconds."""
        self.shutters()
        if gently:
            self.write_down()
            yield from self.ramped()
        else:
            self.cut()
            self.write_down()
        self.gas()
        self._do("vent valve closed", self._close_vent_valve)

    def _close_vent_valve(self) -> None:
        relays = self._equipment.relays
        if VENT_VALVE in relays.names():
            relays.switch(VENT_VALVE, False)

    def _do(self, what: str, action: Callable[[], T]) -> T | None:
        """Do one thing; what fails must not keep the next from being done."""
        try:
            return self._clock.call(action)
        except Exception as error:  # noqa: BLE001 - as above
            self.failures.append(f"{what}: {_in_words(error)}")
            return None


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, LabError) else repr(error)
