"""Time a night: eight potentiostats, each with its own engine on one virtual clock, cycle for twelve hours.

    python benchmarks/night.py [--stations 8] [--hours 12] [--interval 10] [--data DIR]

Prints rows, rows per second of the wall, and how many simulated seconds pass in one of them. What is timed is
everything from the first kickoff to the last stop document: twins, wires, drivers, documents, journals.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bluesky.utils import MsgGenerator
from ophyd.status import StatusBase

import labctl
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, Record, Until
from devices.recipes import to_json
from devices.roles import Assemble
from devices.samples import Layer, SampleRef
from labctl import Run, Session
from labctl.config.finder import config_dir
from labctl.engine import LabEngine
from labctl.journal.documents import Journal
from labctl.runs.briefs import run_files
from plans.cycle import cycle
from plans.flying import finished
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge

AREA = 0.15e-4
"""m2, as in the FLA paper; C/2 is 25 uA/cm2 there."""

PULSES = 20
"""Flashes of 850 V and 1.8 ms at 0.4 Hz, which make the film a cathode [FLA paper]."""

STATION = """
[devices.{name}]
class = "PotentiostatStation"

[devices.{name}.parts.channels]
driver = "squidstat"
address = "twin"
"""


def bench_of_potentiostats(folder: Path, stations: int) -> Path:
    """Return a configuration with a bench `night` made from `twin`: no lamp, so many potentiostats."""
    config = Path(shutil.copytree(config_dir(), folder / "config"))
    twin = tomllib.loads((config / "benches" / "twin.toml").read_text())
    text = f'schema = 1\nseed = {twin["seed"]}\n\n[clock]\nkind = "virtual"\npace = "none"\n'
    text += "".join(STATION.format(name=name) for name in names(stations))
    (config / "benches" / "night.toml").write_text(text)
    return config


def names(stations: int) -> list[str]:
    """Return the names of the potentiostats."""
    return [f"potentiostat{number}" for number in range(stations)]


def program(hours: float, interval: float) -> Program:
    """Return half an hour out, half an hour back at C/2, for so many hours, from a quarter of an hour's charge on."""
    record, current = Record(interval=interval), 0.25 * AREA
    body = tuple(Step(ConstantCurrent(sign * current), Until(duration=1800.0), record) for sign in (1, -1))
    first = Step(ConstantCurrent(current), Until(duration=900.0), record)
    loop = Loop(body, math.ceil(hours), counts_cycles=True)
    return Program("night", (first, loop), CellLimits(2.0, 4.5, 1.1 * current))


def sample(number: int) -> SampleRef:
    """Return the sample of one station."""
    return SampleRef(
        id=f"night-{number}",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=AREA,
    )


def make_films(directory: Path, stations: int) -> None:
    """Write flashed films where the bench keeps its foils, as an anneal in an earlier session leaves them."""
    directory.mkdir(parents=True)
    pulse, foil = discharge(Bank(), 850.0, 1.8e-3), Foil(to_json(sample(0)), Surroundings())
    for number in range(PULSES):
        foil.flash(2.5 * number, pulse)
    made = foil.to_dict()
    for number in range(stations):
        made["description"] = to_json(sample(number))
        (directory / f"{sample(number).id}.json").write_text(json.dumps(made))


class Gate:
    """Holds every plan until all have come, so that they begin at one instant."""

    def __init__(self, plans: int) -> None:
        self._left, self._open = plans, StatusBase()

    def then(self, plan: MsgGenerator[str]) -> MsgGenerator[str]:
        """Wait for the last, then run the plan."""
        self._left -= 1
        if not self._left:
            self._open.set_finished()
        yield from finished(self._open)
        return (yield from plan)


def run_night(lab: Session, stations: int, asked: Program) -> None:
    """Cycle on every station at once, each under an engine of its own. Raises what a run failed with."""
    gate = Gate(stations)

    def worker(number: int) -> None:
        engine: Any = LabEngine(lab.clock, dict(lab.RE.md), context_managers=[])
        engine.subscribe(Journal(lab.data))
        station = lab.devices[names(stations)[number]]
        engine(gate.then(cycle(station, sample(number), asked)))

    with ThreadPoolExecutor(stations) as workers:
        list(workers.map(worker, range(stations)))


def main() -> None:
    """Run the night and print how fast it was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stations", type=int, default=8)
    parser.add_argument("--hours", type=float, default=12.0)
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between rows")
    parser.add_argument("--data", type=Path, help="where to keep the journals; a temporary folder if none")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = asked.data or Path(scratch) / "data"
        config = bench_of_potentiostats(Path(scratch), asked.stations)
        make_films(data / "bench" / "night" / "samples", asked.stations)
        with labctl.open_session("night", config=config, data=data, handle_signals=False) as lab:
            for number in range(asked.stations):
                lab.wait(lab.hands.set(Assemble(sample(number))))
            began, busy, simulated = time.perf_counter(), time.process_time(), lab.clock.now()
            run_night(lab, asked.stations, program(asked.hours, asked.interval))
            wall, busy = time.perf_counter() - began, time.process_time() - busy
            simulated = lab.clock.now() - simulated
        rows = sum(len(Run(path).times()) for path in run_files(data))
    print(f"{asked.stations} stations x {simulated / 3600:.2f} h: {rows} rows")
    print(f"{wall:.2f} s of the wall, {busy:.2f} s of the processor (the same on a quiet machine)")
    print(f"{rows / wall:.0f} rows/s, {simulated / wall:.0f} times as fast as the experiment")


if __name__ == "__main__":
    main()
