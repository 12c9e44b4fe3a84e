"""Processes that outlive whoever started them, found again by their heartbeat."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from labctl.night.heart import Beat, last_beat

log = logging.getLogger(__name__)

ENDING = 15.0
"""Seconds that a process is given to end in good order before it is killed; ending takes 10 s at the most."""

STARTING = 60.0
"""Seconds from its start until a process must have told its first beat: imports and opening a bench; guess."""


class Child:
    """One process of a night: started by us or found alive, watched by its heartbeat.

    patience [s]: how old a beat may be before the process counts as hung.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], heart: Path, patience: float, output: Path
    ) -> None:
        self.name, self._arguments, self._heart, self._patience = name, list(arguments), heart, patience
        self._output = output
        self._started: subprocess.Popen[bytes] | None = None
        self._waited = 0.0

    def beat(self) -> Beat | None:
        """Return its last beat, if its process lives."""
        beat = last_beat(self._heart)
        return beat if beat is not None and beat.owner.lives else None

    @property
    def lives(self) -> bool:
        """Whether it is there: by its beat, or because it was just started and has not ended."""
        return self.beat() is not None or (self._started is not None and self._started.poll() is None)

    def start(self) -> None:
        """Start it in a session of its own: a Ctrl-C at our terminal is not meant for it, nor is our death."""
        self._heart.unlink(missing_ok=True)
        self._waited = 0.0
        with self._output.open("ab") as output:
            self._started = subprocess.Popen(
                [sys.executable, "-P", "-m", "labctl", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )

    def status(self) -> int | None:
        """Return the exit status of a child that ended; None for one that lives, or was not ours."""
        return None if self._started is None else self._started.poll()

    def hung(self, waited: float) -> str:
        """Return why it counts as hung, `waited` [s] after the last question; nothing when it does not."""
        beat = self.beat()
        if beat is not None:
            self._waited = 0.0
            return f"it was silent for {beat.age:.0f} s" if beat.age > self._patience else ""
        self._waited += waited
        return f"it told nothing within {STARTING:g} s of its start" if self._waited > STARTING else ""

    def end(self, number: signal.Signals = signal.SIGTERM, patience: float = ENDING) -> None:
        """Ask it to end, kill it when it does not."""
        for each, wait in ((number, patience), (signal.SIGKILL, 5.0)):
            if not self.lives:
                return
            self._send(each)
            self._wait(wait)
        if self.lives:
            log.error("%s could not be ended", self.name)

    def kill(self) -> None:
        """End it at once, as one that does not listen."""
        self._send(signal.SIGKILL)
        self._wait(5.0)

    def _send(self, number: signal.Signals) -> None:
        beat = self.beat()
        pid = beat.owner.pid if beat is not None else None if self._started is None else self._started.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait(self, longest: float) -> None:
        """Wait until it is gone."""
        beat = self.beat()
        if beat is not None:
            with suppress(OSError):
                descriptor = os.pidfd_open(beat.owner.pid)
                try:
                    _readable(descriptor, longest)
                finally:
                    os.close(descriptor)
        if self._started is not None:
            with suppress(subprocess.TimeoutExpired):
                self._started.wait(timeout=longest)


def _readable(descriptor: int, longest: float) -> None:
    import select

    select.select([descriptor], [], [], longest)
