"""Pictures of films: what was measured over one time, each axis with its unit."""

import importlib.util
from pathlib import Path

import pytest

from labctl import Run
from labctl.config.readers import any_recipe
from labctl.pictures.plot import figures_of, pictures_of, plot_run

ROOT = Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("quick_films", ROOT / "tests" / "support" / "quick_films.py")
quick = importlib.util.module_from_spec(spec)
spec.loader.exec_module(quick)


@pytest.fixture
def lab(tmp_path):
    with quick.quick_session(tmp_path / "data") as opened:
        yield opened


def test_a_film_is_drawn_from_its_thickness_to_its_bias(lab, tmp_path):
    (uid,) = lab.RE(lab.plans.deposit(lab.sputter, quick.foil(), quick.film(thickness=20e-9)))
    run = Run(uid, lab.data)
    (path,) = plot_run(run, tmp_path / "pictures")
    assert path.stem.endswith("-film")
    figure = figures_of(run)["film"]
    labels = [axes.get_ylabel().replace("\n", " ") for axes in figure.axes]
    assert labels == ["film (nm)", "rate (nm/min)", "pressure (Pa)", "power (W)", "bias (V)"]
    assert figure.axes[-1].get_xlabel().startswith("time (")
    assert "20 nm of LiCoO2" in figure.axes[0].get_title()
    assert all(len(axes.lines) == 1 for axes in figure.axes)
    assert max(figure.axes[0].lines[0].get_ydata()) == pytest.approx(20.0, abs=0.5)


def test_a_bake_is_drawn_as_measured(lab):
    recipe = any_recipe(ROOT / "config" / "recipes" / "furnace-520C-15min.toml")
    (baked,) = lab.RE(lab.plans.bake(lab.furnace, quick.foil(), recipe))
    (axes,) = figures_of(Run(baked, lab.data))["furnace"].axes
    assert axes.get_ylabel() == "temperature (degC)"
    assert axes.lines[0].get_ydata()[-1] <= 50.0


@pytest.mark.parametrize(("plan", "scale"), [("pump_down", "log"), ("leak_check", "linear")])
def test_a_chamber_without_a_film_is_drawn_by_its_pressure_alone(lab, plan, scale):
    if plan == "pump_down":
        lab.RE(lab.plans.vent(lab.sputter))
    given = {"pump_down": (1e-3,), "leak_check": (1e-4, 30.0)}[plan]
    (uid,) = lab.RE(getattr(lab.plans, plan)(lab.sputter, *given))
    pictures = pictures_of(Run(uid, lab.data), lab.data)
    assert list(pictures) == ["measured"]
    (axes,) = pictures["measured"].axes
    assert axes.get_ylabel() == "pressure (Pa)"
    assert axes.get_yscale() == scale
    assert axes.get_title() == f"{plan.replace('_', ' ')}, run {uid[:8]}"


def test_a_conditioning_says_nothing_of_grey_where_nothing_is_grey(lab):
    (uid,) = lab.RE(lab.plans.condition_target(lab.sputter, quick.film()))
    figure = figures_of(Run(uid, lab.data))["film"]
    assert figure.axes[0].get_title() == f"condition target, run {uid[:8]}: sputter-lco-0.7um"
    assert "film (nm)" not in [axes.get_ylabel() for axes in figure.axes]
