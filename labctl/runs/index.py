"""The index of a data directory: what is searched for in its runs, in sqlite.

It is a cache. The journals are the truth; every use first brings it up to date by the sizes and times of the
files, and a damaged, foreign or newer index is thrown away and made anew. Where the folder cannot be written
it lives in memory.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from devices.errors import DataError
from labctl.runs.remarks import SUFFIX

if TYPE_CHECKING:
    from labctl.runs.entries import Entry

JOURNAL = ".jnl"
FILE = "index.sqlite"
APPLICATION, SCHEMA = 0x6C616263, 10
"""What marks an index as labctl's ("labc"), and its version: raised with every change of what entries.py reads."""

PATIENCE = 10.0
"""Seconds to wait for another process that brings the same index up to date; guess."""

PRIMARY = 0xFF
"""The part of sqlite's error codes that says which kind of error it is."""

UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""Errors after which an index in memory serves; after others the file is made anew."""

TOGETHER = 200
"""Runs read before they are written to the index at once: another reader waits no longer than that takes."""

COLUMNS = (
    "uid TEXT", "began REAL", "ended REAL", "plan TEXT", "purpose TEXT", "sample TEXT", "label TEXT",
    "experiment TEXT", "experiment_name TEXT", "status TEXT", "reason TEXT", "operator TEXT", "bench TEXT",
    "body TEXT", "body_hash TEXT", "notes TEXT", "continues TEXT", "damage TEXT", "mark TEXT", "why TEXT",
    "remarks INTEGER", "partial INTEGER",
)  # fmt: skip
Answer = TypeVar("Answer")

NAMES = tuple(column.partition(" ")[0] for column in COLUMNS)

TABLES = f"""
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL,
  size INTEGER, changed INTEGER, remarks_size INTEGER, remarks_changed INTEGER,
  listed INTEGER, {", ".join(COLUMNS)}
);
CREATE INDEX runs_uid ON runs(uid);
CREATE INDEX runs_began ON runs(began);
CREATE INDEX runs_sample ON runs(sample, began);
CREATE INDEX runs_partial ON runs(path) WHERE partial = 1;
CREATE INDEX runs_continues ON runs(continues) WHERE continues <> '';
CREATE TABLE keys (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL);
CREATE TABLE amounts (run INTEGER NOT NULL, key INTEGER NOT NULL, number REAL, text TEXT);
CREATE INDEX amounts_key ON amounts(key, number, run);
CREATE INDEX amounts_run ON amounts(run);
CREATE TABLE devices (run INTEGER NOT NULL, name TEXT, role TEXT, real INTEGER, used INTEGER);
CREATE INDEX devices_run ON devices(run);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA}
"""


Seen = tuple[int, int, int, int]
"""By what a run is known to be as it was: size [bytes] and time of change [ns] of its journal, and of the remarks on
it, zeros where there are none. A plain tuple: there are ten thousand of them at each question."""


UNSEEN: Seen = (-1, 0, 0, 0)
"""What no run is like."""


def ask_index(data: Path, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
    """Return what a question finds in a data directory's index, brought up to date; rows come as sqlite3.Row.

    Nothing is made where there are no runs.
    """
    data = data.absolute()
    if (data / "runs").is_dir():
        for discard in (False, True):
            try:
                if discard:
                    _throw_away(data / FILE)
                with closing(_on_disk(data / FILE)) as connection:
                    bring_up_to_date(connection, data)
                    return question(connection)
            except sqlite3.DatabaseError as error:
                # Python's own errors, of a text that is none, say no code.
                if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & PRIMARY in UNWRITABLE:
                    break
            except UnicodeDecodeError:
                continue
            except OSError:
                break
    with closing(_in_memory(data / FILE)) as connection:
        bring_up_to_date(connection, data)
        return question(connection)


def mend_index(data: Path) -> bool:
    """Throw the index away where it says of a run what its journal does not; return whether it did.

    sqlite finds a page that is spoilt, not a value in it: only the journals can tell.
    """
    data = data.absolute()
    if not (data / FILE).is_file():
        return False
    kept = ask_index(data, _contents)
    with closing(_connected(":memory:")) as memory:
        _make(memory)
        bring_up_to_date(memory, data)
        read = _contents(memory)
    # A run may go on meanwhile.
    if all(kept[run] == read[run] for run in kept.keys() & read.keys()):
        return False
    _throw_away(data / FILE)
    return True


def _contents(connection: sqlite3.Connection) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Return all that an index says of each run as it was seen, in an order that does not depend on its making."""
    cursor = connection.cursor()
    cursor.row_factory = None
    runs = cursor.execute(f"SELECT id, {_SEEN}, listed, {', '.join(NAMES)} FROM runs").fetchall()
    told = {row[0]: (row[1:6], [row[6:]]) for row in runs}
    for question in (
        "SELECT run, keys.key, number, text FROM amounts JOIN keys ON keys.id = amounts.key"
        " JOIN runs ON runs.id = run ORDER BY 1, 2, 3, 4",
        "SELECT run, name, role, real, used FROM devices JOIN runs ON runs.id = run ORDER BY 1, 2, 3, 4, 5",
    ):
        for run, *rest in cursor.execute(question):
            told[run][1].append(tuple(rest))
    return dict(told.values())


def files_of(data: Path) -> dict[str, Seen]:
    """Return the journals of a data directory by their path below it, as they are now."""
    found: dict[str, Seen] = {}
    skipped = len(str(data)) + 1
    for month in _folders(_folders([str(data / "runs")])):
        files = _files(month)
        below = month[skipped:]
        for name, journal in files.items():
            # Names that are no text cannot be those of runs.
            if name.endswith(JOURNAL) and name.isascii():
                remarks = files.get(f"{name[: -len(JOURNAL)]}{SUFFIX}", (0, 0))
                found[f"{below}/{name}"] = journal + remarks
    return found


def _files(folder: str) -> dict[str, tuple[int, int]]:
    """Return size and time of change of the files in a folder by name; without those that vanish meanwhile."""
    found = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                status = _status(entry)
                # What is no file, a folder or a pipe, holds nothing of a run whatever it is called.
                if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                    found[entry.name] = (status.st_size, status.st_mtime_ns)
    return found


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    """Return what stat says of a file; of a link that leads nowhere, as to a disk that is not there, of the link."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def _folders(parents: list[str]) -> list[str]:
    found = []
    for parent in parents:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(parent) as entries:
            found += [entry.path for entry in entries if entry.is_dir()]
    return sorted(found)


def _connected(name: str, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(name, timeout=PATIENCE, isolation_level=None, **options)
    connection.row_factory = sqlite3.Row
    return connection


def _on_disk(path: Path) -> sqlite3.Connection:
    """Return the index in a file. Raises DatabaseError when it is damaged, foreign or of another version."""
    connection = _connected(str(path))
    try:
        if not _is_ours(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            _make(connection)
        # Pages and rows, not what stands in them: 13 ms of ten thousand runs.
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise _spoilt(found)
        # It can be made again: a power cut may take the last entries, never the order of the file.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file, unless another process was faster. Raises DatabaseError if it is not empty."""
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        for statement in TABLES.split(";"):
            connection.execute(statement)
    connection.execute("COMMIT")
    if not _is_ours(connection):
        raise _spoilt("not an index of this version")


def _spoilt(why: str) -> sqlite3.DatabaseError:
    """Return the error of an index that is to be thrown away."""
    error = sqlite3.DatabaseError(why)
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    return error


def _is_ours(connection: sqlite3.Connection) -> bool:
    marks = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    return marks == [APPLICATION, SCHEMA]


def _in_memory(path: Path) -> sqlite3.Connection:
    """Return an index in memory, with what a file that cannot be written already knows."""
    memory = _connected(":memory:")
    try:
        with closing(_connected(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as kept:
            if _is_ours(kept):
                kept.backup(memory)
    except sqlite3.DatabaseError:
        memory.close()
        memory = _connected(":memory:")
    if not _is_ours(memory):
        _make(memory)
    return memory


def _throw_away(path: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def bring_up_to_date(connection: sqlite3.Connection, data: Path) -> None:
    """Read the journals that are new or changed since they were last looked at, and forget those that are gone."""
    cursor = connection.cursor()
    cursor.row_factory = None
    known: dict[str, Seen] = {row[0]: row[1:] for row in cursor.execute(_KNOWN)}
    for (path,) in cursor.execute("SELECT path FROM runs WHERE partial = 1").fetchall():
        if not is_written(data / path):
            known[path] = UNSEEN
    present = files_of(data)
    if known == present:
        return
    # Reading journals takes numpy; a list of runs that are all known does not wait for it.
    from labctl.runs.chain_results import broken_chains, settle_chains

    gone = [path for path in known if path not in present]
    known |= dict.fromkeys(broken_chains(connection, gone), UNSEEN)
    stale = [*gone, *(path for path, seen in present.items() if known.get(path) != seen)]
    for begin in range(0, len(stale), TOGETHER):
        some = stale[begin : begin + TOGETHER]
        read = {path: _read(data / path) for path in some if path in present}
        connection.execute("BEGIN IMMEDIATE")
        for path in some:
            _forget(connection, path)
            if path in present:
                _keep(connection, path, present[path], read[path])
        settle_chains(connection, data, some)
        connection.execute("COMMIT")


def is_written(journal: Path) -> bool:
    """Return whether a process writes a journal now."""
    # Only for the few runs without an end: it brings numpy along.
    from labctl.journal.records import has_writer

    try:
        return has_writer(journal)
    except DataError:
        return False  # it is gone since it was listed, or cannot be read


_SEEN = "path, size, changed, remarks_size, remarks_changed"
_KNOWN = f"SELECT {_SEEN} FROM runs"


def _read(journal: Path) -> Entry | None:
    from labctl.runs.entries import Entry, entry_of, remark_columns

    found = entry_of(journal)
    if found is None:
        return None
    return Entry({**found.columns, **remark_columns(journal)}, found.amounts, found.devices)


def _forget(connection: sqlite3.Connection, path: str) -> None:
    row = connection.execute("SELECT id FROM runs WHERE path = ?", (path,)).fetchone()
    if row is not None:
        for table, key in (("amounts", "run"), ("devices", "run"), ("runs", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (row[0],))


def _keep(connection: sqlite3.Connection, path: str, seen: Seen, entry: Entry | None) -> None:
    """Write one entry. A journal that says nothing yet is kept unlisted, so that it is not read again and again."""
    columns: Mapping[str, Any] = {} if entry is None else entry.columns
    values = [path, *seen, entry is not None]
    values += [columns.get(name, "") for name in NAMES]
    marks = ", ".join("?" for _ in values)
    names = f"path, size, changed, remarks_size, remarks_changed, listed, {', '.join(NAMES)}"
    run = connection.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", values).lastrowid
    if entry is None:
        return
    connection.executemany(
        "INSERT OR IGNORE INTO keys (key) VALUES (?)", {(key,) for key, _, _ in entry.amounts}
    )
    connection.executemany(
        "INSERT INTO amounts SELECT ?, id, ?, ? FROM keys WHERE key = ?",
        [(run, number, text, key) for key, number, text in entry.amounts],
    )
    connection.executemany(
        "INSERT INTO devices VALUES (?, ?, ?, ?, ?)", [(run, *device) for device in entry.devices]
    )
