"""A gun with its supply: strikes, is matched, burns, arcs, wears, cracks; one state, one step."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from sim.physics.plasma import target as targets
from sim.physics.plasma.arcs import arcs_expected, particles_of, time_to_arc
from sim.physics.plasma.discharge import RADIO_FREQUENCY, Discharge
from sim.physics.plasma.hazard import Hazard, drawn, spent
from sim.physics.plasma.ignition import STRIKING_RATE, breakdown_voltage, goes_out
from sim.physics.plasma.match import MatchBox, moved, reflected_share
from sim.physics.plasma.target import Target, Wear
from sim.physics.vacuum.gases import ELEMENTARY_CHARGE, Amounts

PLASMA_POTENTIAL = 20.0  # V, by which ions are faster than the bias says, guess
_MATCHED = 1e-4  # from the optimum of a capacitor: 2e-6 of the power come back
_STRIKING, _ARCING, _CRACKING = range(3)


@dataclass(frozen=True)
class Gun:
    """Describe a gun with a target on it.

    sputter_yield: formula units per ion of an energy [eV]; formula_mass [kg] of one; box: None for a DC supply.
    """

    target: Target
    sputter_yield: Callable[[float], float]
    formula_mass: float
    discharge: Discharge = RADIO_FREQUENCY
    box: MatchBox | None = field(default_factory=MatchBox)


@dataclass(frozen=True, slots=True)
class GunState:
    """Hold a gun between two steps.

    lit; capacitors (load, tune) [1] and whether they move by themselves; heat [W]: the power that the target's
    temperature has followed; stress [Pa], the most of this start; luck of striking, arcs and cracking; arcs and
    particles so far.
    """

    wear: Wear
    striking: Hazard
    arcing: Hazard
    cracking: Hazard
    lit: bool = False
    capacitors: tuple[float, float] = MatchBox().dark
    automatic: bool = True
    heat: float = 0.0
    stress: float = 0.0
    arcs: int = 0
    particles: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers and lists that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        lucks = {name: Hazard.from_dict(fields[name]) for name in ("striking", "arcing", "cracking")}
        capacitors = tuple(fields["capacitors"])
        return cls(**{**fields, **lucks, "wear": Wear.from_dict(fields["wear"]), "capacitors": capacitors})


@dataclass(frozen=True, slots=True)
class Drive:
    """Say what acts on a gun: forward power [W], partial pressures [Pa] by gas, and how many times more it arcs."""

    forward: float
    pressures: Amounts
    arcing: float = 1.0

    @property
    def pressure(self) -> float:
        """Return the total pressure [Pa]."""
        return sum(self.pressures)


@dataclass(frozen=True, slots=True)
class GunReading:
    """Hold what a gun shows: powers [W], forward = load + reflected; bias [V]; current [A] of ions."""

    forward: float
    reflected: float
    load: float
    bias: float
    current: float


def new_gun(seed: int, wear: Wear | None = None) -> GunState:
    """Return a dark gun whose luck comes from a seed."""
    return GunState(
        wear=Wear() if wear is None else wear,
        striking=drawn(3 * seed + _STRIKING),
        arcing=drawn(3 * seed + _ARCING),
        cracking=drawn(3 * seed + _CRACKING),
    )


def reading(gun: Gun, state: GunState, drive: Drive) -> GunReading:
    """Return what the gun shows now."""
    lit = state.lit and not goes_out(drive.pressure, drive.forward)
    return _shown(gun, lit, state.wear.cracked, state.capacitors, drive)


def emission(gun: Gun, shown: GunReading) -> float:
    """Return formula units per second that a new target gives off: (I / e) Y(V + 20 V)."""
    return shown.current / ELEMENTARY_CHARGE * gun.sputter_yield(shown.bias + PLASMA_POTENTIAL)


def emitted(gun: Gun, before: GunState, after: GunState) -> float:
    """Return how many formula units left the target between two states."""
    return (after.wear.eroded - before.wear.eroded) / gun.formula_mass


def step(gun: Gun, state: GunState, drive: Drive, dt: float) -> GunState:
    """Return the gun after dt [s] of a constant drive; what strikes, strikes at the beginning.

    Steps should be short (20 to 100 ms) while capacitors move or nothing is lit; else any length gives the same.
    """
    lit, striking = _lit(gun, state, drive, dt)
    capacitors, cracked = state.capacitors, state.wear.cracked
    if gun.box is not None and state.automatic and drive.forward > 0.0:
        load, tune = gun.box.optimum(drive.pressure, drive.forward) if lit else gun.box.dark
        capacitors = (moved(gun.box, capacitors[0], load, dt), moved(gun.box, capacitors[1], tune, dt))
    shown = _shown(gun, lit, cracked, capacitors, drive)
    heat, stress, hazard = _strained(gun, state, shown.load, dt)
    cracking, cracks = spent(state.cracking, hazard)
    wear, arcing, arcs = state.wear, state.arcing, 0
    if lit:
        factor = drive.arcing * (targets.CRACKED_ARCS if cracked else 1.0)
        arcing, arcs = spent(arcing, factor * arcs_expected(wear.conditioned, shown.load, dt))
        mass = emission(gun, shown) * gun.formula_mass
        wear = targets.worn(gun.target, wear, mass, shown.load, dt)
    return GunState(
        wear=replace(wear, cracked=True) if cracks else wear,
        striking=striking,
        arcing=arcing,
        cracking=cracking,
        lit=lit,
        capacitors=capacitors,
        automatic=state.automatic,
        heat=heat,
        stress=stress,
        arcs=state.arcs + arcs,
        particles=state.particles + (particles_of(arcing.seed, state.arcing.drawn, arcs) if arcs else 0),
    )


def time_to_next_arc(state: GunState, shown: GunReading, arcing: float = 1.0) -> float:
    """Return after how long [s] the next arc comes if nothing else changes; the gun burns."""
    factor = arcing * (targets.CRACKED_ARCS if state.wear.cracked else 1.0)
    return time_to_arc(state.arcing.left, state.wear.conditioned, shown.load, factor)


def at_rest(gun: Gun, state: GunState, drive: Drive) -> bool:
    """Return whether nothing of the gun moves any more, so that a long step is as good as short ones."""
    if not state.lit:
        return drive.forward == 0.0
    if gun.box is None or not state.automatic:
        return True
    goal = gun.box.optimum(drive.pressure, drive.forward)
    return all(abs(at - to) < _MATCHED for at, to in zip(state.capacitors, goal, strict=True))


def _shown(gun: Gun, lit: bool, cracked: bool, capacitors: tuple[float, float], drive: Drive) -> GunReading:
    forward, pressure = drive.forward, drive.pressure
    if not lit:
        return GunReading(forward, forward, 0.0, 0.0, 0.0)
    back = 0.0
    if gun.box is not None:
        back = reflected_share(gun.box, capacitors, gun.box.optimum(pressure, forward))
    load = (1.0 - back) * forward
    bias = gun.discharge.bias(load, pressure) * (targets.CRACKED_BIAS if cracked else 1.0)
    return GunReading(forward, forward - load, load, bias, gun.discharge.ion_current(load, bias))


def _lit(gun: Gun, state: GunState, drive: Drive, dt: float) -> tuple[bool, Hazard]:
    """Return whether the gun burns, and its luck in striking."""
    if goes_out(drive.pressure, drive.forward):
        return False, state.striking
    if state.lit:
        return True, state.striking
    if gun.discharge.open_voltage(drive.forward) <= breakdown_voltage(drive.pressures):
        return False, state.striking
    striking, times = spent(state.striking, STRIKING_RATE * dt)
    return times > 0, striking


def _strained(gun: Gun, state: GunState, load: float, dt: float) -> tuple[float, float, float]:
    """Return heat [W] and stress [Pa] of the target after dt [s], and the integrated hazard [1] of cracking.

    Only stress beyond what this start has survived counts; a start ends when the power is off.
    """
    heat, hazard = targets.followed(gun.target, state.heat, load, dt)
    body, now = gun.target.body, gun.target.hottest_stress(heat)
    survived = min(state.stress, now) if load == 0.0 else state.stress
    stress = max(survived, now)
    if stress > survived:
        hazard += body.crack_hazard(stress) - body.crack_hazard(survived)
    return heat, stress, hazard
