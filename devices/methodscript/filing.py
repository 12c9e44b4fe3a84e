"""Reads what a script that is over has kept in its file on the instrument."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devices.cycling.cycler import Record
from devices.errors import InstrumentError, Timeout
from devices.methodscript.conversation import Conversation, StoredFile
from devices.methodscript.reading import RunReader

TRIES = 3
"""How often a file is read before what is missing in it counts as missing."""


def read_back(line: Conversation, reader: RunReader, book: Callable[[Iterable[Record]], None]) -> bool:
    """Book what a script kept and was not yet heard; return whether there was a file.

    What was booked stays so when it has to be tried again: packages are numbered. Raises WireError when the file
    does not come whole.
    """
    path = reader.script.file
    file = next((each for each in line.files() if each.path == path), StoredFile(path))
    whole = missing = False
    for left in reversed(range(TRIES)):
        reader.is_torn, reader.takes_gaps = False, whole and not left
        try:
            whole = line.fetch(file, lambda text: book(reader.from_file(text)))
        except InstrumentError:
            missing = True
            continue
        missing = False
        if whole and not reader.is_torn:
            return True
    if missing:
        return False
    if not whole:
        raise Timeout(f"{path} on the instrument did not come whole; it is read again")
    return True
