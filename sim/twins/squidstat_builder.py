"""The builder elements of the Squidstat's library, in the vendor's shape: what a program puts an experiment of.

Names, order of arguments and meanings are those of the headers under builder_elements/ and AisExperiment.h of
AdmiralSquidstatAPI v1.10.3.0. What an element asks is checked when it is uploaded, as the headers say. Each
constructor argument has its getter and setter; so has each optional end, with the default that the header names.
"""

# ruff: noqa: N802, N803 - the names are the vendor's.

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sim.twins.squidstat_elements import Element, Hold, Nodes, Sine, Sweep

NEVER, EVER = math.inf, -math.inf


@dataclass(frozen=True)
class Property:
    """A value with getter and setter, by the vendor's names; default None: the constructor asks for it."""

    getter: str
    setter: str
    default: float | bool | None = None


def _value(name: str, default: float | None = None) -> Property:
    return Property(f"get{name}", f"set{name}", default)


def _switch(name: str) -> Property:
    return Property(f"is{name}", f"set{name}", False)


VOLTAGE_ENDS = {"voltage_max": _value("MaxVoltage", NEVER), "voltage_min": _value("MinVoltage", EVER)}
ENDS_FROM_OCP = {
    "voltage_max_from_ocp": _switch("MaximumVoltageVsOCP"),
    "voltage_min_from_ocp": _switch("MinimumVoltageVsOCP"),
}
CURRENT_ENDS = {"current_max": _value("MaxCurrent", NEVER), "current_min": _value("MinCurrent", 0.0)}
ABSOLUTE_ENDS = {
    "current_max": _value("MaxAbsoluteCurrent", NEVER),
    "current_min": _value("MinAbsoluteCurrent", 0.0),
}
CAPACITY = {"charge_max": _value("MaxCapacity", NEVER)}
RANGE = {"expected_current": _value("ApproxMaxCurrent", NEVER)}
VOLTAGE_RANGE = {"expected_voltage": _value("ApproxMaxVoltage", NEVER)}
QUIET = {"quiet_time": _value("QuietTime", 0.0), "quiet_interval": _value("QuietTimeSamplingInterval", 1.0)}
SAMPLING = {"interval": _value("SamplingInterval"), "duration": _value("MaxDuration")}
ALPHA = {"alpha": _value("AlphaFactor", 75.0)}
SINE = {
    "first": _value("StartFreq"),
    "last": _value("EndFreq"),
    "per_decade": _value("StepsPerDecade"),
    "amplitude": _value("Amplitude"),
    "cycles": _value("MinimumCycles", 1),
}


class AisAbstractElement:
    """What an experiment is built of: values by name, each with the vendor's getter and setter."""

    name: ClassVar[str]
    categories: ClassVar[tuple[str, ...]]
    arguments: ClassVar[tuple[str, ...]]
    properties: ClassVar[Mapping[str, Property]]

    def __init__(self, *values: float) -> None:
        if len(values) != len(self.arguments):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.arguments)}, not {values!r}")
        self._values: dict[str, Any] = {name: each.default for name, each in self.properties.items()}
        self._values |= zip(self.arguments, map(float, values), strict=True)

    def __init_subclass__(cls) -> None:
        for name, each in cls.properties.items():
            setattr(cls, each.getter, _getter(name))
            setattr(cls, each.setter, _setter(name))
        if "expected_current" in cls.properties:
            cls.isAutoRange = lambda self: math.isinf(self._values["expected_current"])  # type: ignore[attr-defined]
            cls.setAutoRange = lambda self: self.setApproxMaxCurrent(NEVER)  # type: ignore[attr-defined]

    def getName(self) -> str:
        """Return the element's name."""
        return self.name

    def getCategory(self) -> list[str]:
        """Return where the vendor's program lists it."""
        return list(self.categories)

    @property
    def element(self) -> Element:
        """Return what it asks, as the instrument takes it."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it asks")

    def _made(self, drive: Hold | Sweep | Sine, **more: Any) -> Element:
        """Return the element with its ends and sampling; `from_ocp` are switches that stand for a value."""
        known = {name: value for name, value in self._values.items() if name in _OF_ELEMENT}
        switched = {name.removesuffix("_from_ocp") for name, value in self._values.items() if value is True}
        return Element(
            self.name, drive, **{"interval": 1.0, **known, "from_ocp": frozenset(switched), **more}
        )


_OF_ELEMENT = frozenset(
    (
        *("interval", "duration", "voltage_max", "voltage_min", "current_max", "current_min", "charge_max"),
        *("voltage_rate_min", "current_rate_min", "expected_current", "quiet_time"),
    )
)


def _getter(name: str) -> Any:
    def get(self: AisAbstractElement) -> Any:
        return self._values[name]

    return get


def _setter(name: str) -> Any:
    def put(self: AisAbstractElement, value: Any) -> None:
        self._values[name] = value if isinstance(value, bool) else float(value)

    return put


class AisConstantCurrentElement(AisAbstractElement):
    """Hold a current until a duration, a voltage or a charge."""

    name = "Constant Current, Advanced"
    categories = ("Galvanostatic Control", "Basic Experiments")
    arguments = ("current", "interval", "duration")
    properties: ClassVar[Mapping[str, Property]] = {
        "current": _value("Current"),
        **SAMPLING,
        **VOLTAGE_ENDS,
        **CAPACITY,
        **RANGE,
        **VOLTAGE_RANGE,
        "voltage_difference": _value("MinSamplingVoltageDifference", EVER),
    }

    @property
    def element(self) -> Element:
        """Return what it asks; the voltage difference is minus infinity where none is set."""
        difference = self._values["voltage_difference"]
        return self._made(
            Hold("current", self._values["current"]),
            voltage_difference=None if difference == EVER else difference,
        )


class AisConstantPotElement(AisAbstractElement):
    """Hold a voltage until a duration, a current, a charge, or a current that hardly changes."""

    name = "Constant Potential, Advanced"
    categories = ("Potentiostatic Control", "Basic Experiments")
    arguments = ("voltage", "interval", "duration")
    properties: ClassVar[Mapping[str, Property]] = {
        "voltage": _value("Potential"),
        "value_from_ocp": _switch("VoltageVsOCP"),
        **SAMPLING,
        **ABSOLUTE_ENDS,
        **CAPACITY,
        **RANGE,
        "current_rate_min": _value("MindIdt", 0.0),
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(Hold("voltage", self._values["voltage"]))


class AisOpenCircuitElement(AisAbstractElement):
    """Watch the cell without current until a duration, a voltage, or a voltage that hardly changes."""

    name = "Open Circuit Potential"
    categories = ("Basic Experiments",)
    arguments = ("duration", "interval")
    properties: ClassVar[Mapping[str, Property]] = {
        **SAMPLING,
        **VOLTAGE_ENDS,
        **VOLTAGE_RANGE,
        "voltage_rate_min": _value("MindVdt", 0.0),
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(Hold("rest"))


class AisConstantPowerElement(AisAbstractElement):
    """Hold a power, positive to charge, until a duration, a voltage, a current or a charge."""

    name = "Constant Power Charge/Discharge"
    categories = ("Energy Storage", "Charge/Discharge")
    arguments = ("power", "duration", "interval")
    properties: ClassVar[Mapping[str, Property]] = {
        "power": _value("Power"),
        **SAMPLING,
        **VOLTAGE_ENDS,
        **ENDS_FROM_OCP,
        **CURRENT_ENDS,
        **CAPACITY,
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(Hold("power", self._values["power"]))


class AisConstantResistanceElement(AisAbstractElement):
    """Be a load until a duration, a voltage, a current or a charge."""

    name = "Constant Resistance"
    categories = ("Energy Storage", "Charge/Discharge")
    arguments = ("resistance", "duration", "interval")
    properties: ClassVar[Mapping[str, Property]] = {
        "resistance": _value("Resistance"),
        **SAMPLING,
        **VOLTAGE_ENDS,
        **ENDS_FROM_OCP,
        **CURRENT_ENDS,
        **CAPACITY,
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(Hold("resistance", self._values["resistance"]))


class AisDCPotentialSweepElement(AisAbstractElement):
    """Sweep the voltage from start to end, or until a current."""

    name = "DC Potential Linear Sweep"
    categories = ("Potentiostatic Control", "Basic Experiments")
    arguments = ("start", "end", "rate", "interval")
    properties: ClassVar[Mapping[str, Property]] = {
        "start": _value("StartingPot"),
        "end": _value("EndingPot"),
        "rate": _value("ScanRate"),
        "interval": _value("SamplingInterval"),
        "start_from_ocp": _switch("StartVoltageVsOCP"),
        "end_from_ocp": _switch("EndVoltageVsOCP"),
        **ABSOLUTE_ENDS,
        **RANGE,
        **QUIET,
        **ALPHA,
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(Sweep("voltage", *(self._values[name] for name in ("start", "end", "rate"))))


class AisDCCurrentSweepElement(AisAbstractElement):
    """Sweep the current from start to end, or until a voltage."""

    name = "DC Current Linear Sweep"
    categories = ("Galvanostatic Control", "Basic Voltammetry")
    arguments = ("start", "end", "rate", "interval")
    properties: ClassVar[Mapping[str, Property]] = {
        "start": _value("StartingCurrent"),
        "end": _value("EndingCurrent"),
        "rate": _value("ScanRate"),
        "interval": _value("SamplingInterval"),
        **VOLTAGE_ENDS,
        **QUIET,
        **ALPHA,
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(Sweep("current", *(self._values[name] for name in ("start", "end", "rate"))))


class AisEISPotentiostaticElement(AisAbstractElement):
    """Measure impedance by a sine of voltage on a bias."""

    name = "Potentiostatic EIS"
    categories = ("Potentiostatic Control", "Impedance Methods", "Basic Experiments")
    arguments = ("first", "last", "per_decade", "bias", "amplitude")
    properties: ClassVar[Mapping[str, Property]] = {
        **SINE,
        "bias": _value("BiasVoltage"),
        "bias_from_ocp": _switch("BiasVoltageVsOCP"),
        **QUIET,
    }

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(_sine("voltage", self._values))


class AisEISGalvanostaticElement(AisAbstractElement):
    """Measure impedance by a sine of current on a bias."""

    name = "Galvanostatic EIS"
    categories = ("Galvanostatic Control", "Impedance Methods", "Basic Experiments")
    arguments = ("first", "last", "per_decade", "bias", "amplitude")
    properties: ClassVar[Mapping[str, Property]] = {**SINE, "bias": _value("BiasCurrent"), **QUIET}

    @property
    def element(self) -> Element:
        """Return what it asks."""
        return self._made(_sine("current", self._values))


def _sine(what: Any, values: Mapping[str, Any]) -> Sine:
    named = {name: values[name] for name in ("first", "last", "per_decade", "bias", "amplitude")}
    return Sine(what, **named, cycles=int(values["cycles"]))


MOST_REPEATS = 65535


class AisExperiment:
    """A list of elements and sub-experiments; appending copies what they are at that moment."""

    def __init__(self, exp: AisExperiment | None = None) -> None:
        self.nodes: Nodes = () if exp is None else exp.nodes
        self._name = "Custom Experiment" if exp is None else exp.getExperimentName()
        self._description = "Not Defined" if exp is None else exp.getDescription()

    def getExperimentName(self) -> str:
        """Return its name."""
        return self._name

    def setExperimentName(self, name: str) -> None:
        """Name it."""
        self._name = name

    def getDescription(self) -> str:
        """Return its description."""
        return self._description

    def setDescription(self, description: str) -> None:
        """Describe it."""
        self._description = description

    def getCategory(self) -> list[str]:
        """Return where the vendor's program lists it."""
        return ["Custom"]

    def appendElement(self, element: AisAbstractElement, repeat: int = 1) -> bool:
        """Append an element; False when repeat is below 1, clamped above 65535, as the header says."""
        return self._append(element.element, repeat)

    def appendSubExperiment(self, subExp: AisExperiment, repeat: int = 1) -> bool:
        """Append a sub-experiment; False when repeat is below 1, clamped above 65535, as the header says."""
        return self._append(subExp.nodes, repeat)

    def _append(self, node: Element | Nodes, repeat: int) -> bool:
        if repeat < 1:
            return False
        self.nodes = (*self.nodes, (node, min(repeat, MOST_REPEATS)))
        return True
