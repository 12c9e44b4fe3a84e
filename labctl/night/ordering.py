"""An order given from a terminal: checked here, where its mistakes can be told, then left for the night to find."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devices.errors import LabError
from labctl.config.checking import validate
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.night.chronicle import states_of
from labctl.night.folder import begun_of, find_night, is_over
from labctl.night.listing import Entry
from labctl.night.orders import Order, Verb, give

VERBS: dict[str, Verb] = {"add": "add", "remove": "remove", "move": "move", "go-on": "go_on", "stop": "stop"}


def give_order(
    verb: str, what: str, before: str, name: str, after: Sequence[str], night: str, data: Path | None
) -> str:
    """Check an order and leave it for the night; return what will happen, in words. Raises LabError, ConfigError."""
    if verb not in VERBS:
        raise LabError(f"there is no order {verb!r}; there are {', '.join(VERBS)}")
    folder = find_night(data_dir(data).absolute(), night)
    if is_over(folder):
        raise LabError(f"night {folder.name} is over; begin another one")
    states = states_of(folder)
    for known in [before, *after, *([what] if verb in ("remove", "move", "go-on") else [])]:
        if known and known not in states:
            raise LabError(f"night {folder.name} has no item {known!r}; it has {', '.join(states)}")
    if verb != "stop" and not what:
        raise LabError(f"say what to {verb}: {'an experiment' if verb == 'add' else 'an item'}")
    entry = None
    if verb == "add":
        entry = _entry(what, name, after)
        chosen = Config(Path(begun_of(folder).config))
        experiment = chosen.experiment(Path(what).absolute() if what.endswith(".toml") else what)
        if (name or experiment.name) in states:
            raise LabError(f"night {folder.name} has an item {name or experiment.name!r}; give it a --name")
    give(
        folder,
        Order(VERBS[verb], "" if verb == "add" else what, before, entry, str(Path.cwd()), getpass.getuser()),
    )
    return f"night {folder.name} will {verb} {what}".rstrip()


def _entry(what: str, name: str, after: Sequence[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"experiment": what}
    if name:
        entry["name"] = name
    if after:
        entry["after"] = list(after)
    validate(Entry, entry, file="the order")
    return entry
