"""Does a run notice who follows it? The processor's time of a run with a follower up, down or killed, against none.

    python benchmarks/follower.py [--repeats 3] [--to URI] [--data DIR]

A run is a rate test of a film on the twins in a process of its own, which writes 1 row/s; `labctl catalog` is another
process. Prints for each case the processor's time of the run's process (user and system) as a ratio to its neighbour
without a follower, by the median of the repeats: a busy machine hardly matters, its wall not at all. Last, what a
follower that comes afterwards finds left to write.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

NOBODY = "postgresql://nobody@127.0.0.1:9/lab"
"""A database that does not answer: the discard port."""

PAUSE = threading.Event()

CASES = ("up", "down", "killed")

RUN = """
import json, sys, time
import labctl
from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.recipes import AnnealRecipe
from devices.samples import Layer, SampleRef

sample = SampleRef(
    id="film",
    layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)),
    cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
    area=0.15e-4,
)
recipe = AnnealRecipe("flash", voltage=850.0, pulse_duration=1.8e-3, pulse_count=4, rate=0.4)
rates = (Rate(2.0, "A/m^2"), Rate(4.0, "A/m^2"))
program = RateTest("rates", rates, 3.0, 4.25, 4, Record(interval=1.0)).on(CellSize.of(sample))
with labctl.open_session("twin", data=sys.argv[1], handle_signals=False) as lab:
    began = time.process_time()
    lab.RE(lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program))
    spent = time.process_time() - began
    print(json.dumps({"spent": spent, "rows": len(labctl.Run("last", sys.argv[1]).table()["record"])}))
"""


def labctl(*words: str, data: Path) -> subprocess.Popen[bytes]:
    """Start a command on a data folder."""
    command = [sys.executable, "-P", "-m", "labctl", *words, "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def spent(data: Path, beside: Callable[[], None] = lambda: None) -> float:
    """Return the processor's time [s] of a run; `beside` is called once it has written its first rows."""
    command = [sys.executable, "-P", "-c", RUN, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(data.glob("spool/potentiostat/*.jnl")):
            PAUSE.wait(0.05)
        beside()
        said = (process.communicate()[0] or "").splitlines()
    told = json.loads(said[-1])
    return float(told["spent"])


def followed(case: str, folder: Path, to: str) -> float:
    """Return the processor's time [s] of a run with a follower that is up, down or killed while it goes on."""
    data = folder / "data"
    data.mkdir()
    where = ("--to", NOBODY) if case == "down" else ("--to", to) if to else ()
    follower = labctl("catalog", *where, data=data)
    try:
        while follower.poll() is None and not list(data.glob("catalog/lock")):
            PAUSE.wait(0.05)
        found = spent(data, follower.kill if case == "killed" else lambda: None)
    finally:
        follower.send_signal(signal.SIGTERM)
        follower.wait()
    return found


def main() -> None:
    """Run every case beside one without a follower, and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--to", default="", help="URI of a PostgreSQL database or a Tiled server")
    parser.add_argument("--data", type=Path, help="where to write; a temporary folder if none")
    asked = parser.parse_args()
    ratios: dict[str, list[float]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory(dir=asked.data) as scratch:
        folder = Path(scratch)
        for number in range(asked.repeats):
            for case in CASES:
                alone, beside = folder / f"alone-{number}-{case}", folder / f"{case}-{number}"
                alone.mkdir()
                beside.mkdir()
                without = spent(alone)
                ratios[case].append(followed(case, beside, asked.to) / without)
        for case, found in ratios.items():
            each = ", ".join(f"{ratio:.3f}" for ratio in found)
            print(f"follower {case}: {statistics.median(found):.3f} of the time without one ({each})")
        command = ["labctl", "catalog", "--once", *(("--to", asked.to) if asked.to else ())]
        late = labctl(*command[1:], data=folder / "killed-0" / "data").wait()
        print(f"back-fill after a kill: {'complete' if late == 0 else 'not complete'}")


if __name__ == "__main__":
    main()
