"""What the Squidstat's elements are: which class of the vendor's library, what it is made with, how it can end.

One table for both sides of the wire: the driver refuses what is not in it, the bridge builds by it. Source: the
headers under builder_elements/ of AdmiralSquidstatAPI v1.10.3.0. An element on the wire is {"element": technique,
argument: number, ..., end: number, ...}; its "record" [s], where it has one, is the interval between two rows that
the bridge makes of finer samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.errors import LabError

Message = Mapping[str, Any]


class ElementError(LabError):
    """An element on the wire that no class of the library can be made from."""


@dataclass(frozen=True)
class ElementKind:
    """A class of the library: its name, its constructor's arguments in order, its ends and other settings by setter."""

    name: str
    arguments: tuple[str, ...]
    ends: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def make(self, library: Any, message: Message) -> Any:
        """Return the library's element. Raises ElementError for a key that is unknown or missing."""
        values = {key: value for key, value in message.items() if key not in NOT_THE_LIBRARYS}
        setters = {**self.ends, **self.settings}
        missing = set(self.arguments) - values.keys()
        unknown = values.keys() - {*self.arguments, *setters}
        if missing:
            raise ElementError(f"{message['element']} needs {', '.join(sorted(missing))}")
        if unknown:
            raise ElementError(f"{message['element']} knows no {', '.join(sorted(unknown))}")
        element = getattr(library, self.name)(*(float(values[key]) for key in self.arguments))
        for key in values.keys() & setters.keys():
            value = values[key]
            getattr(element, setters[key])(value if isinstance(value, bool) else float(value))
        return element


NOT_THE_LIBRARYS = frozenset({"element", "charge_safety", "record"})
"""Keys that the bridge keeps for itself."""

VOLTAGE = {"voltage_above": "setMaxVoltage", "voltage_below": "setMinVoltage"}
CURRENT = {"current_above": "setMaxCurrent", "current_below": "setMinCurrent"}
ABSOLUTE_CURRENT = {"current_above": "setMaxAbsoluteCurrent", "current_below": "setMinAbsoluteCurrent"}
CHARGE = {"charge": "setMaxCapacity"}
SINE = ("first", "last", "per_decade", "bias", "amplitude")

KINDS: Mapping[str, ElementKind] = {
    "open_circuit": ElementKind(
        "AisOpenCircuitElement", ("duration", "interval"), {**VOLTAGE, "voltage_rate_below": "setMindVdt"}
    ),
    "constant_current": ElementKind(
        "AisConstantCurrentElement",
        ("current", "interval", "duration"),
        {**VOLTAGE, **CHARGE},
        {"range": "setApproxMaxCurrent", "voltage_change": "setMinSamplingVoltageDifference"},
    ),
    "constant_voltage": ElementKind(
        "AisConstantPotElement",
        ("voltage", "interval", "duration"),
        {**ABSOLUTE_CURRENT, **CHARGE, "current_rate_below": "setMindIdt"},
    ),
    "constant_power": ElementKind(
        "AisConstantPowerElement", ("power", "duration", "interval"), {**VOLTAGE, **CURRENT, **CHARGE}
    ),
    "constant_resistance": ElementKind(
        "AisConstantResistanceElement",
        ("resistance", "duration", "interval"),
        {**VOLTAGE, **CURRENT, **CHARGE},
    ),
    "voltage_ramp": ElementKind(
        "AisDCPotentialSweepElement", ("start", "end", "rate", "interval"), ABSOLUTE_CURRENT
    ),
    "current_ramp": ElementKind("AisDCCurrentSweepElement", ("start", "end", "rate", "interval"), VOLTAGE),
    "potentiostatic_impedance": ElementKind(
        "AisEISPotentiostaticElement", SINE, settings={"bias_from_ocv": "setBiasVoltageVsOCP"}
    ),
    "galvanostatic_impedance": ElementKind("AisEISGalvanostaticElement", SINE),
}
"""By the technique's name. Ends are called as in devices.cycling.techniques.Until."""


def make_element(library: Any, message: Message) -> Any:
    """Return the library's element for a message. Raises ElementError."""
    kind = KINDS.get(message["element"])
    if kind is None:
        raise ElementError(f"element = {message['element']!r} is not one of {sorted(KINDS)}")
    return kind.make(library, message)


def unrolled(nodes: Sequence[Message]) -> Iterator[Message]:
    """Return the elements of an experiment as the instrument runs them, repetitions one by one."""
    for node in nodes:
        if "repeat" in node:
            for _ in range(int(node["repeat"])):
                yield from unrolled(node["body"])
        else:
            yield node
