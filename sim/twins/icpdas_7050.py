"""Twin of an ICP DAS I-7050 digital input and output module in the interlock loop of a flash lamp.

Commands as in the I-7000 DIO manual rev. B1.2, sections 2.3 to 2.23 and 3.4, checksum on. Guesses: one with a wrong
checksum is not answered; a counter counts falling edges and is cleared at power-up; an input that reads 1 is latched
high, that of an open contact again right after it was cleared. The watchdog's status outlives power-up, as the manual
says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

NAME = "7050"
INPUTS = 7
OWN_CONTACT = 1
FLASH_INPUT = 6
TRIPPED = 0x04
DUE = 1e-9  # s, round-off of a bench time

_OUTPUTS = re.compile(r"@01([0-9A-F]{2})")
_WATCHDOG = re.compile(r"~013([01])([0-9A-F]{2})")
_COUNTER = re.compile(r"#01([0-6])")


class ICPDAS7050Twin:
    """The module. `on_loop(closed, time)` is called when the loop of all contacts and its own one changes.

    contacts: names of what is on DI0, DI1 and so on; ends: of end switches on the inputs that follow, beside the loop,
    and is_made: whether one of them is made. dead_man: whether its own contact is wired into the loop too.
    """

    def __init__(
        self,
        on_loop: Callable[[bool, float], None],
        *,
        contacts: Sequence[str] = ("door", "shutter", "water", "chuck", "cell"),
        dead_man: bool = True,
        ends: Sequence[str] = (),
        is_made: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.contacts, self._ends, self._is_made = tuple(contacts), tuple(ends), is_made
        self._on_loop = on_loop
        self._open: set[str] = set()
        self._tripped = False
        self._dead_man = dead_man
        self._answers: dict[str, Callable[[], str]] = {
            "$01M": lambda: f"!01{NAME}",
            "@01": lambda: f">{self._outputs:02X}{self._inputs():02X}",
            "~010": lambda: f"!01{TRIPPED * self._tripped:02X}",
            "$01L1": lambda: f"!00{self._latched:02X}00",
            "$01C": self._forget,
            "$015": self._reset_status,
        }
        self._wake()
        self._closed = self._is_closed()

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: outputs open, counters zero, a trip is not forgotten."""
        self.log.append((now, "power up", ""))
        self._wake()
        self._tell_loop(now)

    def _wake(self) -> None:
        self._outputs = 0
        self._count = 0
        self._was_off = True
        self._latched = self._inputs()
        self._limit: float | None = None
        self._heard = 0.0
        self._buffer = b""

    def open_contact(self, name: str, now: float) -> None:
        """Open a contact of the loop: the door, say."""
        self._change(name, now, "contact open", self._open | {name})

    def close_contact(self, name: str, now: float) -> None:
        """Close it again."""
        self._change(name, now, "contact closed", self._open - {name})

    @property
    def flashes_counted(self) -> int:
        """How many flashes it has counted."""
        return self._count

    def count_flash(self) -> None:
        """Count a flash that the photodiode saw."""
        self._count = (self._count + 1) % 65536

    def advance(self, now: float) -> None:
        """Do nothing: the module changes only in steps."""

    def next_event(self) -> float | None:
        """Return when the watchdog trips."""
        return None if self._limit is None or self._tripped else self._heard + self._limit

    def fire_event(self, now: float) -> None:
        """Trip the watchdog if it is due: all outputs open."""
        due = self.next_event()
        if due is not None and now >= due - DUE:
            self._tripped, self._outputs = True, 0
            self.log.append((now, "dead-man", f"last heard at {self._heard:.6f} s"))
            self._tell_loop(now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every request that is complete and whose checksum is right."""
        *lines, self._buffer = (self._buffer + data).split(b"\r")
        replies = b""
        for line in lines:
            content = line[:-2]
            if line[-2:] != _sum(content):
                continue
            answer = self._obey(content.decode("latin-1"), now).encode()
            replies += answer + _sum(answer) + b"\r" if answer else b""
        return replies

    def _obey(self, request: str, now: float) -> str:
        if request == "~**":
            self._heard = now
            return ""
        if request in self._answers:
            return self._answers[request]()
        if request == "~011":
            return self._reset(now)
        if found := _OUTPUTS.fullmatch(request):
            return self._put(int(found[1], 16), now)
        if found := _WATCHDOG.fullmatch(request):
            self._limit, self._heard = (int(found[2], 16) / 10 if found[1] == "1" else None), now
            return "!01"
        if found := _COUNTER.fullmatch(request):
            return f"!01{self._count if int(found[1]) == FLASH_INPUT else 0:05d}"
        return "?01" if request[1:3] == "01" else ""

    def _put(self, outputs: int, now: float) -> str:
        if self._tripped:
            return "!"
        self._outputs = outputs
        self._tell_loop(now)
        return ">"

    def _reset(self, now: float) -> str:
        if self._tripped:
            self.log.append((now, "dead-man reset", ""))
        self._tripped = False
        return "!01"

    def _reset_status(self) -> str:
        told, self._was_off = f"!01{self._was_off:d}", False
        return told

    def _forget(self) -> str:
        self._latched = self._inputs()
        return "!01"

    def _inputs(self) -> int:
        """Return the input byte: an open contact reads 1, and so does what is not connected."""
        closed = [channel for channel, name in enumerate(self.contacts) if name not in self._open]
        first = len(self.contacts)
        closed += [channel for channel, name in enumerate(self._ends, first) if self._is_made(name)]
        return (1 << INPUTS) - 1 - sum(1 << channel for channel in closed)

    def _change(self, name: str, now: float, event: str, opened: set[str]) -> None:
        if name not in self.contacts:
            raise ValueError(f"no contact is called {name!r}; there are {', '.join(self.contacts)}")
        self._open = opened
        self._latched |= self._inputs()
        self.log.append((now, event, name))
        self._tell_loop(now)

    @property
    def loop_closed(self) -> bool:
        """Whether the loop is closed."""
        return self._closed

    def _is_closed(self) -> bool:
        return not self._open and (not self._dead_man or bool(self._outputs & OWN_CONTACT))

    def _tell_loop(self, now: float) -> None:
        closed = self._is_closed()
        if closed != self._closed:
            self._closed = closed
            self.log.append((now, "loop closed" if closed else "loop open", ""))
            self._on_loop(closed, now)


def _sum(content: bytes) -> bytes:
    return b"%02X" % (sum(content) % 256)
