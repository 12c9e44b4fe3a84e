"""A night's list as it is read: every mistake is named at once, with its place; names, conditions, what is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from devices.errors import ConfigError, LabError
from labctl.config.folder import Config
from labctl.night import conditions
from labctl.night.conditions import Condition
from labctl.night.listing import read_night


def test_a_list_is_read_with_its_names_and_conditions_resolved(config, write):
    path = write(
        "cycle-0",
        {
            "experiment": "cycle-1",
            "name": "second",
            "after": ["cycle-0"],
            "when": ["cycle-0: charge > 1 uAh"],
        },
        deadline="10 h",
        operator="me",
    )
    night, bench, _ = read_night(path, Config(config))
    assert [item.name for item in night.items] == ["cycle-0", "second"]
    assert (night.bench, bench.name, night.deadline, night.operator) == ("pair", "pair", 36000.0, "me")
    assert night.items[1].conditions[0].value == pytest.approx(3.6e-3)


def test_an_experiment_may_be_a_file_beside_the_list(config, write, tmp_path):
    (tmp_path / "mine.toml").write_text((config / "experiments" / "flash-0.toml").read_text())
    night, _, _ = read_night(write("mine.toml"), Config(config))
    assert night.items[0].experiment.sample.id == "film-0"


@pytest.mark.parametrize(
    ("items", "header", "words"),
    [
        (["nowhere"], {}, "nowhere"),
        (["cycle-0", "cycle-0"], {}, "another item has this name"),
        ([{"experiment": "cycle-0", "after": ["cycle-1"]}, "cycle-1"], {}, "no item before this one"),
        (["cycle-0", {"experiment": "cycle-1", "after": ["cycle-O"]}], {}, "cycle-0"),
        (["cycle-0", {"experiment": "cycle-1", "when": ["cycle-0 is good"]}], {}, "must be like"),
        (["cycle-0", {"experiment": "cycle-1", "when": ["cycle-9: charge > 1 uAh"]}], {}, "cycle-9"),
        (["cycle-0", {"experiment": "cycle-1", "when": ["cycle-0: charge > 1 V"]}], {}, "charge"),
        ([{"experiment": "cycle-0", "on_failure": "hope"}], {}, "on_failure"),
        ([{"experiment": "cycle-0", "longest": "-1 s"}], {}, "longest"),
        ([{"experiment": "cycle-0", "longest": "600"}], {}, "longest"),
        ([{"experiment": "cycle-0", "retries": -1}], {}, "retries"),
        ([{"experiment": "cycle-0", "name": "../x"}], {}, "name"),
        ([{"experiment": "cycle-0", "hurry": True}], {}, "hurry"),
        (["cycle-0"], {"deadline": "40 d"}, "deadline"),
        (["cycle-0"], {"deadline": "25:00"}, "time of day"),
        (["cycle-0"], {"deadline": "2027-01-01 06:00"}, "time of day"),
        (["cycle-0"], {"at_deadline": "hope"}, "at_deadline"),
        (["cycle-0"], {"bench": "nowhere"}, "nowhere"),
        ([], {}, "item"),
    ],
)
def test_a_mistake_is_refused_and_named(config, write, items, header, words):
    with pytest.raises(ConfigError, match=words):
        read_night(write(*items, **header), Config(config))


def test_all_mistakes_of_a_list_are_told_at_once(config, write):
    items = [
        "cycle-0",
        "cycle-0",
        {"experiment": "nowhere", "name": "third", "after": ["lost"], "when": ["so"]},
    ]
    with pytest.raises(ConfigError) as refused:
        read_night(write(*items), Config(config))
    for words in ("item[1].name", "nowhere", "item[2].after", "item[2].when"):
        assert words in str(refused.value)


def test_mistakes_of_names_are_told_with_those_of_keys_and_values(config, write):
    items = [
        {"experiment": "cycle-0", "retries": -1},
        {"experiment": "cycle-0", "hurry": True},
        {"experiment": "nowhere", "name": "third", "after": ["lost"], "when": ["so"], "longest": "600"},
        {"after": ["third"]},
    ]
    with pytest.raises(ConfigError) as refused:
        read_night(write(*items, bench="nobench", deadline="40 d"), Config(config))
    told = [(each.key, each.value) for each in refused.value.mistakes]
    for key in (
        "item[0].retries",
        "item[1].hurry",
        "item[1].name",
        "item[2].longest",
        "item[2].after",
        "deadline",
    ):
        assert sum(key == each for each, _ in told) == 1, told
    for words in ("item[2].when", "item[3].experiment", "nowhere", "nobench"):
        assert words in str(refused.value)
    assert not any(key == "item[3].after" for key, _ in told)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a: last_discharge > 40 uAh", "last_discharge", 0.144),
        ("  a.b-1 :charge<=1 mAh ", "charge", 3.6),
    ],
)
def test_a_condition_is_read_in_the_units_it_is_written_in(text, key, value):
    condition = Condition.parse(text)
    assert (condition.key, condition.value) == (key, pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: last_discharge > 400 uAh", "a: last_discharge > 400 uAh: it is 7.194 uAh"),
        ("a: last_discharge>1e-4 Ah", "a: last_discharge>1e-4 Ah: it is 7.194e-06 Ah"),
    ],
)
def test_a_condition_that_does_not_hold_is_told_in_the_unit_it_is_written_in(text, words, monkeypatch):
    found = SimpleNamespace(amounts=[("cycle.last_discharge", 0.0258992, None)])
    monkeypatch.setattr(conditions, "entry_of", lambda path: found)
    assert Condition.parse(text).unmet([Path("a.jnl")]) == words


@pytest.mark.parametrize("text", ["", "a", "a: b", "a: charge = 1 uAh", "a: charge > ", "a: charge > much"])
def test_what_is_no_condition_is_refused_in_words(text):
    with pytest.raises(LabError):
        Condition.parse(text)
