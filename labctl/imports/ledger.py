"""Steps and cycles of foreign rows, as the streams of our own cycling runs have them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devices.cycling.columns import CycleFlag
from labctl.analysis.cycles import capacities
from labctl.imports.readings import Floats, Integers, Rows

REST = 1e-3
"""Share of the largest current below which a step is a rest; guess."""

STEADY = 0.02
"""Share by which half of the readings may differ from their median in a controlled step; guess."""

MOST = 0.9
"""Share of the rows of a controlled current that are steady, whatever its voltage does; guess."""

FIRMLY = 2e-3
"""Volts by which half of the voltages may differ from their median at a controlled voltage; guess."""

EVENLY = 0.1
"""Share by which half of the slopes of a voltage ramp may differ from their median; guess."""

STRIDES = (1, 10)
"""Rows over which the slopes of a ramp are taken: over ten, the noise of a reading counts a tenth."""

FEWEST = 4
"""Slopes apart from one another without which nothing is called a ramp."""


def flags_of(rows: Rows) -> Integers:
    """Return the flags (n,) of rows: which readings failed."""
    flags = np.where(np.isnan(rows.voltage), int(CycleFlag.VOLTAGE_INVALID), 0)
    return np.asarray(
        flags | np.where(np.isnan(rows.current), int(CycleFlag.CURRENT_INVALID), 0), dtype=np.int64
    )


def steps_of(rows: Rows, charge: Floats, energy: Floats) -> list[dict[str, Any]]:
    """Return a row of `steps` per step. How a step was driven is told from its rows, why it ended is not known.

    charge [Ah], energy [Wh] (n,): net and cumulative.
    """
    flags = flags_of(rows)
    largest = float(np.nanmax(np.abs(rows.current), initial=0.0))
    begins = np.flatnonzero(np.diff(rows.step_count, prepend=rows.step_count[0] - 1))
    ends = np.append(begins[1:], len(rows))
    found = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        # What flows up to the first row of the next step is that step's, as the counters have it.
        before = max(begin - 1, 0)
        found.append(
            {
                "step_index": int(rows.step_index[begin]),
                "step_count": int(rows.step_count[begin]),
                "cycle": int(rows.cycle[begin]),
                "technique": technique_of(
                    rows.test_time[begin:end], rows.voltage[begin:end], rows.current[begin:end], largest
                ),
                "end_reason": "unknown",
                "t_start": float(rows.test_time[begin]),
                "t_end": float(rows.test_time[end - 1]),
                "v_start": float(rows.voltage[begin]),
                "v_end": float(rows.voltage[end - 1]),
                "charge": float(charge[end - 1] - charge[before]),
                "energy": float(energy[end - 1] - energy[before]),
                "flags": int(np.bitwise_or.reduce(flags[begin:end]) | CycleFlag.END_UNCLEAR),
            }
        )
    return found


def technique_of(time: Floats, voltage: Floats, current: Floats, largest: float) -> str:
    """Return how a step was driven, by its rows (n,): nothing else is the same in all formats.

    time [s], voltage [V], current [A]; largest: current of the test [A]. A step that holds its current first and
    then its voltage counts as one of constant current, "mixed" is what is neither.
    """
    good = np.isfinite(voltage) & np.isfinite(current)
    flows, volts = np.abs(current[good]), voltage[good]
    if not len(flows) or flows.max() <= REST * largest:
        return "open_circuit"
    median = float(np.median(flows))
    # Between its waves a voltammogram's current is as steady as any; only its voltage tells.
    held = float(np.quantile(np.abs(flows - median), MOST)) <= STEADY * median
    if not held and any(_ramps(time[good], volts, stride) for stride in STRIDES):
        return "voltage_ramp"
    if _steady(flows, STEADY * median) or _steady(flows[: len(flows) // 2], STEADY * flows[0]):
        return "constant_current"
    return "constant_voltage" if _steady(volts, FIRMLY) else "mixed"


def _ramps(time: Floats, volts: Floats, stride: int) -> bool:
    """Return whether a voltage goes up and down at one rate, seen over so many rows."""
    if len(volts) <= FEWEST * stride or _steady(volts, FIRMLY):
        return False
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.abs((volts[stride:] - volts[:-stride]) / (time[stride:] - time[:-stride]))
    return _steady(slopes, EVENLY * float(np.median(slopes)))


def cycles_of(rows: Rows, charge: Floats, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row of `cycles` per cycle with a discharge, by the same sums as everywhere."""
    good = np.isfinite(rows.voltage) & np.isfinite(rows.current)
    found = []
    for each in capacities(rows.cycle[good], rows.current[good], charge[good], rows.voltage[good]):
        rests = [
            step for step in steps if step["cycle"] == each.cycle and step["technique"] == "open_circuit"
        ]
        rest = rests[-1]["v_end"] if rests else math.nan
        flags = CycleFlag.OK if math.isfinite(each.efficiency) else CycleFlag.NO_EFFICIENCY
        flags |= CycleFlag.OK if math.isfinite(rest) else CycleFlag.NO_REST
        found.append(
            {
                "cycle": each.cycle,
                "charge_capacity": each.charge_capacity,
                "discharge_capacity": each.discharge_capacity,
                "charge_energy": each.charge_energy,
                "discharge_energy": each.discharge_energy,
                "efficiency": each.efficiency,
                "end_voltage_rest": rest,
                "flags": int(flags),
            }
        )
    return found


def _steady(values: Floats, most: float) -> bool:
    return len(values) > 0 and float(np.median(np.abs(values - np.median(values)))) <= most
