"""Samples at the command line: their trees, and what is entered of them."""

import json
import math

import pytest
from typer.testing import CliRunner

from devices.errors import DataError
from labctl.cli import app


def run(kept, *arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--data", str(kept.folder)], catch_exceptions=False)


def invoke(kept, *arguments):
    done = run(kept, *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_tree_tells_what_a_sample_is_and_went_through(kept, tmp_path):
    kept.anneal("sheet")
    invoke(kept, "sample", "split", "sheet", "a", "b")
    kept.cycle("a")
    invoke(
        kept,
        "sample",
        "measure",
        "a",
        "thickness",
        "1.18 um",
        "--sd",
        "20 nm",
        "--layer",
        "LiCoO2",
        "--how",
        "SEM",
    )
    invoke(kept, "note", "--sample", "a", "blue", "edges")
    (tmp_path / "sem.png").write_bytes(b"png")
    invoke(kept, "sample", "attach", "a", tmp_path / "sem.png", "--note", "top view")
    tree = invoke(kept, "sample", "a")
    for told in (
        "cut from",
        "3 pulses, surface 701 degC predicted, foil 650 degC predicted, 99% crystalline predicted, as part of sheet",
        "2 cycles, 7 uAh at best, 85.7% kept",
        "LiCoO2 thickness measured",
        "blue edges",
        "sem.png, 3 bytes",
        "top view",
    ):
        assert told in tree
    assert tree == invoke(kept, "sample", "show", "a")
    above = invoke(kept, "sample", "sheet")
    assert "cut into" in above
    assert "650 degC" in invoke(kept, "samples", "--where", "foil_peak > 600 degC")
    assert "none of the 3 samples in" in (told := invoke(kept, "samples", "--where", "foil_peak > 700 degC"))
    assert told.endswith("fits\n")


def test_described_layers_stand_beside_what_was_measured(kept):
    from labctl.samples.facts import Facts

    layers = [
        {"material": "Al", "thickness": 1e-4},
        {"material": "LiCoO2", "thickness": 1.2e-6, "thickness_sd": 3.6e-8},
    ]
    Facts(kept.folder).add("a", 1.0, "described", sample={"layers": layers, "area": 1.5e-5})
    invoke(kept, "sample", "measure", "a", "thickness", "1.18 um", "--sd", "20 nm", "--layer", "LiCoO2")
    invoke(kept, "sample", "measure", "a", "area", "15.2 mm^2")
    tree = invoke(kept, "sample", "a")
    assert "LiCoO2 1.2 +- 0.036 um intended; measured 1.18 +- 0.02 um" in tree
    assert "0.15 cm2 intended; measured 0.152 cm2" in tree


@pytest.mark.parametrize(
    "arguments",
    [
        ("measure", "a", "colour", "1 um"),
        ("measure", "a", "thickness", "1.18"),
        ("measure", "a", "thickness", "1 V"),
        ("measure", "a", "area", "1 cm^2", "--sd", "1 s"),
    ],
)
def test_what_is_no_quantity_with_its_unit_is_refused(kept, arguments):
    assert run(kept, "sample", *arguments).exit_code == 2


def test_unknown_samples_and_unsafe_ids_are_refused(kept):
    with pytest.raises(DataError, match="nothing is known"):
        run(kept, "sample", "nobody")
    with pytest.raises(DataError, match="cannot be a sample's id"):
        run(kept, "note", "--sample", "../../x", "text")
    assert not kept.folder.exists()


def test_broken_facts_are_told_in_the_list_and_in_the_tree(kept):
    kept.anneal("a")
    invoke(kept, "note", "--sample", "a", "x")
    with (kept.folder / "samples" / "a.jsonl").open("a") as file:
        file.write("{\n")
    for command in (("samples",), ("sample", "a")):
        assert "a.jsonl:2 is not a fact" in invoke(kept, *command).replace("\n", "")


def test_a_layer_that_a_described_sample_has_not_is_refused(kept):
    from labctl.samples.facts import Facts

    layers = [{"material": "Al", "thickness": 1e-4}, {"material": "LiCoO2", "thickness": 1.2e-6}]
    Facts(kept.folder).add("a", 1.0, "described", sample={"layers": layers, "area": 1.5e-5})
    with pytest.raises(DataError, match=r"no layer of 'LiCo02'; it has Al, LiCoO2"):
        run(kept, "sample", "measure", "a", "thickness", "1.2 um", "--layer", "LiCo02")
    said = invoke(kept, "sample", "measure", "b", "thickness", "1.2 um", "--layer", "x\x1b[2J", "--new")
    assert "\x1b" not in said
    assert "thickness 1.2 um entered" in said


ENTERED = (
    ("sample", "measure", "lco-0.7", "thickness", "1.18 um", "--layer", "LiCoO2"),
    ("sample", "treat", "lco-0.7", "air-before-electrolyte"),
    ("sample", "parent", "lco-0.7", "sheet-1"),
    ("sample", "parent", "sheet-1", "lco-0.7"),
    ("sample", "split", "lco-0.7", "a", "b"),
    ("sample", "attach", "lco-0.7", __file__),
    ("note", "--sample", "lco-0.7", "text"),
)
"""Of a sample that is in no configuration and has no runs."""


@pytest.mark.parametrize("typed", ENTERED, ids=lambda typed: typed[1])
def test_what_is_entered_of_a_mistyped_sample_makes_none(kept, typed):
    kept.anneal("sheet-1")
    with pytest.raises(DataError, match=r'did you mean "lco-0.7um"\?.*--new'):
        run(kept, *typed)
    assert not (kept.folder / "samples").exists()
    invoke(kept, *typed, "--new")
    assert [path.name for path in (kept.folder / "samples").glob("*.jsonl")]


def test_nothing_is_entered_in_a_folder_that_is_not_there_unless_it_is_the_first(kept):
    typed = ("note", "--sample", "lco-0.7um", "text")
    with pytest.raises(DataError, match="no data folder"):
        run(kept, *typed)
    assert not kept.folder.exists()
    invoke(kept, *typed, "--new")
    assert "text" in invoke(kept, "sample", "lco-0.7um")


def test_samples_of_the_configuration_and_of_the_data_are_known(kept):
    kept.anneal("mine")
    invoke(kept, "note", "--sample", "mine", "text")
    invoke(kept, "note", "--sample", "lco-0.7um", "text")


def test_a_fact_says_who_was_named_and_not_whose_login_it_is(kept, tmp_path):
    kept.anneal("a")
    uid = kept.anneal("b")
    (tmp_path / "sem.png").write_bytes(b"png")
    for typed in (
        ("note", "--sample", "a", "blue edges"),
        ("sample", "measure", "a", "area", "15.2 mm^2"),
        ("sample", "attach", "a", tmp_path / "sem.png"),
        ("sample", "treat", "a", "air-before-electrolyte"),
        ("sample", "parent", "a", "b"),
        ("sample", "split", "a", "c"),
        ("note", uid, "it flickered"),
        ("mark", uid, "bad", "--why", "oil"),
    ):
        invoke(kept, *typed, "--operator", "ben")
    lines = [
        json.loads(line) for path in kept.folder.rglob("*.jsonl") for line in path.read_text().splitlines()
    ]
    entered = [line for line in lines if line["fact"] != "begun"]
    assert len(entered) == 8
    assert {line["who"] for line in entered} == {"ben"}
    assert "blue edges (ben" in invoke(kept, "sample", "a")


def test_the_list_says_in_words_what_is_wrong_with_a_sample(kept):
    film = {"material": ["LiPON"], "thickness": [4e-7], "doubtful": [1]}
    for name, rows in (("doubted", film), ("sound", {**film, "doubtful": [0]})):
        journal = kept.begin(name, plan="deposit")
        kept.rows(journal, "layers", rows)
        kept.end(journal)
    bad = kept.anneal("oily")
    invoke(kept, "mark", bad, "bad", "--why", "oil on foil")
    spoilt = kept.anneal("spoilt")
    (path,) = kept.folder.rglob(f"{spoilt}.jnl")
    path.write_bytes(path.read_bytes().replace(b"completed", b"comp1eted"))
    rows = {line.split()[1]: line for line in invoke(kept, "samples").splitlines() if len(line.split()) > 1}
    assert "LiPON DOUBTFUL" in rows["doubted"]
    assert "DOUBTFUL" not in rows["sound"]
    assert f"anneal {bad[:8]} BAD" in rows["oily"]
    assert f"anneal {spoilt[:8]} DAMAGED" in rows["spoilt"]
    assert "LiPON" in rows["sound"].replace("LiPON DOUBTFUL", "")


def test_a_list_says_when_and_how_hot_and_leaves_out_what_no_sample_has(kept):
    from datetime import datetime

    journal = kept.begin("a", plan="bake")
    kept.rows(journal, "primary", {"temperature": [25.0, 521.4, math.nan, 300.0]})
    kept.end(journal)
    said = invoke(kept, "samples")
    assert "521 degC" in said
    assert f"{datetime.fromtimestamp(journal.time):%Y-%m-%d}" in said
    assert "baked" in said
    assert "pulses" not in said
    assert "521 degC at most, as measured" in invoke(kept, "sample", "a")
    assert "521 degC" in invoke(kept, "samples", "--where", "peak_temperature > 500 degC")
    assert "fits" in invoke(kept, "samples", "--where", "peak_temperature > 530 degC")


def test_what_a_cell_was_described_with_is_there_once_it_is_built(kept):
    from labctl.samples.facts import Facts

    cell = [{"material": "LiPON", "thickness": 1e-6}, {"material": "Li", "thickness": 2e-6}]
    for name in ("planned", "built"):
        described = {"layers": [{"material": "Al", "thickness": 1e-4}], "cell_layers": cell}
        Facts(kept.folder).add(name, 1.0, "described", sample=described)
    kept.anneal("planned")
    Facts(kept.folder).add("built", 2.0, "assembled")
    rows = {line.split()[1]: line for line in invoke(kept, "samples").splitlines() if len(line.split()) > 1}
    assert "LiPON/Li" in rows["built"]
    assert "LiPON" not in rows["planned"]
