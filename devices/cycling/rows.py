"""The rows of a cycling run: from what was counted to the columns of its streams."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from devices.base import RowStream
from devices.cycling.books import Counts, Execution, Offsets, OpenCycle, OpenStep
from devices.cycling.columns import CycleFlag
from devices.cycling.cycler import RowTaken, SpectrumPoint
from devices.cycling.ends import EndReason
from devices.cycling.programs import Step


class CycleRows:
    """Appends rows to the streams `primary`, `impedance`, `steps` and `cycles`, counted from `offsets` on.

    began [s] is the time label of the start; range_of gives a step's current range as a number.
    """

    def __init__(
        self, streams: Mapping[str, RowStream], began: float, range_of: Callable[[Step], int]
    ) -> None:
        self.offsets = Offsets()
        self._streams, self._began, self._range_of = streams, began, range_of

    @property
    def name(self) -> str:
        """Whose rows they are."""
        return self._streams["primary"].name

    def row(self, record: RowTaken, execution: Execution, counts: Counts, flags: CycleFlag) -> None:
        """Append a row with the charge and energy counted up to it."""
        row = {
            "test_time": counts.offset + record.time - self.offsets.test_time,
            "unix_time": self._began + counts.offset + record.time,
            "voltage": record.voltage,
            "current": record.current,
            "charge": counts.charge - self.offsets.charge,
            "energy": counts.energy - self.offsets.energy,
            "record": record.number,
            "ambient_temperature": record.temperature,
            "range": self._range_of(execution.step),
            "flags": int(flags),
        }
        self._append("primary", counts.offset + record.time, execution, row)

    def point(self, point: SpectrumPoint, execution: Execution, counts: Counts, flags: CycleFlag) -> None:
        """Append one frequency of a spectrum."""
        row = {
            "spectrum": counts.spectra,
            "record": point.number,
            "test_time": counts.offset + point.time - self.offsets.test_time,
            "frequency": point.frequency,
            "z_real": point.z_real,
            "z_imag": point.z_imag,
            "dc_voltage": point.voltage,
            "dc_current": point.current,
            "amplitude": point.amplitude,
            "distortion": point.distortion,
            "flags": int(flags),
        }
        self._append("impedance", counts.offset + point.time, execution, row)

    def step(self, step: OpenStep, counts: Counts, reason: EndReason, flags: CycleFlag) -> None:
        """Append a step that is over."""
        first, last = step.first, step.last
        axis = counts.offset - self.offsets.test_time
        row = {
            "technique": step.execution.step.run.technique,
            "end_reason": str(reason),
            "t_start": math.nan if first is None else axis + first.time,
            "t_end": math.nan if last is None else axis + last.time,
            "v_start": math.nan if first is None else first.voltage,
            "v_end": math.nan if last is None else last.voltage,
            "charge": step.charge,
            "energy": step.energy,
            "flags": int(flags),
        }
        self._append("steps", counts.last_time, step.execution, row)

    def cycle(self, cycle: OpenCycle, counts: Counts, *, early: bool) -> None:
        """Append a cycle that is over; early: it was cut short."""
        flags = CycleFlag.STOPPED_EARLY if early else CycleFlag.OK
        if math.isnan(cycle.efficiency):
            flags |= CycleFlag.NO_EFFICIENCY
        if math.isnan(cycle.end_voltage_rest):
            flags |= CycleFlag.NO_REST
        row = {
            "cycle": cycle.number - self.offsets.cycle,
            "charge_capacity": cycle.charge_capacity,
            "discharge_capacity": cycle.discharge_capacity,
            "charge_energy": cycle.charge_energy,
            "discharge_energy": cycle.discharge_energy,
            "efficiency": cycle.efficiency,
            "end_voltage_rest": cycle.end_voltage_rest,
            "flags": int(flags),
        }
        self._streams["cycles"].append(self._began + counts.last_time, row)

    def _append(self, stream: str, at: float, execution: Execution, row: Mapping[str, object]) -> None:
        place = {
            "step_index": execution.step_index,
            "step_count": execution.step_count - self.offsets.step_count,
            "cycle": execution.cycle - self.offsets.cycle,
        }
        self._streams[stream].append(self._began + at, {**row, **place})
