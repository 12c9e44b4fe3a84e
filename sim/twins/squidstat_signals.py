"""Signals of the Squidstat's library: what the instrument says reaches a program's slots later, in order."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from typing import Any

Slot = Callable[..., Any]


class Signal:
    """A signal as programs use it. A slot may take fewer arguments than the signal has, as with Qt."""

    def __init__(self) -> None:
        self._slots: list[tuple[Slot, int | None]] = []

    def connect(self, slot: Slot) -> None:
        """Call `slot` at each emission."""
        self._slots.append((slot, _most_arguments(slot)))

    def disconnect(self, slot: Slot) -> None:
        """Call it no more. Raises RuntimeError when it was not connected."""
        for each in self._slots:
            if each[0] == slot:
                self._slots.remove(each)
                return
        raise RuntimeError(f"{slot!r} is not connected to this signal")

    def emit(self, *arguments: Any) -> None:
        """Call every slot now."""
        for slot, most in tuple(self._slots):
            slot(*arguments[:most])


def _most_arguments(slot: Slot) -> int | None:
    """Return how many arguments a slot takes, None for any number."""
    try:
        parameters = inspect.signature(slot).parameters.values()
    except ValueError:  # builtins do not say
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return None
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)


class SignalQueue:
    """Signals made while the twin is advanced; delivered afterwards, so that slots may call the library."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Signal, tuple[Any, ...]]] = deque()
        self._delivering = False

    def post(self, signal: Signal, *arguments: Any) -> None:
        """Emit later."""
        self._waiting.append((signal, arguments))

    def deliver(self) -> None:
        """Emit what is waiting, and what the slots cause meanwhile."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting:
                signal, arguments = self._waiting.popleft()
                signal.emit(*arguments)
        finally:
            self._delivering = False
