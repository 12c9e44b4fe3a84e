"""What a running script has in its hands: variables, the clock of its channel, a package, a measuring loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim.twins.methodscript.electronics import MODES, OFF, Electronics
from sim.twins.methodscript.loops import BAD_POTENTIAL, OUT_OF_BOUNDS, WRONG_PGSTAT_MODE, Given, Loop
from sim.twins.methodscript.storage import Storage, StorageError
from sim.twins.methodscript.values import Number

NOT_A_NUMBER = 0x0010
BAD_MODE, CANNOT_SET, NEEDS_OPEN_CELL, UNSUPPORTED = 0x0021, 0x4032, 0x4028, 0x4206
BAD_OUTPUT = 0x403C

TO_HOST, TO_FILE = 1, 2
"""Bits of where the output goes."""
NO_SUCH_PLACE = OUT_OF_BOUNDS


class RunError(Exception):
    """An error in a run; the machine knows the line."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Slot:
    """What a variable holds: its type, its value, how it was measured."""

    kind: str = "aa"
    value: Number = 0.0
    status: int | None = None
    range: int | None = None

    def take(self, given: Given) -> None:
        """Become what was measured."""
        self.kind, self.value, self.status, self.range = given.kind, given.value, given.status, given.range

    def copy(self, other: Slot) -> None:
        """Become what another is."""
        self.kind, self.value, self.status, self.range = other.kind, other.value, other.status, other.range


@dataclass
class Measuring:
    """A measuring loop under way: itself, its variables, those of its options by type, where its body begins."""

    loop: Loop
    variables: tuple[Slot, ...]
    options: tuple[tuple[str, Slot], ...]
    body: int


@dataclass
class Runtime:
    """The state of one script on one channel; `say` takes each line it sends. Times [s] are the bench's.

    due: when it goes on, None while it does something. inside: the plain loops that are under way. output: where it
    sends its lines, in bits.
    """

    electronics: Electronics
    now: float
    say: Callable[[str], None]
    storage: Storage
    due: float | None = None
    timer: float = 0.0
    output: int = TO_HOST
    package: list[str] | None = None
    measuring: Measuring | None = None
    interval: float = 0.0
    interval_due: float = 0.0
    inside: set[int] = field(default_factory=set)
    slots: dict[str, Slot] = field(default_factory=dict)
    arrays: dict[str, list[Slot]] = field(default_factory=dict)

    def send(self, line: str) -> None:
        """Send a line where the script wants it. Raises RunError."""
        if self.output & TO_HOST:
            self.say(line)
        if self.output & TO_FILE:
            self.file(lambda: self.storage.write(f"{line}\n".encode("ascii", errors="replace")))

    def file(self, action: Callable[[], None]) -> None:
        """Do something with files. Raises RunError."""
        try:
            action()
        except StorageError as error:
            raise RunError(error.code) from None

    def slot(self, name: str) -> Slot:
        """Return a variable's slot."""
        return self.slots.setdefault(name, Slot())

    def place(self, array: str, index: Number) -> Slot:
        """Return a place of an array. Raises RunError."""
        cells = self.arrays.get(array, [])
        if not 0 <= int(index) < len(cells):
            raise RunError(NO_SUCH_PLACE)
        return cells[int(index)]

    def wait(self, seconds: float, then: int) -> int:
        """Let time pass before the command at `then`."""
        self.due = self.now + seconds
        return then

    def close_loop(self) -> None:
        """Leave the measuring loop: the cell stays at what was set last."""
        self.measuring = None
        self.electronics.set(self.now)
        self.send("*")

    def switch(self, on: bool) -> None:
        """Close or open the cell. Raises RunError."""
        if on and self.electronics.mode == OFF:
            raise RunError(WRONG_PGSTAT_MODE)
        self.electronics.switch(on, self.now)

    def set(self, name: str, kind: str, values: Sequence[float]) -> None:
        """Do a command that sets something. Raises RunError."""
        electronics, accuracy = self.electronics, self.electronics.accuracy
        match name:
            case "set_pgstat_chan":
                _check(values[0] == 0, UNSUPPORTED)
                _check(not electronics.on, NEEDS_OPEN_CELL)
            case "set_pgstat_mode":
                _check(values[0] in MODES, BAD_MODE)
                electronics.set(self.now)
                electronics.mode = int(values[0])
            case "set_e":
                _check(self.measuring is None, CANNOT_SET)
                _check(abs(values[0]) <= accuracy.voltage, BAD_POTENTIAL)
                electronics.set(self.now, voltage=values[0])
            case "set_i":
                _check(self.measuring is None, CANNOT_SET)
                _check(abs(values[0]) <= accuracy.current, OUT_OF_BOUNDS)
                electronics.set(self.now, current=values[0])
            case "set_range" if kind in ("ba", "db"):
                electronics.choose_range(values[0], values[0])
            case "set_range_minmax" | "set_autoranging" if kind in ("ba", "db"):
                electronics.choose_range(*values)
            case "set_range_minmax" if kind == "da":
                _check(max(map(abs, values)) <= accuracy.voltage, BAD_POTENTIAL)
            case "set_script_output":
                _check(values[0] in range(4), BAD_OUTPUT)
                self.output = int(values[0])


def _check(holds: bool, code: int) -> None:
    if not holds:
        raise RunError(code)
