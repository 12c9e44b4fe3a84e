"""Single pulses, ladders of fluence, as many pulses as a film needs, the calibration of the lamp."""

from dataclasses import replace

import numpy as np
import pytest

from devices.errors import DataError, InterlockError, LimitError
from devices.recipes import AnnealRecipe
from labctl import Run

RECIPE = AnnealRecipe("r", 850.0, 1.8e-3, 20, 0.4)


def gates(lab):
    return sum(entry[1] == "gate" for entry in lab.twins.station("lamp").gate.log)


def test_a_single_pulse_is_one_whatever_the_recipe_says(lab, sample):
    (uid,) = lab.RE(lab.plans.single_pulse(lab.lamp, sample, RECIPE))
    run = Run(uid, lab.data)
    assert gates(lab) == len(run.table()["pulse"]) == 1
    assert run.start["planned_by"] == "single_pulse"
    assert run.start["recipe"]["body"]["pulse_count"] == 1


def spots(sample, count):
    return [
        replace(sample, id=f"{sample.id}.{number}", parents=(sample.id,), cell_layers=())
        for number in range(count)
    ]


def test_a_ladder_takes_a_fresh_spot_for_each_voltage(lab, sample):
    recipe = replace(RECIPE, pulse_count=3)
    uids = lab.RE(lab.plans.fluence_ladder(lab.lamp, spots(sample, 3), recipe, [700, 800, 900]))
    runs = [Run(uid, lab.data) for uid in uids]
    assert [run.start["recipe"]["body"]["voltage"] for run in runs] == [700.0, 800.0, 900.0]
    assert len({run.start["sample"]["id"] for run in runs}) == 3
    assert len({run.start["experiment"] for run in runs}) == 1
    exposures = [run.table()["exposure"].mean() for run in runs]
    assert exposures == sorted(exposures)
    shares = [lab.twins.foil(run.start["sample"]["id"]).annealed().mean for run in runs]
    assert shares == sorted(shares)


def test_a_ladder_with_one_rung_too_high_fires_nothing(lab, sample):
    with pytest.raises(LimitError, match="bank_voltage"):
        lab.RE(lab.plans.fluence_ladder(lab.lamp, spots(sample, 2), RECIPE, [700, 990]))
    with pytest.raises(ValueError, match="as many spots"):
        lab.RE(lab.plans.fluence_ladder(lab.lamp, spots(sample, 2), RECIPE, [700]))
    assert gates(lab) == 0


def test_a_film_is_annealed_with_the_fewest_pulses_that_are_enough(lab, sample):
    (uid,) = lab.RE(lab.plans.anneal_until(lab.lamp, sample, RECIPE, 0.7))
    count = len(Run(uid, lab.data).table()["pulse"])
    assert 1 < count < 20
    assert lab.twins.foil(sample.id).annealed().mean == pytest.approx(0.7, abs=0.08)
    fewer = replace(sample, id="fewer", cell_layers=())
    prediction = lab.believer.anneal(fewer, replace(RECIPE, pulse_count=count - 1))
    assert prediction.values["crystalline_mean"] < 0.7
    # What it has, it need not be given again.
    (again,) = lab.RE(lab.plans.anneal_until(lab.lamp, sample, RECIPE, 0.75))
    assert len(Run(again, lab.data).table()["pulse"]) <= 3


def test_more_than_the_recipe_can_give_is_refused(lab, sample):
    with pytest.raises(InterlockError, match=r"2 pulses make .* crystalline, 99\.0% are asked"):
        lab.RE(lab.plans.anneal_until(lab.lamp, sample, replace(RECIPE, pulse_count=2), 0.99))
    assert gates(lab) == 0


def test_a_calibration_finds_the_lamp_of_the_bench_and_keeps_the_fit_with_its_runs(lab, sample):
    bare = replace(sample, id="bare", layers=sample.layers[:1], cell_layers=())
    recipe = replace(RECIPE, pulse_count=2)
    uids = lab.RE(
        lab.plans.calibrate_fluence(lab.lamp, lab.calibration, bare, recipe, [500, 600, 700, 800, 900])
    )
    (fit,) = lab.calibration.fits("lamp")
    assert fit.runs == uids
    assert fit.pulses == 10
    assert fit.efficiency == pytest.approx(lab.lamp.parameters.efficiency, abs=4 * fit.efficiency_sd)
    assert fit.lamp_constant == pytest.approx(lab.lamp.parameters.lamp_constant, abs=4 * fit.lamp_constant_sd)
    assert fit.efficiency_sd < 0.01
    assert fit.deviation < 0.01
    assert {Run(uid, lab.data).start["purpose"] for uid in uids} == {"calibrate"}
    assert np.all(np.diff([Run(uid, lab.data).table()["exposure"].mean() for uid in uids]) > 0)


def test_one_voltage_is_no_calibration(lab, sample):
    bare = replace(sample, id="bare", layers=sample.layers[:1], cell_layers=())
    with pytest.raises(DataError, match="take more voltages"):
        lab.RE(lab.plans.calibrate_fluence(lab.lamp, lab.calibration, bare, RECIPE, [700]))
    assert lab.calibration.fits("lamp") == ()
