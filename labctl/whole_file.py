"""Files that are there whole or not at all: written beside their name, synced, renamed."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labctl.clock.label import wall_label

PASSING = re.compile(r"\.([0-9a-f]{16}\.part.*|(crate|derive|import)-[a-z0-9_]{8})")
"""What files and folders are called until they are whole."""

ABANDONED = 86400.0
"""Seconds after which what is not whole yet never will be: who wrote it was killed; guess."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on a good end it takes the name `path`, else it is removed.

    The temporary file stands in the same folder with the same last suffix. What stood under the name before stays
    until the new file is on the disk. Folders are not made. Raises OSError when the disk does not take the file.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
    except BaseException:
        # A disk that took nothing has nothing to remove, and says why better than its refusal to remove it.
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one, never a half. Raises OSError."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def passing_folder(parent: Path, what: str) -> Iterator[Path]:
    """Yield a hidden folder that is gone afterwards, as are those of the dead; `what`: one of the kinds in PASSING.

    Raises OSError when the disk does not take it.
    """
    sweep(parent)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{what}-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def sweep(folder: Path) -> None:
    """Remove from a folder what writers that were killed left there, once it is a day old."""
    for entry in folder.iterdir():
        if PASSING.fullmatch(entry.name) is None:
            continue
        # Another process may sweep the same folder.
        with suppress(FileNotFoundError):
            if wall_label() - entry.lstat().st_mtime < ABANDONED:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _sync(path: Path) -> None:
    """Make a file's content, or a folder's names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
