"""A vacuum vessel: molecules by gas, flows with their lag, throttle and gauge; exact for any step.

Molecules are the state, not pressures: between 273.15 K of a standard cubic centimetre and the vessel's own
temperature lie 8 %, and molecules do not know them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any, Self

from sim.physics.vacuum.gases import AIR, ATMOSPHERE, BOLTZMANN, GASES, H2O, NOTHING, Amounts, amounts
from sim.physics.vacuum.outgassing import Surface, aged, in_air, released
from sim.physics.vacuum.pump import Pump, throttled_speeds
from sim.physics.vacuum.regulator import Regulator, begin, regulate

CRITICAL = 0.528  # of the outer pressure, below which air enters at the speed of sound: gas of kappa 1.4
LONGEST_TICK = 0.2  # s, beyond which the regulator's law, told by the step, would swing by itself


@dataclass(frozen=True)
class Vessel:
    """Describe a vessel and what hangs on it; the defaults are a chamber of six 2-inch guns.

    volume [m3], wall_area [m2] with shields, temperature [K] of the gas, vent: conductance [m3/s] of the vent valve,
    flow_lag and gauge_lag: first-order lags [s] of flow controllers and of the manometer.
    """

    volume: float = 60e-3  # guess
    wall_area: float = 1.5  # guess
    temperature: float = 295.0  # guess: room
    pump: Pump = field(default_factory=Pump)
    regulator: Regulator = field(default_factory=Regulator)
    vent: float = 2e-3  # guess
    flow_lag: float = 0.5  # recalled, of thermal flow controllers
    gauge_lag: float = 0.05  # recalled, of capacitance manometers

    @property
    def molecules_per_pascal(self) -> float:
        """Return V / (k T)."""
        return self.volume / (BOLTZMANN * self.temperature)

    def pressures(self, molecules: Amounts) -> Amounts:
        """Return the partial pressures [Pa] of molecules [1]."""
        scale = 1.0 / self.molecules_per_pascal
        return tuple([number * scale for number in molecules])


LOAD_LOCK = Vessel(volume=5e-3, wall_area=0.15)
"""A load lock: the same equations; guess."""


class Pumping(Enum):
    """What a vessel is open to."""

    NOTHING = "nothing"
    ROUGH = "rough"
    TURBO = "turbo"


@dataclass(frozen=True, slots=True)
class VesselState:
    """Hold the gas in a vessel and the positions of what moves.

    molecules [1] and flows [molecules/s] as they are, by gas; position of the throttle, 0 to 1; reading [Pa] of the
    manometer; integral of the pressure's regulator, None while it does not regulate; surfaces that give off water, the
    walls first; entered and pumped: molecules since the state was made; gettered: of those pumped what sinks took, by
    gas.
    """

    molecules: Amounts
    flows: Amounts
    position: float
    reading: float
    integral: float | None
    surfaces: tuple[Surface, ...]
    entered: float = 0.0
    pumped: float = 0.0
    gettered: Amounts = NOTHING

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers and lists that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the state that to_dict wrote; in an older version sinks took nothing but oxygen."""
        taken = fields.get("gettered", 0.0)
        return cls(
            **{
                **fields,
                "gettered": tuple(taken) if isinstance(taken, Sequence) else amounts({"O2": taken}),
                "molecules": tuple(fields["molecules"]),
                "flows": tuple(fields["flows"]),
                "surfaces": tuple(Surface(**surface) for surface in fields["surfaces"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Say what a vessel is told: the flows wanted [molecules/s], what pumps, where the throttle shall be.

    position [1] of the throttle, used while set_point [Pa] is None; rotor: the turbo's speed over full speed; vent:
    whether its valve is open; sinks: further pumping speeds [m3/s] by gas, as of a film that takes up oxygen; sources:
    what a film gives off [molecules/s] by gas; stuck: the throttle does not move.
    """

    flows: Amounts = NOTHING
    pumping: Pumping = Pumping.TURBO
    position: float = 1.0
    set_point: float | None = None
    rotor: float = 1.0
    vent: bool = False
    sinks: Amounts = NOTHING
    sources: Amounts = NOTHING
    stuck: bool = False


def full_of_air(vessel: Vessel, position: float = 1.0) -> VesselState:
    """Return a vessel that stands open to air."""
    molecules = tuple(
        ATMOSPHERE * vessel.molecules_per_pascal * (index == AIR) for index in range(len(GASES))
    )
    return VesselState(molecules, NOTHING, position, ATMOSPHERE, None, (Surface(vessel.wall_area),))


def step(vessel: Vessel, state: VesselState, settings: Settings, dt: float) -> VesselState:
    """Return the state after dt [s] under settings.

    For each gas dn/dt = q - S n / V, exact for a constant q and S: stable for any dt, and no molecule is lost. q is the
    mean of the lagging flow, of what films and the water on surfaces give off and of the air let in; S is that of the
    throttle's last position, so a step while it moves should be short (20 to 100 ms). In a step beyond LONGEST_TICK a
    regulated throttle stays where it is.
    Raises ValueError for such a step while the pressure is not at_rest.
    """
    position, integral = _throttle(vessel, state, settings, dt)
    kept = math.exp(-dt / vessel.flow_lag)
    lagging = vessel.flow_lag * (1.0 - kept)
    entering = [
        (wanted + given) * dt + (flow - wanted) * lagging
        for flow, wanted, given in zip(state.flows, settings.flows, settings.sources, strict=True)
    ]
    if settings.vent:
        entering[AIR] += _let_in(vessel, sum(state.molecules), dt)
    else:
        entering[H2O] += sum(released(surface, vessel.temperature, dt) for surface in state.surfaces)
    decays = _decays(vessel, settings, position)
    molecules, pumped = _exchange(state.molecules, entering, decays, dt)
    pressure = sum(molecules) / vessel.molecules_per_pascal
    return VesselState(
        molecules=molecules,
        flows=tuple(
            [
                wanted + (flow - wanted) * kept
                for flow, wanted in zip(state.flows, settings.flows, strict=True)
            ]
        ),
        position=position,
        reading=pressure + (state.reading - pressure) * math.exp(-dt / vessel.gauge_lag),
        integral=integral,
        surfaces=tuple(
            [in_air(surface) if settings.vent else aged(surface, dt) for surface in state.surfaces]
        ),
        entered=state.entered + sum(entering),
        pumped=state.pumped + sum(pumped),
        gettered=tuple(
            [
                taken + (went * sink / (vessel.volume * decay) if sink > 0.0 else 0.0)
                for taken, went, sink, decay in zip(
                    state.gettered, pumped, settings.sinks, decays, strict=True
                )
            ]
        ),
    )


def at_rest(vessel: Vessel, state: VesselState, settings: Settings, tolerance: float = 1e-4) -> bool:
    """Return whether the pressure stands: a long step is then as good as short ones.

    tolerance [1]: how far the pressure may be from its set point, and flows of what leaves from what is wanted, over
    all that leaves. Water given off is not waited for: it never rests; but what is let in until as much is pumped.
    """
    if settings.vent or not _throttle_rests(state, settings, tolerance):
        return False
    decays = _decays(vessel, settings, state.position)
    leaving = [number * decay for number, decay in zip(state.molecules, decays, strict=True)]
    little = tolerance * sum(leaving)
    return all(
        abs(wanted - state.flows[index]) <= little
        and (
            abs(wanted + given - leaving[index]) <= little
            or (index == H2O and wanted + given <= leaving[index])
        )
        for index, (wanted, given) in enumerate(zip(settings.flows, settings.sources, strict=True))
    )


def sent_to(vessel: Vessel, state: VesselState, settings: Settings) -> float:
    """Return the position [1] to which the throttle is sent, whether it gets there or not."""
    if settings.set_point is None:
        return settings.position
    error = vessel.regulator.error(state.reading, settings.set_point)
    integral = begin(vessel.regulator, state.position, error) if state.integral is None else state.integral
    return regulate(vessel.regulator, integral, error, 0.0)[1]


def joined(
    vessel: Vessel, state: VesselState, other: Vessel, its: VesselState
) -> tuple[VesselState, VesselState]:
    """Return two vessels after the door between them was opened: their gas is shared by volume."""
    share = vessel.molecules_per_pascal / (vessel.molecules_per_pascal + other.molecules_per_pascal)
    both = [mine + theirs for mine, theirs in zip(state.molecules, its.molecules, strict=True)]
    return (
        replace(state, molecules=tuple(number * share for number in both)),
        replace(its, molecules=tuple(number * (1.0 - share) for number in both)),
    )


def _throttle_rests(state: VesselState, settings: Settings, tolerance: float) -> bool:
    if settings.stuck:
        return True
    if settings.set_point is None:
        return state.position == settings.position
    error = state.reading / settings.set_point - 1.0
    pushed = state.position >= 1.0 if error > 0.0 else state.position <= 0.0
    return pushed or abs(error) <= tolerance


def _throttle(
    vessel: Vessel, state: VesselState, settings: Settings, dt: float
) -> tuple[float, float | None]:
    """Return the throttle's position and its regulator's integral after dt [s]."""
    integral, wanted = None, settings.position
    if settings.set_point is not None and dt > LONGEST_TICK:
        if not at_rest(vessel, state, settings):
            raise ValueError(
                f"dt = {dt} s is too long while the pressure moves; up to {LONGEST_TICK} s is not"
            )
        return state.position, state.integral
    if settings.set_point is not None:
        regulator = vessel.regulator
        error = regulator.error(state.reading, settings.set_point)
        integral = begin(regulator, state.position, error) if state.integral is None else state.integral
        integral, wanted = regulate(regulator, integral, error, dt)
    if settings.stuck:
        return state.position, integral
    reach = vessel.pump.slew * dt
    return max(state.position - reach, min(state.position + reach, wanted)), integral


def _decays(vessel: Vessel, settings: Settings, position: float) -> Amounts:
    """Return S / V [1/s] of each gas."""
    if settings.pumping is Pumping.TURBO:
        speeds = throttled_speeds(vessel.pump, position, settings.rotor)
    elif settings.pumping is Pumping.ROUGH:
        speeds = (vessel.pump.roughing,) * len(GASES)
    else:
        speeds = NOTHING
    return tuple([(speed + sink) / vessel.volume for speed, sink in zip(speeds, settings.sinks, strict=True)])


def _exchange(
    molecules: Amounts, entering: list[float], decays: Amounts, dt: float
) -> tuple[Amounts, Amounts]:
    """Return the molecules after dt [s], and those that were pumped; entering [molecules] evenly over dt."""
    left, pumped = [], []
    for number, came, decay in zip(molecules, entering, decays, strict=True):
        gone = -math.expm1(-decay * dt)
        stays = gone / (decay * dt) if decay * dt > 0.0 else 1.0
        left.append(number * (1.0 - gone) + came * stays)
        pumped.append(number * gone + came * (1.0 - stays))
    return tuple(left), tuple(pumped)


def _let_in(vessel: Vessel, molecules: float, dt: float) -> float:
    """Return how many molecules of air a vent valve lets in within dt [s], in closed form, nothing being pumped.

    At the speed of sound up to CRITICAL of the outer pressure, then after the ellipse of ISO 6358, whose solution
    is a sine: r = b + (1 - b) sin(a).
    """
    outside = ATMOSPHERE * vessel.molecules_per_pascal
    ratio, pace = molecules / outside, vessel.vent / vessel.volume
    choked = min(dt, max(0.0, (CRITICAL - ratio) / pace))
    reached = ratio + pace * choked
    if dt > choked:
        angle = math.asin(max(0.0, min(1.0, (reached - CRITICAL) / (1.0 - CRITICAL))))
        angle = min(0.5 * math.pi, angle + pace * (dt - choked) / (1.0 - CRITICAL))
        reached = max(reached, CRITICAL + (1.0 - CRITICAL) * math.sin(angle))
    return (reached - ratio) * outside
