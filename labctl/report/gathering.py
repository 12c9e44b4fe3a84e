"""The documents of a night, or of a time, read for a report; what cannot be read is told and left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from devices.errors import ConfigError, Corrupt, DataError
from devices.limits import DiskLimits
from labctl.config.documents import read
from labctl.config.folder import Config
from labctl.fact_file import Fact
from labctl.night.chronicle import ItemState, apply, happenings
from labctl.night.folder import LIST, Begun, begun_of
from labctl.night.heart import HEARTBEAT, last_beat
from labctl.report.rehearsed import Promise, kept
from labctl.runs.briefs import Brief, brief_from, find_run
from labctl.runs.run import Run
from labctl.runs.search import Search, search
from labctl.samples.facts import Facts
from labctl.state import Said, last_said
from labctl.telling.alarms import Alarm, Alarms
from labctl.telling.outbox import Outbox
from labctl.telling.showing import up_to_date


@dataclass(frozen=True)
class RunTold:
    """One run: what goes on with another is told with that one. run: None where it cannot be read; trouble: why."""

    uid: str
    item: str
    brief: Brief | None = None
    run: Run | None = None
    trouble: str = ""

    @property
    def sample(self) -> str:
        """The id of its sample; empty where it says none."""
        said = {} if self.run is None else self.run.start.get("sample")
        return str(said.get("id", "")) if isinstance(said, Mapping) else str(said or "")

    @property
    def stations(self) -> list[str]:
        """The devices its plan worked with, a channel with its number."""
        if self.run is None:
            return []
        start = self.run.start
        arguments, devices = start.get("plan_args"), start.get("devices")
        if not (isinstance(arguments, Mapping) and isinstance(devices, Mapping)):
            return []
        named = [value for value in arguments.values() if isinstance(value, str) and value in devices]
        channel = start.get("channel")
        return [name if channel is None else f"{name}/{channel}" for name in named]


@dataclass(frozen=True)
class ItemTold:
    """One item of a night: where it stands, its sample, what its rehearsal promised, its runs."""

    name: str
    state: ItemState
    sample: str
    promise: Promise | None
    runs: tuple[RunTold, ...]


@dataclass
class Gathered:
    """Everything a report says.

    over: the night came to its end; running: a process is at it now. end: the latest label in any of it [s since the
    epoch], by which ages are told.
    """

    data: Path
    title: str
    night: str = ""
    notes: str = ""
    begun: Begun | None = None
    over: bool = False
    running: bool = False
    told: list[Mapping[str, Any]] = field(default_factory=list)
    items: list[ItemTold] = field(default_factory=list)
    runs: list[RunTold] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    devices: list[Said] = field(default_factory=list)
    places: dict[str, Fact] = field(default_factory=dict)
    outbox: list[Fact] = field(default_factory=list)
    unsent: int = 0
    locks: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    end: float = 0.0


def gather_night(data: Path, folder: Path) -> Gathered:
    """Return what the documents say of a night."""
    begun = begun_of(folder)
    found = Gathered(data, f"Night {folder.name}", night=folder.name, begun=begun)
    beat = last_beat(folder / HEARTBEAT)
    found.running = beat is not None and beat.owner.lives
    states: dict[str, ItemState] = {}
    try:
        for happening in happenings(folder):
            found.told.append(happening)
            apply(states, happening)
            found.over = found.over or happening["what"] == "over"
            found.end = max(found.end, float(happening["time"]))
    except DataError as error:
        found.troubles.append(f"the night's chronicle: {error}")
    try:
        found.notes = str(read(folder / LIST).body.get("notes", ""))
    except ConfigError as error:
        found.troubles.append(f"the night's list: {error}")
    promises = _promises(folder, found)
    for name in [*promises, *(name for name in states if name not in promises)]:
        if name in states or not _removed(found, name):
            state = states.get(name, ItemState())
            runs = tuple(_runs(data, name, state.runs, found))
            promise = promises.get(name)
            samples = [run.sample for run in runs if run.sample]
            sample = promise.sample if promise else next(iter(samples), "")
            found.items.append(ItemTold(name, state, sample, promise, runs))
            found.runs += runs
    _around(found, begun.began, folder_disk(Path(begun.config), found))
    return found


def gather_since(data: Path, since: float, words: str, disk: DiskLimits) -> Gathered:
    """Return what the documents say of all runs since a label [s since the epoch]."""
    found = Gathered(data, f"Runs since {words}")
    briefs = sorted(
        search(data, Search(since=since)), key=lambda brief: (brief.time, brief.sample, brief.uid)
    )
    found.runs = list(_runs(data, "", [brief.uid for brief in briefs], found))
    _around(found, since, disk)
    return found


def folder_disk(config: Path, found: Gathered) -> DiskLimits:
    """Return the limits of the disk by a configuration; the defaults where it cannot be read any more."""
    try:
        return Config(config).limits().disk
    except ConfigError as error:
        found.troubles.append(f"the night's configuration: {error}")
        return DiskLimits()


def _promises(folder: Path, found: Gathered) -> Mapping[str, Promise]:
    try:
        return kept(folder)
    except (OSError, ValueError, TypeError) as error:
        found.troubles.append(f"what the rehearsal promised cannot be read: {error}")
        return {}


def _removed(found: Gathered, name: str) -> bool:
    return any(each["what"] == "removed" and each["item"] == name for each in found.told)


def _runs(data: Path, item: str, uids: Sequence[str], found: Gathered) -> Iterator[RunTold]:
    """Yield runs in their order; those that go on with another of them are told with it."""
    known = set(uids)
    for uid in uids:
        try:
            path = find_run(data, uid)
            alone = Run(path, until_damage=True)
            if str(alone.start.get("continues", "")) in known:
                continue
            run = Run(uid, data, until_damage=True)
            last = brief_from(run.members[-1].path)
            brief = brief_from(run.path)._replace(ended=last.ended, status=last.status)
        except (DataError, OSError, KeyError, TypeError, ValueError) as error:
            found.troubles.append(f"run {uid[:8]}: {error}")
            yield RunTold(uid, item, trouble=str(error))
            continue
        found.troubles += [f"run {uid[:8]}: {damage}" for damage in run.damage]
        found.end = max(found.end, brief.ended)
        yield RunTold(uid, item, brief, run, "; ".join(run.damage))


def _around(found: Gathered, since: float, disk: DiskLimits) -> None:
    """Add what stands around the runs: alarms, devices, where the samples are, messages, locks."""
    data = found.data
    try:
        alarms = up_to_date(data, disk)
    except (OSError, DataError) as error:
        found.troubles.append(f"alarms could not be brought up to date: {error}")
        alarms = _alarms_as_they_are(data, found)
    found.alarms = [each for each in alarms.values() if each.open or each.condition.since >= since]
    for path in [*sorted(data.glob("state/*.json")), *sorted(data.glob("state/*/*.json"))]:
        try:
            said = last_said(path)
        except Corrupt as error:
            found.troubles.append(str(error))
            continue
        if said is not None:
            found.devices.append(said)
            found.end = max(found.end, said.time)
    samples = dict.fromkeys([*(item.sample for item in found.items), *(run.sample for run in found.runs)])
    for sample in filter(None, samples):
        _place_of(sample, found)
    for lock in sorted((data / "bench").glob("**/*.lock")):
        if holder := lock.read_text(errors="replace").strip():
            found.locks.append((unquote(lock.stem).rpartition("/")[2], holder))
    try:
        outbox = Outbox(data)
        found.outbox = [fact for fact in outbox.notes() if fact["time"] >= since - 3600.0]
        found.unsent = len(outbox.waiting())
    except DataError as error:
        found.troubles.append(str(error))


def _alarms_as_they_are(data: Path, found: Gathered) -> Mapping[str, Alarm]:
    try:
        return Alarms(data).known()
    except DataError as error:
        found.troubles.append(str(error))
        return {}


def _place_of(sample: str, found: Gathered) -> None:
    try:
        brought = [fact for fact in Facts(found.data).of(sample) if fact["fact"] in ("brought", "assembled")]
    except DataError as error:
        found.troubles.append(str(error))
        return
    if brought:
        found.places[sample] = {"built": any(fact["fact"] == "assembled" for fact in brought)} | brought[-1]
