"""A sample as the lab believes it to be: as it was intended, with what was put on it, and as it was measured."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devices.cycling.cells import CellSize
from devices.errors import DataError
from devices.recipes import to_json
from devices.samples import Layer, SampleRef, with_films
from labctl.runs.films import FilmPutOn
from labctl.samples.deposited import deposited
from labctl.samples.measurements import Measurement, measured
from labctl.samples.parents import Families
from labctl.samples.spoilt import Doubt, spoilt

MASK_BLUR = 3.35e-6
"""m by which the edge of a film through a mask is uncertain: half of its half-shadow over a gap of 0.2 mm, guess."""


LONGEST_DOUBT = 5000
"""Characters, as devices.samples.Layer takes."""


@dataclass(frozen=True)
class Believed:
    """A sample with what was put on it and what was measured in place of what was intended, and the size of its cell.

    by: what was measured. films: what was put on, by its runs.
    """

    sample: SampleRef
    cell: CellSize
    by: tuple[Measurement, ...] = ()
    films: tuple[FilmPutOn, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return what start documents say of it: layers, cell_layers, area_m2, area_sd_m2, as in `sample` there."""
        plain = to_json(self.sample)
        return {
            "layers": plain["layers"],
            "cell_layers": plain["cell_layers"],
            "area_m2": self.sample.area,
            "area_sd_m2": self.sample.area_sd,
        }


def believed(
    data: Path, sample: SampleRef, until: float = math.inf, inputs: Collection[str] = ()
) -> Believed:
    """Return a sample as journals and facts tell it; what was measured counts whenever it was.

    until: a label [s since the epoch]; what began later is not on it, but what `inputs` (uids) made.
    Raises DataError when a measured layer stands in it more than once, or its facts cannot be read.
    """
    families = Families(data)
    found = measured(data, sample.id, sample.parents, families)
    put_on = deposited(data, sample.id, sample.parents, families)
    films = [film for film in put_on if film.time <= until or film.run in inputs]
    whole = _masked(with_films(sample, [layer_of(film) for film in films]), films)
    for doubt in spoilt(data, sample.id, sample.parents, families):
        if doubt.time <= until:
            whole = _spoilt(whole, doubt, [film for film in films if film.time < doubt.time], sample)
    for each in found:
        if each.quantity == "thickness":
            whole = _with_thickness(whole, each)
        elif each.quantity == "area":
            whole = replace(whole, area=each.value, area_sd=each.sd)
    return Believed(whole, _size(whole, found), tuple(found), tuple(films))


def layer_of(film: FilmPutOn) -> Layer:
    """Return a film as a layer of its sample."""
    by = f" by {film.tool}" if film.tool else ""
    return Layer(film.material, film.thickness, film.sd, f"deposited{by}: {film.how}", film.doubts)


def _masked(sample: SampleRef, films: list[FilmPutOn]) -> SampleRef:
    """Return a sample whose cell is as large as the smallest opening of the masks that lay on it."""
    area = min((film.area for film in films if film.area is not None), default=None)
    if area is None:
        return sample
    return replace(sample, area=area, area_sd=MASK_BLUR * math.sqrt(4.0 * math.pi * area))


def _spoilt(sample: SampleRef, doubt: Doubt, before: list[FilmPutOn], described: SampleRef) -> SampleRef:
    """Return a sample whose cathode, the top layer of those a cell is built on, is doubtful for some heat.

    before: the films that lay on it then. described: as it was without any.
    """
    top = len(with_films(described, [layer_of(film) for film in before]).layers) - 1
    layers = list(sample.layers)
    said = [each for each in (layers[top].doubtful, doubt.said) if each]
    layers[top] = replace(layers[top], doubtful="; ".join(dict.fromkeys(said))[:LONGEST_DOUBT])
    return replace(sample, layers=tuple(layers))


def _with_thickness(sample: SampleRef, measurement: Measurement) -> SampleRef:
    """Return a sample with the layer of the measured material as thick as measured; unchanged without one."""
    stack = (*sample.layers, *sample.cell_layers)
    alike = [index for index, layer in enumerate(stack) if layer.material == measurement.layer]
    if len(alike) > 1:
        raise DataError(
            f"{sample.id} has {len(alike)} layers of {measurement.layer}: which of them was measured is unknown;"
            " describe the sample with the measured thickness instead"
        )
    source = f"measured{measurement.how and f': {measurement.how}'}"
    layers = [
        replace(layer, thickness=measurement.value, thickness_sd=measurement.sd, source=source)
        if index in alike
        else layer
        for index, layer in enumerate(stack)
    ]
    below = len(sample.layers)
    return replace(sample, layers=tuple(layers[:below]), cell_layers=tuple(layers[below:]))


def _size(sample: SampleRef, found: list[Measurement]) -> CellSize:
    """Return the size of the cell: its capacity as measured, else what its film should hold."""
    for each in found:
        if each.quantity == "capacity":
            return CellSize(sample.area, each.value, each.sd, f"measured{each.how and f': {each.how}'}")
    return CellSize.of(sample)
