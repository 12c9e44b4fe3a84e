"""The temperature controller's twin by itself: three terms on a real oven, rate, registers, faults, mains."""

from __future__ import annotations

import math

import pytest

from sim.twins.eurotherm_2400 import Eurotherm2400Twin

AMBIENT = 295.15


class Oven:
    """One heat capacity behind one thermal resistance: 600 K above ambient at full power, 400 s."""

    def __init__(self):
        self.kelvins, self.share = AMBIENT, 0.0

    def heat(self, share):
        self.share = share

    def temperature(self):
        return self.kelvins

    def step(self, dt):
        settled = AMBIENT + 600.0 * self.share
        self.kelvins = settled + (self.kelvins - settled) * math.exp(-dt / 400.0)


def crc(content):
    value = 0xFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def framed(text):
    content = bytes.fromhex(text)
    return content + crc(content)


def write(twin, register, value, now=0.0):
    request = framed(f"0106{register:04X}{value & 0xFFFF:04X}")
    return twin.receive(request, now) == request


def read(twin, register, now=0.0):
    reply = twin.receive(framed(f"0103{register:04X}0001"), now)
    assert reply[:3] == b"\x01\x03\x02"
    assert crc(reply[:-2]) == reply[-2:]
    return int.from_bytes(reply[3:5], "big", signed=True)


@pytest.fixture
def twin():
    return Eurotherm2400Twin(Oven())


def run(twin, start, until):
    """Let oven and controller go on together; return the temperatures [degC] at each second."""
    seen, now = [], start
    while now < until:
        now += 1.0
        twin.oven.step(1.0)
        twin.advance(now)
        while (due := twin.next_event()) is not None and due <= now + 1e-9:
            twin.fire_event(due)
        seen.append(twin.oven.temperature() - 273.15)
    return seen


def test_an_oven_is_brought_to_its_set_point_and_held(twin):
    assert write(twin, 2, 3000)
    assert write(twin, 273, 0)
    seen = run(twin, 0.0, 4000.0)
    assert max(seen) < 330.0
    assert seen[-500:] == pytest.approx([300.0] * 500, abs=0.5)
    assert twin.share == pytest.approx((300.0 + 273.15 - AMBIENT) / 600.0, abs=0.01)
    assert read(twin, 3) == round(1000 * twin.share)


def test_the_set_point_goes_at_its_rate(twin):
    write(twin, 37, 100)
    write(twin, 2, 1000)
    write(twin, 273, 0)
    run(twin, 0.0, 60.0)
    assert read(twin, 5) == pytest.approx(220 + 100, abs=3)


def test_the_power_has_a_most(twin):
    write(twin, 30, 400)
    write(twin, 2, 6000)
    write(twin, 273, 0)
    run(twin, 0.0, 100.0)
    assert twin.share == 0.4


def test_manual_keeps_the_power_that_was_given_until_told(twin):
    write(twin, 2, 3000)
    write(twin, 273, 0)
    run(twin, 0.0, 10.0)
    assert not write(twin, 3, 100)
    write(twin, 273, 1)
    assert twin.share == 1.0
    assert twin.next_event() is None
    assert write(twin, 3, 250)
    assert twin.oven.share == 0.25
    assert not write(twin, 3, 1001)


def test_a_broken_sensor_gives_the_power_that_is_set_for_it(twin):
    write(twin, 2, 3000)
    write(twin, 273, 0)
    run(twin, 0.0, 10.0)
    twin.break_sensor(10.0)
    assert twin.oven.share == 0.0
    assert read(twin, 258) == 1
    assert read(twin, 74) == 1 << 5
    write(twin, 34, 100)
    run(twin, 10.0, 20.0)
    assert twin.oven.share == 0.1


def test_a_sensor_reading_high_cools_the_oven(twin):
    write(twin, 2, 3000)
    write(twin, 273, 0)
    run(twin, 0.0, 3000.0)
    twin.read_high(50.0, 3000.0)
    seen = run(twin, 3000.0, 7000.0)
    assert seen[-1] == pytest.approx(250.0, abs=1.0)
    assert read(twin, 1) == pytest.approx(3000, abs=10)


def test_the_mains_leave_set_point_and_mode(twin):
    write(twin, 2, 3000)
    write(twin, 273, 0)
    run(twin, 0.0, 10.0)
    twin.power_up(10.0)
    assert (read(twin, 2), read(twin, 273)) == (3000, 0)
    run(twin, 10.0, 20.0)
    assert twin.share == 1.0


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("010300000001", "018302"),
        ("010300010000", "018303"),
        ("010700000000", "018701"),
        ("010600010000", "018602"),
        ("010601110002", "018603"),
        ("011000020001 03 0000 00", "019003"),
    ],
)
def test_what_it_refuses_it_says(twin, request_, reply):
    assert twin.receive(framed(request_), 0.0) == framed(reply)


def test_a_wrong_checksum_another_address_and_half_a_frame_are_not_answered(twin):
    whole = framed("010300010001")
    assert twin.receive(whole[:-1] + b"\x00", 0.0) == b""
    assert twin.receive(framed("020300010001"), 0.0) == b""
    assert twin.receive(whole[:5], 0.0) == b""
    assert twin.receive(whole, 1.0) != b""


def test_several_registers_are_written_at_once(twin):
    assert twin.receive(framed("0110 0008 0002 04 012C 0032"), 0.0) == framed("0110 0008 0002")
    assert (read(twin, 8), read(twin, 9)) == (300, 50)
