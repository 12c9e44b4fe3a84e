"""The files of an instrument that runs MethodSCRIPT: what a script writes, and what its host asks of them.

File modes, the version in a file's first line and the size are in PalmSens/MethodSCRIPT_Examples and the documents of
pypalmsens 1.11; error codes as its list of the MethodSCRIPT manual's has them. Guesses: that a mode 0 writes over what
is there, that what is not yet in a whole block goes with the power, dates, and the form of a listing and of the sizes.
"""

from __future__ import annotations

SIZE = 522_752 * 1024
"""Bytes of an EmStat4's storage [example in the documents of pypalmsens]."""

BLOCK = 4096
"""Bytes that are written at once; guess."""

NO_FILE, BAD_PATH, BAD_MODE, NO_COUNTER, NOT_OPEN, FULL, TOO_MANY = (
    0x009F,
    0x009E,
    0x402D,
    0x402E,
    0x403B,
    0x0026,
    0x4030,
)
OVERWRITE, APPEND, COUNT = range(3)

VERSION_LINE = b"v01.08.00\n"


class StorageError(Exception):
    """What cannot be done with files: its code."""

    def __init__(self, code: int) -> None:
        self.code = code


class Storage:
    """Files by their path, of which a script has one open at a time; `size` [bytes] for all of them."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.files: dict[str, bytearray] = {}
        self._open: str | None = None
        self._safe = 0

    @property
    def used(self) -> int:
        """Bytes in files."""
        return sum(map(len, self.files.values()))

    def open(self, path: str, mode: int) -> None:
        """Open a file to be written. Raises StorageError."""
        if self._open is not None:
            raise StorageError(TOO_MANY)
        if mode not in (OVERWRITE, APPEND, COUNT):
            raise StorageError(BAD_MODE)
        if ("&i" in path) != (mode == COUNT):
            raise StorageError(NO_COUNTER)
        path = _rooted(path)
        if mode == COUNT:
            tries = (path.replace("&i", f"{number:04d}") for number in range(10_000))
            path = next(each for each in tries if each not in self.files)
        if mode == OVERWRITE:
            self.files.pop(path, None)
        self.files.setdefault(path, bytearray())
        self._open, self._safe = path, len(self.files[path])
        if not self.files[path]:
            self.write(VERSION_LINE)

    def write(self, data: bytes) -> None:
        """Append to the open file. Raises StorageError."""
        if self._open is None:
            raise StorageError(NOT_OPEN)
        if self.used + len(data) > self.size:
            raise StorageError(FULL)
        file = self.files[self._open]
        file += data
        self._safe = max(self._safe, len(file) - len(file) % BLOCK)

    def close(self) -> None:
        """Close what is open."""
        self._open = None

    def lose_power(self) -> None:
        """Keep of an open file what was in whole blocks."""
        if self._open is not None:
            del self.files[self._open][self._safe :]
        self._open = None

    def answer(self, line: str) -> bytes:
        """Return the reply to a command of an idle instrument. Raises StorageError."""
        command, _, argument = line.partition(" ")
        if command == "fs_dir":
            rows = (f"2026-01-01 00:00:00;FIL;{len(data)};{path}\n" for path, data in self.files.items())
            return f"fs_dir\n{''.join(rows)}\n".encode()
        if command == "fs_info":
            free, total = (self.size - self.used) // 1024, self.size // 1024
            return f"fs_info\nused:{total - free}kB free:{free}kB total:{total}kB\n".encode()
        path = _rooted(argument)
        if path not in self.files:
            raise StorageError(NO_FILE)
        if command == "fs_get":
            return b"fs_get\n" + bytes(self.files[path]) + b"\x1c\n"
        del self.files[path]
        return f"{command}\n".encode()


COMMANDS = ("fs_dir", "fs_info", "fs_get", "fs_del")
"""What the twin knows of what the instrument does with files."""


def _rooted(path: str) -> str:
    if not path or not path.isascii():
        raise StorageError(BAD_PATH)
    return path if path.startswith("/") else f"/{path}"
