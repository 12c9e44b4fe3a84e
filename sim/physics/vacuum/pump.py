"""A turbo pump behind a throttle: its speed for each gas, the pressures that flows settle at, its run-up."""

from dataclasses import dataclass

from sim.physics.vacuum.gases import BOLTZMANN, GASES, Amounts

_LIGHTNESS = tuple((28.0e-3 / gas.molar_mass) ** 0.5 for gas in GASES)
_BISECTIONS = 60  # halve the range of positions to below round-off


@dataclass(frozen=True)
class Pump:
    """Describe a turbo pump, its throttle and the roughing line.

    speeds [m3/s] of the turbo at the vessel by gas; closed and open: conductance [m3/s] of the throttle for nitrogen,
    whose logarithm goes linearly with its position (guess); slew of the throttle [1/s]; roughing [m3/s], past the
    throttle; run_up and run_down [s] of the rotor.
    """

    # Guess, but the papers' 50 sccm N2 at 0.4 Pa (LiPON) ask for 0.228 m3/s of nitrogen after the throttle. Water:
    # such that unbaked steel is at 5.7e-5 Pa after an hour.
    speeds: Amounts = (0.55, 0.58, 0.60, 0.48, 0.60)
    closed: float = 2e-3  # guess
    open: float = 1.0  # guess
    slew: float = 0.5  # recalled, of pendulum valves
    roughing: float = 5e-3  # guess
    run_up: float = 180.0  # guess, of a turbo of this size
    run_down: float = 900.0  # guess, without air to brake it


def throttled_speeds(pump: Pump, position: float, rotor: float = 1.0) -> Amounts:
    """Return the pumping speed [m3/s] of each gas at the vessel with the throttle at a position, 0 to 1.

    rotor: speed over full speed, with which the pump's own goes. Molecular flow, 1/S = 1/Sp + 1/C and C after
    sqrt(28/M), used up to 3 Pa too: transitional flow would raise C.
    """
    nitrogen = pump.closed * (pump.open / pump.closed) ** position
    series = [
        (turbo * rotor, nitrogen * lightness)
        for turbo, lightness in zip(pump.speeds, _LIGHTNESS, strict=True)
    ]
    return tuple([turbo * throttle / (turbo + throttle) for turbo, throttle in series])


def steady_pressures(pump: Pump, flows: Amounts, position: float, temperature: float) -> Amounts:
    """Return the partial pressures [Pa] that flows [molecules/s] settle at: p S = q k T for each gas.

    temperature [K] of the gas in the vessel.
    """
    speeds = throttled_speeds(pump, position)
    return tuple(flow * BOLTZMANN * temperature / speed for flow, speed in zip(flows, speeds, strict=True))


def position_for(pump: Pump, flows: Amounts, pressure: float, temperature: float) -> float:
    """Return the throttle's position at which flows [molecules/s] settle at a total pressure [Pa].

    Raises ValueError, with the range, for a pressure that no position gives.
    """
    highest, lowest = (sum(steady_pressures(pump, flows, position, temperature)) for position in (0.0, 1.0))
    if not lowest <= pressure <= highest:
        raise ValueError(
            f"pressure = {pressure} Pa is outside [{lowest:.3g}, {highest:.3g}] Pa, which the throttle reaches"
            " with these flows"
        )
    closer, opener = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (closer + opener)
        if sum(steady_pressures(pump, flows, middle, temperature)) > pressure:
            closer = middle
        else:
            opener = middle
    return 0.5 * (closer + opener)


def turned(pump: Pump, rotor: float, on: bool, dt: float) -> float:
    """Return the rotor's speed over full speed after dt [s]: even run-up and run-down (guess)."""
    return min(1.0, rotor + dt / pump.run_up) if on else max(0.0, rotor - dt / pump.run_down)
