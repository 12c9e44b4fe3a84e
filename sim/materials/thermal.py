"""Heat, light and crystallisation of LiCoO2 on aluminium foil under a flash lamp.

Sources: [FLA paper] the 2021 paper on flash lamp annealing of LiCoO2 on aluminium foil; [Wei 1992] Wei, Haas,
Goldner, Solid State Ionics 58; [NIST] Shomate tables of the NIST WebBook; [handbook] common tables of the
metals' properties; "calibrated": chosen so that the model meets [FLA paper]'s three recipes.
"""

import numpy as np
from numpy.typing import NDArray

from sim.physics.anneal import Film, FoilUnderLamp
from sim.physics.crystallisation import Kinetics
from sim.physics.heat import Environment, Side
from sim.physics.medium import Melting, constant, medium
from sim.physics.optics import law_through

Array = NDArray[np.float64]

ALUMINIUM_DENSITY = 2700.0  # kg m-3, [handbook], at room temperature
ALUMINIUM_MOLAR_MASS = 26.9815e-3  # kg mol-1, [NIST]
ALUMINIUM_MELTING = 933.47  # K, [NIST]
ALUMINIUM_LATENT = 10.71e3  # J mol-1, [NIST]
ALUMINIUM_MELT_HEAT = 31.751  # J mol-1 K-1, [NIST]
ALUMINIUM_MELT_CONDUCTIVITY = 92.0  # W m-1 K-1, [handbook]


def aluminium_specific_heat(temperature: Array) -> Array:
    """Return cp [J kg-1 K-1] of solid aluminium at temperature [K]; Shomate, [NIST], 298 to 933 K."""
    t = temperature / 1000.0
    molar = 28.0892 - 5.414849 * t + 8.560423 * t**2 + 3.427370 * t**3 - 0.277375 / t**2
    return np.asarray(molar / ALUMINIUM_MOLAR_MASS)


def aluminium_conductivity(temperature: Array) -> Array:
    """Return k [W m-1 K-1] of solid aluminium at temperature [K]; [handbook]."""
    return np.asarray(np.interp(temperature, (300.0, 400.0, 600.0, 933.0), (237.0, 240.0, 231.0, 209.0)))


ALUMINIUM = medium(
    "aluminium",
    ALUMINIUM_DENSITY,
    aluminium_specific_heat,
    aluminium_conductivity,
    Melting(
        temperature=ALUMINIUM_MELTING,
        latent=ALUMINIUM_LATENT / ALUMINIUM_MOLAR_MASS,
        specific_heat=ALUMINIUM_MELT_HEAT / ALUMINIUM_MOLAR_MASS,
        conductivity=ALUMINIUM_MELT_CONDUCTIVITY,
    ),
)

LCO = Film(
    medium=medium(
        "LiCoO2",
        density=5050.0,  # kg m-3, crystal density [handbook]; 10 % less moves peaks by 2 K at most
        specific_heat=constant(740.0),  # J kg-1 K-1, [FLA paper]
        conductivity=constant(0.66),  # W m-1 K-1, [FLA paper]
    ),
    # Calibrated on the three recipes and on furnace anneals at 500 C for 2 h, 520 C for 15 min and 700 C; k
    # is uncertain by a factor of 4 and the activation energy by 60 kJ/mol, as these go together with the
    # assumed absorptance.
    kinetics=Kinetics(exponent=0.75, rate=4.41, reference=900.0, activation_energy=482e3),
    absorption=1e7,  # m-1, visible light, guess after the 2.2 eV gap of sputtered films in [Wei 1992]
    mirror=0.9,  # aluminium behind the film, visible light, [handbook] for bare aluminium
    full_capacity=71.4 * 3.6e7,  # C m-3; 71.4 uAh/cm2/um, [FLA paper]: 212 uAh/cm2, 3.3 um, 90 % crystalline
)

# Calibrated with the kinetics above: a thick, crystalline film absorbs less than a thin one. An empirical law
# of thickness through the three films of [FLA paper]; it absorbs whatever else differs between them, and is a
# guess away from them.
LCO_ABSORPTANCE = law_through(
    ((0.7e-6, 0.767), (1.2e-6, 0.72), (3.3e-6, 0.68)),
    thinnest=0.3e-6,
    thickest=5e-6,
)

ROOM = 298.15  # K

FLASH_STATION = Environment(
    front=Side(transfer=10.0, emissivity=0.85, temperature=ROOM),  # guess: still air over a dark film
    # Calibrated, 50 to 300 admissible: about the conduction of 0.3 mm of air between foil and chuck.
    back=Side(transfer=100.0, emissivity=0.05, temperature=ROOM),  # emissivity: guess, bright foil
)


def station(chuck: float) -> Environment:
    """Return the surroundings of a foil on a chuck at this temperature [K], in room air."""
    back = FLASH_STATION.back
    return Environment(FLASH_STATION.front, Side(back.transfer, back.emissivity, chuck))


def lco_on_foil(
    thickness: float,
    foil_thickness: float = 100e-6,  # m, [FLA paper]
    environment: Environment = FLASH_STATION,
    absorptance: float | None = None,
) -> FoilUnderLamp:
    """Return a LiCoO2 film of thickness [m] on aluminium foil [m] under the lamp.

    absorptance [1] replaces the calibrated law of thickness where given.
    Raises ValueError for a film outside that law's range.
    """
    absorbed = LCO_ABSORPTANCE(thickness) if absorptance is None else absorptance
    return FoilUnderLamp(LCO, thickness, absorbed, ALUMINIUM, foil_thickness, environment)
