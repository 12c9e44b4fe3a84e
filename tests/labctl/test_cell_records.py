"""A rest voltage is on record only when the cell truly rested last."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from labctl import cell_records
from labctl.cell_records import JournalCells


@pytest.mark.parametrize(
    ("technique", "end", "lasted", "expected"),
    [
        ("open_circuit", "duration", 3600.0, 3.9),
        ("open_circuit", "voltage_rate_below", 3600.0, 3.9),
        ("open_circuit", "duration", 60.0, None),
        ("constant_current", "voltage_above", 3600.0, None),
        ("open_circuit", "left_running", 3600.0, None),
    ],
)
def test_only_a_long_rest_after_which_nothing_drove_the_cell_counts(
    monkeypatch, tmp_path, sample, technique, end, lasted, expected
):
    steps = {
        "technique": np.array([technique]),
        "end_reason": np.array([end]),
        "t_start": np.array([0.0]),
        "t_end": np.array([lasted]),
        "v_end": np.array([3.9]),
    }
    run = SimpleNamespace(streams={"steps": []}, table=lambda _: steps)
    brief = SimpleNamespace(sample=sample.id, plan="cycle", uid="u")
    monkeypatch.setattr(cell_records, "search", lambda *_: [brief])
    monkeypatch.setattr(cell_records, "Run", lambda *_: run)
    assert JournalCells(tmp_path).rest_voltage(sample) == expected


def test_a_cell_without_runs_has_no_record(tmp_path, sample):
    assert JournalCells(tmp_path).rest_voltage(sample) is None
