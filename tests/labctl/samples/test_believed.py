"""What was measured counts instead of what was intended."""

import math
from dataclasses import replace

import pytest

from devices.cycling.cells import VOLUMETRIC_CAPACITY, CellSize
from devices.errors import DataError
from devices.roles.hands import Assemble
from devices.samples import Layer
from labctl.belief import Believer
from labctl.runs.run import Run
from labctl.samples.believed import believed
from labctl.samples.facts import Facts
from labctl.samples.measurements import Measurement, measure
from labctl.samples.parents import cut_from
from sim.foil import Surroundings
from sim.physics.lamp.bank import Bank

THICK = Measurement("thickness", 0.8e-6, 2e-8, "LiCoO2", "profilometer")


def test_without_measurements_a_sample_is_as_intended(tmp_path, sample):
    found = believed(tmp_path, sample)
    assert (found.sample, found.cell, found.by) == (sample, CellSize.of(sample), ())


def test_the_newest_measurement_overrides(tmp_path, sample):
    measure(tmp_path, sample.id, replace(THICK, value=0.9e-6))
    measure(tmp_path, sample.id, THICK)
    measure(tmp_path, sample.id, Measurement("area", 0.16e-4, 1e-7))
    found = believed(tmp_path, sample)
    assert found.sample.layers[-1] == Layer("LiCoO2", 0.8e-6, 2e-8, "measured: profilometer")
    assert found.sample.layers[0] == sample.layers[0]
    assert (found.sample.area, found.sample.area_sd) == (0.16e-4, 1e-7)
    expected = VOLUMETRIC_CAPACITY["LiCoO2"] * 0.8e-6 * 0.16e-4
    assert found.cell.capacity == pytest.approx(expected, rel=1e-12, abs=0.0)
    assert found.cell.capacity_sd == pytest.approx(expected * math.hypot(2e-8 / 0.8e-6, 1e-7 / 0.16e-4))


def test_a_layer_of_the_cell_can_be_measured_and_one_that_is_not_there_changes_nothing(tmp_path, sample):
    measure(tmp_path, sample.id, replace(THICK, value=1.1e-6, layer="LiPON"))
    measure(tmp_path, sample.id, replace(THICK, layer="Cu"))
    found = believed(tmp_path, sample).sample
    assert found.cell_layers[0].thickness == 1.1e-6
    assert found.layers == sample.layers


def test_a_measured_capacity_is_the_cells(tmp_path, sample):
    measure(tmp_path, sample.id, Measurement("capacity", 0.03, 1e-4, how="C/10"))
    assert believed(tmp_path, sample).cell == CellSize(sample.area, 0.03, 1e-4, "measured: C/10")


def test_a_piece_has_its_sheets_layers_and_an_area_of_its_own(tmp_path, sample):
    measure(tmp_path, "sheet", THICK)
    measure(tmp_path, "sheet", Measurement("area", 1e-2, 1e-5))
    cut_from(tmp_path, sample.id, "sheet")
    found = believed(tmp_path, sample).sample
    assert (found.layers[-1].thickness, found.area) == (0.8e-6, sample.area)
    measure(tmp_path, sample.id, replace(THICK, value=0.75e-6))
    assert believed(tmp_path, sample).sample.layers[-1].thickness == 0.75e-6


@pytest.mark.parametrize(
    "wrong",
    [
        Measurement("colour", 1.0, 0.0),
        Measurement("thickness", 1e-6, 0.0),
        Measurement("area", 1e-5, 0.0, "LiCoO2"),
        Measurement("thickness", -1e-6, 0.0, "LiCoO2"),
        Measurement("thickness", 1.0, 0.0, "LiCoO2"),
        Measurement("thickness", math.nan, 0.0, "LiCoO2"),
        Measurement("thickness", 1e-6, -1e-9, "LiCoO2"),
        Measurement("thickness", 1e-6, math.nan, "LiCoO2"),
        Measurement("thickness", 1e-6, 1.01e-6, "LiCoO2"),
    ],
    ids=str,
)
def test_what_cannot_have_been_measured_is_refused(tmp_path, wrong):
    with pytest.raises(DataError):
        measure(tmp_path, "s1", wrong)
    assert not (tmp_path / "samples").exists()


def test_which_of_two_layers_alike_was_measured_is_asked_for(tmp_path, sample):
    double = replace(sample, layers=(Layer("Al", 1e-4), Layer("LiCoO2", 1e-7), Layer("LiCoO2", 5e-7)))
    measure(tmp_path, sample.id, THICK)
    with pytest.raises(DataError, match="2 layers of LiCoO2"):
        believed(tmp_path, double)


def test_a_measurement_written_by_hand_that_is_none_is_told(tmp_path, sample):
    Facts(tmp_path).add(sample.id, 1.0, "measured", quantity="thickness", value="thick", layer="LiCoO2")
    with pytest.raises(DataError, match="cannot be read"):
        believed(tmp_path, sample)


def test_a_prediction_goes_by_the_measured_film(tmp_path, sample, recipe):
    thick = replace(sample, layers=(sample.layers[0], Layer("LiCoO2", 0.8e-6, 2e-8, "x")))
    expected = Believer(tmp_path / "other", Bank(), Surroundings()).anneal(thick, recipe).values
    measure(tmp_path, sample.id, THICK)
    assert Believer(tmp_path, Bank(), Surroundings()).anneal(sample, recipe).values == expected


def test_start_documents_say_what_was_asked_and_what_is_believed(lab, sample, recipe, program):
    measure(lab.data, sample.id, THICK)
    lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    annealed = Run("last", lab.data).start
    lab.wait(lab.hands.set(Assemble(sample)))
    lab.RE(lab.plans.cycle(lab.potentiostat, sample, program))
    start = Run("last", lab.data).start
    for each in (annealed, start):
        assert each["sample"]["layers"][-1]["thickness"] == 0.7e-6
        assert each["believed"]["layers"][-1]["thickness"] == 0.8e-6
    assert start["capacity"]["value_Ah"] * 3600.0 == pytest.approx(believed(lab.data, sample).cell.capacity)
