"""Twin of a PalmSens EmStat4 HR: its commands, the script it runs, what it sends and what it forgets.

Commands end with LF: `t` firmware, `i` serial number, `v` MethodSCRIPT version, `e` and a script up to an empty line,
`Z` abort, `Y` leave the measuring loop, `h` and `H` halt and go on, `fs_...` its files. The script itself is
sim.twins.methodscript.

Sources as there. Guesses: that `t`, `i` and `v` are answered during a run and anything else by 0006; the form of the
replies to `i` and `v`; the sizes of memory and buffer, and that a line which finds the buffer full is lost whole,
while a file waits for its host.
"""

from __future__ import annotations

from sim.twins.clips import CellUnderTest
from sim.twins.methodscript.electronics import Accuracy, Electronics
from sim.twins.methodscript.grammar import TOO_LARGE
from sim.twins.methodscript.machine import Machine
from sim.twins.methodscript.storage import COMMANDS, SIZE, Storage, StorageError
from sim.twins.methodscript.values import ScriptError

OUTPUT_BUFFER = 16384
"""Bytes that wait for a host to read them; guess."""

SCRIPT_MEMORY = 32768
"""Bytes of a script; guess."""

AT_ONCE = 65536
"""Bytes of a file that are sent between two looks at the line; guess."""

LONGEST_COMMAND = 4096
"""Bytes without a line end that are kept; guess."""

DEAF = 0.05
"""Seconds after an error in which nothing is heard [PalmSens's example code]."""

UNKNOWN, NOT_NOW, TOO_LONG = 0x0003, 0x0006, 0x0008

PLUS = Accuracy()


class EmStat4Twin:
    """The instrument, with two leads.

    `log` is its black box: time [s], what happened, in words. `charges` are the charges [C] that truly passed in each
    script that is over. Which cell is on the leads is the bench's to say, by `wire_cell`.
    storage [bytes]: of its files, 0 for an instrument without.
    """

    def __init__(
        self,
        *,
        serial: str = "ES4HR20B0008",
        accuracy: Accuracy = PLUS,
        seed: int = 0,
        storage: int = SIZE,
    ) -> None:
        self.serial = serial
        self.log: list[tuple[float, str, str]] = []
        self.charges: list[float] = []
        self.storage = Storage(storage)
        self._electronics = Electronics(accuracy, seed)
        self._now = 0.0
        self._machine: Machine | None = None
        self._loading: list[str] | None = None
        self._typed = b""
        self._deaf_until = -1.0
        self._out = bytearray()
        self._lost = 0

    @property
    def cell_is_on(self) -> bool:
        """Whether something drives the leads."""
        return self._electronics.on

    def wire_cell(self, cell: CellUnderTest | None, now: float) -> None:
        """Put a cell on the leads, or take it off (None); what was there keeps its state of now."""
        self.advance(now)
        self._electronics.wire(cell, self._now)
        if self._machine is not None and not self._machine.is_halted:
            self._machine.halt(self._now)
            self._machine.resume(self._now)
        self._note(self._now, "wired" if cell is not None else "unwired", "cell")

    def settle(self) -> None:
        """Write into the cell what it is now; what runs goes on undisturbed."""
        self._electronics.move(self._now)

    def power_cycle(self, now: float) -> None:
        """Lose power and come back: the cell open, no script, nothing to send."""
        self.advance(now)
        self._electronics.reset(self._now)
        self.storage.lose_power()
        self._end(self._now, "power lost")
        self._loading, self._typed = None, b""
        self._out.clear()
        self._note(self._now, "power", "on again")

    def next_event(self) -> float | None:
        """Return when [s] the script next does something: takes a sample, ends a wait."""
        return None if self._machine is None else self._machine.due

    def fire_event(self, now: float) -> None:
        """Do it."""
        self.advance(now)

    def advance(self, now: float) -> None:
        """Let the script run up to `now`."""
        self._now = max(self._now, now)
        if self._machine is not None:
            self._machine.advance(self._now)
            self._see_whether_over()

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes at time [s]; return what there is to read: what the script sent, and replies."""
        self.advance(now)
        if now >= self._deaf_until:
            self._type(data)
        said = bytes(self._out[:AT_ONCE])
        del self._out[:AT_ONCE]
        return said

    def _type(self, data: bytes) -> None:
        *lines, self._typed = (self._typed + data.replace(b"\r", b"")).split(b"\n")
        for line in lines:
            self._command(line.decode("ascii", errors="replace"))
            if self._now < self._deaf_until:
                self._typed = b""
                return
        if len(self._typed) > LONGEST_COMMAND:
            self._typed = b""
            self._reply_error("", TOO_LONG)

    def _command(self, line: str) -> None:
        if self._loading is not None:
            if line:
                self._loading.append(line)
            else:
                self._load()
            return
        if not line:
            return
        letter = line[0]
        machine = self._machine
        if line in ("t", "i", "v"):
            self._reply(
                {"t": "tes4_hr1303#Mar 25 2024 10:00:00\nR*", "i": f"i{self.serial}", "v": "v0108"}[line]
            )
        elif line.split(" ")[0] in COMMANDS and self.storage.size:
            self._answer_of_files(line)
        elif line not in ("e", "Z", "Y", "h", "H"):
            self._reply_error(letter, UNKNOWN)
        elif line == "e" and machine is None:
            self._loading = []
        elif line == "e" or machine is None or (line == "Y" and not machine.is_measuring):
            self._reply_error(letter, NOT_NOW)
        else:
            self._reply(letter)
            act = {"Z": machine.abort, "Y": machine.leave_loop, "h": machine.halt, "H": machine.resume}[
                letter
            ]
            self._note(self._now, "told", letter)
            act(self._now)
            self._see_whether_over()

    def _answer_of_files(self, line: str) -> None:
        command = line.split(" ")[0]
        if self._machine is not None:
            self._reply_error(command, NOT_NOW)
            return
        try:
            self._out += self.storage.answer(line)
        except StorageError as error:
            self._reply_error(command, error.code)

    def _load(self) -> None:
        lines, self._loading = self._loading or [], None
        try:
            if sum(len(line) + 1 for line in lines) > SCRIPT_MEMORY:
                raise ScriptError(TOO_LARGE, len(lines), 1)
            machine = Machine(lines, self._electronics, self._now, self._stream, self.storage)
        except ScriptError as error:
            self._reply(f"e{error.text()}")
            self._deaf_until = self._now + DEAF
            self._note(self._now, "refused", error.text())
            return
        self._electronics.charge = 0.0
        self._lost = 0
        self._reply("e")
        self._machine = machine
        self._note(self._now, "started", f"{len(lines)} lines")
        machine.advance(self._now)
        self._see_whether_over()

    def _see_whether_over(self) -> None:
        if self._machine is not None and self._machine.over:
            self._end(self._now, self._machine.over)

    def _end(self, now: float, why: str) -> None:
        if self._machine is None:
            return
        self._machine = None
        self.storage.close()
        self._electronics.move(now)
        self.charges.append(self._electronics.charge)
        self._note(now, "ended", why)

    def _stream(self, line: str) -> None:
        """Send a line of the script, if the buffer has room for it."""
        data = f"{line}\n".encode("ascii", errors="replace")
        if len(self._out) + len(data) > OUTPUT_BUFFER:
            if not self._lost:
                self._note(self._now, "lost", "the output buffer is full")
            self._lost += 1
            return
        self._out += data

    def _reply(self, text: str) -> None:
        self._out += f"{text}\n".encode()

    def _reply_error(self, letter: str, code: int) -> None:
        self._reply(f"{letter}!{code:04X}")
        self._deaf_until = self._now + DEAF

    def _note(self, time: float, event: str, text: str) -> None:
        self.log.append((time, event, text))
