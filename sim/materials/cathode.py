"""The electrochemistry of the layers of a LiCoO2 / LiPON / Li cell, with the source of every number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sim.physics.cell.arrhenius import ActivationEnergies
from sim.physics.cell.data import Ageing, CellParameters
from sim.physics.cell.ocp import OpenCircuitPotential, Reaction

TEMPERATURE = 298.15  # K, room temperature; the papers give none

# Sum of reactions fitted to the open-circuit potential of LiCoO2, within 5 mV of its target table and 18 mV
# of the Dualfoil set of Marquis et al., J. Electrochem. Soc. 166 (2019) A3693; 3.0 to 4.25 V is 0.525 of the
# sites.
LITHIUM_COBALT_OXIDE = OpenCircuitPotential(
    reactions=(
        Reaction(potential=3.909, share=0.2543, width=0.330),
        Reaction(potential=3.970, share=0.1886, width=2.374),
        Reaction(potential=4.020, share=0.0300, width=1.200),
        Reaction(potential=4.190, share=0.0567, width=0.911),
        Reaction(potential=4.483, share=0.4704, width=1.540),
    ),
    temperature=TEMPERATURE,
)

_COULOMB_PER_MICROAMPERE_HOUR = 3.6e-3
_CUBIC_METRE_PER_SQUARE_CENTIMETRE_MICROMETRE = 1e-10

# C/m3 for x from 0 to 1: 138.3 uAh/cm2/um, the crystal of density 5.05 g/cm3 and 97.87 g/mol (handbook)
SITE_CHARGE = 138.3 * _COULOMB_PER_MICROAMPERE_HOUR / _CUBIC_METRE_PER_SQUARE_CENTIMETRE_MICROMETRE

# Share of the crystalline sites that takes part: fitted .986 +- .017 to the capacity rows of the FLA paper,
# fixed
UTILISATION = 0.985
LOWER, UPPER = 3.0, 4.25  # V against lithium, between which the FLA paper cycles its films
AS_MADE_LITHIUM = 1.0 - 1e-6  # stoichiometric film; 3.23 V at rest before its first charge (guess)

# A/m2 on both electrodes, 5.1 ohm cm2 each at x = .5: assumption, near the 8.6 ohm cm2 of LiCoO2 on its solid
# electrolyte in the abstract of Haruta et al. 2015
EXCHANGE_CURRENT = 50.0

LIPON_CONDUCTIVITY = 2e-4  # S/m, 2e-6 S/cm [FLA paper]
LIPON_THICKNESS = 1e-6  # m [FLA paper]
CONTACT_RESISTANCE = 0.0  # ohm m2: the fit of the capacity rows drives it to 0

LITHIUM_SITE_CHARGE = 534.0 * 96485.33 / 6.94e-3  # C/m3: density 534 kg/m3, 6.94 g/mol (handbook)
LITHIUM_THICKNESS = 2e-6  # m on the anode as made (guess: an evaporated excess; the papers give none)

DOUBLE_LAYER = 0.1  # F/m2 on both electrodes, 10 uF/cm2: guess
LIPON_PERMITTIVITY = 16.6 * 8.8541878128e-12  # F/m: relative 16.6 is a guess, recalled and not found again

# J/mol. LiPON: 0.55 eV, the usual value of the literature (guess: not measured on these films). Film and
# interfaces: guesses; a thin-film cell on LiBON kept 77 % of its capacity at -10 C and gave 127 % at 60 C
# (PVD review), the only fact at hand.
ACTIVATION = ActivationEnergies(diffusivity=35e3, exchange=50e3, electrolyte=53e3)

# An anodeless cell keeps 95 % after 150 cycles [anodeless paper]: all of it as lithium lost on plating. The
# same loss beside 2 um of lithium is not seen.
ANODELESS_AGEING = Ageing(plating_loss=5.75e-4)


def cell_on(
    edges: ArrayLike, diffusivity: ArrayLike, *, area: float, active_share: ArrayLike = UTILISATION
) -> CellParameters:
    """Return the cell LiCoO2 / LiPON / Li on a film, all else as the constants of this module say.

    edges [m] (n + 1,) of the film's volumes, 0 at the electrolyte; diffusivity [m2/s] and active_share [-] of
    the crystal's sites, one number or (n,); area [m2].
    Raises CellError for values out of range.
    """
    borders = np.asarray(edges, dtype=np.float64)
    count = max(borders.size - 1, 0)
    return CellParameters(
        area=area,
        edges=tuple(borders.tolist()),
        diffusivity=tuple(np.broadcast_to(diffusivity, count).tolist()),
        active_share=tuple(np.broadcast_to(active_share, count).tolist()),
        site_charge=SITE_CHARGE,
        cathode_exchange_current=EXCHANGE_CURRENT,
        anode_exchange_current=EXCHANGE_CURRENT,
        electrolyte_resistance=LIPON_THICKNESS / LIPON_CONDUCTIVITY,
        contact_resistance=CONTACT_RESISTANCE,
        anode_lithium=LITHIUM_THICKNESS * LITHIUM_SITE_CHARGE,
        as_made_lithium=AS_MADE_LITHIUM,
        ocp=LITHIUM_COBALT_OXIDE,
        cathode_capacitance=DOUBLE_LAYER,
        anode_capacitance=DOUBLE_LAYER,
        electrolyte_capacitance=LIPON_PERMITTIVITY / LIPON_THICKNESS,
    )
