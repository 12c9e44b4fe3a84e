"""The line with the lithium through either of the shipped masks: the cell is as large as the mask that was laid on."""

from dataclasses import replace
from pathlib import Path

import pytest

from devices.cycling.cells import Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from labctl import Run
from labctl.config import readers
from labctl.config.folder import Config
from tests.support import quick_films

ROOT = Path(__file__).parents[2]
CHARGE = 1.602176634e-19
"""C of an electron [CODATA 2018]."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("evaporation", "sample", "area"),
    [
        ("evaporate-li-2um-circle", "lco-grown-0.7um-circle", 0.007854e-4),
        ("evaporate-li-2um", "lco-grown-0.7um", 0.15e-4),
    ],
)
def test_a_cell_is_as_large_as_the_mask_and_gives_what_its_films_foretell(
    tmp_path, evaporation, sample, area
):
    config = Config(ROOT / "config")
    recipe = readers.evaporation(config.path("recipe", evaporation))
    program = RateTest("one", (Rate(2.0, "A/m^2"),), 3.0, 4.25, 1, Record(interval=60.0))
    experiment = replace(
        config.experiment("line-0.7um"),
        sample=replace(config.sample(sample), id="foil-1"),
        arguments={
            "cathode": quick_films.film(thickness=310e-9),
            "electrolyte": quick_films.film("sputter-lipon-1um", thickness=100e-9),
            "anode": replace(recipe, thickness=200e-9, rate=3e-9, power=300.0, ramp=4.0),
        },
        program=program,
    )
    with quick_films.quick_session(tmp_path / "data", bench="line") as lab:
        uids = lab.RE(lab.plan_of(experiment))
        run = Run(uids[-1], lab.data)
        truth = {film.material: film for film in lab.twins.foil("foil-1").grown}
        cell = lab.twins.foil("foil-1").as_cell().cell.parameters
    # 0.2 mm below the mask, 10 mm of boat, 0.3 m from it: half of 6.7 um all around, 1.3 % of the circle.
    assert cell.area == truth["Li"].area == pytest.approx(area, rel=0.015)
    given = float(run.table("cycles")["discharge_capacity"][-1])
    cobalt = truth["LiCoO2"].deposit.atoms["Co"] * cell.area
    # Half a lithium for each cobalt that truly is there, which the window to 4.25 V takes to a few hundredths.
    assert given == pytest.approx(0.5 * cobalt * CHARGE / 3600.0, rel=0.06)
    believed = run.start["capacity"]
    assert given == pytest.approx(believed["value_Ah"], abs=2 * believed["sd_Ah"])
