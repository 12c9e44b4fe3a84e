"""What a detuned cell does otherwise: its resistance, its speed, its charge, its leak; and nothing else."""

import json

import pytest

from sim.bench import Bench
from sim.detuning import Detuning
from sim.foil import Foil, Surroundings
from sim.physics.cell.control import Current, Until
from sim.physics.lamp.bank import Bank, discharge

DESCRIPTION = {
    "id": "quick",
    "layers": ({"material": "Al", "thickness": 1e-4}, {"material": "LiCoO2", "thickness": 0.7e-6}),
    "cell_layers": ({"material": "LiPON", "thickness": 1e-6}, {"material": "Li", "thickness": 2e-6}),
    "area": 1.5e-5,
}
CURRENT = 7.5e-6


def cell_with(detuning):
    foil = Foil(DESCRIPTION, Surroundings(), detuning)
    for number in range(3):
        foil.flash(2.5 * number, discharge(Bank(), 850.0, 1.8e-3))
    foil.assemble(60.0)
    return foil


def voltage_after(foil, current, seconds):
    built = foil.as_cell()
    return built.cell.step(built.state, Current(current), Until(duration=seconds)).voltage[-1]


def test_a_resistance_in_series_moves_the_voltage_by_current_times_resistance():
    was, now = cell_with(None), cell_with(Detuning(series_resistance=300.0))
    off = voltage_after(now, CURRENT, 1.0) - voltage_after(was, CURRENT, 1.0)
    assert off == pytest.approx(300.0 * CURRENT, rel=1e-6)


def test_factors_scale_what_they_say_and_none_of_one_changes_anything():
    was = cell_with(None).as_cell().cell.parameters
    now = cell_with(Detuning(diffusivity=0.5, capacity=0.8, leak_resistance=2e6)).as_cell().cell.parameters
    assert now.diffusivity == pytest.approx([0.5 * each for each in was.diffusivity], rel=1e-6, abs=0.0)
    assert now.active_share == pytest.approx([0.8 * each for each in was.active_share])
    assert now.leak_resistance == pytest.approx(2e6 * was.area)
    assert cell_with(Detuning()).as_cell().cell.parameters == was


def test_a_cell_that_was_kept_is_detuned_again_as_the_bench_says(tmp_path):
    foil = cell_with(None)
    (tmp_path / "quick.json").write_text(json.dumps(foil.to_dict()))
    for resistance in (0.0, 300.0):
        detuned = {"quick": Detuning(series_resistance=resistance)}
        options = {"seed": 1, "surroundings": Surroundings(), "detuned": detuned, "directory": tmp_path}
        bench = Bench(lambda: 0.0, **options)
        bench.assemble(DESCRIPTION)
        parameters = bench.foil("quick").as_cell().cell.parameters
        off = parameters.contact_resistance - foil.as_cell().cell.parameters.contact_resistance
        assert off == pytest.approx(resistance * DESCRIPTION["area"])
