"""The guard: a process of its own that outlives the others. It keeps the supervisor alive, and brings devices to their
safe state whose holder is dead and did not come back."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from collections.abc import Iterator
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
        self._missing: dict[str, float] = {}
        self._making_safe: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._asked = threading.Event()

    def ask_to_end(self, number: int) -> None:
        """Stop guarding; from a signal handler."""
        self._asked.set()

    def run(self) -> None:
        """Guard until the night is over or the supervisor says that it is enough."""
        heart = Heart(self._folder / GUARD)
        try:
            while not self._asked.is_set() and not is_over(self._folder):
                heart.beat()
                if not self._supervisor.lives:
                    log.warning("the supervisor is gone; another one is started")
                    self._supervisor.start()
                elif reason := self._supervisor.hung(LOOK):
                    log.warning("the supervisor is started again: %s", reason)
                    self._supervisor.kill()
                    self._supervisor.start()
                self._look_after_those_made_safe()
                for said in self._abandoned():
                    self._make_safe(said)
                self._asked.wait(LOOK)
        finally:
            heart.stop()

    def _abandoned(self) -> Iterator[Said]:
        """Yield devices whose holder has been dead for too long, and that are not safe by themselves."""
        now = monotonic()
        try:
            dead = [said for said in real_states(self._data) if said.abandoned]
        except Corrupt as error:
            log.warning("%s", error)
            return
        self._missing = {said.device: self._missing.get(said.device, now) for said in dead}
        for said in dead:
            if now - self._missing[said.device] >= GRACE:
                self._missing[said.device] = now
                yield said

    def _make_safe(self, said: Said) -> None:
        """Have a device made safe by a process of its own: whatever hangs there does not hang here."""
        if said.device in self._making_safe:
            return
        log.warning("%s: its holder is dead; it is brought to its safe state", said.device)
        with (self._folder / "output.txt").open("ab") as output:
            made = begin_making_safe(
                said, self._data, begun_of(self._folder).config, stdout=output, stderr=output
            )
        self._making_safe[said.device] = (made, monotonic())

    def _look_after_those_made_safe(self) -> None:
        for device, (made, began) in list(self._making_safe.items()):
            if made.poll() is None and monotonic() - began > MAKING_SAFE:
                made.kill()
            elif made.poll() is not None:
                del self._making_safe[device]
                if made.returncode:
                    log.error("%s could not be made safe; see output.txt of the night", device)


def guard(folder: Path) -> None:
    """Guard a night until it is over."""
    keeper = Guard(folder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: keeper.ask_to_end(got))
    keeper.run()
