"""RO-Crate 1.1 in a zip: a run with its exports, the runs that made its sample, and how one came of the other."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from devices.errors import DataError
from labctl.exports.batches import RunFile
from labctl.exports.bdf_files import write_bdf_csv
from labctl.exports.crate_entities import PROFILE, Entity, KeptRun, entities_of
from labctl.exports.csv_files import write_csv
from labctl.exports.outputs import Outputs, safe_name, writable
from labctl.runs.remarks import remarks_path
from labctl.runs.run import Run
from labctl.samples.attachments import attachments
from labctl.whole_file import passing_folder

METADATA = "ro-crate-metadata.json"
"""The file that makes a folder a crate [RO-Crate 1.1]."""


def write_crate(run: RunFile, outputs: Outputs) -> list[str]:
    """Write `.crate.zip` and return remarks: what belongs to it and was not found.

    Every run in it has a folder with its journal, the notes on it, a CSV per stream, and BDF where it is a cycling
    run; what was entered of the sample and attached to it lies beside them.
    """
    target, remarks = outputs.path(".crate.zip"), []
    with passing_folder(outputs.directory, "crate") as folder:
        runs, missing = _with_inputs(run)
        if missing:
            remarks.append(f"not found, so not in the crate: {', '.join(missing)}")
        kept = [_keep(each, folder) for each in runs]
        facts = list(_keep_facts(run, folder))
        entities = entities_of(kept, facts)
        document = {"@context": f"{PROFILE}/context", "@graph": entities}
        (folder / METADATA).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as file:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                file.write(path, path.relative_to(folder).as_posix())
    return remarks


def _with_inputs(run: RunFile) -> tuple[list[RunFile], list[str]]:
    """Return the run, the runs that made its sample, those that made theirs; and the uids that were not found."""
    data = _data(run)
    found, missing, left = {run.uid: run}, [], list(_inputs(run))
    while left:
        uid = left.pop(0)
        if uid in found or uid in missing:
            continue
        try:
            found[uid] = RunFile(Run(uid, data))
        except DataError:
            missing.append(uid)
            continue
        left += _inputs(found[uid])
    return list(found.values()), missing


def _inputs(run: RunFile) -> list[str]:
    return [str(uid) for uid in run.start.get("inputs") or ()]


def _data(run: RunFile) -> Path:
    """Return the data directory that a run is kept in."""
    return run.journals[0].resolve().parents[3]


def _keep(run: RunFile, folder: Path) -> KeptRun:
    """Write a run's folder and return it with its files."""
    name = f"runs/{safe_name(run.uid, hashlib.sha256(run.uid.encode()).hexdigest()[:32])}"
    with Outputs(folder / name, "rows") as outputs:
        write_csv(run, outputs)
    files = outputs.files
    if run.start.get("purpose") == "cycle":
        try:
            with Outputs(folder / name, "rows") as outputs:
                write_bdf_csv(run, outputs)
            files = [*files, *outputs.files]
        except DataError:
            # A run that BDF cannot hold is no less worth keeping: its CSV and its journal hold all of it.
            pass
    journals = [folder / name / f"journal-{number}.jnl" for number in range(1, len(run.journals) + 1)]
    for source, journal in zip(run.journals, journals, strict=True):
        shutil.copyfile(source, journal)
    said = [
        _file(_copied(remarks, folder / name), folder) | {"name": "Notes on the run, entered by hand"}
        for remarks in map(remarks_path, run.journals)
        if remarks.is_file()
    ]
    kept_journals, exports = (tuple(_file(each, folder) for each in paths) for paths in (journals, files))
    return KeptRun(run, f"{name}/", kept_journals, exports, tuple(said))


def _keep_facts(run: RunFile, folder: Path) -> Iterator[Entity]:
    """Copy what people said and did to the sample and attached to it, if there is anything."""
    sample = safe_name(str((run.start.get("sample") or {}).get("id", "")), "")
    facts = _data(run) / "samples" / f"{sample}.jsonl"
    if not sample or not facts.is_file():
        return
    kept = _copied(facts, folder / "samples")
    yield _file(kept, folder) | {"name": f"Facts about sample {sample}, entered by hand"}
    named = {path.name: fact for fact, path in attachments(_data(run), sample) if path.is_file()}
    for name, fact in named.items():
        kept = _copied(
            facts.with_suffix("") / "attachments" / name, folder / "samples" / sample / "attachments"
        )
        said = {
            "name": writable(str(fact.get("name", name))),
            "description": writable(str(fact.get("note", ""))),
        }
        media = {"encodingFormat": str(fact.get("media_type", "application/octet-stream"))}
        yield _file(kept, folder) | said | media


def _copied(source: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, folder / source.name))


def _file(path: Path, folder: Path) -> Entity:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    formats = {".csv": "text/csv", ".json": "application/json", ".jsonl": "application/jsonl"}
    return {
        "@id": path.relative_to(folder).as_posix(),
        "@type": "File",
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": formats.get(path.suffix, "text/plain"),
        "identifier": f"urn:sha256:{digest}",
    }
