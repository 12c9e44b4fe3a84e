"""The thickness monitor's driver: its checksum, film parameters read back, readings in SI, a crystal that is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.errors import Garbled, InstrumentError, LabError, LimitError
from devices.instruments.inficon_sqm160 import PACKET, InficonSQM160, checksum, content_of, message
from devices.ports import Fault, random_faults
from sim.twins.inficon_sqm160 import InficonSQM160Twin
from tests.sim.twins.vacuum_parts import Crystal


def monitor(connect: Any, faults: Any = None, seed: int = 0, **given: Any) -> tuple[Any, Any, Crystal]:
    crystal = Crystal(5_990_000.0)
    twin = InficonSQM160Twin(crystal, np.random.default_rng(0), **{"noise": 0.0, **given})
    return connect(InficonSQM160, twin, faults, seed), twin, crystal


def test_the_checksum_is_that_of_the_manual() -> None:
    assert checksum(b"#@") == b"O7"
    assert checksum(b"$C?") == b"g/"
    assert message("L1?") == b"!%L1?\x85{"


def test_a_reply_is_as_long_as_it_says_and_begins_anew_at_every_exclamation_mark() -> None:
    whole = b"!0AMON Ver 4.13Uw"
    buffer = bytearray(b"\x00\x85!/A58" + whole + whole[:5])
    payload = PACKET.take(buffer)
    assert payload == whole[1:]
    assert content_of(payload) == b"AMON Ver 4.13"
    assert PACKET.take(buffer) is None
    buffer += whole[5:]
    assert PACKET.take(buffer) == whole[1:]
    with pytest.raises(Garbled):
        content_of(b"0AMON Ver 4.12Uw")
    assert PACKET.take(bytearray(b"!")) is None


def test_a_film_is_set_and_read_in_si(connect: Any, clock: Any) -> None:
    device, _, crystal = monitor(connect)
    device.prepare(5050.0, 1.0, 1.0)
    device.zero()
    for _ in range(100):
        clock.sleep(1.0)
        crystal.hertz -= 2.0
        device.read_film()
    found = device.read_film()
    # 0.0243 nm per Hz at 5.05 g/cm3, and 10 kHz below the first.
    assert found.thickness == pytest.approx(200 * 0.0243e-9, rel=0.01)
    assert found.rate == pytest.approx(2 * 0.0243e-9, rel=0.01, abs=0.0)
    assert (found.ok, found.frequency) == (True, crystal.hertz)
    assert found.life == pytest.approx(0.9898)
    assert device.film_thickness.get() == found.thickness


def test_what_the_monitor_rounds_is_made_up_for(connect: Any, clock: Any) -> None:
    shown = []
    for density, tooling in ((5050.0, 0.30), (5054.0, 0.304)):
        device, _, crystal = monitor(connect)
        device.prepare(density, 1.0, tooling)
        device.zero()
        clock.sleep(1.0)
        crystal.hertz -= 30_000.0
        device.read_film()
        clock.sleep(1.0)
        shown.append(device.read_film().thickness)
    assert shown[1] / shown[0] == pytest.approx(5050.0 / 5054.0 * 0.304 / 0.30, rel=1e-5)


def test_the_system_is_set_to_angstrom_and_not_to_simulate(connect: Any) -> None:
    device, twin, _ = monitor(connect)
    twin.receive(message("B 1.00 1 1 0 8 100 100 100 100 100 100"), 0.0)
    device.prepare(2400.0, 1.0, 1.0)
    assert twin.receive(message("B?"), 0.0)[3:-2] == b"1.00 0 0 1 8 100 100 100 100 100 100"


@pytest.mark.parametrize(
    ("density", "z_ratio", "tooling"),
    [(499.0, 1.0, 1.0), (1e5, 1.0, 1.0), (5050.0, 0.05, 1.0), (5050.0, 1.0, 4.0), (float("nan"), 1.0, 1.0)],
)
def test_a_film_out_of_range_is_refused_before_the_wire(
    connect: Any, density: float, z_ratio: float, tooling: float
) -> None:
    device, twin, _ = monitor(connect)
    with pytest.raises(LimitError):
        device.prepare(density, z_ratio, tooling)
    assert twin.log == []


def test_a_film_that_is_not_taken_is_noticed(connect: Any) -> None:
    device, twin, _ = monitor(connect)
    receive = twin.receive
    reply = b"$A"
    done = b"!" + reply + checksum(reply)
    twin.receive = lambda data, now: done if data[2:8] == b"A1FILM" else receive(data, now)
    with pytest.raises(InstrumentError, match="asked for"):
        device.prepare(5050.0, 1.0, 1.0)


def test_a_dead_crystal_is_not_ok(connect: Any, clock: Any) -> None:
    device, twin, _ = monitor(connect)
    assert device.read_film().ok
    twin.kill_crystal(clock.now())
    found = device.read_film()
    assert (found.ok, found.frequency, found.rate, found.life) == (False, 0.0, 0.0, 0.0)
    twin.replace_crystal(clock.now())
    assert device.read_film().ok


def test_a_crystal_below_its_range_is_not_ok(connect: Any, clock: Any) -> None:
    device, _, crystal = monitor(connect)
    crystal.hertz = 4_990_000.0
    clock.sleep(1.0)
    assert not device.read_film().ok


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_shows_no_frequency_that_was_not_measured(
    connect: Any, clock: Any, seed: int
) -> None:
    troubles: dict[Fault, float] = {
        "ignore": 0.05,
        "delay": 0.05,
        "drop": 0.05,
        "garble": 0.05,
        "duplicate": 0.05,
    }
    device, _, crystal = monitor(connect, random_faults(seed, troubles, {"delay": 0.7}), seed)
    done = 0
    for _ in range(60):
        clock.sleep(1.0)
        crystal.hertz -= 1000.0
        try:
            found = device.read_film()
        except LabError:
            clock.sleep(1.0)
            continue
        done += 1
        # What is shown was measured within the last second, when the fall by a kilohertz had begun.
        assert crystal.hertz - 1.0 <= found.frequency <= crystal.hertz + 1001.0
    assert done > 30
