"""What Tiled and the follower log: a file in the data folder; a terminal gets sentences."""

from __future__ import annotations

import logging

from labctl.catalog.place import Place
from labctl.day_file import DayFile

LOUD = ("tiled.server.app", "tiled.access_control.access_policies", "tiled.catalog.adapter")
"""Loggers to which Tiled gives handlers of their own."""


class Masking(logging.Formatter):
    """Writes messages and tracebacks without the password of the catalogue's URI."""

    def __init__(self, place: Place) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._place = place

    def format(self, record: logging.LogRecord) -> str:
        """Return one entry."""
        return self._place.masked(super().format(record))


def log_to_file(place: Place) -> None:
    """Send what labctl and Tiled log to logs/catalog.log of the day, tracebacks too."""
    folder = place.data / "logs"
    folder.mkdir(exist_ok=True)
    handler = DayFile(folder / "catalog.log")
    handler.setFormatter(Masking(place))
    for name in ("labctl", "tiled"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
    for name in LOUD:
        logging.getLogger(name).handlers[:] = []
