"""How fast a data directory of 10,000 runs answers: `python benchmarks/index.py [RUNS]`.

The promise is 0.2 s for a question to an index that is up to date, with the look at every file's size and time that
tells that it is. Told beside it: the first answer, which reads every journal, and the whole command `labctl runs`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from labctl.journal.places import run_path
from labctl.journal.records import RecordFile
from labctl.runs.briefs import briefs, find_run
from labctl.runs.conditions import condition
from labctl.runs.search import Search, search
from labctl.samples.story import Stories

PROMISED = 0.2
"""Seconds."""

REPEATS = 5
BEGAN = 1_790_000_000.0
SAMPLES = 200
RECIPE = {"voltage": 850.0, "pulse_duration": 1.8e-3, "pulse_count": 20, "rate": 0.4}
PEAKS = {"surface_peak": 974.0, "foil_peak": 923.0, "crystalline_mean": 0.99}


def write_runs(data: Path, count: int) -> None:
    """Write synthetic journals of anneals and cycles in turn, an hour apart, on SAMPLES samples."""
    for number in range(count):
        uid = str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))
        began = BEGAN + 3600.0 * number
        file = RecordFile(run_path(data, uid, began), {"holds": "run", "uid": uid})
        for document in documents(uid, began, number):
            file.append("D", document)
        file.close()


def documents(uid: str, began: float, number: int) -> Iterator[list[Any]]:
    """Yield the documents of one run, without rows."""
    name = f"s{number % SAMPLES}"
    layers = [{"material": "Al", "thickness": 1e-4}, {"material": "LiCoO2", "thickness": 7e-7}]
    start = {
        "uid": uid,
        "time": began,
        "sample": {"id": name, "label": name, "layers": layers, "area": 1.5e-5},
    }
    if number % 2 == 0:
        body = {**RECIPE, "voltage": 800.0 + number % 150}
        start |= {"plan_name": "anneal", "recipe": {"name": "r", "hash": "h", "body": body}}
        start |= {"prediction": {"values": PEAKS}}
    else:
        start |= {"plan_name": "cycle", "capacity": {"value_Ah": 7e-6}}
    yield ["start", start]
    yield ["stop", {"uid": uid, "time": began + 60.0, "run_start": uid, "exit_status": "success"}]


def best(question: Callable[[], object]) -> float:
    """Return the shortest time [s] of a question, asked REPEATS times."""
    times = []
    for _ in range(REPEATS):
        began = perf_counter()
        question()
        times.append(perf_counter() - began)
    return min(times)


def main(count: int) -> None:
    """Print what each question takes, and how often it fits into what is promised."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        write_runs(data, count)
        began = perf_counter()
        uids = [each.uid for each in briefs(data)]
        print(f"{count} runs; first answer, every journal read: {perf_counter() - began:.1f} s")
        hot = (condition("recipe.voltage > 880 V"),)
        for name, question in {
            "last hundred": lambda: search(data, Search(limit=100)),
            "one sample's cycles": lambda: search(data, Search(sample="s7", plan="cycle")),
            "recipe.voltage > 880 V, last hundred": lambda: search(data, Search(where=hot, limit=100)),
            "a uid's beginning": lambda: find_run(data, uids[count // 2][:13]),
            "all of them": lambda: list(briefs(data)),
            "one sample's story": lambda: Stories(data, "s7").of("s7"),
            "all samples' stories": lambda: [
                stories.of(each) for stories in [Stories(data)] for each in stories.ids()
            ],
        }.items():
            took = best(question)
            print(f"  {name:40s} {took * 1e3:7.1f} ms, promised over measured {PROMISED / took:5.1f}")
        command = [sys.executable, "-P", "-m", "labctl", "runs", "--data", folder]
        took = best(lambda: subprocess.run(command, check=True, capture_output=True))
        print(f"  {'the whole command labctl runs':40s} {took * 1e3:7.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
