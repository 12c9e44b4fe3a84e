"""What an evaporator's monitor makes of its films: off by its tooling before it is calibrated, right afterwards."""

from dataclasses import replace

import pytest

from devices.errors import LabError
from labctl import Run
from labctl.config.folder import Config
from tests.support import quick_films as quick

TOOLING = 0.94
"""Of the twin's evaporator: film on the sample over film on the crystal."""
ASKED = 60e-9
RECIPE = quick.evaporation(rate=0.5e-9, thickness=ASKED)


@pytest.fixture
def lab(tmp_path):
    with quick.quick_session(tmp_path / "data", loaded=("evaporator",)) as opened:
        yield opened


def evaporated(lab, name):
    """Evaporate a film; return its run, and how thick it truly is [m]."""
    (uid,) = lab.RE(lab.plans.evaporate(lab.evaporator, quick.foil(name), RECIPE))
    (film,) = lab.twins.foil(name).grown
    return Run(uid, lab.data), film.thickness


def witnesses(*names):
    wafer = Config(quick.ROOT / "config").sample("witness")
    return tuple(replace(wafer, id=name, parents=(wafer.id,), cell_layers=()) for name in names)


def test_a_film_of_lithium_is_off_by_the_tooling_before_and_right_after_its_calibration(lab):
    before, thickness = evaporated(lab, "before")
    assert thickness / ASKED == pytest.approx(TOOLING, rel=5e-3)
    assert before.start["tooling"] == {"value": 1.0, "sd": None, "calibration": ""}
    spots, thick = witnesses("w0", "w1", "w2"), replace(RECIPE, rate=1e-9, thickness=300e-9)
    uids = lab.RE(lab.plans.calibrate_tooling(lab.evaporator, lab.hands, lab.films, spots, thick))
    (fit,) = lab.films.fits("evaporator")
    assert fit.runs == uids
    assert fit.tooling == pytest.approx(TOOLING, rel=0.01)
    assert Run(uids[0], lab.data).start["purpose"] == "calibrate"
    after, thickness = evaporated(lab, "after")
    assert after.start["tooling"]["calibration"] == fit.id
    assert thickness == pytest.approx(ASKED, rel=0.02)


def test_the_spots_are_checked_before_the_first_film(lab):
    for spots in ((), witnesses("w0", "w0")):
        with pytest.raises(ValueError, match="an id of its own"):
            lab.RE(lab.plans.calibrate_tooling(lab.evaporator, lab.hands, lab.films, spots, RECIPE))
    with pytest.raises(LabError, match="nothing was done"):
        lab.RE(lab.plans.calibrate_tooling(lab.evaporator, lab.hands, lab.films, ("w0",), RECIPE))
