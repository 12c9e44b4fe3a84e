import numpy as np
import pytest

from labctl.pictures.anneal import crystalline_figure, depth_figure, pulse_figure
from labctl.pictures.plot import plot_run
from labctl.replay import replay
from labctl.runs.run import Run
from sim.materials.thermal import lco_on
from sim.physics.lamp.bank import Bank, discharge


@pytest.fixture(scope="module")
def flashed():
    lamp, pulse = lco_on((("Al", 100e-6),), 1.2e-6), discharge(Bank(), 850.0, 1.8e-3)
    state, history = lamp.follow(lamp.initial(298.15), pulse, 2.5)
    return lamp, pulse, state, history


def test_an_anneal_run_has_its_pictures(lab, sample, recipe, tmp_path):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run(uid, lab.data)
    names = [path.stem.rpartition(f"{uid[:8]}-")[2] for path in plot_run(run, tmp_path / "pictures")]
    assert names == ["late-pulse", "train", "depth", "crystalline", "residual"]
    seen = replay(run)
    assert seen.pulses == recipe.pulse_count
    assert seen.last_profiles.temperature.max() == pytest.approx(seen.result.surface_peak, abs=2.0)


def test_a_pulse_is_drawn_with_axes_and_units(flashed):
    _, pulse, _, history = flashed
    axes = pulse_figure("one pulse", history, pulse.duration).axes[0]
    assert axes.get_xlabel().endswith("(ms)")
    assert axes.get_ylabel() == "temperature, calculated (degC)"
    assert len(axes.get_lines()) == 4  # surface, interface, back, and where aluminium melts


def test_a_substrate_that_bears_much_more_needs_no_line(flashed):
    _, pulse, _, history = flashed
    axes = pulse_figure("one pulse", history, pulse.duration, "Al2O3").axes[0]
    assert len(axes.get_lines()) == 3


def test_temperature_over_depth_goes_through_the_film_into_the_foil(flashed):
    lamp, pulse, state, _ = flashed
    profiles = lamp.profiles(state, pulse, np.array([0.5e-3, 1.8e-3]))
    axes = depth_figure("depth", profiles, 1.2e-6).axes[0]
    assert axes.get_xlabel().endswith("(um)")
    assert len(axes.get_lines()) == 2
    assert max(axes.get_lines()[0].get_xdata()) > 1.2


def test_crystalline_share_is_drawn_over_the_film(flashed):
    lamp, _, state, _ = flashed
    axes = crystalline_figure("X", lamp.result(state)).axes[0]
    assert axes.get_xlim()[1] == pytest.approx(1.2)
    assert axes.get_ylabel().endswith("(1)")


def test_a_film_that_is_crystalline_throughout_is_not_drawn_on_the_frame(flashed):
    lamp, _, state, _ = flashed
    axes = crystalline_figure("X", lamp.result(state)).axes[0]
    low, high = axes.get_ylim()
    assert (1.0 - low) / (high - low) < 0.95
