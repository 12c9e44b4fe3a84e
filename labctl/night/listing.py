"""A night's list: which experiments, in which order, under which conditions, and what to do when one fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.errors import ConfigError, LabError, Mistake
from devices.limits import Limits
from devices.quantities import STRICT, Unit
from devices.samples import SafeId
from labctl.config.checking import Collected, nearest, validate
from labctl.config.documents import Document, named, quoted, read
from labctl.config.folder import Config
from labctl.config.models import BenchFile, Experiment
from labctl.night.conditions import Condition
from labctl.night.deadline import TimeOfDay

LONGEST = 31 * 86400.0
"""Seconds a night may last; guess."""

Seconds = Annotated[float, Field(gt=0, le=LONGEST), Unit("s")]


@dataclass(frozen=True, config=STRICT)
class Entry:
    """One item as it is written.

    experiment: a name in the configuration or a file beside the list. after: items that must be over first. when:
    conditions on the runs of earlier items, "ITEM: last_discharge > 40 uAh", all of which must hold.
    on_failure: end the night, leave this sample's other items out, or try again (at most `retries` times) from the
    step that failed. on_restart, after a crash: go on by itself, except with a broken train of flashes, which asks;
    finish such a train too, by the board's counter; ask in any case; or leave the item. longest: the item is ended in
    good order after so long [s]. agreed: what a person was asked, word for word as the list's rehearsal tells it, and
    answers with yes beforehand: "agree for sample ... at ...: ...; type yes".
    """

    experiment: Annotated[str, Field(min_length=1, max_length=1000)]
    name: SafeId = ""
    after: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    on_failure: Literal["stop_all", "skip_sample", "retry"] = "skip_sample"
    retries: Annotated[int, Field(ge=0, le=100)] = 1
    on_restart: Literal["go_on", "finish", "ask", "leave"] = "go_on"
    longest: Seconds | None = None
    agreed: tuple[Annotated[str, Field(min_length=1, max_length=10_000)], ...] = ()


@dataclass(frozen=True, config=STRICT)
class _Table:
    name: SafeId
    item: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=1000)]
    bench: Annotated[str, Field(min_length=1, max_length=1000)] = "twin"
    deadline: Seconds | None = None
    at_deadline: Literal["finish", "stop"] = "finish"
    operator: Annotated[str, Field(max_length=1000)] = ""
    notes: Annotated[str, Field(max_length=100_000)] = ""


@plain_dataclass(frozen=True)
class _Said:
    """What can be read of an item in a list that has mistakes, so that the others are told with them."""

    experiment: str
    name: str
    after: tuple[str, ...]
    when: tuple[str, ...]


@plain_dataclass(frozen=True)
class Item:
    """One item with its names resolved: what is written, the experiment, the conditions."""

    entry: Entry
    experiment: Experiment
    conditions: tuple[Condition, ...]

    @property
    def name(self) -> str:
        """What it is called in this night."""
        return self.entry.name

    @property
    def sample_id(self) -> str:
        """The id of its sample, empty for a plan without one."""
        return "" if self.experiment.sample is None else self.experiment.sample.id

    @property
    def awaited(self) -> list[str]:
        """The items that must be over before it."""
        return [*self.entry.after, *(condition.item for condition in self.conditions)]

    @property
    def claims(self) -> tuple[str, ...]:
        """What it claims besides stations: its sample."""
        return (f"sample {self.sample_id}",) if self.sample_id else ()


@plain_dataclass(frozen=True)
class Night:
    """A night's list. deadline: [s] from its start, or by the clock; at_deadline: let what runs finish, or stop it in
    good order."""

    name: str
    bench: str
    items: tuple[Item, ...]
    deadline: float | TimeOfDay | None
    at_deadline: Literal["finish", "stop"]
    operator: str
    notes: str
    config_hash: str

    def until_deadline(self, began: float) -> float | None:
        """Return how long after its begin, a time label [s], its deadline is [s]; None without one."""
        return self.deadline.after(began) if isinstance(self.deadline, TimeOfDay) else self.deadline


def read_night(path: Path, config: Config) -> tuple[Night, BenchFile, Limits]:
    """Return the list in a file, the bench it is for and the lab's limits; see read_copy."""
    return read_copy(path, path.stem, path.parent, config)


def read_copy(path: Path, name: str, folder: Path, config: Config) -> tuple[Night, BenchFile, Limits]:
    """Return the list in a copy of the file `name` in `folder`, from where other files are seen.

    Raises ConfigError with every mistake in all its files.
    """
    document = read(path)
    collected = Collected()
    by_clock = collected.attempt(_by_clock, document)
    table = collected.attempt(_table, document, name)
    said = table.item if table is not None else _readable(document.body)
    bench = table.bench if table is not None else document.body.get("bench", "twin")
    chosen = collected.attempt(
        config.select,
        bench if isinstance(bench, str) else "twin",
        [_experiment_of(each.experiment, folder) for each in said if each.experiment],
    )
    whole = () if table is None else _with_names(table.item, () if chosen is None else chosen.experiments)
    entries: Sequence[Entry | _Said] = whole or said
    collected.mistakes += _name_mistakes(entries, document.file)
    conditions = [
        collected.attempt(_conditions, entry, number, entries, document.file)
        for number, entry in enumerate(entries)
    ]
    collected.settle()
    assert table is not None
    assert chosen is not None
    items = tuple(
        Item(entry, experiment, met or ())
        for entry, experiment, met in zip(whole, chosen.experiments, conditions, strict=True)
    )
    night = Night(
        table.name,
        table.bench,
        items,
        by_clock or table.deadline,
        table.at_deadline,
        table.operator,
        table.notes,
        document.config_hash,
    )
    return night, chosen.bench, chosen.limits


def _table(document: Document, name: str) -> _Table:
    body = named(document, name)
    if _has_colon(body.get("deadline")):
        body = {key: value for key, value in body.items() if key != "deadline"}
    return validate(_Table, body, file=document.file)


def _by_clock(document: Document) -> TimeOfDay | None:
    deadline = document.body.get("deadline")
    if not _has_colon(deadline):
        return None
    try:
        return TimeOfDay.parse(deadline)
    except LabError as error:
        raise ConfigError([Mistake(document.file, "deadline", quoted(deadline), str(error))]) from error


def _has_colon(value: object) -> TypeGuard[str]:
    """Return whether a value is a text that no duration is: a time of day, or what was meant as one."""
    return isinstance(value, str) and ":" in value


def _readable(body: Mapping[str, Any]) -> tuple[_Said, ...]:
    """Return what can be read of the items of a list in which something was refused."""
    items = body.get("item")
    tables = [each if isinstance(each, dict) else {} for each in items] if isinstance(items, list) else []
    return tuple(
        _Said(
            experiment := _text(table.get("experiment")),
            _text(table.get("name")) or Path(experiment).stem,
            _texts(table.get("after")),
            _texts(table.get("when")),
        )
        for table in tables
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def place(items: Sequence[Item], before: str) -> int:
    """Return the place in front of the item of this name; the end without a name, or where it is gone."""
    return next((number for number, item in enumerate(items) if item.name == before), len(items))


def read_item(entry: Entry, folder: Path, config: Config, known: Sequence[Item]) -> Item:
    """Return one more item for a night that has the `known` ones. Raises ConfigError."""
    experiment = config.experiment(_experiment_of(entry.experiment, folder))
    (entry,) = _with_names((entry,), (experiment,))
    entries = [*(each.entry for each in known), entry]
    if mistakes := _name_mistakes(entries, "the night"):
        raise ConfigError(mistakes)
    return Item(entry, experiment, _conditions(entry, len(known), entries, "the night"))


def _experiment_of(name: str, folder: Path) -> str | Path:
    """Return an experiment's name, or its file as seen from the list's folder."""
    return folder / name if name.endswith(".toml") else name


def _with_names(entries: Sequence[Entry], experiments: Sequence[Experiment]) -> tuple[Entry, ...]:
    names = [each.name for each in experiments] or [Path(each.experiment).stem for each in entries]
    return tuple(
        entry if entry.name else replace(entry, name=name) for entry, name in zip(entries, names, strict=True)
    )


def _name_mistakes(entries: Sequence[Entry | _Said], file: str) -> list[Mistake]:
    """Say which names stand twice, and which items wait for one that does not stand before them."""
    mistakes = []
    for number, entry in enumerate(entries):
        earlier = [each.name for each in entries[:number]]
        if entry.name and entry.name in earlier:
            reason = "another item has this name; give each its own `name`"
            mistakes.append(Mistake(file, f"item[{number}].name", quoted(entry.name), reason))
        for name in entry.after:
            if name not in earlier:
                reason = f"no item before this one has the name{nearest(name, earlier)}"
                mistakes.append(Mistake(file, f"item[{number}].after", quoted(name), reason))
    return mistakes


def _conditions(
    entry: Entry | _Said, number: int, entries: Sequence[Entry | _Said], file: str
) -> tuple[Condition, ...]:
    earlier = [each.name for each in entries[:number]]
    found, mistakes = [], []
    for text in entry.when:
        try:
            condition = Condition.parse(text)
        except LabError as error:
            mistakes.append(Mistake(file, f"item[{number}].when", quoted(text), str(error)))
            continue
        if condition.item not in earlier:
            reason = f"no item before this one is called {condition.item!r}{nearest(condition.item, earlier)}"
            mistakes.append(Mistake(file, f"item[{number}].when", quoted(text), reason))
        found.append(condition)
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(found)
