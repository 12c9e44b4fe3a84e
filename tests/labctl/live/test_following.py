"""A run followed by its journal from outside: to its end, or to that of its process."""

import pytest

from devices.errors import DataError
from labctl.live.following import watch
from labctl.live.picture import POINTS, LivePicture
from labctl.live.showing import has_display, in_a_file


def rows(kept, journal, *pulses):
    kept.rows(journal, "primary", {"pulse": list(pulses), "exposure": [1.6e5] * len(pulses)})


def test_it_follows_to_the_end(kept):
    journal = kept.begin()
    rows(kept, journal, 1, 2)
    said, left = [], [lambda: rows(kept, journal, 3), lambda: kept.end(journal)]
    watch(kept.folder, journal.uid, said.append, wait=lambda _: left.pop(0)())
    assert [line.split()[0] for line in said] == ["run", "pulse", "1", "2", "3", "run"]
    assert said[-1].endswith("ended: success")


def test_a_journal_that_nobody_writes_any_more_is_said_to_be_dead(kept):
    journal = kept.begin()
    rows(kept, journal, 1)
    journal.close()
    said = []
    watch(kept.folder, journal.uid, said.append)
    assert "process died" in said[-1]
    assert "labctl recover" in said[-1]


def test_the_last_run_is_followed_by_those_that_come_after_it(kept):
    first = kept.anneal()
    said, later = [], []

    class Enough(Exception):
        pass

    def wait(_):
        if later:
            raise Enough
        later.append(kept.anneal(on="s2"))

    with pytest.raises(Enough):
        watch(kept.folder, "last", said.append, wait=wait)
    assert [line for line in said if line.startswith("run") and "anneal" in line] == [
        f"run {first[:8]}: anneal on s1",
        f"run {later[0][:8]}: anneal on s2",
    ]


def test_a_run_that_is_not_there_is_refused_in_words(kept):
    with pytest.raises(DataError, match="labctl runs"):
        watch(kept.folder, "nobody", print)
    with pytest.raises(DataError, match="no runs"):
        watch(kept.folder, "last", print, once=True)


def test_a_damaged_journal_is_shown_up_to_the_damage(kept):
    uid = kept.anneal()
    (path,) = kept.folder.glob(f"runs/*/*/{uid}.jnl")
    content = path.read_bytes()
    path.write_bytes(content[:-20] + b"x" + content[-19:])
    said = []
    watch(kept.folder, str(uid), said.append)
    assert any("what stands before that was shown" in line for line in said)


def test_the_picture_is_a_whole_file_with_units(kept, tmp_path):
    journal = kept.begin()
    kept.rows(journal, "primary", {"elapsed": [0.0, 1.0], "pressure": [1.0, 2.0]})
    kept.end(journal)
    watch(kept.folder, journal.uid, lambda _: None, in_a_file(tmp_path / "made" / "live.png"))
    assert (tmp_path / "made" / "live.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["live.png"]


def test_a_month_of_rows_is_a_few_thousand_points_with_both_ends():
    picture = LivePicture()
    picture.take("start", {"uid": "r" * 8, "plan_name": "cycle"})
    keys = {
        "test_time": {"dtype": "number", "shape": [], "units": "s"},
        "voltage": {"dtype": "number", "shape": [], "units": "V"},
    }
    picture.take("descriptor", {"uid": "d", "name": "primary", "data_keys": keys})
    for first in range(0, 100_000, 1000):
        times = [float(each) for each in range(first, first + 1000)]
        picture.rows("d", {"test_time": times, "voltage": [4.0] * 1000})
    (curve,) = picture.figure().axes[0].get_lines()
    assert POINTS <= len(curve.get_xdata()) <= 2 * POINTS
    assert curve.get_xdata()[0] == 0.0
    assert curve.get_xdata()[-1] == 99_999.0
    assert picture.figure().axes[0].get_ylabel() == "voltage (V)"


def test_windows_need_a_display():
    assert has_display({"DISPLAY": ":0"})
