"""A lab for a night's tests: one lamp, four channels, in virtual time, or served to processes that may be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import labctl
from devices.recipes import to_json
from devices.roles import Assemble
from labctl import Run
from labctl.clock.wall import WallClock
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.night.chronicle import Chronicle, happenings, states_of
from labctl.night.conductor import Conductor
from labctl.night.folder import Begun, is_over, make_folder
from labctl.night.guard import GUARD
from labctl.night.heart import last_beat
from labctl.night.listing import read_night
from labctl.night.process import HEARTBEAT
from labctl.night.resuming import go_on_with
from labctl.night.supervisor import SUPERVISOR
from labctl.serving.bench_text import served_bench
from labctl.serving.faults import FaultScript
from labctl.serving.server import BLACK_BOX, TwinServer
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge

CHANNELS = """
[devices.channel]
class = "PotentiostatStation"
channels = 4

[devices.channel.parts.channels]
driver = "squidstat"
address = "twin"

[wiring]
cell-0 = "channel_2"
cell-1 = "channel_3"
film-0 = "channel_0"
film-1 = "channel_1"

[world]"""

SAMPLE = """schema = 1
area = "0.15 cm^2"
[[layers]]
material = "Al"
thickness = "100 um"
[[layers]]
material = "LiCoO2"
thickness = "0.7 um"
[[cell_layers]]
material = "LiPON"
thickness = "1 um"
[[cell_layers]]
material = "Li"
thickness = "2 um"
"""

RECIPE = """schema = 1
voltage = "850 V"
pulse_duration = "1.8 ms"
pulse_count = {pulses}
rate = "0.4 Hz"
"""

PROGRAM = """schema = 1
macro = "rate_test"
rates = ["1000 uA/cm^2"]
lower = "3.0 V"
upper = "4.25 V"
cycles = 1
[record]
interval = "60 s"
"""

EXPERIMENTS = {
    "flash-0": 'plan = "anneal"\nsample = "film-0"\nrecipe = "three"',
    "flash-1": 'plan = "anneal"\nsample = "film-1"\nrecipe = "three"',
    "both-0": 'plan = "anneal_then_cycle"\nsample = "film-0"\nrecipe = "six"\nprogram = "quick"',
    "both-1": 'plan = "anneal_then_cycle"\nsample = "film-1"\nrecipe = "six"\nprogram = "quick"',
    "cycle-0": 'plan = "cycle"\nsample = "cell-0"\nprogram = "quick"',
    "cycle-1": 'plan = "cycle"\nsample = "cell-1"\nprogram = "quick"',
    "unwired": 'plan = "cycle"\nsample = "cell-9"\nprogram = "quick"',
    "no-cell": 'plan = "cycle"\nsample = "film-0"\nprogram = "quick"',
}


def make_config(folder):
    """Write a configuration with the bench `pair` and its experiments."""
    config = Path(shutil.copytree(config_dir(), folder))
    bench = (config / "benches" / "twin.toml").read_text()
    first, rest = bench.split("[devices.potentiostat]")
    rest = rest[rest.index("[world]") + len("[world]") :]
    (config / "benches" / "pair.toml").write_text(first + CHANNELS + rest)
    for name in ("film-0", "film-1", "cell-0", "cell-1", "cell-9"):
        (config / "samples" / f"{name}.toml").write_text(SAMPLE)
    for name, pulses in (("three", 3), ("six", 6)):
        (config / "recipes" / f"{name}.toml").write_text(RECIPE.format(pulses=pulses))
    (config / "programs" / "quick.toml").write_text(PROGRAM)
    for name, text in EXPERIMENTS.items():
        (config / "experiments" / f"{name}.toml").write_text(f"schema = 1\n{text}\n")
    return config


def make_cells(config, data, bench="pair"):
    """Write flashed films where the bench keeps its foils, as earlier anneals leave them, and build cells on them."""
    folder = data / "bench" / bench / "samples"
    folder.mkdir(parents=True)
    cells = [Config(config).sample(name) for name in ("cell-0", "cell-1")]
    pulse = discharge(Bank(), 850.0, 1.8e-3)
    foil = Foil(to_json(cells[0]), Surroundings())
    for number in range(6):
        foil.flash(2.5 * number, pulse)
    for cell in cells:
        (folder / f"{cell.id}.json").write_text(json.dumps(foil.to_dict() | {"description": to_json(cell)}))
    with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
        for cell in cells:
            lab.wait(lab.hands.set(Assemble(cell)))


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a configuration and a data folder with two cells, to be copied: making them takes seconds."""
    folder = tmp_path_factory.mktemp("made")
    config = make_config(folder / "config")
    make_cells(config, folder / "data")
    return folder


@pytest.fixture
def config(made, tmp_path):
    return Path(shutil.copytree(made / "config", tmp_path / "config"))


@pytest.fixture
def data(made, tmp_path):
    return Path(shutil.copytree(made / "data", tmp_path / "data"))


@pytest.fixture
def write(tmp_path):
    """Return write(*items, **of the list) -> path; an item is a dict, or the name of its experiment."""

    def write_(*items, name="list", **header):
        lines = ["schema = 1", *(f"{key} = {json.dumps(value)}" for key, value in header.items())]
        if "bench" not in header:
            lines.append('bench = "pair"')
        for item in items:
            told = {"experiment": item} if isinstance(item, str) else item
            lines += ["[[item]]", *(f"{key} = {json.dumps(value)}" for key, value in told.items())]
        path = tmp_path / f"{name}.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write_


class Told:
    """A night that was run in this process: its chronicle's folder, states, words, how long it took [s]."""

    def __init__(self, folder, states, said, took):
        self.folder, self.states, self.said, self.took = folder, states, said, took

    def state(self, name):
        return self.states[name].state

    def began(self, name):
        return self.states[name].began

    def ended(self, name):
        return self.states[name].ended


@pytest.fixture
def broken_off(data):
    """Return broken_off(item), which writes the chronicle of a night whose process died in the middle of the item."""

    def broken_off_(item, night="night"):
        chronicle = Chronicle(data / "nights" / night, {"night": night})
        chronicle.tell(1.0, "listed", hashes={item: ""}, boot="", since_boot=0.0)
        chronicle.tell(1.0, "started", item, experiment="e", attempt=1)
        chronicle.tell(1.0, "run", item, uid="u")
        chronicle.tell(1.0, "waiting", item, reason="its process died")
        chronicle.close()

    return broken_off_


@pytest.fixture
def conduct(config, data):
    """Return conduct(list, at_look=..., resume=...) -> Told, which runs a list on its bench in virtual time."""

    def conduct_(path, *, at_look=lambda conductor: None, resume=go_on_with, elapsed=0.0, night="night"):
        asked, bench, _ = read_night(path, Config(config))
        folder, said, conductors = data / "nights" / night, [], []
        with labctl.open_session(bench.name, config=config, data=data, handle_signals=False) as lab:
            begin = lab.clock.time()
            chronicle = Chronicle(folder, {"night": night})
            try:
                made = Conductor(
                    lab,
                    asked,
                    chronicle,
                    Config(config),
                    resume,
                    elapsed=elapsed,
                    say=said.append,
                    beat=lambda _: at_look(conductors[0]),
                )
                conductors.append(made)
                states = made.run()
            finally:
                chronicle.close()
            assert states == states_of(folder)
            return Told(folder, states, said, lab.clock.time() - begin)

    return conduct_


ROOT = Path(__file__).parents[3]
PULSES = 3
CURRENT, INTERVAL = 1e-5, 0.2
LONG = """schema = 1
macro = "text"
steps = '''
repeat {times} x (
    Charge at 10 uA for 3 s
    Charge at 5 uA for 3 s
)
Rest for 1 s
'''
[limits]
voltage_min = "0 V"
voltage_max = "5 V"
current_max = "1 mA"
[record]
interval = "200 ms"
"""

TRAIN = f"""schema = 1
voltage = "400 V"
pulse_duration = "1.8 ms"
pulse_count = {PULSES}
rate = "1 Hz"
"""

LIST = """schema = 1
bench = "{bench}"
[[item]]
experiment = "train"
on_restart = "finish"
[[item]]
experiment = "long"
"""


class ServedLab:
    """Served twins, a night on them, and whoever runs it."""

    def __init__(self, folder, made, times):
        self.config, self.data = folder / "config", folder / "data"
        shutil.copytree(made / "config", self.config)
        self._write_config(times)
        here = folder / "served"
        shutil.copytree(made / "data" / "bench" / "pair" / "samples", here / "samples")
        here.chmod(0o700)
        self.clock = WallClock()
        self.server = TwinServer(Config(self.config).bench("pair"), here, self.clock, FaultScript(0, ()))
        # An empty bank in two seconds instead of one minute.
        self.server.world.station("lamp").head.bleed_time_constant = 0.3
        addresses = {(row.station, row.part): row.address for row in self.server.table}
        bench = here / "served.toml"
        bench.write_text(served_bench(self.config / "benches" / "pair.toml", addresses, self.server.hands))
        cell = Config(self.config).sample("cell-0")
        self.server._on_loop(lambda: self.server.world.assemble(to_json(cell)))
        listed = folder / "list.toml"
        listed.write_text(LIST.format(bench=bench))
        begun = Begun(str(folder), "list", str(self.config), "", 0.0, 0, self.clock.time())
        self.night = make_folder(self.data, listed, begun)
        self._begun = []

    def _write_config(self, times):
        experiments = self.config / "experiments"
        (experiments / "train.toml").write_text(
            'schema = 1\nplan = "anneal"\nsample = "film-0"\nrecipe = "train"\n'
        )
        (experiments / "long.toml").write_text(
            'schema = 1\nplan = "cycle"\nsample = "cell-0"\nprogram = "long"\n'
        )
        (self.config / "recipes" / "train.toml").write_text(TRAIN)
        (self.config / "programs" / "long.toml").write_text(LONG.format(times=times))
        bench = self.config / "benches" / "pair.toml"
        often = '[devices.channel.parameters]\npoll_period = "0.2 s"\n\n[world]'
        text = bench.read_text().replace('"5.6 mF"', '"1 mF"')
        bench.write_text(text.replace("[world]", often))
        limits = self.config / "limits.toml"
        limits.write_text(limits.read_text().replace('rate = "0.5 Hz"', 'rate = "1 Hz"'))

    def begin(self):
        """Go on with the night, as a person or a service does."""
        with (self.night / "terminal.txt").open("ab") as output:
            begun = subprocess.Popen(
                [sys.executable, "-P", "-m", "labctl", "night", "--resume", "last", "--data", str(self.data)],
                env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._begun.append(begun)
        return begun

    def beat(self, heart):
        """Return the beat of one of the night's processes if it lives."""
        beat = last_beat(self.night / heart)
        return beat if beat is not None and beat.owner.lives else None

    def events(self, *names):
        lines = (self.server.folder / BLACK_BOX).read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] in names]

    def passed(self):
        """Return the charge [C] that truly passed."""
        return sum(charge for _, charge in self.server.world.station("channel_2").squidstat.charges)

    def said(self):
        told = [self.night / "terminal.txt", self.night / "output.txt"]
        return "\n".join(path.read_text() for path in told if path.exists())

    def close(self):
        for heart in (GUARD, SUPERVISOR, HEARTBEAT):
            if (beat := self.beat(heart)) is not None:
                os.kill(beat.owner.pid, signal.SIGKILL)
        for begun in self._begun:
            begun.kill()
            begun.wait()
        self.server.close()
        self.clock.close()

    def lamp_is_safe(self):
        """Whether the black box, written after the twin has moved, ends with an off charger and an open loop."""
        pairs = (("high voltage on", "high voltage off"), ("loop closed", "loop open"))
        told = [self.events(*pair) for pair in pairs]
        return all(
            not lines or lines[-1]["event"] == pair[1] for lines, pair in zip(told, pairs, strict=True)
        )

    def finish(self):
        """Let the night come to its end, going on with it as often as it was given up."""
        until = time.monotonic() + 150.0
        while not is_over(self.night):
            assert time.monotonic() < until, self.said()
            self.begin_where_nobody_is()
            _pause(0.1)

    def begin_where_nobody_is(self):
        """Go on with the night where all its processes are dead, as a person does who finds it so."""
        starting = any(begun.poll() is None for begun in self._begun)
        if not starting and not any(self.beat(heart) for heart in (HEARTBEAT, SUPERVISOR, GUARD)):
            self.begin()

    def judge(self, times):
        """Compare the documents of a night with what truly happened."""
        states = states_of(self.night)
        assert {name: state.state for name, state in states.items()} == {"train": "done", "long": "done"}, (
            self.said()
        )
        assert sum(told["what"] == "over" for told in happenings(self.night)) == 1
        assert len(self.events("gate")) == PULSES
        train = Run(states["train"].runs[-1], self.data)
        assert train.table()["pulse"].tolist() == list(range(1, PULSES + 1)), self.said()
        chain = Run(states["long"].runs[-1], self.data)
        table = chain.table()
        assert table["record"].tolist() == list(range(1, len(table["record"]) + 1)), self.said()
        assert np.all(np.diff(table["test_time"]) >= 0.0)
        assert table["charge"][-1] * 3600.0 == pytest.approx(self.passed(), abs=CURRENT * INTERVAL)
        steps = chain.table("steps")
        assert steps["step_count"].tolist() == list(range(1, 2 * times + 2)), self.said()
        assert list(steps["end_reason"]) == ["duration"] * (2 * times + 1)
        for state in states.values():
            assert all(Run(uid, self.data, alone=True).stop is not None for uid in state.runs)

    def wait_for(self, found, longest=60.0):
        """Wait until something is found; what the night said where it is not."""
        until = time.monotonic() + longest
        while not found():
            assert time.monotonic() < until, self.said()
            _pause(0.02)


def _pause(seconds):
    threading.Event().wait(seconds)


@pytest.fixture
def served(tmp_path, made):
    """Return served(times) -> ServedLab, whose program has so many rounds of 6 s."""
    opened = []

    def open_(times, name="lab"):
        folder = tmp_path / name
        folder.mkdir()
        opened.append(ServedLab(folder, made, times))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()
