"""The guard: a process of its own that outlives the others. It keeps the supervisor alive, and brings devices to their
safe state whose holder is dead and did not come back.

It reads state files; a port is opened by a process of its own, and only where the holder is dead.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from devices.errors import Corrupt
from labctl.abandoned import MAKING_SAFE, begin_making_safe
from labctl.night.children import Child
from labctl.night.folder import begun_of, is_over
from labctl.night.heart import GUARD, HUNG, SUPERVISOR, Heart
from labctl.state import Said, real_states

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks at the state files [death of a holder is to be noticed within 2 s]."""

GRACE = 10.0
"""Seconds a dead holder's successor has to take its devices over, which makes them safe as it opens them."""

AGAIN = 5.0
"""Seconds from one start of a supervisor to the next: one that ends at once must not be started all the time; guess."""


class Guard:
    """Watches one night."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder, folder.parents[1]
        self._supervisor = Child(
            "the supervisor",
            ["night", "--resume", folder.name, "--data", str(self._data)],
            folder / SUPERVISOR,
            HUNG,
            folder / "output.txt",
        )
        self._started = -AGAIN
        self._missing: dict[str, float] = {}
        self._making_safe: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._asked = threading.Event()

    def ask_to_end(self, number: int) -> None:
        """Stop guarding; from a signal handler."""
        self._asked.set()

    def run(self) -> None:
        """Guard until the night is over or the supervisor says that it is enough; make safe what is abandoned then."""
        heart = Heart(self._folder / GUARD)
        try:
            while not self._asked.is_set() and not is_over(self._folder):
                heart.beat()
                self._keep_supervisor()
                self._look_after_those_made_safe()
                self._make_safe(self._abandoned(GRACE))
                self._asked.wait(LOOK)
            # Nobody comes any more who would take them over.
            self._make_safe(self._abandoned(0.0))
            while self._making_safe:
                heart.beat()
                self._look_after_those_made_safe()
                threading.Event().wait(LOOK)
        finally:
            heart.stop()

    def _keep_supervisor(self) -> None:
        if not self._supervisor.lives:
            reason = "it is gone"
        elif hung := self._supervisor.hung(LOOK):
            reason = hung
            self._supervisor.kill()
        else:
            return
        if monotonic() - self._started >= AGAIN:
            log.warning("the supervisor is started again: %s", reason)
            self._started = monotonic()
            self._supervisor.start()

    def _abandoned(self, grace: float) -> list[Said]:
        """Return devices whose holder has been dead for so long [s], and that are not safe by themselves."""
        now = monotonic()
        try:
            dead = [said for said in real_states(self._data) if said.abandoned]
        except Corrupt as error:
            log.warning("%s", error)
            return []
        self._missing = {said.device: self._missing.get(said.device, now) for said in dead}
        return [said for said in dead if now - self._missing[said.device] >= grace]

    def _make_safe(self, abandoned: Iterable[Said]) -> None:
        """Have devices made safe by a process for each bench: whatever hangs there does not hang here."""
        benches: dict[str, list[str]] = {}
        for said in abandoned:
            benches.setdefault(said.where, []).append(said.device)
        for bench, devices in benches.items():
            if bench in self._making_safe:
                continue
            log.warning("%s: the holder is dead; brought to the safe state", ", ".join(devices))
            with (self._folder / "output.txt").open("ab") as output:
                config = begun_of(self._folder).config
                made = begin_making_safe(bench, devices, self._data, config, stdout=output, stderr=output)
            self._making_safe[bench] = (made, monotonic())
            # What could not be made safe is abandoned still, and has its grace again.
            self._missing |= dict.fromkeys(devices, monotonic())

    def _look_after_those_made_safe(self) -> None:
        for bench, (made, began) in list(self._making_safe.items()):
            if made.poll() is None and monotonic() - began > MAKING_SAFE:
                made.kill()
            elif made.poll() is not None:
                del self._making_safe[bench]
                if made.returncode:
                    log.error("bench %s could not be made safe; see output.txt of the night", bench)


def guard(folder: Path) -> None:
    """Guard a night until it is over."""
    keeper = Guard(folder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: keeper.ask_to_end(got))
    keeper.run()
