"""The cycle table: what each cycle took and gave, and the tables made of it: over rates, and energy over power."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices.base import Column
from labctl.analysis.cycles import CycleCapacity, capacities
from labctl.analysis.steps import UNSEEN, StepResistance, step_resistance
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import STEADY, Rows, Source, Span

SAME_RATE = 0.02
"""Share by which currents or powers may differ and still be one rate."""

SIZED = {"charge_capacity": "Ah", "discharge_capacity": "Ah"}

COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "discharge_current": Column("A", precision=10),
    "charge_capacity": Column("Ah", precision=12),
    "discharge_capacity": Column("Ah", precision=12),
    **{
        f"{name}_per_{what}{end}": Column(f"{unit}/{by}")
        for name, unit in SIZED.items()
        for what, by in (("area", "m^2"), ("volume", "m^3"))
        for end in ("", "_sd")
    },
    "efficiency": Column("1"),
    "charge_energy": Column("Wh", precision=12),
    "discharge_energy": Column("Wh", precision=12),
    "energy_efficiency": Column("1"),
    "charge_voltage": Column("V"),
    "discharge_voltage": Column("V"),
    "hysteresis": Column("V"),
    "retention": Column("1"),
    "end_of_charge_rest": Column("V"),
    "charge_resistance": Column("ohm"),
    "charge_resistance_delay": Column("s"),
    "discharge_resistance": Column("ohm"),
    "discharge_resistance_delay": Column("s"),
    "flags": Column("1", "integer"),
}
"""Voltages are means weighted with charge, hysteresis their difference; retention is over the first finished cycle at
the same discharge current; resistances are those of the first rows after the half began."""

RATE_COLUMNS: Mapping[str, Column] = {
    "discharge_current": Column("A", precision=10),
    "current_density": Column("A/m^2"),
    "c_rate": Column("1/h"),
    "c_rate_sd": Column("1/h"),
    "cycle": Column("1", "integer"),
    "cycles": Column("1", "integer"),
    **{name: COLUMNS[name] for name in COLUMNS if name.startswith("discharge_capacity")},
    "share_of_slowest": Column("1"),
    "last_change": Column("1"),
    "flags": Column("1", "integer"),
}
"""The last finished cycle at each rate; last_change is its capacity over that of the cycle before, less one."""

RAGONE_COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "power": Column("W", precision=12),
    "energy": Column("Wh", precision=12),
    "duration": Column("s", precision=3),
    **{
        f"{name}_per_{what}{end}": Column(f"{unit}/{by}")
        for name, unit in (("power", "W"), ("energy", "Wh"))
        for what, by in (("area", "m^2"), ("volume", "m^3"))
        for end in ("", "_sd")
    },
    "flags": Column("1", "integer"),
}
"""Mean power of a discharge and what it gave, the last finished cycle at each power."""


@dataclass(frozen=True)
class Cycle:
    """A cycle's capacities, its charging and discharging steps, and whether each half came to its end."""

    capacity: CycleCapacity
    spans: Sequence[Span]
    flags: DerivedFlag

    def half(self, sign: int) -> list[Span]:
        """Return the steps of the charge (1) or the discharge (-1)."""
        return [span for span in self.spans if span.sign == sign]

    def finished(self, sign: int) -> bool:
        """Return whether a half is there and no step of it was cut short, as far as anything says it."""
        return bool(self.half(sign)) and all(span.finished is not False for span in self.half(sign))


def applies(source: Source) -> bool:
    """Return whether a run has cycles: charge and discharge, in a program that counts them or in data without one."""
    if source.rows is None or not _counts_cycles(source):
        return False
    signs = {span.sign for span in source.spans}
    return {1, -1} <= signs


def cycles_of(source: Source) -> list[Cycle]:
    """Return the cycles of a run that have a discharge, in order."""
    rows = source.rows
    if rows is None or not rows.time.size:
        return []
    found = []
    for capacity in capacities(rows.cycle, rows.current, rows.charge, rows.voltage):
        spans = [span for span in source.spans if span.cycle == capacity.cycle]
        flags = DerivedFlag.OK
        if any(span.finished is False for span in spans):
            flags |= DerivedFlag.UNFINISHED
        if any(span.finished is None for span in spans):
            flags |= DerivedFlag.END_UNKNOWN
        if rows.left_out:
            flags |= DerivedFlag.ROWS_LEFT_OUT
        found.append(Cycle(capacity, spans, flags))
    return found


def _cycle_rows(source: Source, parameters: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _table(source, parameters)}


def _table(source: Source, parameters: Parameters) -> Iterator[dict[str, Any]]:
    references: list[CycleCapacity] = []
    cycles = cycles_of(source)
    first_number = cycles[0].capacity.cycle if cycles else 0
    for cycle in cycles:
        capacity = cycle.capacity
        charged, discharged = cycle.finished(1), cycle.finished(-1)
        both = charged and discharged
        into = capacity.charge_capacity if charged else math.nan
        out = capacity.discharge_capacity if discharged else math.nan
        energy_in = capacity.charge_energy if charged else math.nan
        energy_out = capacity.discharge_energy if discharged else math.nan
        flags = cycle.flags | (DerivedFlag.OK if capacity.cycle != first_number else DerivedFlag.FIRST)
        reference = next((each for each in references if _same(capacity, each)), None)
        if discharged and reference is None:
            reference = capacity
            references.append(capacity)
        rest = _rest_after_charge(source, cycle)
        flags |= DerivedFlag.NO_REST if math.isnan(rest) else 0
        first, second = (_resistance(source, cycle, sign, parameters) for sign in (1, -1))
        missing = math.isnan(first.resistance) or math.isnan(second.resistance)
        flags |= DerivedFlag.NO_RESISTANCE if missing else 0
        flags |= DerivedFlag.NO_REFERENCE if reference is None else 0
        yield {
            "cycle": capacity.cycle,
            "discharge_current": capacity.discharge_current,
            "charge_capacity": into,
            "discharge_capacity": out,
            **sized(source, "charge_capacity", into),
            **sized(source, "discharge_capacity", out),
            "efficiency": capacity.efficiency if both else math.nan,
            "charge_energy": energy_in,
            "discharge_energy": energy_out,
            "energy_efficiency": capacity.energy_efficiency if both else math.nan,
            "charge_voltage": _over(energy_in, into),
            "discharge_voltage": _over(energy_out, out),
            "hysteresis": capacity.voltage_gap if both else math.nan,
            "retention": math.nan if reference is None else _over(out, reference.discharge_capacity),
            "end_of_charge_rest": rest,
            "charge_resistance": first.resistance,
            "charge_resistance_delay": first.delay,
            "discharge_resistance": second.resistance,
            "discharge_resistance_delay": second.delay,
            "flags": int(flags | (0 if source.size.known else DerivedFlag.NO_SIZE)),
        }


def _rate_rows(source: Source, _: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _rates(source)}


def _rates(source: Source) -> Iterator[dict[str, Any]]:
    finished = [cycle for cycle in cycles_of(source) if cycle.finished(-1)]
    groups = _grouped(finished, lambda cycle: cycle.capacity.discharge_current)
    slowest = min(groups, default=math.nan)
    for _, cycles in sorted(groups.items()):
        last = cycles[-1]
        out, size = last.capacity.discharge_capacity, source.size
        before = cycles[-2].capacity.discharge_capacity if len(cycles) > 1 else math.nan
        flags = last.flags | (0 if size.known else DerivedFlag.NO_SIZE)
        flags |= 0 if _steady(source, last, "current") else DerivedFlag.NOT_CONSTANT
        flags |= DerivedFlag.NO_REFERENCE if math.isnan(before) else 0
        flags |= DerivedFlag.NO_CAPACITY if math.isnan(size.capacity) else 0
        # A C-rate is as uncertain as the capacity that it is reckoned with.
        rate = last.capacity.discharge_current / size.capacity
        yield {
            "discharge_current": last.capacity.discharge_current,
            "current_density": last.capacity.discharge_current / size.area,
            "c_rate": rate,
            "c_rate_sd": rate * size.capacity_sd / size.capacity,
            "cycle": last.capacity.cycle,
            "cycles": len(cycles),
            "discharge_capacity": out,
            **sized(source, "discharge_capacity", out),
            "share_of_slowest": _over(out, groups[slowest][-1].capacity.discharge_capacity),
            "last_change": _over(out, before) - 1.0,
            "flags": int(flags),
        }


def _ragone_rows(source: Source, _: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _ragone(source)}


def _ragone(source: Source) -> Iterator[dict[str, Any]]:
    rows = source.rows
    assert rows is not None
    finished = [cycle for cycle in cycles_of(source) if cycle.finished(-1) and _duration(rows, cycle) > 0.0]

    def power_of(cycle: Cycle) -> float:
        return 3600.0 * cycle.capacity.discharge_energy / _duration(rows, cycle)

    for power, cycles in sorted(_grouped(finished, power_of).items()):
        last = cycles[-1]
        power, energy = power_of(last), last.capacity.discharge_energy
        flags = last.flags | (0 if source.size.known else DerivedFlag.NO_SIZE)
        flags |= 0 if _steady(source, last, "power") else DerivedFlag.NOT_CONSTANT
        yield {
            "cycle": last.capacity.cycle,
            "power": power,
            "energy": energy,
            "duration": _duration(rows, last),
            **sized(source, "power", power),
            **sized(source, "energy", energy),
            "flags": int(flags),
        }


def sized(source: Source, name: str, value: float) -> dict[str, float]:
    """Return a quantity per area and per volume of the film, each with its standard uncertainty."""
    area, area_sd = source.size.per_area(value)
    volume, volume_sd = source.size.per_volume(value)
    return {
        f"{name}_per_area": area,
        f"{name}_per_area_sd": area_sd,
        f"{name}_per_volume": volume,
        f"{name}_per_volume_sd": volume_sd,
    }


def _counts_cycles(source: Source) -> bool:
    body = (source.run.start.get("program") or {}).get("body")
    return body is None or any(_has_counting_loop(node) for node in body.get("steps", ()))


def _has_counting_loop(node: Mapping[str, Any]) -> bool:
    return bool(node.get("counts_cycles")) or any(_has_counting_loop(inner) for inner in node.get("body", ()))


def _same(cycle: CycleCapacity, other: CycleCapacity) -> bool:
    return math.isclose(cycle.discharge_current, other.discharge_current, rel_tol=SAME_RATE)


def _grouped(cycles: Sequence[Cycle], by: Any) -> dict[float, list[Cycle]]:
    """Return cycles by a quantity of theirs; the key is that of the group's first."""
    groups: dict[float, list[Cycle]] = {}
    for cycle in cycles:
        value = float(by(cycle))
        key = next((known for known in groups if math.isclose(known, value, rel_tol=SAME_RATE)), value)
        groups.setdefault(key, []).append(cycle)
    return groups


def _steady(source: Source, cycle: Cycle, what: str) -> bool:
    """Return whether current or power was held over the discharge, its first row apart."""
    rows = source.rows
    assert rows is not None
    chosen = np.concatenate([np.arange(span.begin + 1, span.end) for span in cycle.half(-1)])
    values = rows.current[chosen] * (rows.voltage[chosen] if what == "power" else 1.0)
    return bool(values.size) and float(np.std(values)) <= STEADY * abs(float(np.median(values)))


def _duration(rows: Rows, cycle: Cycle) -> float:
    return float(sum(rows.time[span.end - 1] - rows.time[max(span.begin - 1, 0)] for span in cycle.half(-1)))


def _rest_after_charge(source: Source, cycle: Cycle) -> float:
    """Return the voltage [V] at the end of the rest between charge and discharge; NaN without one."""
    rows, found, charged = source.rows, math.nan, False
    assert rows is not None
    for span in cycle.spans:
        if span.sign < 0 and charged:
            break
        if span.technique == "open_circuit" and charged and span.finished is not False:
            found = float(rows.voltage[span.end - 1])
        charged = charged or span.sign > 0
    return found


def _resistance(source: Source, cycle: Cycle, sign: int, parameters: Parameters) -> StepResistance:
    rows, half = source.rows, cycle.half(sign)
    assert rows is not None
    if not half or half[0].begin == 0:
        return UNSEEN
    some = slice(half[0].begin - 1, half[0].end)
    seen = (rows.time[some], rows.voltage[some], rows.current[some])
    return step_resistance(*seen, parameters["delay"], parameters["latest"])


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else math.nan


CYCLE_TABLE = Kind(
    "cycle_table",
    "capacity, efficiency, energy, voltages, retention and resistance of each cycle",
    {"primary": COLUMNS},
    applies,
    _cycle_rows,
    {"delay": 0.0, "latest": 30.0},
)
RATE_TABLE = Kind(
    "rate_table",
    "capacity at each discharge current, its last cycle",
    {"primary": RATE_COLUMNS},
    applies,
    _rate_rows,
)
RAGONE = Kind(
    "ragone", "energy over mean power of the discharges", {"primary": RAGONE_COLUMNS}, applies, _ragone_rows
)
