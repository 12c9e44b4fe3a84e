"""`labctl catalog`: bring a catalogue up to the journals, once or for as long as nobody says stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devices.errors import DataError
from labctl.catalog.follower import Pass, follow, follow_once
from labctl.catalog.logs import log_to_file
from labctl.catalog.opened import opened
from labctl.catalog.place import DATABASE, TABLES, Place, only_one
from labctl.catalog.writer import forget

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def tend(place: Place, *, once: bool, rebuild: bool, tell: Callable[[str], None]) -> None:
    """Follow the journals into the catalogue. Raises OwnershipError, DataError, CatalogueDown."""
    with only_one(place):
        log_to_file(place)
        if rebuild:
            empty(place)
        if once:
            said = follow_once(place, tell)
            tell(summary(place, said))
            if said.aside:
                raise DataError(
                    f"{len(said.aside)} of the runs are not, or not wholly, in the catalogue; see above"
                )
            return
        with over_by_signal() as over:
            tell(f"following {place.data} into {place}; Ctrl-C ends it")
            follow(place, over, tell)


def empty(place: Place) -> None:
    """Take everything out of a catalogue that came from here; the embedded one's files are deleted."""
    if place.embedded:
        for pattern in (f"{DATABASE}*", f"{TABLES}*"):
            for path in place.folder.glob(pattern):
                path.unlink()
        return
    with opened(place) as catalogue:
        for uid in list(catalogue.keys()):
            forget(catalogue, [uid])


def summary(place: Place, said: Pass) -> str:
    """Return what was done, in a line."""
    return f"{said.runs} runs, {said.rows} rows written to {place}"


@contextmanager
def over_by_signal() -> Iterator[threading.Event]:
    """Yield an event that the first signal sets."""
    over = threading.Event()
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: over.set()) for number in heeded}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
