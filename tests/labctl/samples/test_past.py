"""A journal that cannot be read: what may still be done to the samples that it may be of, and what is known of them."""

import json
import os
import zlib
from dataclasses import replace

import pytest

from devices.errors import InterlockError, OwnershipError
from devices.roles.hands import Assemble, Bring
from labctl.journal.documents import read_start
from labctl.rehearsing.stage import staged
from labctl.runs.briefs import briefs
from labctl.runs.run import Run
from labctl.runs.unread import set_aside, unread
from labctl.samples.facts import Facts
from labctl.samples.parents import cut_from
from labctl.samples.past import Gaps, in_the_way, name_run
from labctl.samples.story import Stories

BY = {"time": 2e9, "who": "me"}


def flip(path, byte=200):
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(bytes(content))


def make_newer(path):
    """Let a newer labctl have written a journal: another schema, a right checksum."""
    header, rest = path.read_bytes().split(b"\n", 1)
    payload = json.dumps({**json.loads(header[29:]), "schema": 2}).encode()
    body = b"00000000 H " + payload
    path.write_bytes(b"%08x %08x %s\n" % (len(payload), zlib.crc32(body), body) + rest)


def make_foreign(path):
    path.with_name("notes.jnl").write_text("milk, eggs\n")
    path.unlink()


def cut_short(path):
    path.write_bytes(path.read_bytes()[:200])


def anneal(lab, sample, recipe):
    return lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))


def journal(data):
    (path,) = (data / "runs").glob("*/*/*.jnl")
    return path


def lose(path):
    path.unlink()


def make_folder(path):
    path.unlink()
    path.mkdir()


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def lead_nowhere(path):
    """Leave a link to a disk that is not there now."""
    path.unlink()
    path.symlink_to(path.parent / "gone")


SPOILT = [flip, make_newer, make_foreign, cut_short, lose, make_folder, make_pipe, lead_nowhere]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_film_is_not_flashed_again_while_its_anneal_cannot_be_read(open_lab, sample, recipe, spoilt):
    lab = open_lab()
    anneal(lab, sample, recipe)
    lab.close()
    world = lab.data / "bench" / "twin" / "samples" / f"{sample.id}.json"
    foil = world.read_bytes()
    spoilt(journal(lab.data))
    lab = open_lab()
    with pytest.raises(InterlockError, match=r"labctl recover .* --despite REASON"):
        anneal(lab, sample, recipe)
    lab.close()
    assert world.read_bytes() == foil
    assert lab.begun == []


def test_the_refusal_names_the_sample_and_others_are_flashed(open_lab, sample, recipe):
    lab = open_lab()
    anneal(lab, sample, recipe)
    lab.close()
    flip(journal(lab.data))
    lab = open_lab()
    with pytest.raises(InterlockError, match=f"it is of {sample.id}"):
        anneal(lab, sample, recipe)
    assert anneal(lab, replace(sample, id="another"), recipe)


def test_a_run_of_which_nobody_knows_whose_it_is_keeps_every_sample_from_heat(kept, open_lab, sample, recipe):
    lab = open_lab()
    kept.anneal("somebody")
    flip(journal(lab.data))
    with pytest.raises(InterlockError, match="nobody knows of which sample it is"):
        anneal(lab, sample, recipe)
    with pytest.raises(InterlockError, match="nobody knows of which sample"):
        lab.believer.furnace(sample, recipe)
    with (
        staged(lab.bench, lab.limits, lab.data, [sample]) as stage,
        stage.session() as rehearsed,
        pytest.raises(InterlockError, match="nobody knows of which sample"),
    ):
        anneal(rehearsed, sample, recipe)


@pytest.mark.parametrize("spoilt", [make_folder, make_pipe])
def test_what_is_no_file_and_no_run_of_a_sample_keeps_none_from_heat(kept, open_lab, sample, recipe, spoilt):
    lab = open_lab()
    kept.anneal("somebody")
    spoilt(journal(lab.data))
    assert anneal(lab, sample, recipe)


def test_a_link_that_leads_nowhere_may_be_any_samples(kept, open_lab, sample, recipe):
    lab = open_lab()
    kept.anneal("somebody")
    lead_nowhere(journal(lab.data))
    with pytest.raises(InterlockError, match="nobody knows of which sample"):
        anneal(lab, sample, recipe)


def test_hands_bring_such_a_sample_to_a_cycler_and_to_nothing_that_changes_it(kept, open_lab, sample, caplog):
    lab = open_lab()
    kept.anneal("somebody")
    flip(journal(lab.data))
    for place in ("lamp", "sputter", "evaporator", "furnace"):
        with pytest.raises(InterlockError, match="nobody knows of which sample"):
            lab.hands.set(Bring(sample, place))
    for task in (Assemble(sample), Bring(sample, "potentiostat/0")):
        assert lab.hands.set(task).exception() is None
    assert f"the past of {sample.id} is not known" in caplog.text
    name_run(Facts(lab.data), {"uid": journal(lab.data).stem, "time": 1.0, "sample": {"id": sample.id}})
    with pytest.raises(InterlockError, match=f"it is of {sample.id}"):
        lab.hands.set(Bring(sample, "potentiostat/0"))


def test_one_that_a_person_set_aside_lets_work_go_on_and_stays_known(open_lab, sample, recipe):
    lab = open_lab()
    anneal(lab, sample, recipe)
    lab.close()
    path = journal(lab.data)
    flip(path)
    set_aside(path, "it had its three pulses", **BY)
    lab = open_lab()
    (uid,) = anneal(lab, sample, recipe)
    assert "it had its three pulses" in Run(uid, lab.data).start["past_not_known"][0]
    (gap,) = Stories(lab.data).of(sample.id).gaps
    assert path.stem in gap
    assert [each.status for each in briefs(lab.data)] == ["success"]


def test_cycling_goes_on_beside_a_journal_that_may_be_anybodys(kept):
    kept.anneal("a")
    flip(journal(kept.folder))
    gaps = Gaps(kept.folder).of("a")
    assert in_the_way(gaps, "a", lasting=False) == ""
    assert "nobody knows" in in_the_way(gaps, "a", lasting=True)
    name_run(Facts(kept.folder), {"uid": journal(kept.folder).stem, "time": 1.0, "sample": {"id": "a"}})
    assert "it is of a" in in_the_way(Gaps(kept.folder).of("a"), "a", lasting=False)
    assert Gaps(kept.folder).of("b") == []


def test_what_was_cut_from_a_sample_had_what_that_one_had_until_then(kept):
    kept.anneal("sheet")
    flip(journal(kept.folder))
    facts = Facts(kept.folder)
    name_run(facts, {"uid": journal(kept.folder).stem, "time": 1e9, "sample": {"id": "sheet"}})
    facts.add("earlier", 5e8, "cut from", parent="sheet")
    cut_from(kept.folder, "later", "sheet")
    assert Gaps(kept.folder).of("earlier") == []
    assert [gap.sample for gap in Gaps(kept.folder).of("later")] == ["sheet"]


def test_a_sample_that_came_after_one_was_set_aside_has_a_past_that_is_known(kept):
    kept.anneal("a")
    flip(journal(kept.folder))
    Facts(kept.folder).add("a", 1e9, "described")
    Facts(kept.folder).add("b", 3e9, "described")
    set_aside(journal(kept.folder), "lost", **BY)
    assert [str(gap.journal.why) for gap in Gaps(kept.folder).of("a")] == ["lost"]
    assert Gaps(kept.folder).of("b") == []
    assert Gaps(kept.folder).of("never-seen") == []


def test_facts_that_cannot_be_read_say_of_no_run_whose_it_is(kept):
    kept.anneal("a")
    flip(journal(kept.folder))
    name_run(Facts(kept.folder), {"uid": journal(kept.folder).stem, "time": 1.0, "sample": {"id": "a"}})
    with (kept.folder / "samples" / "a.jsonl").open("a") as file:
        file.write("{\n")
    assert "nobody knows" in in_the_way(Gaps(kept.folder).of("b"), "b", lasting=True)


def test_a_sample_that_is_none_of_ours_is_not_noted(kept):
    for said in ("text", {"id": "../x"}, {"id": 3}, None):
        name_run(Facts(kept.folder), {"uid": "u", "time": 1.0, "sample": said})
    assert not kept.folder.exists()


def test_a_run_is_named_before_the_lamp_is_armed(lab, sample, recipe, monkeypatch):
    seen = []
    kickoff = lab.lamp.kickoff

    def kicked(*given):
        seen.extend(fact["run"] for fact in Facts(lab.data).of(sample.id) if fact["fact"] == "begun")
        return kickoff(*given)

    monkeypatch.setattr(lab.lamp, "kickoff", kicked)
    assert list(anneal(lab, sample, recipe)) == seen


def test_one_that_is_written_is_not_set_aside(kept):
    running = kept.begin()
    with pytest.raises(OwnershipError):
        set_aside(running.path, "no", **BY)
    kept.end(running)


def test_a_journal_that_is_gone_is_missed_by_its_sample_and_what_was_cut_from_it_alone(kept):
    kept.anneal("sheet")
    path, facts = journal(kept.folder), Facts(kept.folder)
    start = read_start(path)
    kept.anneal("other")
    name_run(facts, {"uid": path.stem, "time": start["time"], "sample": {"id": "sheet"}})
    facts.add("earlier", start["time"] - 1.0, "cut from", parent="sheet")
    facts.add("later", start["time"] + 1.0, "cut from", parent="sheet")
    assert Gaps(kept.folder).absent == []
    path.unlink()
    (gap,) = Gaps(kept.folder).absent
    assert str(gap) == f"{path} is not there; it is of sheet"
    assert [each.sample for each in Gaps(kept.folder).of("later")] == ["sheet"]
    assert Gaps(kept.folder).of("earlier") == Gaps(kept.folder).of("other") == []
    assert path.stem[:8] in in_the_way([gap], "later", lasting=False)
    set_aside(gap.journal.path, "it was never flashed", **BY)
    (gap,) = Gaps(kept.folder).of("sheet")
    assert str(gap) == f"{path.stem}.aside was set aside: it was never flashed; it is of sheet"
    assert in_the_way([gap], "sheet", lasting=True) == ""
    assert Gaps(kept.folder).absent == []


def test_a_sound_folder_has_no_gap(kept):
    kept.anneal("a")
    assert unread(kept.folder) == []
    assert Gaps(kept.folder).of("a") == []
