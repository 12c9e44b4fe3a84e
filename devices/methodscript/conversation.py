"""What is said on the line of an instrument that runs MethodSCRIPT: commands and their replies, small scripts, files.

Whatever a script of its own accord sends between them is handed on as news. Is a script running? Nothing asks for it
without a side effect, so an empty script is offered: `e` and an empty line. It runs (nothing was), is refused with
0006 (something is), or completes a script that arrived in part, which the `e` in its middle makes one that cannot run.

Files: `fs_info` ends with `kB`, `fs_dir` with an empty line, `fs_get` with a file separator, `fs_del` with its echo
[pypalmsens 1.11]. Not yet seen on hardware: the form of a listing (the size is its one whole number, the path comes
last), and that all of them are refused while a script runs.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devices.clock import Clock
from devices.errors import InstrumentError, Timeout
from devices.methodscript.complaints import WRONG_MODE, Complaint, parse_complaint
from devices.methodscript.small import SmallScript
from devices.methodscript.stream import Lines, is_news
from devices.wire import Wire

AFTER_ERROR = 0.1
"""Seconds that the instrument is left alone after an error; it does not listen for 50 ms [PalmSens's example]."""

SLICE = 0.1
"""Seconds of one look while something is awaited."""

TRIES = 3

SEPARATOR = "\x1c"
"""ASCII's file separator, behind the last byte of a file."""

NO_FILES = frozenset({0x0003, 0x001B, 0x0073, 0x0083})
"""Complaints of an instrument that keeps no files: an unknown command, or one that is not supported."""

_FREE = re.compile(r"free\D{0,3}(\d+) *kB", re.IGNORECASE)


@dataclass(frozen=True)
class StoredFile:
    """A file of the instrument; size [bytes], -1 where the listing does not say."""

    path: str
    size: int = -1


class _Transfer:
    """Lines of a listing or a file, from the echo of its command to what ends it."""

    def __init__(self, command: str, end: str, take: Callable[[str], None]) -> None:
        self.command, self.end, self.take = command, end, take
        self.began = self.over = False
        self.size = 0

    def takes(self, line: str) -> bool:
        """Take a line if it is of this transfer."""
        if self.over or (not self.began and line != self.command):
            return False
        if not self.began:
            self.began = True
        elif self.end and line.endswith(self.end):
            self._whole(line[: -len(self.end)], 0) if line != self.end else None
            self.over = True
        elif line == self.end:
            self.over = True
        else:
            self._whole(line, 1)
        return True

    def _whole(self, line: str, line_end: int) -> None:
        self.size += len(line) + line_end
        self.take(line)


class Conversation:
    """The line to one instrument. news: takes what a running script sends; is_heard: whether it has sent anything."""

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        name: str,
        *,
        news: Callable[[str], None],
        is_heard: Callable[[], bool],
    ) -> None:
        self._wire, self._clock, self._name, self._news, self._is_heard = wire, clock, name, news, is_heard
        self._lines = Lines()
        self._replies: deque[str] = deque()
        self._small = SmallScript()
        self._transfer: _Transfer | None = None
        self._late = False

    def hear(self, longest: float) -> None:
        """Take what came, and wait for it no longer than a slice, nor than `longest` [s]."""
        for line in self._lines.feed(self._wire.listen(min(longest, SLICE))):
            self._take(line)

    def answer(self, command: str) -> str:
        """Return the reply to a command. Raises InstrumentError for a complaint, Timeout."""
        reply = self.ask(f"{command}\n".encode(), command)
        complaint = parse_complaint(reply)
        if complaint is not None:
            raise self.complain(complaint, ())
        return reply

    def ask(self, request: bytes, letter: str) -> str:
        """Send a request and return the reply that begins with its letter. Raises Timeout."""
        if self._late:
            self.hear(self._wire.deadline)
        self._replies.clear()
        self._late = True
        self._wire.tell(request)
        reply = self.reply(letter)
        self._late = False
        return reply

    def reply(self, letter: str) -> str:
        """Return the next reply that begins with a letter. Raises Timeout."""
        until = self._clock.now() + self._wire.deadline
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if reply.startswith(letter):
                    return reply
            left = until - self._clock.now()
            if left <= 0.0:
                raise Timeout(
                    f"{self._name}: no reply to {letter!r} in time; whether it was heard is unknown, the instrument"
                    " is asked again before anything depends on it"
                )
            self.hear(left)

    def complain(self, complaint: Complaint, script: tuple[str, ...]) -> InstrumentError:
        """Return an error in words, once the instrument listens again."""
        self.rest()
        return InstrumentError(self._name, f"{complaint.code:04X}", complaint.words(script))

    def rest(self) -> None:
        """Leave the instrument alone after an error."""
        self._clock.sleep(AFTER_ERROR, self._wire.lane)

    # Small scripts of the idle instrument.

    def is_running(self) -> bool:
        """Offer an empty script: it is refused when one runs, and ends one that arrived in part."""
        complaint = parse_complaint(self._begin(SmallScript(expected=True, empty=True), ()))
        if complaint is not None:
            self.rest()
            return complaint.code == WRONG_MODE
        until = self._clock.now() + self._wire.deadline
        while self._small.heard is None and self._clock.now() < until:
            if self._is_heard() and self._small.lines is None:
                return True  # that `e` was a late one: the run's own
            self.hear(until - self._clock.now())
        if self._small.heard is None:
            raise Timeout(f"{self._name}: an empty script did not end; whether one runs is unknown")
        return False

    def execute(self, lines: tuple[str, ...]) -> list[str]:
        """Run a small script on the idle instrument and return what it sends."""
        complaint = parse_complaint(self._begin(SmallScript(expected=True), lines))
        if complaint is not None:
            raise self.complain(complaint, lines)
        until = self._clock.now() + self._wire.deadline
        while self._small.heard is None:
            left = until - self._clock.now()
            if left <= 0.0:
                raise Timeout(f"{self._name}: a script of {len(lines)} lines did not end in time")
            self.hear(left)
        complaint = parse_complaint(self._small.heard[-1])
        if complaint is not None:
            raise self.complain(complaint, lines)
        return self._small.heard

    def abort(self) -> bool:
        """Send `Z` until it is answered; return whether there was a script. One that comes twice finds none."""
        for _ in range(TRIES - 1):
            try:
                return parse_complaint(self.ask(b"Z\n", "Z")) is None
            except Timeout:
                self.is_running()  # ends a script that arrived in part, which would swallow a Z
        return parse_complaint(self.ask(b"Z\n", "Z")) is None

    # Files of the idle instrument.

    def free(self) -> int | None:
        """Return how many bytes of the storage are free; None for an instrument that keeps no files.

        Raises InstrumentError while a script runs.
        """
        reply = self.ask(b"fs_info\n", "f")
        complaint = parse_complaint(reply.removeprefix("f").removeprefix("s_info"))
        if complaint is not None and complaint.code in NO_FILES:
            self.rest()
            return None
        if complaint is not None:
            raise self.complain(complaint, ())
        found = _FREE.search(self.reply(""))
        return None if found is None else 1024 * int(found[1])

    def files(self) -> Sequence[StoredFile]:
        """Return all files."""
        rows: list[str] = []
        self._carry(_Transfer("fs_dir", "", rows.append), "fs_dir")
        return tuple(_listed(row) for row in rows)

    def fetch(self, file: StoredFile, take: Callable[[str], None]) -> bool:
        """Hand over the lines of a file; return whether it came whole. Raises InstrumentError, Timeout."""
        transfer = _Transfer("fs_get", SEPARATOR, take)
        self._carry(transfer, f"fs_get {file.path}")
        return file.size in (-1, transfer.size)

    def delete(self, path: str) -> None:
        """Delete a file. Raises InstrumentError, Timeout."""
        reply = self.ask(f"fs_del {path}\n".encode(), "fs_del")
        self._refuse("fs_del", reply)

    def _carry(self, transfer: _Transfer, command: str) -> None:
        """Send a command and hear its lines out. Raises InstrumentError, Timeout."""
        if self._late:
            self.hear(self._wire.deadline)
        self._replies.clear()
        self._transfer = transfer
        self._wire.tell(f"{command}\n".encode())
        size, until = 0, self._clock.now() + self._wire.deadline
        try:
            while not transfer.over:
                self.hear(until - self._clock.now())
                for reply in self._replies:
                    self._refuse(transfer.command, reply)
                if transfer.size != size:
                    size, until = transfer.size, self._clock.now() + self._wire.deadline
                if self._clock.now() >= until and not transfer.over:
                    self._late = True
                    raise Timeout(f"{self._name}: {command} did not come to its end in time")
        finally:
            self._transfer = None

    def _refuse(self, command: str, reply: str) -> None:
        complaint = parse_complaint(reply.removeprefix(command)) if reply.startswith(command) else None
        if complaint is not None:
            raise self.complain(complaint, ())

    def _take(self, line: str) -> None:
        """Give a line to whom it belongs: a transfer, whoever asked, a small script under way, or the run."""
        if self._transfer is not None and self._transfer.takes(line):
            return
        if not is_news(line):
            if line == "e" and self._small.expected:
                self._small.begins()
            self._replies.append(line)
        elif not self._small.takes(line):
            self._news(line)

    def _begin(self, small: SmallScript, lines: tuple[str, ...]) -> str:
        self._small = small
        try:
            return self.ask("\n".join(("e", *lines, "", "")).encode(), "e")
        finally:
            small.expected = False


def _listed(row: str) -> StoredFile:
    *fields, path = row.split(";")
    sizes = [int(each) for each in fields if each.strip().isdigit()]
    return StoredFile(path.strip(), sizes[0] if sizes else -1)
