"""What films are made on: heat, light and mechanics of each substrate, with the source of every number.

Sources: [NIST] Shomate tables of the NIST WebBook; [Incropera] Incropera and DeWitt, Fundamentals of Heat and Mass
Transfer, tables A.1 and A.2; [handbook] common tables of materials' properties; [Schott] data sheet of BOROFLOAT 33;
[DuPont] data sheet of Kapton HN; [mica trade] data sheets of muscovite; [Cezairliyan 1980] Int. J. Thermophys. 1, 83.
Optical values are guesses for visible light in contact with a film.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.heat.medium import Medium, Melting, constant, medium, tabulated

Array = NDArray[np.float64]

CELSIUS = 273.15


@dataclass(frozen=True, eq=False)
class SubstrateMaterial:
    """Describe a substrate.

    mirror: reflectance as seen from the film [1]; opaque: whether it absorbs the light that comes to it;
    expansion [K-1]; yield_stress [Pa] when hot, infinite where brittle; bearable [K]: up to where it stays what it
    is, and what happens there.
    """

    medium: Medium
    mirror: float
    opaque: bool
    expansion: float
    yield_stress: float
    bearable: float
    beyond: str


DENSITY: Mapping[str, float] = {
    "Al": 2700.0,  # [handbook], at room temperature
    "steel": 7900.0,  # AISI 304, [Incropera]
    "glass": 2200.0,  # [Schott]
    "mica": 2820.0,  # [mica trade]
    "Si": 2330.0,  # [Incropera]
    "polyimide": 1420.0,  # [DuPont]
    "Al2O3": 3970.0,  # polycrystalline, [Incropera]
}
"""kg/m3, by the name that a sample's layers bear."""

ALUMINIUM_MOLAR_MASS = 26.9815e-3  # kg mol-1, [NIST]
SILICON_MOLAR_MASS = 28.0855e-3  # kg mol-1, [NIST]


def aluminium_specific_heat(temperature: Array) -> Array:
    """Return cp [J kg-1 K-1] of solid aluminium at temperature [K]; Shomate, [NIST], 298 to 933 K."""
    t = temperature / 1000.0
    molar = 28.0892 - 5.414849 * t + 8.560423 * t**2 + 3.427370 * t**3 - 0.277375 / t**2
    return np.asarray(molar / ALUMINIUM_MOLAR_MASS)


ALUMINIUM = medium(
    "aluminium",
    DENSITY["Al"],
    aluminium_specific_heat,
    tabulated(
        "aluminium.conductivity", "W/(m K)", ((300.0, 237.0), (400.0, 240.0), (600.0, 231.0), (933.0, 209.0))
    ),  # W m-1 K-1, [handbook]
    Melting(
        temperature=933.47,  # K, [NIST]
        latent=10.71e3 / ALUMINIUM_MOLAR_MASS,  # [NIST]
        specific_heat=31.751 / ALUMINIUM_MOLAR_MASS,  # [NIST]
        conductivity=92.0,  # [handbook]
    ),
)

STEEL = medium(
    "steel",
    DENSITY["steel"],  # AISI 304, [Incropera], as all that follows
    tabulated(
        "steel.specific_heat",
        "J/(kg K)",
        (
            (300.0, 477.0),
            (400.0, 515.0),
            (600.0, 557.0),
            (800.0, 582.0),
            (1000.0, 611.0),
            (1200.0, 640.0),
            (1500.0, 682.0),
        ),
    ),
    tabulated(
        "steel.conductivity",
        "W/(m K)",
        (
            (300.0, 14.9),
            (400.0, 16.6),
            (600.0, 19.8),
            (800.0, 22.6),
            (1000.0, 25.4),
            (1200.0, 28.0),
            (1500.0, 31.7),
        ),
    ),
    # 1707 K is [Cezairliyan 1980]'s for 304L; latent heat and melt are [handbook] for austenitic steel.
    Melting(temperature=1707.0, latent=260e3, specific_heat=790.0, conductivity=30.0),
)

# [Schott]: mean cp to 100 C, k at 90 C
GLASS = medium("glass", DENSITY["glass"], constant(830.0), constant(1.2))

# Across the cleavage: 0.0013 cal/(cm s K) and 0.21 cal/(g K), [mica trade].
MICA = medium("mica", DENSITY["mica"], constant(880.0), constant(0.54))

SILICON = medium(
    "silicon",
    DENSITY["Si"],  # [Incropera], as cp and k
    tabulated(
        "silicon.specific_heat",
        "J/(kg K)",
        (
            (300.0, 712.0),
            (400.0, 790.0),
            (600.0, 867.0),
            (800.0, 913.0),
            (1000.0, 946.0),
            (1200.0, 967.0),
            (1500.0, 992.0),
        ),
    ),
    tabulated(
        "silicon.conductivity",
        "W/(m K)",
        (
            (300.0, 148.0),
            (400.0, 98.9),
            (600.0, 61.9),
            (800.0, 42.2),
            (1000.0, 31.2),
            (1200.0, 25.7),
            (1500.0, 22.7),
        ),
    ),
    # Melting point [Incropera]; latent heat and cp of the melt [NIST]; k of the melt [handbook].
    Melting(
        temperature=1685.0,
        latent=50.21e3 / SILICON_MOLAR_MASS,
        specific_heat=27.2 / SILICON_MOLAR_MASS,
        conductivity=56.0,
    ),
)

POLYIMIDE = medium("polyimide", DENSITY["polyimide"], constant(1090.0), constant(0.12))  # [DuPont], at 23 C

ALUMINA = medium(
    "alumina",
    DENSITY["Al2O3"],
    # [Incropera], as k, up to 1000 K; beyond, Shomate of corundum, [NIST]
    tabulated(
        "alumina.specific_heat",
        "J/(kg K)",
        (
            (300.0, 765.0),
            (400.0, 940.0),
            (600.0, 1110.0),
            (800.0, 1180.0),
            (1000.0, 1225.0),
            (1500.0, 1297.0),
            (2000.0, 1339.0),
        ),
    ),
    tabulated(
        "alumina.conductivity",
        "W/(m K)",
        (
            (300.0, 36.0),
            (400.0, 26.4),
            (600.0, 15.8),
            (800.0, 10.4),
            (1000.0, 7.85),
            (1200.0, 6.55),
            (1500.0, 5.66),
            (2000.0, 6.0),
        ),
    ),
)

SUBSTRATES: Mapping[str, SubstrateMaterial] = {
    "Al": SubstrateMaterial(
        ALUMINIUM,
        mirror=0.9,  # [handbook] for bare aluminium, visible light
        opaque=True,
        expansion=24e-6,  # [handbook]
        yield_stress=10e6,  # annealed and hot, [handbook], to one digit
        bearable=933.47,
        beyond="melts",
    ),
    "steel": SubstrateMaterial(
        STEEL,
        mirror=0.6,
        opaque=True,
        expansion=18e-6,  # [handbook], mean to 500 C
        yield_stress=100e6,  # near 700 C, [handbook]
        bearable=870.0 + CELSIUS,  # intermittent service of 304, [handbook]
        beyond="scales",
    ),
    "glass": SubstrateMaterial(
        GLASS,
        mirror=0.04,
        opaque=False,
        expansion=3.25e-6,  # [Schott]
        yield_stress=math.inf,
        bearable=525.0 + CELSIUS,  # transformation point, [Schott]
        beyond="deforms",
    ),
    "mica": SubstrateMaterial(
        MICA,
        mirror=0.05,
        opaque=False,
        expansion=9e-6,  # along the sheet, [handbook]
        yield_stress=math.inf,
        bearable=600.0 + CELSIUS,  # [mica trade]
        beyond="loses its water",
    ),
    "Si": SubstrateMaterial(
        SILICON,
        mirror=0.3,
        opaque=True,
        expansion=3.6e-6,  # mean to 900 K, [handbook]
        yield_stress=math.inf,
        bearable=1685.0,
        beyond="melts",
    ),
    "polyimide": SubstrateMaterial(
        POLYIMIDE,
        mirror=0.06,
        opaque=False,
        expansion=20e-6,  # [DuPont]
        yield_stress=41e6,  # at 200 C, [DuPont]
        bearable=400.0 + CELSIUS,  # highest use, [DuPont]
        beyond="decomposes",
    ),
    "Al2O3": SubstrateMaterial(
        ALUMINA,
        mirror=0.3,
        opaque=False,
        expansion=8e-6,  # [handbook]
        yield_stress=math.inf,
        bearable=2323.0,  # [Incropera]
        beyond="melts",
    ),
}
"""Substrates by the name that a sample's layers bear."""
