"""Who holds which lock, asked of the kernel: no lock is touched, so nobody who takes one is disturbed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from devices.locks import LOCKS
from labctl.doctor.findings import Finding, note, ok

TABLE = Path("/proc/locks")

OURS = re.compile(r"^\S*python\S* (?:\S+ )*?(?:-m labctl|\S*/labctl) ")
"""How a command of ours begins, whatever started it."""


def holders(data: Path) -> Iterator[Finding]:
    """Yield every lock of this machine and of a data folder that somebody holds, and how many were left behind."""
    held, left = dict[str, list[str]](), list[str]()
    inodes = _locked()
    for path in [*sorted(LOCKS.glob("*.lock")), *sorted((data / "bench").glob("*.lock"))]:
        what = unquote(path.stem)
        try:
            inode, words = path.stat().st_ino, path.read_text().strip()
        except OSError:
            # It went away meanwhile, or is another account's.
            continue
        if inode in inodes:
            held.setdefault(words or f"pid {inodes[inode]}", []).append(what)
        elif words:
            left.append(f"{what} by {words}")
    for who, things in held.items():
        mend = "end that process, or wait for it"
        yield note("locks", f"{who} holds {', '.join(things)}: {command_of(_number(who))}", mend)
    if left:
        what = "one was" if len(left) == 1 else f"{len(left)} were"
        yield note(
            "locks",
            f"{what} left behind by what is dead ({left[-1]} for one); the next session takes what it needs",
        )
    if not held:
        yield ok("locks", "nobody holds an instrument or a bench")


def holder_of(path: Path) -> str:
    """Return who holds a lock file, in words; nothing when nobody does."""
    try:
        inode, words = path.stat().st_ino, path.read_text().strip()
    except OSError:
        return ""
    inodes = _locked()
    return (words or f"pid {inodes[inode]}") if inode in inodes else ""


def _locked() -> dict[int, str]:
    """Return the process that holds each locked file, by the file's inode [proc(5)]."""
    try:
        lines = TABLE.read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        # "1: FLOCK  ADVISORY  WRITE 4711 fe:01:131078 0 EOF"; a line with "->" waits for the lock above it.
        words = line.split()
        if len(words) >= 6 and "->" not in words and words[1] == "FLOCK":
            found[int(words[5].rpartition(":")[2])] = words[4]
    return found


def _number(who: str) -> str:
    return who.removeprefix("pid ").split(" ")[0]


def command_of(number: str) -> str:
    """Return what a process was called with, as far as it may be seen; a command of ours as it was typed."""
    try:
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "a process of another account"
    text = OURS.sub("labctl ", b" ".join(words).decode(errors="replace").strip())
    return text if len(text) <= 100 else f"{text[:97]}..."
