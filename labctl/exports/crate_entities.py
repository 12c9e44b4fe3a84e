"""What a crate says of runs: entities of schema.org, as RO-Crate 1.1 wants them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from labctl import __version__
from labctl.exports.batches import RunFile
from labctl.exports.hdf5_file import iso

PROFILE = "https://w3id.org/ro/crate/1.1"

Entity = dict[str, Any]


@dataclass(frozen=True)
class KeptRun:
    """A run in a crate: its folder, its journals, what was made of them, what people said of it, as entities."""

    run: RunFile
    folder: str
    journals: tuple[Entity, ...]
    exports: tuple[Entity, ...]
    notes: tuple[Entity, ...] = ()

    @property
    def action(self) -> str:
        """Return the id of what happened in the run."""
        return f"#run-{quote(self.run.uid)}"


def entities_of(kept: Sequence[KeptRun], facts: Sequence[Entity]) -> list[Entity]:
    """Return the graph of a crate whose subject is the first run."""
    first = kept[0].run
    graph: dict[str, Entity] = {}
    for entity in [_descriptor(), _root(first, kept, facts), *facts, _exporter()]:
        graph[entity["@id"]] = entity
    known = {each.run.uid: each for each in kept}
    for each in kept:
        for entity in _of_run(each, known):
            graph.setdefault(entity["@id"], entity)
    return list(graph.values())


def _descriptor() -> Entity:
    return {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": PROFILE},
        "about": {"@id": "./"},
    }


def _root(run: RunFile, kept: Sequence[KeptRun], files: Sequence[Entity]) -> Entity:
    start, ended = run.start, run.start["time"] if run.stop is None else run.stop["time"]
    words = [str(start.get("notes", "")), *run.remarks(), "No licence was given with these data."]
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": _title(run),
        "description": ". ".join(word.rstrip(".") for word in words if word) + ".",
        "identifier": run.uid,
        "datePublished": iso(ended),
        "about": _ref(_sample(run)),
        "author": _ref(_person(run)),
        "hasPart": [{"@id": each.folder} for each in kept] + [{"@id": each["@id"]} for each in files],
        "mentions": [{"@id": each.action} for each in kept],
    }


def _of_run(kept: KeptRun, known: Mapping[str, KeptRun]) -> Iterator[Entity]:
    run, files = kept.run, (*kept.journals, *kept.exports, *kept.notes)
    software, devices = list(_software(run)), list(_devices(run))
    yield {
        "@id": kept.folder,
        "@type": "Dataset",
        "name": _title(run),
        "hasPart": [{"@id": each["@id"]} for each in files],
    }
    yield from files
    yield _sample(run)
    yield _person(run)
    yield from software
    yield from devices
    yield _action(kept, known, [_ref(each) for each in [software[0], *devices]])
    yield {
        "@id": f"{kept.action}-export",
        "@type": "CreateAction",
        "name": f"Export of the rows of run {run.uid}",
        "instrument": {"@id": _exporter()["@id"]},
        "object": [_ref(each) for each in kept.journals],
        "result": [{"@id": each["@id"]} for each in kept.exports],
    }


def _action(kept: KeptRun, known: Mapping[str, KeptRun], instruments: list[Entity]) -> Entity:
    run, start, stop = kept.run, kept.run.start, kept.run.stop
    objects = [{"@id": known[uid].folder} for uid in map(str, start.get("inputs") or ()) if uid in known]
    good = stop is not None and stop["exit_status"] == "success"
    action = {
        "@id": kept.action,
        "@type": "CreateAction",
        "name": _title(run),
        "description": str(start.get("notes", "")),
        "startTime": iso(start["time"]),
        "agent": _ref(_person(run)),
        "instrument": instruments,
        "object": [_ref(_sample(run)), *objects],
        "result": [_ref(each) for each in kept.journals],
        "actionStatus": {"@id": f"http://schema.org/{'Completed' if good else 'Failed'}ActionStatus"},
    }
    if stop is not None:
        action["endTime"] = iso(stop["time"])
    if not good:
        action["error"] = "; ".join(run.remarks())
    return action


def _sample(run: RunFile) -> Entity:
    sample = run.start.get("sample") or {}
    return {
        "@id": f"#sample-{quote(str(sample.get('id', 'unknown')), safe='')}",
        "@type": "Product",
        "name": str(sample.get("label") or sample.get("id", "no sample")),
        "identifier": str(sample.get("id", "")),
        "description": json.dumps(run.known.described()),
    }


def _person(run: RunFile) -> Entity:
    name = str(run.start.get("operator") or "unknown")
    return {"@id": f"#person-{quote(name, safe='')}", "@type": "Person", "name": name}


def _software(run: RunFile) -> Iterator[Entity]:
    """Yield the program that did the run, then what it was built on."""
    versions = {str(key): str(value) for key, value in (run.start.get("versions") or {}).items()}
    own = versions.pop("labctl", "unknown")
    parts = [_program(name, version) for name, version in versions.items()]
    yield _program("labctl", own) | {"softwareRequirements": [_ref(each) for each in parts]}
    yield from parts


def _program(name: str, version: str) -> Entity:
    return {
        "@id": f"#software-{quote(f'{name}-{version}', safe='')}",
        "@type": "SoftwareApplication",
        "name": name,
        "version": version,
    }


def _exporter() -> Entity:
    return _program("labctl", __version__)


def _devices(run: RunFile) -> Iterator[Entity]:
    for name, device in (run.start.get("devices") or {}).items():
        real = bool(device.get("real"))
        yield {
            "@id": f"#device-{quote(run.uid)}-{quote(str(name), safe='')}",
            "@type": "IndividualProduct" if real else "SoftwareApplication",
            "name": str(name) if real else f"{name} (simulated twin, no instrument)",
            "description": json.dumps(device),
        }


def _title(run: RunFile) -> str:
    return (
        f"{run.start.get('plan_name') or 'run'} of {(run.start.get('sample') or {}).get('id', 'no sample')}"
    )


def _ref(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}
