"""Heat, light and crystallisation of LiCoO2 on a substrate under a flash lamp.

Sources: [FLA paper] the 2021 paper on flash lamp annealing of LiCoO2 on aluminium foil; [Wei 1992] Wei, Haas,
Goldner, Solid State Ionics 58; [Antolini 2001] on the loss of lithium from LiCoO2 above 900 C; [handbook] common
tables of materials' properties; "calibrated": chosen so that the model meets [FLA paper]'s three recipes, and listed
in MODELS. Everything else that the model gives is a prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sim.materials.substrates import CELSIUS, SUBSTRATES
from sim.physics.anneal.crystallisation import Kinetics, Utilisation
from sim.physics.anneal.damage import Mechanics
from sim.physics.anneal.films import Film, Slab, Substrate
from sim.physics.heat.medium import constant, medium
from sim.physics.heat.stack import Course, Environment, Side
from sim.physics.lamp.optics import PhaseLaw, law_through

if TYPE_CHECKING:
    from sim.physics.anneal.under_lamp import FoilUnderLamp

LCO = Film(
    medium=medium(
        "LiCoO2",
        density=5050.0,  # kg m-3, crystal density [handbook]; 10 % less moves peaks by 2 K at most
        specific_heat=constant(740.0),  # J kg-1 K-1, [FLA paper]
        conductivity=constant(0.66),  # W m-1 K-1, [FLA paper]
    ),
    # Set S1, calibrated on the three recipes and on furnace anneals at 500 C for 2 h, 520 C for 15 min and 700 C; k
    # is uncertain by a factor of 4 and the activation energy by 60 kJ/mol, as these go together with the
    # assumed absorptance.
    kinetics=Kinetics(exponent=0.75, rate=4.41, reference=900.0, activation_energy=482e3),
    # m-1, visible light, guess after the 2.2 eV gap of sputtered films in [Wei 1992]. The calibration below belongs to
    # light taken up at the very surface: this stays within 2 K of it, 1e7 would be up to 5 K colder.
    absorption=2e7,
    full_capacity=71.4 * 3.6e7,  # C m-3; 71.4 uAh/cm2/um, [FLA paper]: 212 uAh/cm2, 3.3 um, 90 % crystalline
    expansion=13e-6,  # K-1, guess
    lithium_loss=Kinetics(1.0, 1.0, 1173.15, 305e3),  # seconds at 900 C; activation energy of [Antolini 2001]
)
LCO_MODULUS = 190e9  # Pa, guess: of the order of dense crystals
LCO_DECOMPOSES = 1050.0 + 273.15  # K, the mechanism of the loss changes, cubic phase [Antolini 2001]

# Calibrated with the kinetics above: a thick, crystalline film absorbs less than a thin one. An empirical law
# of thickness through the three films of [FLA paper]; it absorbs whatever else differs between them, and is a
# guess away from them, and on any substrate but aluminium.
LCO_ABSORPTANCE = law_through(
    ((0.7e-6, 0.767), (1.2e-6, 0.72), (3.3e-6, 0.68)),
    thinnest=0.3e-6,
    thickest=5e-6,
)

# Set S2, an option: amorphous LiCoO2 absorbs more, for all thicknesses alike. Calibrated, four numbers on six data:
# its better fit is no evidence. It quenches itself, and is sharp in fluence.
LCO_COUPLED = replace(
    LCO, kinetics=Kinetics(exponent=1.0, rate=10.2, reference=900.0, activation_energy=520e3)
)
LCO_PHASE_LAW = PhaseLaw(amorphous=0.845, crystalline=0.667)


@dataclass(frozen=True)
class FilmModel:
    """Describe one calibrated set: the film's substance, its absorptance where that goes with the phase, and what
    was fitted to [FLA paper], to what of it."""

    film: Film
    fitted: Mapping[str, str]
    absorptance: PhaseLaw | None = None


FITTED_BESIDE_FILM: Mapping[str, str] = {
    "back transfer": "100 W/(m2 K), 50 to 300 admissible, together with the absorptance",
    "lamp efficiency": "one point, 16.5 J/cm2 at 850 V and 1.8 ms",
}

MODELS: Mapping[str, FilmModel] = {
    "S1": FilmModel(
        LCO,
        {
            "absorptance": "law of film thickness through three points, FLA paper's peak temperatures",
            "kinetics": "three numbers on the paper's three recipes and three furnace anneals; k to a factor of 4",
            **FITTED_BESIDE_FILM,
        },
    ),
    "S2": FilmModel(
        LCO_COUPLED,
        {
            "absorptance and kinetics": "four numbers on six data, the paper's three recipes and three furnace"
            " anneals; nearly as many as data, so that the fit is no evidence",
            **FITTED_BESIDE_FILM,
        },
        LCO_PHASE_LAW,
    ),
}
"""The calibrated sets by name: S1 absorbs after the film's thickness, S2 after its phase."""

UTILISATION: Mapping[str, Utilisation] = {
    "steel": Utilisation(
        0.53, "empirical: 37.56 of 71 uAh/cm2/um on stainless steel after 550 C for 20 min, [FLA paper]"
    ),
}
"""Share of crystalline_bound that a process reached on a substrate; aluminium's is in the calibration, the rest not
known."""

CALIBRATION_POINTS = (
    (0.7e-6, 850.0, 1.8e-3, 20, 0.4),
    (1.2e-6, 900.0, 1.8e-3, 43, 0.4),
    (3.3e-6, 850.0, 1.8e-3, 300, 0.4),
)
"""Film thickness [m], voltage [V], pulse length [s], pulses and rate [Hz] of what the fit was made on."""

FURNACE_POINTS = ((500.0 + CELSIUS, 7200.0), (520.0 + CELSIUS, 900.0))
"""Temperature [K] and time [s] of the furnace anneals that the fit was made on, beside one at 700 C of any time."""

ROOM = 298.15  # K

BARE_SKIN = 1e-6  # m, of a substrate without a film, that is calculated as finely as a film
SKIN_ABSORPTION = 1e8  # m-1, visible light in a metal [handbook], to one digit
NO_RATE = 1e-30  # of a crystallisation that does not take place

FLASH_STATION = Environment(
    front=Side(transfer=10.0, emissivity=0.85, temperature=ROOM),  # guess: still air over a dark film
    # Calibrated, 50 to 300 admissible: about the conduction of 0.3 mm of air between foil and chuck.
    back=Side(transfer=100.0, emissivity=0.05, temperature=ROOM),  # emissivity: guess, bright foil
)

HANGING = Environment(
    front=FLASH_STATION.front,
    back=Side(
        transfer=10.0, emissivity=0.05, temperature=ROOM
    ),  # guess: still air behind a foil without chuck
)


def station(chuck: float) -> Environment:
    """Return the surroundings of a foil on a chuck at this temperature [K], in room air."""
    return Environment(FLASH_STATION.front, replace(FLASH_STATION.back, temperature=chuck))


def substrate_of(layers: Sequence[tuple[str, float]]) -> Substrate:
    """Return the substrate of a film: (material, thickness [m]) from the film down; names as in SUBSTRATES.

    Its mirror is the first layer's; light ends in the first layer that is opaque; it expands as its thickest
    layer does.
    Raises KeyError for an unknown material.
    """
    known = [SUBSTRATES[name] for name, _ in layers]
    slabs = tuple(
        Slab(material.medium, thickness, material.opaque, material.bearable)
        for material, (_, thickness) in zip(known, layers, strict=True)
    )
    return Substrate(
        slabs=slabs,
        mirror=known[0].mirror,
        expansion=SUBSTRATES[_thickest(layers)[0]].expansion,
    )


def mechanics_of(film_thickness: float, layers: Sequence[tuple[str, float]]) -> Mechanics:
    """Return the mechanics of a LiCoO2 film [m] on a substrate, layers as in substrate_of."""
    name, thickness = _thickest(layers)
    return Mechanics(LCO_MODULUS, film_thickness, thickness, SUBSTRATES[name].yield_stress)


def lco_on(
    layers: Sequence[tuple[str, float]],
    thickness: float,
    environment: Environment = FLASH_STATION,
    absorptance: float | PhaseLaw | None = None,
    chuck: Course | None = None,
    film: Film = LCO,
) -> FoilUnderLamp:
    """Return a LiCoO2 film of thickness [m] on a substrate under the lamp; layers as in substrate_of.

    absorptance [1] replaces the calibrated law of thickness where given; chuck replaces the constant temperature
    behind the substrate.
    Raises ValueError for a film outside that law's range.
    """
    # Whoever asks for numbers only does not wait for the packages of heat.
    from sim.physics.anneal.under_lamp import FoilUnderLamp

    absorbed = LCO_ABSORPTANCE(thickness) if absorptance is None else absorptance
    return FoilUnderLamp(film, thickness, absorbed, substrate_of(layers), environment, chuck)


def bare(
    layers: Sequence[tuple[str, float]], environment: Environment = FLASH_STATION, chuck: Course | None = None
) -> FoilUnderLamp:
    """Return a substrate without a film under the lamp; layers as in substrate_of, the uppermost above BARE_SKIN.

    Its skin stands where a film would, and absorbs what its mirror does not throw back. Nothing crystallises.
    Raises KeyError for an unknown material, ValueError for a layer that is too thin.
    """
    from sim.physics.anneal.under_lamp import FoilUnderLamp

    (name, thickness), *below = layers
    material = SUBSTRATES[name]
    skin = Film(
        medium=material.medium,
        kinetics=replace(LCO.kinetics, rate=NO_RATE),
        absorption=SKIN_ABSORPTION,
        full_capacity=1.0,  # C m-3, of what does not crystallise
        expansion=material.expansion,
    )
    rest = substrate_of([(name, thickness - BARE_SKIN), *below])
    return FoilUnderLamp(skin, BARE_SKIN, 1.0 - material.mirror, rest, environment, chuck)


def lco_on_foil(
    thickness: float,
    foil_thickness: float = 100e-6,  # m, [FLA paper]
    environment: Environment = FLASH_STATION,
    absorptance: float | PhaseLaw | None = None,
    chuck: Course | None = None,
    film: Film = LCO,
) -> FoilUnderLamp:
    """Return a LiCoO2 film of thickness [m] on aluminium foil [m] under the lamp; the rest as in lco_on."""
    return lco_on((("Al", foil_thickness),), thickness, environment, absorptance, chuck, film)


def coupled_lco_on_foil(thickness: float, environment: Environment = FLASH_STATION) -> FoilUnderLamp:
    """Return a film whose absorptance goes with its phase (set S2) on the paper's foil; thickness [m]."""
    return lco_on_foil(thickness, environment=environment, absorptance=LCO_PHASE_LAW, film=LCO_COUPLED)


def _thickest(layers: Sequence[tuple[str, float]]) -> tuple[str, float]:
    return max(layers, key=lambda layer: layer[1])
