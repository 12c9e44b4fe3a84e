"""Where the journals of runs are kept."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path

from devices.errors import DataError


def run_path(directory: Path, uid: str, time: float) -> Path:
    """Return where a run that began at `time` [s since the epoch] is kept.

    Raises DataError for a uid that is none: what stands in a file's name must not lead elsewhere.
    """
    if not is_uid(uid):
        raise DataError(f"{uid!r} is no uid of a run; nothing was written")
    began = datetime.datetime.fromtimestamp(time, datetime.UTC)
    return directory / "runs" / f"{began:%Y}" / f"{began:%m}" / f"{uid}.jnl"


def is_uid(text: str) -> bool:
    """Return whether a text is the uid of a run."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
