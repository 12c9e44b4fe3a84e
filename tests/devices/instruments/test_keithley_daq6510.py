"""The DAQ6510's driver: temperatures by name, open leads named, one trace per trigger, refusals before the wire."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.errors import ConfigError, InstrumentError, LabError, LimitError, Timeout, WireError
from devices.instruments.keithley_daq6510 import KeithleyDAQ6510
from devices.ports import Fault, random_faults
from labctl.config.checking import validate
from sim.physics.lamp.bank import Bank, discharge
from sim.twins.keithley_daq6510 import KeithleyDAQ6510Twin

WIRED = {"channels": {"foil": 101, "chuck": 102}, "trace_channel": 110}
DURATION, SAMPLES = 2.5e-3, 2500


class World:
    """How hot the two places are; the test says."""

    def __init__(self) -> None:
        self.foil, self.chuck = 480.0, 305.0

    @property
    def sources(self) -> Any:
        return {101: lambda time: self.foil, 102: lambda time: self.chuck}


def scanner(connect: Any, faults: Any = None, seed: int = 0, **given: Any) -> tuple[Any, Any, World]:
    world = World()
    twin = KeithleyDAQ6510Twin(np.random.default_rng(1), sources=world.sources)
    return connect(KeithleyDAQ6510, twin, faults, seed, **{**WIRED, **given}), twin, world


def light(time: Any) -> Any:
    """Return what a photodiode makes of the paper's pulse: 5 V at its start."""
    share = discharge(Bank(), 850.0, 1.8e-3).power_share(time)
    return 5.0 * share / discharge(Bank(), 850.0, 1.8e-3).power_share(0.0)


def test_temperatures_come_in_kelvin_by_name(connect: Any) -> None:
    device, _, _ = scanner(connect)
    device.prepare()
    assert dict(device.read_temperatures()) == pytest.approx({"foil": 480.0, "chuck": 305.0}, abs=0.3)


def test_a_baseline_reads_the_channels(connect: Any) -> None:
    device, _, _ = scanner(connect)
    device.prepare()
    assert device.read().keys() == device.describe().keys() == {"device_foil", "device_chuck"}
    assert device.read()["device_chuck"]["value"] == pytest.approx(305.0, abs=0.3)
    assert device.describe()["device_chuck"]["units"] == "K"


def test_a_scan_is_as_fresh_as_the_question(connect: Any, clock: Any) -> None:
    device, _, world = scanner(connect)
    device.prepare()
    for hotter in range(5):
        world.foil = 400.0 + 50.0 * hotter
        began = clock.now()
        assert device.read_temperatures()["foil"] == pytest.approx(world.foil, abs=0.3)
        assert clock.now() - began < 0.3


@pytest.mark.parametrize(("channel", "name"), [(101, "foil"), (102, "chuck")])
def test_an_open_thermocouple_is_named(connect: Any, clock: Any, channel: int, name: str) -> None:
    device, twin, _ = scanner(connect)
    device.prepare()
    twin.unplug(channel, clock.now())
    with pytest.raises(InstrumentError, match=rf"on {name} \({channel}\)"):
        device.read_temperatures()
    twin.plug(channel, clock.now())
    device.read_temperatures()


def test_swapped_thermocouples_look_right_one_by_one(connect: Any, clock: Any) -> None:
    """Only who knows the two places can tell: the station holds them against each other."""
    device, twin, _ = scanner(connect)
    device.prepare()
    twin.swap(101, 102, clock.now())
    assert dict(device.read_temperatures()) == pytest.approx({"foil": 305.0, "chuck": 480.0}, abs=0.3)


def test_a_couple_of_another_type_reads_wrong(connect: Any) -> None:
    device, _, _ = scanner(connect, thermocouple="J")
    device.prepare()
    assert device.read_temperatures()["foil"] < 440.0


def test_a_simulated_junction_is_taken_as_it_is_said(connect: Any) -> None:
    device, _, _ = scanner(connect, junction="simulated", junction_temperature=310.0)
    device.prepare()
    assert device.read_temperatures()["foil"] == pytest.approx(490.0, abs=0.3)


def test_a_pulse_leaves_its_trace_once(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(DURATION, SAMPLES)
    assert device.take() is None
    clock.sleep(1.0)
    twin.pulse(clock.now(), light)
    assert device.take() is None
    clock.sleep(0.01)
    times, volts = device.take()
    assert len(times) == len(volts) == SAMPLES
    assert times[0] == 0.0
    assert np.diff(times) == pytest.approx(1e-6, abs=1e-9)
    away_from_the_end = abs(np.array(times) - 1.8e-3) > 1e-6
    assert np.array(volts)[away_from_the_end] == pytest.approx(
        light(np.array(times))[away_from_the_end], abs=0.02
    )
    assert device.take() is None


def test_each_pulse_of_a_train_leaves_one(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(DURATION, 500)
    for number in range(1, 5):
        clock.sleep(2.5)
        device.read_temperatures()
        twin.pulse(clock.now(), lambda time, number=number: number + 0.0 * time)
        clock.sleep(0.1)
        device.read_temperatures()
        _, volts = device.take()
        assert np.mean(volts) == pytest.approx(number, abs=0.01)


def test_a_pulse_during_a_scan_leaves_no_trace_and_the_next_does(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(DURATION, 500)
    sleep = clock.sleep

    def flash_once(dt: float, lane: str | None = None) -> None:
        clock.sleep = sleep
        twin.pulse(clock.now(), light)
        sleep(dt, lane)

    clock.sleep = flash_once
    device.read_temperatures()
    sleep(0.1)
    assert device.take() is None
    twin.pulse(clock.now(), light)
    sleep(0.1)
    assert device.take() is not None


def test_the_level_itself_can_trigger(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect, trigger="level", trigger_level=1.0)
    device.prepare(DURATION, 500)
    twin.pulse(clock.now(), lambda time: 0.5 + 0.0 * time)
    clock.sleep(0.1)
    assert device.take() is None
    twin.pulse(clock.now(), lambda time: 4000.0 * time)
    clock.sleep(0.1)
    _, volts = device.take()
    assert volts[0] == pytest.approx(1.0, abs=0.02)


def test_a_voltage_out_of_range_is_no_trace(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect, trace_range=1.0)
    device.prepare(DURATION, 500)
    twin.pulse(clock.now(), light)
    clock.sleep(0.1)
    with pytest.raises(InstrumentError, match="range"):
        device.take()


@pytest.mark.parametrize(
    ("duration", "samples"),
    [(1e-3, 1), (1e-3, 2000), (3.0, 2000), (1.0, 100_001), (float("nan"), 100), (-1.0, 9)],
)
def test_a_trace_that_cannot_be_is_refused_before_the_wire(
    connect: Any, duration: float, samples: int
) -> None:
    device, twin, _ = scanner(connect)
    said: list[bytes] = []
    receive = twin.receive
    twin.receive = lambda data, now: (said.append(data), receive(data, now))[1]
    with pytest.raises(LimitError):
        device.prepare(duration, samples)
    assert said == []


@pytest.mark.parametrize(
    ("duration", "samples", "rate"), [(1.8e-3, 1800, 1_000_000), (2e-3, 2000, 1_000_000)]
)
def test_full_speed_is_not_lost_to_round_off(connect: Any, duration: float, samples: int, rate: int) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(duration, samples)
    assert float(twin.receive(b":DIG:VOLT:SRAT? (@110)\n", 0.0)) == rate


def test_a_trace_lasts_at_least_as_long_as_asked(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(3.6e-3, 1999)
    twin.pulse(clock.now(), light)
    clock.sleep(0.1)
    times, _ = device.take()
    assert times[-1] * 1999 / 1998 >= 3.6e-3


def parameters(**given: Any) -> Any:
    return validate(KeithleyDAQ6510.Parameters, given, file="bench.toml", key="part")


def test_a_bench_file_says_what_is_wired_where() -> None:
    found = parameters(channels={"foil": 101, "chuck": 102}, trace_channel=110, trace_range="1 V")
    assert found.channels == {"foil": 101, "chuck": 102}
    assert found.trace_range == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"channels": {"foil": 101, "chuck": 101}}, "channel 101 is named twice"),
        ({"channels": {"foil": 101}, "trace_channel": 101}, "channel 101 is named twice"),
        ({"channels": {"Foil": 101}}, "channels"),
        ({"channels": {"foil": 7}}, "channels.foil"),
        ({"trace_range": 10.0}, "trace_range"),
        ({"thermocouple": "X"}, "thermocouple"),
    ],
)
def test_what_cannot_be_wired_so_is_a_mistake_in_the_bench_file(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parameters(**given)


def test_what_was_not_prepared_is_said(connect: Any) -> None:
    device, _, _ = scanner(connect)
    with pytest.raises(InstrumentError, match="comes first"):
        device.take()
    without, _, _ = scanner(connect, trace_channel=0)
    with pytest.raises(InstrumentError, match="trace_channel"):
        without.prepare(1e-3, 100)
    empty, _, _ = scanner(connect, channels={})
    with pytest.raises(InstrumentError, match="no thermocouple"):
        empty.read_temperatures()


def test_the_front_terminals_are_refused(connect: Any) -> None:
    device, twin, _ = scanner(connect)
    twin.terminals = "FRON"
    with pytest.raises(InstrumentError, match="TERMINALS"):
        device.identify()


def test_its_errors_are_told_and_do_not_stay(connect: Any) -> None:
    device, _, _ = scanner(connect, channels={"foil": 140})
    with pytest.raises(InstrumentError, match="-222") as told:
        device.prepare()
    assert "140" in str(told.value)
    device.safe()


def test_a_power_up_in_between_is_an_error_and_no_number(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(DURATION, 500)
    twin.power_up(clock.now())
    with pytest.raises(LabError):
        device.read_temperatures()
    with pytest.raises(LabError):
        device.take()


def test_a_scan_that_does_not_end_times_out(connect: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare()
    receive = twin.receive
    twin.receive = lambda data, now: b"0\n" if b"ACT?" in data else receive(data, now)
    with pytest.raises(Timeout):
        device.read_temperatures()


def test_safe_ends_the_waiting(connect: Any, clock: Any) -> None:
    device, twin, _ = scanner(connect)
    device.prepare(DURATION, 500)
    device.safe()
    device.safe()
    twin.pulse(clock.now(), light)
    assert twin.next_event() is None


def test_another_instrument_is_not_taken_for_it(connect: Any) -> None:
    device, twin, _ = scanner(connect)
    twin.receive = lambda data, now: b"SRS,DG645\n"
    with pytest.raises(WireError):
        device.identify()


TROUBLES: dict[Any, float] = {
    "ignore": 0.05,
    "delay": 0.05,
    "drop": 0.05,
    "duplicate": 0.05,
    "truncate": 0.05,
    "dribble": 0.05,
    "disconnect": 0.02,
}
"""Bytes that TCP delivers are whole: none are garbled."""


@pytest.mark.parametrize("seed", range(4))
def test_trouble_on_the_line_never_gives_a_wrong_temperature(connect: Any, seed: int) -> None:
    script = random_faults(seed, TROUBLES, {"delay": 0.6})
    device, _, world = scanner(connect, [*[None] * 2, *(next(script) for _ in range(2000))], seed)
    device.prepare()
    right = 0
    for step in range(60):
        world.foil, world.chuck = 400.0 + 5.0 * step, 300.0 + step
        try:
            found = device.read_temperatures()
        except LabError:
            continue
        assert dict(found) == pytest.approx({"foil": world.foil, "chuck": world.chuck}, abs=0.4)
        right += 1
    assert right > 15


def test_a_lost_reply_to_a_start_gives_a_scan_all_the_same(connect: Any) -> None:
    device, _, _ = scanner(connect, [None, None, Fault("drop")])
    device.prepare()
    assert device.read_temperatures()["chuck"] == pytest.approx(305.0, abs=0.3)
