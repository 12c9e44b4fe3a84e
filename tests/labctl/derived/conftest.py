"""Cells of which everything is known: a straight line of voltage over charge, and a resistance."""

from __future__ import annotations

import math
import uuid
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from labctl.journal.documents import Journal
from labctl.runs.run import Run

AREA, AREA_SD, THICKNESS, THICKNESS_SD = 2e-5, 2e-7, 1e-6, 3e-8
FULL = 1e-5
"""Ah that the cell holds."""
RESISTANCE = 200.0
LOW, HIGH = 3.6, 4.2

SAMPLE = {
    "id": "cell-1",
    "layers": [
        {"material": "Al", "thickness": 1e-4},
        {"material": "LiCoO2", "thickness": THICKNESS, "thickness_sd": THICKNESS_SD},
    ],
    "area": AREA,
    "area_sd": AREA_SD,
    "area_m2": AREA,
}


class MadeUp:
    """Rows of a cell as a cycler takes them, step by step; `steps` as the ledger would write them."""

    def __init__(self, charge=0.0):
        self.rows, self.steps = [], []
        self.time, self.charge, self.cycle = 0.0, charge, 1

    def drive(self, current, to, number=60, end="voltage_above", technique="constant_current"):
        """Pass a current [A] until the charge is `to` [Ah]."""
        duration = abs(to - self.charge) / abs(current) * 3600.0
        return self._step(technique, np.linspace(0, duration, number), current, end)

    def rest(self, duration=600.0, number=20):
        return self._step("open_circuit", np.linspace(0, duration, number), 0.0, "duration")

    def _step(self, technique, times, current, end):
        began, before = self.time, self.charge
        for dt in times:
            self.charge = before + current * dt / 3600.0
            voltage = LOW + (HIGH - LOW) * self.charge / FULL + RESISTANCE * current
            self.rows.append((began + dt, voltage, current, self.charge, len(self.steps) + 1, self.cycle, 0))
        self.time = began + float(times[-1])
        passed = float(self.charge - before)
        self.steps.append((len(self.steps), len(self.steps) + 1, self.cycle, technique, end, passed))
        return self

    def cycles(self, currents, keeps=1.0):
        """Charge, rest, discharge, rest, once with each current; each full charge holds `keeps` of the one before."""
        full = FULL
        for current in currents:
            self.drive(current, full).rest().drive(-current, 0.0, end="voltage_below").rest()
            self.cycle += 1
            full *= keeps
        return self

    def primary(self, columns=("step_count", "cycle", "flags")):
        table = np.array(self.rows)
        names = ("test_time", "voltage", "current", "charge", "step_count", "cycle", "flags")
        whole = {"step_count", "cycle", "flags"}
        return {
            name: table[:, index].astype(int).tolist() if name in whole else table[:, index].tolist()
            for index, name in enumerate(names)
            if name not in whole or name in columns
        }

    def step_table(self):
        names = ("step_index", "step_count", "cycle", "technique", "end_reason", "charge")
        return {name: [step[index] for step in self.steps] for index, name in enumerate(names)}


class Folder:
    """A data folder that runs are written into."""

    def __init__(self, data: Path):
        self.data, self._numbers = data, count()

    def write(self, streams, *, ended="success", uid=None, **start):
        """Keep a run with these streams (columns by name); ended None: it died."""
        uid, time = uid or str(uuid.UUID(int=next(self._numbers) + 1)), 1.7e9
        journal = Journal(self.data)
        start = {"plan_name": "cycle", "purpose": "cycle", "schema": 1, "sample": SAMPLE, **start}
        journal("start", {"uid": uid, "time": time, **start})
        for name, columns in streams.items():
            kinds = {str: "string", int: "integer", float: "number"}
            keys = {
                key: {"source": "made up", "dtype": kinds[type(column[0])], "shape": []}
                for key, column in columns.items()
            }
            descriptor = str(uuid.uuid5(uuid.UUID(uid), name))
            journal(
                "descriptor",
                {"uid": descriptor, "time": time, "run_start": uid, "name": name, "data_keys": keys},
            )
            rows = len(next(iter(columns.values())))
            times = [time + row for row in range(rows)]
            page = {
                "descriptor": descriptor,
                "uid": [str(uuid.uuid4()) for _ in times],
                "seq_num": list(range(1, rows + 1)),
                "time": times,
                "data": columns,
                "timestamps": dict.fromkeys(columns, times),
                "filled": {},
            }
            journal("event_page", page)
        if ended is not None:
            stop = {"uid": str(uuid.uuid4()), "time": time + 1e4, "run_start": uid, "exit_status": ended}
            journal("stop", stop)
        journal.close()
        return Run(uid, self.data)

    def cycled(self, cell, **options):
        return self.write({"primary": cell.primary(), "steps": cell.step_table()}, **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def made_up():
    return MadeUp


@pytest.fixture
def truth():
    """Return what the made-up cell is, by name."""
    relative = math.hypot(AREA_SD / AREA, THICKNESS_SD / THICKNESS)
    return {
        "full": FULL,
        "area": AREA,
        "area_relative": AREA_SD / AREA,
        "thickness": THICKNESS,
        "volume_relative": relative,
        "resistance": RESISTANCE,
        "middle": 0.5 * (LOW + HIGH),
        "high": HIGH,
        "width": HIGH - LOW,
    }
