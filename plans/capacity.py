"""What a cathode film should hold, from its thickness and area, with the uncertainty carried along."""

from __future__ import annotations

import math
from typing import Any

from devices.samples import SampleRef

VOLUMETRIC_CAPACITY = {"LiCoO2": 69e-6 * 1e4 * 1e6}
"""Ah/m3 at half the lithium: 69 uAh/cm2/um = 137 mAh/g x 5.05 g/cm3 (review of PVD cathodes, 2021)."""


def nominal_capacity(sample: SampleRef) -> dict[str, Any] | None:
    """Return {value_Ah, sd_Ah, basis} of a sample's cathode, or None when its material has no entry."""
    cathode = sample.layers[-1]
    density = VOLUMETRIC_CAPACITY.get(cathode.material)
    if density is None:
        return None
    value = density * cathode.thickness * sample.area
    relative = math.hypot(cathode.thickness_sd / cathode.thickness, sample.area_sd / sample.area)
    return {
        "value_Ah": value,
        "sd_Ah": value * relative,
        "basis": f"{cathode.material} thickness x area x 69 uAh/cm2/um (half the lithium)",
    }
