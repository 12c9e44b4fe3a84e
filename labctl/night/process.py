"""The process that runs a night: opens the bench, goes on where the chronicle stops, tells how far it is."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from labctl.config.checking import validate
from labctl.config.folder import Config
from labctl.night.chronicle import Chronicle
from labctl.night.conductor import Conductor
from labctl.night.folder import LIST, begun_of
from labctl.night.heart import Heart
from labctl.night.listing import Entry, Night, place, read_copy, read_item
from labctl.night.resuming import go_on_with
from labctl.stopping import scripted_session

log = logging.getLogger(__name__)

HEARTBEAT = "run.json"


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
        heart = Heart(folder / HEARTBEAT, now)
        try:
            night = _go_on(night, chronicle, config, now)
            chronicle.tell(now, "opened", missing={n: dict(r) for n, r in lab.missing.items()})
            conductor = Conductor(lab, night, chronicle, config, go_on_with, say=_say_now, beat=heart.beat)
            stopping.engine = conductor
            heart.beat()
            states = conductor.run()
            if stopping.asked is None:
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
    items = list(night.items)
    for happening in chronicle.past:
        if happening["what"] == "listed":
            was = happening["hashes"]
            changed = [each.name for each in items if was.get(each.name, "") != each.experiment.config_hash]
            for name in changed:
                chronicle.tell(
                    now, "asks", name, reason="its experiment's files were changed since the night began"
                )
        elif happening["what"] == "added":
            entry = validate(Entry, happening["entry"], file="the night")
            item = read_item(entry, Path(happening["folder"]), config, items)
            items.insert(place(items, happening["before"]), item)
        elif happening["what"] == "removed":
            items = [each for each in items if each.name != happening["item"]]
        elif happening["what"] == "moved":
            (moved,) = (each for each in items if each.name == happening["item"])
            items.remove(moved)
            items.insert(place(items, happening["before"]), moved)
    if not chronicle.past:
        chronicle.tell(now, "listed", hashes={each.name: each.experiment.config_hash for each in items})
    by_name = {each.name: each for each in items}
    for name, state in list(chronicle.states.items()):
        if state.state != "running" or name not in by_name:
            continue
        reason = "its process died"
        what = {"ask": "asks", "leave": "stopped"}.get(by_name[name].entry.on_restart, "waiting")
        chronicle.tell(now, what, name, reason=reason)
    return replace(night, items=tuple(items))
