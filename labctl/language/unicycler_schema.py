"""The JSON of aurora-unicycler, as its protocols are written: a subset of its fields has a meaning here.

Numbers may be text, "" is nothing, C-rates may be "C/3" or "D/2". Current in mA, positive charges; 0 mA, 0 V and 0 s
are as good as nothing where unicycler says so.

Source: aurora_unicycler/_core.py of aurora-unicycler 0.4 (MIT licence).
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT
from labctl.language.quantities import write_scaled

OWN_TAG = re.compile(r"(cycle|repeat)-\d+")
"""A tag that a loop of ours goes back to; it says whether the passes count."""

_RATE = re.compile(r"(-?\d*\.?\d*)([CD]?)/(\d+\.?\d*)")


def _number(value: Any) -> Any:
    """Return a number typed as text as a number, empty text as nothing."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f'"{value[:40]}" is not a number') from None
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number


def _rate(value: Any) -> Any:
    """Return a C-rate such as "C/3", "1/3" or "D/2" (a discharge) as a number."""
    match = _RATE.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if match is None or match[1] in ("-", ".", "-.") or not float(match[3]):
        return _number(value)
    rate = float(match[1] or 1.0) / float(match[3])
    return -rate if match[2] == "D" else rate


Number = Annotated[float, BeforeValidator(_number)]
Maybe = Annotated[float | None, BeforeValidator(_number)]
Positive = Annotated[float, Field(gt=0), BeforeValidator(_number)]
MaybePositive = Annotated[float | None, Field(gt=0), BeforeValidator(_number)]
MaybeRate = Annotated[float | None, BeforeValidator(_rate)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, config=STRICT)
class Rest:
    """Open circuit for a time [s]."""

    until_time_s: Positive
    id: str | None = None
    step: Literal["open_circuit_voltage"] = "open_circuit_voltage"


@dataclass(frozen=True, config=STRICT)
class Current:
    """A constant current [mA], or C-rate, which goes first."""

    rate_C: MaybeRate = None  # noqa: N815 - unicycler's own names, here and below
    current_mA: Maybe = None  # noqa: N815
    until_time_s: Maybe = None
    until_voltage_V: Maybe = None  # noqa: N815
    id: str | None = None
    step: Literal["constant_current"] = "constant_current"


@dataclass(frozen=True, config=STRICT)
class Voltage:
    """A constant voltage [V]."""

    voltage_V: Number  # noqa: N815
    until_time_s: Maybe = None
    until_rate_C: MaybeRate = None  # noqa: N815
    until_current_mA: Maybe = None  # noqa: N815
    id: str | None = None
    step: Literal["constant_voltage"] = "constant_voltage"


@dataclass(frozen=True, config=STRICT)
class Spectrum:
    """An impedance spectrum, by voltage [V] or by current [mA]."""

    start_frequency_Hz: Number  # noqa: N815
    end_frequency_Hz: Number  # noqa: N815
    amplitude_V: Maybe = None  # noqa: N815
    amplitude_mA: Maybe = None  # noqa: N815
    points_per_decade: Annotated[int, Field(gt=0)] = 10
    measures_per_point: Annotated[int, Field(gt=0)] = 1
    drift_correction: bool | None = False
    id: str | None = None
    step: Literal["impedance_spectroscopy"] = "impedance_spectroscopy"


@dataclass(frozen=True, config=STRICT)
class Sweep:
    """A linear sweep of the voltage; the rate [mV/s] has no sign."""

    start_voltage_V: Number  # noqa: N815
    end_voltage_V: Number  # noqa: N815
    scan_rate_mV_per_s: Positive  # noqa: N815
    id: str | None = None
    step: Literal["voltage_scan"] = "voltage_scan"


@dataclass(frozen=True, config=STRICT)
class Again:
    """Back to a tag, or to a place in the method counted from 1; cycle_count is the number of passes in all."""

    cycle_count: Annotated[int, Field(gt=0)]
    loop_to: Annotated[int | str, Field()] = 1
    id: str | None = None
    step: Literal["loop"] = "loop"


@dataclass(frozen=True, config=STRICT)
class Tag:
    """A name for the place that follows."""

    tag: Words
    id: str | None = None
    step: Literal["tag"] = "tag"


Entry: TypeAlias = Annotated[
    Rest | Current | Voltage | Spectrum | Sweep | Again | Tag, Field(discriminator="step")
]


@dataclass(frozen=True, config=STRICT)
class Made:
    """Which unicycler wrote the file."""

    version: str = ""


@dataclass(frozen=True, config=STRICT)
class Sample:
    """The sample's name and capacity [mAh]."""

    name: str = "$NAME"
    capacity_mAh: MaybePositive = None  # noqa: N815


@dataclass(frozen=True, config=STRICT)
class Rows:
    """When rows are taken: change of current [mA] or voltage [V], and every so often [s]."""

    time_s: Positive
    current_mA: MaybePositive = None  # noqa: N815
    voltage_V: MaybePositive = None  # noqa: N815


@dataclass(frozen=True, config=STRICT)
class Safety:
    """Limits beyond which the whole experiment ends; here they act without a delay."""

    max_voltage_V: Maybe = None  # noqa: N815
    min_voltage_V: Maybe = None  # noqa: N815
    max_current_mA: Maybe = None  # noqa: N815
    min_current_mA: Maybe = None  # noqa: N815
    max_capacity_mAh: Maybe = None  # noqa: N815
    delay_s: Maybe = None


@dataclass(frozen=True, config=STRICT)
class Protocol:
    """A protocol: what is recorded, what is safe, what is done."""

    record: Rows
    method: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=100_000)]
    safety: Safety = Safety()
    sample: Sample = Sample()
    unicycler: Made = Made()


def milli(value: float | None) -> float | None:
    """Return A as mA; the nearest float to the decimal, so that what people type comes back the same."""
    return None if value is None else float(write_scaled(value, 3))


def ampere(value: float) -> float:
    """Return mA as A."""
    return float(write_scaled(value, -3))
