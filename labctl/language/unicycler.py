"""Programs to the JSON of aurora-unicycler and back.

Charge is positive on both sides. What unicycler has no field for is refused naming the step; name, what a lost
host means and a safety delay are not carried. A loop goes back to a tag of its own: "cycle-1" where its passes are
counted, "repeat-1" where not. In files from elsewhere a loop counts when charges and discharges stand in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from devices.cycling.cells import SECONDS_PER_HOUR, CellSize
from devices.cycling.programs import CellLimits, Program
from devices.cycling.techniques import Record
from devices.errors import ConfigError, Mistake, ProgramError
from labctl.config.checking import validate
from labctl.language.mistakes import each_of, together
from labctl.language.unicycler_reader import Reader
from labctl.language.unicycler_schema import Protocol, Safety, ampere, milli
from labctl.language.unicycler_writer import Writer


def to_unicycler(program: Program, cell: CellSize | None = None) -> dict[str, Any]:
    """Return the protocol as unicycler's JSON has it. Raises ProgramError naming what it has no field for."""
    steps = program.leaves()
    record = steps[0].record
    other = next((index for index, step in enumerate(steps) if step.record != record), None)
    if other is not None:
        raise ProgramError(f"step {other}: unicycler records all steps alike, and this one records otherwise")
    return {
        "unicycler": {},
        "sample": {"name": "$NAME", "capacity_mAh": _capacity(program.rates_on or cell)},
        "record": {
            "current_mA": milli(record.current_change),
            "voltage_V": record.voltage_change,
            "time_s": record.interval,
        },
        "safety": _safety(program.limits),
        "method": list(Writer(program).method()),
    }


def from_unicycler(
    body: Mapping[str, Any],
    *,
    name: str,
    cell: CellSize | None = None,
    limits: CellLimits | None = None,
    on_host_loss: Literal["keep", "open"] = "keep",
    file: str = "unicycler",
) -> Program:
    """Return the program of a protocol. C-rates use its own capacity, or else the cell's.

    limits: for what the protocol's `safety` leaves open. Raises ConfigError for a file that is not of
    unicycler's form, ProgramError for what has no meaning here.
    """
    return UnicyclerProgram(name, protocol_of(body, file), limits, on_host_loss, file).on(cell)


def protocol_of(body: Mapping[str, Any], file: str = "unicycler") -> Protocol:
    """Return a protocol as it was read. Raises ConfigError with every key that is not of unicycler's form."""
    return validate(Protocol, dict(body), file=file)


@dataclass(frozen=True)
class UnicyclerProgram:
    """A protocol of unicycler's as a macro: a program once the cell is known; `limits` as in from_unicycler."""

    name: str
    protocol: Protocol
    limits: CellLimits | None = None
    on_host_loss: Literal["keep", "open"] = "keep"
    file: str = "unicycler"

    def on(self, cell: CellSize | None) -> Program:
        """Return the program for this cell; C-rates are those of the file's own capacity, where it has one.

        Raises ProgramError.
        """
        protocol, own = self.protocol, self.protocol.sample.capacity_mAh
        rates_on = None
        if own is not None:
            area, basis = 1.0 if cell is None else cell.area, f"sample.capacity_mAh in {self.file}"
            cell = rates_on = CellSize(area, ampere(own) * SECONDS_PER_HOUR, basis=basis)
        rows = protocol.record
        try:
            record = Record(
                rows.time_s, rows.voltage_V, None if rows.current_mA is None else ampere(rows.current_mA)
            )
            nodes = Reader(protocol.method, cell, record).nodes()
            limits = _limits(protocol.safety, self.limits)
            return Program(self.name, nodes, limits, self.on_host_loss, rates_on)
        except ValidationError as error:
            raise together([ProgramError(f"{self.file}: {said}") for said in each_of(error)]) from error


def load(text: str, file: str) -> Mapping[str, Any]:
    """Return the JSON in a text. Raises ConfigError when it is none, or no table."""
    try:
        body = json.loads(text, parse_constant=lambda word: word)
    except ValueError as error:  # of which JSONDecodeError is one, and a number of 5000 digits another
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise ConfigError([Mistake(file, "", "", f"not JSON: {str(error)[:80]}", line)]) from error
    except RecursionError as error:
        raise ConfigError([Mistake(file, "", "", "nested too deeply")]) from error
    if not isinstance(body, dict):
        raise ConfigError([Mistake(file, "", "", "must be a table with record and method")])
    return body


def _capacity(cell: CellSize | None) -> float | None:
    return None if cell is None or cell.capacity is None else 1e3 * cell.capacity / SECONDS_PER_HOUR


def _safety(limits: CellLimits) -> dict[str, Any]:
    charge = limits.charge_max
    return {
        "max_voltage_V": limits.voltage_max,
        "min_voltage_V": limits.voltage_min,
        "max_current_mA": milli(limits.current_max),
        "min_current_mA": milli(-limits.current_max),
        "max_capacity_mAh": None if charge is None else 1e3 * charge / SECONDS_PER_HOUR,
        "delay_s": None,
    }


def _limits(safety: Safety, otherwise: CellLimits | None) -> CellLimits:
    """Return the cell's limits; the tighter of the two currents, since ours has no sign."""
    currents = [abs(each) for each in (safety.max_current_mA, safety.min_current_mA) if each is not None]
    charge = safety.max_capacity_mAh
    found: dict[str, Any] = {
        "voltage_min": safety.min_voltage_V,
        "voltage_max": safety.max_voltage_V,
        "current_max": ampere(min(currents)) if currents else None,
        "charge_max": 1e-3 * charge * SECONDS_PER_HOUR if charge else None,
    }
    for name, value in found.items():
        if value is None and otherwise is None and name != "charge_max":
            raise ProgramError(f"unicycler: safety says nothing of {name}; give the cell's limits")
        found[name] = getattr(otherwise, name, None) if value is None else value
    return CellLimits(**found)
