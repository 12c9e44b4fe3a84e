"""RE.md: what a session says of itself, and what people put there, which outlives the session."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from devices.errors import Corrupt, DataError
from labctl.metadata import plain_metadata
from labctl.whole_file import write_whole

SCAN = "scan_id"


class LastingMetadata(MutableMapping[str, Any]):
    """Metadata of a bench: kept in a file of its own, whole, whenever a key of people's is set or removed.

    What the session says of itself is in force and not kept, whatever is put in its place. What was changed inside a
    value (md["proposal"]["title"] = ...) is kept by keep(). The number of the last scan is kept too, so that scans of
    a bench are counted on. For any thread.
    """

    def __init__(self, path: Path, session: Mapping[str, Any]) -> None:
        """Read what was kept. Raises Corrupt when the file is no table."""
        self._path, self._session = path, dict(session)
        self._own = _read(path)
        self._kept = self._text()
        self._lock = threading.RLock()

    def __getitem__(self, key: str) -> Any:
        return self._session[key] if key in self._session else self._own[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self._session:
            self._session[key] = value
            return
        plain = plain_metadata({key: value})
        with self._lock:
            self._own |= plain
            self.keep()

    def __delitem__(self, key: str) -> None:
        with self._lock:
            if key in self._session:
                del self._session[key]
            else:
                del self._own[key]
                self.keep()

    def __iter__(self) -> Iterator[str]:
        return iter({**self._own, **self._session})

    def __len__(self) -> int:
        return len({**self._own, **self._session})

    def __repr__(self) -> str:
        return f"<what people said of all runs of this bench: {self._own!r}; {len(self._session)} keys of the session>"

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        """Return a table of its own: the engine copies what goes into a start document."""
        return copy.deepcopy({**self}, memo)

    def say(self, key: str, value: Any) -> None:
        """Say something in this session only."""
        self._session[key] = value

    def keep(self) -> None:
        """Have the file say what is said now; nothing when it does. Raises DataError when it cannot be written."""
        with self._lock:
            text = self._text()
            if text == self._kept:
                return
            try:
                write_whole(self._path, text.encode())
            except OSError as error:
                raise DataError(f"{self._path} cannot be written ({error}); nothing else is wrong") from error
            self._kept = text

    def next_scan(self) -> int:
        """Return the number of the next scan."""
        with self._lock:
            self[SCAN] = int(self._own.get(SCAN, 0)) + 1
            return int(self._own[SCAN])

    def _text(self) -> str:
        return json.dumps(plain_metadata(self._own), indent=1, ensure_ascii=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Corrupt(
            f"{path} holds the metadata of all runs and cannot be read ({error}); mend or remove it"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get(SCAN, 0), int):
        raise Corrupt(f"{path} is no table of metadata; mend or remove it")
    return found
