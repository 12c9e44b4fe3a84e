"""Capacity, energy and efficiencies per cycle from rows of voltage, current and net charge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_AGAINST = 0.01  # of all charge that passed: what noise at rest may move against the current


@dataclass(frozen=True)
class CycleCapacity:
    """One cycle: its number, and what passed in it.

    discharge_current: mean [A], weighted with charge, positive; charge_capacity, discharge_capacity: in the unit
    of the charge given;
    charge_energy, discharge_energy: in that unit times volt, positive, NaN where no voltage was given.
    """

    cycle: int
    discharge_current: float
    charge_capacity: float
    discharge_capacity: float
    charge_energy: float = math.nan
    discharge_energy: float = math.nan

    @property
    def efficiency(self) -> float:
        """Return discharge over charge capacity, the coulombic efficiency [-]; NaN without a charge."""
        return _share(self.discharge_capacity, self.charge_capacity)

    @property
    def energy_efficiency(self) -> float:
        """Return discharge over charge energy [-]; NaN without a charge or a voltage."""
        return _share(self.discharge_energy, self.charge_energy)

    @property
    def voltage_gap(self) -> float:
        """Return the mean voltage of the charge less that of the discharge [V], each weighted with charge.

        What polarisation and hysteresis cost: it grows with resistance, where the capacity may not show it
        yet. NaN without a charge or a voltage.
        """
        charging = _share(self.charge_energy, self.charge_capacity)
        return charging - _share(self.discharge_energy, self.discharge_capacity)


def capacities(
    cycle: Integers, current: Floats, charge: Floats, voltage: Floats | None = None
) -> list[CycleCapacity]:
    """Return the capacities of each cycle, and the energies where a voltage is given.

    cycle (n,), current [A] (n,) positive on charge, charge (n,) net and cumulative, in any unit: capacities come in
    the same unit. voltage [V] (n,): energies are its integral over charge by the trapezoid between rows, so
    sparse rows cost accuracy there and none in the capacities. Rows without a charge are bridged, what passed
    meanwhile counts; a voltage that is missing is taken from the line between its neighbours. A cycle without a
    discharge is left out. Whether a cycle was finished cannot be seen here: the last one of a run that was cut
    short is as large as it came.
    Raises ValueError for vectors of different lengths, or a charge that moves against the current.
    """
    given = (cycle, current, charge) if voltage is None else (cycle, current, charge, voltage)
    if len({np.shape(each) for each in given}) != 1:
        raise ValueError("cycle, current, charge and voltage must be vectors of one length")
    known = np.isfinite(charge)
    cycle, current, charge = cycle[known], current[known], charge[known]
    voltage = None if voltage is None else _filled(voltage[known])
    rises = np.diff(charge)
    _check_net(current, rises)
    volts = np.full(rises.shape, math.nan) if voltage is None else 0.5 * (voltage[1:] + voltage[:-1])
    up, down = rises > 0, rises < 0
    # By charge and not by rows: at rest a current is noise of either sign, and rows are uneven.
    discharging = down & (current[1:] < 0)
    numbers, place = np.unique(cycle[1:], return_inverse=True)

    def total(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
        return np.bincount(place[chosen], values[chosen], minlength=numbers.size).astype(np.float64)

    into, out, driven = total(rises, up), total(-rises, down), total(-rises, discharging)
    flowing = total(current[1:] * rises, discharging)
    energies = [np.full(numbers.size, math.nan)] * 2
    if voltage is not None:
        energies = [total(rises * volts, up), total(-rises * volts, down)]
    return [
        CycleCapacity(
            cycle=int(numbers[index]),
            discharge_current=float(flowing[index] / driven[index]),
            charge_capacity=float(into[index]),
            discharge_capacity=float(out[index]),
            charge_energy=float(energies[0][index]),
            discharge_energy=float(energies[1][index]),
        )
        for index in np.flatnonzero(driven > 0.0)
    ]


def branches(
    cycle: Integers, current: Floats, charge: Floats, voltage: Floats, number: int
) -> list[tuple[Floats, Floats]]:
    """Return charge and discharge branch of one cycle as (charge passed since its start, voltage).

    Arrays (n,) as in `capacities`; voltage [V]. Rows without a number are left out, and so is a branch without
    rows.
    """
    rows = (cycle == number) & np.isfinite(charge) & np.isfinite(voltage)
    found = []
    for sign in (1, -1):
        chosen = rows & (np.sign(current) == sign)
        if chosen.any():
            found.append((np.abs(charge[chosen] - charge[chosen][0]), voltage[chosen]))
    return found


def _filled(voltage: Floats) -> Floats:
    """Return a voltage with what is missing on the line between the rows beside it; NaN throughout without any."""
    rows, known = np.arange(voltage.size), np.isfinite(voltage)
    return np.interp(rows, rows[known], voltage[known]) if known.any() else np.full(voltage.shape, math.nan)


def _check_net(current: Floats, rises: Floats) -> None:
    """Refuse a charge that is not net: one that starts anew with each step, or that counts discharge upwards."""
    driven = np.sign(current[1:]) == np.sign(current[:-1])
    against = driven & (np.sign(rises) * np.sign(current[1:]) < 0.0)
    if float(np.abs(rises[against]).sum()) > _AGAINST * float(np.abs(rises).sum()):
        raise ValueError(
            "the charge moves against the current; it must be net and cumulative, positive on charge"
        )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else math.nan
