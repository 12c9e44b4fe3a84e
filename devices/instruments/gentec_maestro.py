"""Gentec-EO Maestro energy meter: the energy of each flash.

Control: energy mode on a wattmeter head, end of a data stream.
Get:     identity, whether a new value is there.
Measure: energy [J] of the last pulse, in [0, full_scale_energy].
Set:     trigger level, 0.01 to 1 of full scale.

The dialect has no checksum: an energy counts only when two readings in a row are equal.

Source: Gentec-EO Maestro manual rev. 8.1, pages 81-86. Not yet seen on hardware: that reading the value
clears "new data", the reply to `*VER`, numbers without text (as the sister instrument Blu sends them).
"""

from __future__ import annotations

import re
import threading
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError
from devices.quantities import STRICT, Unit
from devices.wire import Sync, Terminated, Wire

LINE = Terminated(b"\r\n")

NEW_DATA = {b"New Data Available": True, b"New Data Not Available": False, b"1": True, b"0": False}

READINGS = 4
"""How often a value is read at most until two readings in a row are equal."""

_VALUE = re.compile(rb"(Current Value *: *)?(?P<number>[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?)")


def energy_of(reply: bytes) -> float:
    """Return the number of `Current Value : 0.00500095` or of `0.00500095`. Raises Garbled."""
    found = _VALUE.fullmatch(reply)
    if not found:
        raise Garbled(f"{reply!r} is not a value; it was thrown away")
    return float(found["number"])


def new_data(reply: bytes) -> bool:
    """Return whether a new value is there. Raises Garbled."""
    if reply not in NEW_DATA:
        raise Garbled(f"{reply!r} does not say whether there is new data")
    return NEW_DATA[reply]


def acknowledged(reply: bytes) -> None:
    """Raise Garbled unless the command was acknowledged."""
    if reply != b"ACK":
        raise Garbled(f"{reply!r} is not an acknowledgement")


class GentecMaestro(Instrument):
    """The energy meter of a lamp."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Range of the head (a reading outside it is an error, never a value), trigger level as its share."""

        full_scale_energy: Annotated[float, Field(gt=0, le=1e5), Unit("J")]
        trigger_level: Annotated[float, Field(ge=0.01, le=1.0), Unit("1")] = 0.02

    kind_name = "Gentec-EO Maestro"
    sync: ClassVar[Sync | None] = Sync(b"*VER", LINE, lambda reply: reply.startswith(b"MAESTRO"))

    energy = Component(Quantity, get="read_energy", unit="J", precision=4, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        full_scale_energy: float,
        trigger_level: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.full_scale_energy, self.trigger_level = full_scale_energy, trigger_level
        self._lock = threading.Lock()
        self._untaken: float | None = None

    def identify(self) -> str:
        """Return model and firmware."""

        def parse(reply: bytes) -> str:
            if not reply.startswith(b"MAESTRO") or not reply.isascii():
                raise Garbled(f"{self.name}: {reply!r} is not a Maestro; look at what is on this address")
            return reply.decode()

        return self.wire.ask(b"*VER", LINE, parse, repeat=True)

    def prepare(self) -> None:
        """Go to energy mode, set the trigger level, forget an old value; all of it may be sent twice."""
        self.wire.tell(b"*CSU")
        self.wire.ask(b"*SCA1", LINE, acknowledged, repeat=True)
        self.wire.ask(f"*TLA {self.trigger_level * 100:.4g}%".encode(), LINE, acknowledged, repeat=True)
        self.take()

    def take(self) -> float | None:
        """Return the energy [J] measured since the last call, or None when there is no new value.

        Raises InstrumentError when it is over range, Garbled when no two readings agree.
        """
        with self._lock:
            fresh = self._fresh()
            found, self._untaken = self._untaken if fresh is None else fresh, None
        return found

    def safe(self) -> None:
        """End a data stream; there is nothing else to make safe."""
        self.wire.tell(b"*CSU")

    def read_energy(self) -> float:
        """Return the energy [J] on the display, new or old; a new one is still there for take(). Raises as take()."""
        with self._lock:
            fresh = self._fresh()
            if fresh is None:
                return self._on_display()
            self._untaken = fresh
        return fresh

    def _fresh(self) -> float | None:
        """Return a new energy, which the instrument takes for old from then on, or None."""
        return self._on_display() if self.wire.ask(b"*NVU", LINE, new_data, repeat=True) else None

    def _on_display(self) -> float:
        last = None
        for _ in range(READINGS):
            energy = self.wire.ask(b"*CVU", LINE, energy_of, repeat=True)
            if energy == last:
                return self._in_range(energy)
            last = energy
        raise Garbled(f"{self.name}: no two of {READINGS} readings agree; none was taken")

    def _in_range(self, energy: float) -> float:
        if not 0 <= energy <= self.full_scale_energy:
            raise InstrumentError(
                self.name, "range", f"{energy:g} J is outside [0, {self.full_scale_energy:g}] J"
            )
        return energy
