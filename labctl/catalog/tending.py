"""`labctl catalog`: bring a catalogue up to the journals, once or for as long as nobody says stop."""

from __future__ import annotations

import logging
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from devices.errors import DataError
from labctl.catalog.follower import Pass, answering, follow, follow_once
from labctl.catalog.logs import log_to_file
from labctl.catalog.place import ARRAYS, DATABASE, TABLES, Place, only_one
from labctl.catalog.writer import forget
from labctl.config.documents import shown
from labctl.runs.briefs import run_files

log = logging.getLogger(__name__)

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
    """Take out of a catalogue what the journals of this data folder can bring back; the embedded one's files go.

    Raises DataError when the embedded catalogue has runs that it cannot bring back, and CatalogueDown.
    """
    here = {path.stem for path in run_files(place.data)}
    if not place.embedded:
        with answering(place) as catalogue:
            for uid in here.intersection(catalogue.keys()):
                forget(catalogue, [uid])
        return
    lost = uids_of(place).difference(here)
    if lost:
        raise DataError(
            f"{place} has {len(lost)} runs whose journals are not in {shown(place.data)}, such as"
            f" {min(lost)[:8]}; put them back, or delete {shown(place.folder)} to give them up"
        )
    for pattern in (f"{DATABASE}*", f"{TABLES}*"):
        for path in place.folder.glob(pattern):
            path.unlink()
    if (place.folder / ARRAYS).exists():
        shutil.rmtree(place.folder / ARRAYS)


def uids_of(place: Place) -> set[str]:
    """Return the runs of the embedded catalogue; a damaged one, which is what a rebuild mends, has none."""
    file = place.folder / DATABASE
    if not file.exists():
        return set()
    with closing(sqlite3.connect(file)) as connection:
        try:
            return {uid for (uid,) in connection.execute("SELECT key FROM nodes WHERE parent = 0")}
        except sqlite3.DatabaseError:
            log.exception("%s cannot be read", file)
            return set()


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
