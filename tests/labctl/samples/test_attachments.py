"""Attached files are kept once, under names that lead nowhere else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DataError
from labctl.samples import attachments
from labctl.samples.attachments import attach, safe_name
from labctl.samples.facts import Facts


def test_a_file_is_copied_and_described(tmp_path):
    picture = tmp_path / "sem.png"
    picture.write_bytes(b"\x89PNG")
    copy = attach(tmp_path / "data", "s1", picture, "top view")
    assert copy.read_bytes() == b"\x89PNG"
    ((fact, path),) = attachments.attachments(tmp_path / "data", "s1")
    digest = hashlib.sha256(b"\x89PNG").hexdigest()
    assert path == copy
    assert (fact["name"], fact["size"], fact["sha256"]) == ("sem.png", 4, digest)
    assert (fact["media_type"], fact["note"]) == ("image/png", "top view")


def test_the_same_content_is_stored_once(tmp_path):
    for name in ("a.txt", "b.txt", "a.txt"):
        (tmp_path / name).write_text("same")
        attach(tmp_path / "data", "s1", tmp_path / name)
    assert len(list((tmp_path / "data" / "samples" / "s1" / "attachments").iterdir())) == 1
    assert [fact["name"] for fact, _ in attachments.attachments(tmp_path / "data", "s1")] == [
        "a.txt",
        "b.txt",
        "a.txt",
    ]


@given(st.text(min_size=1))
def test_any_name_becomes_a_safe_one(name):
    safe = safe_name(name)
    assert 0 < len(safe) <= 100
    assert safe.isascii()
    assert not set(safe) & set("/\\\0 \n")
    assert not safe.startswith(".")


@pytest.mark.parametrize("name", ["..", "../../etc/passwd", "CON", "a" * 300, "=cmd|x.csv", "😀.png", "-rf"])
def test_hostile_names_stay_in_the_folder(tmp_path, name):
    folder = tmp_path / "samples"
    assert (folder / f"0123-{safe_name(name)}").resolve().parent == folder.resolve()


def test_a_fact_edited_by_hand_leads_nowhere_else(tmp_path):
    Facts(tmp_path).add("s1", 1.0, "attached", file="../../../etc/passwd", name="x")
    ((_, path),) = attachments.attachments(tmp_path, "s1")
    assert path == tmp_path / "samples" / "s1" / "attachments" / "passwd"


def test_what_is_no_file_is_refused(tmp_path, monkeypatch):
    for wrong in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match="is not a file"):
            attach(tmp_path / "data", "s1", wrong)
    (tmp_path / "big").write_bytes(bytes(11))
    monkeypatch.setattr(attachments, "LARGEST", 10)
    with pytest.raises(DataError, match="larger than"):
        attach(tmp_path / "data", "s1", tmp_path / "big")
    monkeypatch.undo()
    with pytest.raises(DataError, match="cannot be a sample's id"):
        attach(tmp_path / "data", "../s1", tmp_path / "big")
    assert not (tmp_path / "data").exists()
