from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devices.errors import DataError
from labctl.exports import run_export
from labctl.exports.batches import RunFile
from labctl.exports.outputs import Outputs
from labctl.exports.run_export import FORMATS, export_run
from labctl.journal.records import RecordFile
from labctl.runs.remarks import note_run
from labctl.runs.run import Run
from labctl.samples.attachments import attach

Cycled = Callable[..., Run]

VOLTAGE, CURRENT = [3.9, 3.95, 4.0, 3.9], [1e-5, 1e-5, -1e-5, -1e-5]


@pytest.fixture(autouse=True)
def optional() -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("h5py")


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("blow", [ValueError, KeyboardInterrupt])
def test_a_blow_in_the_middle_leaves_no_file(
    cycled: Cycled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, blow: type[BaseException]
) -> None:
    run, batches = cycled(VOLTAGE, CURRENT, points=3), RunFile.batches

    def half(self: RunFile) -> object:
        for batch in batches(self):
            yield batch
            raise blow

    monkeypatch.setattr(RunFile, "batches", half)
    with pytest.raises(blow):
        export_run(run, to, tmp_path / "out")
    assert list((tmp_path / "out").rglob("*")) == []


@pytest.mark.parametrize("to", FORMATS)
def test_what_stands_there_is_kept_unless_asked(cycled: Cycled, tmp_path: Path, to: str) -> None:
    run = cycled(VOLTAGE, CURRENT, points=3)
    files = export_run(run, to, tmp_path / "out").files
    for path in files:
        path.write_text("mine")
    with pytest.raises(DataError, match="--overwrite"):
        export_run(run, to, tmp_path / "out")
    assert {path.read_text() for path in files} == {"mine"}
    assert export_run(run, to, tmp_path / "out", overwrite=True).files == files
    assert "mine" not in {path.read_text(errors="replace") for path in files}
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)


@pytest.mark.parametrize("to", FORMATS)
def test_a_run_without_an_end_exports_what_it_has_and_says_so(
    cycled: Cycled, tmp_path: Path, to: str
) -> None:
    done = export_run(cycled(VOLTAGE, CURRENT, stopped=False), to, tmp_path / "out")
    assert done.files
    assert "the run has no end: its process died; " in done.remarks[0]


def test_a_run_that_is_under_way_is_told_from_one_that_died(cycled: Cycled, tmp_path: Path) -> None:
    run = cycled(VOLTAGE, CURRENT, stopped=False)
    writer = RecordFile.resumed(run.members[-1].path)
    try:
        (remark,) = export_run(run, "csv", tmp_path / "out").remarks
    finally:
        writer.close()
    assert remark.startswith("the run has no end yet: it is running; ")


@pytest.mark.parametrize("sample", ["../../etc/passwd", "a" * 5000, "a\nb", "", "<b>"])
def test_no_name_leads_out_of_the_folder(cycled: Cycled, tmp_path: Path, sample: str) -> None:
    run = cycled(VOLTAGE, CURRENT, sample={"id": sample})
    for to in FORMATS:
        assert {path.parent for path in export_run(run, to, tmp_path / "out").files} == {tmp_path / "out"}


def test_a_stream_with_an_unsafe_name_gets_another(kept: Callable[..., Run], tmp_path: Path) -> None:
    key = {"dtype": "number", "shape": [], "source": "test"}
    run = kept({"../x": ({"a": key}, {"a": [1.0]}), "primary": ({"a": key}, {"a": [2.0]})})
    for to in ("csv", "parquet", "hdf5", "rocrate"):
        assert {path.parent for path in export_run(run, to, tmp_path / "out").files} == {tmp_path / "out"}


def test_a_folder_that_cannot_be_written_is_a_sentence(cycled: Cycled, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write to"):
        export_run(cycled(VOLTAGE, CURRENT), "csv", tmp_path / "file" / "out")


def test_texts_that_no_file_can_hold_are_mended(kept: Callable[..., Run], tmp_path: Path) -> None:
    key = {"dtype": "string", "shape": [], "source": "test"}
    run = kept(
        {"primary": ({"a": key}, {"a": ["\0", "\ud800", "fine"]})}, sample={"id": "\0", "label": "\ud800"}
    )
    for to in ("csv", "parquet", "hdf5", "rocrate"):
        assert export_run(run, to, tmp_path / "out").files


def test_every_format_of_the_command_line_is_there() -> None:
    from labctl.commands.exchange import IMPORTS, PROGRAMS, RUNS
    from labctl.imports.run_import import FORMATS as READERS
    from labctl.language.export import FORMATS as LANGUAGES

    assert set(RUNS) == set(run_export.FORMATS)
    assert set(PROGRAMS) == set(LANGUAGES)
    assert set(IMPORTS) == set(READERS)
    assert not set(RUNS) & set(PROGRAMS)


def test_two_tables_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two tables"), Outputs(tmp_path, "x") as outputs:  # noqa: PT012
        outputs.text("-a.csv")
        outputs.text("-a.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_crate_has_the_runs_that_made_the_sample_and_every_reference_leads_somewhere(
    cycled: Cycled, kept: Callable[..., Run], tmp_path: Path
) -> None:
    pulse = {"pulse": {"dtype": "integer", "shape": [], "source": "test"}}
    anneal = kept({"primary": (pulse, {"pulse": [1, 2]})}, plan_name="anneal", purpose="anneal")
    devices = {"lamp": {"real": True}, "potentiostat": {"real": False}}
    run = cycled(VOLTAGE, CURRENT, inputs=[anneal.uid, "gone"], devices=devices, notes="first cell")
    note_run(anneal.path, "the lamp flickered", time=0.0, who="me")
    (tmp_path / "a picture.png").write_bytes(b"png")
    attached = attach(tmp_path / "data", "lco-1", tmp_path / "a picture.png", "seen from above")
    done = export_run(run, "rocrate", tmp_path / "out")
    assert done.remarks == ("not found, so not in the crate: gone",)
    with zipfile.ZipFile(done.files[0]) as crate:
        names = set(crate.namelist())
        graph = {each["@id"]: each for each in json.loads(crate.read("ro-crate-metadata.json"))["@graph"]}
        assert crate.read(f"runs/{anneal.uid}/journal-1.jnl") == anneal.path.read_bytes()
        assert b"flickered" in crate.read(f"runs/{anneal.uid}/{anneal.uid}.facts.jsonl")
        assert crate.read(f"samples/lco-1/attachments/{attached.name}") == b"png"
    files = {name for name, each in graph.items() if each["@type"] == "File"}
    assert files == names - {"ro-crate-metadata.json"}
    outside = {name for name in references(list(graph.values())) if name not in graph}
    assert all(name.startswith(("https://w3id.org/ro/crate/1.1", "http://schema.org/")) for name in outside)
    picture = graph[f"samples/lco-1/attachments/{attached.name}"]
    assert (picture["name"], picture["description"]) == ("a picture.png", "seen from above")
    action = graph[f"#run-{run.uid}"]
    assert {"@id": f"runs/{anneal.uid}/"} in action["object"]
    assert action["agent"] == {"@id": "#person-Ada"}
    assert graph[f"#device-{run.uid}-lamp"]["@type"] == "IndividualProduct"
    assert graph[f"#device-{run.uid}-potentiostat"]["@type"] == "SoftwareApplication"
    root = graph["./"]
    assert root["datePublished"].startswith("2023-11-")
    assert "license" not in root
    assert "No licence" in root["description"]


def test_a_run_that_was_gone_on_with_is_one_table(cycled: Cycled, tmp_path: Path) -> None:
    dead = cycled(VOLTAGE, CURRENT, stopped=False)
    cycled(
        VOLTAGE,
        CURRENT,
        record=[4, 5, 6, 7],
        continues=dead.uid,
        offsets={"test_time": 40.0, "step_count": 1},
    )
    whole = Run(dead.uid, tmp_path / "data")
    for to in FORMATS:
        assert not [each for each in export_run(whole, to, tmp_path / "out").remarks if "died" in each]
    (path,) = (tmp_path / "out").glob("*-primary.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    times = [float(row[rows[0].index("test_time (s)")]) for row in rows[1:]]
    assert times == whole.table()["test_time"].tolist() == [0, 10, 20, 30, 40, 50, 60, 70]


def references(value: object) -> list[str]:
    """Return the ids that are only referred to."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return [value["@id"]]
        return [each for part in value.values() for each in references(part)]
    return [each for part in value for each in references(part)] if isinstance(value, list) else []


FOIL = {
    "id": "line-1",
    "layers": [{"material": "Al", "thickness": 1e-4}],
    "grown": [{"material": "LiCoO2", "thickness": 1e-6}],
    "area": 1.5e-5,
    "area_m2": 1.5e-5,
}


def said_of_sample(path: Path) -> dict[str, Any]:
    """Return what an export's metadata say of the sample."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as file:
            graph = json.loads(file.read("ro-crate-metadata.json"))["@graph"]
        about = next(each for each in graph if each["@id"] == "#sample-line-1")
    else:
        about = json.loads(path.read_text())["about"]
    said: dict[str, Any] = json.loads(about["description"])
    return said


@pytest.mark.parametrize("to", ["bdf", "rocrate"])
def test_a_sample_that_was_grown_here_is_described_by_its_films_not_by_its_plan(
    kept: Callable[..., Run], cycled: Callable[..., Run], tmp_path: Path, to: str
) -> None:
    number = {"dtype": "number", "shape": [], "source": "test", "units": "m"}
    keys = {"material": {"dtype": "string", "shape": [], "source": "test"}, "thickness": number}
    film = {"material": ["LiCoO2"], "thickness": [0.7e-6]}
    recipe = {"name": "r", "hash": "h", "body": {"material": "LiCoO2", "thickness": 1e-6}}
    kept({"layers": (keys, film)}, plan_name="deposit", purpose="deposit", sample=FOIL, recipe=recipe)
    run = cycled([3.9, 4.0], [1e-5, 1e-5], sample=FOIL)
    path = export_run(run, to, tmp_path / "out").files[-1]
    said = said_of_sample(path)
    assert [each["material"] for each in said["layers"]] == ["Al", "LiCoO2"]
    assert said["layers"][-1]["thickness"] == 0.7e-6
    assert "grown" not in said
    assert said["nominal"]["grown"][0]["thickness"] == 1e-6
