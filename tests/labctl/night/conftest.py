"""A lab for a night's tests: a bench with one lamp and four channels in virtual time, quick trains and programs."""

import json
import shutil
from pathlib import Path

import pytest

import labctl
from devices.recipes import to_json
from devices.roles.hands import Assemble
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.night.chronicle import Chronicle, states_of
from labctl.night.conductor import Conductor
from labctl.night.listing import read_night
from labctl.night.resuming import go_on_with
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
layers = [{ material = "Al", thickness = "100 um" }, { material = "LiCoO2", thickness = "0.7 um" }]
cell_layers = [{ material = "LiPON", thickness = "1 um" }, { material = "Li", thickness = "2 um" }]
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
    """A night that was run in this process: states, words, how long it took [s]."""

    def __init__(self, states, said, took):
        self.states, self.said, self.took = states, said, took

    def state(self, name):
        return self.states[name].state

    def began(self, name):
        return self.states[name].began

    def ended(self, name):
        return self.states[name].ended


@pytest.fixture
def broken_off(data):
    """Return broken_off(item), which writes the chronicle of a night whose process died in the middle of the item."""

    def broken_off_(item, night="night", uid="u"):
        chronicle = Chronicle(data / "nights" / night, {"night": night})
        chronicle.tell(1.0, "listed", hashes={item: ""}, boot="", since_boot=0.0)
        chronicle.tell(1.0, "started", item, experiment="e", attempt=1)
        chronicle.tell(1.0, "run", item, uid=uid)
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
            hashes = {item.name: item.experiment.config_hash for item in asked.items}
            chronicle.tell(begin, "listed", hashes=hashes, boot="", since_boot=0.0)
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
            return Told(states, said, lab.clock.time() - begin)

    return conduct_
