"""How much energy a cell holds per volume: a stack's layers, what its cathode gives, and nothing measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from devices.errors import ConfigError, DataError, Mistake
from devices.samples import SampleRef, as_meant
from labctl.materials.library import Library, plain
from labctl.materials.reading import Entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WATT_HOUR_PER_LITRE = 3.6e6
"""J/m3."""

LITHIUM = "Li"
"""The material of an anode that holds what a charged cathode takes up."""

THICKEST = 3.0
"""Of the substrate's own thickness, up to where the picture goes; at least LEAST."""

LEAST = 50e-6
"""m, likewise."""


@dataclass(frozen=True)
class StackOfLayers:
    """What a cell is of, per area: thicknesses [m], and what its cathode gives.

    capacity [C/m3] of the cathode in use; utilisation [1] of that; voltage [V] of the discharge on average. swelling:
    whether the lithium that is plated takes room besides, of a cell without an anode as made. anode: of lithium, as
    made. charged: the cathode is made without lithium, and takes up what the anode has.
    """

    cathode: float
    substrate: float
    electrolyte: float
    collector: float
    capacity: float
    voltage: float
    utilisation: float = 1.0
    packaging: float = 0.0
    swelling: bool = False
    anode: float = 0.0
    charged: bool = False

    def __post_init__(self) -> None:
        for name in ("cathode", "capacity", "voltage"):
            if not getattr(self, name) > 0.0:
                raise DataError(f"{name} must be above 0")
        for name in ("substrate", "electrolyte", "collector", "packaging", "anode"):
            if not getattr(self, name) >= 0.0:
                raise DataError(f"{name} must not be below 0")
        if not 0.0 < self.utilisation <= 1.0:
            raise DataError(f"a utilisation of {self.utilisation:g} is outside (0, 1]")
        if self.charged and self.anode < self.lithium:
            raise DataError(
                f"the cathode is made without lithium and takes up {self.lithium * 1e6:.3g} um of it: the stack"
                f" needs an anode of lithium at least as thick, it has {self.anode * 1e6:.3g} um"
            )

    @property
    def areal_capacity(self) -> float:
        """What it gives per area [C/m2]."""
        return self.utilisation * self.capacity * self.cathode

    @property
    def lithium(self) -> float:
        """How thick the lithium is that goes to and fro [m]."""
        from sim.materials.cathode import LITHIUM_SITE_CHARGE

        return self.areal_capacity / LITHIUM_SITE_CHARGE

    @property
    def thickness(self) -> float:
        """How thick it is [m]."""
        plated = self.lithium if self.swelling and not self.charged else 0.0
        films = self.cathode + self.electrolyte + self.anode + plated + self.collector
        return self.substrate + films + self.packaging

    @property
    def energy_density(self) -> float:
        """Energy per volume [J/m3]."""
        return self.areal_capacity * self.voltage / self.thickness


def mean_voltage(entry: Entry) -> float:
    """Return the mean open-circuit potential [V] of a cathode against lithium, between lower and upper.

    Raises ConfigError for one of which it is not known.
    """
    from sim.materials.described import ocp_of

    try:
        material = plain(entry)
    except ValueError as error:
        raise ConfigError([Mistake(str(entry.path), "", "", f"{error}; give --voltage")]) from error
    assert material.lower is not None
    assert material.upper is not None
    ocp = ocp_of({"reactions": material.reactions})
    potentials = np.linspace(material.lower, material.upper, 2001)
    filled = ocp.lithium(potentials)
    return float(-np.trapezoid(potentials, filled) / (filled[0] - filled[-1]))


def of_sample(sample: SampleRef, library: Library) -> StackOfLayers:
    """Return the stack of a sample. Raises DataError for one without a cell, ConfigError without numbers."""
    meant = as_meant(sample)
    if not meant.cell_layers:
        raise DataError(f"{sample.id} has no cell_layers")
    film, *below = reversed(meant.layers)
    entry = cathode_of(film.material, library)
    electrolyte, *upper = meant.cell_layers
    return StackOfLayers(
        cathode=film.thickness,
        substrate=sum(each.thickness for each in below),
        electrolyte=electrolyte.thickness,
        collector=sum(each.thickness for each in upper if each.material != LITHIUM),
        capacity=capacity_of(entry),
        voltage=mean_voltage(entry),
        anode=sum(each.thickness for each in upper if each.material == LITHIUM),
        charged=is_charged(entry),
    )


def is_charged(entry: Entry) -> bool:
    """Return whether a cathode is made without lithium."""
    return getattr(entry.file, "made", "") == "charged"


def cathode_of(name: str, library: Library) -> Entry:
    """Return a cathode. Raises ConfigError where there is none of that name."""
    entry = library.entry("cathode", name)
    if entry is None:
        reason = f"no cathode has this name; there are {', '.join(library.names('cathode'))}"
        raise ConfigError([Mistake("materials", "cathode", f'"{name}"', reason)])
    return entry


def capacity_of(entry: Entry) -> float:
    """Return what a cathode gives per volume [C/m3]. Raises ConfigError where nobody says."""
    capacity = entry.value("capacity")
    if capacity is None:
        raise ConfigError([Mistake(str(entry.path), "capacity", "", "nobody states it")])
    return capacity


def substrate_figure(title: str, stacks: Sequence[tuple[str, StackOfLayers]]) -> Figure:
    """Draw energy density against the substrate's thickness, a line for each stack, with its own as a point."""
    from labctl.pictures.drawing import GREYS, STYLES, axes_of

    figure, axes = axes_of(title, "substrate thickness (um)", "energy density (Wh/l)")
    for index, (label, stack) in enumerate(stacks):
        thicknesses = np.linspace(0.0, max(LEAST, THICKEST * stack.substrate), 201)
        energies = [replace(stack, substrate=float(each)).energy_density for each in thicknesses]
        grey, style = GREYS[index % len(GREYS)], STYLES[index % len(STYLES)]
        axes.plot(
            thicknesses * 1e6, np.array(energies) / WATT_HOUR_PER_LITRE, color=grey, ls=style, label=label
        )
        axes.plot(stack.substrate * 1e6, stack.energy_density / WATT_HOUR_PER_LITRE, "o", color=grey)
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, fontsize=8)
    return figure
