"""The DC supply's driver: nothing is acknowledged, so everything is read back, and lost bytes are survived."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError, LabError, LimitError, OutcomeUnknown, WireError
from devices.instruments.aja_dcxs import AJADCXS, Model
from devices.ports import Fault, random_faults
from sim.twins.aja_dcxs import AJADCXSTwin


class Gun:
    def __init__(self) -> None:
        self.power = 0.0

    def drive(self, power: float) -> None:
        self.power = power

    def voltage(self) -> float:
        return 400.0

    def current(self) -> float:
        return self.power / 400.0


def supply(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, AJADCXSTwin, Gun]:
    gun = Gun()
    twin = AJADCXSTwin(gun)
    return connect(AJADCXS, twin, faults, seed, power_limit=500.0, gun=3), twin, gun


def lit(connect: Any, faults: Any = None) -> tuple[Any, AJADCXSTwin, Gun]:
    device, twin, gun = supply(connect, faults)
    device.set_power(120.0)
    device.on()
    return device, twin, gun


def test_power_goes_to_the_gun_and_comes_back_as_read(connect: Any) -> None:
    device, twin, gun = supply(connect)
    device.take_control()
    device.set_power(120.4)
    device.on()
    state = device.state()
    assert gun.power == 120.0
    assert (state.on, state.forward, state.load, state.reflected) == (True, 120.0, 120.0, 0.0)
    assert (state.bias, state.current, state.in_control) == (400.0, 0.3, True)
    assert state.flags == frozenset()
    assert (device.power.get(), device.voltage.get(), device.current.get()) == (120.0, 400.0, 0.3)
    assert twin.receive(b"p", 0.0) == b"\x04"
    device.off()
    assert gun.power == 0.0
    assert not device.state().on


@pytest.mark.parametrize("power", [-1.0, 500.1, float("nan"), float("inf")])
def test_a_power_out_of_range_is_refused_before_the_wire(connect: Any, power: float) -> None:
    device, twin, _ = supply(connect)
    with pytest.raises(LimitError):
        device.set_power(power)
    assert twin.set_point == 0


def test_rounding_does_not_go_above_the_limit(connect: Any) -> None:
    device, twin, _ = supply(connect)
    device.limit = 99.6
    device.set_power(99.6)
    assert twin.set_point == 99


def test_the_greeting_of_power_up_is_no_answer(connect: Any, clock: Any) -> None:
    device, twin, _ = supply(connect)
    twin.power_up(clock.now())
    assert device.identify() == "AJA DCXS750-4, software 01.00"
    assert Model().take(bytearray(b">>>DCXS750-")) is None


@pytest.mark.parametrize("lost", range(1, 6))
def test_a_set_point_of_which_bytes_are_lost_is_set_all_the_same(connect: Any, clock: Any, lost: int) -> None:
    device, twin, _ = supply(connect)
    twin.lose_bytes(lost)
    device.set_power(120.0)
    assert twin.set_point == 120
    assert [detail for _, event, detail in twin.log if event == "set"] == ["C120"]


@pytest.mark.parametrize("torn", [b"C", b"C0", b"C01", b"C012"])
def test_off_is_heard_behind_a_torn_set_point(connect: Any, torn: bytes) -> None:
    device, twin, gun = lit(connect)
    twin.receive(torn, 0.0)
    device.off()
    assert gun.power == 0.0
    assert twin.set_point == 120


def test_a_fault_switches_off_and_is_told(connect: Any, clock: Any) -> None:
    device, twin, gun = lit(connect)
    twin.fail(3, clock.now())
    state = device.state()
    assert (state.on, state.flags) == (False, {"fault 3"})
    with pytest.raises(InstrumentError, match="fault 3"):
        device.on()
    twin.clear(clock.now())
    device.on()
    assert gun.power == 120.0


def test_an_open_interlock_drops_the_power_and_keeps_it_off(connect: Any) -> None:
    device, twin, gun = lit(connect)
    twin.interlock_open = True
    assert gun.power == 0.0
    with pytest.raises(InstrumentError, match="fault 1"):
        device.on()
    twin.interlock_open = False
    assert not device.state().on
    device.on()
    assert device.state().on


def test_the_guard_is_asked_before_it_is_switched_on(connect: Any) -> None:
    device, twin, _ = supply(connect)

    def nobody() -> None:
        raise InterlockError("cover", "open")

    device.guard = nobody
    with pytest.raises(InterlockError):
        device.on()
    assert not twin.on


def test_a_lost_reply_to_on_is_resolved_by_asking_and_two_are_unknown(connect: Any) -> None:
    device, twin, _ = lit(connect, [None, Fault("drop")])
    assert [event for _, event, _ in twin.log if "output" in event] == ["output on"]
    device, twin, _ = supply(connect, [None, Fault("ignore"), None, None, Fault("ignore")])
    device.set_power(10.0)
    with pytest.raises(OutcomeUnknown):
        device.on()
    assert not twin.on


def test_off_is_sent_blind_when_no_reply_comes_through(connect: Any) -> None:
    device, twin, _ = lit(connect, [None, None, Fault("ignore"), *[Fault("drop")] * 20])
    with pytest.raises(WireError):
        device.safe()
    assert not twin.on


def test_settings_that_it_does_not_take_are_noticed(connect: Any) -> None:
    device, twin, _ = lit(connect)
    twin.receive(b"B", 0.0)
    twin.receive(b"E05", 0.0)
    twin.receive(b"A", 0.0)
    with pytest.raises(InstrumentError, match="00 was sent, 05 was read back"):
        device.take_control()


def test_safe_is_reached_from_any_state_and_twice(connect: Any) -> None:
    device, twin, _ = supply(connect)
    device.safe()
    device.set_power(50.0)
    device.on()
    device.safe()
    device.safe()
    assert not twin.on
    assert twin.set_point == 0


TROUBLES: dict[Any, float] = {
    "ignore": 0.05,
    "delay": 0.05,
    "drop": 0.05,
    "garble": 0.1,
    "duplicate": 0.05,
    "truncate": 0.05,
    "dribble": 0.05,
}


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_never_leaves_it_on_that_is_said_to_be_off(
    connect: Any, clock: Any, seed: int
) -> None:
    device, twin, gun = supply(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    reached = 0
    for step in range(80):
        wanted = 10 + step
        try:
            device.set_power(wanted)
            assert twin.set_point == wanted
            device.on()
            assert twin.on
        except LabError:
            clock.sleep(1.0)
        try:
            device.off()
        except LabError:
            clock.sleep(1.0)
            continue
        assert not twin.on
        assert gun.power == 0.0
        reached += 1
    assert reached > 50
