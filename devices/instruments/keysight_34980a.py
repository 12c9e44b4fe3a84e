"""Keysight (Agilent) 34980A switch mainframe with 34934A matrix modules: any of four rows on any of many columns.

Control: connect exactly these crosspoints, after all others were opened; open all.
Get:     identity, the module in each slot, which crosspoints are closed, error queue.
Measure: nothing; its own multimeter is not used.
Set:     slots: where the modules are, in the order of their columns.

Each module is configured as one matrix of 4 rows and 128 columns by its terminal block, so row R and column C of the
module in slot s are channel s000 + 100 (2 R - 1) + C. Reed relays that do not latch: they fall open without power, and
stay as they are when the host is lost. Safe is: all open. Up to 200 ohm of row protection stand in a path that crosses
banks unless they are bypassed; over cells of kilohms that is seen as electrolyte, and calibrated away on a short.

Every command is one line that ends with SYST:ERR?, so its reply acknowledges all of it.

Sources: 34934A User's Guide (configurations, channel numbers), 34980A command reference (ROUTe:CLOSe, ROUTe:OPEN,
ROUTe:CLOSe?, the forty coils a slot can drive). Not yet seen on hardware: everything; above all the form ROUT:OPEN:ALL
ALL, the words of SYST:CTYP? for the module, and that two replies on one line are joined by a semicolon, as SCPI says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError
from devices.quantities import STRICT
from devices.roles.multiplexer import Crosspoint
from devices.wire import Sync, Terminated, Wire

LINE = Terminated(b"\n")
MODEL = "34980A"
MODULE = "34934A"
ROWS, COLUMNS = 4, 128
COILS = 40
"""Relays of one slot that may be closed at a time [34980A command reference]; one for each crosspoint."""
RELAY_TIME = 2e-3
"""Seconds within which reed relays have opened or closed; guess, above the 0.5 ms of such relays."""

_ERROR = re.compile(r'([+-]?\d+),\s*"([^"]*)"')


class Keysight34980A(Instrument):
    """A mainframe of matrix modules."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """slots: where 34934A modules are, in the order of their columns."""

        slots: Annotated[tuple[Annotated[int, Field(ge=1, le=8)], ...], Field(min_length=1, max_length=8)] = (
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
        )

    kind_name = "Keysight 34980A"
    transport = "socket"
    sync: ClassVar[Sync | None] = Sync(b"*IDN?\n", LINE, lambda reply: MODEL.encode() in reply)
    rows = ROWS
    together = COILS
    settling = RELAY_TIME

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        slots: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8),
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self._slots = tuple(slots)

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return COLUMNS * len(self._slots)

    def identify(self) -> str:
        """Return who it is. Raises InstrumentError for another model, or a slot without its module."""
        identity = self._ask("*IDN?")
        if MODEL not in identity:
            raise InstrumentError(self.name, "model", f"{identity} is not a {MODEL}; correct the bench file")
        for slot in self._slots:
            card = self._ask(f":SYST:CTYP? {slot}")
            if MODULE not in card:
                raise InstrumentError(
                    self.name, f"slot {slot}", f"{card} is not a {MODULE}; correct the bench file"
                )
        return identity

    def connect(self, points: Sequence[Crosspoint]) -> None:
        """Open all relays, then close exactly these. Raises LimitError, InstrumentError when one did not close."""
        if not points:
            self.open_all()
            return
        listed = f"(@{','.join(str(self._channel(point)) for point in points)})"
        request = f":ROUT:OPEN:ALL ALL;:ROUT:CLOS {listed};:ROUT:CLOS? {listed};:SYST:ERR?"
        states, _, error = self._ask(request).partition(";")
        self._settled(error)
        if states.split(",") != ["1"] * len(points):
            raise InstrumentError(self.name, "relays", f"of {listed} it says {states}; look at the module")

    def open_all(self) -> None:
        """Open all relays. Raises InstrumentError."""
        self._settled(self._ask(":ROUT:OPEN:ALL ALL;:SYST:ERR?"))

    def safe(self) -> None:
        """Open all relays; may be sent twice."""
        self.open_all()

    def _channel(self, point: Crosspoint) -> int:
        if not 0 <= point.row < ROWS:
            raise LimitError(f"{self.name} row", point.row, "1", 0, ROWS - 1)
        if not 0 <= point.column < self.columns:
            raise LimitError(f"{self.name} column", point.column, "1", 0, self.columns - 1)
        slot = self._slots[point.column // COLUMNS]
        return 1000 * slot + 100 * (2 * (point.row + 1) - 1) + point.column % COLUMNS + 1

    def _ask(self, request: str) -> str:
        return self.wire.ask(request.encode() + b"\n", LINE, _text, repeat=True)

    def _settled(self, reply: str) -> None:
        found = _ERROR.fullmatch(reply)
        if found is None:
            raise Garbled(f"{self.name}: {reply!r} is not a word of the error queue; it was thrown away")
        if int(found[1]) != 0:
            raise InstrumentError(self.name, found[1], found[2])


def _text(reply: bytes) -> str:
    if not reply.isascii():
        raise Garbled(f"{reply[:80]!r} is no text; it was thrown away")
    return reply.decode().strip()
