"""What was measured on a sample, which overrides what was intended: thickness of a layer, area, capacity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.fact_file import Fact
from labctl.samples.deposited import deposited
from labctl.samples.entering import enter
from labctl.samples.facts import Facts
from labctl.samples.parents import Families

UNITS: Mapping[str, str] = {"thickness": "m", "area": "m^2", "capacity": "C"}
"""What can be measured, and its SI unit."""

LARGEST: Mapping[str, float] = {"thickness": 1e-2, "area": 1.0, "capacity": 1e7}
"""As for what is intended (devices.samples) and for charges of programs."""


@dataclass(frozen=True)
class Measurement:
    """A measured value in SI with its standard uncertainty; layer: the material of the layer it is of, where it is."""

    quantity: str
    value: float
    sd: float
    layer: str = ""
    how: str = ""


def measure(data: Path, sample: str, measurement: Measurement, *, who: str = "") -> None:
    """Enter what was measured on a sample; who: by whom, the login when empty. Raises DataError when it cannot be."""
    quantity, value = measurement.quantity, measurement.value
    if quantity not in UNITS:
        raise DataError(f"{quantity!r} cannot be entered as measured; {', '.join(UNITS)} can")
    if not 0 < value <= LARGEST[quantity]:
        raise DataError(f"{quantity} = {value:g} {UNITS[quantity]} is outside (0, {LARGEST[quantity]:g}]")
    if not 0 <= measurement.sd <= value:
        raise DataError(
            f"an uncertainty of {measurement.sd:g} {UNITS[quantity]} is below 0 or above the value"
        )
    if (quantity == "thickness") != bool(measurement.layer):
        raise DataError("a thickness is that of a layer: name its material, and for nothing else")
    _check_layer(data, sample, measurement.layer)
    details = {name: value for name, value in vars(measurement).items() if value != ""}
    enter(data, sample, "measured", who=who, **details)


def _check_layer(data: Path, sample: str, layer: str) -> None:
    """Refuse a layer that a sample has not, where it was described. Raises DataError."""
    described = [fact["sample"] for fact in Facts(data).of(sample) if fact["fact"] == "described"]
    layers = [
        each["material"]
        for said in described
        for part in ("layers", "cell_layers")
        for each in said.get(part, ())
    ]
    layers += [film.material for film in deposited(data, sample)] if layers else []
    if layer and layers and layer not in layers:
        raise DataError(f"{sample} has no layer of {layer!r}; it has {', '.join(dict.fromkeys(layers))}")


def measured(
    data: Path, sample: str, named: Iterable[str] = (), families: Families | None = None
) -> list[Measurement]:
    """Return what is known by measurement, the newest of each kind: a sample's own, and its layers' from its parents.

    A piece has the layers of the sheet that it was cut from; its area and capacity are its own. named: parents that
    are not on record yet. families: as they were looked up already. Raises Corrupt.
    """
    facts = Facts(data)
    found: dict[tuple[str, str], Measurement] = {}
    for parent in reversed((families or Families(data)).ancestors(sample, named)):
        found |= {key: each for key, each in _newest(facts.of(parent.id)).items() if key[0] == "thickness"}
    return list((found | _newest(facts.of(sample))).values())


def _newest(facts: Iterable[Fact]) -> dict[tuple[str, str], Measurement]:
    read = (_read(fact) for fact in facts if fact["fact"] == "measured")
    return {(each.quantity, each.layer): each for each in read}


def _read(fact: Fact) -> Measurement:
    try:
        found = Measurement(
            str(fact["quantity"]),
            float(fact["value"]),
            float(fact.get("sd", 0.0)),
            str(fact.get("layer", "")),
            str(fact.get("how", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a measurement among the facts cannot be read: {fact}") from error
    if found.quantity not in UNITS or not math.isfinite(found.value) or found.value <= 0:
        raise DataError(f"a measurement among the facts is none: {fact}")
    return found
