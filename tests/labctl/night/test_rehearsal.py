"""A list rehearsed on twins: what it takes is what the night takes, and nothing of the lab is touched."""

import hashlib
import logging
import shutil
from datetime import datetime

import pytest

from devices.errors import LabError
from labctl.config.folder import Config
from labctl.config.models import ClockChoice
from labctl.night import starting
from labctl.night.listing import read_night
from labctl.night.rehearsal import nearest_limits, rehearse, table
from labctl.night.resuming import go_on_with


def tree(folder):
    """Return every file of a folder with the hash of what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


@pytest.fixture
def rehearsed(config, data):
    """Return rehearsed(list), which rehearses it."""

    def rehearsed_(path):
        night, bench, limits = read_night(path, Config(config))
        return rehearse(night, bench, limits, Config(config), data, go_on_with)

    return rehearsed_


def test_a_rehearsal_takes_as_long_as_the_night_then_does(rehearsed, conduct, write):
    path = write("both-0", "cycle-0", {"experiment": "cycle-1", "after": ["cycle-0"]})
    promise = rehearsed(path)
    told = conduct(path)
    assert promise.failures == ()
    assert promise.duration == pytest.approx(told.took, rel=0.01)
    for name, effort in promise.efforts.items():
        assert effort.ended - effort.began == pytest.approx(told.ended(name) - told.began(name), rel=0.01)
    assert promise.efforts["both-0"].pulses == 6
    assert promise.efforts["cycle-0"].charge > 0
    assert promise.disk > 0


def test_a_rehearsal_leaves_the_data_as_it_was_and_nothing_behind(
    rehearsed, write, data, tmp_path, monkeypatch
):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before, loggers = tree(data), logging.getLogger("bluesky").handlers[:]
    rehearsed(write("cycle-0", "flash-0"))
    assert tree(data) == before
    assert list(scratch.iterdir()) == []
    assert logging.getLogger("bluesky").handlers == loggers


def test_the_same_list_rehearsed_twice_makes_the_same_table(rehearsed, write):
    path = write("flash-0", "cycle-1")
    first, second = (list(table(rehearsed(path))) for _ in range(2))
    assert first == second


def test_a_rehearsal_says_what_fails_and_why(rehearsed, write, capfd):
    found = rehearsed(write("no-cell", "cycle-1"))
    assert len(found.failures) == 1
    assert found.failures[0].startswith("no-cell: ")
    assert "Traceback" not in "".join(capfd.readouterr())


UNLIKELY = ["cycle-0: last_discharge > 1 Ah"]


def test_what_a_condition_leaves_out_is_rehearsed_as_if_it_held(rehearsed, write):
    plain = rehearsed(write("cycle-0", {"experiment": "flash-0", "after": ["cycle-0"]}))
    found = rehearsed(write("cycle-0", {"experiment": "flash-0", "when": UNLIKELY}))
    assert found.failures == ()
    assert "last_discharge" in found.efforts["flash-0"].skipped
    assert found.efforts["flash-0"].pulses == 3
    assert found.duration < found.at_most == pytest.approx(plain.duration, rel=0.01)
    assert found.disk == pytest.approx(plain.disk, rel=0.05)
    (line,) = [each for each in table(found) if each[0] == "flash-0"]
    assert line[1] == "if it runs"


def test_what_a_condition_leaves_out_fails_the_rehearsal_if_it_would_fail(rehearsed, write):
    after = {"experiment": "flash-1", "after": ["no-cell"]}
    found = rehearsed(write("cycle-0", {"experiment": "no-cell", "when": UNLIKELY}, after))
    first, second = found.failures
    assert first.startswith("no-cell, if it runs: ")
    assert second.startswith("flash-1, if it runs: no-cell was not done")


def test_what_another_failure_keeps_from_beginning_is_told_once(rehearsed, write):
    found = rehearsed(write("no-cell", {"experiment": "flash-1", "after": ["no-cell"]}))
    assert len(found.failures) == 1


def test_of_two_that_exclude_each_other_each_begins_with_the_film_as_it_is(rehearsed, write):
    likely = ["cycle-0: last_discharge < 1 Ah"]
    items = [{"experiment": "both-0", "when": likely}, {"experiment": "flash-0", "when": UNLIKELY}]
    found = rehearsed(write("cycle-0", *items))
    assert found.failures == ()
    assert found.efforts["both-0"].skipped == ""
    assert found.efforts["flash-0"].pulses == 3


def test_energy_the_nearest_limit_and_the_end_by_the_clock_are_told(rehearsed, write, capsys):
    found = rehearsed(write("flash-0", "cycle-1"))
    header, flash, cycle = table(found)
    column = header.index("energy")
    assert flash[column].endswith(" J")
    assert cycle[column].endswith(" uWh")
    limits = list(nearest_limits(found))
    assert [line.partition(" ")[0] for line in limits] == ["flash-0", "cycle-1"]
    assert "voltage is" in limits[1]
    assert "mV left" in limits[1]
    begins = datetime(2026, 11, 20, 18).timestamp()
    starting.show(found, ClockChoice("wall"), begins)
    ends = datetime.fromtimestamp(begins + found.duration)
    said = capsys.readouterr().out
    assert f"ends {ends:%a %d %b %H:%M}" in said
    assert " J, " in said.splitlines()[-1]
    starting.show(found, ClockChoice("virtual"), begins)
    assert "ends" not in capsys.readouterr().out


def test_a_deadline_by_the_clock_is_held_against_what_a_night_takes(rehearsed, write, config):
    night, _, _ = read_night(write("cycle-0", deadline="08:00"), Config(config))
    found = rehearsed(write("cycle-0"))
    seven, due = (datetime(2026, 11, 20, hour).timestamp() for hour in (7, 8))
    assert list(starting.too_long(found, night, seven)) == []
    (said,) = starting.too_long(found, night, due - 0.5 * found.duration)
    assert said.endswith("min (08:00)")


def test_what_would_have_to_ask_does_not_wait_for_ever(rehearsed, write):
    retried = {"experiment": "no-cell", "on_failure": "retry", "retries": 2}
    assert len(rehearsed(write(retried)).failures) == 1


def test_a_bench_of_hardware_is_rehearsed_on_twins_from_what_is_believed(rehearsed, write, config, data):
    bench = (config / "benches" / "pair.toml").read_text().replace("channels = 4", "channels = 1")
    hardware = bench[: bench.index("[wiring]")].replace('kind = "virtual"', 'kind = "wall"')
    hardware = hardware.replace('pace = "none"\n', "") + '\n[wiring]\nfilm-0 = "channel_0"\n'
    for number in range(9):
        hardware = hardware.replace('address = "twin"', f'address = "serial:/dev/nowhere{number}"', 1)
    (config / "benches" / "real.toml").write_text(hardware)
    shutil.rmtree(data / "bench" / "pair")
    found = rehearsed(write("both-0", bench="real"))
    assert found.failures == ()
    assert found.efforts["both-0"].pulses == 6


def test_a_list_that_fails_its_rehearsal_begins_only_despite_that_and_says_why(
    write, config, data, monkeypatch
):
    begun = []
    monkeypatch.setattr(starting, "supervise", lambda folder, say: begun.append(folder) or 0)
    path = write("no-cell")
    with pytest.raises(LabError, match="nothing was begun"):
        starting.start(path, config, data, "", only_rehearse=False)
    assert not any((data / "nights").glob("*"))
    assert begun == []
    assert starting.start(path, config, data, "", only_rehearse=True) == 1
    assert starting.start(path, config, data, "it will", only_rehearse=False) == 0
    assert '"despite": "it will"' in (begun[0] / "begun.json").read_text()


def test_a_night_longer_than_its_deadline_fails_its_rehearsal(write, config, data, capsys):
    assert starting.start(write("cycle-0", deadline="1 s"), config, data, "", only_rehearse=True) == 1
    assert "longer than its deadline" in capsys.readouterr().out


def test_a_night_that_is_longer_than_its_deadline_if_all_of_it_runs_fails_too(write, config, data, capsys):
    path = write("cycle-0", {"experiment": "cycle-1", "when": UNLIKELY}, deadline="4 min")
    assert starting.start(path, config, data, "", only_rehearse=True) == 1
    assert "if all of it runs, longer than its deadline of 4.0 min" in capsys.readouterr().out
