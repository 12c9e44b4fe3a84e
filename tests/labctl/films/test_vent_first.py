"""What `labctl check` says of a chamber that must be vented before an experiment."""

import json

from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.films.vent_first import vent_first

CONFIG = config_dir()
EVAPORATE = CONFIG / "experiments" / "evaporate-li.toml"


def told(data, *paths, bench="sputter"):
    return list(vent_first(paths or [EVAPORATE], Config(CONFIG), bench, data))


def left(data, state, sample=""):
    """Keep a last word of the evaporator."""
    path = data / "state" / "sputter" / "evaporator.json"
    path.parent.mkdir(parents=True)
    owner = {"pid": 1, "boot": "", "began": "", "since": 0.0}
    said = {"device": "evaporator", "bench": "sputter", "sequence": 1, "time": 0.0, "owner": owner}
    report = {"state": state, "kept": {"sample": sample}}
    path.write_text(json.dumps({**said, "open": False, "report": report, "file": ""}))


def test_a_chamber_under_vacuum_is_to_be_vented_with_what_to_type(tmp_path):
    (line,) = told(tmp_path)
    assert "evaporator has no load lock and was left pumped; vent it first" in line
    assert "`labctl run vent-evaporator --bench sputter`" in line
    left(tmp_path, "base", "another")
    assert "was left base" in told(tmp_path)[0]


def test_what_is_to_be_typed_is_there():
    experiment = Config(CONFIG).experiment(CONFIG / "experiments" / "vent-evaporator.toml")
    assert experiment.plan == "vent"
    assert experiment.arguments == {"chamber": "evaporator"}


def test_a_vented_chamber_or_one_with_the_sample_in_it_is_not(tmp_path):
    left(tmp_path / "a", "vented")
    left(tmp_path / "b", "pumping", "lco-grown-0.7um")
    assert told(tmp_path / "a") == told(tmp_path / "b") == []


def test_plans_that_vent_and_load_locks_and_other_files_are_passed_over(tmp_path):
    experiments = CONFIG / "experiments"
    assert told(tmp_path, experiments / "stack-0.7um.toml", experiments / "deposit-lipon.toml") == []
    assert told(tmp_path, CONFIG / "recipes" / "evaporate-li-2um.toml") == []


def test_without_a_bench_the_words_are_those_of_the_bench_whose_films_are_told(tmp_path):
    assert told(tmp_path, bench="") == told(tmp_path, bench="line") != []
