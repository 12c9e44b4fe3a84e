"""Every plan of the lamp runs from a file, and what a calibration found is gone by."""

import pytest

from devices.errors import ConfigError
from labctl import Run
from labctl.config.folder import Config


def gates(lab):
    return sum(entry[1] == "gate" for entry in lab.twins.station("lamp").gate.log)


@pytest.mark.parametrize(
    ("name", "runs", "pulses"),
    [
        ("fluence-ladder", 3, 60),
        ("single-pulse", 1, 1),
        ("lamp-calibration", 5, 15),
        ("anneal-until-70", 1, None),
    ],
)
def test_an_example_runs_on_the_twin_bench(lab, name, runs, pulses):
    uids = lab.run(Config().experiment(name))
    assert len(uids) == runs
    assert pulses in (None, gates(lab))
    assert Run(uids[0], lab.data).start["experiment_name"] == name


def calibrating(config, word):
    path = config / "benches" / "twin.toml"
    text = path.read_text()
    path.write_text(
        text.replace('charger_power = "600 W"', f'charger_power = "600 W"\ncalibration = "{word}"')
    )
    return config


def test_a_lamp_goes_by_its_latest_fit_and_its_runs_name_it(open_lab, config, sample, recipe):
    calibrating(config, "latest")
    # The lamp gives a fifth less light than its file says.
    lab = open_lab(config=config)
    assert lab.lamp.parameters.efficiency == 0.49213
    lab.close()
    path = config / "benches" / "twin.toml"
    path.write_text(path.read_text().replace('efficiency = "0.49213"', 'efficiency = "0.45"'))
    lab = open_lab(config=config)
    lab.run(Config().experiment("lamp-calibration"))
    (fit,) = lab.calibration.fits("lamp")
    lab.close()
    path.write_text(path.read_text().replace('efficiency = "0.45"', 'efficiency = "0.49213"'))
    lab = open_lab(config=config)
    assert lab.lamp.parameters.efficiency == fit.efficiency == pytest.approx(0.45, abs=0.005)
    assert lab.believer.anneal(sample, recipe).values["surface_peak"] < 1000.0
    lab.twins.station("lamp").aperture_area *= 0.45 / 0.49213
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    start = Run(uid, lab.data).start
    assert start["calibrations"] == {"lamp": fit.id}
    assert start["devices"]["lamp"]["parameters"]["station"]["efficiency"] == fit.efficiency


def test_a_fit_that_is_not_there_is_refused_by_its_name(open_lab, config):
    with pytest.raises(ConfigError, match=r"devices\.lamp\.parameters\.calibration.*no such fit"):
        open_lab(config=calibrating(config, "0123456789ab"))
