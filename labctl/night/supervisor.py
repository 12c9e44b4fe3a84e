"""The supervisor: starts the process that runs the night, watches that it goes on, starts it again when it does not."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from devices.locks import PortLock
from labctl.abandoned import MAKING_SAFE
from labctl.clock.label import WallLabels
from labctl.config.telling import Severity
from labctl.night.children import Child
from labctl.night.chronicle import states_of
from labctl.night.folder import is_over
from labctl.night.following import Following, summary
from labctl.night.heart import GUARD, HEARTBEAT, HUNG, LOOP, SUPERVISOR, Heart
from labctl.telling.teller import Teller

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks; a dead process is noticed within it."""

STUCK = 4000.0
"""Seconds without a single message after which a plan counts as stuck: the map of a sheet collects its rows every 600 s
[plans.map_sheet.FLUSH]; that six times, and some more; guess."""

RESTARTS, WITHIN = 5, 3600.0
"""How often a night is started again within so many seconds before the supervisor gives up; guess."""

REPORTING = 300.0
"""Seconds that making the report may take; guess: a night of ten cells takes half a minute."""

UNDONE = 3
"""The exit status of a night that came to its end although something failed or was stopped."""

MISCONFIGURED = 2
"""The exit status of a process that refused its configuration: starting it again changes nothing."""


class Supervisor:
    """Sees a night to its end. watched: whether a guard is to be kept alive beside. asked: by which signal to end it.

    say: where what happens is told, in words.
    """

    def __init__(self, folder: Path, say: Callable[[str], object], *, watched: bool = True) -> None:
        """Raises OwnershipError when another supervisor is at this night."""
        self._folder, self._say = folder, say
        self._lock = PortLock(str((folder / "supervisor").resolve()), WallLabels(), folder)
        output = folder / "output.txt"
        self._run = Child("the night's process", ["night-run", str(folder)], folder / HEARTBEAT, HUNG, output)
        self._guard = Child("the guard", ["night-guard", str(folder)], folder / GUARD, HUNG, output)
        self._watched = watched
        self._heart = Heart(folder / SUPERVISOR)
        self.asked: signal.Signals | None = None
        self._wake = threading.Event()
        self._progress: dict[str, tuple[int, float]] = {}
        self._starts: list[float] = []
        self._teller = Teller(folder, say)
        self._following = Following(folder)

    def ask_to_end(self, number: int) -> None:
        """End the night in good order; from a signal handler."""
        self.asked = self.asked or signal.Signals(number)
        self._wake.set()

    def run(self) -> int:
        """Watch until the night is over and return the exit status.

        0 when everything was done or not to be done, UNDONE when not, 1 when it was given up, 128 + n after a signal.
        """
        self._teller.begin()
        try:
            status = self._watch()
            self._say_news()
            self._say(f"night {self._folder.name}: {summary(self._folder)}")
            if self.asked is None:
                self._report()
            else:
                self._say(f"`labctl night --resume {self._folder.name}` goes on")
            return status
        finally:
            self._teller.end()
            if self._watched:
                # After the run: what that may have left behind is made safe by the guard as it ends.
                self._guard.end(patience=MAKING_SAFE)
            self._heart.stop()
            self._lock.release()

    def _watch(self) -> int:
        while True:
            self._heart.beat()
            if self.asked is not None:
                self._say(f"{self.asked.name}: the night is ended in good order")
                self._run.end(self.asked)
                return 128 + self.asked
            if self._watched:
                self._keep(self._guard)
            if not self._run.lives:
                if is_over(self._folder):
                    states = states_of(self._folder).values()
                    return UNDONE if any(each.state in ("failed", "stopped") for each in states) else 0
                if not self._start_again():
                    return 1
            elif reason := self._run.hung(LOOK) or self._stuck():
                self._tell(f"the night's process is ended: {reason}")
                self._run.end(patience=5.0)
            self._say_news()
            self._wake.wait(LOOK)

    def _say_news(self) -> None:
        for line in self._following.news():
            self._say(line)

    def _keep(self, child: Child) -> None:
        if not child.lives:
            child.start()
        elif reason := child.hung(LOOK):
            self._tell(f"{child.name} is started again: {reason}")
            child.kill()
            child.start()

    def _start_again(self) -> bool:
        """Start the night's process; whether it is worth it."""
        now, status = monotonic(), self._run.status()
        self._starts = [at for at in self._starts if now - at < WITHIN]
        if status == MISCONFIGURED:
            text = f"given up: see {self._folder / 'output.txt'}; mend it, then `labctl night --resume`"
            self._tell(text, "alarm")
            return False
        if len(self._starts) > RESTARTS:
            self._tell(
                f"given up: the night's process ended {len(self._starts)} times within an hour; look into"
                f" {self._folder / 'output.txt'}, then `labctl night --resume`",
                "alarm",
            )
            return False
        if self._starts:
            ended = "died" if status is None or status < 0 else f"ended with {status}"
            self._tell(f"the night's process {ended}; it is started again and goes on where it was")
        self._starts.append(now)
        self._progress.clear()
        self._run.start()
        return True

    def _tell(self, text: str, severity: Severity = "warning") -> None:
        """Say what somebody has to know who is not there."""
        self._say(text)
        self._teller.happened(severity, "the night", text)

    def _report(self) -> None:
        """Have the report made by a process of its own, and wait for it within reason."""
        command = ["report", self._folder.name, "--data", str(self._folder.parents[1])]
        with (self._folder / "output.txt").open("ab") as output:
            made = subprocess.Popen(
                [sys.executable, "-P", "-m", "labctl", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        ends = monotonic() + REPORTING
        while made.poll() is None and monotonic() < ends and self.asked is None:
            self._heart.beat()
            self._wake.wait(LOOK)
        if made.poll() is None:
            made.kill()
        told = made.wait() == 0
        self._say(f"report: {self._folder / 'report.html'}" if told else "the report failed; `labctl report`")

    def _stuck(self) -> str:
        """Return which item has not moved for too long; nothing when all go on."""
        beat, now = self._run.beat(), monotonic()
        if beat is None:
            return ""
        for item, count in beat.progress.items():
            before, since = self._progress.get(item, (-1, now))
            self._progress[item] = (count, since if count == before else now)
            if count == before and now - since > (HUNG if item == LOOP else STUCK):
                return f"{item} has not moved for {now - since:.0f} s"
        for item in self._progress.keys() - beat.progress.keys():
            del self._progress[item]
        return ""


def supervise(folder: Path, say: Callable[[str], object]) -> int:
    """Supervise a night from a terminal or a service; signals end it in good order. Raises OwnershipError."""
    supervisor = Supervisor(folder, say)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda got, _: supervisor.ask_to_end(got)) for number in heeded}
    try:
        return supervisor.run()
    finally:
        for number, handler in before.items():
            # The same signal sent again must not change the exit status of what ends in good order.
            signal.signal(number, handler if supervisor.asked is None else signal.SIG_IGN)
