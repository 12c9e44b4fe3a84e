"""The courier: a process of its own that sends what is in the outbox, again and again for a day where it must.

Whatever a service does to whoever talks to it, it does to the courier, and not to the night.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import FrameType

from devices.errors import LabError, OwnershipError
from devices.locks import PortLock
from labctl.clock.label import WallLabels, wall_label
from labctl.config.telling import Target, read_telling
from labctl.night.heart import Heart
from labctl.telling.outbox import Delivery, Message, Outbox
from labctl.telling.services import NotTold, Send, service

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 1800.0
"""Seconds until a message is tried again, twice as many each time; guesses."""

DAY = 86400.0
"""Seconds after which nobody tries any more: by then it is in the report."""

LOOK, LINGER = 1.0, 20.0
"""Seconds between two looks into the outbox, and that an empty one is looked at."""

ATTEMPT = 30.0
"""Seconds after which an attempt is broken off."""

TEST = 15.0
"""Seconds that a night's begin waits for the answers to its test messages; guess."""

HEART = "courier.beat"


@dataclass
class _Attempts:
    count: int = 0
    due: float = 0.0


class Courier:
    """Sends messages to targets.

    connect: returns what sends to a target. now: seconds that pauses are counted in; label: the wall's.
    """

    def __init__(
        self,
        outbox: Outbox,
        targets: Sequence[Target],
        connect: Callable[[Target], Send] = service,
        now: Callable[[], float] = monotonic,
        label: Callable[[], float] = wall_label,
    ) -> None:
        self._outbox, self._targets, self._connect = outbox, targets, connect
        self._now, self._label = now, label
        self._attempts: dict[tuple[str, str], _Attempts] = {}
        self._failures: Counter[str] = Counter()

    def look(self, beat: Callable[[], None] = lambda: None) -> bool:
        """Send what is due, once; return whether anything still waits. Raises OSError, DataError."""
        deliveries = self._outbox.deliveries()
        due = []
        for message in self._outbox.waiting():
            fared = deliveries.get(message.id, Delivery({}, {}))
            left = [each for each in self._targets if each.wants(message.severity)]
            left = [each for each in left if each.name not in fared.delivered]
            if left and self._label() - message.put <= DAY:
                due += [(message, each, each.name in fared.refused) for each in left]
                continue
            if left:
                self._outbox.note(self._label(), "given_up", message=message.id)
            elif not fared.delivered:
                self._outbox.note(self._label(), "wanted_by_nobody", message=message.id)
            self._outbox.done(message)
        # Services that were down come last, so that others do not wait for them.
        due.sort(key=lambda each: self._failures[each[1].name])
        for message, target, known_to_refuse in due:
            beat()
            self._try(message, target, known_to_refuse)
        return bool(due)

    def _try(self, message: Message, target: Target, known_to_refuse: bool) -> None:
        key = (message.id, target.name)
        attempts = self._attempts.setdefault(key, _Attempts())
        if self._now() < attempts.due:
            return
        try:
            self._connect(target)(message)
        except NotTold as error:
            pause = min(FIRST_PAUSE * 2**attempts.count, LONGEST_PAUSE)
            attempts.count += 1
            self._failures[target.name] += 1
            attempts.due = self._now() + pause
            if attempts.count == 1 and not known_to_refuse:
                self._outbox.note(
                    self._label(), "refused", message=message.id, target=target.name, reason=str(error)
                )
        else:
            self._outbox.note(self._label(), "delivered", message=message.id, target=target.name)
            del self._attempts[key]
            self._failures[target.name] = 0


def run_courier(data: Path, config: Path) -> int:
    """Send what is in a data folder's outbox until it has been empty for a while; return the exit status.

    Another courier at the same outbox is left to it. Raises ConfigError.
    """
    outbox, ended = Outbox(data), threading.Event()
    outbox.folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = PortLock(str((outbox.folder / "courier").resolve()), WallLabels(), outbox.folder)
    except OwnershipError:
        return 0
    heart = Heart(outbox.folder / HEART)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, frame: ended.set())
    signal.signal(signal.SIGALRM, _break_off)
    try:
        courier = Courier(outbox, read_telling(config).target, _bounded)
        empty = 0.0
        while empty < LINGER and not ended.is_set():
            heart.beat()
            empty = 0.0 if courier.look(heart.beat) else empty + LOOK
            ended.wait(LOOK)
    finally:
        heart.stop()
        lock.release()
    return 0


def _break_off(number: int, frame: FrameType | None) -> None:
    raise NotTold(f"no answer within {ATTEMPT:g} s")


def _bounded(target: Target) -> Send:
    """Return a sender that is broken off in the middle of whatever it waits for; in the main thread only."""

    def send(message: Message) -> None:
        signal.setitimer(signal.ITIMER_REAL, ATTEMPT)
        try:
            service(target)(message)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    return send


def try_targets(
    data: Path, config: Path, patience: float = TEST, connect: Callable[[Target], Send] = service
) -> list[str]:
    """Send everybody a test message and return what came of it, in words, within `patience` [s]; never raises."""
    try:
        targets = read_telling(config).target
    except LabError as error:
        return [f"telling is BROKEN, nobody will be told: {error}"]
    if not targets:
        return ["nobody will be told what happens: telling.toml in the configuration names no target"]
    results: dict[str, str] = {}

    def attempt(target: Target) -> None:
        text = f"A test from {os.uname().nodename}: a night begins there soon. Nothing is to be done."
        try:
            connect(target)(Message("test", wall_label(), "info", "labctl: test", text))
        except NotTold as error:
            results[target.name] = str(error)
        else:
            results[target.name] = ""

    threads = [threading.Thread(target=attempt, args=(each,), daemon=True) for each in targets]
    for thread in threads:
        thread.start()
    ends = monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, ends - monotonic()))
    said = []
    for target in targets:
        trouble = results.get(target.name, f"no answer within {patience:g} s")
        with suppress(LabError):
            # A folder that cannot be written is told where the night's own files are made.
            Outbox(data).note(wall_label(), "tested", target=target.name, reason=trouble)
        said.append(
            f"telling {target.name} is BROKEN: {trouble}; the night begins all the same, messages wait for a day"
            if trouble
            else f"telling {target.name} works: it took a test message"
        )
    return said
