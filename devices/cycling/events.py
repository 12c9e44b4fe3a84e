"""What is said of a flight: its events, and for more than information a line in the log."""

from __future__ import annotations

import logging
import math

from devices.base import RowStream
from devices.clock import Clock
from devices.cycling.cells import CellSize
from devices.cycling.ends import OWN_ENDS, EndReason
from devices.cycling.windows import emptied_below

log = logging.getLogger(__name__)

OVER_DISCHARGED = (
    "; the cell has no lithium but what was charged, and that is back in its cathode or lost: charge it before it is"
    " discharged again. What was measured is kept"
)
"""What is said where a cell without an anode was discharged to its limit, or below its window."""


class FlightEvents:
    """Events of a flight on a cell, in seconds since an instant [s] of the clock."""

    def __init__(self, stream: RowStream, clock: Clock, name: str, since: float, cell: CellSize) -> None:
        self._stream, self._clock, self._name, self._since = stream, clock, name, since
        self._anodeless, self._lowest = cell.anodeless, emptied_below(cell)

    def say(self, code: str, severity: str, text: str) -> None:
        """Say something, with its code and how severe it is."""
        if self._anodeless and EndReason.SAFETY_VOLTAGE_MIN in text:
            text += OVER_DISCHARGED
        row = {"t": self._clock.now() - self._since, "code": code, "severity": severity, "text": text}
        self._stream.append(self._clock.time(), row)
        if severity != "info":
            log.warning("%s: %s: %s", self._name, code, text)

    def step_closed(self, reason: EndReason, voltage: float | None) -> None:
        """Hear that a step ended by itself at a voltage [V], None where none was measured: say what that means, once.

        A limit or a fault says so itself.
        """
        if reason in OWN_ENDS and voltage is not None and voltage < self._lowest:
            self._lowest = -math.inf
            self.say("over_discharged", "warning", f"a step ended at {voltage:.4g} V{OVER_DISCHARGED}")
