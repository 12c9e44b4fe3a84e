"""The meter's driver: text and numbers, new values once, never a garbled one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.errors import Garbled, InstrumentError, LabError, WireError
from devices.instruments.gentec_maestro import GentecMaestro, energy_of, new_data
from devices.ports import Fault, random_faults
from sim.twins.gentec_maestro import GentecMaestroTwin


def meter(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, GentecMaestroTwin]:
    twin = GentecMaestroTwin(np.random.default_rng(seed), full_scale_energy=500.0)
    return connect(GentecMaestro, twin, faults, seed, full_scale_energy=500.0), twin


def test_text_and_numbers_are_both_understood() -> None:
    assert energy_of(b"Current Value : 0.00500095") == 0.00500095
    assert energy_of(b"Current Value: 0.012") == 0.012
    assert energy_of(b"3.3e+2") == 330.0
    assert new_data(b"New Data Available")
    assert new_data(b"1")
    assert not new_data(b"New Data Not Available")


@pytest.mark.parametrize("reply", [b"", b"nan", b"inf", b"0x1", b"Current Value : ", b"1 2", b"1,2", b"ACK"])
def test_what_is_no_number_is_no_value(reply: bytes) -> None:
    with pytest.raises(Garbled):
        energy_of(reply)


def test_a_flash_is_read_once_after_the_head_has_responded(connect: Any, clock: Any) -> None:
    device, twin = meter(connect)
    assert device.identify().startswith("MAESTRO")
    device.prepare()
    assert device.take() is None
    twin.expose(330.0, clock.now())
    clock.sleep(0.49)
    assert device.take() is None
    clock.sleep(0.02)
    assert device.take() == pytest.approx(330.0, rel=0.03)
    assert device.take() is None


def test_preparing_forgets_an_old_value(connect: Any, clock: Any) -> None:
    device, twin = meter(connect)
    device.prepare()
    twin.expose(330.0, clock.now())
    clock.sleep(1.0)
    device.prepare()
    assert device.take() is None
    device.safe()
    device.safe()


@pytest.mark.parametrize("value", [b"9.9E37", b"501", b"-3"])
def test_a_value_outside_the_range_is_an_error(connect: Any, value: bytes) -> None:
    device, twin = meter(connect)
    twin.receive = lambda data, now: b"1\r\n" if data == b"*NVU" else value + b"\r\n"  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="outside"):
        device.take()


def test_a_lost_value_is_asked_for_again(connect: Any, clock: Any) -> None:
    device, twin = meter(connect, [*[None] * 5, Fault("drop")])
    device.prepare()
    twin.expose(330.0, clock.now())
    clock.sleep(1.0)
    assert device.take() == pytest.approx(330.0, rel=0.03)


def test_another_instrument_is_not_taken_for_a_maestro(connect: Any) -> None:
    device, twin = meter(connect)
    twin.receive = lambda data, now: b"Blu\r\n"  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.identify()


@pytest.mark.parametrize("seed", range(8))
def test_trouble_on_the_line_never_gives_a_wrong_energy(connect: Any, clock: Any, seed: int) -> None:
    troubles: dict[Any, float] = {
        "delay": 0.05,
        "drop": 0.05,
        "garble": 0.1,
        "duplicate": 0.05,
        "truncate": 0.05,
        "dribble": 0.05,
    }
    device, twin = meter(connect, random_faults(seed, troubles, {"delay": 0.7}), seed)
    taken = 0
    for _ in range(60):
        try:
            device.prepare()
        except LabError:
            continue
        twin.expose(330.0, clock.now())
        clock.sleep(1.0)
        try:
            energy = device.take()
        except LabError:
            continue
        shown = [float(detail.split()[0]) for _, event, detail in twin.log if event == "reading"]
        if energy is not None:
            assert energy == shown[-1]
            taken += 1
    assert taken > 15


def test_looking_at_the_energy_does_not_take_it_from_the_train(connect: Any, clock: Any) -> None:
    """The instrument forgets that a value is new once it is read; whoever waits for it must still get it."""
    device, twin = meter(connect)
    device.prepare()
    twin.expose(330.0, clock.now())
    clock.sleep(2.0)
    seen = device.energy.get()
    assert seen == device.energy.get()
    assert device.take() == seen
    assert device.take() is None
