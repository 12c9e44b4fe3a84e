"""The temperature controller's driver: holds, reads, refuses a broken sensor, and is off when that is said."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, LabError, LimitError, WireError
from devices.instruments.eurotherm_2400 import Eurotherm2400
from devices.ports import Fault, random_faults
from sim.twins.eurotherm_2400 import Eurotherm2400Twin


class Block:
    """A block of metal, which a test warms."""

    def __init__(self) -> None:
        self.share, self.kelvins = 0.0, 529.45

    def heat(self, share: float) -> None:
        self.share = share

    def temperature(self) -> float:
        return self.kelvins


def controller(
    connect: Any, faults: Any = None, seed: int = 0, decimals: int = 1
) -> tuple[Any, Eurotherm2400Twin, Block]:
    block = Block()
    twin = Eurotherm2400Twin(block, decimals=decimals)
    device = connect(Eurotherm2400, twin, faults, seed, temperature_limit=873.15, decimals=decimals)
    return device, twin, block


@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_a_temperature_is_read_with_the_decimals_of_the_display(connect: Any, decimals: int) -> None:
    device, _, block = controller(connect, decimals=decimals)
    for kelvins in (263.15, 296.0, 529.45, 600.0):
        block.kelvins = kelvins
        assert device.read_temperature() == pytest.approx(kelvins, abs=0.5001 * 10.0**-decimals)


def test_it_holds_a_temperature_and_lets_go(connect: Any, clock: Any) -> None:
    device, twin, block = controller(connect)
    device.set_temperature(573.15)
    assert twin.target == 300.0
    assert device.read_target() == 573.15
    clock.sleep(2.0)
    assert device.output() == pytest.approx(1.0)
    assert block.share == 1.0
    device.off()
    assert device.output() == block.share == 0.0
    clock.sleep(100.0)
    assert device.output() == block.share == 0.0


@pytest.mark.parametrize("kelvins", [273.0, 873.2, float("nan"), float("inf")])
def test_a_temperature_out_of_range_is_refused_before_the_wire(connect: Any, kelvins: float) -> None:
    device, twin, _ = controller(connect)
    with pytest.raises(LimitError):
        device.set_temperature(kelvins)
    assert twin.log == []


def test_what_its_registers_do_not_hold_is_out_of_range(connect: Any) -> None:
    device, _, _ = controller(connect, decimals=2)
    with pytest.raises(LimitError):
        device.set_temperature(700.0)


def test_its_own_limit_refuses_too_and_nothing_is_heated(connect: Any, clock: Any) -> None:
    device, twin, block = controller(connect)
    twin._set_high(2500, 0.0)
    with pytest.raises(InstrumentError, match="illegal data value"):
        device.set_temperature(800.0)
    clock.sleep(10.0)
    assert device.output() == block.share == 0.0


def test_a_broken_sensor_is_an_error_and_gives_no_power(connect: Any, clock: Any) -> None:
    device, twin, block = controller(connect)
    device.set_temperature(573.15)
    clock.sleep(5.0)
    assert device.output() > 0.0
    twin.break_sensor(clock.now())
    with pytest.raises(InstrumentError, match="sensor is broken"):
        device.read_temperature()
    clock.sleep(5.0)
    assert device.output() == block.share == 0.0
    twin.mend_sensor(clock.now())
    assert device.read_temperature() == pytest.approx(529.45, abs=0.05)


def test_a_sensor_that_reads_high_looks_like_a_warm_oven(connect: Any, clock: Any) -> None:
    device, twin, block = controller(connect)
    twin.read_high(150.0, clock.now())
    assert device.read_temperature() == pytest.approx(679.45, abs=0.05)
    device.set_temperature(573.15)
    clock.sleep(60.0)
    assert device.output() == block.share == 0.0


def test_another_instrument_is_not_taken_for_it(connect: Any) -> None:
    device, twin, _ = controller(connect)
    twin.receive = lambda data, now: bytes.fromhex("01 03 02 0A 03 FE E5")  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="not the identity of a 2400"):
        device.identify()


def test_off_is_sent_blind_when_no_reply_comes_through(connect: Any, clock: Any) -> None:
    device, twin, block = controller(connect, [*[None] * 4, Fault("ignore"), *[Fault("drop")] * 30])
    device.set_temperature(573.15)
    with pytest.raises(WireError):
        device.safe()
    clock.sleep(5.0)
    assert (twin.mode, twin.share, block.share) == (1, 0.0, 0.0)


def test_safe_is_reached_from_any_state_and_twice(connect: Any, clock: Any) -> None:
    device, _, block = controller(connect)
    device.safe()
    device.set_temperature(573.15)
    clock.sleep(5.0)
    device.safe()
    device.safe()
    assert block.share == 0.0


TROUBLES: dict[Any, float] = {
    "ignore": 0.05,
    "delay": 0.08,
    "drop": 0.05,
    "garble": 0.1,
    "duplicate": 0.05,
    "truncate": 0.05,
    "dribble": 0.05,
    "disconnect": 0.02,
}


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_never_gives_a_wrong_temperature(connect: Any, clock: Any, seed: int) -> None:
    device, _, block = controller(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    right = 0
    for step in range(120):
        block.kelvins = 300.15 + 3.0 * step
        try:
            read = device.read_temperature()
        except LabError:
            clock.sleep(1.0)
            continue
        assert read == pytest.approx(block.kelvins, abs=0.051)
        right += 1
    assert right > 40
