"""The meter's twin: response, noise, resolution, and that looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from sim.twins.gentec_maestro import GentecMaestroTwin


def meter(seed: int = 0, noise: float = 0.005) -> GentecMaestroTwin:
    twin = GentecMaestroTwin(np.random.default_rng(seed), full_scale_energy=500.0, relative_noise=noise)
    assert twin.receive(b"*SCA1", 0.0) == b"ACK\r\n"
    return twin


def value(twin: GentecMaestroTwin) -> float:
    return float(twin.receive(b"*CVU", 0.0).decode().split(":")[1])


def flash(twin: GentecMaestroTwin, energy: float, time: float) -> float:
    twin.expose(energy, time)
    twin.fire_event(time + 0.5)
    return value(twin)


def test_a_reading_comes_after_the_response_time_and_is_new_until_read() -> None:
    twin = meter(noise=0.0)
    assert twin.next_event() is None
    twin.expose(330.0, 1.0)
    assert twin.next_event() == 1.5
    twin.fire_event(1.4)
    assert twin.receive(b"*NVU", 1.4) == b"New Data Not Available\r\n"
    twin.fire_event(1.5)
    assert twin.receive(b"*NVU*NVU", 1.5) == b"New Data Available\r\n" * 2
    assert value(twin) == 330.0
    assert twin.receive(b"*NVU", 1.5) == b"New Data Not Available\r\n"
    assert value(twin) == 330.0


def test_noise_has_its_width_and_readings_their_step() -> None:
    twin = meter()
    readings = np.array([flash(twin, 330.0, float(k)) for k in range(2000)])
    assert readings.std() / 330.0 == pytest.approx(0.005, rel=0.1)
    assert readings.mean() == pytest.approx(330.0, rel=1e-3)
    np.testing.assert_allclose(readings / 0.05, np.round(readings / 0.05), atol=1e-2)


def test_looking_changes_nothing() -> None:
    looked, alone = meter(), meter()
    for k in range(5):
        for _ in range(k):
            looked.receive(b"*CVU*NVU*VER", 0.0)
        assert flash(looked, 330.0, float(k)) == flash(alone, 330.0, float(k))


def test_what_is_below_the_trigger_level_or_outside_energy_mode_is_not_seen() -> None:
    twin = meter()
    twin.receive(b"*TLA 15.4%", 0.0)
    twin.expose(76.0, 0.0)
    assert twin.next_event() is None
    twin.expose(78.0, 0.0)
    assert twin.next_event() == 0.5
    deaf = GentecMaestroTwin(np.random.default_rng(0), full_scale_energy=500.0)
    deaf.expose(330.0, 0.0)
    assert deaf.next_event() is None
    assert [event for _, event, _ in deaf.log] == ["pulse not seen"]


def test_two_pulses_within_one_response_are_one_reading() -> None:
    twin = meter(noise=0.0)
    twin.expose(100.0, 0.0)
    twin.expose(100.0, 0.1)
    twin.fire_event(0.5)
    assert value(twin) == 200.0
    assert twin.next_event() is None


@pytest.mark.parametrize("rubbish", [b"*XYZ", b"hello", b"*", b"*TLA 900%", b"*SCA7", b"*********"])
def test_rubbish_is_not_answered_and_spoils_nothing(rubbish: bytes) -> None:
    assert meter().receive(rubbish + b"\r\n*NVU", 0.0) == b"New Data Not Available\r\n"


def test_after_its_mains_came_back_it_has_no_reading_and_sees_no_pulse() -> None:
    twin = GentecMaestroTwin(np.random.default_rng(0), full_scale_energy=30.0)
    twin.receive(b"*SCA1", 0.0)
    twin.expose(10.0, 0.0)
    twin.power_up(0.1)
    assert twin.next_event() is None
    twin.expose(10.0, 0.2)
    assert twin.next_event() is None
    assert twin.receive(b"*NVU", 1.0) == b"New Data Not Available\r\n"
