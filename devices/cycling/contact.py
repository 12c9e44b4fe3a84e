"""What the voltage of a cell without current says of its leads, before anything is started."""

from __future__ import annotations

import math

from devices.cycling.programs import CellLimits
from devices.cycling.verdict import NO_VOLTAGE, RAIL


def contact_fault(voltage: float, limits: CellLimits, expected: float | None, tolerance: float) -> str | None:
    """Return what is wrong with a cell by its rest voltage [V], None when nothing is.

    expected [V] is what the sample's record says of its rest voltage, None: nothing; tolerance [V] around it.
    A program whose window reaches to zero or below is for cells without a voltage of their own.
    """
    if math.isnan(voltage) or abs(voltage) >= RAIL:
        return f"no voltage can be read ({voltage:g} V): a lead is open"
    if limits.voltage_min > 0.0:
        if abs(voltage) < NO_VOLTAGE:
            return f"the leads have {1e3 * voltage:.1f} mV: no cell is connected, or it is shorted"
        if voltage < 0.0:
            return f"the cell has {voltage:.3f} V: its polarity is reversed"
    if voltage > limits.voltage_max:
        return (
            f"the cell has {voltage:.3f} V, above the program's limits.voltage_max = {limits.voltage_max:g} V"
        )
    if voltage < limits.voltage_min:
        return (
            f"the cell has {voltage:.3f} V, below the program's limits.voltage_min = {limits.voltage_min:g} V"
        )
    if expected is not None and abs(voltage - expected) > tolerance:
        return (
            f"the cell has {voltage:.3f} V, the sample's record says {expected:.3f} V: another cell may be"
            " connected (if it is the right one, widen the station's voltage_tolerance)"
        )
    return None
