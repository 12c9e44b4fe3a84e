"""Twin of a Keysight 34980A mainframe with 34934A modules, each one matrix of 4 rows and 128 columns.

Channel numbers as in the 34934A User's Guide, commands as in the 34980A command reference. Guesses: the words for
modules and errors; a line's replies are joined by semicolons, as SCPI says. Left out: scans, the multimeter, row
protection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sim.twins.keithley_2450_scpi import ILLEGAL, OUT_OF_RANGE, UNDEFINED_HEADER, Refused, messages, pattern

IDENTITY = "Agilent Technologies,34980A,MY44001234,2.43-2.41-0.00-0.00"
ROWS, COLUMNS, SLOTS = 4, 128, 8
COILS = 40
"""Relays of one slot that may be closed at a time."""
TOO_MANY = (305, "Not able to perform requested operation: too many coils")
NO_MODULE = (111, "Channel list: slot number out of range")

_LIST = re.compile(r"\(@(?P<list>[0-9:, ]+)\)")


class Keysight34980ATwin:
    """A mainframe. slots: where modules are; closed: crosspoints (row, column) from 0, columns counted over slots."""

    def __init__(self, slots: Sequence[int] = tuple(range(1, SLOTS + 1))) -> None:
        self.log: list[tuple[float, str, str]] = []
        self._slots = tuple(slots)
        self.stuck: set[tuple[int, int]] = set()
        self.power_up(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: reed relays are open."""
        self._buffer = b""
        self.closed: dict[tuple[int, int], None] = {}
        self._errors: list[tuple[int, str]] = []

    def stick(self, row: int, column: int) -> None:
        """Let a relay stay open, whatever is asked of it."""
        self.stuck.add((row, column))
        self.closed.pop((row, column), None)

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return COLUMNS * len(self._slots)

    def columns_on(self, row: int) -> list[int]:
        """Return the columns that a row is connected to."""
        return [column for on, column in self.closed if on == row]

    def advance(self, now: float) -> None:
        """Do nothing: relays are at once where they are told to be."""

    def next_event(self) -> float | None:
        """Return None: it does nothing by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes; return the answers to whole lines."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return b"".join(self._answer(line.decode("latin-1")) for line in lines)

    def _answer(self, line: str) -> bytes:
        said = []
        for message in messages(line):
            header, _, words = message.partition(" ")
            try:
                reply = self._run(header.upper(), words.strip())
            except Refused as refused:
                self._errors.append(refused.error)
                continue
            if reply is not None:
                said.append(reply)
        return f"{';'.join(said)}\n".encode() if said else b""

    def _run(self, header: str, words: str) -> str | None:
        for known, call in _COMMANDS:
            if known.fullmatch(header):
                return call(self, words)
        raise Refused(UNDEFINED_HEADER)

    def _error(self, words: str) -> str:
        code, text = self._errors.pop(0) if self._errors else (0, "No error")
        return f'{code:+d},"{text}"'

    def _clear(self, words: str) -> None:
        self._errors.clear()

    def _card(self, words: str) -> str:
        if not words.isdigit() or not 1 <= int(words) <= SLOTS:
            raise Refused(OUT_OF_RANGE)
        if int(words) not in self._slots:
            return "Agilent Technologies,0,0,0"
        return "Agilent Technologies,34934A,MY43980012,1.05"

    def _open_all(self, words: str) -> None:
        if words.upper() in ("", "ALL"):
            self.closed.clear()
        elif words.isdigit() and int(words) in self._slots:
            place = self._slots.index(int(words))
            self.closed = {each: None for each in self.closed if each[1] // COLUMNS != place}
        else:
            raise Refused(ILLEGAL)

    def _open(self, words: str) -> None:
        for point in self._points(words):
            self.closed.pop(point, None)

    def _close(self, words: str) -> None:
        wanted = dict.fromkeys([*self.closed, *(p for p in self._points(words) if p not in self.stuck)])
        for place in range(len(self._slots)):
            if sum(column // COLUMNS == place for _, column in wanted) > COILS:
                raise Refused(TOO_MANY)
        self.closed = wanted

    def _is_closed(self, words: str) -> str:
        return ",".join(str(int(point in self.closed)) for point in self._points(words))

    def _points(self, words: str) -> list[tuple[int, int]]:
        found = _LIST.fullmatch(words)
        if found is None:
            raise Refused(ILLEGAL)
        points = []
        for part in found["list"].replace(" ", "").split(","):
            first, _, last = part.partition(":")
            if not first.isdigit() or (last and not last.isdigit()):
                raise Refused(ILLEGAL)
            points += [self._point(number) for number in range(int(first), int(last or first) + 1)]
        return points

    def _point(self, channel: int) -> tuple[int, int]:
        """Return (row, column) of s000 + 100 (2 R - 1) + C. Raises Refused."""
        slot, rest = divmod(channel, 1000)
        if slot not in self._slots:
            raise Refused(NO_MODULE)
        row, column = divmod(rest - 100 - 1, 200)
        if not (0 <= row < ROWS and 0 <= column < COLUMNS):
            raise Refused(OUT_OF_RANGE)
        return row, self._slots.index(slot) * COLUMNS + column


_COMMANDS: Sequence[tuple[re.Pattern[str], Callable[[Keysight34980ATwin, str], str | None]]] = (
    (pattern("ROUTe:CLOSe"), Keysight34980ATwin._close),
    (pattern("ROUTe:CLOSe?"), Keysight34980ATwin._is_closed),
    (pattern("ROUTe:OPEN:ALL"), Keysight34980ATwin._open_all),
    (pattern("ROUTe:OPEN"), Keysight34980ATwin._open),
    (pattern("SYSTem:ERRor?"), Keysight34980ATwin._error),
    (pattern("SYSTem:CTYPe?"), Keysight34980ATwin._card),
    (pattern("*IDN?"), lambda twin, words: IDENTITY),
    (pattern("*CLS"), Keysight34980ATwin._clear),
    (pattern("*RST"), Keysight34980ATwin._open_all),
)
