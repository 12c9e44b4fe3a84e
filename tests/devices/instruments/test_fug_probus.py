"""The FuG's driver: refusals, setpoints read back, lost acknowledgements, an OFF that does not turn into an ON."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, LabError, LimitError, OutcomeUnknown, WireError
from devices.instruments.fug_probus import ERRORS, FuGProbus
from devices.instruments.glassman_fj import GlassmanFJ
from devices.ports import Fault, random_faults
from sim.apparatus import FlashHead
from sim.twins.fug_probus import FuGProbusTwin

SCALES = {"full_scale_voltage": 1000.0, "full_scale_current": 0.6, "voltage_limit": 950.0}


def charger(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, FuGProbusTwin]:
    twin = FuGProbusTwin(FlashHead())
    return connect(FuGProbus, twin, faults, seed, **SCALES), twin


def test_a_bank_is_charged_held_and_switched_off(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    for _ in range(20):
        clock.sleep(1.0)
        state = device.state()
    assert state.voltage == pytest.approx(850.0, abs=0.1)
    assert state.high_voltage_on
    assert not state.fault
    device.off()
    assert not device.state().high_voltage_on
    assert [event for _, event, _ in twin.log] == [
        "programmed",
        "high voltage on",
        "high voltage off",
        "programmed",
    ]


def test_it_charges_as_fast_as_the_other_charger(connect: Any, clock: Any) -> None:
    from sim.twins.glassman_fj import GlassmanFJTwin

    fug, _ = charger(connect)
    glassman = connect(GlassmanFJ, GlassmanFJTwin(FlashHead()), **SCALES)
    for device in (fug, glassman):
        device.program(850.0)
    for _ in range(6):
        clock.sleep(1.0)
        assert fug.state().voltage == pytest.approx(glassman.state().voltage, abs=1.0)


def test_it_has_no_watchdog_and_says_so(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    clock.sleep(86400.0)
    assert device.state().high_voltage_on
    assert twin.next_event() is None
    assert FuGProbus.watchdog is None
    assert GlassmanFJ.watchdog == 1.5


@pytest.mark.parametrize("voltage", [-1.0, 950.1, 850e3, float("nan"), float("inf")])
def test_a_voltage_out_of_range_is_refused_before_the_wire(connect: Any, voltage: float) -> None:
    device, twin = charger(connect)
    with pytest.raises(LimitError):
        device.program(voltage)
    assert twin.log == []


def test_a_trip_is_reported_refused_and_forgotten_by_reset_only(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    twin.trip(clock.now(), "arc")
    assert device.state().fault
    with pytest.raises(InstrumentError, match="tripped"):
        device.program(850.0)
    assert not twin.high_voltage_on
    device.reset()
    assert not device.state().fault
    device.program(850.0)
    assert twin.high_voltage_on


def test_safe_is_reached_twice_and_from_a_trip(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    twin.trip(clock.now(), "arc")
    device.safe()
    device.safe()
    assert not twin.high_voltage_on
    assert twin.target == 0.0


def test_a_lost_acknowledgement_of_on_is_unknown_and_not_sent_again(connect: Any) -> None:
    device, twin = charger(connect, [*[None] * 8, Fault("drop")])
    with pytest.raises(OutcomeUnknown):
        device.program(850.0)
    assert device.state().high_voltage_on
    assert [event for _, event, _ in twin.log].count("high voltage on") == 1


def test_a_setpoint_garbled_on_its_way_is_seen_before_the_output_goes_on(connect: Any) -> None:
    device, twin = charger(connect)
    receive = twin.receive
    twin.receive = lambda data, now: receive(data.replace(b">S0 850", b">S0 950"), now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match=r"949\.997"):
        device.program(850.0)
    assert "high voltage on" not in [event for _, event, _ in twin.log]


def test_a_setpoint_garbled_under_a_charged_bank_switches_it_off(connect: Any, clock: Any) -> None:
    device, twin = charger(connect)
    device.program(800.0)
    clock.sleep(10.0)
    receive = twin.receive
    twin.receive = lambda data, now: receive(data.replace(b">S0 850", b">S0 950"), now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="is switched off"):
        device.program(850.0)
    assert not twin.high_voltage_on


def test_a_supply_that_falls_silent_while_it_is_programmed_is_switched_off_blind(
    connect: Any, clock: Any
) -> None:
    device, twin = charger(connect)
    device.program(800.0)
    clock.sleep(10.0)
    receive, heard = twin.receive, []

    def falls_silent(data: bytes, now: float) -> bytes:
        heard.append(data)
        answer = receive(data.replace(b">S0 850", b">S0 950"), now)
        return b"" if b">S0 850\n" in heard else answer

    twin.receive = falls_silent  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.program(850.0)
    assert not twin.high_voltage_on


def test_an_off_that_arrives_as_an_on_is_seen_and_sent_again(connect: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    receive, torn = twin.receive, [b">BON 1\n"]
    twin.receive = (  # type: ignore[method-assign]
        lambda data, now: receive(torn.pop() if data == b">BON 0\n" and torn else data, now)
    )
    device.off()
    assert not torn
    assert not twin.high_voltage_on


def test_an_output_that_stays_on_is_an_error(connect: Any) -> None:
    device, twin = charger(connect)
    device.program(850.0)
    receive = twin.receive
    twin.receive = lambda data, now: b"E0\n" if data == b">BON 0\n" else receive(data, now)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="mains switch"):
        device.safe()


@pytest.mark.parametrize("trouble", ["ignore", "drop", "garble", "truncate"])
def test_one_lost_exchange_does_not_keep_the_supply_on(connect: Any, trouble: Any) -> None:
    device, twin = charger(connect, [*[None] * 9, Fault(trouble)])
    device.program(850.0)
    device.safe()
    assert not twin.high_voltage_on


def test_off_is_sent_blind_when_no_reply_comes_through(connect: Any) -> None:
    device, twin = charger(connect, [*[None] * 9, Fault("ignore"), *[Fault("drop")] * 20])
    device.program(850.0)
    with pytest.raises(WireError):
        device.safe()
    assert not twin.high_voltage_on


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_each_error_is_told_in_words(connect: Any, code: str) -> None:
    device, twin = charger(connect)
    receive = twin.receive
    twin.receive = lambda data, now: f"{code}\n".encode() if b">S0 " in data else receive(data, now)  # type: ignore[method-assign]
    with pytest.raises(LabError, match=ERRORS[code]):
        device.program(850.0)


def test_a_supply_under_local_control_is_not_taken(connect: Any) -> None:
    device, twin = charger(connect)
    twin.digital_control = False
    with pytest.raises(InstrumentError, match="remote"):
        device.identify()


def test_another_instrument_is_not_taken_for_a_charger(connect: Any) -> None:
    device, twin = charger(connect)
    twin.receive = lambda data, now: b"MAESTRO\n"  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.identify()


TROUBLES: dict[Any, float] = {
    "ignore": 0.05,
    "delay": 0.05,
    "drop": 0.05,
    "garble": 0.1,
    "duplicate": 0.05,
    "truncate": 0.05,
    "dribble": 0.05,
    "disconnect": 0.02,
}


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_never_gives_a_wrong_voltage(connect: Any, clock: Any, seed: int) -> None:
    device, twin = charger(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    right = 0
    for step in range(200):
        twin.bank.voltage = 4.5 * step  # type: ignore[misc]
        before = twin.bank.voltage
        try:
            voltage = device.read_voltage()
        except LabError:
            continue
        assert twin.bank.voltage - 25.0 <= voltage <= before + 25.0, (step, voltage)
        right += 1
    assert right > 80
