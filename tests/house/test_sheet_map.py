"""A sheet through plan and documents: mapped, sorted, singulated; what is missing is told, and nothing else is lost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from devices.cycling.cells import CellSize
from devices.errors import InterlockError, LabError, LimitError
from devices.samples import CellGrid
from labctl import Run
from labctl.config.folder import Config
from labctl.config.readers import any_recipe
from labctl.pictures.sheet import sheet_figures
from labctl.progress import in_words
from labctl.singulation import sampled, sort_sheet, write_experiments, write_list
from tests.support.valid import hold

CONFIG = Path(__file__).parents[2] / "config"
TRUTH = """
[[world.sheet]]
sample = "small-sheet"
electrolyte = "0.02"
short_resistance = "0.1 ohm m^2"
shorts = [[2, 2], [5, 6]]
missing = [[1, 4]]
"""


@pytest.fixture
def sheet():
    return replace(Config(CONFIG).sample("anodeless-sheet"), id="small-sheet", sheet=CellGrid(5, 6))


@pytest.fixture
def recipe():
    return any_recipe(CONFIG / "recipes" / "sheet-points.toml")


@pytest.fixture
def bench(tmp_path):
    text = (CONFIG / "benches" / "sheet.toml").read_text()
    path = tmp_path / "sheet.toml"
    path.write_text(text[: text.index("[[world.sheet]]")] + TRUTH)
    return str(path)


def test_a_sheet_is_mapped_sorted_and_singulated(open_lab, bench, sheet, recipe, tmp_path):
    lab = open_lab(bench)
    (uid,) = lab.RE(lab.plans.map_sheet(lab.multiplexer, lab.hands, sheet, recipe))
    run = Run(uid, lab.data)
    hold(run)
    rows = run.table()
    assert rows["site"].tolist() == list(range(1, 31))
    assert run.stop["time"] - run.start["time"] == pytest.approx(run.start["duration"], rel=1e-3)
    said = dict(zip(run.table("events")["code"], run.table("events")["text"], strict=True))
    assert "1 of 30 cells" in said["missing"]
    assert "row 1 column 4" in said["missing"]
    assert np.isfinite(rows["voltage"]).sum() == 29
    found = sort_sheet(lab.data, run)
    assert found.counts == {"short": 2, "electrolyte": 0, "interface": 0, "missing": 1, "good": 27}
    good = {(row, column) for _, row, column in found.good()}
    assert good.isdisjoint({(2, 2), (5, 6), (1, 4)})
    listed = write_list(found, tmp_path).read_text().splitlines()
    assert len(listed) == 28
    assert all(len(cell) <= 8 for line in listed[1:] for cell in line.split(","))
    assert sheet_figures(run, "sheet").keys() >= {"voltage", "bins", "resistance-1000Hz"}
    *cells, night = write_experiments(found, sampled(found, 2), "formation", tmp_path)
    assert night.read_text().count("[[item]]") == 2
    assert 'thickness = "10 um"' in cells[0].read_text()
    assert 'area = "1 mm^2"' in cells[0].read_text()
    _cycled(lab, Config(CONFIG).experiment(cells[0]))


def _cycled(lab, experiment):
    """Cycle a cell that was cut from the sheet: it has the voltage that the map left it with, and lithium."""
    piece = experiment.sample
    assert piece.site == (1, 1)
    program = experiment.program.on(CellSize.of(piece))
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, piece, replace(program, steps=program.steps[:1])))
    assert Run(uid, lab.data).stop["exit_status"] == "success"


def test_what_is_no_sheet_or_too_large_is_refused_before_anything_is_connected(
    open_lab, bench, sheet, recipe
):
    lab = open_lab(bench)
    with pytest.raises(InterlockError, match="no sheet"):
        lab.RE(lab.plans.map_sheet(lab.multiplexer, lab.hands, replace(sheet, sheet=None), recipe))
    with pytest.raises(LimitError, match="3072"):
        lab.RE(
            lab.plans.map_sheet(lab.multiplexer, lab.hands, replace(sheet, sheet=CellGrid(100, 100)), recipe)
        )


def test_a_duration_is_said_as_people_do():
    assert [in_words(seconds) for seconds in (90.0, 600.0, 5997.0)] == ["90 s", "10 min", "1 h 40 min"]


def test_a_map_that_ended_before_its_first_cell_says_so(tmp_path):
    ended = SimpleNamespace(uid="0123456789", start={"purpose": "map"}, streams={})
    with pytest.raises(LabError, match="01234567 ended before any cell was measured"):
        sort_sheet(tmp_path, ended)
