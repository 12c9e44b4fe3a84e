"""Cycles that are left out are those that would have come."""

import numpy as np
import pytest

from sim.materials.thermal import MODELS, lco_on, lco_on_foil
from sim.physics.anneal.cycles import CycleMemo
from sim.physics.anneal.state import AnnealState
from sim.physics.anneal.under_lamp import FoilUnderLamp
from sim.physics.lamp.bank import Bank, Discharge, discharge

ROOM = 298.15


@pytest.fixture(scope="module")
def drifting() -> tuple[FoilUnderLamp, Discharge]:
    """Half a millimetre of glass takes a minute to warm up under pulses."""
    return lco_on((("glass", 0.5e-3),), 0.7e-6), discharge(Bank(), 400.0, 1.8e-3)


def one_by_one(lamp: FoilUnderLamp, pulse: Discharge, pulses: int) -> list[AnnealState]:
    states = [lamp.initial(ROOM)]
    for _ in range(pulses):
        states.append(lamp.follow(states[-1], pulse, 2.5)[0])
    return states


def test_a_slow_drift_is_calculated_now_and_then_and_ends_as_if_it_always_were(
    drifting: tuple[FoilUnderLamp, Discharge],
) -> None:
    lamp, pulse = drifting
    memo, calculated, state = CycleMemo(), 0, lamp.initial(ROOM)
    for whole in one_by_one(lamp, pulse, 24)[1:]:
        before = memo.last
        state = lamp.cycle(state, pulse, 2.5, memo)
        calculated += memo.last is not before
        assert np.abs(lamp.temperatures(state) - lamp.temperatures(whole)).max() < 0.05
        assert np.abs(state.peak - whole.peak).max() < 0.05
        # At first a cycle adds two or three times the dose of the one before: what is left out is known less well.
        assert np.allclose(state.dose, whole.dose, rtol=0.06, atol=0.0)
        assert state.elapsed == pytest.approx(whole.elapsed)
        assert state.pulses == whole.pulses
        assert state.stored == pytest.approx(whole.stored, rel=1e-3)
    assert np.allclose(state.dose, whole.dose, rtol=1e-2, atol=0.0)
    assert calculated <= 10
    assert abs(lamp.result(state).imbalance) <= 1e-10


def test_what_is_shown_of_a_cycle_left_out_is_what_it_would_have_been(
    drifting: tuple[FoilUnderLamp, Discharge],
) -> None:
    lamp, pulse = drifting
    _, shown = lamp.train(lamp.initial(ROOM), pulse, 2.5, 12)
    bases = shown.back[np.searchsorted(shown.time, 2.5 * np.arange(12) + 1e-9)]
    expected = [lamp.temperatures(state)[-1] for state in one_by_one(lamp, pulse, 11)]
    assert np.allclose(bases, expected, atol=0.1)


def test_a_film_that_crystallises_slowly_takes_its_foil_along() -> None:
    """Its absorptance falls with every pulse, and the foil's temperature with it."""
    coupled = MODELS["S2"]
    lamp = lco_on_foil(0.7e-6, absorptance=coupled.absorptance, film=coupled.film)
    pulse, memo, calculated, state = discharge(Bank(), 800.0, 1.8e-3), CycleMemo(), 0, lamp.initial(ROOM)
    for whole in one_by_one(lamp, pulse, 50)[1:]:
        before = memo.last
        state = lamp.cycle(state, pulse, 2.5, memo)
        calculated += memo.last is not before
        assert np.abs(lamp.temperatures(state) - lamp.temperatures(whole)).max() < 0.05
        assert lamp.absorptance_of(state) == pytest.approx(lamp.absorptance_of(whole), abs=1e-4)
    assert calculated <= 20
    assert abs(lamp.result(state).imbalance) <= 1e-10


def test_nothing_is_left_out_of_a_train_that_changes(drifting: tuple[FoilUnderLamp, Discharge]) -> None:
    lamp, _ = drifting
    memo, state = CycleMemo(), lamp.initial(ROOM)
    for number in range(8):
        before = memo.last
        other = discharge(Bank(), 400.0 + number, 1.8e-3)
        state = lamp.cycle(state, other, 2.5, memo)
        assert memo.last is not before
