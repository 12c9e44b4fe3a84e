"""Runs a night: each item in a worker of its own, as soon as what it waits for is over and its stations are free."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator

from devices.clock import Handle
from devices.errors import LabError
from labctl.config.folder import Config
from labctl.night.agenda import Agenda
from labctl.night.chronicle import Chronicle, ItemState
from labctl.night.heart import LOOP
from labctl.night.listing import Item, Night
from labctl.night.orders import Order, pending
from labctl.night.stillness import Stillness
from labctl.session import Session
from labctl.workers import Worker

log = logging.getLogger(__name__)


class NeedsWord(LabError):
    """A person has to say something before an item goes on."""


LOOK = 0.5
"""Seconds of the wall between two looks at orders and at those who want to know that the night goes on."""

Resume = Callable[[Session, Item, Sequence[str], dict[str, Any]], MsgGenerator[Any]]
"""Takes the session, an item, the uids of the runs it made so far, metadata; returns the plan that does the rest."""


@dataclass(eq=False)
class _Attempt:
    """One worker at work on an item. begun, ending: its plan is begun, is told to end. cut: why it was ended early."""

    item: Item
    worker: Worker | None = None
    timer: Handle | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    cut: str = ""


class Conductor:
    """Runs the items of a night on an open session.

    elapsed: how long the night has lasted already [s]. beat: called at every look, with the items at work and how far
    each engine has come. answered: whether somebody can be asked; what has to ask fails otherwise.
    """

    def __init__(
        self,
        lab: Session,
        night: Night,
        chronicle: Chronicle,
        config: Config,
        resume: Resume,
        *,
        elapsed: float = 0.0,
        say: Callable[[str], object] = log.info,
        beat: Callable[[dict[str, int]], object] = lambda _: None,
        answered: bool = True,
    ) -> None:
        self._lab, self._night, self._resume, self._elapsed = lab, night, resume, elapsed
        self._chronicle, self._say, self._beat, self._answered = chronicle, say, beat, answered
        self._agenda = Agenda(night.items, lab.data, chronicle, config, lab.clock.time, say)
        self._at_work: dict[str, _Attempt] = {}
        self._claimed: dict[str, list[str]] = {}
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._messages: dict[str, int] = {}
        self._ticks = 0
        self._closing = ""
        self._over, self._interrupted = threading.Event(), False
        self._still = Stillness(lab.clock)
        self._concluded: list[object] = []

    def run(self) -> dict[str, ItemState]:
        """Run until nothing can begin any more and nothing runs; return where every item stands."""
        deadline = self._deadline()
        try:
            self._begin_what_can()
            while self._at_work or self._can_wait():
                self._take_news()
                self._take_orders()
                self._begin_what_can()
                self._tell_progress()
        finally:
            if deadline is not None:
                deadline.cancel()
            self._closing = self._closing or "the night is over"
            self._over.set()
            self._still.end()
        if not self._interrupted:
            for item in self._agenda.items:
                if not self._agenda.state(item).over:
                    self._agenda.tell("stopped", item, reason=self._closing)
            self._take_orders()
        return self._chronicle.states

    @property
    def state(self) -> str:
        """ "running", as an engine's, until the night is over."""
        return "idle" if self._over.is_set() else "running"

    def end(self, reason: str) -> None:
        """Interrupt the night in good order and return when nothing runs any more; it may be gone on with later."""
        self._interrupted = True
        self._news.put(lambda: self._close(reason))
        self._over.wait()

    def _can_wait(self) -> bool:
        """Return whether an item waits for a person's word and the night is not being ended."""
        asks = any(self._agenda.state(item).state == "asks" for item in self._agenda.items)
        return asks and not self._closing

    def _tell_progress(self) -> None:
        """Say that the night goes on, and how far: what is stuck does not count on, and neither does a stuck loop."""
        self._lab.clock.loop.call_soon_threadsafe(self._tick)
        self._beat({LOOP: self._ticks} | {name: self._messages.get(name, 0) for name in self._at_work})

    def _tick(self) -> None:
        self._ticks += 1

    def _deadline(self) -> Handle | None:
        whole = self._night.until_deadline(self._lab.clock.time() - self._elapsed)
        if whole is None:
            return None
        left = whole - self._elapsed
        if left <= 0:
            self._closing = "the deadline has come"
            return None
        return self._lab.clock.after(left, self._at_deadline, "deadline")

    def _at_deadline(self) -> None:
        """Begin nothing more, and end what runs where the list says so; on the clock's thread."""
        if self._night.at_deadline == "stop":
            self._news.put(self._still.during(lambda: self._close("the deadline has come")))
        else:
            self._closing = self._closing or "the deadline has come"

    def _take_news(self) -> None:
        """Wait for the next news, or the next look; what came at once is taken at once."""
        with suppress(queue.Empty):
            self._news.get(timeout=LOOK)()
            while True:
                self._news.get_nowait()()

    def _close(self, reason: str) -> None:
        """Begin nothing more and end what runs, all at once."""
        self._closing = reason
        for attempt in self._at_work.values():
            self._cut(attempt, reason)

    def _cut(self, attempt: _Attempt, reason: str) -> None:
        """Have an item at work ended in good order; return when its plan knows, not when its cleanup is over.

        Cleanup may take its time, and so may that of others beside it: nobody may wait here while time is kept still.
        """
        worker = attempt.worker
        assert worker is not None
        attempt.cut = attempt.cut or reason
        if worker.done or attempt.ending.is_set():
            return
        threading.Thread(target=_end, args=(worker, reason), name=f"end {worker.name}", daemon=True).start()
        while not attempt.ending.wait(LOOK) and not worker.done:
            pass

    def _begin_what_can(self) -> None:
        """Begin every item that may, in the order of the list; then let time move that was kept still for them."""
        while self._begin_some():
            pass
        self._still.let_go((self, *self._concluded))
        self._concluded = []

    def _begin_some(self) -> bool:
        """Begin what may; no item overtakes one that waits for the same station. Return whether to look again."""
        agenda, kept, again = self._agenda, set[str](), False
        began: list[_Attempt] = []
        for item in tuple(agenda.items):
            state, samples = agenda.state(item), item.claims
            if item.name in self._at_work:
                kept.update(samples)
            elif state.over or self._closing:
                continue
            elif reason := agenda.hindrance(item):
                agenda.tell("skipped", item, reason=reason)
                again = True
            elif state.state == "asks" or agenda.waits_for_others(item):
                kept.update(samples)
            elif (claims := self._claims(item)) is None:
                again = True
            elif not all(self._lab.is_free(claim) and claim not in kept for claim in claims):
                kept |= set(claims)
            elif (attempt := self._begin(item, claims)) is not None:
                kept.update(samples)
                began.append(attempt)
            else:
                again = True
        for attempt in began:
            assert attempt.worker is not None
            while not attempt.begun.wait(LOOK) and not attempt.worker.done:
                pass
        return again

    def _claims(self, item: Item) -> list[str] | None:
        """Return what an item needs for itself, stations and sample; None where it fails for the lack of one."""
        if item.name not in self._claimed:
            try:
                stations = self._lab.stations_of(item.experiment)
            except Exception as error:  # noqa: BLE001 - one item that cannot be read must not end the others
                self._fail(item, _words(error))
                return None
            self._claimed[item.name] = [*stations, *item.claims]
        return self._claimed[item.name]

    def _begin(self, item: Item, claims: Sequence[str]) -> _Attempt | None:
        """Begin an item, or go on with it where it has runs already."""
        agenda, experiment = self._agenda, str(uuid.uuid4())
        state = agenda.state(item)
        marks = {"night": self._chronicle.folder.name, "night_item": item.name, "experiment": experiment}
        if self._night.operator:
            marks["operator"] = self._night.operator
        attempt = _Attempt(item)
        self._lab.hands.answered(item.entry.agreed, f"the list of the night, item {item.name}")
        try:
            left = self._time_left(item)
            if state.runs:
                plan = self._resume(self._lab, item, tuple(state.runs), marks)
            else:
                plan = self._lab.plan_of(item.experiment, marks)
            agenda.tell("started", item, experiment=experiment, attempt=len(state.experiments) + 1)
            # What begins with it begins at the same instant; _begin_what_can lets time move again.
            self._still.keep(self)
            worker = attempt.worker = self._lab.start(
                self._watched(plan, attempt),
                item.name,
                claims=claims,
                told=lambda name, document: self._document(item, name, document),
                then=lambda _: self._news.put(lambda: self._conclude(attempt)),
            )
        except NeedsWord as error:
            if self._answered:
                agenda.tell("asks", item, reason=str(error))
            else:
                self._fail(item, f"somebody would have to be asked: {error}", for_good=True)
            return None
        except Exception as error:  # noqa: BLE001 - whatever hinders one item, the others go on
            self._fail(item, _words(error))
            return None
        self._at_work[item.name] = attempt
        worker.RE.msg_hook = lambda _: self._count(item)
        worker.RE.state_hook = lambda new, _: self._on_state(attempt, new)
        if left is not None:
            too_long = f"it takes longer than {item.entry.longest:g} s"
            cut = lambda: self._cut(attempt, too_long)  # noqa: E731 - what is done when time is up
            attempt.timer = self._lab.clock.after(
                left, lambda: self._news.put(self._still.during(cut)), f"{item.name} longest"
            )
        return attempt

    def _time_left(self, item: Item) -> float | None:
        """Return how long an item may still take [s], None for any time. Raises LabError when it has taken that."""
        longest, began = item.entry.longest, self._agenda.state(item).began
        if longest is None:
            return None
        left = longest if began is None else longest - max(0.0, self._lab.clock.time() - began)
        if left <= 0:
            raise LabError(f"it takes longer than {longest:g} s")
        return left

    def _watched(self, plan: MsgGenerator[Any], attempt: _Attempt) -> MsgGenerator[Any]:
        """Run a plan; when it ends, or gives a station back, keep time still until what waited for it has begun."""

        def around(message: Msg) -> tuple[None, MsgGenerator[None] | None]:
            return None, self._given_back() if message.command == "unstage" else None

        attempt.begun.set()
        try:
            return (yield from bpp.plan_mutator(plan, around))
        finally:
            if not self._over.is_set():
                self._still.keep(attempt)

    def _given_back(self) -> MsgGenerator[None]:
        if not self._over.is_set():
            holder = object()
            self._still.keep(holder)
            self._news.put(lambda: self._concluded.append(holder))
        yield from bps.null()

    def _on_state(self, attempt: _Attempt, new: str) -> None:
        if new != "running":
            attempt.ending.set()

    def _document(self, item: Item, name: str, document: dict[str, Any]) -> None:
        if name == "start":
            self._agenda.tell("run", item, uid=document["uid"])

    def _count(self, item: Item) -> None:
        self._messages[item.name] = self._messages.get(item.name, 0) + 1

    def _conclude(self, attempt: _Attempt) -> None:
        """Take the end of an item."""
        item, worker = attempt.item, attempt.worker
        assert worker is not None
        del self._at_work[item.name]
        self._concluded.append(attempt)
        if attempt.timer is not None:
            attempt.timer.cancel()
        try:
            worker.result(0)
        except Exception as error:  # noqa: BLE001 - whatever it failed with, the night decides what follows
            if attempt.cut and self._interrupted:
                self._agenda.tell("waiting", item, reason=attempt.cut)
            elif attempt.cut:
                self._agenda.tell("stopped", item, reason=attempt.cut)
                self._make_safe(item)
            else:
                self._fail(item, _words(error))
        else:
            self._agenda.tell("done", item)

    def _fail(self, item: Item, reason: str, *, for_good: bool = False) -> None:
        state, entry = self._agenda.state(item), item.entry
        retried = entry.on_failure == "retry" and state.failures < entry.retries
        if retried and not (for_good or self._closing):
            self._agenda.tell("waiting", item, reason=f"it is tried again: {reason}", failed=True)
            return
        self._agenda.tell("failed", item, reason=reason)
        self._make_safe(item)
        if entry.on_failure == "stop_all":
            self._close(f"{item.name} failed: {reason}")
        else:
            self._agenda.skip_sample(item, self._at_work)

    def _make_safe(self, item: Item) -> None:
        """Make the stations of an item safe that nobody goes on with, where nobody else works with them.

        A plan that is ended leaves a cycler running where its program says so, for whoever takes it over.
        """
        for name in self._claimed.get(item.name, [])[:-1]:
            if self._lab.is_free(name):
                try:
                    self._lab.clock.call(self._lab.devices[name].safe)
                except Exception as error:
                    # One that fails must not keep the next from being made safe.
                    self._say(f"{name} could not be made safe: {_words(error)}")
                    log.exception("%s could not be made safe", name)

    def _take_orders(self) -> None:
        for path, order in pending(self._chronicle.folder):
            try:
                self._carry_out(order)
                refusal = ""
            except LabError as error:
                refusal = str(error)
                self._say(f"the order to {order.verb} {order.item} was refused: {error}")
            self._chronicle.tell(
                self._lab.clock.time(),
                "ordered",
                order=order.verb,
                whose=order.item,
                who=order.who,
                refusal=refusal,
            )
            path.unlink()

    def _carry_out(self, order: Order) -> None:
        if self._over.is_set():
            raise LabError("the night is over")
        if order.verb == "stop":
            self._close(f"stopped by {order.who or 'an order'}")
        else:
            self._agenda.obey(order, self._at_work)
            self._claimed.pop(order.item, None)


def _end(worker: Worker, reason: str) -> None:
    try:
        worker.end(reason)
    except Exception:
        # Its own thread raises it as well, where the night takes it as the item's end; here nobody is to be told.
        log.exception("%s failed while it was ended (%s)", worker.name, reason)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, LabError) else repr(error)
