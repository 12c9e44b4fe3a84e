"""A film on its substrate in a furnace: slow enough that all of it has one temperature at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.physics.anneal.crystallisation import dose_of_profile
from sim.physics.anneal.state import AnnealState
from sim.physics.heat.errors import OutsideTable
from sim.physics.heat.medium import COLDEST, HOTTEST, REFERENCE

if TYPE_CHECKING:
    from sim.physics.anneal.under_lamp import FoilUnderLamp

Array = NDArray[np.float64]


def in_furnace(foil: FoilUnderLamp, state: AnnealState, time: Array, temperature: Array) -> AnnealState:
    """Return a state after a furnace profile or a rapid thermal anneal, cold again as it was before.

    time (s,) [s] and temperature (s,) [K]: points with straight lines between. The kinetics are those under the lamp:
    what flashes have begun goes on, by the same dose in every cell. A slab that melts below the highest
    temperature counts as molten. Heat is no matter here: the furnace has enough.
    Raises ValueError unless time rises and the temperatures are within the tables.
    """
    hottest, film, substrate = float(temperature.max()), foil.film, foil.substrate
    dose = dose_of_profile(film.kinetics, time, temperature)
    if not COLDEST < float(temperature.min()) <= hottest < HOTTEST:
        raise OutsideTable(f"temperature of a profile leaves the range from {COLDEST:g} to {HOTTEST:g} K")
    loss = film.lithium_loss
    strain = abs(substrate.expansion - film.expansion) * float(np.abs(temperature - REFERENCE).max())
    return replace(
        state,
        dose=state.dose + dose,
        peak=np.maximum(state.peak, hottest),
        surface_peak=max(state.surface_peak, hottest),
        foil_peak=max(state.foil_peak, hottest),
        molten=max(state.molten, *(float(hottest > slab.medium.melting_point) for slab in substrate.slabs)),
        lithium_loss=state.lithium_loss + (0.0 if loss is None else dose_of_profile(loss, time, temperature)),
        strain=max(state.strain, strain),
        substrate_margin=max(
            state.substrate_margin, *(slab.above_bearable(hottest) for slab in substrate.slabs)
        ),
    )
