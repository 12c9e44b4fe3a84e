"""What a plan knows of a sample: a reference with its layers as measured or intended, never its true state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.dataclasses import dataclass

from devices.materials import Material
from devices.quantities import STRICT, Unit

UPPER = frozenset({"LiPON", "Li"})
"""What is put on the cathode when it is done: electrolyte and anode."""

SafeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


@dataclass(frozen=True, config=STRICT)
class Layer:
    """One layer of a stack: material, thickness and its standard uncertainty [m], and who says so.

    doubtful: why nobody should rely on it, of a layer whose making went wrong; empty for a sound one. No later step
    takes it without a person's word.
    """

    material: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$")]
    thickness: Annotated[float, Field(gt=0, le=1e-2), Unit("m")]
    thickness_sd: Annotated[float, Field(ge=0, le=1e-3), Unit("m")] = 0.0
    source: str = ""
    doubtful: Annotated[str, Field(max_length=5000)] = ""

    @model_serializer(mode="wrap")
    def _as_before_without_doubt(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the key out of a sound layer: descriptions stay what they always were."""
        body: dict[str, Any] = inner(self)
        if not self.doubtful:
            del body["doubtful"]
        return body


@dataclass(frozen=True, config=STRICT)
class CellGrid:
    """How many cells a sheet has: rows along the web, columns across it."""

    rows: Annotated[int, Field(ge=1, le=1000)]
    columns: Annotated[int, Field(ge=1, le=1000)]

    @property
    def count(self) -> int:
        """How many cells there are."""
        return self.rows * self.columns


@dataclass(frozen=True, config=STRICT)
class SampleRef:
    """A sample by its safe id, with free-text label, its foil from the bottom up, and the cell built on it.

    layers: substrate first, cathode last (what goes under the lamp). cell_layers: what is put on after the
    anneal (electrolyte, anode). grown: what is meant to be grown on it here, from the bottom up, and is not there yet.
    area [m2] of the cell with its standard uncertainty. materials: the numbers of those of its materials that are not
    the twins' own; labctl fills them in from the library. sheet: it carries so many cells of that area, not one; site:
    row and column, from 1, of the sheet in `parents` that it was cut from. parallel: equal layers of it that share one
    pair of terminals, each of that area.
    """

    id: SafeId
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=16)]
    cell_layers: Annotated[tuple[Layer, ...], Field(max_length=16)] = ()
    area: Annotated[float, Field(gt=0, le=1), Unit("m^2")] = 0.15e-4
    area_sd: Annotated[float, Field(ge=0, le=1), Unit("m^2")] = 0.0
    label: Annotated[str, Field(max_length=5000)] = ""
    parents: tuple[SafeId, ...] = ()
    grown: Annotated[tuple[Layer, ...], Field(max_length=16)] = ()
    materials: Annotated[tuple[Material, ...], Field(max_length=16)] = ()
    sheet: CellGrid | None = None
    site: tuple[Annotated[int, Field(ge=1, le=1000)], Annotated[int, Field(ge=1, le=1000)]] | None = None
    parallel: Annotated[int, Field(ge=1, le=1000)] = 1

    def _repr_html_(self) -> str:
        """Return it as a notebook shows it, from the top down."""
        stack = [*self.layers, *self.cell_layers]
        rows = "".join(
            f"<tr><td>{escape(each.material)}</td><td>{each.thickness * 1e6:.4g} um</td>"
            f"<td>{escape(each.doubtful or each.source)}</td></tr>"
            for each in reversed(stack)
        )
        said = f"{escape(self.id)} {escape(self.label)}".strip()
        return f"<table><caption>{said}, area {self.area * 1e4:.4g} cm^2</caption>{rows}</table>"

    @model_serializer(mode="wrap")
    def _as_before_without_growth(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the keys out where nothing is to be grown or described: descriptions stay what they always were."""
        body: dict[str, Any] = inner(self)
        rare: dict[str, Any] = {"grown": [], "materials": [], "sheet": None, "site": None, "parallel": 1}
        return {key: value for key, value in body.items() if key not in rare or value not in (rare[key], ())}

    def material(self, kind: str, name: str) -> Material | None:
        """Return what it says of a material of a kind; None for one that the twins know themselves, or nobody."""
        return next((each for each in self.materials if (each.kind, each.name) == (kind, name)), None)


def with_films(sample: SampleRef, films: Iterable[Layer]) -> SampleRef:
    """Return a sample with films put on, from the bottom up; what was meant to be grown of their materials is there.

    A film of the material that is on top makes that layer thicker, and their uncertainties, of one tool, add. What is
    put on a cathode, and all on top of that, belongs to the cell.
    """
    below, upper, left = list(sample.layers), list(sample.cell_layers), list(sample.grown)
    for film in films:
        stack = upper if upper or film.material in UPPER else below
        if stack and stack[-1].material == film.material:
            stack[-1] = _thicker(stack[-1], film)
        else:
            stack.append(film)
        left = [each for each in left if each.material != film.material]
    return replace(sample, layers=tuple(below), cell_layers=tuple(upper), grown=tuple(left))


def as_meant(sample: SampleRef) -> SampleRef:
    """Return a sample as if all that is meant to be grown on it were there."""
    return with_films(sample, sample.grown) if sample.grown else sample


def _thicker(layer: Layer, film: Layer) -> Layer:
    return Layer(
        layer.material,
        layer.thickness + film.thickness,
        layer.thickness_sd + film.thickness_sd,
        _once(layer.source, film.source),
        _once(layer.doubtful, film.doubtful),
    )


def _once(*said: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, said)))


def doubts_about(sample: SampleRef, but: str = "") -> str:
    """Return what a person must agree to before anything more is done to a sample; empty for a sound one.

    but: the material of a film that is gone on with, whose doubts that question told.
    """
    stack = (*sample.layers, *sample.cell_layers)
    told = top_of(sample, but) if but else None
    doubtful = [each for each in stack if each.doubtful and each is not told]
    if not doubtful:
        return ""
    said = "; ".join(f"{each.material}: {each.doubtful}" for each in doubtful)
    return f"a film of {sample.id} is doubtful ({said})"


def top_of(sample: SampleRef, material: str) -> Layer | None:
    """Return the uppermost layer of a material, to which more of it would be added; None where there is none."""
    stack = (*sample.layers, *sample.cell_layers)
    return next((each for each in reversed(stack) if each.material == material), None)
