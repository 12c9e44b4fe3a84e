"""How large a cell is, and currents and charges in proportion to it: per area, or as C-rates.

A C-rate is relative to what the cathode film should hold: thickness x area x volumetric capacity, with the
uncertainty of thickness and area carried along.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, ValidationInfo
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, core_schema

from devices.errors import ProgramError
from devices.materials import Material
from devices.quantities import STRICT, Unit
from devices.samples import SampleRef, as_meant

SECONDS_PER_HOUR = 3600.0

PER_AREA_AND_THICKNESS = 1e-6 * 1e4 * 1e6 * SECONDS_PER_HOUR
"""C/m3 in one uAh/cm2/um."""

VOLUMETRIC_CAPACITY: Mapping[str, float] = {"LiCoO2": 69e-6 * 1e4 * 1e6 * SECONDS_PER_HOUR}
"""C/m3 at half the lithium: 69 uAh/cm2/um = 137 mAh/g x 5.05 g/cm3 (review of PVD cathodes, 2021)."""


@dataclass(frozen=True, config=STRICT)
class CellSize:
    """What currents are reckoned with: area [m2]; capacity and its standard uncertainty [C], None: unknown.

    materials: the cathode's, then of what was built on it, so far as they are known. window [V]: between which the
    cathode is used against lithium, where the sample says so; stable [V]: the same for its electrolyte. anodeless: its
    lithium is what was charged onto its collector. anode [V]: mean potential of its host against lithium, 0 of lithium.
    """

    area: Annotated[float, Field(gt=0), Unit("m^2")]
    capacity: Annotated[float | None, Field(gt=0), Unit("C")] = None
    capacity_sd: Annotated[float, Field(ge=0), Unit("C")] = 0.0
    basis: str = ""
    materials: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    anodeless: bool = False
    stable: tuple[float, float] | None = None
    anode: float = 0.0

    @classmethod
    def of(cls, sample: SampleRef) -> Self:
        """Return the size of a sample's cell; without a capacity when its cathode's material has no entry.

        What is meant to be grown counts as if it were there.
        """
        sample = as_meant(sample)
        cathode = sample.layers[-1]
        materials = (cathode.material, *(layer.material for layer in sample.cell_layers))
        described = sample.material("cathode", cathode.material)
        density = VOLUMETRIC_CAPACITY.get(cathode.material) if described is None else described.capacity
        area = sample.area * sample.parallel
        between, top = (*materials[1:3], "", "")[:2]
        host = sample.material("anode", top)
        bare = sample.material("collector", top) is not None and host is None and top != "Li"
        known: dict[str, Any] = {
            "materials": materials,
            "window": _window(described),
            "anodeless": bare,
            "stable": _window(sample.material("electrolyte", between)),
            "anode": 0.0 if host is None else sum(volts * share for volts, share, _ in host.reactions),
        }
        if density is None:
            return cls(area, **known)
        capacity = density * cathode.thickness * area
        relative = math.hypot(cathode.thickness_sd / cathode.thickness, sample.area_sd / sample.area)
        basis = f"{cathode.material} thickness x area x {density / PER_AREA_AND_THICKNESS:.3g} uAh/cm2/um"
        basis += " (half the lithium)" if described is None else ""
        basis += f" x {sample.parallel} layers in parallel" if sample.parallel > 1 else ""
        return cls(area, capacity, capacity * relative, basis, **known)

    def described(self) -> dict[str, Any] | None:
        """Return {value_Ah, sd_Ah, basis} for a start document, or None without a capacity."""
        if self.capacity is None:
            return None
        value, sd = self.capacity / SECONDS_PER_HOUR, self.capacity_sd / SECONDS_PER_HOUR
        return {"value_Ah": value, "sd_Ah": sd, "basis": self.basis}


def _window(material: Material | None) -> tuple[float, float] | None:
    """Return between which potentials [V] against lithium a material is used, or stable; None where it does not say."""
    if material is None or material.lower is None or material.upper is None:
        return None
    return material.lower, material.upper


Basis = Literal["A", "A/m^2", "C-rate"]


@dataclass(frozen=True, config=STRICT)
class Rate:
    """A current [A], a current density [A/m2], or a C-rate [1/h], without a sign unless one is said."""

    value: float
    basis: Basis = "A"

    def on(self, cell: CellSize) -> float:
        """Return the current [A] for a cell. Raises ProgramError for a C-rate on a cell of unknown capacity."""
        if self.basis == "A":
            return self.value
        if self.basis == "A/m^2":
            return self.value * cell.area
        if cell.capacity is None:
            raise ProgramError(
                f"{self.value:g}C needs the cell's capacity, and its cathode's material has no entry; give the"
                " current in A or A/m^2"
            )
        return self.value * cell.capacity / SECONDS_PER_HOUR


_C_RATE = re.compile(r"\s*(?:C\s*/\s*(?P<hours>\d+(?:\.\d+)?)|(?P<times>\d*\.?\d+)\s*C)\s*")


def c_rate(text: str) -> Rate | None:
    """Return "C/10", "C", "2C" or "0.5C" as a rate; None for any other text."""
    match = _C_RATE.fullmatch("1C" if text.strip() == "C" else text)
    if match is None:
        return None
    hours = float(match["hours"] or 0.0)
    value = float(match["times"]) if match["times"] else 1.0 / hours if hours else 0.0
    return Rate(value, "C-rate") if value > 0 else None


class RateText:
    """Reads a rate from text in files: "C/10", "50 uA/cm^2", "1 mA"."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read text through the context's `units` before the field's own checks."""
        return core_schema.with_info_before_validator_function(self._read, handler(source))

    def _read(self, value: Any, info: ValidationInfo) -> Any:
        parse = (info.context or {}).get("units")
        if parse is None or not isinstance(value, str):
            return value
        rate = c_rate(value)
        if rate is not None:
            return rate
        try:
            return Rate(parse(value, "A/m^2"), "A/m^2")
        except ValueError as density:
            try:
                return Rate(parse(value, "A"), "A")
            except ValueError:
                raise ValueError(f'{density}, or a C-rate such as "C/10"') from None


def _positive(rate: Rate) -> Rate:
    if not rate.value > 0:
        raise ValueError(f"{rate.value:g} {rate.basis} must be above zero; charge or discharge is said apart")
    return rate


PositiveRate = Annotated[Rate, RateText(), AfterValidator(_positive)]
"""A rate without a sign, in files as text."""
