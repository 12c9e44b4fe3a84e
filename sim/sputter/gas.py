"""The gas in a chamber with its inlets, throttle, pumps and valves: the vessel's physics, told what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sim.physics.vacuum.gases import AIR, ATMOSPHERE, BOLTZMANN, H2O, NAMES, NOTHING, Amounts
from sim.physics.vacuum.outgassing import Surface, in_air, outgassing
from sim.physics.vacuum.pump import turned
from sim.physics.vacuum.vessel import Pumping, Settings, Vessel, VesselState, at_rest, full_of_air, step

FINE, COARSE, LONGEST = 0.05, 0.5, 60.0
"""Seconds between two steps while throttle or plasma make the pressure move, while it moves else, and at rest."""
AGEING = 0.02
"""Of its age within which the water that a surface gives off counts as even."""
RISES = 0.002
"""Of its pressure by which that of a chamber nobody pumps may rise in a step; its gauges show a per cent."""
CATCHES = 0.02
"""Of its full speed from which a turbo pump pumps more than the roughing line."""
BRAKING_PRESSURE, BRAKING = 100.0, 30.0
"""Pa above which air brakes a rotor, s in which it does; guesses."""
SLOWED = 0.5
"""Of its full speed to which a turbo pump that fails slows down; guess."""
VENTED = 1e5
"""Pa from which a person gets the cover open: 1.3 kPa hold one of 0.3 m with 90 N; guess. A Pirani says atmosphere from
half of it on."""
AIRY = 1e3
"""Pa above which surfaces take up water again; guess."""
SAMPLE_AREA = 0.03
"""m2 of a carrier and what comes with it through a load lock; guess."""


class GasSystem:
    """What a vessel is told, and its state; times are differences [s], its chamber steps it.

    begun_with: molecules that were in it at the beginning; from then on the vessel's state counts what came and went.
    roughing: whether the backing pump is connected, vent: whether the valve is open. sinks [m3/s] and sources
    [molecules/s]: what films take up and give off, by gas; meanwhile [Pa]: what the pressure of a gas was on average in
    the last step, 0 where no film took it up. Faults: forced flows [molecules/s] by gas, valve_stuck, leak
    [molecules/s] of water, slowing of the rotor.
    """

    def __init__(self, vessel: Vessel, *, roughing: bool, pumped_for: float | None = None) -> None:
        self.vessel = vessel
        self.state = full_of_air(vessel)
        self.state = replace(self.state, surfaces=(*self.state.surfaces, Surface(SAMPLE_AREA)))
        if pumped_for is not None:
            aged = tuple(Surface(each.area, pumped_for) for each in self.state.surfaces)
            self.state = replace(self.state, molecules=NOTHING, reading=0.0, surfaces=aged)
        self.begun_with = sum(self.state.molecules)
        self.told = dict.fromkeys(NAMES, 0.0)
        self.forced: dict[str, float] = {}
        self.position: float = self.state.position
        self.set_point: float | None = None
        self.roughing, self.vent = roughing, False
        self.rotor, self.rotor_on, self.slowing = 0.0, False, False
        self.valve_stuck, self.leak = False, 0.0
        self.sinks: Amounts = NOTHING
        self.sources: Amounts = NOTHING
        self.meanwhile: Amounts = NOTHING
        self._renew()

    def _renew(self) -> None:
        self.pressures = self.vessel.pressures(self.state.molecules)
        self.pressure = sum(self.pressures)
        self._settings: Settings | None = None
        self._shares: dict[str, float] = {}

    @property
    def is_vented(self) -> bool:
        """Whether the cover can be opened."""
        return self.pressure >= VENTED

    def changed(self) -> None:
        """Take note that something was told to it."""
        self._settings = None

    def settings(self) -> Settings:
        """Return what the vessel is told."""
        if self._settings is None:
            flows = [self.forced.get(name, flow) for name, flow in self.told.items()]
            flows[H2O] += self.leak
            pumping = Pumping.NOTHING
            if self.roughing:
                pumping = Pumping.TURBO if self.rotor > CATCHES else Pumping.ROUGH
            self._settings = Settings(
                flows=tuple(flows),
                pumping=pumping,
                position=self.position,
                set_point=self.set_point,
                rotor=self.rotor,
                vent=self.vent,
                sinks=self.sinks,
                sources=self.sources,
                stuck=self.valve_stuck,
            )
        return self._settings

    def step(self, dt: float) -> None:
        """Go on by dt [s]."""
        gettered = self.state.gettered
        self.state = step(self.vessel, self.state, self.settings(), dt)
        if self.pressure > AIRY:
            self.state = replace(self.state, surfaces=tuple(in_air(each) for each in self.state.surfaces))
        self.rotor = self.rotor_after(dt)
        thermal = BOLTZMANN * self.vessel.temperature
        self.meanwhile = tuple(
            [
                (now - before) * thermal / (speed * dt) if speed > 0.0 else 0.0
                for before, now, speed in zip(gettered, self.state.gettered, self.sinks, strict=True)
            ]
        )
        self._renew()

    def rotor_after(self, dt: float) -> float:
        """Return the rotor's speed over its full speed dt [s] after the last step."""
        if self.pressure > BRAKING_PRESSURE:
            return self.rotor * math.exp(-dt / BRAKING)
        if self.rotor_on and self.slowing and self.rotor > SLOWED:
            return max(SLOWED, turned(self.vessel.pump, self.rotor, False, dt))
        if self.rotor_on and self.slowing and self.rotor == SLOWED:
            return SLOWED
        return turned(self.vessel.pump, self.rotor, self.rotor_on, dt)

    def stride(self, *, burning: bool) -> float:
        """Return how long [s] a step may be now; burning: whether a plasma hangs on the pressure."""
        settings = self.settings()
        if settings.vent:
            if settings.set_point is not None:
                return FINE
            return COARSE if self.pressure < 0.999 * ATMOSPHERE else LONGEST
        if settings.pumping is Pumping.NOTHING and self.pressure < AIRY:
            return self._sealed_stride(settings, burning=burning)
        turns = self.rotor_after(COARSE) != self.rotor
        if at_rest(self.vessel, self.state, settings):
            if turns or self.pressure > AIRY:
                return COARSE if turns else LONGEST
            youngest = min(each.age for each in self.state.surfaces)
            return max(FINE, min(LONGEST, AGEING * youngest))
        if burning or settings.set_point is not None or self.state.position != settings.position:
            return FINE
        return COARSE

    def _sealed_stride(self, settings: Settings, *, burning: bool) -> float:
        """Return how long [s] a step may be while nobody pumps: what comes in stays, so it never comes to rest."""
        if settings.set_point is not None:
            return FINE
        state = self.state
        moves = state.position != settings.position or self.rotor_after(COARSE) != self.rotor
        coming = sum(settings.flows) + sum(state.flows)
        coming += sum(outgassing(each, self.vessel.temperature) for each in state.surfaces)
        if burning or moves:
            return COARSE
        return max(COARSE, min(LONGEST, RISES * sum(state.molecules) / coming))

    def open_cover(self) -> None:
        """Let in what is missing to the atmosphere."""
        molecules = list(self.state.molecules)
        missing = max(0.0, ATMOSPHERE * self.vessel.molecules_per_pascal - sum(molecules))
        molecules[AIR] += missing
        surfaces = tuple(in_air(each) for each in self.state.surfaces)
        self.state = replace(
            self.state,
            molecules=tuple(molecules),
            surfaces=surfaces,
            entered=self.state.entered + missing,
        )
        self._renew()

    def let_in_sample(self) -> None:
        """Take the water that comes with a sample through a load lock."""
        walls, sample = self.state.surfaces
        self.state = replace(self.state, surfaces=(walls, in_air(sample)))

    def flow(self, gas: str) -> float:
        """Return what flows in of a gas [molecules/s]."""
        return self.state.flows[NAMES.index(gas)]

    def composition(self) -> Mapping[str, float]:
        """Return the share of each gas [1]; they add up to 1."""
        if not self._shares:
            total = self.pressure
            told = zip(NAMES, self.pressures, strict=True)
            self._shares = {name: each / total for name, each in told} if total > 0.0 else {"N2": 1.0}
        return self._shares

    def leak_water(self, throughput: float) -> None:
        """Let water in at a throughput [Pa m3/s]; 0 mends it."""
        self.leak = throughput / (BOLTZMANN * self.vessel.temperature)
        self.changed()

    def to_dict(self) -> dict[str, Any]:
        """Return what outlives a session: gas, surfaces, throttle, rotor."""
        return {"vessel": self.state.to_dict(), "rotor": self.rotor, "begun_with": self.begun_with}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as to_dict wrote, but that nothing flows or regulates any more."""
        state = VesselState.from_dict(kept["vessel"])
        self.state = replace(state, flows=NOTHING, integral=None)
        self.rotor, self.position = float(kept["rotor"]), state.position
        self.begun_with = float(kept["begun_with"])
        self._renew()
