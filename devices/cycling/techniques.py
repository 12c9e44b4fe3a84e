"""What a potentiostat can do to a cell in one step, until when, and which rows are kept.

Values only, in SI, positive current and power charge. A step is put together in devices.cycling.programs; a driver
refuses in its `check` what its instrument cannot do.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

Volts = Annotated[float, Field(ge=-10, le=10), Unit("V")]
Amperes = Annotated[float, Field(ge=-10, le=10), Unit("A")]
Frequency = Annotated[float, Field(gt=0, le=1e8), Unit("Hz")]
PerDecade = Annotated[int, Field(ge=1, le=100)]


@dataclass(frozen=True, config=STRICT)
class OpenCircuit:
    """Let the cell rest without current."""

    technique: Literal["open_circuit"] = "open_circuit"


@dataclass(frozen=True, config=STRICT)
class ConstantCurrent:
    """Hold the current [A]; positive charges."""

    current: Amperes
    technique: Literal["constant_current"] = "constant_current"


@dataclass(frozen=True, config=STRICT)
class ConstantVoltage:
    """Hold the voltage [V]."""

    voltage: Volts
    technique: Literal["constant_voltage"] = "constant_voltage"


@dataclass(frozen=True, config=STRICT)
class ConstantPower:
    """Hold the power [W]; positive charges."""

    power: Annotated[float, Field(ge=-100, le=100), Unit("W")]
    technique: Literal["constant_power"] = "constant_power"


@dataclass(frozen=True, config=STRICT)
class ConstantResistance:
    """Discharge as a resistor [ohm] would."""

    resistance: Annotated[float, Field(gt=0, le=1e12), Unit("ohm")]
    technique: Literal["constant_resistance"] = "constant_resistance"


@dataclass(frozen=True, config=STRICT)
class CurrentRamp:
    """Change the current from start to end [A] at a rate [A/s], without sign."""

    start: Amperes
    end: Amperes
    rate: Annotated[float, Field(gt=0, le=1e3), Unit("A/s")]
    technique: Literal["current_ramp"] = "current_ramp"

    @property
    def duration(self) -> float:
        """How long [s] it takes."""
        return abs(self.end - self.start) / self.rate

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        _must_move(self)
        return self


@dataclass(frozen=True, config=STRICT)
class VoltageRamp:
    """Change the voltage from start to end [V] at a rate [V/s], without sign: a linear sweep."""

    start: Volts
    end: Volts
    rate: Annotated[float, Field(gt=0, le=1e4), Unit("V/s")]
    technique: Literal["voltage_ramp"] = "voltage_ramp"

    @property
    def duration(self) -> float:
        """How long [s] it takes."""
        return abs(self.end - self.start) / self.rate

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        _must_move(self)
        return self


@dataclass(frozen=True, config=STRICT)
class PotentiostaticImpedance:
    """Measure impedance from the first to the last frequency [Hz], by a voltage sine.

    amplitude [V] is the sine's peak; bias [V] is held meanwhile, None: the voltage the cell has at rest.
    """

    first: Frequency
    last: Frequency
    amplitude: Annotated[float, Field(gt=0, le=1), Unit("V")]
    per_decade: PerDecade = 6
    bias: Volts | None = None
    technique: Literal["potentiostatic_impedance"] = "potentiostatic_impedance"


@dataclass(frozen=True, config=STRICT)
class GalvanostaticImpedance:
    """Measure impedance from the first to the last frequency [Hz], by a current sine.

    amplitude [A] is the sine's peak; bias [A] flows meanwhile.
    """

    first: Frequency
    last: Frequency
    amplitude: Annotated[float, Field(gt=0, le=1), Unit("A")]
    per_decade: PerDecade = 6
    bias: Amperes = 0.0
    technique: Literal["galvanostatic_impedance"] = "galvanostatic_impedance"


Ramp = CurrentRamp | VoltageRamp
Impedance = PotentiostaticImpedance | GalvanostaticImpedance
Technique = Annotated[
    OpenCircuit
    | ConstantCurrent
    | ConstantVoltage
    | ConstantPower
    | ConstantResistance
    | CurrentRamp
    | VoltageRamp
    | PotentiostaticImpedance
    | GalvanostaticImpedance,
    Field(discriminator="technique"),
]


@dataclass(frozen=True, config=STRICT)
class Until:
    """When a step ends, whichever comes first.

    voltage at or above, at or below [V]; |current| at or above, at or below [A]; |charge| passed in the step
    [C]; |energy| passed in the step [J]; duration [s]; |dV/dt| [V/s] or |dI/dt| [A/s] fallen to this.
    """

    voltage_above: Volts | None = None
    voltage_below: Volts | None = None
    current_above: Annotated[float | None, Field(gt=0, le=10), Unit("A")] = None
    current_below: Annotated[float | None, Field(gt=0, le=10), Unit("A")] = None
    charge: Annotated[float | None, Field(gt=0, le=1e7), Unit("C")] = None
    energy: Annotated[float | None, Field(gt=0, le=1e8), Unit("J")] = None
    duration: Annotated[float | None, Field(gt=0, le=3.2e7), Unit("s")] = None
    voltage_rate_below: Annotated[float | None, Field(gt=0, le=1e4), Unit("V/s")] = None
    current_rate_below: Annotated[float | None, Field(gt=0, le=1e3), Unit("A/s")] = None

    def named(self) -> dict[str, float]:
        """Return the ends that are set, by name."""
        ends = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in ends.items() if value is not None}


@dataclass(frozen=True, config=STRICT)
class Record:
    """When a row is taken: every `interval` [s], and sooner when voltage [V] or current [A] moved by so much."""

    interval: Annotated[float, Field(ge=1e-3, le=86400), Unit("s")] = 30.0
    voltage_change: Annotated[float | None, Field(gt=0, le=1), Unit("V")] = None
    current_change: Annotated[float | None, Field(gt=0, le=1), Unit("A")] = None


def setpoint_current(technique: Technique) -> float | None:
    """Return the largest |current| [A] a technique itself asks for; None where the cell decides."""
    match technique:
        case OpenCircuit():
            return 0.0
        case ConstantCurrent(current=current):
            return abs(current)
        case CurrentRamp(start=start, end=end):
            return max(abs(start), abs(end))
        case GalvanostaticImpedance(amplitude=amplitude, bias=bias):
            return abs(bias) + amplitude
    return None


def setpoint_voltages(technique: Technique) -> tuple[float, ...]:
    """Return the voltages [V] a technique itself asks for."""
    match technique:
        case ConstantVoltage(voltage=voltage):
            return (voltage,)
        case VoltageRamp(start=start, end=end):
            return (start, end)
        case PotentiostaticImpedance(bias=bias, amplitude=amplitude) if bias is not None:
            return (bias - amplitude, bias + amplitude)
    return ()


def _must_move(ramp: Ramp) -> None:
    if ramp.start == ramp.end:
        raise ValueError("a ramp must end elsewhere than it starts")
