"""The guard of a queue: queueserver does not notice that its worker died, and would execute for ever.

A worker holds the whole bench, so the state files tell: their owner is gone and did not say so. Then devices that
need hands are made safe, the environment is destroyed so that the queue is at rest, and an item that fires a lamp is
taken off its front, where queueserver puts it back.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from devices.errors import ConfigError, Corrupt, LabError
from labctl.abandoned import MAKING_SAFE, begin_making_safe
from labctl.config.folder import Config
from labctl.night.guard import LOOK
from labctl.plans import discover_plans
from labctl.queue.manager import Manager, Refused, Silent
from labctl.queue.plans import RUN
from labctl.queue.settings import Settings
from labctl.state import Owner, Said, real_states, states
from labctl.stopping import SIGNALS

log = logging.getLogger(__name__)

DESTROYING = 30.0
"""Seconds until the environment must be gone: queueserver itself gives its worker 10 [its manager.py, 0.0.25]."""

Say = Callable[[str], object]


class QueueGuard:
    """Watches the worker of one queue. say: where what happens is told, in words."""

    def __init__(self, settings: Settings, manager: Manager, say: Say) -> None:
        self._settings, self._manager, self._say = settings, manager, say
        self._data = Path(settings.data)
        self._asked = threading.Event()
        self._tended: set[tuple[str, Owner]] = set()
        self._silent = False

    def ask_to_end(self) -> None:
        """Stop guarding; from a signal handler."""
        self._asked.set()

    def run(self) -> None:
        """Guard until somebody asks for the end."""
        while not self._asked.is_set():
            self.look()
            self._asked.wait(LOOK)

    def look(self) -> bool:
        """Look once, do what has to be done; return whether a dead worker was found and cleared away."""
        try:
            gone = self._gone()
        except Corrupt as error:
            log.warning("%s", error)
            return False
        if not gone:
            return False
        self._make_safe(gone)
        try:
            cleared = self._clear()
        except Silent as error:
            if not self._silent:
                self._say(f"{error}; its devices are looked after all the same")
            self._silent = True
            return False
        except Refused as error:
            log.warning("%s", error)
            return False
        self._silent = False
        return cleared

    def _gone(self) -> list[Said]:
        """Return the last words of the bench's devices when their owner is gone; nothing when somebody holds it."""
        said = [each for each in states(self._data) if each.bench == self._settings.bench]
        if any(each.open and each.owner.lives for each in said):
            return []
        return [each for each in said if each.died]

    def _make_safe(self, gone: list[Said]) -> None:
        """Make devices safe that outlive their session, each once for each owner that died."""
        real = {each.device for each in real_states(self._data)}
        for said in gone:
            if said.device in real and said.abandoned and (said.device, said.owner) not in self._tended:
                self._say(f"{said.device}: its worker is dead; it is brought to its safe state")
                self._tended.add((said.device, said.owner))
                failed = make_safe(said, self._settings)
                if failed:
                    self._say(f"{said.device} could not be made safe: {failed}")

    def _clear(self) -> bool:
        """Destroy an environment whose worker is dead; return whether there was one. Raises Refused, Silent."""
        if not self._manager.status()["worker_environment_exists"]:
            return False
        item = self._manager.ask("queue_get")["running_item"]
        doing = f" in {item['name']}" if item else ""
        self._say(f"the queue's worker died{doing}; its environment is destroyed, the queue stops")
        self._manager.ask("environment_destroy")
        if not self._is_cleared():
            self._say("the environment could not be destroyed; restart the manager")
            return False
        if item and fires_lamp(item, self._settings):
            self._take_off(item)
        return True

    def _is_cleared(self) -> bool:
        """Wait until the manager is at rest without an environment; return whether it came to that."""
        ends = monotonic() + DESTROYING
        while monotonic() < ends:
            status = self._manager.status()
            there = status["worker_environment_exists"] or status["running_item_uid"] is not None
            if status["manager_state"] == "idle" and not there:
                return True
            self._asked.wait(LOOK)
        return False

    def _take_off(self, item: Mapping[str, Any]) -> None:
        """Take an item off the front of the queue, where it came back under another uid."""
        waiting = self._manager.ask("queue_get")["items"]
        if waiting and _same(waiting[0], item):
            self._manager.ask("queue_item_remove", uid=waiting[0]["item_uid"])
            self._say(
                f"{item['name']} was taken off the queue: it fires a lamp and is not repeated by itself; look at the"
                " film, then go on with finish_train (`labctl runs` shows the run)"
            )


def make_safe(said: Said, settings: Settings) -> str:
    """Have a device made safe by a process of its own; return why it could not be, nothing when it was."""
    process = begin_making_safe(
        said.where,
        [said.device],
        Path(settings.data),
        settings.config,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _, said_of_it = process.communicate(timeout=MAKING_SAFE)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        return str(error)
    return said_of_it.decode(errors="replace").strip() if process.returncode else ""


def fires_lamp(item: Mapping[str, Any], settings: Settings) -> bool:
    """Return whether an item of the queue fires a lamp; one that nobody can tell of counts as if it did."""
    plan = str(item["name"])
    if plan == RUN:
        named = item.get("kwargs", {}).get("experiment") or next(iter(item.get("args", ())), "")
        try:
            plan = Config(Path(settings.config)).experiment(str(named)).plan
        except ConfigError as error:
            log.warning("%s", error)
            return True
    function = discover_plans().get(plan)
    return function is None or "FlashLamp" in function.__annotations__.values()


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("name", "args", "kwargs", "meta"))


def guard(settings: Settings, address: str, public: str, say: Say) -> None:
    """Guard a queue until a signal asks for the end. Raises LabError when its manager does not answer at the start."""
    manager = Manager(address, public)
    try:
        manager.status()
        keeper = QueueGuard(settings, manager, say)
        for number in SIGNALS:
            signal.signal(number, lambda *_: keeper.ask_to_end())
        say(f"guarding the queue of bench {settings.bench} at {address}; Ctrl-C or SIGTERM ends it")
        keeper.run()
    except Silent as error:
        raise LabError(f"{error}; start it with `labctl queue start`") from error
    finally:
        manager.close()
