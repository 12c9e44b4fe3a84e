"""What a station refuses, apart from what its instruments can: set by the lab in config/limits.toml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit


@dataclass(frozen=True, config=STRICT)
class LampLimits:
    """A lamp's limits: bank voltage [V], pulse length [s], pulses in one train, repetition [Hz],
    mean electrical power drawn from the charger [W]."""

    bank_voltage: Annotated[float, Field(gt=0, le=1000), Unit("V")]
    pulse_duration: Annotated[float, Field(gt=0, le=10e-3), Unit("s")]
    pulse_count: Annotated[int, Field(ge=1, le=10_000)]
    rate: Annotated[float, Field(gt=0, le=1.0), Unit("Hz")]
    average_power: Annotated[float, Field(gt=0, le=1e4), Unit("W")]


@dataclass(frozen=True, config=STRICT)
class ChannelLimits:
    """A potentiostat channel's limits: voltage window [V] and current [A] a program may ask for at most."""

    voltage_min: Annotated[float, Field(ge=-10, le=10), Unit("V")]
    voltage_max: Annotated[float, Field(ge=-10, le=10), Unit("V")]
    current: Annotated[float, Field(gt=0, le=10), Unit("A")]


@dataclass(frozen=True, config=STRICT)
class Limits:
    """Everything in limits.toml."""

    lamp: LampLimits
    potentiostat: ChannelLimits
