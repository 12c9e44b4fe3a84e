"""Time a night's rehearsal: eight channels cycle for twelve hours while three films go through the lamp, on the twins.

    python benchmarks/night.py [--stations 8] [--hours 12] [--interval 30] [--anneals 3] [--profile FILE]

Prints rows, rows per second of the wall, and how many simulated seconds pass in one of them. What is timed is what
`labctl night --rehearse` does with a list: the conductor, its workers and engines on one virtual clock, twins, wires,
drivers, documents, journals, and the table made from them.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import labctl
from devices.recipes import to_json
from devices.roles.hands import Assemble
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.night.listing import read_night
from labctl.night.rehearsal import Rehearsal, rehearse
from labctl.night.resuming import go_on_with
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge

PULSES = 20
"""Flashes of 850 V and 1.8 ms at 0.4 Hz, which make the film a cathode [FLA paper]."""

STATION = """
[devices.potentiostat{number}]
class = "PotentiostatStation"

[devices.potentiostat{number}.parts.channels]
driver = "squidstat"
address = "twin"
"""

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
"""A film of the FLA paper, of 0.15 cm2."""

PROGRAM = """schema = 1
macro = "text"
steps = '''
Charge at 25 uA/cm2 for 15 min
repeat {hours} x (
    Charge at 25 uA/cm2 for 30 min
    Discharge at 25 uA/cm2 for 30 min
)
'''
[limits]
voltage_min = "2 V"
voltage_max = "4.5 V"
current_max = "50 uA"
[record]
interval = "{interval:g} s"
"""
"""Half an hour out, half an hour back at C/2, from a quarter of an hour's charge on; C/2 is 25 uA/cm2 [FLA paper]."""


def make_config(folder: Path, stations: int, anneals: int, hours: int, interval: float) -> Path:
    """Return a configuration with a bench `night`, made from `twin`, and the list's samples and experiments."""
    config = Path(shutil.copytree(config_dir(), folder / "config"))
    lamp, rest = (config / "benches" / "twin.toml").read_text().split("[devices.potentiostat]")
    bench = lamp + "".join(STATION.format(number=number) for number in range(stations)) + "\n[wiring]\n"
    bench += "".join(f'cell-{number} = "potentiostat{number}"\n' for number in range(stations))
    (config / "benches" / "night.toml").write_text(f"{bench}\n{rest[rest.index('[world]') :]}")
    (config / "programs" / "night.toml").write_text(PROGRAM.format(hours=hours, interval=interval))
    items = []
    for number in range(max(stations, anneals)):
        for kind, plan in (("cell", 'cycle"\nprogram = "night'), ("film", 'anneal"\nrecipe = "fla-850V-20')):
            name = f"{kind}-{number}"
            (config / "samples" / f"{name}.toml").write_text(SAMPLE)
            text = f'schema = 1\nplan = "{plan}"\nsample = "{name}"\n'
            (config / "experiments" / f"{name}.toml").write_text(text)
    items = [f"film-{number}" for number in range(anneals)] + [f"cell-{number}" for number in range(stations)]
    listed = "".join(f'[[item]]\nexperiment = "{name}"\n' for name in items)
    (folder / "list.toml").write_text(f'schema = 1\nbench = "night"\n{listed}')
    return config


def make_cells(config: Path, data: Path, stations: int) -> None:
    """Build cells on flashed films, as earlier nights leave them."""
    folder = data / "bench" / "night" / "samples"
    folder.mkdir(parents=True)
    cells = [Config(config).sample(f"cell-{number}") for number in range(stations)]
    pulse, foil = discharge(Bank(), 850.0, 1.8e-3), Foil(to_json(cells[0]), Surroundings())
    for number in range(PULSES):
        foil.flash(2.5 * number, pulse)
    for cell in cells:
        made = foil.to_dict() | {"description": to_json(cell)}
        (folder / f"{cell.id}.json").write_text(json.dumps(made))
    with labctl.open_session("night", config=config, data=data, handle_signals=False) as lab:
        for cell in cells:
            lab.wait(lab.hands.set(Assemble(cell)))


def rehearsed(config: Path, data: Path, listed: Path) -> Rehearsal:
    """Rehearse the list."""
    night, bench, limits = read_night(listed, Config(config))
    return rehearse(night, bench, limits, Config(config), data, go_on_with)


def main() -> None:
    """Rehearse the night and print how fast it was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stations", type=int, default=8)
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between rows")
    parser.add_argument("--anneals", type=int, default=3)
    parser.add_argument("--profile", type=Path, help="where to keep a profile of the loop's thread")
    asked = parser.parse_args()
    profile = cProfile.Profile()
    if asked.profile:
        threading.setprofile(lambda *_: profile.enable())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = make_config(folder, asked.stations, asked.anneals, asked.hours, asked.interval)
        make_cells(config, folder / "data", asked.stations)
        began, busy = time.perf_counter(), time.process_time()
        promise = rehearsed(config, folder / "data", folder / "list.toml")
        wall, busy = time.perf_counter() - began, time.process_time() - busy
    if asked.profile:
        profile.dump_stats(asked.profile)
    rows = sum(effort.rows for effort in promise.efforts.values())
    for failure in promise.failures:
        print(f"fails: {failure}")
    print(f"{asked.stations} channels, {asked.anneals} anneals, {promise.duration / 3600:.2f} h: {rows} rows")
    print(f"{wall:.2f} s of the wall (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors),")
    print(f"{busy:.2f} s of the processor, which is the wall of a quiet machine")
    print(f"{rows / wall:.0f} rows/s, {promise.duration / wall:.0f} times as fast as the experiment")


if __name__ == "__main__":
    main()
