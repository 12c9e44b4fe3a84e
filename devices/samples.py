"""What a plan knows of a sample: a reference with its layers as measured or intended, never its true state."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

SafeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


@dataclass(frozen=True, config=STRICT)
class Layer:
    """One layer of a stack: material, thickness and its standard uncertainty [m], and who says so."""

    material: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$")]
    thickness: Annotated[float, Field(gt=0, le=1e-2), Unit("m")]
    thickness_sd: Annotated[float, Field(ge=0, le=1e-3), Unit("m")] = 0.0
    source: str = ""


@dataclass(frozen=True, config=STRICT)
class SampleRef:
    """A sample by its safe id, with free-text label, its foil from the bottom up, and the cell built on it.

    layers: substrate first, cathode last (what goes under the lamp). cell_layers: what is put on after the
    anneal (electrolyte, anode). area [m2] of the cell with its standard uncertainty.
    """

    id: SafeId
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=16)]
    cell_layers: Annotated[tuple[Layer, ...], Field(max_length=16)] = ()
    area: Annotated[float, Field(gt=0, le=1), Unit("m^2")] = 0.15e-4
    area_sd: Annotated[float, Field(ge=0, le=1), Unit("m^2")] = 0.0
    label: Annotated[str, Field(max_length=5000)] = ""
    parents: tuple[SafeId, ...] = ()
