"""The bluesky engine on the session's clock: documents carry the clock's time and uids that can be derived."""

from __future__ import annotations

import concurrent.futures
import inspect
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from bluesky.protocols import Pausable
from bluesky.run_engine import RunEngine
from bluesky.utils import TransitionError

from devices.base import Station
from devices.clock import Handle
from devices.errors import LabError
from labctl.config.models import Experiment
from labctl.event_uids import event_uid
from labctl.leases import Leases
from labctl.metadata import check_metadata, plain_metadata
from labctl.mistyped import Mistyped
from labctl.powered import in_words, paused

log = logging.getLogger(__name__)

ENDING = 60.0
"""Seconds of the wall that a plan's cleanup may take when its session is closed; guess."""

RESTING = frozenset({"idle", "paused", "panicked"})
GOING = frozenset({"running", "pausing", "paused", "suspending"})
"""States from which a plan can be ended."""

SHELL = "the shell"
"""What the engine at the prompt is called as a holder of leases; others are called as their workers."""

RENEWAL = 5.0
"""Seconds between renewals of leases while a plan is held, a third of the lamp's lease."""


class EngineClock(Protocol):
    """The part of a clock that an engine needs."""

    loop: Any

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Handle:
        """Run an action in dt seconds."""

    def time(self) -> float:
        """Return the time label."""

    def set_live(self, engine: int, live: bool) -> None:
        """Let time move while this engine executes messages."""


class LabEngine(RunEngine):
    """A RunEngine whose time is the session's clock.

    A plan renews the leases of its stations while it runs. While it is held, paused or by a suspender, the engine does
    so, which knows that there is a plan to go on with; a plan that was halted renews nothing.

    `msg_hook` and `state_hook` stay the user's: setting them adds to the clock's own.
    """

    def __init__(
        self,
        clock: EngineClock,
        md: Any = None,
        *,
        leases: Leases | None = None,
        holder: str = SHELL,
        **kwargs: Any,
    ) -> None:
        """Work on the stations that `holder` claims in `leases`; other arguments are bluesky's."""
        self.clock = clock
        self._leases, self._holder = leases or Leases(), holder
        self._held: dict[str, Any] = {}
        self._at_work: dict[str, Station] = {}
        self.is_waited_for = False
        self._pause_wanted = False
        self._renewal: Handle | None = None
        self._just_resumed = False
        self._user_msg_hook: Callable[[Any], None] | None = None
        self._user_state_hook: Callable[[str, str], None] | None = None
        self._streams: dict[str, tuple[str, str]] = {}
        checks = {"md_validator": check_metadata, "md_normalizer": plain_metadata}
        super().__init__(md if md is not None else {}, loop=clock.loop, **{**checks, **kwargs})

    def __call__(self, *args: Any, **metadata: Any) -> Any:
        """Run a plan as bluesky's engine does; metadata that cannot be kept are refused before its first message."""
        if args and inspect.isroutine(args[0]):
            name = args[0].__name__
            raise Mistyped(f"{name} is a plan that was not called; nothing was begun. Type RE({name}(...))")
        if args and (isinstance(args[0], str) or not isinstance(args[0], Iterable)):
            what = getattr(args[0], "name", "") or repr(args[0])
            raise Mistyped(f"{what} is {_what_else(args[0])}")
        if self.state == "paused":
            raise LabError(
                "a plan is paused already; nothing new was begun. Type RE.resume() to go on with it, or RE.abort() to"
                " end it in good order"
            )
        check_metadata({**self.md, **metadata})
        self._at_work = {}
        return self._waited_for(lambda: super(LabEngine, self).__call__(*args, **metadata))

    def __repr__(self) -> str:
        """Return what it does, for a prompt."""
        return f"<the engine of {self._holder}: {self.state}; RE(PLAN(...)) runs a plan>"

    def resume(self) -> Any:
        """Go on with a paused plan."""
        if self.state == "idle":
            raise Mistyped("no plan is paused: there is nothing to go on with")
        return self._waited_for(super().resume)

    def _waited_for(self, go_on: Callable[[], Any]) -> Any:
        self.is_waited_for = True
        try:
            return go_on()
        finally:
            self.is_waited_for = self._pause_wanted = False

    @property
    def pause_msg(self) -> str:
        """What is said of an interrupted plan: what is powered now, what can be typed next."""
        if self.state != "paused":
            return f"The plan was ended{f' ({self._reason})' if self._reason else ''}: {self.powered()}."
        mine = "lab.RE" if self._holder == SHELL else f"lab.workers[{self._holder!r}]"
        end = "abort()" if self._holder == SHELL else 'end("why")'
        return (
            f"{paused(self.at_work)}. Type {mine}.resume() to go on, {mine}.{end} to"
            " end it in good order, or lab.safe() to make every device safe."
        )

    @pause_msg.setter
    def pause_msg(self, text: str) -> None:
        """Take no other text: bluesky's own speaks of checkpoints, which trains of flashes do not have."""

    @property
    def at_work(self) -> tuple[Station, ...]:
        """The stations of the last plan."""
        return tuple(self._at_work.values())

    def powered(self) -> str:
        """Return in words what the stations of the last plan are doing."""
        return in_words(self.at_work)

    @property
    def was_interrupted(self) -> bool:
        """Whether the last plan was paused or ended before its end."""
        return bool(self._interrupted)

    @property
    def is_ending(self) -> bool:
        """Whether the plan in hand is being ended."""
        return self.state in ("aborting", "stopping", "halting")

    def pause_now(self) -> None:
        """Let no station begin anything more, and pause the plan before its next message; a plan that is only about to
        begin, as soon as it runs. Nothing when all is at rest. For any thread.
        """
        for station in tuple(self._at_work.values()):
            if isinstance(station, Pausable):
                station.pause()
        self.loop.call_soon_threadsafe(self._pause_when_running)

    def _pause_when_running(self) -> None:
        # As it begins, and as it goes on after a pause, there is a moment in which bluesky refuses to pause it.
        self._pause_wanted = self.is_waited_for and self.state in ("idle", "paused")
        if not self._pause_wanted:
            self.loop.create_task(self._paused())

    async def _paused(self) -> None:
        with suppress(TransitionError):
            await self._request_pause_coro(False)

    def _let_go_on(self) -> None:
        permit: Any = self._run_permit
        permit.set()

    def end_safely(self, reason: str) -> None:
        """End what is in hand, then bring every station that it worked with to its safe state; nothing if all was idle.

        Raises LabError naming those that did not obey. Not to be called on the loop's thread.
        """
        if self.state in ("idle", "panicked"):
            return
        stations = tuple(self._at_work.values())
        self.end(reason)
        failures = []
        for station in stations:
            try:
                station.safe()
            except Exception as error:  # noqa: BLE001 - one that fails must not keep the next from being made safe
                failures.append(f"{station.name}: {error if isinstance(error, LabError) else repr(error)}")
        if failures:
            raise LabError("not everything is safe:\n  " + "\n  ".join(failures))

    @property  # type: ignore[override]
    def msg_hook(self) -> Callable[[Any], None]:
        """What every message is shown to before it is processed."""
        return self._on_message

    @msg_hook.setter
    def msg_hook(self, hook: Callable[[Any], None] | None) -> None:
        self._user_msg_hook = hook

    @property  # type: ignore[override]
    def state_hook(self) -> Callable[[str, str], None]:
        """What every change of state is told to."""
        return self._on_state

    @state_hook.setter
    def state_hook(self, hook: Callable[[str, str], None] | None) -> None:
        self._user_state_hook = hook

    def end(self, reason: str) -> None:
        """Abort what is in hand, running or paused, and return when its cleanup is over; nothing if at rest.

        Raises what the plan fails with. Not to be called on the loop's thread.
        """
        if self.state in GOING:
            try:
                self.abort(reason)
            except TransitionError:
                log.info("the plan ended by itself before it could be aborted (%s)", reason)
            # A pause may have come about in between: bluesky's abort then leaves it waiting for somebody to resume.
            self.loop.call_soon_threadsafe(self._let_go_on)
        task = None if self.state == "panicked" else self._task_fut
        if task is not None and concurrent.futures.wait([task], timeout=ENDING).not_done:
            log.error("the plan's cleanup is not over after %g s (%s)", ENDING, reason)

    def _on_message(self, message: Any) -> None:
        self.clock.set_live(id(self), True)
        if self._just_resumed:
            # Not before: what was told to go on wants to hear that there is a plan again.
            self._just_resumed = False
            self._renew()
        if message.command == "_resume_from_suspender":
            self._just_resumed = True
        if self._user_msg_hook is not None:
            self._user_msg_hook(message)

    def _on_state(self, new: str, old: str) -> None:
        if new in RESTING:
            self.clock.set_live(id(self), False)
        if new == "running" and old == "paused":
            self._just_resumed = True
        if new == "running" and self._pause_wanted:
            self._pause_wanted = False
            self.loop.create_task(self._paused())
        if new == "idle":
            self._leases.release(self._holder)
            self._held = {}
            if self._renewal is not None:
                self._renewal.cancel()
                self._renewal = None
        if self._user_state_hook is not None:
            self._user_state_hook(new, old)

    def _renew(self) -> None:
        for station in self._held.values():
            station.renew_lease()

    def _renew_while_held(self) -> None:
        """Keep what a plan holds that cannot renew its leases itself, and look again soon."""
        if self.state == "paused" or any(each.tripped for each in self.suspenders):
            for station in self._held.values():
                station.hold_lease()
        self._renewal = self.clock.after(RENEWAL, self._renew_while_held, self._holder)

    async def _stage(self, message: Any) -> Any:
        """Stage a device; a station that is staged is this engine's own from then on."""
        if isinstance(message.obj, Station):
            self._claim(message)
        return await super()._stage(message)

    async def _prepare(self, message: Any) -> Any:
        """Prepare a station once it is this engine's own, and so is the sample of its job."""
        self._claim(message)
        sample = getattr(message.args[0] if message.args else None, "sample", None)
        if sample is not None:
            self._leases.claim(f"sample {sample.id}", self._holder)
        return await super()._prepare(message)

    def _claim(self, message: Any) -> None:
        """Have a station for this engine, and its lease renewed while a plan holds it."""
        self._leases.claim(message.obj.name, self._holder)
        if isinstance(message.obj, Station):
            self._at_work[message.obj.name] = message.obj
        if getattr(message.obj, "needs_lease", False):
            self._held[message.obj.name] = message.obj
            if self._renewal is None:
                self._renewal = self.clock.after(RENEWAL, self._renew_while_held, self._holder)

    async def _unstage(self, message: Any) -> Any:
        """Unstage a device; a station that is unstaged is this engine's no longer."""
        unstaged = await super()._unstage(message)
        self._leases.give_back(message.obj.name, self._holder)
        return unstaged

    async def _declare_stream(self, message: Any) -> Any:
        """Declare a stream whose pages are not checked against event-model's schema one cell at a time.

        That check is nine tenths of a night of rows. What it would find, the keys and lengths of a page, the row
        streams hold by themselves; tests put every document of every plan through the schemas.
        """
        declared = await super()._declare_stream(message)
        bundles: Any = self._run_bundlers[message.run]._descriptors
        for bundle in bundles.values():
            if not isinstance(bundle.compose_event_page, partial):
                bundle.compose_event_page = partial(bundle.compose_event_page, validate=False)
        return declared

    def emit_sync(self, name: Any, doc: dict[str, Any]) -> None:
        """Stamp the document by the clock, then hand it to the subscribers."""
        kind = name.name
        if kind == "descriptor":
            self._streams[doc["uid"]] = (doc["run_start"], doc["name"])
        if kind == "event":
            run, stream = self._streams[doc["descriptor"]]
            doc["time"] = self.clock.time()
            doc["uid"] = event_uid(run, stream, doc["seq_num"])
        elif kind == "event_page":
            run, stream = self._streams[doc["descriptor"]]
            doc["time"] = list(next(iter(doc["timestamps"].values())))
            doc["uid"] = [event_uid(run, stream, seq_num) for seq_num in doc["seq_num"]]
        elif "time" in doc:
            doc["time"] = self.clock.time()
        if kind == "stop":
            if doc["exit_status"] == "abort" and not doc.get("reason"):
                doc["reason"] = self._reason
            self._streams = {k: v for k, v in self._streams.items() if v[0] != doc["run_start"]}
        super().emit_sync(name, doc)


def _what_else(given: Any) -> str:
    """Return what it is that was typed for a plan, and what is to be typed."""
    if isinstance(given, Experiment):
        return (
            "an experiment: a plan with what it takes; nothing was begun. Type"
            f' lab.run(experiments["{given.name}"])'
        )
    return "no plan; nothing was begun. Type RE(PLAN(...))"
