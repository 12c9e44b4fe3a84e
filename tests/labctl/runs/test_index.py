"""The index says what the journals say, whatever happened to them or to it."""

import random
import shutil
import sqlite3
import threading

import pytest

from labctl.runs import entries
from labctl.runs.briefs import brief_from, briefs, find_run, latest_label, run_files
from labctl.runs.index import APPLICATION, FILE, SCHEMA, ask_index, files_of, mend_index
from labctl.runs.remarks import mark_run, note_run
from labctl.samples.deposited import deposited

BY = {"time": 1.8e9, "who": "me"}


def truth(data):
    """Return what the journals themselves say, each read by itself."""
    found = []
    for path in run_files(data):
        if entries.entry_of(path) is not None:
            found.append(brief_from(path))
    return sorted(found, key=lambda brief: (brief.time, brief.uid))


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 0x10
    path.write_bytes(content)


class History:
    """Random things that befall a data folder."""

    def __init__(self, kept, seed):
        self.kept, self.random, self.open = kept, random.Random(seed), []
        self.copy = kept.folder.parent / "old.sqlite"

    def step(self):
        lives = [self.whole, self.whole, self.begin, self.grow, self.finish, self.die]
        mishaps = [self.remove, self.damage, self.remark, self.keep_index, self.lose_index]
        self.random.choice([*lives, *mishaps])()

    def whole(self):
        self.random.choice([self.kept.anneal, self.kept.cycle])(self.random.choice(["s1", "s2"]))

    def begin(self):
        self.open.append(self.kept.begin())

    def grow(self):
        if self.open:
            journal = self.random.choice(self.open)
            self.kept.rows(journal, "primary", {"pulse": [1], "exposure": [1.0]})

    def finish(self):
        if self.open:
            self.kept.end(self.open.pop(), self.random.choice(["success", "fail"]))

    def die(self):
        if self.open:
            self.open.pop().close()

    def path(self):
        open_now = {journal.path for journal in self.open}
        return self.random.choice(
            [each for each in run_files(self.kept.folder) if each not in open_now] or [None]
        )

    def remove(self):
        if path := self.path():
            path.unlink()

    def damage(self):
        if path := self.path():
            flip(path, self.random.randrange(10_000))

    def remark(self):
        if path := self.path():
            note_run(path, "so", **BY)
            mark_run(path, self.random.choice(["bad", "good"]), "why", **BY)

    def keep_index(self):
        if (self.kept.folder / FILE).exists():
            shutil.copy(self.kept.folder / FILE, self.copy)

    def lose_index(self):
        """Put an older index back, or none at all."""
        (self.kept.folder / FILE).unlink(missing_ok=True)
        if self.copy.exists() and self.random.random() < 0.5:
            shutil.copy(self.copy, self.kept.folder / FILE)


@pytest.mark.parametrize("seed", range(5))
def test_the_index_equals_what_the_journals_say_after_any_history(kept, seed):
    history = History(kept, seed)
    for _ in range(8):
        for _ in range(4):
            history.step()
        assert list(briefs(kept.folder)) == truth(kept.folder)
        assert not mend_index(kept.folder)
    for journal in history.open:
        journal.close()


def test_no_journal_is_read_when_nothing_changed(kept, monkeypatch):
    uids = [kept.anneal(), kept.cycle(), kept.anneal()]
    assert [each.uid for each in briefs(kept.folder)] == uids

    def read(path):
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(entries, "entry_of", read)
    assert [each.uid for each in briefs(kept.folder)] == uids
    assert find_run(kept.folder, "last").stem == uids[-1]


def test_only_what_changed_is_read_again(kept, monkeypatch):
    kept.anneal()
    list(briefs(kept.folder))
    later, passed = kept.anneal(), []
    entry_of = entries.entry_of
    monkeypatch.setattr(entries, "entry_of", lambda path: passed.append(path.stem) or entry_of(path))
    list(briefs(kept.folder))
    assert passed == [later]


def spoil_with_text(path):
    path.write_text("not a database, " * 1000)


def spoil_with_another(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (mine TEXT)")
    connection.close()


def spoil_with_a_newer_version(path):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.execute("DROP TABLE amounts")
    connection.close()


def spoil_by_cutting(path):
    path.write_bytes(path.read_bytes()[: 3 * 4096])


def spoil_within(path):
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [spoil_with_text, spoil_with_another, spoil_with_a_newer_version, spoil_by_cutting, spoil_within],
)
def test_an_index_that_is_none_of_ours_is_made_anew(kept, spoil):
    kept.anneal(), kept.cycle()
    list(briefs(kept.folder))
    spoil(kept.folder / FILE)
    assert list(briefs(kept.folder)) == truth(kept.folder)
    connection = sqlite3.connect(kept.folder / FILE)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    connection.close()


def test_where_no_index_can_be_written_it_lives_in_memory(kept):
    kept.anneal()
    (kept.folder / FILE).mkdir()
    assert list(briefs(kept.folder)) == truth(kept.folder)


def test_a_folder_without_runs_stays_as_it_is(tmp_path):
    assert list(briefs(tmp_path / "nothing")) == []
    assert latest_label(tmp_path / "nothing") == 0.0
    assert not (tmp_path / "nothing").exists()


def test_many_may_ask_at_once(kept):
    for _ in range(5):
        kept.anneal()
    answers, errors = [], []

    def ask():
        try:
            answers.append([each.uid for each in briefs(kept.folder)])
        except (sqlite3.Error, OSError) as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert answers == [[each.uid for each in truth(kept.folder)]] * 8


def test_a_run_whose_writer_lives_is_running_and_else_it_died(kept):
    journal = kept.begin()
    (brief,) = briefs(kept.folder)
    assert brief.status == "running"
    kept.rows(journal, "primary", {"pulse": [1], "exposure": [1.0]}, times=[journal.time + 77.0])
    journal.close()
    (brief,) = briefs(kept.folder)
    assert (brief.status, brief.ended) == ("died", journal.time + 77.0)


def test_asking_leaves_a_live_journal_to_its_writer(kept):
    journal = kept.begin()
    assert len(list(briefs(kept.folder))) == 1
    uid = kept.end(journal)
    assert [(each.uid, each.status) for each in briefs(kept.folder)] == [(uid, "success")]


def test_values_of_recipe_prediction_and_outcome_are_kept(kept):
    kept.anneal(pulses=5)
    query = "SELECT keys.key, number, text FROM amounts JOIN keys ON keys.id = amounts.key"
    rows = ask_index(kept.folder, lambda connection: connection.execute(query).fetchall())
    found = {key: (number, text) for key, number, text in rows}
    assert found["recipe.voltage"] == (850.0, None)
    assert found["prediction.foil_peak"] == (923.0, None)
    assert found["result.pulses"] == (5.0, None)
    assert found["result.end_reason"] == (None, "completed")
    assert found["rows.primary"] == (5.0, None)
    assert "prediction.base_temperature" not in found


def test_files_are_known_by_their_path_below_the_folder(kept):
    uid = kept.anneal()
    (path,) = files_of(kept.folder)
    assert path.startswith("runs/2026/")
    assert path.endswith(f"{uid}.jnl")


STRANGE = [
    {"sample": "a name"},
    {"sample": {"id": 7, "label": "\ud800 half", "layers": "thick", "parents": "none"}},
    {
        "sample": None,
        "recipe": "hot",
        "program": ["charge"],
        "capacity": 7,
        "devices": ["lamp"],
        "bench": "b",
    },
    {
        "recipe": {
            "name": None,
            "body": {"voltage": 10**400, "steps": [[[1]]], "text": "\x00'; DROP TABLE runs"},
        }
    },
    {
        "plan_args": "none",
        "prediction": {"values": [1.0, {"a": True}]},
        "experiment": {"x": 1},
        "notes": "<b>\x1b[31m",
    },
]


@pytest.mark.parametrize("start", STRANGE, ids=range(len(STRANGE)))
def test_whatever_a_plan_says_of_its_run_it_is_listed(kept, start):
    before = kept.anneal()
    journal = kept.begin(**start)
    kept.rows(journal, "cycles", {"mine": [1.0]})
    kept.rows(journal, "steps", {"charge": [1.0]})
    kept.rows(journal, "outcome", {"done": [1]})
    uid = kept.end(journal)
    assert [each.uid for each in briefs(kept.folder)] == [before, uid]
    assert list(briefs(kept.folder)) == truth(kept.folder)


def test_a_long_journal_is_not_read_again_while_it_is_written(kept, monkeypatch):
    monkeypatch.setattr(entries, "LONG", 2000)
    journal = kept.begin("s2")
    for row in range(20):
        kept.rows(journal, "primary", {"pulse": [row], "exposure": [1.0] * 1}, times=[journal.time + row])
    read, skim = [], entries.skim
    monkeypatch.setattr(entries, "skim", lambda *arguments: read.append(arguments) or skim(*arguments))
    (brief,) = briefs(kept.folder)
    assert (brief.status, brief.sample, brief.ended) == ("running", "s2", journal.time + 19.0)
    kept.rows(journal, "primary", {"pulse": [21], "exposure": [1.0]}, times=[journal.time + 30.0])
    assert latest_label(kept.folder) == journal.time + 30.0
    assert read == []
    journal.close()
    (brief,) = briefs(kept.folder)
    assert (brief.status, len(read)) == ("died", 1)
    assert list(briefs(kept.folder)) == truth(kept.folder)


def with_index(kept):
    """Return a folder with runs of every kind, and the bytes of its index."""
    kept.anneal("s1"), kept.cycle("s2"), kept.anneal("s2")
    note_run(run_files(kept.folder)[0], "so", **BY)
    flip(run_files(kept.folder)[1], -20)
    list(briefs(kept.folder))
    return (kept.folder / FILE).read_bytes()


def spoil(kept, content):
    for suffix in ("-wal", "-shm"):
        (kept.folder / f"{FILE}{suffix}").unlink(missing_ok=True)
    (kept.folder / FILE).write_bytes(content)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_bit_of_an_index_flips_it_answers(kept, seed):
    content, flips = with_index(kept), random.Random(seed)
    for _ in range(20):
        spoilt = bytearray(content)
        spoilt[flips.randrange(len(content))] ^= 1 << flips.randrange(8)
        spoil(kept, spoilt)
        assert len(list(briefs(kept.folder))) <= 3


@pytest.mark.parametrize("seed", range(5))
def test_whatever_bit_of_an_index_flips_it_can_be_mended(kept, seed):
    content, flips = with_index(kept), random.Random(100 + seed)
    wanted = list(briefs(kept.folder))
    for _ in range(20):
        spoilt = bytearray(content)
        spoilt[flips.randrange(len(content))] ^= 1 << flips.randrange(8)
        spoil(kept, spoilt)
        mend_index(kept.folder)
        assert list(briefs(kept.folder)) == wanted
        assert not mend_index(kept.folder)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET sample = 's3' WHERE sample = 's2'",
        "UPDATE runs SET listed = 0",
        "UPDATE amounts SET number = 2 * number",
        "UPDATE keys SET key = key || 's'",
        "DELETE FROM amounts WHERE run = (SELECT min(run) FROM amounts)",
        "INSERT INTO devices SELECT id, 'lamp', 'lamp', 1, 1 FROM runs",
    ],
)
def test_a_wrong_value_in_an_index_is_found(kept, change):
    with_index(kept)
    wanted = list(briefs(kept.folder))
    assert not mend_index(kept.folder)
    assert ask_index(kept.folder, lambda index: index.execute(change).rowcount) > 0
    assert mend_index(kept.folder)
    assert list(briefs(kept.folder)) == wanted


@pytest.mark.parametrize("begin", [100, 1000, 4096, 5000, 8192])
def test_an_index_with_a_spoilt_page_is_made_anew(kept, begin):
    content = bytearray(with_index(kept))
    wanted = list(briefs(kept.folder))
    content[begin : begin + 200] = bytes(255 - each for each in content[begin : begin + 200])
    spoil(kept, content)
    assert list(briefs(kept.folder)) == wanted


def test_an_index_cut_anywhere_is_made_anew(kept):
    content = with_index(kept)
    wanted = list(briefs(kept.folder))
    for size in (0, 1, 7, 99, 100, 4096, len(content) // 2, len(content) - 4096, len(content) - 1):
        spoil(kept, content[:size])
        assert list(briefs(kept.folder)) == wanted


OPEN_SHUTTER = {"shutter_open": [1], "thickness": [2.7e-8], "flags": [0]}
FILM = {"name": "x", "hash": "h", "body": {"material": "LiCoO2", "thickness": 7e-7}}


def test_a_film_that_is_being_made_is_not_called_broken_off_until_nobody_writes_it(kept):
    journal = kept.begin("f", plan="deposit", recipe=FILM)
    kept.rows(journal, "layers", {"material": []})
    kept.rows(journal, "primary", OPEN_SHUTTER)
    (film,) = deposited(kept.folder, "f")
    assert film.doubts == "it is being made, and this is what its last row says"
    assert film.thickness == 2.7e-8
    journal.close()
    (film,) = deposited(kept.folder, "f")
    assert film.doubts == "its run broke off, and this is what its last row says"
