"""What drives a cell, until when, and which rows are kept: values only, checked when they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Number = TypeVar("Number", Floats, float)
Residual: TypeAlias = tuple[Number, Number | float, Number | float]


class RequestError(ValueError):
    """A request that no cell can take."""


def _check_finite(control: object) -> None:
    for name, value in vars(control).items():
        if not math.isfinite(value):
            raise RequestError(f"{name} of a {type(control).__name__.lower()} = {value!r} is not finite")


@dataclass(frozen=True)
class Current:
    """Ask for a current [A], charging positive, that changes by a rate [A/s]."""

    value: float
    rate: float = 0.0

    def __post_init__(self) -> None:
        _check_finite(self)

    def residual(self, voltage: Number, current: Number, time: Number) -> Residual[Number]:
        """Return what is missing and its derivatives to voltage and current, all (n,) or numbers."""
        return current - (self.value + self.rate * time), 0.0, 1.0


@dataclass(frozen=True)
class Voltage:
    """Ask for a voltage [V] that changes by a rate [V/s]."""

    value: float
    rate: float = 0.0

    def __post_init__(self) -> None:
        _check_finite(self)

    def residual(self, voltage: Number, current: Number, time: Number) -> Residual[Number]:
        """Return what is missing and its derivatives to voltage and current, all (n,) or numbers."""
        return voltage - (self.value + self.rate * time), 1.0, 0.0


@dataclass(frozen=True)
class Power:
    """Ask for a power [W], charging positive."""

    value: float

    def __post_init__(self) -> None:
        _check_finite(self)

    def residual(self, voltage: Number, current: Number, time: Number) -> Residual[Number]:
        """Return what is missing and its derivatives to voltage and current, all (n,) or numbers."""
        return voltage * current - self.value, current, voltage


@dataclass(frozen=True)
class Resistance:
    """Ask for a discharge through a resistor [ohm]."""

    value: float

    def __post_init__(self) -> None:
        _check_finite(self)
        if not self.value > 0.0:
            raise RequestError(f"resistance = {self.value!r} ohm is not positive")

    def residual(self, voltage: Number, current: Number, time: Number) -> Residual[Number]:
        """Return what is missing and its derivatives to voltage and current, all (n,) or numbers."""
        return voltage + self.value * current, 1.0, self.value


Control: TypeAlias = Current | Voltage | Power | Resistance
REST = Current(0.0)


@dataclass(frozen=True)
class Until:
    """End a step at whichever comes first.

    duration [s]; lower and upper voltage [V]; smallest_current and largest_current: |I| [A] has fallen or
    risen to this; charge: |charge passed| [C] has reached this; voltage_rate and current_rate: |dV/dt| [V/s]
    or |dI/dt| [A/s] has fallen to this.
    Raises RequestError for a value that is not finite (but for duration) or not positive where it must be.
    """

    duration: float = math.inf
    lower: float | None = None
    upper: float | None = None
    smallest_current: float | None = None
    largest_current: float | None = None
    charge: float | None = None
    voltage_rate: float | None = None
    current_rate: float | None = None

    def __post_init__(self) -> None:
        if not self.duration >= 0.0:
            raise RequestError(f"duration = {self.duration!r} s is not possible")
        for name in self.limits():
            value = getattr(self, name)
            if not math.isfinite(value) or (name not in ("lower", "upper") and value <= 0.0):
                raise RequestError(f"{name} = {value!r} is not a limit that can be met")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise RequestError(f"lower = {self.lower!r} V is not below upper = {self.upper!r} V")

    def limits(self) -> tuple[str, ...]:
        """Return the names of the limits that are set, the duration aside."""
        names = (field.name for field in fields(self) if field.name != "duration")
        return tuple(name for name in names if getattr(self, name) is not None)

    def check(self, control: Control) -> None:
        """Refuse a control that has no end, or that starts outside its own window.

        Raises RequestError.
        """
        if math.isinf(self.duration) and not (self.limits() or _uses_itself_up(control)):
            raise RequestError(f"duration = {self.duration!r} s and no limit: {control} has no end")
        if isinstance(control, Voltage):
            low = -math.inf if self.lower is None else self.lower
            high = math.inf if self.upper is None else self.upper
            if not low <= control.value <= high:
                raise RequestError(f"voltage = {control.value!r} V is outside [{low!r}, {high!r}] V")


@dataclass(frozen=True)
class Record:
    """Keep the first and the last instant of a step and, in addition, what is asked for.

    interval [s] counted from the start; voltage_change [V] and current_change [A] since the row before of
    that kind; times [s] since the start.
    """

    interval: float | None = None
    voltage_change: float | None = None
    current_change: float | None = None
    times: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("interval", "voltage_change", "current_change"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise RequestError(f"{name} = {value!r} is not a positive number")
        if not all(math.isfinite(time) and time >= 0.0 for time in self.times):
            raise RequestError("times of a record must be finite and not negative")


ENDS_ONLY = Record()


def _uses_itself_up(control: Control) -> bool:
    """Return whether a control empties or fills the cell, whatever else happens."""
    if isinstance(control, Current):
        return control.value * control.rate >= 0.0 and (control.value != 0.0 or control.rate != 0.0)
    return isinstance(control, Power) and control.value != 0.0
