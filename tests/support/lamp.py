"""The instruments of a flash lamp, as obedient as can be: a bank that is full at once, a gate, a board of contacts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from devices.roles.lamp_parts import ChargerState

BLEEDS = 35.0
"""Seconds of the bank's time constant."""


class Charger:
    """Fills its bank at once to a share of what is asked, and lets it bleed when it is off; hears every question."""

    kind_name, watchdog = "charger", 1.5

    def __init__(self, clock: Any) -> None:
        self.clock, self.acting = clock, False
        self.full, self.at, self.share = 0.0, 0.0, 1.0
        self.on = self.faulted = False
        self.asked = 0
        self.hears: Callable[[int], None] = lambda number: None

    def program(self, voltage: float) -> None:
        self.on, self.full = True, self.share * voltage

    def off(self) -> None:
        if self.on:
            self.on, self.at = False, self.clock.now()

    def reset(self) -> None:
        self.faulted = False

    def state(self) -> ChargerState:
        self.asked += 1
        self.hears(self.asked)
        left = 1.0 if self.on else math.exp((self.at - self.clock.now()) / BLEEDS)
        return ChargerState(left * self.full, 0.0, self.on, self.faulted)

    safe = off


class Gate:
    """Lets triggers pass between prepare() and safe(). fires: done by each."""

    kind_name, bursts = "gate", False

    def __init__(self) -> None:
        self.lets_pass = False
        self.fires: Callable[[], None] = lambda: None

    def prepare(self, duration: float) -> None:
        self.lets_pass = True

    def require_set(self) -> None:
        assert self.lets_pass

    def fire(self) -> None:
        self.fires()

    def fired(self) -> bool:
        return True

    def safe(self) -> None:
        self.lets_pass = False


class Meter:
    """Sees the same energy [J] of every flash."""

    kind_name = "meter"

    def prepare(self) -> None:
        """Be ready."""

    def take(self) -> float:
        return 10.0

    def safe(self) -> None:
        """Be safe."""


class Board:
    """Closes its contact, counts flashes, keeps what was open until it forgets. fed: how often it heard of a host."""

    kind_name, end_switches = "board", ()

    def __init__(self) -> None:
        self.is_closed, self.count, self.fed = False, 7, 0
        self.is_open: set[str] = set()
        self.latched: set[str] = set()

    def open(self, contact: str) -> None:
        self.is_open.add(contact)
        self.latched.add(contact)

    def close(self, contact: str) -> None:
        self.is_open.discard(contact)

    def was_off(self) -> bool:
        return False

    def flashes(self) -> int:
        return self.count

    def enable(self) -> None:
        self.is_closed = True

    def alive(self) -> None:
        assert self.is_closed
        self.fed += 1

    def inputs(self) -> dict[str, bool]:
        return {name: name not in self.is_open for name in ("door", "water")}

    def opened(self) -> frozenset[str]:
        return frozenset(self.latched)

    def forget(self) -> None:
        self.latched = set(self.is_open)

    def reset(self) -> None:
        """Have tripped no watchdog."""

    def safe(self) -> None:
        self.is_closed = False


class Led:
    """A train that a plan leads: its lease is renewed as long as the plan lives."""

    clock: Any
    train: Any
    _steps: Any
    lives = True

    def fly(self, seconds: float = 3600.0) -> None:
        """Let the train go on for so long, or to its end."""
        until = self.clock.now() + seconds
        for delay in self._steps:
            self.clock.sleep(delay)
            if self.lives:
                self.train.renew_lease()
            if self.clock.now() > until:
                return
