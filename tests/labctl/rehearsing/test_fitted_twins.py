"""A rehearsal goes by the fits of the bench that it is a rehearsal of, and twins of what is real behave so."""

from dataclasses import replace

import pytest

from devices.sputter.parameters import SputterParameters
from labctl import Run
from labctl.calibration import FluenceCalibration, LampFit
from labctl.config.folder import Config
from labctl.config.models import Address, World
from labctl.films.rates import FilmFit, FilmRates
from labctl.rehearsing.call import PlanCall
from labctl.rehearsing.fitted_twins import as_fitted
from labctl.rehearsing.rehearsal import rehearse_call
from labctl.rehearsing.stage import staged
from tests.support import quick_films as quick

CONFIG = Config(quick.ROOT / "config")
GASES = {"Ar": 24 / 25, "O2": 1 / 25}
FIT = FilmFit(
    "LiCoO2",
    "LiCoO2",
    rate=1.4e-10,
    power=119.6,
    exponent=1.0,
    rate_sd=0.01,
    pressure=3.0,
    tooling=1.3,
    tooling_sd=0.01,
    powers=(119.6, 119.6),
    gases=GASES,
    runs=("u",),
    time=1.0,
    bench="sputter",
    real=True,
    measured={"w": (1e-7, 1e-9)},
)


def hardware(name):
    """Return a shipped bench as if all of its stations were real."""
    bench = CONFIG.bench(name)
    devices = {}
    for device, entry in bench.devices.items():
        parts = {
            part: replace(each, address=Address("serial", "/dev/ttyUSB0"))
            for part, each in entry.parts.items()
        }
        devices[device] = replace(entry, parts=parts)
    return replace(bench, devices=devices, world=None)


def test_a_film_is_rehearsed_with_the_real_machines_fit_on_a_twin_that_behaves_so(tmp_path):
    bench, data = hardware("sputter"), tmp_path / "data"
    FilmRates(data, bench).keep("sputter", FIT)
    foil, recipe = quick.foil("f"), quick.film(thickness=20e-9)
    with staged(with_fast_ramps(bench), CONFIG.limits(), data, [foil]) as stage, stage.session() as lab:
        (uid,) = lab.RE(lab.plans.deposit(lab.sputter, foil, recipe))
        run = Run(uid, stage.folder)
        assert run.start["film_rate"]["calibration"] == run.start["tooling"]["calibration"] == FIT.id
        assert run.table("layers")["doubtful"][0] == 0
        (film,) = lab.twins.foil("f").grown
        assert film.thickness == pytest.approx(20e-9, rel=0.02)
        assert run.table("layers")["duration"][0] == pytest.approx(20e-9 / FIT.rate, rel=0.05)
    assert FilmRates(data, bench).kept("sputter") == [FIT]


@pytest.mark.parametrize("is_real", [True, False])
def test_what_is_stated_of_a_real_crystals_heat_is_not_held_against_a_twins(tmp_path, is_real):
    bench = hardware("sputter") if is_real else CONFIG.bench("sputter")
    assert bench.devices["sputter"].parameters.crystal_warms is not None
    fitted = as_fitted(bench, FluenceCalibration(tmp_path, bench), FilmRates(tmp_path, bench))
    assert (fitted.devices["sputter"].parameters.crystal_warms is None) is is_real


@pytest.mark.parametrize("is_real", [True, False])
def test_what_is_stated_of_a_real_throttle_and_real_targets_is_not_held_against_twins(tmp_path, is_real):
    bench = hardware("sputter") if is_real else CONFIG.bench("sputter")
    stated = bench.devices["sputter"].parameters.references
    assert stated
    fitted = as_fitted(bench, FluenceCalibration(tmp_path, bench), FilmRates(tmp_path, bench))
    assert fitted.devices["sputter"].parameters.references == (() if is_real else stated)
    # The rest of what is stated of it stays.
    assert fitted.devices["sputter"].parameters.flows == bench.devices["sputter"].parameters.flows


def with_fast_ramps(bench):
    """Return a bench whose targets bear fast ramps."""
    entry = bench.devices["sputter"]
    assert isinstance(entry.parameters, SputterParameters)
    targets = {gun: replace(each, ramp=4.0) for gun, each in entry.parameters.targets.items()}
    quickly = replace(entry, parameters=replace(entry.parameters, targets=targets))
    return replace(bench, devices={**bench.devices, "sputter": quickly})


def test_twins_are_rehearsed_as_their_world_says_with_their_own_fits_and_no_real_ones(tmp_path):
    bench = CONFIG.bench("sputter")
    own = replace(FIT, real=False, runs=("v",))
    FilmRates(tmp_path, bench).keep("sputter", FIT, own)
    assert (
        as_fitted(bench, FluenceCalibration(tmp_path, bench), FilmRates(tmp_path, bench)).world == bench.world
    )
    with staged(bench, CONFIG.limits(), tmp_path, []) as stage:
        assert stage.bench.world.chambers == bench.world.chambers
        assert [each.id for each in FilmRates(stage.folder, stage.bench).fits("sputter")] == [own.id]


def test_a_real_lamp_is_rehearsed_as_it_was_fitted(tmp_path):
    bench = hardware("flash-lamp")
    entry = bench.devices["lamp"]
    bench = replace(
        bench,
        devices={
            **bench.devices,
            "lamp": replace(entry, parameters=replace(entry.parameters, calibration="latest")),
        },
    )
    fit = LampFit(
        0.4, 0.01, 30.0, 0.1, 0.01, (300.0, 500.0), 9, runs=("u",), time=1.0, bench="flash-lamp", real=True
    )
    FluenceCalibration(tmp_path, bench).keep("lamp", fit)
    with staged(bench, CONFIG.limits(), tmp_path, []) as stage:
        built = stage.bench.devices["lamp"].parameters
        assert (built.efficiency, built.lamp_constant) == (0.4, 30.0)
        assert stage.bench.world == World()
        assert [each.id for each in FluenceCalibration(stage.folder, stage.bench).fits("lamp")] == [fit.id]


def test_a_calibration_that_is_rehearsed_leaves_no_fit_here(tmp_path):
    with quick.quick_session(tmp_path) as lab:
        wafer = CONFIG.sample("witness")
        spot = replace(wafer, id="w", parents=(wafer.id,), cell_layers=())
        witness = quick.film("witness-lco", thickness=50e-9)
        call = PlanCall(
            lab.plans.calibrate_rate, (lab.sputter, lab.hands, lab.films, [spot], witness, [119.6]), {}
        )
        assert rehearse_call(lab, call).faults == ()
        assert lab.films.kept("sputter") == []
