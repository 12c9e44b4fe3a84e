"""Pieces know what they were cut from, and had what it had until then."""

import pytest

from devices.errors import Corrupt, DataError
from labctl.runs.making import made_by
from labctl.samples.facts import Facts
from labctl.samples.parents import CUT, Families, Parent, cut_from


def test_both_directions_are_known(tmp_path):
    for piece in ("a1", "a2"):
        cut_from(tmp_path, piece, "a")
    cut_from(tmp_path, "a", "wafer")
    families = Families(tmp_path)
    assert families.children("a") == ["a1", "a2"]
    assert families.children("wafer") == ["a"]
    assert [each.id for each in families.ancestors("a1")] == ["a", "wafer"]
    assert families.children("a1") == []


def test_parents_that_runs_record_count_too(kept):
    layers = [{"material": "LiCoO2", "thickness": 1e-6}]
    kept.anneal(sample={"id": "piece", "layers": layers, "parents": ["sheet"]})
    families = Families(kept.folder)
    assert families.parents("piece") == [Parent("sheet")]
    assert families.children("sheet") == ["piece"]


def test_a_circle_is_refused(tmp_path):
    cut_from(tmp_path, "b", "a")
    cut_from(tmp_path, "c", "b")
    for child, parent in (("a", "c"), ("a", "b"), ("a", "a")):
        with pytest.raises(DataError, match="cannot be the parent"):
            cut_from(tmp_path, child, parent)
    with pytest.raises(DataError, match="known already"):
        cut_from(tmp_path, "b", "a")


def test_a_circle_entered_by_hand_ends(tmp_path):
    facts = Facts(tmp_path)
    facts.add("a", 1.0, CUT, parent="b")
    facts.add("b", 1.0, CUT, parent="a")
    assert [each.id for each in Families(tmp_path).ancestors("a")] == ["b"]


@pytest.mark.parametrize("bad", ["../x", "", "a/b", ".hidden", "x" * 65, "a\0b", "-a", "ä", "a\n"])
def test_what_is_no_id_never_becomes_a_path(tmp_path, bad):
    for pair in ((bad, "a"), ("a", bad)):
        with pytest.raises(DataError, match="cannot be a sample's id"):
            cut_from(tmp_path, *pair)
    assert list(tmp_path.iterdir()) == []


def test_a_piece_was_made_by_what_its_sheet_had_before_it_was_cut(kept):
    first = kept.anneal("sheet")
    facts = Facts(kept.folder)
    facts.add("piece", 1_790_000_000.0 + 1.5 * 3600.0, CUT, parent="sheet")
    later = kept.anneal("sheet")
    own = kept.anneal("piece")
    assert made_by(kept.folder, "piece") == [first, own]
    assert made_by(kept.folder, "sheet") == [first, later]
    assert made_by(kept.folder, "new", ["sheet"]) == [first, later]


def test_an_ancestors_cut_is_the_earliest_on_the_way(kept):
    facts = Facts(kept.folder)
    first = kept.anneal("wafer")
    facts.add("sheet", 1_790_000_000.0 + 1.5 * 3600.0, CUT, parent="wafer")
    kept.anneal("wafer")
    facts.add("piece", 1_790_000_000.0 + 2.5 * 3600.0, CUT, parent="sheet")
    assert made_by(kept.folder, "piece") == [first]


def test_broken_facts_of_one_sample_hide_no_other(tmp_path):
    cut_from(tmp_path, "a1", "a")
    (tmp_path / "samples" / "b.jsonl").write_text("{\n")
    assert Families(tmp_path).children("a") == ["a1"]
    with pytest.raises(Corrupt, match=r"b\.jsonl:1"):
        Families(tmp_path).ancestors("b")
