"""How fast are journals followed into the embedded Tiled catalogue, in what memory, and does a kill cost a row?

    python benchmarks/catalog.py [--rows 1200000] [--kills 0]

Prints rows per second of a back-fill of one run of 13 columns (as a potentiostat channel's), the largest resident
size, and, with --kills, what many followers killed at random instants left: rows doubled, rows missing.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from labctl.catalog import writer
from labctl.catalog.follower import Follower, follow_once
from labctl.catalog.opened import opened
from labctl.catalog.place import Place
from labctl.journal.documents import RunJournal
from labctl.journal.places import run_path

NUMBERS = ("test_time", "unix_time", "voltage", "current", "charge", "energy", "ambient_temperature")
INTEGERS = ("step_index", "step_count", "cycle", "record", "range", "flags")
PAGE = 1000


def write_run(data: Path, rows: int) -> Path:
    """Write the journal of one run and return it."""
    uid, descriptor, now = str(uuid.uuid4()), str(uuid.uuid4()), 1.8e9
    path = run_path(data, uid, now)
    journal = RunJournal(path, {"uid": uid, "time": now, "plan_name": "cycle", "scan_id": 1})
    kinds = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(INTEGERS, "integer")}
    keys = {
        key: {"dtype": kind, "shape": [], "source": "cell", "object_name": "cell"}
        for key, kind in kinds.items()
    }
    about: dict[str, Any] = {"configuration": {}, "hints": {}, "object_keys": {"cell": list(keys)}}
    journal.write(
        "descriptor",
        {"uid": descriptor, "run_start": uid, "time": now, "name": "primary", "data_keys": keys, **about},
    )
    random_numbers = np.random.default_rng(1)
    for first in range(1, rows + 1, PAGE):
        numbers = list(range(first, min(first + PAGE, rows + 1)))
        times = [now + number for number in numbers]
        data_of = {key: random_numbers.random(len(numbers)).tolist() for key in NUMBERS}
        page = {
            "descriptor": descriptor,
            "uid": [""] * len(numbers),
            "seq_num": numbers,
            "time": times,
            "filled": {},
        }
        columns = {**data_of, **dict.fromkeys(INTEGERS, numbers)}
        journal.write("event_page", {**page, "data": columns, "timestamps": dict.fromkeys(keys, times)})
    journal.write("stop", {"uid": str(uuid.uuid4()), "run_start": uid, "time": now, "exit_status": "success"})
    journal.close()
    return path


def measure(data: Path, rows: int) -> None:
    """Print how long a back-fill takes and what memory."""
    path = write_run(data, rows)
    print(f"journal: {rows} rows, {path.stat().st_size / 1e6:.0f} MB")
    place = Place(data)
    place.folder.mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with opened(place):
        pass
    began = time.perf_counter()
    follow_once(place, print)
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"back-fill: {took:.1f} s, {rows / took:.0f} rows/s; memory {before:.0f} MB before, {after:.0f} MB at most"
    )
    print(f"on disk: {sum(each.stat().st_size for each in place.folder.iterdir()) / 1e6:.0f} MB")


def kill(data: Path, kills: int) -> None:
    """Print what followers that were killed at random instants left."""
    writer.PAGE_ROWS = 50
    paths = [write_run(data, 20_000) for _ in range(3)]
    place = Place(data)
    place.folder.mkdir()
    with opened(place):
        pass
    chance = random.Random(3)
    ended = 0
    for _ in range(kills):
        ready, begun = os.pipe()
        child = os.fork()
        if child == 0:
            with opened(place) as catalogue:
                follower = Follower(catalogue, place, lambda text: None)
                os.write(begun, b"x")
                follower.look(threading.Event())
            os._exit(0)
        os.close(begun)
        os.read(ready, 1)
        os.close(ready)
        threading.Event().wait(chance.uniform(0.0, 1.5))
        os.kill(child, signal.SIGKILL)
        ended += os.waitpid(child, 0)[1] == 0
    print(f"{kills} kills while it was writing, {ended} of them after the end")
    said = follow_once(place, print)
    print(f"{said.rows} rows were left to write")
    doubled = missing = 0
    with opened(place) as catalogue:
        for path in paths:
            numbers = catalogue[path.stem]["primary"].base["internal"].read(["seq_num"])["seq_num"].tolist()
            doubled += len(numbers) - len(set(numbers))
            missing += len(set(range(1, 20_001)) - set(numbers))
            assert numbers == sorted(numbers)
    print(f"rows doubled: {doubled}, rows missing: {missing}")


def main() -> None:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_200_000)
    parser.add_argument("--kills", type=int, default=0)
    asked = parser.parse_args()
    for work, number in ((measure, asked.rows), (kill, asked.kills)):
        data = Path(tempfile.mkdtemp(prefix="labctl-catalog-"))
        try:
            if number:
                work(data, number)
        finally:
            shutil.rmtree(data)


if __name__ == "__main__":
    main()
