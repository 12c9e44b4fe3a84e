"""What is sputtered and evaporated: targets, films from them and melts, with the source of every number.

Sources: [FLA paper] the 2021 paper on flash lamp annealing of LiCoO2 on aluminium foil; [PVD review] the 2021 review of
cathodes by physical vapour deposition; [Julien 2019] table 3 of Julien, Mauger and Hussain, Materials 12; [CRC] vapour
pressures of the elements; [handbook] common tables of materials' properties; "calibrated": chosen so that a row comes
out, no evidence.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sim.physics.evaporation.vapour import Melt
from sim.physics.growth.deposit import molar_mass
from sim.physics.growth.lithium_cobalt import phases
from sim.physics.growth.rate import Deposited
from sim.physics.growth.reactive import Reactive
from sim.physics.growth.yields import BohdanskyYield, PowerYield
from sim.physics.plasma.target import Body


@dataclass(frozen=True)
class TargetMaterial:
    """Describe what a target is made of and what comes of it.

    sputter_yield: formula units per argon ion of an energy [eV]; film: of one formula unit, which weighs what its atoms
    do; atoms per formula unit that arrive, by element; z_ratio of the film on a quartz crystal [1]; reactive: what
    oxygen makes of a metal; oxide: the film it then leaves, per metal atom.
    """

    name: str
    body: Body
    sputter_yield: Callable[[float], float]
    film: Deposited
    atoms: Mapping[str, float]
    z_ratio: float = 1.0  # guess where it is not given
    reactive: Reactive | None = None
    oxide: Deposited | None = None

    @property
    def oxide_name(self) -> str:
        """What its metal's full oxide is called: of V with 2.5 atoms of oxygen, V2O5."""
        if self.reactive is None:
            raise ValueError(f"no oxide of {self.name} is known")
        metals = 1 if self.reactive.oxygen.is_integer() else 2
        return f"{self.name}{metals if metals > 1 else ''}O{metals * self.reactive.oxygen:g}"

    def with_lithium(self, ratio: float) -> "TargetMaterial":
        """Return it pressed of a powder of Li/Co = ratio [1], its oxygen as its phases have it.

        Raises ValueError for a target without lithium and cobalt.
        """
        if not {"Li", "Co"} <= self.atoms.keys():
            raise ValueError(f"a target of {self.name} has no Li/Co")
        atoms = {"Li": ratio, "Co": 1.0, "O": phases(ratio).oxygen}
        return replace(self, atoms=atoms, film=replace(self.film, molar_mass=molar_mass(atoms)))


OXIDE_REACH = 20e-2  # Pa m, recalled: 15 to 30 Pa cm
PHOSPHATE_REACH = 15e-2  # Pa m, likewise
METAL_REACH = 20e-2  # Pa m, likewise


COBALTATE = {"Li": 1.0, "Co": 1.0, "O": 2.0}
# A film from Li3PO4 alone; O: what makes the 115.8 g/mol of Li3PO4 whole.
PHOSPHATE = {"Li": 2.9, "P": 1.0, "O": 4.044}
LITHIUM_OXIDE = {"Li": 2.0, "O": 1.0}


def _film(atoms: Mapping[str, float], density: float, reach: float) -> Deposited:
    return Deposited(molar_mass(atoms), density, reach)


def _metal(
    name: str,
    body: Body,
    sputter_yield: BohdanskyYield,
    density: float,
    reactive: Reactive | None = None,
    oxide: Deposited | None = None,
) -> TargetMaterial:
    film = _film({name: 1.0}, density, METAL_REACH)
    return TargetMaterial(name, body, sputter_yield, film, {name: 1.0}, reactive=reactive, oxide=oxide)


def _plate(density: float, conductivity: float, expansion: float, modulus: float) -> Body:
    return Body(density, conductivity, modulus, expansion, strength=math.inf)


TARGETS: Mapping[str, TargetMaterial] = {
    "LiCoO2": TargetMaterial(
        name="LiCoO2",
        # kg/m3: 95 % of the crystal, guess. W/(m K): 3.7 of Li0.6CoO2 [Julien 2019]; the 0.66 of [FLA paper] is a
        # film's, and no target would bear its heat.
        body=Body(density=4800.0, conductivity=3.7),
        # Calibrated: 3.0 nm/min at 5.9 W/cm2 and 3 Pa, of a new target and a film of Li/Co = 0.975, the middle of
        # eight rows of [Julien 2019], which spread by a factor of 1.7 (one standard deviation): the rate of a machine
        # is to be measured. 0.58 atoms per ion is much.
        sputter_yield=PowerYield(0.1455),
        film=_film(COBALTATE, 4500.0, OXIDE_REACH),  # kg/m3 as deposited, guess; 5050 is the crystal
        atoms=COBALTATE,
    ),
    "Li3PO4": TargetMaterial(
        name="Li3PO4",
        # Guess: 95 % dense, and a target that bears the 5 W/cm2 of [FLA paper].
        body=Body(density=2300.0, conductivity=3.5, modulus=100e9),
        # Calibrated: with Li2O beside it 2.0 nm/min at 5 W/cm2 and 0.4 Pa of nitrogen, itself a guess.
        sputter_yield=PowerYield(0.0243),
        film=_film(PHOSPHATE, 2400.0, PHOSPHATE_REACH),  # kg/m3, guess
        atoms=PHOSPHATE,
        z_ratio=1.2,  # guess
    ),
    "Li2O": TargetMaterial(
        name="Li2O",
        body=Body(density=1900.0, conductivity=5.0),  # guess: 95 % dense
        sputter_yield=PowerYield(0.0086),  # calibrated: Li/P = 3.6 beside Li3PO4 at the same power
        film=_film(LITHIUM_OXIDE, 2010.0, PHOSPHATE_REACH),  # kg/m3 [handbook]
        atoms=LITHIUM_OXIDE,
        z_ratio=1.2,  # guess
    ),
    # Yields at 500 eV and surface binding energies: recalled from tables of sputtering yields. Solids: [handbook].
    # Yields in Berg's model: recalled, to one digit.
    "Ti": _metal(
        "Ti",
        _plate(4506.0, 22.0, 8.6e-6, 116e9),
        BohdanskyYield(0.51, 47.867, 22, 4.85),
        4506.0,
        Reactive(2.0, 0.40, 0.04),
        _film({"Ti": 1.0, "O": 2.0}, 3900.0, METAL_REACH),  # TiO2 [handbook]
    ),
    "V": _metal(
        "V",
        _plate(6110.0, 31.0, 8.4e-6, 128e9),
        BohdanskyYield(0.65, 50.942, 23, 5.31),
        6110.0,
        Reactive(2.5, 0.50, 0.05),
        _film({"V": 1.0, "O": 2.5}, 3360.0, METAL_REACH),  # V2O5, half of it [handbook]
    ),
    "Mo": _metal(
        "Mo",
        _plate(10280.0, 138.0, 4.8e-6, 329e9),
        BohdanskyYield(0.80, 95.95, 42, 6.82),
        10280.0,
        Reactive(3.0, 0.62, 0.08),
        _film({"Mo": 1.0, "O": 3.0}, 4690.0, METAL_REACH),  # MoO3 [handbook]
    ),
    "Co": _metal("Co", _plate(8900.0, 100.0, 13.0e-6, 209e9), BohdanskyYield(1.22, 58.933, 27, 4.39), 8900.0),
}
"""Targets by name."""

LITHIUM = Melt(
    molar_mass=6.94e-3,
    density=534.0,  # kg/m3 [handbook]
    heat=2.1e7,  # J/kg, 147 kJ/mol [handbook]
    a=10.061,  # liquid to 1000 K [CRC]; another tabulated fit is 1.5 to 1.9 times higher: the boat's area calibrates it
    b=8023.0,
    hottest=1000.0,
)
"""Lithium in a boat."""
