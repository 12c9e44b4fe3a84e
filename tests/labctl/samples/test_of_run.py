"""What a run's sample was, by what is known now: one place, whoever asks."""

from types import SimpleNamespace

import pytest

from devices.cycling.cells import VOLUMETRIC_CAPACITY
from devices.recipes import to_json
from labctl.config.folder import Config
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure
from labctl.samples.of_run import as_told, electrodes_area, sample_of_run
from tests.support import grown_here as line

AREA = Measurement("area", 0.30e-4, 0.3e-6)
THICK = Measurement("thickness", 1.0e-6, 2e-8, "LiCoO2", "profilometer")
LITHIUM = Measurement("thickness", 3.0e-6, 1e-8, "Li")
AMPERE_HOURS = VOLUMETRIC_CAPACITY["LiCoO2"] / 3600.0


def materials(sample):
    return [each["material"] for each in (*sample["layers"], *sample["cell_layers"])]


@pytest.mark.parametrize(("name", "area"), [("lco-0.7um", 0.15e-4), ("anodeless-stack", 6 * 1.5e-4)])
def test_layers_in_parallel_count_with_their_whole_area(name, area):
    sample = Config().sample(name)
    run = SimpleNamespace(start={"sample": {**to_json(sample), "area_m2": sample.area}})
    assert as_told(run).size.area == pytest.approx(area)


def test_a_sample_has_the_films_that_were_there_and_not_those_that_came_later(kept):
    film, flash, electrolyte, _, cycle = line.whole_line(kept)
    seen = {uid: materials(sample_of_run(Run(uid, kept.folder)).sample) for uid in (film, flash, cycle)}
    assert seen[film] == seen[flash] == ["Al", "LiCoO2"]
    assert seen[cycle] == ["Al", "LiCoO2", "LiPON", "Li"]
    assert materials(sample_of_run(Run(electrolyte, kept.folder)).sample)[-1] == "LiPON"


def test_a_clock_that_was_set_back_takes_no_film_off_that_a_run_names(kept):
    film = line.put_on(kept, "LiCoO2", line.FILM, time=2e9)
    flash = Run(line.flashed(kept, inputs=[film]), kept.folder)
    assert flash.start["time"] < 2e9
    assert materials(sample_of_run(flash).sample) == ["Al", "LiCoO2"]


def test_the_date_of_an_imported_run_takes_no_film_off(kept):
    line.put_on(kept, "LiCoO2", line.FILM, time=2e9)
    imported = Run(line.cycled(kept, plan="import"), kept.folder)
    assert imported.start["time"] < 2e9
    found = sample_of_run(imported)
    assert materials(found.sample) == ["Al", "LiCoO2"]
    assert found.size.thickness == line.FILM


def test_what_is_measured_counts_for_runs_that_are_over_and_what_they_went_by_stays(kept):
    run = Run(line.whole_line(kept)[-1], kept.folder)
    before = sample_of_run(run)
    assert before.since == ()
    for each in (AREA, THICK, LITHIUM):
        measure(kept.folder, line.FOIL.id, each)
    found = sample_of_run(run)
    assert (found.size.area, found.size.thickness) == (0.30e-4, 1.0e-6)
    assert found.size.capacity == pytest.approx(AMPERE_HOURS * 0.30e-4 * 1.0e-6)
    assert found.as_run.capacity == 7.24e-6
    assert set(found.since) == {AREA, THICK, LITHIUM}
    assert electrodes_area(run) == 0.30e-4
    said = found.described()
    assert said["area_m2"] == 0.30e-4
    assert said["nominal"]["area_m2"] == line.FOIL.area
    assert said["nominal"]["capacity"]["value_Ah"] == 7.24e-6
    assert "grown" not in said
    assert [each["material"] for each in said["nominal"]["grown"]] == ["LiCoO2", "LiPON", "Li"]


def test_a_measurement_of_a_layer_that_was_not_there_is_none_of_a_run(kept):
    _, flash, *_ = line.whole_line(kept)
    measure(kept.folder, line.FOIL.id, LITHIUM)
    found = sample_of_run(Run(flash, kept.folder))
    assert (found.measured, found.since) == ((), ())


def test_a_measured_capacity_is_the_cells(kept):
    run = Run(line.whole_line(kept)[-1], kept.folder)
    measure(kept.folder, line.FOIL.id, Measurement("capacity", 0.03, 1e-4))
    found = sample_of_run(run)
    assert found.size.capacity == pytest.approx(0.03 / 3600.0)
    assert [each.quantity for each in found.since] == ["capacity"]


def test_a_journal_that_lies_alone_and_anybodys_sample_are_as_their_start_document_says(kept, tmp_path):
    run = Run(line.whole_line(kept)[-1], kept.folder)
    measure(kept.folder, line.FOIL.id, AREA)
    alone = tmp_path / "alone.jnl"
    alone.write_bytes(run.path.read_bytes())
    assert sample_of_run(Run(alone)).size.area == line.FOIL.area
    foreign = Run(kept.cycle(sample={"id": "x", "area_m2": 2e-5}, capacity={"value_Ah": 1e-5}), kept.folder)
    assert (sample_of_run(foreign).size.area, sample_of_run(foreign).size.capacity) == (2e-5, 1e-5)
