"""Films on a biased substrate, which are denser: as thick as asked once their calibration was made with that bias."""

from dataclasses import replace

import pytest

from devices.errors import DataError
from labctl import Run
from labctl.config.folder import Config
from labctl.samples.measurements import Measurement, measure
from tests.support import quick_films as quick

BIAS = 20.0
"""W; 50 V on the twin."""
DENSER = 4800.0 / 4500.0
"""Of the twin's LiCoO2 at 50 V."""


@pytest.fixture
def lab(tmp_path):
    with quick.quick_session(tmp_path / "data") as opened:
        yield opened


def film(**changes):
    return quick.film(**{"bias_power": BIAS, "thickness": 60e-9, **changes})


def deposited(lab, name, recipe):
    """Sputter a film; return its run, and how thick it truly is over how thick it was asked to be."""
    (uid,) = lab.RE(lab.plans.deposit(lab.sputter, quick.foil(name), recipe))
    there = sum(each.thickness for each in lab.twins.foil(name).grown if each.material == recipe.material)
    return Run(uid, lab.data), there / recipe.thickness


def calibrated(lab, name, powers=(119.6,), **changes):
    wafer = Config(quick.ROOT / "config").sample("witness")
    spots = [replace(wafer, id=f"{name}{i}", parents=(wafer.id,), cell_layers=()) for i in range(len(powers))]
    recipe = quick.film("witness-lco", **changes)
    lab.RE(lab.plans.calibrate_rate(lab.sputter, lab.hands, lab.films, spots, recipe, powers))
    return lab.films.fits("sputter")[-1]


def warned(run):
    events = run.table("events")
    return list(events["text"][events["code"] == "known_elsewhere"])


def test_a_biased_film_is_thinner_than_an_unbiased_calibration_says_and_told_to_be_uncertain(lab):
    calibrated(lab, "plain")
    run, share = deposited(lab, "film", film())
    assert share == pytest.approx(1.0 / DENSER, rel=0.02)
    assert abs(share - 1.0) < run.start["tooling"]["sd"] < 0.2
    assert all("at a bias of 0 W and not 20 W" in text for text in warned(run))
    assert len(warned(run)) == 2


def test_a_biased_film_is_as_thick_as_asked_after_a_calibration_with_its_bias(lab):
    fit = calibrated(lab, "biased", bias_power=BIAS)
    assert fit.bias_power == BIAS
    for name, end in (("by-monitor", "monitor"), ("by-rate", "rate")):
        run, share = deposited(lab, name, film(end=end))
        assert share == pytest.approx(1.0, rel=0.02)
        assert run.start["tooling"]["calibration"] == run.start["film_rate"]["calibration"] == fit.id
        assert warned(run) == []


def test_a_film_with_a_bias_between_two_calibrations_goes_by_both(lab):
    fits = calibrated(lab, "plain"), calibrated(lab, "biased", bias_power=BIAS)
    run, share = deposited(lab, "film", film(bias_power=BIAS / 4))
    assert share == pytest.approx(1.0, rel=0.02)
    assert run.start["tooling"]["calibration"] == "+".join(fit.id for fit in fits)


def test_films_with_and_without_bias_make_no_one_calibration(lab):
    uids = [deposited(lab, name, film(bias_power=bias))[0].uid for name, bias in (("a", 0.0), ("b", BIAS))]
    for name in ("a", "b"):
        measure(lab.data, name, Measurement("thickness", 80e-9, 1e-9, "LiCoO2"))
    with pytest.raises(DataError, match="make no one calibration"):
        lab.films.fit("sputter", uids)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("um", ["0.7", "1.2"])
def test_a_recipes_biased_film_is_off_by_two_percent_at_most_after_its_calibration(tmp_path, um):
    """At the rates of the shipped bench: hours that wear the target."""
    with quick.quick_session(tmp_path / "data", faster=1.0) as lab:
        calibrated(lab, "w", (100.0, 119.6), bias_power=BIAS)
        for name, end in (("by-monitor", "monitor"), ("by-rate", "rate")):
            recipe = quick.film(f"sputter-lco-{um}um", bias_power=BIAS, end=end)
            _, share = deposited(lab, name, recipe)
            assert share == pytest.approx(1.0, rel=0.02)
