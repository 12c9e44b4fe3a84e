"""%lab: every station in one line, from files and leases, at once, whatever is dead."""

import json
from pathlib import Path
from time import perf_counter

import pytest

from devices.errors import LabError, OwnershipError
from labctl.config.folder import Config
from labctl.shell.namespace import missing, names_of
from labctl.shell.overview import in_words, overview
from labctl.shell.shelves import Runs

TWIN = Path(__file__).parents[3] / "config" / "benches" / "twin.toml"
PROMISED = 0.2
"""Seconds."""


@pytest.fixture
def with_a_dead_one(open_lab, tmp_path):
    bench = tmp_path / "dead.toml"
    dead = (
        '\n[devices.far]\nclass = "PotentiostatStation"\n[devices.far.parts.channels]\n'
        'driver = "palmsens_emstat4"\naddress = "socket://127.0.0.1:9"\n'
    )
    text = TWIN.read_text().replace('kind = "virtual"\npace = "none"', 'kind = "wall"')
    bench.write_text(text.replace("\n[world]", f"{dead}\n[world]"))
    return open_lab(str(bench), start_with_the_rest=True)


def test_a_dead_device_is_a_line_and_costs_no_time(with_a_dead_one):
    lab = with_a_dead_one
    began = perf_counter()
    told = in_words(overview(lab.data, lab))
    assert perf_counter() - began < PROMISED
    assert "far" in told
    assert "ABSENT" in told
    assert "lamp" in told
    (sentence,) = missing(lab)
    assert sentence.startswith("far is absent: ")
    assert "labctl doctor" in sentence
    assert "far" not in names_of(Config(), lab.data, lab)


def test_what_an_absent_station_said_before_stands_in_its_own_line(with_a_dead_one):
    lab = with_a_dead_one
    path = lab.data / "state" / lab.bench.name / "lamp.json"
    said = {**json.loads(path.read_text()), "device": "far", "open": False}
    (path.parent / "far.json").write_text(json.dumps(said))
    (line,) = [each for each in overview(lab.data, lab) if each.station == "far"]
    assert line.state == "ABSENT"
    assert line.interlocks in in_words([line])
    assert line.age.startswith("was ")


def test_stations_of_two_benches_with_one_name_are_told_with_their_bench(lab):
    path = lab.data / "state" / lab.bench.name / "lamp.json"
    other = lab.data / "state" / "other"
    other.mkdir()
    said = {**json.loads(path.read_text()), "bench": "other", "open": False}
    (other / "lamp.json").write_text(json.dumps(said))
    names = [each.station for each in overview(lab.data, lab)]
    assert {"lamp (twin)", "lamp (other)", "potentiostat"} == set(names)
    assert len(names) == 3


def test_no_instrument_is_asked(lab, monkeypatch):
    with monkeypatch.context() as watched:
        watched.setattr("devices.wire.Wire.ask", lambda *_, **__: pytest.fail("a port was touched"))
        lines = {each.station: each for each in overview(lab.data, lab)}
    assert lines["lamp"].owner == "this session"
    assert lines["potentiostat"].state == "OPEN"


def test_it_says_who_works_and_what_was_read(lab, sample, recipe):
    seen = []

    def look(name, _):
        if name == "event_page":
            seen.append({each.station: each for each in overview(lab.data, lab)}["lamp"])

    lab.RE.subscribe(look)
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert seen[0].owner == "the shell: working"
    assert seen[0].interlocks == "all there"
    assert " V" in seen[0].age


def test_a_fault_is_told_to_its_end_and_the_dead_are_named(lab):
    lab.lamp._fail(RuntimeError("something broke " + 20 * "and more "))
    (line,) = [each for each in overview(lab.data, lab) if each.station == "lamp"]
    assert line.state == "FAULT"
    assert line.interlocks.startswith("FAULT: ")
    assert line.interlocks in in_words([line])
    path = lab.data / "state" / "twin" / "lamp.json"
    said = json.loads(path.read_text())
    said["owner"]["began"] = "0"
    path.write_text(json.dumps(said))
    (line,) = [each for each in overview(lab.data) if each.station == "lamp"]
    assert "is DEAD" in line.owner


def test_another_process_may_look_while_a_session_has_the_bench(lab, open_lab):
    with pytest.raises(OwnershipError):
        open_lab(data=lab.data)
    (line,) = [each for each in overview(lab.data) if each.station == "lamp"]
    assert line.owner.startswith("process ")


def test_a_file_that_is_no_state_is_a_line_too(tmp_path):
    assert in_words(overview(tmp_path)).startswith("no station")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lamp.json").write_text("{")
    assert "unknown" in in_words(overview(tmp_path))


def test_names_at_the_prompt_are_real_and_say_what_they_are(lab, sample, recipe):
    names = names_of(Config(), lab.data, lab)
    assert {"lab", "RE", "lamp", "potentiostat", "anneal", "cycle", "samples", "np", "plt", "bps"} <= set(
        names
    )
    assert "Flash a film" in names["anneal"].__doc__
    assert names["np"].pi > 3.0
    assert "recipes['fla-850V-20']" in repr(names["recipes"])
    assert names["recipes"]["fla-850V-20"].pulse_count == 20
    assert "lco-0.7um" in names["samples"]._ipython_key_completions_()
    assert names["programs"].on("formation", sample).name == "formation"
    assert "RE" not in names_of(Config(), lab.data, None)


def test_runs_are_found_by_place_and_name(lab, sample, recipe):
    runs = Runs(lab.data)
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    assert runs["last"].uid == runs[-1].uid == runs[uid[:8]].uid == uid
    assert len(runs) == 1
    assert uid[:8] in repr(runs)
    assert [each.uid for each in runs.of(sample)] == [uid]
    with pytest.raises(LabError, match="no number 5"):
        runs[5]
    with pytest.raises(LabError, match='did you mean "quick-1"'):
        runs.of("quick-l")


@pytest.mark.parametrize("age", ["Infinity", "NaN", "null"])
def test_a_reading_of_no_age_is_not_told_as_one(lab, age):
    path = lab.data / "state" / "twin" / "lamp.json"
    said = json.loads(path.read_text())
    said["report"]["reading"] = {"pressure": -1.3e-4, "age": "AGE"}
    path.write_text(json.dumps(said).replace('"AGE"', age))
    (line,) = [each for each in overview(lab.data) if each.station == "lamp"]
    assert line.age.startswith("none" if age == "null" else "not read yet")
    assert "inf" not in in_words([line])
    assert "Pa" not in line.age
