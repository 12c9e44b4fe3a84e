"""What does durability cost? Pages of a cycler's rows through the engine, bare and with a durable journal.

    python benchmarks/journal.py [--pages 10] [--rows 1000] [--data DIR]

Prints the share of the bare page rate that is left with the journal, for two engines: bluesky's own, which holds each
page against its schema, and labctl's, which leaves that to the tests. Bare and durable pages alternate in one run of
the script, and what is compared is the processor's time of the whole process, so that a busy machine does not matter.
Then: what one spooled row and one sync take, how long a run opens, and
how much memory writing takes.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
from bluesky import RunEngine
from bluesky.utils import Msg

from devices.base import Column, RowStream
from devices.cycling.columns import PRIMARY_COLUMNS
from devices.limits import DiskLimits
from labctl.clock.virtual import VirtualClock
from labctl.engine import LabEngine
from labctl.journal.cache import columns, read_columns
from labctl.journal.disk import Disk
from labctl.journal.documents import Journal
from labctl.journal.keeper import Keeper
from labctl.journal.spool import DeviceSpool
from labctl.runs.briefs import run_files

STEP = 1e-7
"""Of every number from row to row, so that each has all its digits, as measured ones have."""


def row(number: int) -> dict[str, Any]:
    """Return one row of a cycling run."""
    return {
        key: number
        if column.dtype == "integer"
        else math.nan
        if key == "ambient_temperature"
        else math.pi + STEP * number
        for key, column in PRIMARY_COLUMNS.items()
    }


class Pages:
    """Runs of pages on one engine; each page's time of the processor [s] goes to its list in `times`, by whether the
    page was durable."""

    def __init__(self, engine: RunEngine, journal: Callable[[str, dict[str, Any]], None], rows: int) -> None:
        self._engine, self._journal = engine, journal
        self._made = [(1e9 + number, row(number)) for number in range(rows)]
        self.times: dict[bool, list[float]] = {False: [], True: []}

    def run(self, pages: int) -> None:
        """Have a run collected, half of its pages with the journal and half of them without."""
        for durable in (False, True) * pages:
            token = self._engine.subscribe(self._journal) if durable else None
            self._engine(self._plan(durable))
            if token is not None:
                self._engine.unsubscribe(token)

    def cost(self, *, durable: bool) -> float:
        """Return what a page takes [s], by the median."""
        return statistics.median(self.times[durable])

    def share(self) -> float:
        """Return the share of the bare page rate that is left, by the median of pairs of neighbours."""
        pairs = zip(self.times[False], self.times[True], strict=True)
        return statistics.median(bare / durable for bare, durable in pairs)

    def _plan(self, durable: bool) -> Iterator[Any]:
        stream: dict[str, Column] = dict(PRIMARY_COLUMNS)
        rows = RowStream("cell", "primary", stream, dict.fromkeys(("", "channels"), "cell"))
        yield from bps.open_run()
        yield from bps.declare_stream(rows, name="primary", collect=True)
        for _ in range(2):
            for made in self._made:
                rows.append(*made)
            began = time.process_time()
            yield Msg("collect", rows, name="primary")
            self.times[durable].append(time.process_time() - began)
        yield from bps.close_run()


def timed(action: Callable[[], object]) -> float:
    """Return how long something takes [s]."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def spool_costs(folder: Path, keeper: Keeper) -> tuple[float, float]:
    """Return the medians of what a spooled row and a sync take [s]."""
    spool = DeviceSpool(folder, "cell", "boot", keeper)
    rows = [timed(lambda n=n: spool.append("primary", 1e9, row(n))) for n in range(2000)]  # type: ignore[misc]
    syncs = []
    for number in range(50):
        spool.append("primary", 1e9, row(number))
        syncs.append(timed(keeper.sync))
    spool.close()
    return statistics.median(rows), statistics.median(syncs)


def write_long(folder: Path, rows: int) -> tuple[Path, int]:
    """Write a run of so many rows in pages of half an hour; return its journal, and the memory it took at most [B]."""
    journal, run, stream = Journal(folder), "00000000-0000-4000-8000-000000000001", "primary"
    keys = {key: column.data_key(key, "cell") for key, column in PRIMARY_COLUMNS.items()}
    journal("start", {"uid": run, "time": 1e9})
    journal("descriptor", {"uid": stream, "run_start": run, "name": stream, "data_keys": keys, "time": 1e9})
    tracemalloc.start()
    for first in range(1, rows, 1800):
        numbers = range(first, min(first + 1800, rows + 1))
        times = [1e9 + number for number in numbers]
        made = [row(number) for number in numbers]
        data = {key: [each[key] for each in made] for key in PRIMARY_COLUMNS}
        page = {"descriptor": stream, "seq_num": list(numbers), "time": times, "data": data}
        journal("event_page", {**page, "timestamps": dict.fromkeys(data, times)})
        if first == 1:
            tracemalloc.reset_peak()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    journal.close()
    (path,) = run_files(folder)
    return path, most


def main() -> None:
    """Run all of it and print what it cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1000, help="in one page")
    parser.add_argument("--long", type=int, default=1_209_600, help="rows of the long run; 14 days at 1 Hz")
    parser.add_argument("--data", type=Path, help="where to write; a temporary folder if none")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.data) as scratch:
        folder = Path(scratch)
        keeper = Keeper(Disk(folder, DiskLimits(0.0, 0.0)))
        clock = VirtualClock(None)
        for name, engine in (
            ("bluesky's engine", RunEngine({}, context_managers=[])),
            ("labctl's engine", LabEngine(clock, context_managers=[])),
        ):
            pages = Pages(engine, Journal(folder, keeper), asked.rows)
            pages.run(asked.pages)
            bare, durable = pages.cost(durable=False), pages.cost(durable=True)
            print(
                f"{name}: {1e3 * bare:.2f} ms of the processor for a bare page, {1e3 * durable:.2f} ms for a durable"
                f" one: {pages.share():.1%} of the rate"
            )
        spooled, synced = spool_costs(folder, keeper)
        print(f"a spooled row {1e6 * spooled:.0f} us, a sync {1e3 * synced:.2f} ms")
        keeper.close()
        clock.close()
        path, most = write_long(folder / "long", asked.long)
        print(
            f"{asked.long} rows, {path.stat().st_size / 1e6:.0f} MB: {most / 1e6:.1f} MB of memory while written"
        )
        print(f"opened as a table in {timed(lambda: read_columns(path)):.2f} s from the journal")
        columns(path)
        print(f"and in {timed(lambda: columns(path)):.2f} s from its cache ({os.cpu_count()} cores here)")


if __name__ == "__main__":
    main()
