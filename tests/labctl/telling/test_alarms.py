import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import Corrupt, DataError
from labctl.telling.alarms import Alarms, Condition, worst_first

LATCHED = Condition("state lamp.json latched", "alarm", "lamp", "latched", 100.0, lasting=True)
FAILED = Condition("night eve 3", "alarm", "item a", "failed", 100.0)


def test_what_happened_once_is_one_alarm_however_often_it_is_seen(tmp_path):
    alarms = Alarms(tmp_path)
    for now in (1.0, 2.0, 3.0):
        alarms.update([FAILED], now)
    (alarm,) = alarms.known().values()
    assert (alarm.condition, alarm.raised, alarm.open, alarm.standing) == (FAILED, 1.0, True, False)


def test_what_happened_once_stays_known_after_it_was_acknowledged(tmp_path):
    alarms = Alarms(tmp_path)
    alarms.update([FAILED], 1.0)
    (number,) = alarms.known()
    assert alarms.acknowledge(number[:4], "ada", 2.0).by == "ada"
    alarms.update([FAILED], 3.0)
    (alarm,) = alarms.known().values()
    assert (alarm.acknowledged, alarm.by, alarm.open) == (2.0, "ada", False)


def test_an_alarm_that_is_over_stays_open_until_somebody_knows_of_it(tmp_path):
    alarms = Alarms(tmp_path)
    alarms.update([LATCHED], 1.0)
    alarms.update([], 2.0)
    (alarm,) = alarms.known().values()
    assert (alarm.open, alarm.standing, alarm.cleared) == (True, False, 2.0)
    alarms.update([LATCHED], 3.0)
    (alarm,) = alarms.known().values()
    assert (alarm.open, alarm.standing) == (True, True)


def test_what_comes_again_after_it_was_acknowledged_is_a_new_alarm(tmp_path):
    alarms = Alarms(tmp_path)
    alarms.update([LATCHED], 1.0)
    (first,) = alarms.known()
    alarms.acknowledge(first, "ada", 2.0)
    alarms.update([LATCHED], 3.0)
    assert list(alarms.known()) == [first]
    alarms.update([], 4.0)
    alarms.update([LATCHED], 5.0)
    old, new = alarms.known().values()
    assert (old.id, old.open, new.open) == (first, False, True)


def test_two_processes_that_see_the_same_make_one_alarm(tmp_path):
    one, other = Alarms(tmp_path), Alarms(tmp_path)
    one.update([FAILED], 1.0)
    path = tmp_path / "state" / "alarms.jsonl"
    written = path.read_text()
    path.unlink()
    other.update([FAILED], 1.5)
    path.write_text(written + path.read_text())
    assert len(one.known()) == 1


def test_nothing_is_acknowledged_twice_or_by_a_doubtful_id(tmp_path):
    alarms = Alarms(tmp_path)
    alarms.update([FAILED, replace(FAILED, key="other")], 1.0)
    first, _ = alarms.known()
    alarms.acknowledge(first, "ada", 2.0)
    for doubtful, words in ((first, "already"), ("", "no alarm"), ("nothing", "no alarm")):
        with pytest.raises(DataError, match=words):
            alarms.acknowledge(doubtful, "bob", 3.0)


def test_a_damaged_line_is_told_and_not_read_over(tmp_path):
    alarms = Alarms(tmp_path)
    alarms.update([FAILED], 1.0)
    with (tmp_path / "state" / "alarms.jsonl").open("a") as file:
        file.write("nonsense\n")
    with pytest.raises(Corrupt, match="mend or remove"):
        alarms.known()


@given(st.lists(st.sampled_from(["comes", "goes", "known"]), max_size=12))
def test_an_alarm_is_open_whenever_its_cause_came_after_the_last_acknowledgement(tmp_path_factory, steps):
    alarms = Alarms(tmp_path_factory.mktemp("data"))
    there, owed = False, False
    for now, step in enumerate(steps):
        if step == "known":
            for alarm in [each for each in alarms.known().values() if each.open]:
                alarms.acknowledge(alarm.id, "ada", float(now))
            owed = False
        else:
            owed = owed or (step == "comes" and not there)
            there = step == "comes"
            alarms.update([LATCHED] if there else [], float(now))
        known = list(alarms.known().values())
        assert any(each.open for each in known) == owed
        assert sum(each.open for each in known) <= 1
        assert any(each.standing for each in known) == there


def test_the_worst_stand_first(tmp_path):
    alarms = Alarms(tmp_path)
    severities = ("info", "alarm", "warning", "alarm")
    alarms.update([replace(FAILED, key=str(n), severity=each) for n, each in enumerate(severities)], 1.0)
    shown = [each.condition.severity for each in worst_first(alarms.known())]
    assert shown == ["alarm", "alarm", "warning", "info"]


def test_every_line_of_the_file_is_plain_json(tmp_path):
    alarms = Alarms(tmp_path)
    alarms.update([replace(FAILED, text='<b>\n"')], 1.0)
    for line in (tmp_path / "state" / "alarms.jsonl").read_text().splitlines():
        assert json.loads(line)["text"] == '<b>\n"'
