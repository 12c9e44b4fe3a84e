"""A list rehearsed on twins: what it takes is what the night takes, and nothing of the lab is touched."""

import hashlib
import logging
import shutil

import pytest

from devices.errors import LabError
from labctl.config.folder import Config
from labctl.night import starting
from labctl.night.listing import read_night
from labctl.night.rehearsal import rehearse, table
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
    assert not (data / "nights").exists()
    assert begun == []
    assert starting.start(path, config, data, "", only_rehearse=True) == 1
    assert starting.start(path, config, data, "it will", only_rehearse=False) == 0
    assert '"despite": "it will"' in (begun[0] / "begun.json").read_text()


def test_a_night_longer_than_its_deadline_fails_its_rehearsal(write, config, data, capsys):
    assert starting.start(write("cycle-0", deadline="1 s"), config, data, "", only_rehearse=True) == 1
    assert "longer than its deadline" in capsys.readouterr().out
