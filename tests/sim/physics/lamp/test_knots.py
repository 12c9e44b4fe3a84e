import numpy as np
import pytest

from sim.physics.lamp.bank import Bank, discharge
from sim.physics.lamp.knots import FIRST_STEP, LIT_STEP, LONGEST_FIRST, dark_knots, lit_knots


def test_steps_begin_small_and_fill_the_pulse() -> None:
    knots = lit_knots(discharge(Bank(), 850.0, 1.8e-3))
    steps = np.diff(knots)
    assert (knots[0], knots[-1]) == (0.0, 1.8e-3)
    assert steps[0] == pytest.approx(FIRST_STEP)
    assert steps.max() <= LIT_STEP * (1 + 1e-9)


def test_every_switch_of_a_micro_pulse_ends_a_step_and_begins_a_small_one() -> None:
    lit = ((0.0, 0.2e-3), (0.5e-3, 0.7e-3))
    knots = lit_knots(discharge(Bank(), 850.0, 1.0e-3, lit))
    for moment in (0.2e-3, 0.5e-3, 0.7e-3):
        index = int(np.abs(knots - moment).argmin())
        assert knots[index] == pytest.approx(moment, abs=1e-12)
        assert FIRST_STEP <= (knots[index + 1] - knots[index]) * (1 + 1e-9) <= LONGEST_FIRST * (1 + 2e-9)
    assert np.all(np.diff(knots) > 0.0)


def test_a_wait_ends_when_it_should() -> None:
    knots = dark_knots(2.5)
    assert (knots[0], knots[-1]) == (0.0, 2.5)
    assert np.all(np.diff(knots) > 0.0)


def test_a_hundred_micro_pulses_are_resolved_by_steps_that_never_jump() -> None:
    lit = tuple((k * 36e-6, k * 36e-6 + 18e-6) for k in range(100))
    knots = lit_knots(discharge(Bank(), 850.0, 3.6e-3, lit))
    steps = np.diff(knots)
    assert len(steps) <= 1200
    assert steps.max() <= 5e-6
