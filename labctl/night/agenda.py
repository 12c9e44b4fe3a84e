"""What a night has to do: its items in order, where each stands, which may begin, and what orders change in that."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

from devices.errors import DataError, LabError
from labctl.config.checking import validate
from labctl.config.folder import Config
from labctl.night.chronicle import Chronicle, ItemState
from labctl.night.listing import Entry, Item, place, read_item
from labctl.night.orders import Order
from labctl.runs.briefs import find_run


class Agenda:
    """The items of a night; every change is told to its chronicle and said in words.

    now: the time label of what happens [s since the epoch].
    """

    def __init__(
        self,
        items: Sequence[Item],
        data: Path,
        chronicle: Chronicle,
        config: Config,
        now: Callable[[], float],
        say: Callable[[str], object],
    ) -> None:
        self.items, self.chronicle = list(items), chronicle
        self._data, self._config, self._now, self._say = data, config, now, say
        self._met: set[str] = set()
        for item in self.items:
            self.state(item)

    def state(self, item: Item) -> ItemState:
        """Return where an item stands."""
        return self.chronicle.states.setdefault(item.name, ItemState())

    def tell(self, what: str, item: Item, **details: Any) -> None:
        """Keep what happens to an item, and say it."""
        self.chronicle.tell(self._now(), what, item.name, **details)
        if what != "run":
            reason = details.get("reason", "")
            self._say(f"{item.name}: {what}{f' ({reason})' if reason else ''}")

    def waits_for_others(self, item: Item) -> bool:
        """Return whether something that must come before an item is not over."""
        return not all(self.chronicle.states[name].over for name in item.awaited)

    def hindrance(self, item: Item) -> str:
        """Return why an item cannot begin any more; nothing when it still may."""
        for name in item.awaited:
            earlier = self.chronicle.states.get(name)
            if earlier is None:
                return f"{name} was removed"
            if earlier.over and earlier.state != "done":
                return f"{name} was not done ({earlier.state}: {earlier.reason})"
        if item.name in self._met or self.waits_for_others(item):
            return ""
        for condition in item.conditions:
            uids = self.chronicle.states[condition.item].runs
            try:
                reason = condition.unmet([find_run(self._data, uid) for uid in uids])
            except DataError as error:
                reason = f"{condition.text}: {error}"
            if reason:
                return reason
        self._met.add(item.name)
        return ""

    def skip_sample(self, item: Item, at_work: Container[str]) -> None:
        """Leave the other items of a sample out whose item failed."""
        for other in self.items:
            same = bool(other.sample_id) and other.sample_id == item.sample_id and other is not item
            if same and not self.state(other).over and other.name not in at_work:
                self.tell("skipped", other, reason=f"{item.name} failed on the same sample")

    def obey(self, order: Order, at_work: Container[str]) -> None:
        """Add, remove or move an item, or let one go on. Raises LabError that says why not."""
        if order.verb == "add":
            self._add(order)
            return
        item = self._named(order.item)
        if order.verb == "go_on":
            if self.state(item).state != "asks":
                raise LabError(f"{item.name} asks for nothing")
            self.tell("waiting", item, reason=f"{order.who or 'somebody'} said to go on")
            return
        if item.name in at_work or self.state(item).over:
            raise LabError(
                f"{item.name} is {self.state(item).state}: only what waits can be moved or removed"
            )
        if order.before:
            self._named(order.before)
        self.items.remove(item)
        if order.verb == "remove":
            self._met.discard(item.name)
            self.tell("removed", item)
        else:
            self.items.insert(place(self.items, order.before), item)
            self.tell("moved", item, before=order.before)

    def _add(self, order: Order) -> None:
        entry = validate(Entry, order.entry, file="the order")
        item = read_item(entry, Path(order.folder), self._config, self.items)
        if order.before:
            self._named(order.before)
        self.items.insert(place(self.items, order.before), item)
        self.tell(
            "added",
            item,
            entry=order.entry,
            folder=order.folder,
            before=order.before,
            hash=item.experiment.config_hash,
        )

    def _named(self, name: str) -> Item:
        for item in self.items:
            if item.name == name:
                return item
        raise LabError(f"there is no item {name!r}; there are {', '.join(each.name for each in self.items)}")
