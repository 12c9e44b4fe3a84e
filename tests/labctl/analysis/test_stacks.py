"""A bad layer of a stack, found from the terminals alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

from labctl.analysis.stacks import LOST, RESISTIVE, SOUND, fit_layers, late_relaxation, shares, verdict
from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import REST, Current, Record, Until
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.impedance import regular_frequencies
from sim.physics.cell.stacked import cell_of_layers

LAYER = replace(cathode.cell_on(graded_edges(10e-6, 30), 5e-14, area=1.5e-4), ageing=cathode.ANODELESS_AGEING)
FREQUENCY = regular_frequencies()
FREQUENCY = FREQUENCY[(FREQUENCY >= 1e-3) & (FREQUENCY <= 1e5)]


def stack(*others):
    return cell_of_layers([*others, *[LAYER] * (6 - len(others))])


def seen(cell, noise=5e-4, filled=0.8, seed=1):
    """Return a stack's spectrum with noise, and the models of one layer and of its electrolyte."""
    one = Cell(LAYER)
    state = cell.fresh()
    if hasattr(state, "layers"):
        layers = tuple(replace(each, lithium=(filled,) * 30) for each in state.layers)
        state = replace(state, layers=layers)
    else:
        state = replace(state, lithium=(filled,) * 30)
    random = np.random.default_rng(seed)
    jitter = 1.0 + noise * (
        random.standard_normal(FREQUENCY.size) + 1j * random.standard_normal(FREQUENCY.size)
    )
    model = one.impedance(replace(one.fresh(), lithium=(filled,) * 30), FREQUENCY)
    resistance = LAYER.electrolyte_resistance
    turned = 2j * np.pi * FREQUENCY * resistance * LAYER.electrolyte_capacitance
    return cell.impedance(state, FREQUENCY) * jitter, model, resistance / (1.0 + turned) / LAYER.area


def rest_after_discharge(cell):
    """Return times and voltages of an hour's rest after a charge and a discharge of two hours at C/5."""
    current = 6 * 0.69e-3 / 5.0 * 1.5
    state = cell.step(cell.fresh(), Current(current), Until(upper=4.2)).state
    state = cell.step(state, Current(-current), Until(duration=7200.0)).state
    segment = cell.step(state, REST, Until(duration=3600.0), Record(interval=60.0))
    return segment.time, segment.voltage + 5e-6 * np.random.default_rng(2).standard_normal(len(segment.time))


def behind(resistance):
    return replace(LAYER, contact_resistance=resistance * LAYER.area)


def test_equal_layers_are_sound():
    fit = fit_layers(*seen(stack()), 6)
    assert not fit.bad
    assert verdict(fit, None) == SOUND


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_no_missing_layer(seed):
    spectrum = seen(stack(), seed=seed)
    fit = fit_layers(*spectrum, 6)
    assert (fit.missing, fit.resistance) == (0.0, 0.0)
    assert shares(fit, *spectrum[1:], 6) == pytest.approx(1 / 6)


def test_a_thicker_electrolyte_in_all_layers_is_no_bad_layer():
    thick = replace(
        LAYER,
        electrolyte_resistance=1.2 * LAYER.electrolyte_resistance,
        electrolyte_capacitance=LAYER.electrolyte_capacitance / 1.2,
    )
    fit = fit_layers(*seen(cell_of_layers([thick] * 6)), 6)
    assert verdict(fit, None) == SOUND
    assert fit.rms_equal < 1e-3
    assert fit.electrolyte == pytest.approx(1.2, abs=0.01)


@pytest.mark.parametrize("factor", [0.9, 0.98])
def test_a_thinner_electrolyte_is_no_negative_resistance(factor):
    thin = replace(
        LAYER,
        electrolyte_resistance=factor * LAYER.electrolyte_resistance,
        electrolyte_capacitance=LAYER.electrolyte_capacitance / factor,
    )
    fit = fit_layers(*seen(cell_of_layers([thin] * 6)), 6)
    assert verdict(fit, None) == SOUND
    assert fit.electrolyte == pytest.approx(factor, abs=0.01)
    assert 0.0 <= fit.common < 0.01 * LAYER.electrolyte_resistance / LAYER.area


def test_contacts_in_series_with_all_layers_are_their_common_resistance():
    fit = fit_layers(*seen(cell_of_layers([behind(10.0)] * 6)), 6)
    assert not fit.bad
    assert fit.common == pytest.approx(10.0, abs=1.0)
    assert fit.electrolyte == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("resistance", [30.0, 200.0, 2000.0])
def test_a_layer_behind_a_resistance_is_found_with_it(resistance):
    fit = fit_layers(*seen(stack(behind(resistance))), 6)
    assert fit.bad
    assert fit.resistance == pytest.approx(resistance, rel=0.1 if resistance < 1e3 else 0.5)


def test_only_a_layer_behind_a_resistance_relaxes_slowly():
    after = 8.0 * Cell(LAYER).slowest
    found = {}
    for name, cell in (("behind", stack(behind(200.0))), ("lost", cell_of_layers([LAYER] * 5))):
        fit = fit_layers(*seen(cell), 6)
        found[name] = verdict(fit, late_relaxation(*rest_after_discharge(cell), after))
    assert found == {"behind": RESISTIVE, "lost": LOST}


def test_shares_add_up_and_the_bad_layer_has_the_least():
    impedance, model, electrolyte = seen(stack(behind(200.0)))
    fit = fit_layers(impedance, model, electrolyte, 6)
    found = shares(fit, model, electrolyte, 6)
    assert found.shape == (6, FREQUENCY.size)
    assert np.all(found[0] < found[1])
    assert found[1:].sum(axis=0) + found[0] == pytest.approx(1.0, abs=0.05)


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="two layers"):
        fit_layers(*[np.ones(3, complex)] * 3, 6)
    with pytest.raises(ValueError, match="ten rows"):
        late_relaxation(np.arange(5.0), np.zeros(5), 0.0)
    assert math.isfinite(fit_layers(*seen(stack()), 6).rms)
