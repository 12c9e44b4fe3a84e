"""A current that vanishes while the voltage is set is a lead's, and none that a cell lets fall."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cycling.leads import CLOSE, LeadWatch

LEAST = 1e-9
HOLD, SWEEP = "constant_voltage", "voltage_ramp"


def alarm(technique: str, currents: list[float], dt: float = 0.5) -> int | None:
    """Return at which sample a lead is off."""
    watch = LeadWatch.of(technique, LEAST)
    assert watch is not None
    return next((at for at, current in enumerate(currents) if watch.is_off(at * dt, current)), None)


@pytest.mark.parametrize("gone", [0.0, 1e-10, -1e-9])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_current_that_vanishes_from_one_sample_to_the_next_is_missed(gone: float, sign: float) -> None:
    held = [sign * 8e-6 * math.exp(-0.01 * at) for at in range(5)]
    assert alarm(HOLD, [*held, gone]) == 5
    assert alarm(SWEEP, [*held, gone]) is None
    assert alarm(SWEEP, [*held, gone, gone]) == 6


@given(st.lists(st.tuples(st.floats(1e-9, 1e-4), st.floats(0.01, 1e4)), min_size=1, max_size=4))
def test_no_sum_of_decays_is_a_lead(decays: list[tuple[float, float]]) -> None:
    currents = [sum(size * math.exp(-0.5 * at / tau) for size, tau in decays) for at in range(60)]
    assert alarm(HOLD, currents) is None


@given(st.floats(1e-9, 1e-5), st.floats(-20.0, 20.0))
def test_no_sweep_through_zero_is_a_lead(step: float, offset: float) -> None:
    assert alarm(SWEEP, [step * (offset - at) for at in range(-30, 30)]) is None


def test_a_sweep_that_passes_through_zero_by_a_kink_is_none() -> None:
    assert alarm(SWEEP, [6e-6, 6e-6, 6e-6, 0.0, -6e-6, -6e-6]) is None


def test_a_current_near_noise_or_long_ago_is_not_missed() -> None:
    assert alarm(HOLD, [4e-9, 4e-9, 4e-9, 0.0]) is None
    assert alarm(HOLD, [8e-6, 8e-6, 8e-6, 0.0], dt=1.1 * CLOSE) is None
    assert alarm(HOLD, [8e-6, 0.0]) is None


def test_a_reading_that_is_no_number_says_nothing() -> None:
    assert alarm(HOLD, [8e-6, 8e-6, math.nan, 0.0]) == 3
    assert alarm(HOLD, [math.nan] * 3) is None


def test_only_a_voltage_that_is_set_stays_without_its_current() -> None:
    assert LeadWatch.of("constant_current", LEAST) is None
