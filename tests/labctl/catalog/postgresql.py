"""A PostgreSQL of the tests' own: made in a folder, reached on loopback, killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

PLACES = "/usr/lib/postgresql"
SETTINGS = (
    "fsync=off synchronous_commit=off full_page_writes=off max_connections=200 unix_socket_directories="
)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None where it is not installed."""
    known = sorted(Path(PLACES).glob("*/bin"))
    on_path = shutil.which("initdb")
    return known[-1] if known else None if on_path is None else Path(on_path).resolve().parent


def make_database(uri: str) -> None:
    """Make Tiled's tables in an empty database."""
    from labctl.catalog import making

    making.make_database(uri)


class Cluster:
    """One server. It refuses to run as root, so that it has another user there."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._programs, self._data = programs, folder / "data"
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "labctl", "--auth=trust", "-E", "UTF8", "--locale=C")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it, and return when it answers."""
        options = [each for setting in SETTINGS.split() for each in ("-c", setting)]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-h", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "-p", str(self.port), *options],
            user=self._user if os.geteuid() == 0 else None,
            cwd=self._data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(600):
            if self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), check=False) == 0:
                return
            threading.Event().wait(0.1)
        raise AssertionError("PostgreSQL does not start")

    def kill(self) -> None:
        """Kill it with all that serves its clients, as a power cut does."""
        self.signal(signal.SIGKILL)
        self._process.wait(timeout=60)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """Send a signal to the server and to all that serves its clients."""
        for process in (self._process.pid, *children_of(self._process.pid)):
            os.kill(process, number)

    def database(self, name: str, *, template: str) -> str:
        """Make a database as a copy of another and return its URI."""
        there = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "labctl")
        self._run("createdb", *there, "-T", template, name)
        return f"postgresql://labctl@127.0.0.1:{self.port}/{name}"

    def ask(self, uri: str, question: str) -> str:
        """Return what a database answers, as text."""
        command = [str(self._programs / "psql"), uri, "-Atc", question]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        return subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user if os.geteuid() == 0 else None,
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=check,
        ).returncode


def children_of(process: int) -> list[int]:
    """Return the children of a process, which are in sessions of their own."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return [int(each) for each in listed.split()]
