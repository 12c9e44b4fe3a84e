"""What every station last said of itself: state/<device>.json, written whole, read by anybody, ports left alone.

A lamp or channel of twins is its bench's own: state/<bench>/<device>.json; a real one is the same on every bench. What
latches faults keeps its file where all sessions of its machine find it, whatever their data folder; a link leads there.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from devices.errors import Corrupt, DataError

if TYPE_CHECKING:
    from devices.base import Station
    from devices.clock import Clock

log = logging.getLogger(__name__)

SCHEMA = 1
PERIOD = 1.0
"""Seconds of the wall between two reports that differ in nothing but their reading: readers live on the wall."""
READING = frozenset({"reading", "film", "kept"})
READING_AND_PLACE = READING | {"job"}
"""On twins that end with their session the place within a step, too: nobody can take them over."""
SAFE = frozenset({"SAFE", "OPEN"})
"""States of a station in which nothing is to be done."""
GONE = frozenset({"Z", "X"})
"""States of a process that nobody has waited for yet, but that does nothing any more [proc(5)]."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Owner:
    """Whoever publishes: a process of one boot of this machine; began: its kernel's mark of when it did.

    A number alone would be given to another process after it; since is a label for people [s since the epoch].
    """

    pid: int
    boot: str
    began: str
    since: float

    @classmethod
    def this(cls, since: float) -> Self:
        """Return this process."""
        pid = os.getpid()
        return cls(pid, boot_id(), _began(pid), since)

    @property
    def lives(self) -> bool:
        """Whether it is still there."""
        return self.boot == boot_id() and bool(self.began) and self.began == _began(self.pid)


@dataclass(frozen=True)
class Said:
    """One device's last word. open: its session has not ended in good order; latched: until a person resets it.

    file: that of its bench, which may lie anywhere.
    """

    device: str
    bench: str
    sequence: int
    time: float
    owner: Owner
    open: bool
    report: Mapping[str, Any]
    file: str = ""

    @property
    def where(self) -> str:
        """What a command is to be told as its bench."""
        return self.file or self.bench

    @property
    def latched(self) -> str:
        """Why only a person's command lets it go on; empty where nothing is latched."""
        return str(self.report.get("latched", ""))

    @property
    def safe(self) -> bool:
        """Whether nothing is to be done there: a lamp that cannot fire, a cell that is open."""
        return str(self.report.get("state", "SAFE")).upper() in SAFE

    @property
    def abandoned(self) -> bool:
        """Whether its owner is dead and somebody has to act: a cycler goes on by itself, as it should."""
        return self.died and not self.report.get("goes_on_alone") and not self.safe

    @property
    def died(self) -> bool:
        """Whether its owner is gone and did not say so."""
        return self.open and not self.owner.lives


class StateFile:
    """One device's file, written by its owner. It is open until close(); a latched fault stays in it after that.

    fleeting: what changes with every look, and is kept once a second at the most.
    """

    def __init__(
        self,
        path: Path,
        device: str,
        bench: str,
        clock: Clock,
        fleeting: frozenset[str] = READING,
        file: str = "",
    ) -> None:
        self._fleeting = fleeting
        self._path, self._clock = path, clock
        owner = asdict(Owner.this(clock.time()))
        self._frame = {"schema": SCHEMA, "device": device, "bench": bench, "file": file, "owner": owner}
        self._beside = path.with_suffix(".new")
        self._lock = threading.Lock()
        self._sequence = 0
        self._last: Mapping[str, Any] | None = None
        self._newest: Mapping[str, Any] = {}
        self._written = 0.0

    def publish(self, report: Mapping[str, Any], *, lasting: bool = False) -> None:
        """Keep a report, at once where it says something new; as devices.base.Publisher says."""
        settled = {key: value for key, value in report.items() if key not in self._fleeting}
        with self._lock:
            self._newest = report
            new = lasting or settled != self._last
            if new or monotonic() - self._written >= PERIOD:
                self._last = settled
                self._try_to_write(report, is_open=True, lasting=lasting)

    def close(self) -> None:
        """Say that its session ended in good order."""
        with self._lock:
            if self._last is not None:
                self._try_to_write(self._newest, is_open=False, lasting=bool(self._newest.get("latched")))

    def _try_to_write(self, report: Mapping[str, Any], *, is_open: bool, lasting: bool) -> None:
        try:
            self._write(report, is_open=is_open, lasting=lasting)
        except OSError as error:
            # A full disk must not keep a lamp from going into FAULT: who cannot tell it acts all the same.
            log.error("%s: its state could not be written: %s", self._path, error)

    def _write(self, report: Mapping[str, Any], *, is_open: bool, lasting: bool) -> None:
        self._sequence += 1
        said = {"sequence": self._sequence, "time": self._clock.time(), "open": is_open, "report": report}
        content = json.dumps(self._frame | said).encode()
        if self._sequence == 1:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.write(file, content)
            if lasting:
                os.fsync(file)
        finally:
            os.close(file)
        self._beside.replace(self._path)
        if lasting:
            self._sync_folder()
        self._written = monotonic()

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def state_path(data: Path, device: str, bench: str, *, twin: bool) -> Path:
    """Return where a device's last word is kept."""
    folder = data / "state" / bench if twin else data / "state"
    return folder / f"{device}.json"


def last_said(path: Path) -> Said | None:
    """Return what stands in a file, None where there is none. Raises Corrupt when it is no such file."""
    try:
        told = json.loads(path.read_text())
        return Said(
            str(told["device"]),
            str(told["bench"]),
            int(told["sequence"]),
            float(told["time"]),
            Owner(**told["owner"]),
            bool(told["open"]),
            dict(told["report"]),
            str(told.get("file", "")),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(
            f"{path} does not say in what state the device was left ({error!r}); look at the device, then remove"
            " the file"
        ) from error


def linked(path: Path, home: Path) -> Path:
    """Have a file lie in `home`, with a link to it where it is looked for; return where it lies.

    One of before that lies where it is looked for is copied there, unless there is one already. Raises DataError.
    """
    lies = home / path.name
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{home} is to tell of {path.stem} to whoever comes next, and cannot be made: {error.strerror}; name"
            " another folder in $LABCTL_MACHINE"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink() and path.exists() and not lies.exists():
        lies.write_bytes(path.read_bytes())
    beside = path.with_suffix(".link")
    beside.unlink(missing_ok=True)
    beside.symlink_to(lies.absolute())
    beside.replace(path)
    return lies


def report_to_file(
    station: Station, data: Path, bench: str, *, twin: bool, found: Path, home: Path
) -> Callable[[], None]:
    """Tell a station its last word of before, keep what it reports from now on; return what ends that.

    found: the bench's file, for whoever has to make the device safe after its owner died. home: the folder in which
    a device that latches faults is known to all sessions that may use it.
    Raises Corrupt when nobody can know in what state it was left.
    """
    path = state_path(data, station.name, bench, twin=twin)
    if station.latches and not twin:
        path = linked(path, home)
    said = last_said(path)
    if said is not None:
        station.recall(said.report, died=said.died)
    fleeting = READING_AND_PLACE if twin else READING
    file = StateFile(path, station.name, bench, station.clock, fleeting, str(found))
    station.publish_to(file)
    station.publish(lasting=True)
    return file.close


def real_states(data: Path) -> Iterator[Said]:
    """Yield the last word of every device that outlives its session: twins of a session end with it. Raises Corrupt."""
    for path in sorted(data.glob("state/*.json")):
        said = last_said(path)
        if said is not None:
            yield said


def states(data: Path) -> Iterator[Said]:
    """Yield the last word of every device of a data folder, real ones first. Raises Corrupt."""
    for path in [*sorted(data.glob("state/*.json")), *sorted(data.glob("state/*/*.json"))]:
        said = last_said(path)
        if said is not None:
            yield said


def boot_id() -> str:
    """Return which boot of this machine this is; "unknown" where the kernel does not say."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"


def _began(pid: int) -> str:
    """Return when the kernel says that a process began, in its ticks; nothing where there is none, or a dead one."""
    with suppress(OSError):
        # The name before it may hold anything, a closing parenthesis too.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in GONE else fields[19]
    return ""
