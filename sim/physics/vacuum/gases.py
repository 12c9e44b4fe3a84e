"""Gases in a vacuum vessel: what they weigh, how many molecules make a pressure, what a gauge takes them for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

BOLTZMANN = 1.380649e-23  # J/K, exact since 2019
AVOGADRO = 6.02214076e23  # 1/mol, exact since 2019
ELEMENTARY_CHARGE = 1.602176634e-19  # C, exact since 2019
ATMOSPHERE = 101325.0  # Pa, standard
STANDARD_TEMPERATURE = 273.15  # K, of a standard cubic centimetre

SCCM = ATMOSPHERE * 1e-6 / 60.0 / (BOLTZMANN * STANDARD_TEMPERATURE)
"""Molecules per second in one standard cubic centimetre per minute: 4.478e17. As a throughput at another
temperature than 273.15 K it is another number of Pa m3/s; as molecules it is always the same."""

Amounts = tuple[float, ...]
"""One number for each of GASES, in their order."""


@dataclass(frozen=True)
class Gas:
    """Describe a gas: molar mass [kg/mol], what an ion gauge and a Pirani read over its pressure, nitrogen being 1."""

    name: str
    molar_mass: float
    ion_gauge: float
    pirani: float

    @property
    def molecule(self) -> float:
        """Return the mass of a molecule [kg]."""
        return self.molar_mass / AVOGADRO


# Molar masses: handbook. Gauge factors: recalled from gauge manuals, one digit after the point is sure.
GASES = (
    Gas("Ar", 39.948e-3, ion_gauge=1.29, pirani=0.6),
    Gas("O2", 31.998e-3, ion_gauge=1.01, pirani=1.0),
    Gas("N2", 28.014e-3, ion_gauge=1.0, pirani=1.0),
    Gas("H2O", 18.015e-3, ion_gauge=1.12, pirani=1.4),
    Gas("air", 28.964e-3, ion_gauge=1.0, pirani=1.0),
)
NAMES = tuple(gas.name for gas in GASES)
AR, O2, N2, H2O, AIR = range(len(GASES))
NOTHING: Amounts = (0.0,) * len(GASES)


def amounts(values: Mapping[str, float]) -> Amounts:
    """Return numbers given by name of gas in the order of GASES, 0 where none is given.

    Raises ValueError for a gas that is not known.
    """
    unknown = sorted(set(values) - set(NAMES))
    if unknown:
        raise ValueError(f"unknown gases {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return tuple(values.get(name, 0.0) for name in NAMES)


def impingement(pressure: float, molecule: float, temperature: float) -> float:
    """Return how many molecules strike a surface [1/(m2 s)]: p / sqrt(2 pi m k T), kinetic theory of gases.

    pressure [Pa], molecule m [kg], temperature T [K].
    """
    return pressure / math.sqrt(2.0 * math.pi * molecule * BOLTZMANN * temperature)


def as_ion_gauge(pressures: Amounts) -> float:
    """Return what an ion gauge set to nitrogen reads [Pa] of partial pressures [Pa]."""
    return sum(gas.ion_gauge * pressure for gas, pressure in zip(GASES, pressures, strict=True))


def as_pirani(pressures: Amounts) -> float:
    """Return what a Pirani gauge set to nitrogen reads [Pa] of partial pressures [Pa], where it is linear."""
    return sum(gas.pirani * pressure for gas, pressure in zip(GASES, pressures, strict=True))
