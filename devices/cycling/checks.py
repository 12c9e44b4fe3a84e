"""Refuses what a channel's limits do not allow, before anything is sent."""

from __future__ import annotations

from devices.cycling.programs import Program
from devices.errors import LimitError, ProgramError
from devices.limits import ChannelLimits


def check_limits(name: str, program: Program, limits: ChannelLimits) -> None:
    """Refuse a program beyond the limits of a channel. Raises LimitError, ProgramError."""
    whose, most = f"{name}: {program.name}", limits.current
    for key in ("voltage_min", "voltage_max"):
        volts = getattr(program.limits, key)
        if not limits.voltage_min <= volts <= limits.voltage_max:
            raise LimitError(f"{whose} limits.{key}", volts, "V", limits.voltage_min, limits.voltage_max)
    if program.limits.current_max > most:
        raise LimitError(f"{whose} limits.current_max", program.limits.current_max, "A", 0.0, most)
    for index, step in enumerate(program.leaves()):
        if step.temperature is not None:
            raise ProgramError(
                f"{whose} step {index} asks for {step.temperature:g} K, and this bench has no chamber; leave it out"
            )
