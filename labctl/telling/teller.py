"""The teller: a thread of the supervisor that looks for what people must know, and leaves it in the outbox.

It never waits for a service, and the night never waits for it.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from devices.errors import ConfigError, Corrupt, DataError, LabError
from devices.limits import DiskLimits
from labctl.clock.label import wall_label
from labctl.config.folder import Config
from labctl.config.telling import Severity, Telling, read_telling
from labctl.fact_file import read_facts
from labctl.night.children import Child
from labctl.night.chronicle import happenings
from labctl.night.folder import begun_of
from labctl.telling.alarms import Alarm, Alarms, Condition
from labctl.telling.courier import HEART
from labctl.telling.outbox import Message, Outbox
from labctl.telling.watching import Watch

log = logging.getLogger(__name__)

LOOK = 5.0
"""Seconds between two looks; guess: nobody is there sooner."""

THOROUGH = 6
"""Every so many looks the journals of runs are looked into, which takes longer."""

SILENT = 120.0
"""Seconds of silence after which a courier counts as hung; it breaks off its attempts long before."""

LAST = 3.0
"""Seconds that the last look may take when the night ends."""


class Teller:
    """Tells of one night. say: where it is told to whoever looks at the terminal that telling itself is broken."""

    def __init__(self, folder: Path, say: Callable[[str], object] = log.warning) -> None:
        self._folder, self._data, self._say = folder, folder.parents[1], say
        self._outbox, self._alarms = Outbox(self._data), Alarms(self._data)
        self._courier: Child | None = None
        self._happened: queue.SimpleQueue[Condition] = queue.SimpleQueue()
        self._conditions: list[Condition] = []
        self._watch: Watch | None = None
        self._over = threading.Event()
        self._trouble, self._looks = "", 0
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def begin(self) -> None:
        """Begin to look."""
        self._thread.start()

    def end(self) -> None:
        """Look a last time, and return soon in any case; what is not sent by then the courier sends."""
        self._over.set()
        self._thread.join(LAST)

    def happened(self, severity: Severity, source: str, text: str) -> None:
        """Take something that stands in no document; from any thread, at once."""
        now = wall_label()
        key = f"night {self._folder.name} {source} {now:.3f}"
        self._happened.put(Condition(key, severity, source, text, now))

    def look(self) -> None:
        """Raise alarms for what is new, and leave messages of it. Raises OSError, LabError."""
        while not self._happened.empty():
            self._conditions.append(self._happened.get())
        begun = begun_of(self._folder)
        config = Path(begun.config)
        if self._watch is None:
            self._watch = Watch(self._data, self._folder, self._disk_limits(config))
        found = self._watch.conditions(thorough=self._looks % THOROUGH == 0 or self._over.is_set())
        self._looks += 1
        self._alarms.update([*found, *self._conditions], wall_label())
        if not somebody_listens(config):
            return
        alarms = self._alarms.known().values()
        news = [self._message_of(alarm) for alarm in alarms if alarm.open and alarm.raised >= begun.began]
        self._outbox.put(*self._begin_and_end(), *news)
        if self._outbox.waiting():
            self._keep_courier(config)

    def _disk_limits(self, config: Path) -> DiskLimits:
        """Return the lab's; a configuration that broke meanwhile must not silence everything else."""
        try:
            return Config(config).limits().disk
        except ConfigError as error:
            self._say_once(f"the disk is watched by the usual limits: {error}")
            return DiskLimits()

    def mend(self) -> None:
        """Set aside what cannot be read of alarms and deliveries: to be told twice is better than not to be told."""
        for path in (self._alarms.path, self._outbox.notes_path):
            try:
                deque(read_facts(path), maxlen=0)
            except Corrupt as error:
                aside = path.with_name(f"{path.name}.{wall_label():.0f}.damaged")
                path.rename(aside)
                self.happened("alarm", "telling", f"{error}; it was set aside as {aside.name}")

    def _run(self) -> None:
        last = False
        while not last:
            last = self._over.wait(LOOK)
            try:
                self.look()
                self._trouble = ""
            except (OSError, LabError) as error:
                self._say_once(f"telling has trouble, it is tried again: {error}")
                self.mend()

    def _say_once(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._say(trouble)

    def _keep_courier(self, config: Path) -> None:
        if self._courier is None:
            arguments = ["night-courier", str(self._data), str(config)]
            heart = self._outbox.folder / HEART
            self._courier = Child("the courier", arguments, heart, SILENT, Path(os.devnull))
        if not self._courier.lives:
            self._courier.start()
        elif self._courier.hung(LOOK):
            self._courier.kill()
            self._courier.start()

    def _message_of(self, alarm: Alarm) -> Message:
        condition = alarm.condition
        title = f"labctl {condition.severity}: {condition.source}"
        text = f"{condition.text}\nnight {self._folder.name}; labctl acknowledge {alarm.id}"
        return Message(f"alarm-{alarm.id}", wall_label(), condition.severity, title, text)

    def _begin_and_end(self) -> list[Message]:
        """Return the messages of a night's begin, of each time it is gone on with, and of its end."""
        name, found = self._folder.name, []
        for number, told in enumerate(self._told()):
            if told["what"] == "opened":
                first = number <= 1
                text = f"night {name} {'begins' if first else 'goes on'}"
            elif told["what"] == "over":
                counts = ", ".join(f"{count} {state}" for state, count in sorted(told["counts"].items()))
                text = f"night {name} is over: {counts}; `labctl report {name}` tells more"
            else:
                continue
            found.append(Message(f"{name}-{number}", wall_label(), "info", f"labctl: {name}", text))
        return found

    def _told(self) -> Iterator[dict[str, Any]]:
        # A damaged chronicle is an alarm by itself.
        with suppress(DataError):
            yield from happenings(self._folder)


def somebody_listens(config: Path) -> bool:
    """Return whether anybody is to be told; a broken file may be mended within the day that messages wait."""
    try:
        return read_telling(config) != Telling()
    except ConfigError:
        return True
