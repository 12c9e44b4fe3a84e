"""What a material's file may say, by its kind: each number declared once, with unit and bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.materials import Kind
from devices.quantities import STRICT, Unit

Status = Literal["measured", "derived", "guess"]

Words = Annotated[str, Field(max_length=1000)]

Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""The name of a file in references/."""


class Bounds:
    """The SI unit of a number in a material's file, and between what it is believable."""

    def __init__(self, unit: str, low: float, high: float) -> None:
        self.unit, self.low, self.high = unit, low, high


@dataclass(frozen=True, config=STRICT)
class Stated:
    """A number: as text with its unit, or held_in: where labctl's own code has it, which the twins go by as well.

    sd: its standard uncertainty, in the same way. source: a file in references/.
    """

    status: Status
    source: Reference
    value: Annotated[str, Field(max_length=80)] = ""
    held_in: Annotated[str, Field(max_length=200)] = ""
    sd: Annotated[str, Field(max_length=80)] = ""
    note: Words = ""


@dataclass(frozen=True, config=STRICT)
class Insertion:
    """One reaction of an open-circuit potential: potential against lithium [V], share of the sites, width [1]."""

    potential: Annotated[float, Field(ge=-1, le=10), Unit("V")]
    share: Annotated[float, Field(gt=0, le=1), Unit("1")]
    width: Annotated[float, Field(gt=0, le=100), Unit("1")]


@dataclass(frozen=True, config=STRICT)
class Point:
    """A point of an open-circuit potential: how full of lithium [1], and its potential against lithium [V]."""

    x: Annotated[float, Field(ge=0, le=1), Unit("1")]
    potential: Annotated[float, Field(ge=-1, le=10), Unit("V")]


@dataclass(frozen=True, config=STRICT)
class Curve:
    """An open-circuit potential against lithium: as reactions, as points that fall with x, or held_in labctl's code."""

    status: Status
    source: Reference
    reactions: Annotated[tuple[Insertion, ...], Field(max_length=30)] = ()
    points: Annotated[tuple[Point, ...], Field(max_length=200)] = ()
    held_in: Annotated[str, Field(max_length=200)] = ""
    note: Words = ""


@dataclass(frozen=True, config=STRICT)
class Report:
    """What somebody published of it in a cell; nothing is calculated with that.

    cell: what else the cell is of. capacity [C/m3] of the film, and capacity_end after the cycles; current [A/m2].
    chk: what the printed numbers say of one another.
    """

    source: Reference
    composition: Words = ""
    cell: Words = ""
    capacity: Annotated[float | None, Field(gt=0, le=1e11), Unit("C/m^3")] = None
    capacity_end: Annotated[float | None, Field(gt=0, le=1e11), Unit("C/m^3")] = None
    current: Annotated[float | None, Field(gt=0, le=1e6), Unit("A/m^2")] = None
    rate: Words = ""
    voltage: Words = ""
    thickness: Words = ""
    substrate: Words = ""
    process: Words = ""
    cycles: Annotated[int | None, Field(ge=0, le=10**7)] = None
    said: Words = ""
    chk: Words = ""


Number = Stated | None


@dataclass(frozen=True, config=STRICT)
class MaterialFile:
    """What every material has. why_not: why the twins cannot run it, of one that lacks what they need."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$")]
    kind: Kind
    about: Words = ""
    formula: Annotated[str, Field(max_length=60)] = ""
    why_not: Words = ""
    density: Annotated[Number, Bounds("kg/m^3", 10, 30000)] = None
    reports: Annotated[tuple[Report, ...], Field(max_length=200)] = ()


@dataclass(frozen=True, config=STRICT)
class CathodeFile(MaterialFile):
    """A cathode. lithium: per formula, that it takes at most; capacity: of a film between lower and upper.

    made: whether a film as made is full of lithium or has none. thinnest and thickest: of films that were reported.
    """

    made: Literal["lithiated", "charged"] = "lithiated"
    lithium: Annotated[Number, Bounds("1", 0.01, 10)] = None
    capacity: Annotated[Number, Bounds("C/m^3", 1e6, 1e11)] = None
    lower: Annotated[Number, Bounds("V", 0, 10)] = None
    upper: Annotated[Number, Bounds("V", 0, 10)] = None
    ocp: Curve | None = None
    diffusivity: Annotated[Number, Bounds("m^2/s", 1e-24, 1e-8)] = None
    exchange_current: Annotated[Number, Bounds("A/m^2", 1e-6, 1e5)] = None
    site_charge: Annotated[Number, Bounds("C/m^3", 1e6, 1e11)] = None
    utilisation: Annotated[Number, Bounds("1", 0.01, 1)] = None
    thinnest: Annotated[Number, Bounds("m", 1e-10, 1e-2)] = None
    thickest: Annotated[Number, Bounds("m", 1e-10, 1e-2)] = None


@dataclass(frozen=True, config=STRICT)
class ElectrolyteFile(MaterialFile):
    """An electrolyte. lower and upper: potentials against lithium between which it is stable."""

    conductivity: Annotated[Number, Bounds("S/m", 1e-12, 100)] = None
    permittivity: Annotated[Number, Bounds("F/m", 8.8e-12, 1e-6)] = None
    lower: Annotated[Number, Bounds("V", 0, 10)] = None
    upper: Annotated[Number, Bounds("V", 0, 10)] = None
    coldest: Annotated[Number, Bounds("K", 0, 2000)] = None
    hottest: Annotated[Number, Bounds("K", 0, 2000)] = None
    thinnest: Annotated[Number, Bounds("m", 1e-10, 1e-2)] = None
    thickest: Annotated[Number, Bounds("m", 1e-10, 1e-2)] = None


@dataclass(frozen=True, config=STRICT)
class AnodeFile(MaterialFile):
    """An anode: lithium itself, or a host with an open-circuit potential.

    site_charge: of all lithium it takes. lost: share of the lithium that comes to it in a charge and never leaves.
    """

    lithium: Annotated[Number, Bounds("1", 0.01, 10)] = None
    site_charge: Annotated[Number, Bounds("C/m^3", 1e6, 1e11)] = None
    lost: Annotated[Number, Bounds("1", 0, 0.5)] = None
    ocp: Curve | None = None
    hottest: Annotated[Number, Bounds("K", 0, 5000)] = None
    thinnest: Annotated[Number, Bounds("m", 1e-10, 1e-2)] = None
    thickest: Annotated[Number, Bounds("m", 1e-10, 1e-2)] = None


@dataclass(frozen=True, config=STRICT)
class SubstrateFile(MaterialFile):
    """A substrate under the lamp. bearable: up to where it stays what it is."""

    mirror: Annotated[Number, Bounds("1", 0, 1)] = None
    expansion: Annotated[Number, Bounds("1/K", 0, 1e-3)] = None
    yield_stress: Annotated[Number, Bounds("Pa", 1e3, 1e12)] = None
    bearable: Annotated[Number, Bounds("K", 100, 5000)] = None


@dataclass(frozen=True, config=STRICT)
class CollectorFile(MaterialFile):
    """A current collector; on an electrolyte it is what lithium comes onto in a cell without an anode."""

    resistivity: Annotated[Number, Bounds("ohm m", 1e-9, 1)] = None


FILES: Mapping[Kind, type[MaterialFile]] = {
    "cathode": CathodeFile,
    "electrolyte": ElectrolyteFile,
    "anode": AnodeFile,
    "substrate": SubstrateFile,
    "collector": CollectorFile,
}

NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "cathode": ("capacity", "lower", "upper", "ocp", "diffusivity", "exchange_current"),
    "electrolyte": ("conductivity", "permittivity"),
    "anode": ("site_charge",),
    "substrate": ("mirror", "expansion", "bearable"),
    "collector": (),
}
"""What the twins need to run a material of a kind."""


@cache
def bounds_of(kind: Kind) -> Mapping[str, Bounds]:
    """Return the numbers a file of a kind may state, in their order."""
    hints = get_type_hints(FILES[kind], include_extras=True)
    return dict(_bounded(hints, [field.name for field in fields(FILES[kind])]))


def _bounded(hints: Mapping[str, Any], names: list[str]) -> Iterator[tuple[str, Bounds]]:
    for name in names:
        for each in get_args(hints[name])[1:]:
            if isinstance(each, Bounds):
                yield name, each
