"""The rows of a train: one per pulse, what happened beside them, and how far measured and predicted are apart."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

from devices.base import Column, RowStream
from devices.clock import Clock
from devices.flown.account import FlightLog
from devices.recipes import AnnealRecipe
from devices.roles.lamp_parts import Trace

CELSIUS = 273.15


class PulseFlag(enum.IntFlag):
    """What a pulse's row may have to say about itself."""

    OK = 0
    HELD_BEFORE = 1  # the train stood still before it: the film had cooled more than the recipe says
    ENERGY_MISSING = 2  # the meter told no energy of it
    TRIGGER_UNCONFIRMED = 4  # it was triggered, and no instrument confirmed that it was
    BANK_MISSING = 8  # the bank's voltage after it is not known
    RECOVERED = 16  # only a counter saw it: its host had died


@dataclass
class Pulse:
    """A pulse that was triggered and is not yet recorded; times in s since the first, bank voltages in V.

    base and chuck: temperatures [K] just before it, no numbers where nothing measures them.
    """

    number: int
    recipe: AnnealRecipe
    elapsed: float
    before: float
    held: bool
    base: float = math.nan
    chuck: float = math.nan
    confirmed: bool | None = None
    after: float = math.nan

    def emptied(self, least_droop: float) -> bool:
        """Return whether the bank lost at least this share of its voltage."""
        return self.after < (1 - least_droop) * self.before


PULSE_COLUMNS: Mapping[str, Column] = {
    "pulse": Column("1", "integer", low=1),
    "elapsed": Column("s"),
    "bank_voltage_before": Column("V", precision=1, low=0, part="charger"),
    "bank_voltage_after": Column("V", precision=1, low=0, part="charger"),
    "pulse_energy": Column("J", precision=4, low=0, part="meter"),
    "exposure": Column("J/m^2", precision=0, low=0, part="meter"),
    "duration": Column("s"),
    "base_temperature": Column("degC", precision=1, part="pyrometer"),
    "chuck_temperature": Column("degC", precision=1, part="thermometers"),
    "counter": Column("1", "integer", low=0),
    "flags": Column("1", "integer", low=0),
}

TRACE_SAMPLES = 400
"""Samples of a pulse's light; at 1.8 ms and a trace of two pulse lengths, one every 9 us."""

TRACE_COLUMNS: Mapping[str, Column] = {
    "pulse": Column("1", "integer", low=1),
    "t": Column("s", part="recorder", length=TRACE_SAMPLES),
    "photodiode": Column("V", part="recorder", length=TRACE_SAMPLES),
}
"""The millisecond course of each pulse's light, where a recorder is there: times since the first sample."""

RESIDUAL_COLUMNS: Mapping[str, Column] = {
    "t": Column("s"),
    "quantity": Column("1", "string"),
    "measured": Column("1"),
    "predicted": Column("1"),
    "sd": Column("1"),
}
"""Measured against predicted, in the unit that the quantity's name says; sd: what they may differ by unsuspected."""


def pulse_columns(measured: set[str]) -> dict[str, Column]:
    """Return the columns of a pulse's row in a station with these parts: what nothing measures is no column."""
    columns = dict(PULSE_COLUMNS)
    if not measured & {"pyrometer", "thermometers"}:
        del columns["base_temperature"]
    elif "pyrometer" not in measured:
        columns["base_temperature"] = Column("degC", precision=1, part="thermometers")
    if "thermometers" not in measured:
        del columns["chuck_temperature"]
    return columns


def recovered_row(number: int, recipe: AnnealRecipe, elapsed: float) -> dict[str, float | int]:
    """Return the row of a pulse that only a counter saw, at its recipe's voltage; elapsed [s] since its run's first."""
    flags = (
        PulseFlag.RECOVERED
        | PulseFlag.TRIGGER_UNCONFIRMED
        | PulseFlag.ENERGY_MISSING
        | PulseFlag.BANK_MISSING
    )
    unmeasured = dict.fromkeys(PULSE_COLUMNS, math.nan)
    return {
        **unmeasured,
        "pulse": number,
        "elapsed": elapsed,
        "bank_voltage_before": recipe.voltage,
        "duration": recipe.pulse_duration,
        "counter": number,
        "flags": int(flags),
    }


class PulseLog(FlightLog):
    """Counts pulses and writes their rows. residual, traces: streams. last: the last pulse, in words."""

    def __init__(
        self,
        clock: Clock,
        pulses: RowStream,
        events: RowStream,
        residual: RowStream,
        traces: RowStream | None = None,
    ) -> None:
        super().__init__(clock, pulses, events)
        self._residual, self._traces = residual, traces
        self.last = "none yet"

    def compare(self, quantity: str, measured: float, predicted: float, sd: float) -> None:
        """Write what was measured beside what was predicted."""
        row = {"t": self.elapsed, "quantity": quantity}
        numbers = {"measured": measured, "predicted": predicted, "sd": sd}
        self._residual.append(self._clock.time(), row | numbers)

    def trace(self, pulse: int, trace: Trace | None) -> None:
        """Write what a recorder has of a pulse's light, or that it has nothing whole."""
        if trace is None or self._traces is None or len(trace[0]) != TRACE_SAMPLES:
            self.tell("trace_missing", "warning", f"the recorder has no whole trace of pulse {pulse}")
            return
        row = {"pulse": pulse, "t": list(trace[0]), "photodiode": list(trace[1])}
        self._traces.append(self._clock.time(), row)

    def count(self, pulse: Pulse, energy: float | None, exposure: float, at: float | None = None) -> None:
        """Count a pulse that was seen and write its row; energy [J] None when the meter had none.

        at: its time label [s], where it is not of now.
        """
        flags = PulseFlag.HELD_BEFORE if pulse.held else PulseFlag.OK
        flags |= PulseFlag.OK if pulse.confirmed else PulseFlag.TRIGGER_UNCONFIRMED
        flags |= PulseFlag.ENERGY_MISSING if energy is None else PulseFlag.OK
        flags |= PulseFlag.BANK_MISSING if math.isnan(pulse.after) else PulseFlag.OK
        with self._lock:
            self.reached(self.flight.done + 1)
        row = {
            "pulse": pulse.number,
            "elapsed": pulse.elapsed,
            "bank_voltage_before": pulse.before,
            "bank_voltage_after": pulse.after,
            "pulse_energy": math.nan if energy is None else energy,
            "exposure": exposure,
            "duration": pulse.recipe.pulse_duration,
            "base_temperature": pulse.base - CELSIUS,
            "chuck_temperature": pulse.chuck - CELSIUS,
            "counter": self.flight.done,
            "flags": int(flags),
        }
        self.row({key: row[key] for key in self._rows.columns}, at)
        seen = "no energy seen" if energy is None else f"{energy:.4g} J"
        warm = "" if math.isnan(pulse.base) else f", base {pulse.base - CELSIUS:.0f} degC"
        self.last = f"{pulse.number} of {self.flight.asked}, {pulse.before:.0f} V -> {pulse.after:.0f} V, {seen}{warm}"
