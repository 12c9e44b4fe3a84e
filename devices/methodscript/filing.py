"""The files in which scripts of ours keep what they send: room for one, what is in it, and when it goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from devices.cycling.cycler import Record
from devices.errors import InstrumentError, Timeout
from devices.methodscript.compile import BYTES_OF_A_ROW, FILES
from devices.methodscript.conversation import Conversation, StoredFile
from devices.methodscript.reading import RunReader

LEAST_ROOM = 86400 * BYTES_OF_A_ROW
"""Bytes that must be free for a script's file: a day of rows, one a second."""

ROOM_SHARE = 0.9
"""Part of what is free that a file may take; guess."""

TRIES = 3
"""How often a file is read before what is missing in it counts as missing."""


class ScriptFiles:
    """The files of our scripts on an instrument, which gives and deletes them while it is idle."""

    def __init__(self, line: Conversation, name: str) -> None:
        self._line, self._name = line, name
        self._collected: deque[tuple[int, str]] = deque()

    def paths(self) -> list[str]:
        """Return the paths of all of them. Raises WireError."""
        return [each.path for each in self._line.files() if each.path.startswith(FILES)]

    def holds(self, path: str) -> bool:
        """Return whether there is a file of that path; there is none without one. Raises WireError."""
        return bool(path) and path in self.paths()

    def room(self) -> int | None:
        """Return the bytes that a new one may have, None where there are no files.

        Raises InstrumentError when they are too few.
        """
        free = self._line.free()
        if free is None:
            return None
        if free < LEAST_ROOM:
            raise InstrumentError(
                self._name,
                "storage",
                f"{free} bytes are free on the instrument, and a day of rows needs {LEAST_ROOM}; it keeps"
                f" {len(self.paths())} files of earlier sessions. Take their jobs over, or delete_files()",
            )
        return int(ROOM_SHARE * free)

    def delete_behind(self, number: int, path: str) -> None:
        """Let a file go as soon as all records before a number are acknowledged."""
        self._collected.append((number, path))

    def clear(self, acknowledged: int) -> None:
        """Delete the files whose records are acknowledged, those before a number. Raises WireError."""
        while self._collected and self._collected[0][0] <= acknowledged:
            with suppress(InstrumentError):  # it is gone already
                self._line.delete(self._collected[0][1])
            self._collected.popleft()

    def delete_all(self) -> int:
        """Delete all of them; return how many there were. Raises WireError."""
        paths = self.paths()
        for path in paths:
            self._line.delete(path)
        return len(paths)

    def read_back(self, reader: RunReader, book: Callable[[Iterable[Record]], None]) -> bool:
        """Book what a script kept and was not yet heard; return whether there was a file.

        What was booked stays so when it has to be tried again: packages are numbered. Raises WireError when the file
        does not come whole.
        """
        path = reader.script.file
        file = next((each for each in self._line.files() if each.path == path), StoredFile(path))
        whole = missing = False
        for left in reversed(range(TRIES)):
            reader.is_torn, reader.takes_gaps = False, whole and not left
            try:
                whole = self._line.fetch(file, lambda text: book(reader.from_file(text)))
            except InstrumentError:
                missing = True
                continue
            missing = False
            if whole and not reader.is_torn:
                return True
        if missing:
            return False
        if not whole:
            raise Timeout(f"{path} on the instrument did not come whole; it is read again")
        return True
