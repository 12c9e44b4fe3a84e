"""What passed between the rows that are told is what passed between all that were measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cycling.cycler import RowTaken
from devices.cycling.tally import Tally


def row(time: float, current: float, voltage: float = 4.0) -> RowTaken:
    return RowTaken(0, time, voltage, current, math.nan)


@given(st.lists(st.tuples(st.floats(-1e-3, 1e-3), st.booleans()), min_size=2, max_size=30))
def test_charge_and_energy_add_up_wherever_rows_are_told(samples: list[tuple[float, bool]]) -> None:
    tally: Tally[RowTaken] = Tally()
    told = []
    for place, (current, is_told) in enumerate(samples):
        taken = row(0.1 * place, current, 4.0 + 0.01 * place)
        tally.add(taken)
        if is_told or place == len(samples) - 1:
            told.append(tally.passed(taken))
            tally.clear(taken)
    times, currents = 0.1 * np.arange(len(samples)), np.array([current for current, _ in samples])
    volts = 4.0 + 0.1 * times
    charge, energy = np.sum(told, axis=0)
    assert charge == pytest.approx(np.trapezoid(currents, times), abs=1e-15)
    assert energy == pytest.approx(np.trapezoid(currents * volts, times), abs=1e-15)


def test_a_failed_reading_is_bridged_and_says_nothing() -> None:
    tally: Tally[RowTaken] = Tally(lead=0.5)
    failed = row(1.0, math.nan)
    for each in (row(0.0, 1e-3), failed):
        tally.add(each)
    assert all(map(math.isnan, tally.passed(failed)))
    tally.clear(failed)
    good = row(2.0, 3e-3)
    tally.add(good)
    assert tally.passed(good) == pytest.approx((0.5e-3 + 4e-3, 4.0 * 4.5e-3))
    assert tally.held is good
