"""What `labctl ved` answers: a stack from a sample or from options, its energy density, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devices.errors import DataError
from devices.samples import SampleRef
from labctl.energy_density import (
    WATT_HOUR_PER_LITRE,
    StackOfLayers,
    capacity_of,
    cathode_of,
    mean_voltage,
    of_sample,
    substrate_figure,
)
from labctl.materials.library import Library
from labctl.units import UnitError, parse

MICRO = 1e6

UNITS: Mapping[str, str] = {"voltage": "V"}
"""Of what is typed; all else are thicknesses."""

PLAIN: Mapping[str, float] = {"substrate": 10e-6, "electrolyte": 1e-6, "collector": 0.3e-6}
"""m, of a stack without a sample and without a word: guesses."""


@dataclass(frozen=True)
class Asked:
    """What somebody typed: a sample or a cathode's name, texts by the stack's fields (empty: nothing said)."""

    sample: SampleRef | None
    cathode: str
    typed: Mapping[str, str]
    utilisation: float
    swelling: bool


def stack_of(asked: Asked, library: Library) -> StackOfLayers:
    """Return the stack that is asked for. Raises DataError for what cannot be read, ConfigError for unknown names."""
    given: dict[str, Any] = {"utilisation": asked.utilisation, "swelling": asked.swelling}
    for name, text in asked.typed.items():
        try:
            given |= {name: parse(text, UNITS.get(name, "m"))} if text else {}
        except UnitError as error:
            raise DataError(f"{name}: {error}") from error
    if asked.sample is not None:
        return replace(of_sample(asked.sample, library), **given)
    if "cathode" not in given:
        raise DataError('how thick is the cathode? Give --thickness, e.g. "10 um", or --sample')
    entry = cathode_of(asked.cathode, library)
    if "voltage" not in given:
        given["voltage"] = mean_voltage(entry)
    return StackOfLayers(**{**PLAIN, "capacity": capacity_of(entry), **given})


def tell(asked: Asked, library: Library, picture: Path | None) -> Iterator[str]:
    """Yield what there is to say of a stack, and draw it where a path is given."""
    stack = stack_of(asked, library)
    parts = ("cathode", "substrate", "electrolyte", "collector", "packaging")
    layers = [f"{name} {getattr(stack, name) * MICRO:g} um" for name in parts if getattr(stack, name)]
    yield f"{', '.join(layers)}: {stack.thickness * MICRO:.4g} um in all"
    yield (
        f"{stack.areal_capacity / 36.0:.4g} uAh/cm2 ({stack.utilisation:.1%} of"
        f" {stack.capacity / 3.6e7:.4g} uAh/cm2/um), {stack.voltage:.3f} V on average"
    )
    swollen = "counted" if stack.swelling else "not counted"
    yield f"{stack.lithium * MICRO:.3g} um of lithium plated on charge, {swollen}"
    yield f"{stack.energy_density / WATT_HOUR_PER_LITRE:.1f} Wh/l"
    if picture is not None:
        from labctl.drawing import save

        lines = [("as asked", stack)]
        if stack.utilisation < 1.0:
            lines.append(("all of the cathode used", replace(stack, utilisation=1.0)))
        if not stack.swelling:
            lines.append(("with the plated lithium", replace(stack, swelling=True)))
        yield str(save(substrate_figure("Energy density of a stack", lines), picture))
