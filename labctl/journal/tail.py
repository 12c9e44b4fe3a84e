"""A journal read on as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labctl.journal.records import Record, check_record


class Tail:
    """Reads the records of one file, each once; a record that is not whole yet is left for the next time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self._sequence = 0

    def records(self) -> Iterator[Record]:
        """Yield what has come since. Raises Corrupt, Foreign, Newer as `read_records` does."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                record = check_record(self.path, line[:-1], self.offset, self._sequence)
                self.offset += len(line)
                self._sequence += 1
                yield record

    def grown(self) -> bool:
        """Return whether there are bytes that were not read."""
        return self.path.stat().st_size > self.offset

    def cut_short(self) -> bool:
        """Return whether bytes that were read are no longer there: recovery drops what is damaged."""
        return self.path.stat().st_size < self.offset
