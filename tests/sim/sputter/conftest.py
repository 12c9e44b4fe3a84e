"""A sputter system, an evaporator and a furnace on a bench, each with hands on what is behind its instruments."""

import pytest

from sim.bench import Bench
from sim.foil import Surroundings
from sim.parts import TwinPart
from sim.physics.plasma.target import efficiency
from sim.physics.vacuum.gases import SCCM
from sim.stations import STATIONS

RELAYS = {
    "substrate_shutter": 1,
    "gun1_shutter": 2,
    "gun2_shutter": 3,
    "gun3_shutter": 4,
    "vent_valve": 5,
    "roughing_valve": 6,
    "rotation": 7,
}
TARGETS = {"gun1": "LiCoO2", "gun2": "Li3PO4", "gun3": "Li2O"}
LONG_PUMPED = {"pumped_for": 20 * 3600.0}


def sample(name="s1"):
    layers = [{"material": "Al", "thickness": 100e-6}]
    return {"id": name, "layers": layers, "cell_layers": [], "area": 1.5e-5}


def common_parts(gases=True):
    gauges = {"manometer": "A1", "pirani": "A2", "ion": "B1"}
    channels = {"Ar": 4, "O2": 5, "N2": 6} if gases else {}
    return {
        "gas": TwinPart("mks_946", {"gauges": gauges, "gases": channels}),
        "relays": TwinPart("velleman_k8090", {"relays": RELAYS}),
        "permissives": TwinPart("icpdas_7050", {"contacts": ("water", "cover")}),
        "monitor": TwinPart("inficon_sqm160", {}),
        "turbo": TwinPart("pfeiffer_turbo", {}),
    }


class Stand:
    """A bench with one station on a time of its own."""

    def __init__(self, role, parts, built, truth, directory=None):
        self.now = 0.0
        self.bench = Bench(
            lambda: self.now,
            seed=1,
            surroundings=Surroundings(),
            truths={"tool": truth},
            directory=directory,
        )
        self.station = STATIONS[role](self.bench, "tool", parts, built)
        self.bench.add("tool", self.station)

    def lap(self, seconds, looks=1):
        begin = self.now
        for look in range(1, looks + 1):
            self.now = begin + seconds * look / looks
            self.bench.touch("tool")

    def relay(self, name, on):
        """Switch a relay by its board's own bytes."""
        content = bytes((0x04, 0x11 if on else 0x12, 1 << RELAYS[name] - 1, 0, 0))
        self.say("relays", content + bytes((-sum(content) & 0xFF, 0x0F)))

    def say(self, part, data):
        return self.bench.exchange("tool", part, data)

    def board(self, request, part="permissives"):
        data = request.encode()
        return self.say(part, data + b"%02X\r" % (sum(data) % 256))

    def close_loop(self):
        """Close the board's own contact, without a watchdog."""
        assert self.board("@0101") == b">3E\r"

    def fail(self, fault, of="", value=None):
        self.bench.touch("tool")
        self.station.faults.begin(fault, self.now, of, value)

    def mend(self, fault, of=""):
        self.bench.touch("tool")
        self.station.faults.end(fault, self.now, of)

    def bring(self, name="s1", place="tool", **more):
        self.bench.bring({**sample(name), **more}, place)
        return self.bench.foil(name)

    def told(self, event):
        log = next(iter(self.station.parts.values())).log
        return [(time, text) for time, said, text in log if said == event]


class Sputter(Stand):
    """A sputter system."""

    def __init__(
        self, truth=LONG_PUMPED, targets=TARGETS, load_lock=True, stems=None, directory=None, ends=()
    ):
        stems = stems or {}
        parts = {gun: TwinPart(stems.get(gun, "aja_0313"), {}) for gun in targets}
        parts |= {"valve": TwinPart("vat_653", {}), "heater": TwinPart("eurotherm_2400", {})}
        parts |= {"bias": TwinPart("aja_0313", {}), **common_parts()}
        if ends:
            parts |= {"ends": TwinPart("icpdas_7050", {"contacts": (), "ends": ends})}
        told = {gun: {"material": material, "life": 1.5e7} for gun, material in targets.items()}
        built = {"targets": told, "load_lock": load_lock, "chamber_temperature": 295.0}
        super().__init__("SputterSystem", parts, built, truth, directory)
        self.chamber, self.gas = self.station.chamber, self.station.chamber.gas

    def pump(self):
        self.relay("roughing_valve", True)
        self.lap(200.0)
        self.station.turbo._rotor.drive(True)
        self.lap(200.0)

    def let_in(self, **flows):
        for channel, gas in ((4, "Ar"), (5, "O2"), (6, "N2")):
            self.say("gas", f"@253QSP{channel}!{flows.get(gas, 0.0):.2f};FF".encode())
            self.say("gas", f"@253QMD{channel}!SETPOINT;FF".encode())

    def hold(self, pressure):
        assert self.say("valve", f"S:{round(pressure / 13.3 * 1e6):08d}\r\n".encode()) == b"S:\r\n"

    def drive(self, gun, power):
        self.station.supplies[gun].rf_load.drive(power)

    def generator(self, gun, letters, first=0, second=0):
        """Say something to a generator by its own bytes."""
        content = b"C\x00" + letters + first.to_bytes(2, "big") + second.to_bytes(2, "big")
        return self.say(gun, content + sum(content).to_bytes(2, "big"))

    def handed_to_the_generator(self, gun="gun1", power=119):
        """Have the generator itself drive a gun that burns, in the control of its host."""
        assert self.generator(gun, b"BC", 0x5555)[-3:-2] == b"\x01"
        for letters, value in ((b"SA", power), (b"BR", 0x5555)):
            assert self.generator(gun, letters, value) == b"*"
        self.heard(10.0, gun)
        assert self.gun(gun).lit

    def heard(self, seconds, gun="gun1"):
        """Let time pass, the generator asked once a second."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            self.lap(min(1.0, until - self.now))
            self.generator(gun, b"GP")

    def gun(self, gun):
        return self.chamber.guns[gun]

    def burning(self, gun="gun1", power=119.6, ramp=20.0 / 60.0):
        """Have a gun burn at its full power, ramped from 40 W by a watt at a time."""
        self.relay("rotation", True)
        self.close_loop()
        self.drive(gun, 40.0)
        self.lap(15.0)
        at = 40.0
        while at < power:
            at = min(power, at + 1.0)
            self.drive(gun, at)
            self.lap(1.0 / ramp)
        self.lap(60.0)
        assert self.gun(gun).lit

    def lco(self):
        """Have LiCoO2 come, behind the closed shutter."""
        self.pump()
        self.let_in(Ar=24, O2=1)
        self.hold(3.0)
        self.lap(60.0)
        self.burning()

    def shutter(self, on, *guns):
        for gun in guns:
            self.relay(f"{gun}_shutter", on)
        self.relay("substrate_shutter", on)

    def rate(self, seconds=120.0):
        """Return what comes onto the sample [m/s]."""
        begin = self.chamber.growth.deposit.thickness
        self.chamber.change(lambda: None)
        begin = self.chamber.growth.deposit.thickness
        self.lap(seconds)
        self.chamber.change(lambda: None)
        return (self.chamber.growth.deposit.thickness - begin) / seconds

    def worn_meanwhile(self, gun, before):
        """Return the share of a new target's rate that wear took, on average since a wear before."""
        target, after = self.gun(gun).gun.target, self.gun(gun).state.wear
        return 1.0 - 0.5 * (efficiency(target, before) + efficiency(target, after))

    @property
    def flows(self):
        return {gas: self.gas.flow(gas) / SCCM for gas in ("Ar", "O2", "N2")}

    def lost_molecules(self):
        """Return the share of the molecules that came in which are neither out nor stored."""
        state = self.gas.state
        came = self.gas.begun_with + state.entered
        return abs(came - state.pumped - sum(state.molecules)) / came

    def lost_mass(self):
        books = self.chamber.masses
        return abs(books.eroded - books.plane - books.walls - books.back) / books.eroded


class Evaporator(Stand):
    """An evaporator."""

    def __init__(self, truth=LONG_PUMPED):
        parts = {"boat": TwinPart("aja_dcxs", {}), **common_parts(gases=False)}
        super().__init__("Evaporator", parts, {}, truth)
        self.chamber = self.station.chamber


class Furnace(Stand):
    """A furnace, with a board in its contactor's loop or without."""

    def __init__(self, board=False):
        parts = {"heater": TwinPart("eurotherm_2400", {})}
        if board:
            parts["permissives"] = TwinPart("icpdas_7050", {"contacts": ("cover",)})
        super().__init__("Furnace", parts, {"heating": 10.0}, {})
        self.tube = self.station.tube


@pytest.fixture
def sputter():
    return Sputter()


@pytest.fixture
def make_sputter():
    return Sputter


@pytest.fixture
def evaporator():
    return Evaporator()


@pytest.fixture
def make_evaporator():
    return Evaporator


@pytest.fixture
def furnace():
    return Furnace


@pytest.fixture
def burning_lco():
    stand = Sputter()
    stand.lco()
    return stand
