"""Twin of a Velleman K8090 board of eight relays.

Frames of seven bytes as in PyMeasure's velleman_k8090.py: on, off, toggle, status, firmware; a report (51h) goes out
only when a relay really toggles, unasked too. Guesses: a frame with a wrong sum or an unknown command is not answered;
after a byte that is no beginning the next 04 begins anew; bytes that wait longer than 0.1 s for the rest of their frame
are forgotten; relays are off at power-up; a button toggles its relay.
"""

from __future__ import annotations

from collections.abc import Callable

START, END, LENGTH = 0x04, 0x0F, 7
ON, OFF, TOGGLE, QUERY, BUTTON, REPORT, FIRMWARE = 0x11, 0x12, 0x14, 0x18, 0x50, 0x51, 0x71
DATED = (10, 1)  # year - 2000, week [PyMeasure's tests]
NO_TIMER = 0x00
FORGET = 0.1  # s (guess)
RELAYS = range(1, 9)


class VellemanK8090Twin:
    """The board. `on_relay(number, on)` is called when a relay toggles; numbers are 1 to 8."""

    def __init__(self, on_relay: Callable[[int, bool], None]) -> None:
        self.log: list[tuple[float, str, str]] = []
        self._on_relay = on_relay
        self._jammed = 0
        self._relays = 0
        self._wake(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: all relays off, jammed or not, nothing said."""
        self.log.append((now, "power up", ""))
        self._put(0, now)
        self._wake(now)

    def _wake(self, now: float) -> None:
        self._came = now
        self._unsaid = b""
        self._buffer = bytearray()

    @property
    def relays(self) -> int:
        """Return which relays are on, the first one in the lowest bit."""
        return self._relays

    def jam(self, number: int, now: float) -> None:
        """Let a relay stay as it is, whatever it is told; the board sees that."""
        self._jammed |= _bit(number)
        self.log.append((now, "relay jammed", str(number)))

    def free(self, number: int, now: float) -> None:
        """Let it follow again."""
        self._jammed &= ~_bit(number)
        self.log.append((now, "relay freed", str(number)))

    def press(self, number: int, now: float) -> None:
        """Press and let go the button of a relay: it toggles, and the board says so unasked."""
        bit = _bit(number)
        self._unsaid += _frame(BUTTON, bit, bit, 0)
        self._unsaid += self._switch(self._relays ^ bit, now)
        self._unsaid += _frame(BUTTON, 0, 0, bit)

    def advance(self, now: float) -> None:
        """Do nothing: relays change only in steps."""

    def next_event(self) -> float | None:
        """Return None: it does nothing by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, obey every frame that is whole; what was said unasked comes first."""
        replies, self._unsaid = self._unsaid, b""
        buffer = self._buffer
        if buffer and now - self._came > FORGET:
            buffer.clear()
        self._came = now
        buffer += data
        while buffer:
            if buffer[0] != START:
                del buffer[0]
            elif len(buffer) < LENGTH:
                break
            elif buffer[6] != END or sum(buffer[:6]) & 0xFF:
                del buffer[0]
            else:
                replies += self._obey(buffer[1], buffer[2], now)
                del buffer[:LENGTH]
        return replies

    def _obey(self, command: int, mask: int, now: float) -> bytes:
        relays = self._relays
        if command == QUERY:
            return _frame(REPORT, relays, relays, NO_TIMER)
        if command == FIRMWARE:
            return _frame(FIRMWARE, 0xFF, *DATED)
        wanted = {ON: relays | mask, OFF: relays & ~mask, TOGGLE: relays ^ mask}.get(command, relays)
        return self._switch(wanted, now)

    def _switch(self, wanted: int, now: float) -> bytes:
        """Have the relays as wanted where they follow; return the report of what toggled, if anything did."""
        before = self._relays
        self._put((wanted & ~self._jammed) | (before & self._jammed), now)
        return _frame(REPORT, before, self._relays, NO_TIMER) if self._relays != before else b""

    def _put(self, relays: int, now: float) -> None:
        toggled, self._relays = self._relays ^ relays, relays
        for number in RELAYS if toggled else ():
            if toggled & _bit(number):
                on = bool(relays & _bit(number))
                self.log.append((now, "relay on" if on else "relay off", str(number)))
                self._on_relay(number, on)


def _bit(number: int) -> int:
    if number not in RELAYS:
        raise ValueError(f"there is no relay {number}; there are 1 to 8")
    return 1 << number - 1


def _frame(command: int, mask: int, first: int, second: int) -> bytes:
    content = bytes((START, command, mask, first, second))
    return content + bytes((-sum(content) & 0xFF, END))
