"""What is said of a flight: its events, and for more than information a line in the log."""

from __future__ import annotations

import logging

from devices.base import RowStream
from devices.clock import Clock
from devices.cycling.ends import EndReason

log = logging.getLogger(__name__)

OVER_DISCHARGED = (
    "; the cell has no lithium but what was charged, and that is back in its cathode or lost: charge it before it is"
    " discharged again. What was measured is kept"
)
"""What is said where a cell without an anode was discharged to its limit."""


class FlightEvents:
    """Events, in seconds since an instant [s] of the clock. anodeless: whether the cell has no anode of its own."""

    def __init__(self, stream: RowStream, clock: Clock, name: str, since: float, *, anodeless: bool) -> None:
        self._stream, self._clock, self._name, self._since = stream, clock, name, since
        self._anodeless = anodeless

    def say(self, code: str, severity: str, text: str) -> None:
        """Say something, with its code and how severe it is."""
        if self._anodeless and EndReason.SAFETY_VOLTAGE_MIN in text:
            text += OVER_DISCHARGED
        row = {"t": self._clock.now() - self._since, "code": code, "severity": severity, "text": text}
        self._stream.append(self._clock.time(), row)
        if severity != "info":
            log.warning("%s: %s: %s", self._name, code, text)
