"""When scripts take rows."""

from __future__ import annotations

import numpy as np
import pytest

from devices.cycling.programs import Step
from devices.cycling.techniques import ConstantCurrent, Record, Until
from tests.support.cells import CURRENT
from tests.support.emstat import TIMED, Rig, rows_of


def test_rows_come_by_interval_and_by_change() -> None:
    by_time = rows_of(Rig().run(Step(ConstantCurrent(CURRENT), TIMED, Record(interval=20.0))))
    spaced = np.diff([row.time for row in by_time])
    assert spaced[1:-1] == pytest.approx(20.0, abs=1.01)
    record = Record(interval=600.0, voltage_change=2e-3)
    by_change = rows_of(Rig().run(Step(ConstantCurrent(CURRENT), Until(voltage_above=4.05), record)))
    moved = np.abs(np.diff([row.voltage for row in by_change]))
    assert len(by_change) > 20
    assert moved[1:-1].max() < 4e-3
