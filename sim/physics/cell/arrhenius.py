"""A cell at another temperature: what is thermally activated changes, by Arrhenius' law."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy.constants import physical_constants

from sim.physics.cell.data import CellError, CellParameters

_GAS_CONSTANT = physical_constants["molar gas constant"][0]  # J/mol/K, CODATA


@dataclass(frozen=True)
class ActivationEnergies:
    """Hold activation energies [J/mol] of diffusion in the film, of charge transfer and of the electrolyte.

    Raises CellError for a negative one.
    """

    diffusivity: float
    exchange: float
    electrolyte: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0.0):
                raise CellError(f"activation energy of {name} = {value!r} J/mol is outside its range")


def at_temperature(
    parameters: CellParameters, temperature: float, energies: ActivationEnergies
) -> CellParameters:
    """Return a cell at a temperature [K], from its parameters at their own.

    Rates grow by exp(-E / R (1 / T - 1 / T_0)), the electrolyte's resistance falls likewise; R T / F follows
    in the kinetics and in the widths of the open-circuit potential, whose reactions stay where they are: their
    entropies are not known.
    Raises CellError for a temperature that is not positive.
    """
    if not (math.isfinite(temperature) and temperature > 0.0):
        raise CellError(f"temperature = {temperature!r} K is not a positive number")
    colder = (1.0 / temperature - 1.0 / parameters.ocp.temperature) / _GAS_CONSTANT
    diffusing = math.exp(-energies.diffusivity * colder)
    reacting = math.exp(-energies.exchange * colder)
    return replace(
        parameters,
        diffusivity=tuple(diffusing * each for each in parameters.diffusivity),
        cathode_exchange_current=reacting * parameters.cathode_exchange_current,
        anode_exchange_current=reacting * parameters.anode_exchange_current,
        electrolyte_resistance=math.exp(energies.electrolyte * colder) * parameters.electrolyte_resistance,
        ocp=replace(parameters.ocp, temperature=temperature),
    )
