"""What the lab believes of a cathode by the runs that put it on, against what truly grew on the twins."""

from dataclasses import replace

import pytest

from labctl import Run
from labctl.films.believed_growth import cathode_parts
from labctl.runs.films import FilmPutOn
from labctl.samples.believed import believed
from labctl.samples.deposited import deposited
from sim.physics.growth.as_deposited import active_share
from tests.support import quick_films as quick

PART = FilmPutOn("LiCoO2", 0.3e-6, 0.01e-6, "thickness monitor", pressure=3.0, oxygen=0.04, time=1.0)


def test_parts_add_up_to_the_thickness_that_is_believed_of_the_whole():
    parts = list(cathode_parts([PART, replace(PART, thickness=0.1e-6, time=2.0)], 0.5e-6))
    assert [(time, part.thickness) for time, part in parts] == [
        (1.0, pytest.approx(0.375e-6, rel=1e-6, abs=0.0)),
        (2.0, pytest.approx(0.125e-6, rel=1e-6, abs=0.0)),
    ]


def test_bias_takes_lithium_away_and_makes_a_film_active_and_dense():
    ((_, plain),) = cathode_parts([PART], 0.3e-6)
    ((_, biased),) = cathode_parts([replace(PART, bias=50.0)], 0.3e-6)
    assert biased.li_co / plain.li_co == pytest.approx(0.95, rel=1e-12)
    assert plain.active == pytest.approx(0.0, abs=1e-3)
    assert biased.active == pytest.approx(63.0 / 71.4, rel=1e-3)
    assert (plain.density, biased.density) == (pytest.approx(4500.0), pytest.approx(4800.0))


def test_a_film_of_which_nobody_said_in_which_gas_it_grew_is_as_described():
    assert list(cathode_parts([PART, replace(PART, pressure=None)], 0.6e-6)) == []


@pytest.mark.parametrize("watts", [0.0, 20.0])
def test_a_recorded_bias_is_believed_to_have_done_what_it_truly_did(tmp_path, watts):
    recipe = quick.film(thickness=310e-9, bias_power=watts)
    with quick.quick_session(tmp_path / "data") as lab:
        (uid,) = lab.RE(lab.plans.deposit(lab.sputter, quick.foil(), recipe))
        (film,) = deposited(lab.data, "foil-1")
        (truth,) = lab.twins.foil("foil-1").grown
        foil = lab.believer.foil(quick.foil())
        layer = Run(uid, lab.data).table("layers")
    (part,) = foil.grown
    assert film.bias == pytest.approx(50.0 if watts else 0.0, abs=1.0)
    assert layer["substrate_temperature"][0] == pytest.approx(film.temperature - 273.15)
    assert part.li_co == pytest.approx(truth.li_co, rel=1e-3)
    assert part.active == pytest.approx(truth.active, abs=5e-3)
    assert part.active == pytest.approx(active_share(film.bias, film.temperature), rel=1e-9)
    assert part.density == pytest.approx(truth.density, rel=1e-3)
    assert part.thickness == believed(tmp_path / "data", quick.foil()).sample.layers[-1].thickness
    assert foil.annealed().mean == pytest.approx(truth.active, abs=5e-3)
