"""A run that died and those that went on with it are one run."""

import numpy as np
import pytest

from labctl.runs.briefs import briefs, find_run
from labctl.runs.index import FILE, ask_index
from labctl.runs.remarks import mark_run, note_run, remarks_path
from labctl.runs.run import Run
from labctl.samples.story import Stories
from labctl.showing.run import print_run

ROWS = 10


def rows_of(begin, end, base=None):
    """Return rows of a cycling run from `begin` to `end`, counted from those of a base."""
    place = np.arange(begin, end)
    base = base or dict.fromkeys(("test_time", "charge", "energy", "cycle", "step_count", "record"), 0)
    return {
        "test_time": (place * 10.0 - base["test_time"]).tolist(),
        "voltage": (3.0 + place * 0.05).tolist(),
        "charge": (place * 1e-7 - base["charge"]).tolist(),
        "energy": (place * 3e-7 - base["energy"]).tolist(),
        "cycle": (1 + place // 6 - base["cycle"]).tolist(),
        "step_count": (1 + place // 3 - base["step_count"]).tolist(),
        "record": (1 + place - base["record"]).tolist(),
    }


def offsets_at(row):
    """Return what a run has come to before a row, as the start document of its follower says."""
    return {
        "test_time": row * 10.0,
        "charge": row * 1e-7,
        "energy": row * 3e-7,
        "cycle": row // 6,
        "step_count": row // 3,
        "record": row,
    }


def write(kept, begin, end, *, continues="", ends=False, doubled=0):
    """Write the rows from begin to end as a journal of its own, with the last ones of the one before it if doubled."""
    offsets = offsets_at(begin)
    more = {"continues": continues, "offsets": offsets} if continues else {}
    journal = kept.begin(plan="cycle", **more)
    kept.rows(journal, "primary", rows_of(begin - doubled, end, offsets if continues else None))
    if ends:
        return kept.end(journal)
    journal.close()
    return journal.uid


def assert_equal(table, expected):
    assert list(table) == list(expected)
    for key, column in expected.items():
        np.testing.assert_allclose(table[key], column, rtol=1e-12, atol=1e-18, err_msg=key)


@pytest.mark.parametrize("split", range(ROWS + 1))
def test_a_chain_equals_the_uninterrupted_run_wherever_it_was_cut(kept, split):
    whole = write(kept, 0, ROWS, ends=True)
    dead = write(kept, 0, split)
    follower = write(kept, split, ROWS, continues=dead, ends=True)
    expected = Run(whole, kept.folder).table()
    for uid in (dead, follower):
        run = Run(uid, kept.folder)
        assert run.chain == [dead, follower]
        assert (run.uid, run.stop["exit_status"]) == (dead, "success")
        assert_equal(run.table(), expected)
        assert len(run.times()) == ROWS


def test_a_chain_may_have_many_members(kept):
    whole = write(kept, 0, ROWS, ends=True)
    uids = [write(kept, 0, 3)]
    for begin, end in ((3, 4), (4, 9), (9, ROWS)):
        uids.append(write(kept, begin, end, continues=uids[-1], ends=end == ROWS))
    run = Run(uids[2], kept.folder)
    assert run.chain == uids
    assert_equal(run.table(), Run(whole, kept.folder).table())


def test_a_row_that_both_journals_have_is_there_once(kept):
    whole = write(kept, 0, ROWS, ends=True)
    dead = write(kept, 0, 7)
    write(kept, 7, ROWS, continues=dead, ends=True, doubled=4)
    run = Run(dead, kept.folder)
    assert_equal(run.table(), Run(whole, kept.folder).table())
    assert_equal(run.table(columns=["voltage"]), Run(whole, kept.folder).table(columns=["voltage"]))
    assert len(run.times()) == ROWS


def test_alone_a_member_is_its_own_journal(kept):
    dead = write(kept, 0, 5)
    follower = write(kept, 5, ROWS, continues=dead, ends=True)
    alone = Run(follower, kept.folder, alone=True)
    assert alone.chain == [follower]
    assert alone.table()["test_time"][0] == 0.0
    assert Run(alone.path).chain == [follower]
    assert Run(dead, kept.folder, alone=True).stop is None


def test_a_follower_whose_beginning_is_gone_is_read_with_its_offsets(kept):
    dead = write(kept, 0, 5)
    follower = write(kept, 5, ROWS, continues=dead, ends=True)
    Run(dead, kept.folder, alone=True).path.unlink()
    run = Run(follower, kept.folder)
    assert run.chain == [follower]
    assert len(run.table()["record"]) == ROWS - 5


def test_runs_that_name_each_other_are_read_once_each(kept):
    first = kept.begin(plan="cycle", continues="98ff5d8c-0000-0000-0000-000000000000")
    first.close()
    second = kept.begin(plan="cycle", continues=first.uid)
    second.close()
    assert Run(second.uid, kept.folder).chain == [first.uid, second.uid]


def test_a_stream_that_only_the_follower_has_goes_on_too(kept):
    dead = write(kept, 0, 5)
    journal = kept.begin(plan="cycle", continues=dead, offsets=offsets_at(5))
    kept.rows(journal, "cycles", {"cycle": [1], "discharge_capacity": [7e-6]})
    kept.rows(journal, "steps", {"step_count": [1], "t_start": [0.0], "t_end": [10.0], "charge": [1e-6]})
    kept.end(journal)
    run = Run(dead, kept.folder)
    assert run.table("steps")["t_end"].tolist() == [60.0]
    assert run.table("steps")["charge"].tolist() == [1e-6]
    assert run.table("cycles")["cycle"].tolist() == [1]


def test_a_list_tells_what_goes_on_with_what(kept):
    dead = write(kept, 0, 5)
    write(kept, 5, ROWS, continues=dead, ends=True)
    assert [(each.status, each.continues) for each in briefs(kept.folder)] == [
        ("died", ""),
        ("success", dead),
    ]


def values_of(kept):
    """Return the results that the index keeps, by uid."""
    found = ask_index(
        kept.folder,
        lambda connection: connection.execute(
            "SELECT uid, keys.key, number FROM amounts JOIN runs ON run = runs.id JOIN keys ON amounts.key = keys.id"
            " WHERE keys.key LIKE 'result.%' ORDER BY uid"
        ).fetchall(),
    )
    return {
        uid: {key.removeprefix("result."): number for each, key, number in found if each == uid}
        for uid, _, _ in found
    }


def capacities_of(kept, values, *, continues="", ends=True):
    """Write discharges of 7e-6 Ah at first, less later, as a journal with the rest of a chain."""
    journal = kept.begin(plan="cycle", **({"continues": continues} if continues else {}))
    steps = {"step_index": [1] * len(values), "end_reason": ["voltage_below"] * len(values)}
    kept.rows(journal, "steps", {**steps, "charge": [-each for each in values]})
    kept.rows(journal, "cycles", {"cycle": list(range(len(values))), "discharge_capacity": list(values)})
    if ends:
        return kept.end(journal)
    journal.close()
    return journal.uid


def test_what_a_chain_came_to_is_reckoned_over_all_its_journals(kept):
    dead = capacities_of(kept, [7e-6, 6e-6], ends=False)
    assert values_of(kept)[dead]["retention"] == pytest.approx(6 / 7)
    last = capacities_of(kept, [5e-6, 4e-6], continues=dead)
    found = values_of(kept)
    assert list(found) == [last]
    assert found[last]["retention"] == pytest.approx(4 / 7)
    assert found[last]["cycles"] == 4
    assert found[last]["best_discharge"] == pytest.approx(7e-6 * 3600)
    story = Stories(kept.folder).of("s1")
    assert (story.values["cycles"], story.values["retention"]) == (4, pytest.approx(4 / 7))


def test_what_a_chain_came_to_does_not_depend_on_when_the_index_looked(kept):
    dead = capacities_of(kept, [7e-6, 6e-6], ends=False)
    values_of(kept)
    second = capacities_of(kept, [5e-6], continues=dead, ends=False)
    values_of(kept)
    third = capacities_of(kept, [3e-6], continues=second)
    seen = [values_of(kept)]
    mark_run(find_run(kept.folder, dead), "bad", "", time=1.0, who="me")
    seen.append(values_of(kept))
    (kept.folder / FILE).unlink()
    seen.append(values_of(kept))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][third]["cycles"] == 4


def test_a_follower_that_is_gone_takes_nothing_with_it(kept):
    dead = capacities_of(kept, [7e-6, 6e-6], ends=False)
    before = values_of(kept)
    last = capacities_of(kept, [5e-6], continues=dead)
    assert list(values_of(kept)) == [last]
    find_run(kept.folder, last).unlink()
    assert values_of(kept) == before


def test_a_note_on_any_journal_of_a_chain_is_shown_with_it(kept, capsys):
    dead = write(kept, 0, 5)
    last = write(kept, 5, ROWS, continues=dead, ends=True)
    note_run(find_run(kept.folder, last), "the tip slipped", time=1.0, who="me")
    print_run(dead, "", "", 1, kept.folder)
    assert "the tip slipped" in capsys.readouterr().out


def marks(kept):
    """Return the marks of all runs in the order they began."""
    return [(each.mark, each.why) for each in briefs(kept.folder)]


@pytest.mark.parametrize("marked", range(3))
def test_a_mark_on_any_journal_of_a_chain_is_that_of_the_run(kept, marked, capsys):
    other = write(kept, 0, ROWS, ends=True)
    uids = [write(kept, 0, 3)]
    uids += [write(kept, 3, 6, continues=uids[0])]
    uids += [write(kept, 6, ROWS, continues=uids[1], ends=True)]
    assert marks(kept) == [("", "")] * 4
    mark_run(find_run(kept.folder, uids[marked]), "bad", "wet", time=1.0, who="me")
    assert marks(kept) == [("", ""), *[("bad", "wet")] * 3]
    assert {Run(uid, kept.folder).brief().mark for uid in uids} == {"bad"}
    assert Run(other, kept.folder).brief().mark == ""
    print_run(uids[0], "", "", 1, kept.folder)
    assert capsys.readouterr().out.count("bad: wet") == 1
    mark_run(find_run(kept.folder, uids[marked - 1]), "good", "dried", time=2.0, who="me")
    assert marks(kept) == [("", ""), *[("", "dried")] * 3]
    (kept.folder / FILE).unlink()
    assert marks(kept) == [("", ""), *[("", "dried")] * 3]


def test_a_run_that_goes_on_with_a_bad_one_is_bad(kept):
    dead = write(kept, 0, 3)
    mark_run(find_run(kept.folder, dead), "bad", "wet", time=1.0, who="me")
    assert marks(kept) == [("bad", "wet")]
    write(kept, 3, ROWS, continues=dead, ends=True)
    assert marks(kept) == [("bad", "wet")] * 2
    find_run(kept.folder, dead).unlink()
    assert marks(kept) == [("", "")]


def test_a_broken_remark_on_one_journal_hides_no_mark_on_another(kept):
    dead = write(kept, 0, 3)
    follower = write(kept, 3, ROWS, continues=dead, ends=True)
    remarks_path(find_run(kept.folder, dead)).write_text("rubbish\n")
    mark_run(find_run(kept.folder, follower), "bad", "wet", time=1.0, who="me")
    assert marks(kept) == [("bad", "wet")] * 2


def test_a_step_and_a_cycle_that_both_journals_have_are_there_once_as_the_later_has_them(kept):
    first = kept.begin(plan="cycle")
    kept.rows(first, "steps", {"step_count": [1, 2, 3], "charge": [1e-6, 2e-6, 5e-7]})
    kept.rows(first, "cycles", {"cycle": [1], "discharge_capacity": [5e-7]})
    first.close()
    journal = kept.begin(plan="cycle", continues=first.uid, offsets={"step_count": 1, "cycle": 0})
    kept.rows(journal, "steps", {"step_count": [1, 2, 3], "charge": [2e-6, 3e-6, 4e-6]})
    kept.rows(journal, "cycles", {"cycle": [1, 2], "discharge_capacity": [3e-6, 4e-6]})
    kept.end(journal)
    run = Run(first.uid, kept.folder)
    assert run.table("steps")["step_count"].tolist() == [1, 2, 3, 4]
    assert run.table("steps")["charge"].tolist() == [1e-6, 2e-6, 3e-6, 4e-6]
    assert run.table("cycles")["discharge_capacity"].tolist() == [3e-6, 4e-6]
    assert len(run.times("steps")) == 4
