"""What the streams of a cycling run hold."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from devices.base import Column


class CycleFlag(enum.IntFlag):
    """What a row, a step or a cycle may have to say about itself."""

    OK = 0
    VOLTAGE_INVALID = 1  # the reading failed: NaN, charge and energy bridge to the next good row
    CURRENT_INVALID = 2  # as above
    CURRENT_LOST = 4  # the current is not the one asked for: open lead, or the cell takes no more
    STOPPED_EARLY = 8  # the step or cycle was cut short: by us, by a safety limit, or by the instrument
    END_UNCLEAR = 16  # the last row does not show which of the step's ends was reached
    LONGEST_REACHED = 32  # no end of the program's own, but the station's bound on a step
    NO_EFFICIENCY = 64  # the cycle lacks its charge or its discharge: efficiency is NaN
    NO_REST = 128  # the cycle had no rest: end_voltage_rest is NaN
    SATURATED = 256  # a spectrum point whose reading failed: NaN


CYCLER = "channels"
"""The part of the station that measures."""

PRIMARY_COLUMNS: Mapping[str, Column] = {
    "test_time": Column("s", precision=3),
    "unix_time": Column("s", precision=3),
    "voltage": Column("V", part=CYCLER),
    "current": Column("A", precision=10, part=CYCLER),
    "charge": Column("Ah", precision=12),
    "energy": Column("Wh", precision=12),
    "step_index": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "cycle": Column("1", "integer"),
    "record": Column("1", "integer", part=CYCLER),
    "ambient_temperature": Column("degC", precision=2, part=CYCLER),
    "range": Column("1", "integer"),
    "flags": Column("1", "integer"),
}

STEP_COLUMNS: Mapping[str, Column] = {
    "step_index": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "cycle": Column("1", "integer"),
    "technique": Column("1", "string"),
    "end_reason": Column("1", "string"),
    "t_start": Column("s", precision=3),
    "t_end": Column("s", precision=3),
    "v_start": Column("V"),
    "v_end": Column("V"),
    "charge": Column("Ah", precision=12),
    "energy": Column("Wh", precision=12),
    "flags": Column("1", "integer"),
}

IMPEDANCE_COLUMNS: Mapping[str, Column] = {
    "spectrum": Column("1", "integer"),
    "record": Column("1", "integer", part=CYCLER),
    "test_time": Column("s", precision=3),
    "frequency": Column("Hz", precision=6, part=CYCLER),
    "z_real": Column("ohm", part=CYCLER),
    "z_imag": Column("ohm", part=CYCLER),
    "dc_voltage": Column("V", part=CYCLER),
    "dc_current": Column("A", precision=10, part=CYCLER),
    "amplitude": Column("1", part=CYCLER),
    "distortion": Column("1", part=CYCLER),
    "step_index": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "cycle": Column("1", "integer"),
    "flags": Column("1", "integer"),
}
"""z_imag is as measured, negative when capacitive; amplitude is the sine's peak, V or A as the step drives."""

CYCLE_COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "charge_capacity": Column("Ah", precision=12),
    "discharge_capacity": Column("Ah", precision=12),
    "charge_energy": Column("Wh", precision=12),
    "discharge_energy": Column("Wh", precision=12),
    "efficiency": Column("1"),
    "end_voltage_rest": Column("V"),
    "flags": Column("1", "integer"),
}
