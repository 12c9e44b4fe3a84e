"""Metadata as people type them: kept as they are, or refused before anything happens."""

import json

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators

from devices.errors import LabError
from labctl import Run
from labctl.metadata import plain_metadata

KEPT = {
    "control characters": "a\x00b\x1b[31m\x07\r\n",
    "html": "<script>alert('x')</script>",
    "long": "n" * 5000,
    "right to left": "\u202eabc",
    "formula": "=1+1",
    "nested": {"a": [1, 2.5, None, True, {"b": "c"}]},
}
REFUSED = {
    "an object": object(),
    "a set": {1, 2},
    "bytes": b"abc",
    "no number": float("nan"),
    "infinite": [1.0, {"deep": float("inf")}],
    "numpy's no number": np.array([1.0, np.nan]),
    "complex": 1j,
    "numpy complex": np.complex128(1j),
    "a key of no text": {1: "one"},
    "a key of None": {None: 1},
    "a dot": {"deep": [{"a.b": 1}]},
    "a slash": {"a/b": 1},
    "half a character": "\ud800",
    "a date": np.datetime64("2026-01-01"),
    "too long": "n" * 200_000,
}


@pytest.mark.parametrize("name", KEPT)
def test_text_is_kept_as_it_is(name):
    kept = plain_metadata({"notes": KEPT[name]})
    assert json.loads(json.dumps(kept)) == {"notes": KEPT[name]}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_place(name):
    with pytest.raises(LabError, match=r"metadata\['notes'\]"):
        plain_metadata({"notes": REFUSED[name]})


def test_a_table_that_contains_itself_is_refused():
    table = {}
    table["self"] = table
    with pytest.raises(LabError, match="contains itself"):
        plain_metadata({"notes": table})


def test_numpy_values_become_plain_ones():
    plain = plain_metadata(
        {"a": np.float64(1.5), "b": np.int32(2), "c": np.arange(3), "d": np.bool_(True), "e": (1,)}
    )
    assert plain == {"a": 1.5, "b": 2, "c": [0, 1, 2], "d": True, "e": [1]}
    assert [type(each) for each in plain.values()] == [float, int, list, bool, list]


def test_every_mistake_is_named_at_once():
    with pytest.raises(LabError) as refused:
        plain_metadata({"a": object(), "b.c": 1, "d": float("nan")})
    assert len(str(refused.value).splitlines()) == 4


def gates(lab):
    return sum(entry[1] == "gate" for entry in lab.twins.station("lamp").gate.log)


@pytest.mark.parametrize("name", ["an object", "a key of no text", "a dot", "no number"])
def test_a_run_with_such_metadata_does_not_begin(lab, sample, recipe, name):
    bad = {"notes": REFUSED[name]}
    with pytest.raises(LabError, match="no run was begun"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe, md=bad))
    with pytest.raises(LabError, match="no run was begun"):
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe), **bad)
    with pytest.raises(LabError, match="metadata that cannot be kept"):
        lab.RE.md["notes"] = REFUSED[name]
    assert "notes" not in lab.RE.md
    assert gates(lab) == 0
    assert not list((lab.data / "runs").glob("*/*/*.jnl"))
    lab.RE(lab.plans.single_pulse(lab.lamp, sample, recipe))
    assert gates(lab) == 1


def test_hostile_text_of_operator_and_notes_goes_into_the_journal_and_back(open_lab, sample, recipe):
    operator = "\x1b]0;x\x07<b>" + "o" * 5000
    lab = open_lab(operator=operator)
    (uid,) = lab.RE(
        lab.plans.single_pulse(lab.lamp, sample, recipe, md={"notes": KEPT["html"], "n": np.float32(0.5)})
    )
    run = Run(uid, lab.data)
    assert (run.start["operator"], run.start["notes"], run.start["n"]) == (operator, KEPT["html"], 0.5)
    for name, doc in run.documents:
        schema_validators[DocumentNames[name]].validate(doc)
