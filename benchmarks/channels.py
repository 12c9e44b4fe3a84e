"""Do many twin channels keep up in real time? Each cycles under a worker of its own, on a wall clock.

    python benchmarks/channels.py [--channels 64] [--seconds 60] [--interval 1] [--poll 10] [--hold]

Prints the share of one core that it took from the first kickoff on, and whether every row came: so many per channel
as seconds went by. What is timed is everything: twins, wires, drivers, documents, journals.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

from bluesky.utils import RunEngineInterrupted

import labctl
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, Record, Until
from devices.recipes import to_json
from devices.roles.hands import Assemble
from devices.samples import Layer, SampleRef
from labctl import Run
from labctl.config.finder import config_dir
from labctl.runs.briefs import run_files
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge

BENCH = """
schema = 1
seed = 1
[clock]
kind = "wall"
[devices.channel]
class = "PotentiostatStation"
channels = {channels}
[devices.channel.parts.channels]
driver = "squidstat"
address = "twin"
[devices.channel.parameters]
poll_period = "{poll} s"
"""


def sample(number: int) -> SampleRef:
    """Return the sample of one channel."""
    return SampleRef(
        id=f"cell-{number}",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )


def make_films(directory: Path, channels: int) -> None:
    """Write flashed films where the bench keeps its foils, as an anneal in an earlier session leaves them."""
    directory.mkdir(parents=True)
    pulse, foil = discharge(Bank(), 850.0, 1.8e-3), Foil(to_json(sample(0)), Surroundings())
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    for number in range(channels):
        made = foil.to_dict() | {"description": to_json(sample(number))}
        (directory / f"{sample(number).id}.json").write_text(json.dumps(made))


def program(seconds: float, interval: float, *, holds: bool) -> Program:
    """Return a slow charge, or a hold, with a row each interval."""
    if holds:
        step = Step(ConstantVoltage(3.9), Until(duration=seconds), Record(interval=interval))
    else:
        until = Until(duration=seconds, voltage_above=4.4)
        step = Step(ConstantCurrent(1e-7), until, Record(interval=interval))
    return Program("slow", (step,), CellLimits(2.0, 4.5, 1e-2))


def main() -> None:
    """Run the channels and print what they cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between rows")
    parser.add_argument("--poll", type=float, default=10.0, help="seconds between questions for rows")
    parser.add_argument("--hold", action="store_true", help="hold a voltage, which is sampled more often")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        config = Path(shutil.copytree(config_dir(), Path(scratch) / "config"))
        text = BENCH.format(channels=asked.channels, poll=asked.poll)
        (config / "benches" / "channels.toml").write_text(text)
        make_films(data / "bench" / "channels" / "samples", asked.channels)
        with labctl.open_session("channels", config=config, data=data, handle_signals=False) as lab:
            for number in range(asked.channels):
                lab.wait(lab.hands.set(Assemble(sample(number))))
            began, busy = time.perf_counter(), time.process_time()
            plan = program(asked.seconds, asked.interval, holds=asked.hold)
            workers = [
                lab.start(
                    lab.plans.cycle(lab.devices[f"channel_{number}"], sample(number), plan), f"cell-{number}"
                )
                for number in range(asked.channels)
            ]
            started = time.perf_counter() - began, time.process_time() - busy
            for worker in workers:
                try:
                    worker.result()
                except RunEngineInterrupted:
                    print(f"{worker.name} was interrupted")
            wall, busy = time.perf_counter() - began, time.process_time() - busy
        counts = [len(Run(path).table()["record"]) for path in run_files(data)]
    expected = int(asked.seconds / asked.interval) + 1
    print(f"{asked.channels} channels, a row each {asked.interval:g} s: {wall:.1f} s of the wall")
    print(f"{busy / wall:.1%} of one core; starting them took {started[1]:.2f} s of the processor")
    print(f"rows per channel: {min(counts)} to {max(counts)} of {expected}")


if __name__ == "__main__":
    main()
