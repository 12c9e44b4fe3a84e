"""What may stand where a journal is looked for and is none: each made at a path by a function of its name."""

import errno
import json
import os
import socket
import uuid
import zlib
from pathlib import Path

from labctl.journal import records

UID = "55555555-2222-4111-8111-111111111111"


def line(number, kind, payload):
    """Return a record with a right checksum."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    body = b"%08x %s %s" % (number, kind.encode(), content)
    return b"%08x %08x %s\n" % (len(content), zlib.crc32(body), body)


def lines(*said):
    """Return a function that writes records with right checksums."""
    return lambda path: path.write_bytes(b"".join(line(n, *each) for n, each in enumerate(said)))


HEADER = ("H", {"schema": 1, "holds": "run", "uid": UID})
START = ("D", ["start", {"uid": UID, "time": 1e9}])
KEYS = {"x": {"dtype": "number", "shape": [], "source": "s"}}
DESCRIPTOR = {"uid": "d", "name": "primary", "run_start": UID, "time": 1e9, "data_keys": KEYS}
DECLARED = ("D", ["descriptor", DESCRIPTOR])
ROW = {"descriptor": "d", "event": False, "first": 1, "time": [1e9], "data": {"x": [1.0]}, "timestamps": {}}
ENDED = ("D", ["stop", {"uid": "e", "run_start": UID, "time": 1e9, "exit_status": "success"}])


def a_socket(path):
    # Names of sockets are short.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


NO_FILES = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a socket": a_socket,
    "a link to a folder": lambda path: path.symlink_to(path.parent),
}
UNREADABLE = {
    "a link that leads nowhere": lambda path: path.symlink_to(path.parent / "gone"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}
FOREIGN = {
    "text": lambda path: path.write_bytes(b"milk, eggs\n"),
    "zeros": lambda path: path.write_bytes(bytes(10_000)),
    "a header that is no table": lines(("H", [1])),
    "a header without a schema": lines(("H", {"holds": "run"})),
    "a schema that is a text": lines(("H", {"schema": "x"})),
    "a schema that is a flag": lines(("H", {"schema": True})),
    "a header that is no JSON": lines(("H", b"{")),
    "a header of nothing but brackets": lines(("H", b"[" * 100_000)),
}
NEWER = {"a newer schema": lines(("H", {"schema": 99}))}
WITHOUT_A_START = {
    "an empty file": lambda path: path.write_bytes(b""),
    "a spool": lines(HEADER, ("R", {"stream": "primary", "n": 1, "time": 1e9, "row": {}})),
    "no JSON": lines(HEADER, ("D", b"\xff\xfe{")),
    "a number": lines(HEADER, ("D", 7)),
    "a table": lines(HEADER, ("D", {"start": {}})),
    "a start without a uid": lines(HEADER, ("D", ["start", {"time": 1e9}])),
    "a start without a time": lines(HEADER, ("D", ["start", {"uid": UID}])),
    "a start that began at a text": lines(HEADER, ("D", ["start", {"uid": UID, "time": "now"}])),
    "a start with a time that no float holds": lines(
        HEADER, ("D", b'["start", {"uid": "u", "time": 1' + b"0" * 400 + b"}]")
    ),
}
AFTER_A_START = {
    "rows of nothing": lines(HEADER, START, ("R", ROW)),
    "rows of a spool": lines(HEADER, START, DECLARED, ("R", {"stream": "primary", "n": 1})),
    "rows without columns": lines(HEADER, START, DECLARED, ("R", {**ROW, "data": {}})),
    "rows with a column that is none": lines(HEADER, START, DECLARED, ("R", {**ROW, "data": {"x": 1}})),
    "rows at a text": lines(HEADER, START, DECLARED, ("R", {**ROW, "time": ["now"]})),
    "rows before a row that is a text": lines(HEADER, START, DECLARED, ("R", {**ROW, "first": "1"})),
    "an event without a row": lines(HEADER, START, DECLARED, ("R", {**ROW, "event": True, "time": []})),
    "a descriptor without keys": lines(HEADER, START, ("D", ["descriptor", {"uid": "d", "name": "p"}])),
    "a spool that is a text": lines(HEADER, START, ("D", ["descriptor", DESCRIPTOR, "spool"])),
    "a stop that is none": lines(HEADER, START, ("D", ["stop", {}])),
    "rows of nothing amid a run": lines(HEADER, START, ("R", ROW), ENDED),
}

ODD = {**NO_FILES, **UNREADABLE, **FOREIGN, **NEWER, **WITHOUT_A_START, **AFTER_A_START}


def refuse(monkeypatch, refused, number=errno.EIO):
    """Let the disk not give one file, whoever asks."""
    opened = records.Path.open

    def refusing(path, *arguments, **options):
        if path == refused:
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(records.Path, "open", refusing)


def put_all(data):
    """Put one of each kind into a data folder; return their paths by kind."""
    month = data / "runs/2026/11"
    month.mkdir(parents=True, exist_ok=True)
    paths = {kind: month / f"{uuid.uuid5(uuid.UUID(UID), kind)}.jnl" for kind in ODD}
    for kind, path in paths.items():
        ODD[kind](path)
    return paths
