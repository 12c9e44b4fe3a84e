"""Journals that do not say whose run they are: set aside by a person's word, beside where they stood.

One that was set aside keeps its name but for the suffix, by which it is no journal of the folder any more.
"""

from __future__ import annotations

import os
from pathlib import Path

from devices.errors import DataError, OwnershipError

ASIDE = ".aside"
"""Suffix of a journal that was set aside."""


def how_to_set_aside(path: Path) -> str:
    """Return what a person types to have a journal set aside."""
    return f"`labctl recover {path.stem[:8]} --despite REASON` sets it aside"


def why_unread(path: Path) -> str:
    """Return why a journal does not say whose run it is; empty where it does."""
    # What reads journals brings numpy along, for which whoever lists samples does not wait.
    from labctl.journal.documents import read_start

    try:
        return "" if read_start(path) is not None else f"{path} ends before its start document"
    except DataError as error:
        return str(error)


def put_aside(path: Path) -> Path:
    """Set a journal aside and return where it is; of one that is not there an empty one.

    Raises OwnershipError while it is written, Unreadable when nobody can tell, OSError.
    """
    from labctl.journal.records import has_writer, sync_folder

    aside = path.with_suffix(ASIDE)
    if not os.path.lexists(path):
        aside.touch()
    elif path.is_file() and has_writer(path):
        raise OwnershipError(str(path), "another process")
    else:
        path.rename(aside)
    sync_folder(path.parent)
    return aside


def aside_journals(data: Path) -> list[Path]:
    """Return the journals of a data folder that were set aside."""
    found = []
    for month in sorted((data / "runs").glob("*/*/")):
        # Names only: of ten thousand runs, paths take longer than all else that is asked.
        with os.scandir(month) as entries:
            found += [month / entry.name for entry in entries if entry.name.endswith(ASIDE)]
    return sorted(found)
