"""Why a step of a cycling program ended, as finely as commercial cyclers say it."""

from __future__ import annotations

from enum import StrEnum


class EndReason(StrEnum):
    """Why a step ended: one of its own ends, the end of its sweep, a safety limit, a fault, or somebody."""

    VOLTAGE_ABOVE = "voltage_above"  # its upper voltage was reached
    VOLTAGE_BELOW = "voltage_below"  # its lower voltage was reached
    CURRENT_ABOVE = "current_above"  # its largest current was reached
    CURRENT_BELOW = "current_below"  # its current fell to the least
    CHARGE = "charge"  # so much charge went through
    ENERGY = "energy"  # so much energy went through
    DURATION = "duration"  # its time was over
    VOLTAGE_RATE_BELOW = "voltage_rate_below"  # the voltage has come to rest
    CURRENT_RATE_BELOW = "current_rate_below"  # the current has come to rest
    SWEPT = "swept"  # the ramp or the spectrum is through
    LONGEST_STEP = "longest_step"  # the station's bound on a step without a duration of its own

    SAFETY_VOLTAGE_MAX = "safety_voltage_max"  # the cell's highest voltage, whatever the step
    SAFETY_VOLTAGE_MIN = "safety_voltage_min"  # the cell's lowest voltage
    SAFETY_CURRENT = "safety_current"  # the cell's largest current
    SAFETY_CHARGE = "safety_charge"  # the largest charge in one direction
    CURRENT_LOST = "current_lost"  # the cell takes no more, or the setpoint cannot be held
    OPEN_CIRCUIT = "open_circuit"  # the voltage ran away without current, or a hold lost its current
    SHORT_CIRCUIT = "short_circuit"  # no voltage stands against the current
    INSTRUMENT_ERROR = "instrument_error"  # the instrument says so
    LINK_LOST = "link_lost"  # the instrument was not heard for longer than its station's patience

    OPERATOR = "operator"  # stopped, skipped or made safe by a person or a script
    LEFT_RUNNING = "left_running"  # the host went, the instrument goes on
    UNCLEAR = "unclear"  # the last row does not show it


OWN_ENDS = frozenset(
    {
        EndReason.VOLTAGE_ABOVE,
        EndReason.VOLTAGE_BELOW,
        EndReason.CURRENT_ABOVE,
        EndReason.CURRENT_BELOW,
        EndReason.CHARGE,
        EndReason.ENERGY,
        EndReason.DURATION,
        EndReason.VOLTAGE_RATE_BELOW,
        EndReason.CURRENT_RATE_BELOW,
        EndReason.SWEPT,
        EndReason.LONGEST_STEP,
    }
)
"""The ends with which a program goes on to its next step."""
