"""Plans side by side on one bench: each its own engine, journal and station; one fails or pauses alone."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.errors import ConfigError, InterlockError
from devices.recipes import to_json
from devices.roles.hands import Assemble
from labctl import Run
from labctl.cli import app
from labctl.config.benches import bench as read_bench
from labctl.config.finder import config_dir
from labctl.runs.briefs import run_files
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge

CHANNELS = 3
BENCH = f"""
schema = 1
seed = 1
[clock]
kind = "virtual"
[devices.channel]
class = "PotentiostatStation"
channels = {CHANNELS}
[devices.channel.parts.channels]
driver = "squidstat"
address = "twin"
[wiring]
film-1 = "channel_1"
"""


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(config_dir(), folder)
    (folder / "benches" / "channels.toml").write_text(BENCH)
    return folder


@pytest.fixture
def films(tmp_path, sample):
    """Write flashed films where the bench keeps its foils, as an anneal in an earlier session leaves them."""
    foil, pulse = Foil(to_json(sample), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(6):
        foil.flash(2.5 * number, pulse)
    folder = tmp_path / "data" / "bench" / "channels" / "samples"
    folder.mkdir(parents=True)
    made = [replace(sample, id=f"film-{number}") for number in range(CHANNELS)]
    for film in made:
        (folder / f"{film.id}.json").write_text(json.dumps(foil.to_dict() | {"description": to_json(film)}))
    return made


@pytest.fixture
def channels(open_lab, config, films):
    return open_lab("channels", config=config)


@pytest.fixture
def cells(channels, films):
    made = films
    for cell in made:
        channels.wait(channels.hands.set(Assemble(cell)))
    return made


def rates(cell, current=10.0, cycles=1):
    return RateTest("quick", (Rate(current, "A/m^2"),), 3.0, 4.25, cycles, Record(interval=60.0)).on(
        CellSize.of(cell)
    )


def cycled(lab, number, cell, program):
    return lab.plans.cycle(lab.devices[f"channel_{number}"], cell, program)


def test_a_table_with_channels_becomes_so_many_stations(config):
    read = read_bench(config / "benches" / "channels.toml")
    assert list(read.devices) == ["channel_0", "channel_1", "channel_2"]
    assert [entry.parts["channels"].parameters.channel for entry in read.devices.values()] == [0, 1, 2]
    assert read.wiring == {"film-1": "channel_1"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("channels = 3", "channels = 0", "whole number from 1"),
        ('film-1 = "channel_1"', 'film-1 = "channel_9"', "no such potentiostat"),
        ('film-1 = "channel_1"', 'film-1 = "channel_1"\nfilm-2 = "channel_1"', "hangs on it already"),
    ],
)
def test_channels_and_wiring_that_do_not_fit_are_refused(config, old, new, words):
    path = config / "benches" / "channels.toml"
    assert old in BENCH
    path.write_text(BENCH.replace(old, new))
    assert tomllib.loads(path.read_text())
    with pytest.raises(ConfigError, match=words):
        read_bench(path)


def test_workers_run_at_once_and_each_keeps_its_own_run(channels, cells):
    began = channels.clock.now()
    workers = [
        channels.start(cycled(channels, number, cell, rates(cell)), cell.id)
        for number, cell in enumerate(cells)
    ]
    uids = [uid for worker in workers for uid in worker.result(60.0)]
    runs = [Run(uid, channels.data) for uid in uids]
    assert [run.start["sample"]["id"] for run in runs] == [cell.id for cell in cells]
    assert {run.stop["exit_status"] for run in runs} == {"success"}
    assert len({run.start["scan_id"] for run in runs}) == CHANNELS
    alone = max(run.table()["test_time"][-1] for run in runs)
    assert channels.clock.now() - began < 1.5 * alone
    for number, run in enumerate(runs):
        assert {key.split("_")[1] for key in run.table("baseline") if key.startswith("channel_")} == {
            str(number)
        }


def test_one_that_fails_leaves_the_others_untouched(channels, cells):
    too_much = rates(cells[0], current=2000.0)
    bad = channels.start(cycled(channels, 0, cells[0], too_much), "bad")
    good = channels.start(cycled(channels, 1, cells[1], rates(cells[1])), "good")
    assert good.result(60.0)
    with pytest.raises(Exception, match="current"):
        bad.result(60.0)
    assert (bad.state, good.state) == ("failed", "done")


def test_a_station_has_one_worker(channels, cells):
    program = replace(rates(cells[0], cycles=50), on_host_loss="open")
    first = channels.start(cycled(channels, 0, cells[0], program), "first")
    while channels.channel_0.flight().end_reason != "running":
        channels.clock.sleep(0.1)
    second = channels.start(cycled(channels, 0, cells[1], rates(cells[1])), "second")
    with pytest.raises(InterlockError, match="first works on it"):
        second.result(60.0)
    with pytest.raises(InterlockError, match="first works on it"):
        channels.RE(cycled(channels, 0, cells[1], rates(cells[1])))
    # Being refused must not stop, let alone open, what the other one runs.
    assert channels.channel_0.flight().end_reason == "running"
    assert channels.twins.station("channel_0").squidstat.busy(0)
    first.end("enough")
    assert first.state == "failed"


def test_one_pauses_and_goes_on_while_the_other_runs(channels, cells):
    one = channels.start(cycled(channels, 0, cells[0], rates(cells[0], cycles=50)), "one")
    while channels.channel_0.flight().end_reason != "running":
        channels.clock.sleep(0.1)
    one.pause()
    while one.state != "paused":
        channels.clock.sleep(0.1)
    other = channels.start(cycled(channels, 1, cells[1], rates(cells[1])), "other")
    assert other.result(60.0)
    assert one.state == "paused"
    one.resume()
    (uid,) = one.result(120.0)
    assert Run(uid, channels.data).table("outcome")["end_reason"][0] == "completed"


def test_closing_the_session_ends_the_workers(open_lab, config, films):
    lab, cell = open_lab("channels", config=config), films[0]
    lab.wait(lab.hands.set(Assemble(cell)))
    worker = lab.start(cycled(lab, 0, cell, rates(cell, cycles=500)), "long")
    while lab.channel_0.flight().end_reason != "running":
        lab.clock.sleep(0.1)
    lab.close()
    assert worker.done
    assert worker.state == "failed"
    (kept,) = [Run(path) for path in run_files(lab.data)]
    assert kept.stop["exit_status"] == "abort"
    rows = kept.table()["record"]
    assert list(rows) == list(range(1, len(rows) + 1))
    assert kept.table("outcome")["end_reason"][0].startswith("left running")


EXPERIMENT = """
schema = 1
plan = "cycle"

[sample]
id = "{id}"
area = "0.15 cm^2"
[[sample.layers]]
material = "Al"
thickness = "100 um"
[[sample.layers]]
material = "LiCoO2"
thickness = "0.7 um"
thickness_sd = "0.02 um"
[[sample.cell_layers]]
material = "LiPON"
thickness = "1 um"
[[sample.cell_layers]]
material = "Li"
thickness = "2 um"

[program]
macro = "text"
steps = "( Charge at {current} until 4.2 V; Discharge at 10 uA until 3.2 V )"
[program.limits]
voltage_min = "2.95 V"
voltage_max = "4.3 V"
current_max = "{most}"
"""


def test_experiments_run_side_by_side_from_the_command_line(open_lab, config, films, tmp_path):
    lab = open_lab("channels", config=config)
    for film in films:
        lab.wait(lab.hands.set(Assemble(film)))
    lab.close()
    wired = "\n".join(f'film-{number} = "channel_{number}"' for number in range(CHANNELS))
    bench = BENCH.partition("[wiring]")[0] + f"[wiring]\n{wired}\n"
    (config / "benches" / "channels.toml").write_text(bench)
    for number in range(CHANNELS):
        # The first one asks for more than the lab allows its channel: it fails, the others do not.
        current, most = ("10 uA", "20 uA") if number else ("9 mA", "9 mA")
        text = EXPERIMENT.format(id=f"film-{number}", current=current, most=most)
        (config / "experiments" / f"film-{number}.toml").write_text(text)
    names = [f"film-{number}" for number in range(CHANNELS)]
    arguments = [
        "run",
        *names,
        "--bench",
        "channels",
        "--config",
        str(config),
        "--data",
        str(tmp_path / "data"),
    ]
    done = CliRunner().invoke(app, arguments)
    runs = [Run(path) for path in run_files(tmp_path / "data")]
    ended = {run.start["sample"]["id"]: run.stop["exit_status"] for run in runs}
    assert ended == {"film-0": "fail", "film-1": "success", "film-2": "success"}
    assert done.exit_code == 1
    assert "1 of 3 experiments failed" in str(done.exception)
