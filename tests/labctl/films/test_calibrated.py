"""What a calibration says of a recipe's film, after its targets' wear."""

from dataclasses import replace
from pathlib import Path

import pytest

from devices.sputter.parameters import RateCalibration, SputterParameters, Target
from devices.sputter.recipe import SCCM, DepositionRecipe, GasFlow, GunSetting
from labctl.config.folder import Config
from labctl.films.calibrated import calibrated_rate, calibrated_tooling
from labctl.films.rates import FilmRates
from tests.support.film_fits import film_fit

RATE, POWER = 5e-11, 100.0
LIFE = 1e7
BUILT = SputterParameters(
    targets={"gun1": Target("Li3PO4", life=LIFE), "gun2": Target("Li2O", life=LIFE)},
    rates={"Li2O": RateCalibration(1e-11, POWER, 3.0)},
)
FIT = film_fit("Li3PO4", "LiPON")
FRESH = {"gun1": 0.0, "gun2": 0.0}


def recipe(*targets, **changes):
    fields = {
        "name": "r",
        "material": "LiPON",
        "guns": tuple(GunSetting(each, power=POWER) for each in targets),
        "gases": (GasFlow("N2", 50 * SCCM),),
        "pressure": 3.0,
        "base_pressure": 1e-5,
        "presputter": 0.0,
        "thickness": 1e-9,
    }
    return DepositionRecipe(**{**fields, **changes})


def near(value, rel):
    """Return a value [m/s] to be met to a relative difference: pytest's own absolute one is a fiftieth of these."""
    return pytest.approx(value, rel=rel, abs=0.0)


def rate(made, fits=(FIT,), worn=FRESH):
    found = calibrated_rate(BUILT, fits, made, worn)
    return None if found is None else found.rate


def test_a_thin_film_grows_as_its_target_did_when_it_was_calibrated():
    assert rate(recipe("Li3PO4")) == near(RATE, rel=1e-5)
    strong = recipe("Li3PO4", guns=(GunSetting("Li3PO4", power=120.0),))
    assert rate(strong) == near(RATE * 1.2**0.8, rel=1e-5)


def test_a_worn_target_gives_less_and_a_new_one_more_than_the_one_that_was_calibrated():
    worn = {**FRESH, "gun1": LIFE / 2}
    assert rate(recipe("Li3PO4"), worn=worn) == near(RATE * (1 - 0.08 / 2), rel=1e-5)
    assert rate(recipe("Li3PO4"), [replace(FIT, worn=LIFE / 2)], worn) == near(RATE, rel=1e-5)


def test_the_mean_rate_of_a_film_is_that_of_its_middle():
    thick = recipe("Li3PO4", thickness=2e-6, presputter=3600.0)
    duration = 2e-6 / RATE
    middle = POWER * (3600.0 + duration / 2)
    assert rate(thick) == near(RATE * (1 - 0.08 * middle / LIFE), rel=1e-3)
    timed = replace(thick, end="time", duration=duration)
    assert rate(timed) == near(RATE * (1 - 0.08 * middle / LIFE), rel=1e-9)


def test_what_a_target_gives_by_itself_counts_in_a_film_from_two():
    oxide = replace(FIT, target="Li2O", material="Li2O", rate=2e-11, tooling=None, tooling_sd=0.0)
    both = recipe("Li3PO4", "Li2O")
    assert rate(both) == near(RATE + 1e-11, rel=1e-5)
    assert rate(both, [FIT, oxide]) == near(RATE + 2e-11, rel=1e-5)
    assert rate(both, [oxide]) is None
    assert len(oxide.id) == len(FIT.id)


def test_targets_that_nobody_calibrated_have_no_rate(tmp_path):
    assert rate(recipe("Li3PO4"), []) is None
    bench = Config(Path(__file__).parents[3] / "config").bench("sputter")
    assert FilmRates(tmp_path, bench).film_rate("sputter", recipe("Li3PO4"), FRESH) is None


BIASED = replace(FIT, rate=0.94 * RATE, tooling=0.94 * 1.06, bias_power=20.0)


def known(made, *fits):
    """What is known of a film, rate and tooling."""
    return calibrated_rate(BUILT, fits, made, FRESH), calibrated_tooling(fits, made)


def test_a_film_with_the_bias_of_its_calibration_goes_by_that():
    rate, tooling = known(recipe("Li3PO4", bias_power=20.0), FIT, BIASED)
    assert (rate.rate, tooling.value) == (near(0.94 * RATE, rel=1e-5), pytest.approx(0.94 * 1.06))
    assert (rate.sd, tooling.sd) == (FIT.rate_sd, FIT.tooling_sd)
    assert (rate.elsewhere, tooling.elsewhere) == ("", "")
    assert rate.calibration == tooling.calibration == BIASED.id
    plain, _ = known(recipe("Li3PO4"), FIT, BIASED)
    assert plain.calibration == FIT.id


def test_a_film_with_another_bias_is_uncertain_and_says_so():
    for each in known(recipe("Li3PO4", bias_power=20.0), FIT):
        assert each.sd == pytest.approx(0.1, rel=0.01)
        assert each.elsewhere == "Li3PO4 at a bias of 0 W and not 20 W"
        assert each.calibration == FIT.id


def test_a_film_whose_bias_lies_between_two_goes_by_both():
    rate, tooling = known(recipe("Li3PO4", bias_power=5.0), FIT, BIASED)
    # A quarter of the power, half of the voltage.
    assert (rate.rate, tooling.value) == (near(0.97 * RATE, rel=1e-5), pytest.approx(0.97 * 1.06))
    assert rate.calibration == f"{FIT.id}+{BIASED.id}"
    assert FIT.rate_sd < rate.sd < 0.03
    assert rate.elsewhere == ""


def test_a_film_at_another_pressure_temperature_or_power_is_uncertain_and_says_so():
    strong = recipe(
        "Li3PO4", guns=(GunSetting("Li3PO4", power=200.0),), pressure=1.0, substrate_temperature=600.0
    )
    rate, tooling = known(strong, FIT)
    assert rate.sd > 0.5
    assert 0.1 < tooling.sd < 0.2
    elsewhere = "Li3PO4 at 3 Pa and not 1 Pa, on a substrate of 295 K and not 600 K"
    assert rate.elsewhere == f"{elsewhere}, with 80 to 120 W and not 200 W"
    assert tooling.elsewhere == elsewhere


def test_a_target_of_two_that_was_calibrated_elsewhere_is_named():
    oxide = replace(FIT, target="Li2O", material="Li2O", tooling=None, pressure=1.0)
    rate, tooling = known(recipe("Li3PO4", "Li2O"), FIT, oxide)
    assert rate.elsewhere == "Li2O at 1 Pa and not 3 Pa"
    assert FIT.rate_sd < rate.sd < 0.5
    assert tooling.elsewhere == ""


def test_nobody_measured_a_tooling_of_another_material():
    assert calibrated_tooling([FIT], recipe("Li2O", material="Li2O")) is None
