"""A journal read on as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labctl.journal.records import Record, check_record, reading, size_of
from labctl.journal.shape import Shape, any_shape


class Tail:
    """Reads the records of one file, each once; a record that is not whole yet is left for the next time.

    shape: what its payloads must be, or they are damage.
    """

    def __init__(self, path: Path, shape: Shape = any_shape) -> None:
        self.path, self._shape = path, shape
        self.offset = 0
        self._sequence = 0

    def records(self) -> Iterator[Record]:
        """Yield what has come since. Raises Corrupt, Foreign, Newer, Unreadable as `read_records` does."""
        with reading(self.path) as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                record = check_record(self.path, line[:-1], self.offset, self._sequence, self._shape)
                self.offset += len(line)
                self._sequence += 1
                yield record

    def grown(self) -> bool:
        """Return whether there are bytes that were not read."""
        return size_of(self.path) > self.offset

    def cut_short(self) -> bool:
        """Return whether bytes that were read are no longer there: recovery drops what is damaged."""
        return size_of(self.path) < self.offset
