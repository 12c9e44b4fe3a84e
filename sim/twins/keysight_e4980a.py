"""Twin of a Keysight E4980A LCR meter with option 001, on leads that something hangs on.

Commands, data format and status as in the E4980A/AL User's Guide. Guesses: the monitor of a bias of 0 A shows the
open-circuit voltage, 9.9E37 where nothing holds it; measuring times; texts of errors. Left out: all but R and X, all
but lists of frequencies, comparator, corrections.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.twins.keithley_2450_scpi import (
    ILLEGAL,
    MISSING,
    UNDEFINED_HEADER,
    Refused,
    boolean,
    choice,
    messages,
    number,
    parameters,
    pattern,
)

IDENTITY = "Agilent Technologies,E4980A,MY46101234,A.06.00"
OPTIONS = "001,002"
MEASURING = ((20.0, 0.38), (100.0, 0.18), (1e3, 0.11), (1e4, 0.092), (1e5, 0.089), (2e6, 0.088))
"""Hz and s of one point, medium aperture; data sheet, from memory."""
LARGEST = 1e9
"""ohm, above which it says overload; guess."""
NO_VALUE = "+9.90000E+37"
DUE = 1e-6
"""s, round-off of a bench time."""


class Leads(Protocol):
    """What hangs on its terminals."""

    def open_circuit(self, now: float) -> float:
        """Return the voltage [V] without a current, NaN where nothing is connected."""

    def impedance(self, frequencies: NDArray[np.float64], now: float) -> NDArray[np.complex128]:
        """Return impedances [ohm], infinite where nothing is connected."""

    def hold(self, voltage: float | None, now: float) -> None:
        """Be held at a voltage [V] from now on, or float (None)."""


class KeysightE4980ATwin:
    """The meter."""

    def __init__(self, leads: Leads) -> None:
        self.log: list[tuple[float, str, str]] = []
        self._leads = leads
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back."""
        self._buffer = b""
        self._errors: list[tuple[int, str]] = []
        self._frequencies: list[float] = [1e3]
        self._voltage: float | None = None
        self._bias = False
        self._data, self._ready = "", math.inf
        self._now = now

    def advance(self, now: float) -> None:
        """Note the time."""
        self._now = now

    def next_event(self) -> float | None:
        """Return None: it does nothing by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes; return the answers to whole lines."""
        self._now = now
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return b"".join(self._answer(line.decode("latin-1")) for line in lines)

    def _answer(self, line: str) -> bytes:
        said = []
        for message in messages(line):
            header, _, words = message.partition(" ")
            try:
                reply = self._run(header.upper(), parameters(words))
            except Refused as refused:
                self._errors.append(refused.error)
                continue
            if reply is not None:
                said.append(reply)
        return f"{';'.join(said)}\n".encode() if said else b""

    def _run(self, header: str, words: list[str]) -> str | None:
        for known, call in _COMMANDS:
            if known.fullmatch(header):
                return call(self, words)
        raise Refused(UNDEFINED_HEADER)

    def _error(self, words: list[str]) -> str:
        code, text = self._errors.pop(0) if self._errors else (0, "No error")
        return f'{code:+d},"{text}"'

    def _clear(self, words: list[str]) -> None:
        self._errors.clear()

    def _abort(self, words: list[str]) -> None:
        self._data, self._ready = "", math.inf

    def _function(self, words: list[str]) -> None:
        choice(_first(words), "RX")

    def _mode(self, words: list[str]) -> None:
        choice(_first(words), "SEQuence")

    def _list(self, words: list[str]) -> None:
        _first(words)
        self._frequencies = [number(word, 20.0, 2e6) for word in words]
        self._abort(words)

    def _amplitude(self, words: list[str]) -> None:
        number(_first(words), 0.0, 20.0)

    def _aperture(self, words: list[str]) -> None:
        choice(_first(words), "SHORt", "MEDium", "LONG")

    def _source(self, words: list[str]) -> None:
        choice(_first(words), "INTernal", "HOLD", "EXTernal", "BUS")

    def _bias_voltage(self, words: list[str]) -> None:
        self._voltage = number(_first(words), -40.0, 40.0)
        self._drive()

    def _bias_current(self, words: list[str]) -> None:
        if number(_first(words), -0.1, 0.1) != 0.0:
            raise Refused(ILLEGAL)
        self._voltage = None
        self._drive()

    def _bias_state(self, words: list[str]) -> None:
        self._bias = boolean(_first(words))
        self._drive()

    def _drive(self) -> None:
        """Tell what hangs there: without a bias 100 ohm draw it to nothing."""
        self._leads.hold(self._voltage if self._bias else 0.0, self._now)

    def _trigger(self, words: list[str]) -> None:
        asked = np.array(self._frequencies)
        known = np.log([frequency for frequency, _ in MEASURING])
        self._ready = self._now + float(
            np.interp(np.log(asked), known, [each for _, each in MEASURING]).sum()
        )
        self._data = ",".join(_point(each) for each in self._leads.impedance(asked, self._now).tolist())

    def _fetch(self, words: list[str]) -> str:
        if self._now < self._ready - DUE:
            return ",".join([f"{NO_VALUE},{NO_VALUE},-1,+0"] * len(self._frequencies))
        return self._data

    def _monitor(self, words: list[str]) -> str:
        found = self._voltage if self._bias and self._voltage is not None else None
        shown = self._leads.open_circuit(self._now) if found is None else found
        return NO_VALUE if math.isnan(shown) else f"{shown:+.5E}"

    def _taken(self, words: list[str]) -> None:
        """Take a word that has nothing to set here."""


def _point(impedance: complex) -> str:
    if not abs(impedance) < LARGEST:
        return f"{NO_VALUE},{NO_VALUE},+1,+0"
    return f"{impedance.real:+.5E},{impedance.imag:+.5E},+0,+0"


def _first(words: list[str]) -> str:
    if not words:
        raise Refused(MISSING)
    return words[0]


_COMMANDS: Sequence[tuple[re.Pattern[str], Callable[[KeysightE4980ATwin, list[str]], str | None]]] = (
    (pattern("FETCh:SMONitor:VDC?"), KeysightE4980ATwin._monitor),
    (pattern("FETCh[:IMPedance][:FORMatted]?"), KeysightE4980ATwin._fetch),
    (pattern("BIAS:VOLTage[:LEVel]"), KeysightE4980ATwin._bias_voltage),
    (pattern("BIAS:CURRent[:LEVel]"), KeysightE4980ATwin._bias_current),
    (pattern("BIAS:STATe"), KeysightE4980ATwin._bias_state),
    (pattern("TRIGger[:IMMediate]"), KeysightE4980ATwin._trigger),
    (pattern("SYSTem:ERRor[:NEXT]?"), KeysightE4980ATwin._error),
    (pattern("FUNCtion:IMPedance[:TYPE]"), KeysightE4980ATwin._function),
    (pattern("FUNCtion:SMONitor:VDC[:STATe]"), KeysightE4980ATwin._taken),
    (pattern("LIST:FREQuency"), KeysightE4980ATwin._list),
    (pattern("LIST:MODE"), KeysightE4980ATwin._mode),
    (pattern("VOLTage[:LEVel]"), KeysightE4980ATwin._amplitude),
    (pattern("APERture"), KeysightE4980ATwin._aperture),
    (pattern("TRIGger:SOURce"), KeysightE4980ATwin._source),
    (pattern("DISPlay:PAGE"), KeysightE4980ATwin._taken),
    (pattern("ABORt"), KeysightE4980ATwin._abort),
    (pattern("*CLS"), KeysightE4980ATwin._clear),
    (pattern("*OPT?"), lambda twin, words: OPTIONS),
    (pattern("*IDN?"), lambda twin, words: IDENTITY),
)
