"""Plans side by side: each on a thread of its own, with its own engine and journal; one pauses or fails alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Any, Protocol

from bluesky.utils import MsgGenerator, RunEngineInterrupted

from devices.errors import Incomplete
from labctl.engine import LabEngine

log = logging.getLogger(__name__)

ASK_AGAIN = 0.05
"""Seconds of the wall between looks at a worker: one that is waited for, one that is to end and has only just begun."""


class Interrupts(Protocol):
    """What Ctrl-C does in a session."""

    @property
    def asked(self) -> bool:
        """Whether it asked for a pause that whoever waits for a plan has not heard of yet."""

    def during(self, engine: LabEngine) -> AbstractContextManager[object]:
        """Return the context of a call that waits for a plan of this engine."""


class Unheeded:
    """Nothing: whoever opened the session looks after signals."""

    asked = False

    def during(self, engine: LabEngine) -> AbstractContextManager[object]:
        """Return a context that does nothing."""
        return nullcontext()


class Worker:
    """A plan that runs beside others; it begins at once.

    RE: its engine. name. uids: its runs, when it is over.
    """

    def __init__(
        self,
        name: str,
        engine: LabEngine,
        plan: MsgGenerator[Any],
        then: Callable[[Worker], object] = lambda _: None,
        interrupts: Callable[[], Interrupts] = Unheeded,
    ) -> None:
        """Begin; `then` is called on this worker's thread when it is over. interrupts: returns who interrupts
        result()."""
        self.name, self.RE = name, engine
        self._interrupts = interrupts
        self.uids: tuple[str, ...] = ()
        self._error: BaseException | None = None
        self._over, self._go = threading.Event(), threading.Event()
        self._ended, self._then = "", then
        self._thread = threading.Thread(target=self._work, args=(plan,), name=name, daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<worker {self.name}: {self.state}>"

    @property
    def done(self) -> bool:
        """Whether it is over, well or not."""
        return self._over.is_set()

    @property
    def state(self) -> str:
        """What it is doing: "running", "paused", "done" or "failed"."""
        if not self.done:
            return "paused" if self.RE.state == "paused" else "running"
        return "done" if self._error is None else "failed"

    def result(self, timeout: float | None = None) -> tuple[str, ...]:
        """Wait until it is over and return the uids of its runs.

        timeout [s] of the wall. Raises what the plan failed with, TimeoutError when it is not over by then,
        RunEngineInterrupted when Ctrl-C paused it meanwhile.
        """
        until = None if timeout is None else monotonic() + timeout
        interrupts = self._interrupts()
        with interrupts.during(self.RE):
            while not self._over.wait(ASK_AGAIN):
                if until is not None and monotonic() > until:
                    raise TimeoutError(f"{self.name} is {self.state} after {timeout:g} s")
                if self.state == "paused" and interrupts.asked:
                    raise RunEngineInterrupted(self.RE.pause_msg)
        if self._error is not None:
            raise self._error
        return self.uids

    def pause(self) -> None:
        """Pause the plan at once; what runs on an instrument goes on. Nothing when it is not running."""
        self.RE.pause_now()

    def resume(self) -> None:
        """Let a paused plan go on; nothing when it is not paused."""
        if self.state == "paused":
            self._go.set()

    def end(self, reason: str) -> None:
        """Abort the plan, running, paused or just beginning, and return when its cleanup is over."""
        self._ended = reason or "it was asked for"
        while not self._over.wait(ASK_AGAIN):
            self.RE.end(reason)
            self._go.set()
        self._thread.join()

    def _work(self, plan: MsgGenerator[Any]) -> None:
        try:
            self._run(plan)
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            self._error = error
            if self._ended:
                self._error = Incomplete(
                    f"{self.name} was ended: {self._ended}; what was done is in the journal"
                )
            log.warning("%s: %s", self.name, str(self._error).splitlines()[0] if str(self._error) else error)
        finally:
            self._over.set()
            self._then(self)

    def _run(self, plan: MsgGenerator[Any]) -> None:
        go_on: Any = lambda: self.RE(plan)  # noqa: E731 - the first way to go on, RE.resume is the other
        while True:
            if self._ended:
                raise RunEngineInterrupted(f"{self.name} was ended")
            try:
                self.uids = tuple(go_on())
                return
            except RunEngineInterrupted:
                if self.RE.state != "paused":
                    raise
            self._go.wait()
            self._go.clear()
            go_on = self.RE.resume


class Workers:
    """The workers of a session, by name."""

    def __init__(self) -> None:
        self._all: dict[str, Worker] = {}

    def __iter__(self) -> Any:
        return iter(tuple(self._all.values()))

    def __getitem__(self, name: str) -> Worker:
        return self._all[name]

    def free_name(self, wanted: str) -> str:
        """Return a name that no worker at work has."""
        busy = {name for name, worker in self._all.items() if not worker.done}
        taken = [wanted, *(f"{wanted}-{number}" for number in range(2, len(busy) + 3))]
        return next(name for name in taken if name not in busy)

    def add(self, worker: Worker) -> Worker:
        """Keep a worker."""
        self._all[worker.name] = worker
        return worker

    @property
    def engines(self) -> list[LabEngine]:
        """The engines of all that work."""
        return [worker.RE for worker in self if not worker.done]

    @property
    def state(self) -> str:
        """ "running" while one works, "paused" when all that do are, "idle" otherwise; as an engine's."""
        states = {worker.state for worker in self if not worker.done}
        return "idle" if not states else "paused" if states == {"paused"} else "running"

    def resume(self) -> None:
        """Let all that are paused go on."""
        for worker in self:
            worker.resume()

    def end(self, reason: str) -> None:
        """End all that work; one whose cleanup fails keeps no other from being ended."""
        for worker in self:
            if not worker.done:
                try:
                    worker.end(reason)
                except Exception:
                    log.exception("%s: %s", worker.name, reason)
