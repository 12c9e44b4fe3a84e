"""`labctl twin serve`: serve a bench until somebody asks for the end."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devices.errors import ConfigError, LabError, Mistake
from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock
from labctl.config.documents import quoted, read, shown
from labctl.config.finder import data_dir
from labctl.config.folder import FOLDERS, Config
from labctl.serving.bench_text import served_bench
from labctl.serving.face import farewell, pointers, table
from labctl.serving.faults import FaultScript, read_faults
from labctl.serving.server import BLACK_BOX, TwinServer, served_stations
from labctl.stopping import SIGNALS
from labctl.whole_file import write_whole

BENCH = "served.toml"
"""The ready bench file in the server's folder."""


def serve(
    bench: str,
    *,
    config: Path | None,
    data: Path | None,
    folder: Path | None,
    waits: bool,
    faults: Path | None,
    write_bench: str,
) -> None:
    """Serve a bench's twins; return when SIGINT, SIGTERM or SIGHUP comes. `waits`: the clock waits for late code."""
    found = Config(config)
    chosen = found.bench(bench)
    wires = [f"{name}.{part}" for name, entry in served_stations(chosen).items() for part in entry.parts]
    script = FaultScript() if faults is None else read_faults(faults, wires)
    copy = None if not write_bench else _free_bench(found, write_bench)
    where = folder or data_dir(data) / "served" / chosen.name
    _check_path(where)
    clock = VirtualClock(1.0) if waits else WallClock()
    try:
        with _over_by_signal() as over, TwinServer(chosen, where, clock, script, over) as server:
            addresses = {(row.station, row.part): row.address for row in server.table}
            text = served_bench(found.bench_path(bench), addresses, server.hands)
            ready = server.folder / BENCH
            for path in (ready, *([copy] if copy else [])):
                write_whole(path, text.encode())
            _tell(server, write_bench or shown(ready))
            server.wait()
    finally:
        clock.close()
    sys.stdout.write(f"ended in good order; the world is saved in {shown(where)}\n")


@contextmanager
def _over_by_signal() -> Iterator[threading.Event]:
    """Yield an event that the first signal sets; further ones change nothing."""
    over = threading.Event()
    # Who started us with one ignored (nohup, a shell's background job) means it.
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: over.set()) for number in heeded}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(server: TwinServer, bench: str) -> None:
    """Print where everything is, and what to do with it."""
    lines = [
        *table(server.table),
        *pointers(server.table),
        *farewell(server.folder, BLACK_BOX, bench),
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _free_bench(config: Config, name: str) -> Path:
    """Return where the bench file of that name goes; one that somebody wrote by hand is not overwritten."""
    path = config.directory / FOLDERS["bench"] / f"{name}.toml"
    if path.parent != config.directory / FOLDERS["bench"] or name.startswith("."):
        raise ConfigError([Mistake("--write-bench", "", quoted(name), "must be a plain name")])
    if path.exists() and not read(path).body.get("world", {}).get("served"):
        reason = "exists and is no bench of a server; choose another name"
        raise ConfigError([Mistake(shown(path), "", "", reason)])
    return path


def _check_path(folder: Path) -> None:
    """Refuse a folder whose name cannot stand in an address."""
    if any(character.isspace() or character == "?" for character in str(folder.absolute())):
        raise LabError(
            f"{folder.absolute()}: an address has neither blanks nor question marks; name another folder"
        )
