"""The least of a chamber behind fakes of the roles: enough physics to be pumped, lit, deposited in, and broken."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

from devices.base import anybody, anybody_may
from devices.errors import InstrumentError, InterlockError
from devices.sputter.parts import Flow, MonitorReading, Pressure, SupplyState, TurboState

SCCM = 7.4358e-7
GASES = ("Ar", "N2", "O2")
HZ_PER_METRE = 36.7e9
"""Of 4.5 g/cm3 on a crystal of 6 MHz."""


class Chamber:
    """What the fakes share. now: the clock. true_rate: m/s per W. log: what was done, with its time."""

    def __init__(self, clock):
        self.clock = clock
        self.pressure, self.set_pressure, self.position = 101325.0, None, 1.0
        self.base, self.since_pump = 2e-6, None
        self.flows = dict.fromkeys(GASES, 0.0)
        self.flow_factor = dict.fromkeys(GASES, 1.0)
        self.roughing = self.vent = self.rotation = False
        self.turbo_on, self.turbo_speed = False, 0.0
        self.shutters = dict.fromkeys(
            ("substrate_shutter", *(f"gun{number}_shutter" for number in (1, 2, 3))), False
        )
        self.stuck, self.has_ends = None, True
        self.throttle_fails = False
        self.stirs = itertools.repeat(0.0)
        self.power, self.on, self.lit = {}, {}, {}
        self.rates = {
            "gun1": 0.05e-9 / 120,
            "gun2": 0.03e-9 / 100,
            "gun3": 0.05e-9 / 120,
            "boat": 0.0,
            "bias": 0.0,
        }
        self.film = self.monitored = 0.0
        self.tooling = self.crystal = 1.0
        self.crystal_ok = True
        self.bias_factor = 1.0
        self.dark = set()
        self.ignites_above = 0.5
        self.contacts = {"water": True, "cover": True, "dead_man": True}
        self.board_closed, self.alive_at = False, -math.inf
        self.temperature, self.wanted = 295.0, None
        self.control = {}
        self.at = clock.now()
        self.asked = 0
        self.log = []

    def note(self, what):
        self.log.append((self.clock.now(), what))

    def when(self, what):
        return [at for at, said in self.log if said == what]

    def is_open(self, shutter):
        """Whether it truly is; stuck is the end at which all stick, or one for each."""
        stuck = self.stuck.get(shutter) if isinstance(self.stuck, dict) else self.stuck
        return {"open": True, "closed": False}.get(stuck, self.shutters.get(shutter, True))

    def growing(self):
        """How fast it grows [m/s], of all sources that burn behind no closed shutter."""
        if not self.is_open("substrate_shutter"):
            return 0.0
        there = [each for each in self.on if self.lit.get(each) and self.is_open(f"{each}_shutter")]
        return sum(self.rates[each] * self.power[each] for each in there)

    def advance(self):
        self.asked += 1
        now = self.clock.now()
        dt, self.at = now - self.at, now
        if dt <= 0:
            return
        for source in self.on:
            if (
                self.on[source]
                and not self.lit.get(source)
                and self.pressure >= self.ignites_above
                and self.power[source] >= 20
                and source not in self.dark
            ):
                self.lit[source] = True
            if not self.on[source]:
                self.lit[source] = False
        rate = self.growing()
        self.film += rate * dt
        self.monitored += rate * dt * self.crystal
        if self.vent:
            self.pressure = min(self.pressure + 5e3 * dt, 101325.0)
        elif sum(self.flows.values()) > 0:
            total = sum(flow * self.flow_factor[gas] for gas, flow in self.flows.items())
            lowest = total * 8.314 * 295 / 0.33
            self.pressure = max(lowest, self.set_pressure or 0.0) if self.position_fits(total) else lowest
        elif self.turbo_speed > 400:
            self.pressure = max(self.base, self.pressure * math.exp(-dt / 3))
        elif self.roughing:
            self.pressure = max(1.0, self.pressure * math.exp(-dt / 3))
        goal = 800.0 if self.turbo_on else 0.0
        self.turbo_speed += max(-200 * dt, min(200 * dt, goal - self.turbo_speed))
        if self.wanted is not None:
            self.temperature += (self.wanted - self.temperature) * (1 - math.exp(-dt / 60))

    def position_fits(self, total):
        if self.set_pressure is None or total <= 0:
            return False
        self.position = min(1.0, total * 8.314 * 295 / self.set_pressure / 0.33)
        return True

    def rate(self):
        self.advance()
        return self.growing() * self.crystal


class Fake(SimpleNamespace):
    kind_name = "fake"

    def read(self):
        return {}

    read_configuration = describe = describe_configuration = read

    def identify(self):
        return "fake"


class FakeSupply(Fake):
    def __init__(self, chamber, name):
        super().__init__(
            chamber=chamber, gun=name, guard=anybody, acting=False, limit=300.0, watchdog=2.0, name=name
        )
        chamber.power[name], chamber.on[name], chamber.control[name] = 0.0, False, False
        self.flags, self.spike = frozenset(), 0.0

    def take_control(self):
        self.chamber.control[self.gun] = True

    def set_power(self, power):
        if power:
            self.guard()
        self.chamber.advance()
        self.chamber.power[self.gun] = power
        self.chamber.note(f"{self.gun} {power:.0f} W")

    def on(self):
        self.guard()
        if not self.chamber.board_closed:
            raise InterlockError("interlock", "open")
        self.chamber.advance()
        self.chamber.on[self.gun] = True
        self.chamber.note(f"{self.gun} on")

    def off(self):
        self.chamber.advance()
        if self.chamber.on[self.gun]:
            self.chamber.note(f"{self.gun} off")
        self.chamber.on[self.gun] = self.chamber.lit[self.gun] = False

    def state(self):
        chamber = self.chamber
        chamber.advance()
        on, lit = chamber.on[self.gun], chamber.lit.get(self.gun, False)
        forward = chamber.power[self.gun] if on else 0.0
        reflected = self.spike if lit else forward
        bias = 180.0 * (forward / 120) ** 0.45 * chamber.bias_factor if lit else 0.0
        return SupplyState(
            on, forward, reflected, forward - reflected, bias, 0.0, chamber.control[self.gun], self.flags
        )

    def safe(self):
        self.off()
        self.chamber.control[self.gun] = False


class FakeGas(Fake):
    def __init__(self, chamber):
        super().__init__(chamber=chamber, guard=anybody_may, ion=False, name="gas")

    def pressures(self):
        self.chamber.advance()
        p = self.chamber.pressure
        ion = Pressure(p) if self.ion and p < 0.1 else Pressure(None, "OFF")
        rough = Pressure(p) if p < 2e4 else Pressure(p) if p < 1e5 else Pressure(None, "ATM")
        return {"manometer": Pressure(p if p < 13.3 else None), "ion": ion, "pirani": rough}

    def flows(self):
        self.chamber.advance()
        c = self.chamber
        return {gas: Flow(c.flows[gas] * c.flow_factor[gas], c.flows[gas], "SETPOINT") for gas in GASES}

    def set_flow(self, gas, flow):
        if flow:
            self.guard(gas)
        self.chamber.advance()
        self.chamber.flows[gas] = flow
        self.chamber.note(f"{gas} {flow / SCCM:.0f} sccm")

    def full_scale(self, gas):
        return 100 * SCCM

    def close_gases(self):
        if any(self.chamber.flows.values()):
            self.chamber.note("gas closed")
        self.chamber.flows = dict.fromkeys(GASES, 0.0)

    def gauge_power(self, gauge, on):
        if on:
            self.guard(gauge)
        self.ion = on

    safe = close_gases


class FakeValve(Fake):
    def __init__(self, chamber):
        super().__init__(chamber=chamber, guard=anybody, full_scale=13.3, name="valve")

    def set_pressure(self, pressure):
        self.guard()
        self.chamber.set_pressure = pressure

    def set_position(self, position):
        self.guard()
        self.go_to(position)

    def go_to(self, position):
        self.chamber.set_pressure, self.chamber.position = None, position

    def open(self):
        self.go_to(1.0)

    def close(self):
        self.set_position(0.0)

    safe = open

    def state(self):
        chamber = self.chamber
        away = 0.0 if chamber.set_pressure is None else next(chamber.stirs)
        return SimpleNamespace(position=chamber.position + away, fails=chamber.throttle_fails)

    def complaint(self):
        return "error 020" if self.chamber.throttle_fails else ""


class FakeMonitor(Fake):
    def __init__(self, chamber):
        super().__init__(chamber=chamber, guard=anybody, zeroed=0.0, prepared=None, name="monitor")

    def prepare(self, density, z_ratio, tooling):
        self.guard()
        self.prepared = (density, z_ratio, tooling)

    def zero(self):
        self.guard()
        self.zeroed = self.chamber.monitored

    def read_film(self):
        rate = self.chamber.rate()
        c = self.chamber
        thickness = (c.monitored - self.zeroed) * c.tooling
        return MonitorReading(rate, thickness, 5.9e6 - HZ_PER_METRE * c.monitored, 0.9, c.crystal_ok)

    def safe(self):
        pass


class FakeRelays(Fake):
    def __init__(self, chamber, extra=()):
        super().__init__(chamber=chamber, guard=anybody_may, guard_off=anybody_may, name="relays")
        self.known = frozenset({*chamber.shutters, "vent_valve", "roughing_valve", "rotation", *extra})
        self.on_now = dict.fromkeys(self.known, False)

    def names(self):
        return self.known

    def switch(self, name, on):
        (self.guard if on else self.guard_off)(name)
        self.chamber.advance()
        if self.on_now[name] != on:
            self.chamber.note(f"{name} {'on' if on else 'off'}")
        self.on_now[name] = on
        self.follow()

    def follow(self):
        for name in self.chamber.shutters:
            self.chamber.shutters[name] = self.on_now[name]
        self.chamber.vent, self.chamber.roughing = self.on_now["vent_valve"], self.on_now["roughing_valve"]

    def states(self):
        return dict(self.on_now)

    def safe(self):
        pass


class FakeEnds(Fake):
    """Reads the end switches of shutters."""

    contacts = ()

    def __init__(self, chamber, shutters, name="ends", **fields):
        super().__init__(chamber=chamber, guard=anybody_may, of=shutters, asked=0, name=name, **fields)

    @property
    def end_switches(self):
        return tuple(
            f"{word}_{end}" for word in self.of for end in ("open", "closed") if self.chamber.has_ends
        )

    def ends(self):
        self.asked += 1
        self.chamber.advance()
        made = {}
        for word, shutter in self.of.items() if self.chamber.has_ends else ():
            made[f"{word}_open"] = self.chamber.is_open(shutter)
            made[f"{word}_closed"] = not made[f"{word}_open"]
        return made

    def safe(self):
        pass


class FakeBoard(FakeEnds):
    def __init__(self, chamber):
        super().__init__(chamber, {"shutter": "substrate_shutter"}, name="permissives", latched=set())

    def inputs(self):
        return dict(self.chamber.contacts)

    def opened(self):
        self.latched |= {
            name for name, closed in self.chamber.contacts.items() if not closed and name != "dead_man"
        }
        return frozenset(self.latched)

    def forget(self):
        self.guard("forget")
        self.latched.clear()

    def enable(self):
        self.guard("close")
        self.chamber.board_closed = True

    def alive(self):
        self.guard("feed")
        self.chamber.alive_at = self.chamber.clock.now()

    def flashes(self):
        return 0

    def was_off(self):
        return False

    def reset(self):
        self.guard("forget")
        self.latched.clear()

    def safe(self):
        self.chamber.board_closed = False


class FakeHeater(Fake):
    def __init__(self, chamber):
        super().__init__(chamber=chamber, guard=anybody, limit=1273.15, broken=False, name="heater")

    def set_temperature(self, temperature):
        self.guard()
        self.chamber.wanted = temperature

    def read_temperature(self):
        self.chamber.advance()
        if self.broken:
            raise InstrumentError("heater", "S.br", "its sensor is broken")
        return self.chamber.temperature

    def output(self):
        return 0.5

    def off(self):
        self.chamber.wanted = 295.0

    safe = off


class FakeTurbo(Fake):
    def __init__(self, chamber):
        super().__init__(chamber=chamber, guard=anybody, error="", name="turbo")

    def start(self):
        self.guard()
        self.chamber.turbo_on = True

    def stop(self):
        self.guard()
        self.chamber.turbo_on = False

    def state(self):
        self.chamber.advance()
        return TurboState(self.chamber.turbo_speed, 800.0, 1.0, self.chamber.turbo_on, self.error)

    def read_speed(self):
        return self.state().speed

    def safe(self):
        pass


def parts_of_chamber(chamber, *, sources=("gun1", "gun2", "gun3")):
    made = {name: FakeSupply(chamber, name) for name in sources}
    made |= {"gas": FakeGas(chamber), "monitor": FakeMonitor(chamber)}
    made |= {"relays": FakeRelays(chamber), "permissives": FakeBoard(chamber), "turbo": FakeTurbo(chamber)}
    guns = {gun: f"{gun}_shutter" for gun in sources if f"{gun}_shutter" in chamber.shutters}
    made |= {"ends": FakeEnds(chamber, guns)} if guns else {}
    return made | {"valve": FakeValve(chamber), "heater": FakeHeater(chamber)}
