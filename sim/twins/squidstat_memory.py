"""What a Squidstat keeps of a run while nobody hears it, and says again when the link is back."""

from __future__ import annotations

from collections import deque
from typing import Any

from sim.twins.squidstat_handler import AisACData, AisDCData, AisInstrumentHandler
from sim.twins.squidstat_signals import Signal, SignalQueue

DOUBLED = 3
"""Signals sent last before the link was lost that the instrument does not know to have arrived; guess."""


class Memory:
    """Signals of the channels, in order: what the instrument holds until it is told to erase it.

    most: how many it holds; the oldest make room. While the link is up only the last few rows are kept.
    """

    def __init__(self, handler: AisInstrumentHandler, queue: SignalQueue, most: int) -> None:
        self._handler, self._queue = handler, queue
        self._kept: deque[tuple[int, Any]] = deque(maxlen=most)
        self._sent: deque[tuple[int, Any]] = deque(maxlen=DOUBLED)
        self.is_away = False

    def say(self, signal: Signal, channel: int, what: Any) -> None:
        """Send a row, a point or the begin of an element, or keep it while the link is lost."""
        if self.is_away:
            self._kept.append((channel, what))
            return
        self._queue.post(signal, channel, what)
        if isinstance(what, AisDCData | AisACData):
            self._sent.append((channel, what))
        else:
            self._sent.clear()

    def lose_link(self) -> None:
        """Keep what comes from now on, and what perhaps did not arrive."""
        self.is_away = True
        self._kept.extend(self._sent)
        self._sent.clear()

    def find_link(self) -> int:
        """Say all that is kept once more; return how much that is. It stays until it is erased."""
        self.is_away = False
        for channel, what in self._kept:
            self._queue.post(self._signal(what), channel, what)
        return len(self._kept)

    def forget(self, count: int) -> None:
        """Lose the oldest of what is kept: a fault of the memory."""
        for _ in range(min(count, len(self._kept))):
            self._kept.popleft()

    def forget_channel(self, channel: int) -> None:
        """Forget what is kept of a channel's run, as a new one begins; guess."""
        for kept in (self._kept, self._sent):
            others = [each for each in kept if each[0] != channel]
            kept.clear()
            kept.extend(others)

    def erase(self) -> None:
        """Forget what is kept, as told."""
        self._kept.clear()

    def _signal(self, what: Any) -> Signal:
        if isinstance(what, AisDCData):
            return self._handler.recoveryDCDataReady
        if isinstance(what, AisACData):
            return self._handler.recoveryACDataReady
        return self._handler.experimentNewElementStarting
