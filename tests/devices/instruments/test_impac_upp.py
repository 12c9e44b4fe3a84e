"""The pyrometer's driver: what it takes for a temperature and what not, settings read back, trouble on the line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.errors import Garbled, InstrumentError, LabError, LimitError, WireError
from devices.instruments.impac_upp import ImpacUPP, is_name, signed
from devices.ports import Fault, random_faults
from sim.twins.impac_upp import ImpacUPPTwin

HOT = 600.0


class Source:
    """What the head looks at; the test sets how hot it is."""

    def __init__(self) -> None:
        self.temperature = HOT

    def __call__(self, time: float) -> float:
        return self.temperature


def pyrometer(connect: Any, faults: Any = None, seed: int = 0, **given: Any) -> tuple[Any, Any, Source]:
    source = Source()
    twin = ImpacUPPTwin(source, np.random.default_rng(1), **given)
    return connect(ImpacUPP, twin, faults, seed), twin, source


def test_hexadecimal_ends_of_a_range_have_signs() -> None:
    assert (signed(b"0000"), signed(b"03E8"), signed(b"FFEC"), signed(b"FF9D")) == (0, 1000, -20, -99)


@pytest.mark.parametrize("reply", [b"02563", b"ok", b"no", b"0970", b"000003E8", b"1A2B", b"ABCDEF", b""])
def test_no_other_answer_is_a_name(reply: bytes) -> None:
    assert not is_name(reply)
    assert is_name(b"IGA 320/23")


def test_a_temperature_is_read_in_kelvin(connect: Any, clock: Any) -> None:
    device, _, _ = pyrometer(connect)
    device.prepare()
    assert device.read_temperature() == pytest.approx(HOT, abs=0.5)
    assert device.read()["device_temperature"]["value"] == pytest.approx(HOT, abs=0.5)
    assert device.describe()["device_temperature"]["units"] == "K"


@pytest.mark.parametrize("emissivity", [0.0999, 1.001, 0.0, -0.5, float("nan"), float("inf")])
def test_an_emissivity_out_of_range_is_refused_before_the_wire(connect: Any, emissivity: float) -> None:
    device, twin, _ = pyrometer(connect)
    with pytest.raises(LimitError):
        device.set_emissivity(emissivity)
    with pytest.raises(LimitError):
        device.emissivity.set(emissivity)
    assert twin.log == []


def test_an_emissivity_is_read_back(connect: Any) -> None:
    device, twin, _ = pyrometer(connect)
    device.emissivity.set(0.42)
    assert device.read_emissivity() == 0.42
    receive = twin.receive
    twin.receive = lambda data, now: b"ok\r" if b"em0500" in data else receive(data, now)
    with pytest.raises(InstrumentError, match="0420"):
        device.set_emissivity(0.5)


def test_a_wrong_emissivity_gives_a_wrong_temperature(connect: Any) -> None:
    device, _, _ = pyrometer(connect, true_emissivity=0.5, noise=0.0)
    device.set_emissivity(0.5)
    right = device.read_temperature()
    device.set_emissivity(1.0)
    assert right == pytest.approx(HOT, abs=0.05)
    assert device.read_temperature() < HOT - 80


@pytest.mark.parametrize(
    ("temperature", "code"), [(250.0, "below"), (273.2, "below"), (1300.0, "88880"), (2000.0, "88880")]
)
def test_what_is_out_of_its_range_is_an_error(connect: Any, temperature: float, code: str) -> None:
    device, _, source = pyrometer(connect, noise=0.0)
    device.prepare()
    source.temperature = temperature
    with pytest.raises(InstrumentError) as told:
        device.read_temperature()
    assert told.value.code == code


def test_after_power_up_it_is_warming_and_then_right(connect: Any, clock: Any) -> None:
    device, twin, _ = pyrometer(connect)
    device.prepare()
    twin.power_up(clock.now())
    with pytest.raises(InstrumentError, match="warming"):
        device.read_temperature()
    clock.sleep(twin.warm_up + 0.1)
    assert device.read_temperature() == pytest.approx(HOT, abs=0.5)


@pytest.mark.parametrize(("code", "words"), [(75550, "too hot"), (74440, "too cold"), (80000, "light")])
def test_its_own_codes_are_errors_in_words(connect: Any, clock: Any, code: int, words: str) -> None:
    device, twin, _ = pyrometer(connect, range_end=9999.0)
    twin.complain(code, clock.now())
    with pytest.raises(InstrumentError, match=words):
        device.read_temperature()


def test_a_head_that_does_not_move_is_stuck_and_one_that_does_is_not(connect: Any, clock: Any) -> None:
    device, twin, source = pyrometer(connect)
    device.prepare()
    for _ in range(200):
        clock.sleep(1.0)
        device.read_temperature()
    twin.stick(clock.now())
    source.temperature = 900.0
    since = clock.now()

    def until_it_tells() -> None:
        while True:
            clock.sleep(1.0)
            device.read_temperature()

    with pytest.raises(InstrumentError, match="nothing else for") as told:
        until_it_tells()
    assert told.value.code == "stuck"
    assert clock.now() - since == pytest.approx(61.0, abs=1.1)


def test_it_must_show_celsius(connect: Any) -> None:
    device, twin, _ = pyrometer(connect)
    receive = twin.receive
    twin.receive = lambda data, now: b"1\r" if data == b"00fh\r" else receive(data, now)
    with pytest.raises(InstrumentError, match="Fahrenheit"):
        device.prepare()


def test_a_head_of_one_scale_need_not_know_the_question(connect: Any) -> None:
    device, twin, _ = pyrometer(connect)
    receive = twin.receive
    twin.receive = lambda data, now: b"no\r" if data == b"00fh\r" else receive(data, now)
    device.prepare()
    assert device.read_range() == (273.15, 1273.15)


def test_a_head_on_another_address_does_not_answer(connect: Any) -> None:
    device, _, _ = pyrometer(connect, address=7)
    with pytest.raises(WireError):
        device.identify()


def test_one_garbled_reading_is_outvoted(connect: Any) -> None:
    device, _, _ = pyrometer(connect, [*[None] * 6, Fault("garble")], noise=0.0)
    device.prepare()
    assert device.read_temperature() == pytest.approx(HOT, abs=0.05)


def test_another_instrument_is_not_taken_for_a_pyrometer(connect: Any) -> None:
    device, twin, _ = pyrometer(connect)
    twin.receive = lambda data, now: b"A\r"
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
def test_trouble_on_the_line_never_gives_a_wrong_temperature(connect: Any, clock: Any, seed: int) -> None:
    faults = random_faults(seed, TROUBLES, {"delay": 0.6})
    device, _, source = pyrometer(connect, faults, seed, true_emissivity=1.0)
    right = 0
    for step in range(200):
        source.temperature = 350.0 + 4.0 * step
        clock.sleep(1.0)
        try:
            temperature = device.read_temperature()
        except LabError:
            continue
        assert temperature == pytest.approx(source.temperature, abs=6.0)
        right += 1
    assert right > 90


def test_readings_that_never_agree_are_none(connect: Any) -> None:
    device, twin, _ = pyrometer(connect)
    device.prepare()
    receive, wild = twin.receive, iter(range(2000, 9000, 700))
    twin.receive = lambda data, now: b"%05d\r" % next(wild) if b"ms" in data else receive(data, now)
    with pytest.raises(Garbled):
        device.read_temperature()
