"""What firmware twins are plugged into: each of their small protocols, spoken by a part of the chamber."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.physics.vacuum.vessel import sent_to
from sim.sputter.chamber import Chamber
from sim.sputter.evaporator_chamber import EvaporatorChamber
from sim.sputter.sources import GunUnit
from sim.sputter.sputter_chamber import SputterChamber
from sim.twins.interval_noise import IntervalNoise

STIRS, STIRRED = 1e-4, 0.5
"""Of its way by which a throttle that regulates stirs, rms, and seconds from one stirring to the next; guesses, as much
as 0.03 % of the flow."""
BLOCKED = 0.01
"""Of its way by which a throttle that does not move is astray before its motor is overloaded; guess."""


class GunCable:
    """A gun on its match box, as a radio-frequency generator or a DC supply drives it."""

    def __init__(self, chamber: SputterChamber, unit: GunUnit) -> None:
        self._chamber, self._unit = chamber, unit

    def drive(self, forward: float) -> None:
        """Send a power [W] from now on; 0 is off."""
        if forward != self._unit.forward:
            self._chamber.change(lambda: setattr(self._unit, "forward", forward))

    def reflected(self) -> float:
        """Return what comes back of it [W], an arc's spike as the meter shows it."""
        shown = self._unit.shown
        return max(shown.reflected, self._unit.shown_share(self._chamber.now) * shown.forward)

    def bias(self) -> float:
        """Return the self-bias [V] as the meter shows it."""
        return self._unit.shown_bias(self._chamber.now)

    def voltage(self) -> float:
        """Return the voltage [V] of a DC supply."""
        return self.bias()

    def current(self) -> float:
        """Return the current [A] of a DC supply."""
        shown = self._unit.shown
        return shown.load / shown.bias if shown.bias > 0.0 else 0.0

    def capacitors(self) -> tuple[float, float]:
        """Return where load and tune capacitor are [1]."""
        return self._unit.state.capacitors

    def set_capacitors(self, load: float, tune: float) -> None:
        """Send the capacitors somewhere; they are there at once."""
        unit = self._unit
        if not unit.match_stuck:
            self._chamber.change(lambda: setattr(unit, "state", replace(unit.state, capacitors=(load, tune))))

    def automatic(self, on: bool) -> None:
        """Let the match find its way by itself, or not."""
        unit, moves = self._unit, on and not self._unit.match_stuck
        self._chamber.change(lambda: setattr(unit, "state", replace(unit.state, automatic=moves)))


class BiasCable:
    """The substrate's holder, as a radio-frequency generator drives it."""

    def __init__(self, chamber: SputterChamber) -> None:
        self._chamber = chamber

    def drive(self, forward: float) -> None:
        """Send a power [W] from now on; 0 is off."""
        bias = self._chamber.bias
        if forward != bias.forward:
            self._chamber.change(lambda: setattr(bias, "forward", forward))

    def reflected(self) -> float:
        """Return what comes back of it [W]."""
        return self._chamber.bias.reflected

    def bias(self) -> float:
        """Return the self-bias [V]."""
        return self._chamber.bias.voltage

    def capacitors(self) -> tuple[float, float]:
        """Return where its capacitors are [1]."""
        return self._chamber.bias.capacitors

    def set_capacitors(self, load: float, tune: float) -> None:
        """Send them somewhere."""
        self._chamber.bias.capacitors = (load, tune)

    def automatic(self, on: bool) -> None:
        """Do nothing: this match has no other way."""


class BoatLeads:
    """A boat on a DC supply."""

    def __init__(self, chamber: EvaporatorChamber) -> None:
        self._chamber = chamber

    def drive(self, power: float) -> None:
        """Send a power [W] from now on; 0 is off."""
        if power != self._chamber.power:
            self._chamber.change(lambda: setattr(self._chamber, "power", power))

    def voltage(self) -> float:
        """Return the voltage [V]."""
        return float((self._chamber.power * self._chamber.resistance) ** 0.5)

    def current(self) -> float:
        """Return the current [A]."""
        return float((self._chamber.power / self._chamber.resistance) ** 0.5)


class GasLine:
    """One gas behind its mass flow controller."""

    def __init__(self, chamber: Chamber, gas: str) -> None:
        self._chamber, self._gas = chamber, gas

    def set_flow(self, molecules_per_second: float) -> None:
        """Be told a flow; 0 closes it."""
        told = self._chamber.gas.told
        if told[self._gas] != molecules_per_second:
            self._chamber.change(lambda: told.__setitem__(self._gas, molecules_per_second))

    def flow(self) -> float:
        """Return the flow [molecules/s] that its own sensor sees."""
        return self._chamber.gas.flow(self._gas)


class Plate:
    """The throttle's plate between chamber and turbo pump. rng gives a seed, once.

    While it regulates it stirs after the noise of flows and sensor, which the vessel's volume keeps from the pressure.
    """

    def __init__(self, chamber: Chamber, rng: np.random.Generator) -> None:
        self._chamber = chamber
        self._noise = IntervalNoise(rng, STIRRED)

    def move_to(self, position: float) -> None:
        """Go there, 0 (closed) to 1 (open), as fast as it goes."""
        gas = self._chamber.gas
        if position != gas.position or gas.set_point is not None:
            self._chamber.change(lambda: setattr(gas, "position", position))

    def position(self) -> float:
        """Return where it is."""
        gas = self._chamber.gas
        stirs = gas.set_point is not None and not gas.valve_stuck and 0.0 < gas.state.position < 1.0
        away = STIRS * self._noise.at(self._chamber.now) if stirs else 0.0
        return max(0.0, min(1.0, gas.state.position + away))

    def is_blocked(self) -> bool:
        """Return whether it is stuck away from where it is sent."""
        gas = self._chamber.gas
        astray = abs(sent_to(gas.vessel, gas.state, gas.settings()) - gas.state.position)
        return gas.valve_stuck and astray > BLOCKED

    def pressure(self) -> float:
        """Return what its sensor reads [Pa]."""
        return self._chamber.gas.state.reading

    def control(self, set_point: float | None) -> None:
        """Hold a pressure [Pa] from now on; None: stay where it is."""
        gas = self._chamber.gas
        if set_point == gas.set_point:
            return

        def told() -> None:
            gas.set_point, gas.position = set_point, gas.state.position

        self._chamber.change(told)


class Spindle:
    """The turbo pump's rotor. full_speed [Hz]; running and full_current [A]: what it draws; guesses."""

    running, full_current = 0.4, 3.0

    def __init__(self, chamber: Chamber, full_speed: float) -> None:
        self._chamber, self._full_speed = chamber, full_speed

    def drive(self, on: bool) -> None:
        """Give it power, or let it run down."""
        gas = self._chamber.gas
        if on is not gas.rotor_on:
            self._chamber.change(lambda: setattr(gas, "rotor_on", on))

    def speed(self) -> float:
        """Return its rotation [Hz]."""
        return self._chamber.gas.rotor * self._full_speed

    def current(self) -> float:
        """Return what the motor draws [A]."""
        gas = self._chamber.gas
        if not gas.rotor_on:
            return 0.0
        return self.full_current if gas.rotor < 1.0 else self.running
