"""Net charge and energy of foreign rows: from the file's counters, or integrated here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from devices.cycling.cells import SECONDS_PER_HOUR
from labctl.imports.readings import Floats, Integers, Rows, refusal

LIKELY = (0.2, 5.0)
"""Charge by a file's counter over the integral of its current: beyond it, a unit is wrong. Guess; units err by 1000."""


def integrate(rows: Rows) -> tuple[Floats, Floats]:
    """Return net charge [Ah] and energy [Wh] (n,): trapezoids between the good rows of each step."""
    good = np.flatnonzero(np.isfinite(rows.voltage) & np.isfinite(rows.current))
    sums = np.zeros((2, len(rows)))
    if len(good) > 1:
        hours = np.diff(rows.test_time[good]) / SECONDS_PER_HOUR
        within = np.diff(rows.step_count[good]) == 0
        for row, flow in enumerate((rows.current, rows.current * rows.voltage)):
            passed = np.where(within, 0.5 * (flow[good][1:] + flow[good][:-1]) * hours, 0.0)
            sums[row, good[1:]] = passed
    charge, energy = np.cumsum(sums, axis=1)
    return charge, energy


def net_of_counters(gained: Floats, lost: Floats) -> Floats:
    """Return what counters of gain and loss (n,) leave over; either may start anew at any row."""
    return np.asarray(np.cumsum(increments(gained) - increments(lost)))


def net_of_step_counter(counter: Floats, step_count: Integers, sign: Floats) -> Floats:
    """Return the net value of a counter (n,) that starts anew with each step and always goes up.

    sign (n,): of the current.
    """
    rises = np.diff(counter, prepend=0.0)
    begins = np.diff(step_count, prepend=0) != 0
    return np.asarray(np.cumsum(np.where(begins, counter, rises) * sign))


def increments(counter: Floats) -> Floats:
    """Return by how much a counter (n,) rises at each row; a fall is a new start from zero."""
    rises = np.diff(counter, prepend=0.0)
    return np.where(rises >= 0, rises, counter)


def refuse_unlikely(path: Path, rows: Rows) -> None:
    """Raise DataError when the charge that the file counts is not its current over time, by far."""
    if rows.charge is None:
        return
    integral, _ = integrate(rows)
    counted, flowed = (float(np.abs(np.diff(each)).sum()) for each in (rows.charge, integral))
    if counted == 0.0 or flowed == 0.0:
        return
    if not LIKELY[0] < counted / flowed < LIKELY[1]:
        raise refusal(
            path,
            0,
            f"counts {counted:.3g} Ah where its current over time makes {flowed:.3g} Ah;"
            " one of the units in the header is wrong",
        )
