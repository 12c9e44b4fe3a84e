"""The charger's driver: checksums both ways, refusals, lost acknowledgements, its watchdog."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import (
    Garbled,
    InstrumentError,
    LabError,
    LimitError,
    OutcomeUnknown,
    Timeout,
    WireError,
)
from devices.instruments.glassman_fj import GlassmanFJ, body, checksum, packet, set_packet
from devices.ports import Fault, random_faults
from sim.apparatus import FlashHead
from sim.twins.glassman_fj import GlassmanFJTwin

SCALES = {"full_scale_voltage": 1000.0, "full_scale_current": 0.6, "voltage_limit": 950.0}


def charger(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, GlassmanFJTwin]:
    twin = GlassmanFJTwin(FlashHead())
    return connect(GlassmanFJ, twin, faults, seed, **SCALES), twin


def switched(twin: GlassmanFJTwin) -> list[str]:
    """Return what the twin's black box says of its high voltage."""
    return [event for _, event, _ in twin.log if event.startswith("high voltage")]


def test_checksums_are_those_of_the_manual() -> None:
    assert set_packet(0x8CC, 0x3FF, 1) == bytes.fromhex(
        "0153384343334646303030303030313231 0D".replace(" ", "")
    )
    assert packet(b"Q") == b"\x01Q51\r"
    assert packet(b"V") == b"\x01V56\r"
    assert checksum(b"25") == b"67"
    with pytest.raises(Garbled):
        body(b"B2568")


def test_one_garbled_byte_is_always_seen_and_two_that_make_up_for_one_another_are_not() -> None:
    content = b"R366005000400"
    reply = content + checksum(content[1:])
    for position in range(1, len(reply)):
        for byte in range(256):
            garbled = reply[:position] + bytes([byte]) + reply[position + 1 :]
            if garbled != reply:
                with pytest.raises(Garbled):
                    body(garbled)
    assert checksum(b"276005000400") == checksum(b"366005000400")


def test_a_bank_is_charged_held_and_switched_off(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    for _ in range(20):
        clock.sleep(1.0)
        state = device.state()
    assert state.voltage == pytest.approx(850.0, abs=1.0)
    assert state.high_voltage_on
    assert not state.fault
    device.off()
    assert not device.state().high_voltage_on
    assert switched(twin) == ["high voltage on", "high voltage off"]


def test_reading_a_quantity_asks_the_supply(connect: Any, clock: Any) -> None:
    device, _ = charger(connect)
    device.program(500.0)
    clock.sleep(1.0)
    reading = device.read()
    assert reading["device_voltage"]["value"] == device.state().voltage > 0
    assert reading["device_high_voltage_on"]["value"] == 1
    assert device.describe()["device_voltage"]["units"] == "V"


@pytest.mark.parametrize("voltage", [-1.0, 950.1, 850e3, float("nan"), float("inf")])
def test_a_voltage_out_of_range_is_refused_before_the_wire(connect: Any, voltage: float) -> None:
    device, twin = charger(connect)
    with pytest.raises(LimitError):
        device.program(voltage)
    assert twin.target == 0.0
    assert not twin.high_voltage_on


def test_a_fault_is_reported_cleared_by_reset_only_and_safe_is_reached_in_it(
    connect: Any, clock: Any
) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    twin.trip(clock.now(), "arc")
    assert device.state().fault
    with pytest.raises(InstrumentError, match="E5"):
        device.program(850.0)
    device.safe()
    device.safe()
    assert device.state().fault
    device.reset()
    assert not device.state().fault
    assert not device.state().high_voltage_on
    device.program(850.0)


def test_the_watchdog_trips_exactly_one_and_a_half_seconds_after_the_last_question(
    connect: Any, clock: Any
) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    for _ in range(5):
        clock.sleep(1.49)
        device.state()
    last = clock.now()
    clock.sleep(3.0)
    assert not device.state().high_voltage_on
    tripped = [time for time, event, _ in twin.log if event == "watchdog"]
    assert tripped == pytest.approx([last + 1.5], abs=1e-9)


def test_a_lost_acknowledgement_of_charging_is_unknown_and_not_sent_again(connect: Any) -> None:
    device, twin = charger(connect, [Fault("drop")])
    with pytest.raises(OutcomeUnknown):
        device.program(850.0)
    assert device.state().high_voltage_on
    assert switched(twin) == ["high voltage on"]


@pytest.mark.parametrize("trouble", ["ignore", "drop", "garble", "truncate"])
def test_one_lost_exchange_does_not_keep_the_supply_on(connect: Any, trouble: Any) -> None:
    device, twin = charger(connect, [None, Fault(trouble)])
    device.program(850.0)
    device.safe()
    assert not twin.high_voltage_on


def test_off_is_sent_blind_when_no_reply_comes_through(connect: Any) -> None:
    device, twin = charger(connect, [None, Fault("ignore"), *[Fault("drop")] * 20])
    device.program(850.0)
    with pytest.raises(WireError):
        device.safe()
    assert not twin.high_voltage_on


def test_a_request_that_arrives_garbled_is_asked_again(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    receive, torn = twin.receive, [b"\x01Q52\r"]
    twin.receive = lambda data, now: receive(torn.pop() if torn else data, now)  # type: ignore[method-assign]
    assert device.state().voltage == 0.0


def test_another_instrument_is_not_taken_for_a_charger(connect: Any) -> None:
    device, twin = charger(connect)
    twin.receive = lambda data, now: b"MAESTRO\r"  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.identify()


def test_a_silent_charger_times_out(connect: Any) -> None:
    device, twin = charger(connect)
    twin.receive = lambda data, now: b""  # type: ignore[method-assign]
    with pytest.raises((Timeout, WireError)):
        device.state()


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


@pytest.mark.parametrize("seed", range(8))
def test_trouble_on_the_line_never_gives_a_wrong_voltage(connect: Any, clock: Any, seed: int) -> None:
    device, twin = charger(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    right = 0
    for step in range(250):
        twin.bank.voltage = 3.9 * step  # type: ignore[misc]
        before = twin.bank.voltage
        try:
            state = device.state()
        except LabError:
            continue
        after = twin.bank.voltage
        assert after - 1.0 <= state.voltage <= before + 1.0, (step, state)
        assert not state.high_voltage_on
        right += 1
    assert right > 140
