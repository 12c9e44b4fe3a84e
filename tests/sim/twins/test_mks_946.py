"""The gauge controller's twin: what gauges see of which gas, noise of a measurement, what may be told when."""

from __future__ import annotations

import numpy as np
import pytest

from sim.twins import mks_946
from sim.twins.mks_946 import SCCM, MKS946Twin
from sim.twins.mks_gauges import INTERVAL, LAG, START
from tests.sim.twins.vacuum_parts import Inlet

GAUGES = {"ion": "A1", "manometer": "A2", "pirani": "C2"}


class World:
    """A chamber whose pressure and gas the test sets."""

    def __init__(self, pressure, gas="N2", seed=0):
        self.pressure, self.gas = pressure, gas
        self.inlets = {"Ar": Inlet(), "O2": Inlet()}
        self.twin = MKS946Twin(
            {name: lambda: self.pressure for name in GAUGES},
            self.inlets,
            np.random.default_rng(seed),
            gauges=GAUGES,
            gases={"Ar": 3, "O2": 4},
            composition=lambda: {self.gas: 1.0},
        )
        self.ask("U!PASCAL", 0.0)

    def ask(self, request, now):
        while (due := self.twin.next_event()) is not None and due <= now:
            self.twin.advance(due)
            self.twin.fire_event(due)
        self.twin.advance(now)
        return (
            self.twin.receive(f"@253{request};FF".encode(), now)
            .decode()
            .removeprefix("@253")
            .removesuffix(";FF")
        )

    def fields(self, now):
        """Return ion gauge, manometer, Pirani."""
        said = self.ask("PRZ?", now).removeprefix("ACK").split(" ")
        return said[0], said[1], said[5]


def readings(world, place, times):
    return np.array([float(world.fields(time)[place]) for time in times])


def test_the_manometer_is_within_a_quarter_per_cent_and_its_noise_is_a_tenth_of_a_millipascal():
    for seed in range(10):
        seen = readings(World(0.5, seed=seed), 1, np.arange(0.0, 60.0, INTERVAL))
        assert abs(seen.mean() / 0.5 - 1.0) < 0.0025 + 4 * 1e-4 / 0.5 / np.sqrt(len(seen))
        assert seen.std() == pytest.approx(1e-4, rel=0.2)


def test_its_span_stays_and_differs_from_seed_to_seed():
    spans = {
        round(readings(World(10.0, seed=seed), 1, np.arange(0.0, 10.0, 1.0)).mean(), 3) for seed in range(8)
    }
    assert len(spans) > 4


def test_argon_reads_high_on_the_ion_gauge_and_low_on_the_pirani():
    times = np.arange(10.0, 40.0, INTERVAL)
    ratio = readings(World(1e-3, "Ar"), 0, times).mean() / readings(World(1e-3, "N2"), 0, times).mean()
    assert ratio == pytest.approx(1.29, rel=1e-3)
    pirani = readings(World(3.0, "Ar"), 2, times).mean() / readings(World(3.0, "N2"), 2, times).mean()
    assert pirani == pytest.approx(0.6, rel=1e-3)


def test_looking_changes_nothing():
    once, often = World(0.05), World(0.05)
    for time in np.arange(0.0, 3.0, 0.013):
        often.fields(time)
    assert often.fields(4.0) == once.fields(4.0)
    assert often.fields(4.0) == often.fields(4.0)


def test_within_one_measurement_every_look_shows_the_same_and_the_next_differs():
    world = World(0.05)
    assert world.fields(1.01) == world.fields(1.09) != world.fields(1.11)


def test_a_gauge_lags_behind_a_step_that_somebody_watched():
    world = World(1.0)
    world.fields(0.0)
    world.pressure = 2.0
    world.fields(1e-9)
    shown = float(world.fields(LAG)[1])
    assert shown == pytest.approx(1.0 + (1.0 - np.exp(-1.0)), abs=0.01)


def test_the_ion_gauge_protects_itself_and_stays_off_until_it_is_switched_on():
    world = World(0.09)
    assert float(world.fields(1.0)[0]) == pytest.approx(0.09, rel=0.1)
    world.pressure = 3.0
    assert world.fields(2.0)[0] == "PROT_OFF"
    world.pressure = 1e-4
    assert world.fields(3.0)[0] == "PROT_OFF"
    assert world.ask("CP1?", 3.0) == "ACKOFF"
    assert world.ask("CP1!ON", 4.0) == "ACKON"
    assert world.fields(4.1)[0] == "WAIT"
    assert float(world.fields(4.0 + START + 0.1)[0]) == pytest.approx(1e-4, rel=0.1)
    assert [event for event in world.twin.log if "PROT_OFF" in event[2]] == [(2.0, "gauge", "ion: PROT_OFF")]


def test_switched_on_at_too_much_pressure_it_is_off_again_at_once():
    world = World(3.0)
    assert world.fields(0.0)[0] == "PROT_OFF"
    world.ask("CP1!ON", 1.0)
    assert world.fields(2.0)[0] == "PROT_OFF"


def test_words_stand_for_a_gauge_that_has_no_pressure():
    world = World(20.0)
    assert world.fields(0.0)[1] == "OVER"
    world.twin.misconnect("manometer", 1.0)
    assert world.fields(1.0)[1] == "MISCONN"
    world.pressure = 1e-7
    world.fields(2.0)
    assert world.fields(3.0)[2] == "<5.00E-4"
    world.twin.connect("manometer", 3.0)
    assert abs(float(world.fields(4.0)[1])) < 1e-3
    world.pressure = 101325.0
    assert world.fields(5.0)[2] == "ATM"


def test_a_flow_is_counted_in_molecules_and_a_stuck_mfc_shows_its_true_flow():
    world = World(1.0)
    world.ask("QSP3!2.40E+01", 0.0)
    assert world.inlets["Ar"].molecules == 0.0
    world.ask("QMD3!SETPOINT", 0.0)
    assert world.inlets["Ar"].molecules == pytest.approx(24 * 4.4780e17, rel=1e-4)
    world.inlets["Ar"].stuck = True
    world.ask("QSP3!1.20E+01", 0.0)
    assert world.ask("FR3?", 0.0) == "ACK2.40E+01"
    assert world.ask("QSP3?", 0.0) == "ACK1.20E+01"


def test_a_wrong_scale_factor_is_a_wrong_flow_that_reads_right():
    world = World(1.0)
    world.ask("QSP3!2.40E+01", 0.0)
    world.ask("QMD3!SETPOINT", 0.0)
    world.ask("QSF3!1.00E+00", 0.0)
    assert world.inlets["Ar"].molecules == pytest.approx(24 * 1.39 * SCCM)
    assert world.ask("FR3?", 0.0) == "ACK2.40E+01"


def test_mains_that_come_back_find_every_gas_closed_and_the_hot_gauge_off():
    world = World(1e-3)
    world.ask("QSP3!2.40E+01", 0.0)
    world.ask("QMD3!SETPOINT", 0.0)
    world.twin.power_up(1.0)
    assert world.inlets["Ar"].molecules == 0.0
    assert world.ask("QMD3?", 1.0) == "ACKCLOSE"
    assert world.fields(1.0)[0] == "OFF"
    assert world.ask("U?", 1.0) == "ACKPASCAL"


def test_pressure_control_brings_the_chamber_to_its_set_point():
    """A chamber of 1 s, 25 sccm give 1 Pa."""
    world, chamber = World(0.0), 0.0
    for request in ("RCP!1", "RPCH!1:A2", "RDCH!1:B1", "RPSP!1:3.00E+00", "PID!ON"):
        assert world.ask(request, 0.0).startswith("ACK")
    for now in np.arange(0.0, 120.0, 0.05):
        chamber += 0.05 * (world.inlets["Ar"].flow() / SCCM / 25.0 - chamber)
        world.pressure = chamber
        world.ask("PID?", now)
    assert chamber == pytest.approx(3.0, rel=0.005)
    assert world.ask("QMD3?", 120.0) == "ACKPCTRL"
    assert world.ask("PID!OFF", 120.0) == "ACKOFF"
    assert world.inlets["Ar"].molecules == 0.0


def test_pressure_control_without_its_channels_is_refused():
    world = World(1.0)
    assert world.ask("PID!ON", 0.0) == "NAK173"
    world.ask("RPCH!1:A2", 0.0)
    world.ask("RDCH!1:B1", 0.0)
    assert world.ask("PID!ON", 0.0) == "NAK165"


def test_every_refusal_has_its_words():
    codes = {value for name, value in vars(mks_946).items() if name.isupper() and isinstance(value, int)}
    assert {each for each in codes if 150 <= each < 200} == set(mks_946.TEXTS)
