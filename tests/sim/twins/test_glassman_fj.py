"""The charger's twin: energy into the bank, the watchdog, the fault latch, bytes in any portions."""

from __future__ import annotations

import pytest

from sim.apparatus import FlashHead
from sim.twins.glassman_fj import GlassmanFJTwin

ON_850 = b"\x01SD99FFF00000022D\r"
QUERY = b"\x01Q51\r"


def volts(reply: bytes) -> int:
    return int(reply[1:4], 16)


def test_charging_takes_what_energy_and_power_say() -> None:
    twin = GlassmanFJTwin(FlashHead(voltage=600.0), bank_power=300.0)
    twin.receive(ON_850, 0.0)
    energy = 0.5 * twin.bank.bank.capacitance * (840.0**2 - 600.0**2)  # type: ignore[attr-defined]
    twin.advance(energy / twin.bank_power)
    assert twin.bank.voltage == pytest.approx(840.0)
    twin.advance(10.0)
    assert twin.bank.voltage == pytest.approx(3481 / 4095 * 1000)


def test_the_way_time_is_cut_changes_nothing() -> None:
    whole, cut = GlassmanFJTwin(FlashHead()), GlassmanFJTwin(FlashHead())
    for twin in (whole, cut):
        twin.receive(ON_850, 0.0)
    whole.advance(1.4)
    for step in range(1, 15):
        cut.advance(step / 10)
    assert cut.bank.voltage == pytest.approx(whole.bank.voltage, rel=1e-12)


def test_the_watchdog_switches_off_and_forgets_the_programs_at_its_time() -> None:
    twin = GlassmanFJTwin(FlashHead())
    twin.receive(ON_850, 2.0)
    assert twin.next_event() == 3.5
    twin.receive(QUERY, 3.0)
    assert twin.next_event() == 4.5
    twin.fire_event(4.4)
    assert twin.high_voltage_on
    twin.fire_event(4.5)
    assert not twin.high_voltage_on
    assert twin.target == 0.0
    assert twin.next_event() is None
    assert (4.5, "watchdog") in [(time, event) for time, event, _ in twin.log]


def test_a_switched_off_watchdog_never_trips() -> None:
    twin = GlassmanFJTwin(FlashHead())
    assert twin.receive(b"\x01C174\r", 0.0) == b"A\r"
    twin.receive(ON_850, 0.0)
    assert twin.next_event() is None


def test_off_the_bank_bleeds() -> None:
    head = FlashHead(voltage=850.0, bleed_time_constant=20.0)
    twin = GlassmanFJTwin(head)
    twin.advance(20.0)
    assert head.voltage == pytest.approx(850.0 / 2.718281828459045)


def test_a_fault_latches_until_a_reset() -> None:
    twin = GlassmanFJTwin(FlashHead())
    twin.receive(ON_850, 0.0)
    twin.trip(0.5, "arc")
    assert not twin.high_voltage_on
    assert twin.receive(ON_850, 0.6) == b"E535\r"
    assert twin.receive(QUERY, 0.6)[10:11] == b"2"
    assert twin.receive(b"\x01S0000000000004C7\r", 0.7) == b"A\r"
    assert twin.receive(ON_850, 0.8) == b"A\r"


@pytest.mark.parametrize("torn", [b"", b"\r", b"Q51\r", b"\x01Q5", b"\xff\x00\r", b"\x01\r", b"\x01S\r"])
def test_rubbish_before_a_packet_does_not_spoil_it(torn: bytes) -> None:
    twin = GlassmanFJTwin(FlashHead(voltage=850.0))
    assert volts(twin.receive(torn + QUERY, 0.0).split(b"\r")[-2]) == 0x366


def test_looking_changes_nothing() -> None:
    looked, alone = GlassmanFJTwin(FlashHead()), GlassmanFJTwin(FlashHead())
    for twin in (looked, alone):
        twin.receive(ON_850, 0.0)
    for _ in range(50):
        looked.receive(QUERY, 0.0)
    for twin in (looked, alone):
        twin.advance(1.0)
    assert looked.receive(QUERY, 1.0) == alone.receive(QUERY, 1.0)


def test_after_its_mains_came_back_it_is_off_without_a_program_and_the_bank_is_as_it_was() -> None:
    twin = GlassmanFJTwin(FlashHead())
    twin.receive(ON_850, 0.0)
    twin.advance(1.0)
    twin.trip(1.0, "arc")
    voltage = twin.bank.voltage
    twin.power_up(1.0)
    assert (twin.high_voltage_on, twin.fault, twin.target, twin.next_event()) == (False, False, 0.0, None)
    assert twin.bank.voltage == voltage
    twin.advance(2.0)
    assert 0 < twin.bank.voltage < voltage
    assert [event for _, event, _ in twin.log][-1] == "power up"


def test_the_black_box_tells_each_program_and_each_switch_once() -> None:
    twin = GlassmanFJTwin(FlashHead())
    for _ in range(3):
        twin.receive(ON_850, 0.0)
    twin.receive(b"\x01C174\r", 0.5)
    told = [event for _, event, _ in twin.log]
    assert told == ["programmed", "high voltage on", "watchdog disabled"]
