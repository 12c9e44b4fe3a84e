"""A night gone on with, from a terminal or by whoever starts the machine."""

from __future__ import annotations

import sys
from pathlib import Path

from labctl.config.finder import data_dir
from labctl.night.folder import find_night, is_over, nights
from labctl.night.following import summary
from labctl.night.supervisor import supervise


def go_on(name: str | None, data: Path | None) -> int:
    """Go on with a night that did not come to its end; return the exit status. Raises DataError.

    Nothing to go on with is no failure: whoever starts the machine asks every time.
    """
    kept = data_dir(data).absolute()
    if name in (None, "last") and next(nights(kept), None) is None:
        tell(f"no night in {kept}: nothing to go on with")
        return 0
    folder = find_night(kept, "" if name in (None, "last") else str(name))
    if is_over(folder):
        tell(
            f"night {folder.name} came to its end: {summary(folder)}; `labctl report {folder.name}` tells more"
        )
        return 0
    tell(f"night {folder.name} goes on")
    return supervise(folder, tell)


def tell(text: str) -> None:
    """Say something on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
