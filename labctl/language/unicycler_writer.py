"""A program's nodes as the method of aurora-unicycler: steps in a row, tags, and loops that go back to one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from devices.cycling.programs import Jump, Loop, Node, Program, Step, loops
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Technique,
    VoltageRamp,
)
from devices.errors import ProgramError
from labctl.language.unicycler_schema import milli

FREQUENCIES = (1e-5, 1e7)
"""Hz, that unicycler allows."""


class Writer:
    """Writes a program's nodes as unicycler's method."""

    def __init__(self, program: Program) -> None:
        self._program = program
        taken = [tag for step in program.leaves() for tag in step.tags]
        taken += [tag for loop in loops(program.steps) for tag in loop.tags]
        twice = next((tag for tag in taken if taken.count(tag) > 1), None)
        if twice is not None:
            raise ProgramError(f"unicycler has every tag once, and {twice!r} stands on several steps")
        self._taken, self._loops, self._step = set(taken), 0, 0

    def method(self) -> Iterator[dict[str, Any]]:
        """Yield the entries."""
        yield from self._entries(self._program.steps)

    def _entries(self, nodes: Sequence[Node]) -> Iterator[dict[str, Any]]:
        for node in nodes:
            if isinstance(node, Jump):
                raise ProgramError(f'unicycler has no field for the jump to "{node.to}"')
            yield from ({"step": "tag", "tag": tag} for tag in node.tags)
            if isinstance(node, Step):
                yield self._entry(node)
                self._step += 1
                continue
            if node.until is not None:
                raise ProgramError(f"the loop at step {self._step}: unicycler has no field for its condition")
            tag = self._own_tag(node)
            yield {"step": "tag", "tag": tag}
            yield from self._entries(node.body)
            yield {"step": "loop", "loop_to": tag, "cycle_count": node.times}

    def _own_tag(self, loop: Loop) -> str:
        while True:
            self._loops += 1
            tag = f"{'cycle' if loop.counts_cycles else 'repeat'}-{self._loops}"
            if tag not in self._taken:
                return tag

    def _entry(self, step: Step) -> dict[str, Any]:
        ends = step.until.named()
        if step.temperature is not None:
            raise self._refused("a temperature")
        entry = {"step": "", **self._driven(step.run, ends)}
        entry["until_time_s"] = ends.pop("duration", None)
        if ends:
            raise self._refused(f"an end by {next(iter(ends))}")
        timeless = isinstance(step.run, VoltageRamp | PotentiostaticImpedance | GalvanostaticImpedance)
        if timeless and entry.pop("until_time_s") is not None:
            raise self._refused("an end by duration")
        return entry

    def _driven(self, run: Technique, ends: dict[str, float]) -> dict[str, Any]:
        """Return a step's own fields; takes the ends out of `ends` that it has a field for."""
        match run:
            case OpenCircuit() if "duration" in ends:
                return {"step": "open_circuit_voltage"}
            case ConstantCurrent(current=drive) if drive:
                volts = ends.pop("voltage_above" if drive > 0 else "voltage_below", None)
                if volts == 0.0:
                    raise self._refused("an end at 0 V; it is as good as none there")
                return {"step": "constant_current", "current_mA": milli(drive), "until_voltage_V": volts}
            case ConstantVoltage(voltage=voltage):
                current = milli(ends.pop("current_below", None))
                return {"step": "constant_voltage", "voltage_V": voltage, "until_current_mA": current}
            case VoltageRamp(start=start, end=end, rate=rate):
                return {
                    "step": "voltage_scan",
                    "start_voltage_V": start,
                    "end_voltage_V": end,
                    "scan_rate_mV_per_s": milli(rate),
                }
            case PotentiostaticImpedance(bias=None, amplitude=amplitude):
                return {**self._spectrum(run), "amplitude_V": amplitude}
            case GalvanostaticImpedance(bias=0.0, amplitude=amplitude):
                return {**self._spectrum(run), "amplitude_mA": milli(amplitude)}
            case PotentiostaticImpedance() | GalvanostaticImpedance():
                raise self._refused("an impedance's bias")
            case OpenCircuit():
                raise self._refused("a rest without a duration")
        raise self._refused("a current of zero" if isinstance(run, ConstantCurrent) else run.technique)

    def _spectrum(self, run: PotentiostaticImpedance | GalvanostaticImpedance) -> dict[str, Any]:
        low, high = FREQUENCIES
        if not (low <= run.first <= high and low <= run.last <= high):
            raise self._refused(f"frequencies beyond {low:g} to {high:g} Hz")
        return {
            "step": "impedance_spectroscopy",
            "start_frequency_Hz": run.first,
            "end_frequency_Hz": run.last,
            "points_per_decade": run.per_decade,
        }

    def _refused(self, what: str) -> ProgramError:
        return ProgramError(f"step {self._step}: unicycler has no field for {what}")
