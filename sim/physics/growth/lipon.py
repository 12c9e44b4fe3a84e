"""Nitrogen and lithium in a sputtered LiPON film, and its conductivity."""

import math
from dataclasses import dataclass

BOLTZMANN_EV = 8.617333262e-5  # eV/K, exact since 2019 to this many digits
ROOM = 298.15  # K

NITROGEN_LIMIT = 0.9  # N/P at most, guess
# Arrival of atomic nitrogen over phosphorus at the best pressure and 2 nm/min. Calibrated: N/P = 0.6 by the FLA paper's
# recipe; the trends are those of Christiansen 2015 and of LiBPON.
NITROGEN_SUPPLY = 4.1
BEST_PRESSURE = 0.5  # Pa of nitrogen, guess
CALIBRATION_RATE = 2e-9 / 60.0  # m/s, 2 nm/min

ACTIVATION, ACTIVATION_GAIN = 0.63, 0.10  # eV without nitrogen, and less by this with N/P = 0.6 (Put 2016)
ENOUGH_NITROGEN = 0.6  # N/P from which on more does not help
BEST_CONDUCTIVITY = 1e-4  # S/m at ROOM, Li/P = PLAIN_LITHIUM and enough nitrogen: 1e-6 S/cm (Put 2016)
PLAIN_LITHIUM = 2.9  # Li/P of a film from Li3PO4 alone
LITHIUM_EXPONENT = 3.2  # calibrated: 2e-6 S/cm with a second gun of Li2O (FLA paper)
MOST_LITHIUM = 4.5  # Li/P beyond which Li2O separates and nothing is gained, guess


def nitrogen_per_phosphorus(nitrogen: float, rate: float) -> float:
    """Return N/P [1] of a film that grows at a rate [m/s] in a pressure [Pa] of nitrogen."""
    over_best = nitrogen / BEST_PRESSURE
    supply = NITROGEN_SUPPLY * over_best / (1.0 + over_best**2) * CALIBRATION_RATE
    return NITROGEN_LIMIT * supply / (rate + supply) if supply > 0.0 else 0.0


@dataclass(frozen=True)
class Lipon:
    """Describe a film of LiPON by its N/P and Li/P [1]."""

    nitrogen: float
    lithium: float

    @property
    def activation(self) -> float:
        """Return the activation energy [eV] of its conductivity times temperature."""
        return ACTIVATION - ACTIVATION_GAIN * min(1.0, self.nitrogen / ENOUGH_NITROGEN)

    @property
    def separated(self) -> bool:
        """Return whether there is more lithium than the glass takes."""
        return self.lithium > MOST_LITHIUM

    def conductivity(self, temperature: float = ROOM) -> float:
        """Return the ionic conductivity [S/m] at a temperature [K]: s0 / T exp(-Ea / kT) (Li/P / 2.9)^3.2."""
        best = ACTIVATION - ACTIVATION_GAIN
        factor = math.exp(best / (BOLTZMANN_EV * ROOM) - self.activation / (BOLTZMANN_EV * temperature))
        lithium = (min(self.lithium, MOST_LITHIUM) / PLAIN_LITHIUM) ** LITHIUM_EXPONENT
        return float(BEST_CONDUCTIVITY * ROOM / temperature * factor * lithium)


def powers_for(
    rate: float, lithium: float, phosphate_rate: float, oxide_rate: float, volumes: tuple[float, float]
) -> tuple[float, float]:
    """Return the powers [W] of the guns of Li3PO4 and of Li2O that give a rate [m/s] and Li/P [1].

    phosphate_rate and oxide_rate [m/(s W)] as calibrated one gun at a time; volumes [m3] of a formula unit of each.
    Rates are taken as proportional to power.
    Raises ValueError for less lithium than Li3PO4 alone gives.
    """
    if not lithium >= PLAIN_LITHIUM:
        raise ValueError(f"Li/P = {lithium} is less than the {PLAIN_LITHIUM} that Li3PO4 alone gives")
    units = 0.5 * (lithium - PLAIN_LITHIUM)
    oxide_share = units * volumes[1] / (volumes[0] + units * volumes[1])
    return rate * (1.0 - oxide_share) / phosphate_rate, rate * oxide_share / oxide_rate
