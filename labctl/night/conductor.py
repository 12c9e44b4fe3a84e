"""Runs a night: each item in a worker of its own, as soon as what it waits for is over and its stations are free."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bluesky.utils import MsgGenerator

from devices.clock import Handle
from devices.errors import LabError
from labctl.config.checking import validate
from labctl.config.folder import Config
from labctl.night.chronicle import Chronicle, ItemState
from labctl.night.listing import Entry, Item, Night, place, read_item
from labctl.night.orders import Order, pending
from labctl.runs.briefs import find_run
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
    """One worker at work on an item. cut: why it was ended before its end."""

    item: Item
    worker: Worker | None = None
    timer: Handle | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    cut: str = ""


class Conductor:
    """Runs the items of a night on an open session.

    beat: called at every look, with the items at work and how far each engine has come.
    """

    def __init__(
        self,
        lab: Session,
        night: Night,
        chronicle: Chronicle,
        config: Config,
        resume: Resume,
        *,
        say: Callable[[str], object] = log.info,
        beat: Callable[[dict[str, int]], object] = lambda _: None,
    ) -> None:
        self._lab, self._night, self._config, self._resume = lab, night, config, resume
        self._chronicle, self._say, self._beat = chronicle, say, beat
        self._items = list(night.items)
        self._at_work: dict[str, _Attempt] = {}
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._messages: dict[str, int] = {}
        self._closing = ""
        self._over, self._interrupted = threading.Event(), False
        # Ended attempts that keep virtual time still until what waited for them has begun; the loop's thread only.
        self._still: set[_Attempt] = set()
        self._concluded: list[_Attempt] = []

    def run(self) -> dict[str, ItemState]:
        """Run until nothing can begin any more and nothing runs; return where every item stands."""
        for item in self._items:
            self._state(item)
        deadline = None
        if self._night.deadline is not None:
            deadline = self._lab.clock.after(self._night.deadline, self._at_deadline, "deadline")
        try:
            self._begin_what_can()
            while self._at_work or self._can_wait():
                self._take_news()
                self._take_orders()
                self._begin_what_can()
                self._beat(dict(self._messages))
        finally:
            if deadline is not None:
                deadline.cancel()
            self._closing = self._closing or "the night is over"
            self._let_go(None)
            self._over.set()
        for item in self._items:
            if not (self._state(item).over or self._interrupted):
                self._tell("stopped", item, reason=self._closing)
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

    def _state(self, item: Item) -> ItemState:
        return self._chronicle.states.setdefault(item.name, ItemState())

    def _can_wait(self) -> bool:
        """Return whether an item waits for a person's word and the night is not being ended."""
        return not self._closing and any(self._state(item).state == "asks" for item in self._items)

    def _at_deadline(self) -> None:
        """Begin nothing more, and end what runs where the list says so; on the clock's thread."""
        if self._night.at_deadline == "stop":
            self._soon(lambda: self._close("the deadline has come"))
        else:
            self._closing = self._closing or "the deadline has come"

    def _soon(self, action: Callable[[], None]) -> None:
        """Have something done by the thread that runs the night; virtual time stands still until it is begun."""
        self._lab.clock.hold()

        def begin() -> None:
            self._lab.clock.release()
            action()

        self._news.put(begin)

    def _take_news(self) -> None:
        """Wait for the next news, or the next look; what came at once is taken at once."""
        with suppress(queue.Empty):
            self._news.get(timeout=LOOK)()
            while True:
                self._news.get_nowait()()

    def _close(self, reason: str) -> None:
        self._closing = reason
        self._let_go(None)
        for attempt in self._at_work.values():
            self._cut(attempt, reason)

    def _cut(self, attempt: _Attempt, reason: str) -> None:
        """End an item at work in good order."""
        assert attempt.worker is not None
        attempt.cut = attempt.cut or reason
        if not attempt.worker.done:
            attempt.worker.end(reason)

    def _begin_what_can(self) -> None:
        """Begin every item that may, in the order of the list; none overtakes one that waits for the same station."""
        kept: set[str] = set()
        began = []
        for item in self._items:
            state = self._state(item)
            if state.over or item.name in self._at_work:
                if not state.over:
                    kept.add(f"sample {item.experiment.sample.id}")
                continue
            if self._closing:
                continue
            if reason := self._hindrance(item):
                self._tell("skipped", item, reason=reason)
                continue
            claims = self._claims(item)
            if state.state == "asks" or not self._earlier_over(item):
                kept.add(claims[-1])
                continue
            if all(self._lab.is_free(claim) and claim not in kept for claim in claims):
                if (attempt := self._begin(item, claims)) is not None:
                    began.append(attempt)
            else:
                kept |= set(claims)
        for attempt in began:
            assert attempt.worker is not None
            while not attempt.begun.wait(LOOK) and not attempt.worker.done:
                pass
        self._let_go(self._concluded)
        self._concluded = []

    def _earlier_over(self, item: Item) -> bool:
        return all(self._chronicle.states[name].over for name in self._awaited(item))

    def _awaited(self, item: Item) -> list[str]:
        return [*item.entry.after, *(condition.item for condition in item.conditions)]

    def _hindrance(self, item: Item) -> str:
        """Return why an item cannot begin any more; nothing when it still may."""
        for name in self._awaited(item):
            earlier = self._chronicle.states.get(name)
            if earlier is None:
                return f"{name} was removed"
            if earlier.over and earlier.state != "done":
                return f"{name} was not done: {earlier.reason}"
        if self._earlier_over(item):
            for condition in item.conditions:
                journals = [
                    find_run(self._lab.data, uid) for uid in self._chronicle.states[condition.item].runs
                ]
                if reason := condition.unmet(journals):
                    return reason
        return ""

    def _claims(self, item: Item) -> list[str]:
        """Return what an item needs for itself: its stations, then its sample."""
        return [*self._lab.stations_of(item.experiment), f"sample {item.experiment.sample.id}"]

    def _begin(self, item: Item, claims: Sequence[str]) -> _Attempt | None:
        """Begin an item, or go on with it where it has runs already."""
        state, experiment = self._state(item), str(uuid.uuid4())
        marks = {"night": self._chronicle.folder.name, "night_item": item.name, "experiment": experiment}
        if self._night.operator:
            marks["operator"] = self._night.operator
        attempt = _Attempt(item)
        try:
            if state.runs:
                plan = self._resume(self._lab, item, tuple(state.runs), marks)
            else:
                plan = self._lab.plan_of(item.experiment, marks)
            self._tell("started", item, experiment=experiment, attempt=len(state.experiments) + 1)
            self._at_work[item.name] = attempt
            attempt.worker = self._lab.start(
                self._watched(plan, attempt),
                item.name,
                claims=claims,
                told=lambda name, document: self._document(item, name, document),
                then=lambda _: self._news.put(lambda: self._conclude(attempt)),
            )
            attempt.worker.RE.msg_hook = lambda _: self._count(item)
        except NeedsWord as error:
            self._tell("asks", item, reason=str(error))
            return None
        except LabError as error:
            self._at_work.pop(item.name, None)
            self._fail(item, f"{type(error).__name__}: {error}")
            return None
        if (longest := item.entry.longest) is not None:
            too_long = f"it takes longer than {longest:g} s"
            attempt.timer = self._lab.clock.after(
                longest, lambda: self._soon(lambda: self._cut(attempt, too_long)), f"{item.name} longest"
            )
        return attempt

    def _watched(self, plan: MsgGenerator[Any], attempt: _Attempt) -> MsgGenerator[Any]:
        """Run a plan; when it ends, keep time still until what waited for it has begun."""
        attempt.begun.set()
        try:
            return (yield from plan)
        finally:
            if not self._closing:
                self._still.add(attempt)
                self._lab.clock.hold()

    def _let_go(self, concluded: Sequence[_Attempt] | None) -> None:
        """Let time move again as far as these attempts held it, or all of them."""

        def release() -> None:
            for attempt in self._still & set(self._still if concluded is None else concluded):
                self._still.discard(attempt)
                self._lab.clock.release()

        self._lab.clock.call(release)

    def _document(self, item: Item, name: str, document: dict[str, Any]) -> None:
        if name == "start":
            self._tell("run", item, uid=document["uid"])

    def _count(self, item: Item) -> None:
        self._messages[item.name] = self._messages.get(item.name, 0) + 1

    def _conclude(self, attempt: _Attempt) -> None:
        """Take the end of an item."""
        item, worker = attempt.item, attempt.worker
        assert worker is not None
        if attempt.timer is not None:
            attempt.timer.cancel()
        try:
            worker.result(0)
        except Exception as error:  # noqa: BLE001 - whatever it failed with, the night decides what follows
            if attempt.cut:
                self._tell("waiting" if self._interrupted else "stopped", item, reason=attempt.cut)
            else:
                self._fail(
                    item, f"{type(error).__name__}: {error}" if isinstance(error, LabError) else repr(error)
                )
        else:
            self._tell("done", item)
        self._concluded.append(attempt)
        del self._at_work[item.name]

    def _fail(self, item: Item, reason: str) -> None:
        state, entry = self._state(item), item.entry
        if entry.on_failure == "retry" and len(state.experiments) <= entry.retries and not self._closing:
            self._tell("waiting", item, reason=f"it is tried again: {reason}")
            return
        self._tell("failed", item, reason=reason)
        if entry.on_failure == "stop_all":
            self._close(f"{item.name} failed: {reason}")
            return
        sample = item.experiment.sample.id
        for other in self._items:
            same = other.experiment.sample.id == sample and other is not item
            if same and not self._state(other).over and other.name not in self._at_work:
                self._tell("skipped", other, reason=f"{item.name} failed on the same sample")

    def _tell(self, what: str, item: Item, **details: Any) -> None:
        self._chronicle.tell(self._lab.clock.time(), what, item.name, **details)
        if what != "run":
            reason = details.get("reason", "")
            self._say(f"{item.name}: {what}{f' ({reason})' if reason else ''}")

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
        if order.verb == "stop":
            self._close(f"stopped by {order.who or 'an order'}")
        elif order.verb == "add":
            self._add(order)
        elif order.verb == "go_on":
            item = self._named(order.item)
            if self._state(item).state != "asks":
                raise LabError(f"{item.name} asks for nothing")
            self._tell("waiting", item, reason=f"{order.who or 'somebody'} said to go on")
        else:
            item = self._named(order.item)
            if item.name in self._at_work or self._state(item).over:
                raise LabError(
                    f"{item.name} is {self._state(item).state}: only what waits can be moved or removed"
                )
            if order.before:
                self._named(order.before)
            self._items.remove(item)
            if order.verb == "remove":
                self._tell("removed", item)
            else:
                self._items.insert(place(self._items, order.before), item)
                self._tell("moved", item, before=order.before)

    def _add(self, order: Order) -> None:
        entry = validate(Entry, order.entry, file="the order")
        item = read_item(entry, Path(order.folder), self._config, self._items)
        if order.before:
            self._named(order.before)
        self._items.insert(place(self._items, order.before), item)
        self._state(item)
        self._chronicle.tell(
            self._lab.clock.time(),
            "added",
            item.name,
            entry=order.entry,
            folder=order.folder,
            before=order.before,
        )

    def _named(self, name: str) -> Item:
        for item in self._items:
            if item.name == name:
                return item
        raise LabError(f"there is no item {name!r}; there are {', '.join(each.name for each in self._items)}")
