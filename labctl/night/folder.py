"""A night's folder in the data: its list as it was given, what it was begun with, its chronicle, orders, heartbeat."""

from __future__ import annotations

import datetime
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.night.chronicle import happenings
from labctl.whole_file import write_whole

NIGHTS = "nights"
"""In the data folder: the folders of all nights."""

LIST, BEGUN = "list.toml", "begun.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Begun:
    """What a night was begun with: the list's own folder and the configuration's (files are seen from there), why it
    runs although its rehearsal failed, what the rehearsal said it takes [s, bytes]."""

    list_folder: str
    list_name: str
    config: str
    despite: str
    duration: float
    disk: int
    began: float


def make_folder(data: Path, listed: Path, begun: Begun) -> Path:
    """Make the folder of a night that begins; its name tells the list and the minute. Raises DataError."""
    moment = datetime.datetime.fromtimestamp(begun.began, datetime.UTC)
    name = f"{listed.stem}-{moment:%Y%m%d-%H%M%S}"
    folder = data / NIGHTS / name
    try:
        folder.mkdir(parents=True)
        write_whole(folder / LIST, listed.read_bytes())
        write_whole(folder / BEGUN, json.dumps(asdict(begun)).encode())
    except FileExistsError as error:
        raise DataError(
            f"{folder} is there already: another night began in this second; try again"
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def require_room_for_nights(data: Path) -> None:
    """Raise DataError where a night's folder cannot be made: it is better known before all of it is rehearsed."""
    folder = data / NIGHTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder} cannot be written ({error.strerror}); no night began. Name another folder with --data"
    )


def begun_of(folder: Path) -> Begun:
    """Return what a night was begun with. Raises DataError where the folder is no night's."""
    try:
        return Begun(**json.loads((folder / BEGUN).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{folder} is no night's folder ({error})") from error


def nights(data: Path) -> Iterator[Path]:
    """Yield the folders of all nights, oldest first."""
    found = [path.parent for path in (data / NIGHTS).glob(f"*/{BEGUN}")]
    yield from sorted(found, key=lambda folder: begun_of(folder).began)


def find_night(data: Path, name: str = "") -> Path:
    """Return the folder of a night, by name; the newest if none is given. Raises DataError."""
    known = list(nights(data))
    if not name and known:
        return known[-1]
    for folder in known:
        if folder.name == name and _NAME.fullmatch(name):
            return folder
    there = f"there are {', '.join(folder.name for folder in known[-5:])}" if known else "there is none yet"
    raise DataError(f"no night {name!r} in {data}; {there}" if name else f"no night in {data}; {there}")


def is_over(folder: Path) -> bool:
    """Return whether a night came to its end and said so."""
    return any(each["what"] == "over" for each in happenings(folder))
