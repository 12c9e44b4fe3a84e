"""What is logged goes to a file of the day; where that cannot be written, a terminal gets words, not tracebacks."""

from __future__ import annotations

import logging
import sys
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

from labctl.terminal import tell


class DayFile(TimedRotatingFileHandler):
    """Appends to a file until midnight (UTC), then begins the next; what it cannot write it says once to a terminal."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, when="midnight", utc=True, delay=True)
        self._told: set[str] = set()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say an entry that the disk did not take; a mistake in an entry itself is told as Python does."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
            return
        said = record.getMessage()
        if said not in self._told:
            self._told.add(said)
            tell(self.format(record).splitlines()[0])
