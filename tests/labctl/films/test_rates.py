"""Of which films a rate is fitted, and of which none; and that it goes by what is measured of them now."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from devices.errors import DataError
from devices.sputter.recipe import SCCM, DepositionRecipe, GasFlow, GunSetting
from labctl.cli import app
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.films.rates import FilmRates, fit_films, fitted_anew
from labctl.samples.measurements import Measurement, measure

BODY = {"guns": [{"target": "LiCoO2"}], "gases": [], "pressure": 3.0, "base_pressure": 1e-5}
BENCH = Config(config_dir()).bench("sputter")
POWERS = (80.0, 100.0, 120.0)
DURATION = 1e4


def test_there_must_be_one():
    with pytest.raises(DataError, match="no film"):
        fit_films([])


def test_a_doubtful_film_is_not_fitted_and_its_reasons_are_told():
    layer = {"material": ["LiCoO2"], "doubtful": [1], "reasons": ["an arc storm"], "duration": [1e3]}
    run = SimpleNamespace(
        uid="abc",
        start={"recipe": {"body": BODY}, "sample": {"id": "w"}},
        streams=("layers",),
        table=lambda name: layer,
    )
    with pytest.raises(DataError, match=r"abc: its film is doubtful \(an arc storm\)"):
        fit_films([run])


def thick(power):
    """Return how thick a witness is [m] that had a power [W]."""
    return 3e-9 * power


def entered(kept, factor=1.0, witnesses=POWERS, sd=1e-9):
    """Enter what was measured on witnesses: so many times as thick as they were at first."""
    for power in witnesses:
        measured = Measurement("thickness", factor * thick(power), sd, "LiCoO2")
        measure(kept.folder, f"w{power:.0f}", measured)


def witness(kept, power, before=0.0):
    """Keep the run of a witness from a target that had so much energy [J] before; return its uid."""
    journal = kept.begin(
        f"w{power:.0f}",
        plan="deposit",
        recipe={"name": "r", "hash": "h", "body": BODY},
        tooling={"value": 1.0},
        bench={"name": "sputter"},
        devices={"sputter": {"real": False}},
    )
    energy = power * DURATION
    layer = {"material": "LiCoO2", "doubtful": 0, "duration": DURATION, "thickness_monitor": thick(power)}
    layer |= {"energy": energy, "target_energy_total": before + energy}
    kept.rows(journal, "layers", {key: [value] for key, value in layer.items()})
    return kept.end(journal)


def fitted(kept, befores=(0.0, 0.0, 0.0)):
    """Fit three witnesses on the bench `sputter`."""
    uids = [witness(kept, power, before) for power, before in zip(POWERS, befores, strict=True)]
    entered(kept)
    found = FilmRates(kept.folder, BENCH)
    found.fit("sputter", uids)
    return found


@pytest.fixture
def rates(kept):
    """Fits of the bench `sputter`, one of them of three witnesses."""
    return fitted(kept)


def test_a_rate_is_as_thick_as_measured_over_the_time(rates):
    (fit,) = rates.fits("sputter")
    assert fit.rate_at(100.0) == pytest.approx(thick(100.0) / DURATION, rel=1e-6, abs=0.0)
    assert fit.exponent == pytest.approx(1.0)
    assert fit.tooling == pytest.approx(1.0)


def test_a_rate_is_that_of_a_target_as_worn_as_its_witnesses_had_it_on_average_in_their_middles(kept):
    (fit,) = fitted(kept, befores=(0.0, 1e6, 5e6)).fits("sputter")
    assert fit.worn == pytest.approx(2e6 + 0.5 * 100.0 * DURATION)


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_witnesses_that_are_so_many_times_as_thick_give_so_many_times_the_rate_and_the_tooling(
    kept, rates, factor
):
    (before,) = rates.fits("sputter")
    entered(kept, factor)
    (after,) = rates.fits("sputter")
    assert after.rate_at(110.0) == pytest.approx(factor * before.rate_at(110.0), rel=1e-6, abs=0.0)
    assert after.tooling == pytest.approx(factor * before.tooling)
    assert (after.runs, after.bench, after.real) == (before.runs, before.bench, before.real)
    assert after.id != before.id
    assert rates.kept("sputter") == [before, after]


def test_witnesses_that_do_not_tell_how_a_rate_goes_with_the_power_give_a_rate_in_proportion(kept, rates):
    assert rates.fits("sputter")[0].in_proportion == ""
    entered(kept, 2.0, [120.0])
    (fit,) = rates.fits("sputter")
    assert fit.exponent_sd > 1.0
    assert fit.exponent == 1.0
    assert fit.rate_at(200.0) == pytest.approx(2.0 * fit.rate_at(100.0), rel=1e-6, abs=0.0)
    entered(kept, 1.0, [120.0], sd=2e-7)
    (fit,) = rates.fits("sputter")
    assert "exponent to +-" in fit.in_proportion


def test_a_rate_in_proportion_is_told_with_the_reason_where_a_film_has_another_power(kept, rates):
    entered(kept, 2.0, [120.0])
    film = film_of("LiCoO2", 120.0)
    found = rates.film_rate("sputter", film, dict.fromkeys(("gun1", "gun2", "gun3"), 0.0))
    (fit,) = rates.fits("sputter")
    assert (
        f"with {fit.power:.4g} W and not 120 W, in proportion to the power, for its witnesses give"
        in found.elsewhere
    )
    assert found.sd > fit.rate_sd
    same = rates.film_rate("sputter", film_of("LiCoO2", fit.power), {"gun1": 0.0})
    assert same.elsewhere == ""


def film_of(material, power):
    """Return a recipe of one target at a power [W], under the conditions of the fits here."""
    return DepositionRecipe(
        "r",
        material,
        (GunSetting(material, power=power),),
        (GasFlow("Ar", SCCM),),
        pressure=3.0,
        base_pressure=1e-5,
        presputter=0.0,
        thickness=1e-9,
    )


def test_what_is_measured_as_before_changes_no_fit(kept, rates):
    (before,) = rates.fits("sputter")
    entered(kept)
    measure(kept.folder, "w100", Measurement("area", 1e-5, 1e-7))
    assert rates.fits("sputter") == (before,)
    assert rates.kept("sputter") == [before]


def test_a_calibration_that_is_made_anew_does_not_become_the_newest(kept, rates):
    (first,) = rates.fits("sputter")
    later = replace(first, runs=(*first.runs[:2],), measured={k: first.measured[k] for k in ("w80", "w100")})
    rates.keep("sputter", later)
    entered(kept, 2.0, [120.0])
    one, two = rates.fits("sputter")
    assert (one.runs, two) == (first.runs, later)
    assert len(rates.kept("sputter")) == 3


def test_a_fit_whose_runs_are_gone_stays_as_it_was_with_a_word(kept, rates, caplog):
    (before,) = rates.fits("sputter")
    for path in kept.folder.glob("runs/**/*.jnl"):
        path.unlink()
    entered(kept, 2.0)
    for _ in range(2):
        assert rates.fits("sputter") == (before,)
    said = [each for each in caplog.messages if "cannot be made anew" in each]
    assert len(said) == 1
    assert said[0].startswith(f"fit {before.id} of sputter goes by what was measured before")


def test_the_command_that_enters_a_thickness_says_which_fit_it_changes(kept, rates):
    (before,) = rates.fits("sputter")

    def said(thickness):
        words = ["sample", "measure", "w100", "thickness", thickness, "--sd", "1 nm", "--layer", "LiCoO2"]
        done = CliRunner().invoke(app, [*words, "--data", str(kept.folder), "--config", str(config_dir())])
        assert done.exit_code == 0, done.output
        return done.output.splitlines()

    assert len(said("300 nm")) == 1
    lines = said("330 nm")
    (after,) = rates.fits("sputter")
    assert after.rate > before.rate
    assert lines[1].endswith(f"fit {after.id} instead of {before.id}")


def test_fits_that_a_measurement_changes_are_told(kept, rates):
    (before,) = rates.fits("sputter")
    config = Config(config_dir())
    assert list(fitted_anew(kept.folder, config)) == []
    entered(kept, 2.0)
    (line,) = fitted_anew(kept.folder, config)
    (after,) = rates.fits("sputter")
    assert line == (
        f"sputter of bench sputter: LiCoO2: {after.rate * 6e10:.2f} nm/min (+-1%) at 98.6 W, before"
        f" {before.rate * 6e10:.2f} nm/min (+-1%); tooling 2.000 (+-0%), before 1.000 (+-0%); fit {after.id} instead of"
        f" {before.id}"
    )
    assert list(fitted_anew(kept.folder, config)) == []
