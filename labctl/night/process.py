"""The process that runs a night: opens the bench, goes on where the chronicle stops, tells how far it is."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from labctl.clock.boot import NANO, boot_ns
from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock
from labctl.config.checking import validate
from labctl.config.folder import Config
from labctl.night.chronicle import Chronicle
from labctl.night.conductor import Conductor
from labctl.night.folder import LIST, begun_of
from labctl.night.heart import HEARTBEAT, Heart
from labctl.night.listing import Entry, Night, place, read_copy, read_item
from labctl.night.resuming import go_on_with
from labctl.state import boot_id
from labctl.stopping import scripted_session

log = logging.getLogger(__name__)


def run_night(folder: Path) -> int:
    """Run a night to its end, or go on with one whose process died; return the exit status a supervisor expects.

    Raises Stopped when a signal ended it in good order, OwnershipError when another process runs it.
    """
    begun, data = begun_of(folder), folder.parents[1]
    config = Config(Path(begun.config))
    night, _, _ = read_copy(folder / LIST, begun.list_name, Path(begun.list_folder), config)
    with scripted_session(
        night.bench, config=config.directory, data=data, operator=night.operator, start_with_the_rest=True
    ) as (lab, stopping):
        now = lab.clock.time()
        chronicle = Chronicle(folder, {"night": folder.name, "despite": begun.despite})
        heart = Heart(folder / HEARTBEAT)
        try:
            night = _go_on(night, chronicle, config, now)
            chronicle.tell(now, "opened", missing={n: dict(r) for n, r in lab.missing.items()})
            conductor = Conductor(
                lab,
                night,
                chronicle,
                config,
                go_on_with,
                elapsed=_elapsed(chronicle, lab.clock),
                say=_say_now,
                beat=heart.beat,
            )
            stopping.engine = conductor
            heart.beat()
            states = conductor.run()
            if stopping.ended_by is None:
                counts = Counter(state.state for state in states.values())
                chronicle.tell(lab.clock.time(), "over", counts=dict(counts))
        finally:
            chronicle.close()
            heart.stop()
    stopping.check()
    return 0


def _say_now(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _go_on(night: Night, chronicle: Chronicle, config: Config, now: float) -> Night:
    """Return the night with the items it was given while it ran; those whose process died wait, ask or are left."""
    items, hashes = list(night.items), dict[str, str]()
    for happening in chronicle.past:
        if happening["what"] == "listed":
            hashes |= happening["hashes"]
        elif happening["what"] == "added":
            entry = validate(Entry, happening["entry"], file="the night")
            item = read_item(entry, Path(happening["folder"]), config, items)
            hashes[item.name] = happening["hash"]
            items.insert(place(items, happening["before"]), item)
        elif happening["what"] == "removed":
            items = [each for each in items if each.name != happening["item"]]
        elif happening["what"] == "moved":
            (moved,) = (each for each in items if each.name == happening["item"])
            items.remove(moved)
            items.insert(place(items, happening["before"]), moved)
    if not hashes:
        hashes = {each.name: each.experiment.config_hash for each in items}
        chronicle.tell(now, "listed", hashes=hashes, boot=boot_id(), since_boot=boot_ns() / NANO)
    for item in items:
        state = chronicle.states[item.name]
        if state.over or state.state == "asks":
            continue
        if item.experiment.config_hash != hashes[item.name]:
            reason = "its experiment's files were changed since the night began; look, then let it go on"
            chronicle.tell(now, "asks", item.name, reason=reason)
        elif state.state == "running":
            what = {"ask": "asks", "leave": "stopped"}.get(item.entry.on_restart, "waiting")
            chronicle.tell(now, what, item.name, reason="its process died")
    return replace(night, items=tuple(items))


def _elapsed(chronicle: Chronicle, clock: VirtualClock | WallClock) -> float:
    """Return how long a night has lasted [s]: since boot where it is the same one, which no clock that is set moves."""
    for happening in chronicle.past:
        if happening["what"] == "listed":
            if clock.kind == "wall" and happening["boot"] == boot_id():
                return boot_ns() / NANO - float(happening["since_boot"])
            return max(0.0, clock.time() - float(happening["time"]))
    return 0.0
