"""What a check of a film's recipe goes by: rates and wear that the data folder knows of, else the bench file."""

import json
from dataclasses import asdict

import pytest

from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.film_check import tell_films
from labctl.film_rates import FilmFit, FilmRates

CONFIG = config_dir()
RECIPE = CONFIG / "recipes" / "sputter-lco-0.7um.toml"


def told(data):
    (found,) = tell_films([RECIPE], config=CONFIG, bench="sputter", data=data)
    return found


def keep_fit(data, rate):
    """Keep a calibration of the LiCoO2 target."""
    path = FilmRates(data, Config(CONFIG).bench("sputter")).path("sputter")
    path.parent.mkdir(parents=True)
    fit = FilmFit("LiCoO2", "LiCoO2", rate, 119.6, 1.0, 0.02, 3.0, 1.06, 0.01, (119.6, 119.6), ("a",), 1.0)
    path.write_text(json.dumps(asdict(fit)) + "\n")


def keep_wear(data, energy):
    """Keep a last word of the chamber on its first gun's target [J]."""
    path = data / "state" / "sputter" / "sputter.json"
    path.parent.mkdir(parents=True)
    report = {"kept": {"wear": {"gun1": {"material": "LiCoO2", "energy": energy}}}}
    owner = {"pid": 1, "boot": "", "began": "", "since": 0.0}
    said = {"device": "sputter", "bench": "sputter", "sequence": 1, "time": 0.0, "owner": owner}
    path.write_text(json.dumps({**said, "open": False, "report": report, "file": ""}))


def test_without_data_the_bench_file_counts(tmp_path):
    found = told(tmp_path / "none")
    assert not found.stopped
    assert any("3.00 nm/min (believed, not calibrated, +-50%)" in line for line in found.lines)
    assert any("0.000 kWh are gone" in line for line in found.lines)


def test_a_calibrated_rate_counts(tmp_path):
    keep_fit(tmp_path, 6e-9 / 60)
    found = told(tmp_path)
    # At 6 nm/min from a new target; the mean of this film is a little less.
    assert any("1 h 57 min of film at 5.98 nm/min (calibrated" in line for line in found.lines)


def test_a_calibration_at_another_bias_is_told_and_counts_less(tmp_path):
    keep_fit(tmp_path, 6e-9 / 60)
    path = tmp_path / "recipes" / "sputter-biased.toml"
    path.parent.mkdir()
    path.write_text(
        RECIPE.read_text().replace('thickness = "0.7 um"', 'thickness = "0.7 um"\nbias_power = "20 W"')
    )
    (found,) = tell_films([path], config=CONFIG, bench="sputter", data=tmp_path)
    assert any("(calibrated, +-10%)" in line for line in found.lines)
    words = "is known of LiCoO2 at a bias of 0 W and not 20 W: it is uncertain by 10%"
    assert [f"  the {what} {words}" in found.lines for what in ("rate", "monitor's tooling")] == [True, True]
    assert not any("known of" in line for line in told(tmp_path).lines)


@pytest.mark.parametrize(("gone", "refused"), [(1.0, False), (4.0, True)])
def test_the_wear_that_the_chamber_last_told_counts(tmp_path, gone, refused):
    keep_wear(tmp_path, gone * 3.6e6)
    found = told(tmp_path)
    assert any(f"{gone:.3f} kWh are gone" in line for line in found.lines)
    assert found.stopped is refused
    assert any("would be refused: gun1: LiCoO2 has" in line for line in found.lines) is refused


def test_a_boat_that_wants_more_than_its_supply_gives_is_refused(tmp_path):
    path = tmp_path / "recipes" / "evaporate-li-2um.toml"
    path.parent.mkdir()
    good = (CONFIG / "recipes" / "evaporate-li-2um.toml").read_text()
    path.write_text(good.replace('power = "200 W"', 'power = "400 W"'))
    (found,) = tell_films([path], config=CONFIG, bench="sputter")
    assert found.stopped
    assert any("its boat's supply gives no more" in line for line in found.lines)
    (found,) = tell_films([CONFIG / "recipes" / "evaporate-li-2um.toml"], config=CONFIG, bench="sputter")
    assert not found.stopped
