"""A station of one instrument: whatever is read for its own sake, beside what an experiment works with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.base import Instrument, Station
from devices.clock import Clock


class SingleInstrument(Station):
    """One instrument that stands by itself: a glovebox, a thermometer, a scale.

    Control: safe(), which is the instrument's own.
    Get, Measure, Set: the quantities of `instrument`; every run reads them beside its own.
    """

    role = "Instrument"
    parts = ("instrument",)

    def __init__(
        self, *, name: str, clock: Clock, lane: str, instruments: Mapping[str, Instrument], **_: Any
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)

    def safe(self) -> None:
        """Bring the instrument to its safe state."""
        self.clock.call(self.instruments["instrument"].safe)

    def close(self) -> None:
        """Leave the instrument as it is: nothing here was switched on by a session."""
