"""The model cell on its own: the same program, with the model's own capacities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devices.cycling.ends import EndReason
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Until, Voltage
from sim.physics.cell.data import CellState

COULOMBS = 3600.0
"""In one Ah."""

LONGEST = 5.0
"""Times a step's measured length after which the model's own is over; guess."""


def is_to_voltage(step: Mapping[str, Any]) -> bool:
    """Return whether a row of the stream `steps` is of a constant current that a voltage ended."""
    to_voltage = step["end_reason"] in (EndReason.VOLTAGE_ABOVE, EndReason.VOLTAGE_BELOW)
    return to_voltage and step["technique"] == "constant_current"


def mean_current(step: Mapping[str, Any]) -> float:
    """Return the mean current [A] of a row of the stream `steps` that lasted."""
    return float(step["charge"]) * COULOMBS / (float(step["t_end"]) - float(step["t_start"]))


class FreeCell:
    """Runs each step that was measured, to the voltage or for the time at which the measured one ended."""

    def __init__(self, cell: Cell, state: CellState) -> None:
        self._cell, self._state = cell, state

    def rest_at(self, lithium: float) -> None:
        """Be at rest with a filling x [-], or as full as a film can be where a shadow's is fuller."""
        lithium = min(lithium, self._cell.parameters.as_made_lithium)
        self._state = replace(self._state, lithium=(lithium,) * len(self._state.lithium))

    def follow(self, step: Mapping[str, Any]) -> float | None:
        """Run a row of the stream `steps`; return the charge [Ah] of one that a voltage ended, None for others.

        Raises CellError or RequestError for what no cell can do.
        """
        duration = float(step["t_end"]) - float(step["t_start"])
        if not duration > 0.0:
            return None
        current, ended_at = mean_current(step), float(step["v_end"])
        if is_to_voltage(step) and current != 0.0:
            upwards = step["end_reason"] == EndReason.VOLTAGE_ABOVE
            until = Until(
                duration=LONGEST * duration,
                upper=ended_at if upwards else None,
                lower=None if upwards else ended_at,
            )
            segment = self._cell.step(self._state, Current(current), until)
            self._state = segment.state
            return float(segment.charge[-1]) / COULOMBS
        control = Voltage(ended_at) if step["technique"] == "constant_voltage" else Current(current)
        self._state = self._cell.step(self._state, control, Until(duration=duration)).state
        return None
