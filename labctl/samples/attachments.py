"""Files on a sample: copied beside its facts under names that are safe, each content once."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path

from devices.errors import DataError
from labctl.fact_file import Fact
from labctl.samples.entering import enter
from labctl.samples.facts import Facts, safe_id
from labctl.whole_file import sweep, write_whole

LARGEST = 1_000_000_000
"""Bytes of an attachment; guess: larger is data of another system, to be named in a note."""

PREFIX = 16
"""Digits of the content's sha256 in a file's name."""

LONGEST_NAME = 80
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def attach(data: Path, sample: str, file: Path, note: str = "", *, who: str = "") -> Path:
    """Copy a file to a sample and return the copy; the same content is there once, whatever it is called.

    who: attaches it, the login when empty.

    Raises DataError when there is no such file, it is too large, or the folder cannot be written.
    """
    try:
        if not file.is_file():
            raise DataError(f"{file} is not a file; nothing was attached")
        if file.stat().st_size > LARGEST:
            raise DataError(f"{file} is larger than {LARGEST / 1e9:g} GB; note where it is kept instead")
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); nothing was attached") from error
    digest = hashlib.sha256(content).hexdigest()
    folder = Facts(data).directory / safe_id(sample) / "attachments"
    copy = next(folder.glob(f"{digest[:PREFIX]}-*"), folder / f"{digest[:PREFIX]}-{safe_name(file.name)}")
    if not copy.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
            write_whole(copy, content)
        except OSError as error:
            raise DataError(f"{copy} cannot be written ({error.strerror}); nothing was attached") from error
    enter(
        data,
        sample,
        "attached",
        name=file.name.encode("utf-8", "replace").decode(),
        file=copy.name,
        size=len(content),
        sha256=digest,
        media_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        note=note,
        who=who,
    )
    return copy


def attachments(data: Path, sample: str) -> Iterator[tuple[Fact, Path]]:
    """Yield the facts on a sample's attachments and where they are. Raises Corrupt on a line that is no fact."""
    facts = Facts(data)
    for fact in facts.of(sample):
        if fact["fact"] == "attached" and isinstance(fact.get("file"), str):
            # Facts can be edited by hand; what they say must not lead out of the folder.
            yield fact, facts.directory / sample / "attachments" / Path(fact["file"]).name


def safe_name(name: str) -> str:
    """Return a file's name as part of a safe one: letters, digits, '.', '_', '-', no dot first, not too long."""
    path = Path(UNSAFE.sub("_", name).lstrip(".") or "file")
    return f"{path.stem[: LONGEST_NAME - 10]}{path.suffix[:10]}"
