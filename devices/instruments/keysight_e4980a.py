"""Keysight E4980A LCR meter with option 001: open-circuit voltage, impedance and a held voltage of one cell at a time.

Control: float (no current flows), hold a voltage, one sweep over a list of frequencies; abort.
Get:     identity, options, error queue.
Measure: direct voltage [V] while it floats; impedance R + jX [ohm] at each frequency of the list, 20 Hz to 2 MHz.
Set:     frequencies [Hz] and amplitude [V rms] of the sweep, its bias [V]; voltage_limit [V] of the bench file.

It drives through 100 ohm and bears 100 mA, so that a short on its leads does no harm. Without a bias its terminals
connect the two poles of a cell through 100 ohm: it is never left so with a cell on it, but floats at 0 A. A sweep is
begun and fetched, so that several meters measure at once. What overloads it, an open site above all, is NaN.

Every command is one line that ends with SYST:ERR?, so its reply acknowledges all of it.

Sources: E4980A/AL User's Guide (data format and its status -1, 0, 1, 3, 4, 9.9E37 for no value; LIST, BIAS, FETCh,
TRIGger); measuring times by frequency, medium aperture, from memory of the data sheet. Not yet seen on hardware:
everything; above all that with a bias of 0 A the DC monitor shows a cell's open-circuit voltage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError
from devices.quantities import STRICT, Unit
from devices.wire import Sync, Terminated, Wire

LINE = Terminated(b"\n")
MODEL = "E4980A"
LOWEST, HIGHEST = 20.0, 2e6
MOST_POINTS = 201
MEASURING = ((20.0, 0.38), (100.0, 0.18), (1e3, 0.11), (1e4, 0.092), (1e5, 0.089), (2e6, 0.088))
"""Hz and s of one point, medium aperture."""
NO_VALUE = 9.9e37
OVERLOAD = 1

_ERROR = re.compile(r'([+-]?\d+),\s*"([^"]*)"')
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


class KeysightE4980A(Instrument):
    """An LCR meter on one row of a relay matrix."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """voltage_limit [V]: what it holds at most."""

        voltage_limit: Annotated[float, Field(gt=0, le=40), Unit("V")] = 5.0

    kind_name = "Keysight E4980A"
    transport = "socket"
    sync: ClassVar[Sync | None] = Sync(b"*IDN?\n", LINE, lambda reply: MODEL.encode() in reply)

    def __init__(
        self, wire: Wire, clock: Clock, *, name: str, voltage_limit: float = 5.0, **kwargs: Any
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self._voltage_limit = voltage_limit
        self._points = 0

    def identify(self) -> str:
        """Return who it is. Raises InstrumentError for another model, or one without option 001."""
        identity = self._ask("*IDN?")
        if MODEL not in identity:
            raise InstrumentError(self.name, "model", f"{identity} is not an {MODEL}; correct the bench file")
        options = self._ask("*OPT?")
        if "001" not in options.split(","):
            raise InstrumentError(
                self.name, "option", f"it has {options}; without option 001 it holds no cell's voltage"
            )
        return identity

    @staticmethod
    def sweep_time(frequencies: Sequence[float]) -> float:
        """Return how long [s] a sweep over frequencies [Hz] takes."""
        known = np.log([frequency for frequency, _ in MEASURING])
        return float(np.interp(np.log(frequencies), known, [time for _, time in MEASURING]).sum())

    def prepare(self, frequencies: Sequence[float], amplitude: float) -> None:
        """Set the sweep: frequencies [Hz], amplitude [V rms]; it floats. Raises LimitError, InstrumentError."""
        if not 1 <= len(frequencies) <= MOST_POINTS:
            raise LimitError(f"{self.name} points", len(frequencies), "1", 1, MOST_POINTS)
        for frequency in frequencies:
            if not LOWEST <= frequency <= HIGHEST:
                raise LimitError(f"{self.name} frequency", frequency, "Hz", LOWEST, HIGHEST)
        listed = ",".join(f"{frequency:.6g}" for frequency in frequencies)
        self._settle(
            "*CLS",
            "ABOR",
            "FUNC:IMP RX",
            "APER MED,1",
            f"VOLT {amplitude:.4g}",
            "LIST:MODE SEQ",
            f"LIST:FREQ {listed}",
            "TRIG:SOUR BUS",
            "FUNC:SMON:VDC:STAT ON",
            "DISP:PAGE LIST",
        )
        self._points = len(frequencies)
        self.float_free()

    def float_free(self) -> None:
        """Let no current flow. Raises InstrumentError."""
        self._settle("BIAS:CURR 0", "BIAS:STAT ON")

    def hold(self, voltage: float) -> None:
        """Hold a voltage [V] through 100 ohm. Raises LimitError, InstrumentError."""
        self._settle(f"BIAS:VOLT {self._allowed(voltage):.5f}", "BIAS:STAT ON")

    def open_circuit(self) -> float:
        """Return the direct voltage [V] while it floats; NaN where nothing holds it, as on an open site."""
        (found,) = self._numbers(self._ask(":FETC:SMON:VDC?"), 1)
        return math.nan if abs(found) >= NO_VALUE else found

    def begin(self, bias: float) -> None:
        """Begin a sweep at a bias [V]. Raises LimitError, InstrumentError."""
        self._settle(f"BIAS:VOLT {self._allowed(bias):.5f}", "BIAS:STAT ON", "TRIG:IMM")

    def take(self) -> list[float]:
        """Return R and X [ohm] of each frequency in turn, NaN where it was overloaded; it floats again.

        Raises InstrumentError when the sweep is not over, Garbled.
        """
        values = self._numbers(self._ask(":FETC?"), 4 * self._points)
        self.float_free()
        found: list[float] = []
        for real, imaginary, status, _ in zip(*[iter(values)] * 4, strict=True):
            if status == -1:
                raise InstrumentError(self.name, "-1", "the sweep is not over; nothing was taken")
            found += [math.nan, math.nan] if status == OVERLOAD else [real, imaginary]
        return found

    def safe(self) -> None:
        """End a sweep and float; may be sent twice."""
        self._settle("ABOR", "BIAS:CURR 0", "BIAS:STAT ON")

    def _allowed(self, voltage: float) -> float:
        if not 0.0 <= voltage <= self._voltage_limit:
            raise LimitError(f"{self.name} bias (bench file)", voltage, "V", 0.0, self._voltage_limit)
        return voltage

    def _settle(self, *commands: str) -> None:
        """Send commands in one line. Raises InstrumentError with what the error queue says."""
        line = ";".join(each if each.startswith("*") else f":{each}" for each in (*commands, "SYST:ERR?"))
        reply = self._ask(line)
        found = _ERROR.fullmatch(reply)
        if found is None:
            raise Garbled(f"{self.name}: {reply!r} is not a word of the error queue; it was thrown away")
        if int(found[1]) != 0:
            raise InstrumentError(self.name, found[1], found[2])

    def _numbers(self, reply: str, count: int) -> list[float]:
        parts = [part.strip() for part in reply.split(",")]
        if len(parts) != count or not all(_NUMBER.fullmatch(part) for part in parts):
            raise Garbled(f"{self.name}: {reply[:80]!r} are not {count} numbers; they were thrown away")
        return [float(part) for part in parts]

    def _ask(self, request: str) -> str:
        def text(reply: bytes) -> str:
            if not reply.isascii():
                raise Garbled(f"{self.name}: {reply[:80]!r} is no text; it was thrown away")
            return reply.decode().strip()

        return self.wire.ask(request.encode() + b"\n", LINE, text, repeat="TRIG" not in request)
