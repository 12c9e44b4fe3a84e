"""The pyrometer's twin: how fast it follows, where its range ends, what it takes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.twins.impac_upp import RESPONSE_TIMES, ImpacUPPTwin


def shown(twin: ImpacUPPTwin, now: float) -> float:
    """Return what `ms` shows in degrees Celsius."""
    return int(twin.receive(b"00ms\r", now)) / 10


def twin_of(source, **given):
    return ImpacUPPTwin(source, np.random.default_rng(0), noise=0.0, true_emissivity=1.0, **given)


def test_it_shows_tenths_of_a_degree():
    twin = twin_of(lambda time: 273.15 + 256.34)
    assert twin.receive(b"00ms\r", 0.0) == b"02563\r"


def test_ninety_percent_of_a_step_after_its_response_time():
    """A first-order head has 90 % of a step after t90, by definition."""
    for code, response in enumerate(RESPONSE_TIMES):
        level = [400.0]
        twin = twin_of(lambda time, level=level: level[0])
        twin.receive(b"00ez%d\r" % code, 0.0)
        shown(twin, 1.0)
        level[0] = 900.0
        shown(twin, 1.0)
        # The source is straight between two questions, so the step lies between two at one moment.
        assert shown(twin, 1.0 + response) == pytest.approx(400.0 + 0.9 * 500.0 - 273.15, abs=0.06), code


def test_behind_a_ramp_it_lags_by_its_time_constant():
    twin = twin_of(lambda time: 400.0 + 10.0 * time)
    twin.receive(b"00ez4\r", 0.0)
    shown(twin, 0.0)
    lag = RESPONSE_TIMES[4] / math.log(10)
    assert shown(twin, 20.0) == pytest.approx(400.0 + 10.0 * (20.0 - lag) - 273.15, abs=0.06)


def test_long_after_a_flash_it_shows_what_it_sees_and_soon_after_not_yet():
    """A body at 300 K is flashed to 800 K at 5 s and cools within 2 s; nobody looked in between."""

    def flashed(time):
        return 300.0 + (500.0 * math.exp(-(time - 5.0) / 2.0) if time > 5.0 else 0.0)

    lag = RESPONSE_TIMES[0] / math.log(10)
    for since in (0.1, 0.4, 2.1):
        twin = twin_of(flashed)
        shown(twin, 4.0)
        # The response of a first-order head to a step that cools exponentially.
        share = (math.exp(-since / 2.0) - math.exp(-since / lag)) / (1.0 - lag / 2.0)
        assert shown(twin, 5.0 + since) == pytest.approx(300.0 + 500.0 * share - 273.15, abs=0.3)
    twin = twin_of(flashed)
    assert shown(twin, 5.0 + lag / 2) < 300.0 + 0.6 * 500.0 - 273.15


def test_questions_in_between_change_nothing_behind_a_ramp():
    once, often = (twin_of(lambda time: 400.0 + 30.0 * time) for _ in range(2))
    for twin in (once, often):
        twin.receive(b"00ez5\r", 0.0)
        shown(twin, 0.0)
    for step in range(1, 40):
        shown(often, step * 0.1)
    assert shown(often, 4.0) == shown(once, 4.0)


@pytest.mark.parametrize(("temperature", "expected"), [(200.0, b"00500\r"), (700.0, b"88880\r")])
def test_its_range_ends_in_its_start_below_and_in_overflow_above(temperature, expected):
    twin = twin_of(lambda time: temperature, range_start=323.15, range_end=623.15)
    assert twin.receive(b"00mb\r", 0.0) == b"0032015E\r"
    assert twin.receive(b"00ms\r", 0.0) == expected


def test_a_range_below_zero_has_a_sign():
    twin = twin_of(lambda time: 273.15 - 17.0, range_start=253.15, range_end=373.15)
    assert twin.receive(b"00mb\r00ms\r", 0.0) == b"FFEC0064\r-0170\r"


def test_noise_is_seeded_and_as_large_as_said():
    twins = [ImpacUPPTwin(lambda time: 600.0, np.random.default_rng(3), noise=0.5) for _ in range(2)]
    one, other = ([shown(twin, float(k)) for k in range(400)] for twin in twins)
    assert one == other
    assert np.std(one) == pytest.approx(0.5, rel=0.15)


def test_several_values_come_for_one_question():
    twin = twin_of(lambda time: 300.0)
    assert twin.receive(b"00ms003\r", 0.0) == b"00269\r" * 3


def test_looking_changes_no_setting():
    twin = twin_of(lambda time: 300.0)
    for query in (b"00em", b"00ez", b"00em?", b"00mb", b"00na", b"00la"):
        assert twin.receive(query + b"\r", 0.0) == twin.receive(query + b"\r", 5.0)
    assert twin.log == []


def test_power_up_warms_it_and_keeps_its_settings():
    twin = twin_of(lambda time: 300.0)
    twin.receive(b"00em0500\r", 0.0)
    twin.power_up(10.0)
    assert twin.receive(b"00ms\r00em\r", 10.0 + twin.warm_up - 0.01) == b"77770\r0500\r"
    assert twin.receive(b"00ms\r", 10.0 + twin.warm_up) != b"77770\r"
