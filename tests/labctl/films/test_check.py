"""What a check of a film's recipe goes by: rates and wear that the data folder knows of, else the bench file."""

import json
from dataclasses import asdict, replace

import pytest

from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.films.check import tell_films
from labctl.films.rates import FilmFit, FilmRates

CONFIG = config_dir()
EXPERIMENTS = CONFIG / "experiments"
RECIPE = CONFIG / "recipes" / "sputter-lco-0.7um.toml"


def told(data):
    (found,) = tell_films([RECIPE], config=CONFIG, bench="sputter", data=data)
    return found


def keep_fit(data, rate):
    """Keep a calibration of the LiCoO2 target."""
    path = FilmRates(data, Config(CONFIG).bench("sputter")).path("sputter")
    path.parent.mkdir(parents=True)
    fit = FilmFit(
        "LiCoO2",
        "LiCoO2",
        rate,
        119.6,
        1.0,
        0.02,
        3.0,
        1.06,
        0.01,
        (119.6, 119.6),
        runs=("a",),
        time=1.0,
        bench="sputter",
        real=False,
        measured={"w": (1e-7, 1e-9)},
    )
    path.write_text(json.dumps(asdict(fit)) + "\n")
    return fit


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
    fit = keep_fit(tmp_path, 6e-9 / 60)
    found = told(tmp_path)
    assert f"  monitor's tooling 1.060 (calibrated, +-1%), by fit {fit.id}" in found.lines
    assert any(f"(calibrated, +-2%), by fit {fit.id}" in line for line in found.lines)
    # At 6 nm/min from a new target; the mean of this film is a little less.
    assert any("1 h 57 min of film at 5.98 nm/min (calibrated" in line for line in found.lines)


def test_the_tooling_that_an_evaporator_was_calibrated_to_is_told_with_its_fit(tmp_path):
    rates = FilmRates(tmp_path, Config(CONFIG).bench("sputter"))
    fit = replace(keep_fit(tmp_path, 1e-10), target="boat", material="Li", tooling=0.94, pressure=1e-4)
    rates.keep("evaporator", fit)
    recipe = CONFIG / "recipes" / "evaporate-li-2um.toml"
    (found,) = tell_films([recipe], config=CONFIG, bench="sputter", data=tmp_path)
    assert f"  monitor's tooling 0.940 (calibrated, +-1%), by fit {fit.id}" in found.lines


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


def test_a_target_that_is_conditioned_makes_no_film():
    (found,) = tell_films([EXPERIMENTS / "condition-lco.toml"], config=CONFIG, bench="sputter")
    # 15 min of pre-sputtering, 12 min of ramps, 10 min of rest at the least; 4 h until it is given up.
    assert "37.0 min at the least, 4 h 27 min" in found.lines[1]
    assert found.lines[1].endswith("until arcs and bias have settled; no film")
    assert not any("of film" in line or "crystal" in line for line in found.lines)
    assert not found.stopped


def test_targets_that_only_pre_sputter_take_that_long(tmp_path):
    path = tmp_path / "experiments" / "burn.toml"
    path.parent.mkdir()
    path.write_text('schema = 1\nplan = "pre_sputter"\nrecipe = "sputter-lco-0.7um"\n')
    (found,) = tell_films([path], config=CONFIG, bench="sputter")
    assert found.lines[1].startswith("  27.0 min, ")
    assert found.lines[1].endswith("for the pre-sputtering time; no film")


def test_a_calibration_is_told_film_by_film_and_its_target_wears_meanwhile():
    *films, together = tell_films([EXPERIMENTS / "calibrate-lco-rate.toml"], config=CONFIG, bench="sputter")
    assert [film.lines[0].split()[0] for film in films] == [
        f"witness-lco-{power}W" for power in (80, 100, 120)
    ]
    gone = [float(line.split()[-5]) for film in films for line in film.lines if "kWh are gone" in line]
    assert gone[0] == 0.0
    assert gone == sorted(gone)
    assert gone[2] > gone[1] > 0.0
    assert together.lines == ("films and bakes, all 3 together: 7 h 24 min, without pumping and carrying",)


def test_a_target_that_lasts_for_two_films_of_three_is_refused_the_third(tmp_path):
    keep_wear(tmp_path, 3.7 * 3.6e6)
    files = [EXPERIMENTS / "calibrate-lco-rate.toml"]
    *films, _ = tell_films(files, config=CONFIG, bench="sputter", data=tmp_path)
    assert [film.stopped for film in films] == [False, False, True]


@pytest.mark.parametrize(
    ("pressure", "refused"), [("1e-4 Pa", False), ("1e-3 mTorr", False), ("1e-12 Pa", True)]
)
def test_a_pressure_that_no_chamber_reaches_is_refused(tmp_path, pressure, refused):
    path = tmp_path / "experiments" / "pump.toml"
    path.parent.mkdir()
    path.write_text(f'schema = 1\nplan = "pump_down"\nchamber = "sputter"\npressure = "{pressure}"\n')
    (found,) = tell_films([path], config=CONFIG, bench="sputter")
    assert found.stopped is refused
    assert (
        any("would be refused: sputter.base_pressure (no chamber" in line for line in found.lines) is refused
    )


@pytest.mark.parametrize(("name", "bench"), [("stack-0.7um", "sputter"), ("line-furnace-0.7um", "line")])
def test_a_stack_is_told_in_the_order_in_which_it_is_made(name, bench):
    *steps, _ = tell_films([EXPERIMENTS / f"{name}.toml"], config=CONFIG, bench=bench)
    assert [step.lines[0].split()[0] for step in steps] == [
        "sputter-lco-0.7um",
        "furnace-520C-15min",
        "sputter-lipon-1um",
        "evaporate-li-2um",
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('flow = "24 sccm"', 'flow = "240 sccm"', "= 240 sccm is outside [0, 100] sccm"),
        ('ramp = "20 W/min"', 'ramp = "500 W/min"', "= 500 W/min is outside [0, 20] W/min"),
        ('base_pressure = "1e-4 Pa"', 'base_pressure = "1e-12 Pa"', "no chamber reaches less"),
        (
            'thickness = "0.7 um"',
            'thickness = "0.7 um"\nsubstrate_temperature = "900 degC"',
            "= 900 degC is above 500 degC",
        ),
    ],
)
def test_what_would_be_refused_is_told_in_the_units_of_the_file(tmp_path, before, after, said):
    path = tmp_path / "recipes" / "sputter-odd.toml"
    path.parent.mkdir()
    path.write_text(RECIPE.read_text().replace(before, after))
    (found,) = tell_films([path], config=CONFIG, bench="sputter")
    assert found.stopped
    assert said in found.lines[-1]
