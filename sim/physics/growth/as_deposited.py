"""The state in which a film of LiCoO2 leaves the sputter system: what is crystalline, how it lies, what strains it."""

import math

CELSIUS = 273.15

# V. Calibrated on one point: 63 of 71.4 uAh/cm2/um at 50 V without an anneal (Park 2005 in the PVD review); 55 by
# another group after 500 C, so +- 15 %.
BIAS_SCALE = 50.0 / math.sqrt(-math.log(1.0 - 63.0 / 71.4))
GROWTH_MIDDLE, GROWTH_WIDTH = (
    300.0 + CELSIUS,
    40.0,
)  # K, guess; laser deposited films are crystalline from 300 C
PLAIN_DENSITY, DENSITY_GAIN, GAIN_BIAS = 4500.0, 300.0, 50.0  # kg/m3, kg/m3 and V, guess
TEXTURE_DEPTH, TEXTURE_WIDTH = 1e-6, 0.2e-6  # m: (003) below 1 um (PVD review); the width is guess
NEUTRAL_PRESSURE = 0.7  # Pa without intrinsic stress, between 0.5 and 0.8 (Hoffman 1994)
LARGEST_STRESS = 150e6  # Pa, guess
STRESS_BY_BIAS = -3e6  # Pa/V, guess


def active_share(bias: float, temperature: float) -> float:
    """Return the share of the film [1] that takes lithium as the crystal does, before any anneal.

    bias [V] of the substrate, positive, and its temperature [K] while the film grows. Not what X-rays call crystalline:
    under bias they see nothing. The kinetics of anneals do not hold for growth and are not used.
    """
    by_bias = -math.expm1(-((bias / BIAS_SCALE) ** 2))
    by_heat = 1.0 / (1.0 + math.exp(-(temperature - GROWTH_MIDDLE) / GROWTH_WIDTH))
    return 1.0 - (1.0 - by_bias) * (1.0 - by_heat)


def density(bias: float) -> float:
    """Return the density [kg/m3] of the film that a bias [V] on the substrate gives."""
    return PLAIN_DENSITY + DENSITY_GAIN * min(1.0, bias / GAIN_BIAS)


def basal_share(thickness: float) -> float:
    """Return the share [1] of a film of thickness [m] that lies with (003) in plane: a cathode that lithium enters
    badly.

    A layer at height z does with weight 1 / (1 + exp((z - 1 um) / 0.2 um)), else (101) or (104); the mean over the
    film in closed form. Texture goes with the process: the anodeless paper's films are (012).
    """
    if thickness <= 0.0:
        return 1.0
    depth, top = TEXTURE_DEPTH / TEXTURE_WIDTH, thickness / TEXTURE_WIDTH
    tilted = _softplus(top - depth) - _softplus(-depth)
    return 1.0 - TEXTURE_WIDTH * tilted / thickness


def intrinsic_stress(pressure: float, bias: float) -> float:
    """Return the stress [Pa] of growth, positive for tension; pressure [Pa], bias [V] of the substrate.

    From compression to tension as the pressure rises (Hoffman 1994): 150 MPa tanh(ln(p / 0.7 Pa)) - 3 MPa/V |V|.
    """
    return LARGEST_STRESS * math.tanh(math.log(pressure / NEUTRAL_PRESSURE)) + STRESS_BY_BIAS * abs(bias)


def thermal_stress(modulus: float, poisson: float, film: float, substrate: float, cooling: float) -> float:
    """Return the stress [Pa] after cooling by `cooling` [K], positive for tension: E / (1 - nu) (af - as) dT.

    modulus E [Pa] and poisson nu [1] of the film, expansions [1/K] of film and substrate; of a thick substrate
    that does not yield.
    """
    return modulus / (1.0 - poisson) * (film - substrate) * cooling


def peeling_energy(stress: float, thickness: float, modulus: float) -> float:
    """Return the energy [J/m2] that a film of thickness [m] under stress [Pa] gives for peeling: s^2 d / E."""
    return stress**2 * thickness / modulus


def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
