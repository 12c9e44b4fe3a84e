"""A sample as the lab believes it to be: as it was intended, where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devices.cycling.cells import CellSize
from devices.errors import DataError
from devices.recipes import to_json
from devices.samples import Layer, SampleRef
from labctl.samples.measurements import Measurement, measured


@dataclass(frozen=True)
class Believed:
    """A sample with measured layers and area in place of intended ones, and the size of its cell."""

    sample: SampleRef
    cell: CellSize
    by: tuple[Measurement, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return what start documents say of it: layers, cell_layers, area_m2, area_sd_m2, as in `sample` there."""
        plain = to_json(self.sample)
        return {
            "layers": plain["layers"],
            "cell_layers": plain["cell_layers"],
            "area_m2": self.sample.area,
            "area_sd_m2": self.sample.area_sd,
        }


def believed(data: Path, sample: SampleRef) -> Believed:
    """Return a sample as its facts tell it.

    Raises DataError when a measured layer stands in it more than once, or its facts cannot be read.
    """
    found = measured(data, sample.id, sample.parents)
    whole = sample
    for each in found:
        if each.quantity == "thickness":
            whole = _with_thickness(whole, each)
        elif each.quantity == "area":
            whole = replace(whole, area=each.value, area_sd=each.sd)
    return Believed(whole, _size(whole, found), tuple(found))


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
        Layer(layer.material, measurement.value, measurement.sd, source) if index in alike else layer
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
