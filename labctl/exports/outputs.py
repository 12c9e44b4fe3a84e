"""The files of one export: safe names, nothing overwritten unasked, all there or none."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO, TypeVar

from devices.errors import DataError
from labctl.whole_file import sweep, whole_file

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""As the ids of samples."""

Closing = TypeVar("Closing")


class Outputs:
    """A context in which an export writes; at its good end the files take their names, else none does.

    Names are `stem` and an ending that the export gives.
    """

    def __init__(self, directory: Path, stem: str, *, overwrite: bool = False) -> None:
        self.directory, self.stem = directory, stem
        self.files: list[Path] = []
        self._overwrite = overwrite
        self._stack = ExitStack()

    def __enter__(self) -> Outputs:
        self.directory.mkdir(parents=True, exist_ok=True)
        sweep(self.directory)
        self._stack.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.__exit__(*raised)  # type: ignore[arg-type]  # what Python hands over is handed on

    def path(self, ending: str) -> Path:
        """Return a temporary path for the file of that ending. Raises DataError when its name is taken."""
        final = self.directory / f"{self.stem}{ending}"
        if final in self.files:
            raise DataError(f"two tables of the run would both be called {final.name}; nothing was written")
        if final.exists() and not self._overwrite:
            raise DataError(f"{final} exists; nothing was written. --overwrite replaces it")
        self.files.append(final)
        return self._stack.enter_context(whole_file(final))

    def text(self, ending: str) -> TextIO:
        """Open a text file of that ending; it is closed before it takes its name."""
        return self._stack.enter_context(self.path(ending).open("w", newline="", encoding="utf-8"))

    def closing(self, thing: Closing) -> Closing:
        """See that something is closed before the files take their names."""
        self._stack.callback(thing.close)  # type: ignore[attr-defined]  # writers of three libraries, all with close()
        return thing


def writable(text: str) -> str:
    """Return a text without what UTF-8 or HDF5 cannot hold: half a surrogate pair, NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")


def safe_name(text: str, instead: str) -> str:
    """Return a text if it may stand in a file name, else what is to stand there instead."""
    return text if SAFE.fullmatch(text) else instead
