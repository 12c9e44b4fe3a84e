"""The summary of anneals on the twin bench."""

import math

import numpy as np
import pytest

from labctl.derived.store import derive
from labctl.runs.run import Run


def test_an_anneal_is_summed_up_from_its_journal_and_those_before_it(lab, sample, recipe):
    uids = [lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))[0] for _ in range(2)]
    runs = [Run(uid, lab.data) for uid in uids]
    made = [derive(lab.data, [run], ["anneal_summary"])[0] for run in runs]
    first, second = (Run(each.uid, lab.data) for each in made)
    table, rows = runs[0].table(), first.table()
    assert (rows["pulses"][0], rows["asked"][0], rows["left_out"][0], rows["flags"][0]) == (6, 6, 0, 0)
    assert rows["energy"][0] == pytest.approx(table["pulse_energy"].sum())
    assert rows["exposure_mean"][0] == pytest.approx(table["exposure"].mean())
    assert rows["exposure_sd"][0] == pytest.approx(table["exposure"].std(ddof=1))
    truly = lab.twins.foil(sample.id).annealed()
    assert second.table()["calculated_crystalline_mean"][0] == pytest.approx(truly.mean, abs=0.01)
    assert rows["predicted_surface_peak"][0] == pytest.approx(rows["calculated_surface_peak"][0], abs=10)
    assert second.start["also_read"] == [runs[0].uid]
    course = first.table("course")
    assert course["pulse"].tolist() == [1, 2, 3, 4, 5, 6]
    assert np.all(np.diff(course["predicted_base_temperature"]) > 0)


def test_a_film_that_no_model_knows_has_its_pulses_but_no_calculated_temperatures(folder):
    columns = {
        "pulse": [1, 2],
        "elapsed": [0.0, 2.5],
        "bank_voltage_before": [850.0, 850.0],
        "pulse_energy": [16.0, 17.0],
        "exposure": [1.6e5, math.nan],
        "duration": [1.8e-3, 1.8e-3],
        "flags": [0, 2],
    }
    sample = {"id": "odd", "layers": [{"material": "Nothing", "thickness": 1e-6}]}
    run = folder.write({"primary": columns}, plan_name="anneal", purpose="anneal", sample=sample)
    (found,) = derive(folder.data, [run], ["anneal_summary"])
    rows = Run(found.uid, folder.data).table()
    assert (rows["pulses"][0], rows["left_out"][0]) == (2, 1)
    assert rows["energy"][0] == 16.0
    assert math.isnan(rows["exposure_sd"][0])
    assert math.isnan(rows["calculated_crystalline_mean"][0])
    assert "cannot be calculated" in rows["doubts"][0]
