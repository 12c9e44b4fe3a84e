"""The turbo pump's driver: what it shows, what it is told, what it refuses, silence where the checksum is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, LabError, Timeout, WireError
from devices.instruments.pfeiffer_turbo import PfeifferTurbo, is_name, telegram
from devices.ports import Fault, random_faults
from devices.sputter.parts import TurboState
from sim.twins.pfeiffer_turbo import PfeifferTurboTwin
from tests.sim.twins.vacuum_parts import Rotor


def pump(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, PfeifferTurboTwin, Rotor]:
    rotor = Rotor()
    twin = PfeifferTurboTwin(rotor)
    return connect(PfeifferTurbo, twin, faults, seed), twin, rotor


def test_telegrams_are_those_of_the_bus() -> None:
    assert telegram(b"00", 309, b"=?") == b"0010030902=?107\r"
    assert telegram(b"10", 10, b"111111") == b"0011001006111111015\r"
    # A pressure as a gauge of the family tells it; a drive unit has none [PyPI pfeiffer-vacuum-protocol].
    assert telegram(b"00", 740, b"=?") == b"0010074002=?106\r"
    assert telegram(b"10", 740, b"100023") == b"0011074006100023025\r"
    assert is_name(b"0011034906TC 110065")
    assert not is_name(b"0011030906000000020")


def test_its_state_follows_the_rotor(connect: Any) -> None:
    device, _, rotor = pump(connect)
    device.start()
    assert rotor.driven
    rotor.hertz, rotor.amperes = 1000.0, 0.85
    assert device.state() == TurboState(speed=1000.0, full_speed=1000.0, current=0.85, on=True)
    rotor.hertz = 712.3
    assert device.speed.get() == 712.0
    device.safe()
    assert rotor.driven
    device.stop()
    assert (rotor.driven, device.state().on) == (False, False)


def test_an_error_is_told_and_acknowledged_by_a_start(connect: Any, clock: Any) -> None:
    device, twin, rotor = pump(connect)
    device.start()
    twin.fail(6, clock.now())
    assert device.state().error == "Err006"
    assert not rotor.driven
    device.start()
    assert (device.state().error, rotor.driven) == ("", True)


def test_a_refusal_is_an_error_of_the_instrument(connect: Any) -> None:
    device, twin, _ = pump(connect)
    refusal = b"0011031006NO_DEF"
    twin.receive = lambda data, now: refusal + b"%03d\r" % (sum(refusal) % 256)  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="no such parameter"):
        device.read_current()


def test_another_parameters_answer_is_not_taken(connect: Any) -> None:
    device, twin, _ = pump(connect)
    receive = twin.receive
    twin.receive = lambda data, now: receive(telegram(b"00", 315, b"=?") if b"309" in data else data, now)  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.read_speed()


def test_a_pump_that_is_silent_is_not_waited_for_longer_than_two_deadlines(connect: Any, clock: Any) -> None:
    device, twin, _ = pump(connect)
    twin.receive = lambda data, now: b""  # type: ignore[method-assign]
    with pytest.raises((Timeout, WireError)):
        device.state()
    assert clock.now() <= 1.0


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_shows_no_speed_that_it_has_not(connect: Any, clock: Any, seed: int) -> None:
    troubles: dict[Fault, float] = {
        "ignore": 0.05,
        "delay": 0.05,
        "drop": 0.05,
        "garble": 0.05,
        "duplicate": 0.05,
    }
    device, _, rotor = pump(connect, random_faults(seed, troubles, {"delay": 0.7}), seed)
    done = 0
    for look in range(80):
        rotor.hertz = float(look)
        try:
            found = device.read_speed()
        except LabError:
            clock.sleep(1.0)
            continue
        done += 1
        assert found == rotor.hertz
    assert done > 40
