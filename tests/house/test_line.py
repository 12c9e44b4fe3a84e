"""The whole line as one experiment: deposit, flash, LiPON, lithium, cycles; judged by the arithmetic of the chain."""

from dataclasses import replace
from pathlib import Path

import pytest

from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from labctl import Run
from labctl.config.folder import Config
from labctl.samples.facts import Facts
from labctl.session import open_session
from tests.support import quick_films
from tests.support.valid import hold

ROOT = Path(__file__).parents[2]
TOOLING, LITHIUM = 1.06, 0.94
"""Film on the sample over film on the crystal, of the sputter system and of the evaporator."""
CHARGE = 1.602176634e-19
"""C of an electron [CODATA 2018]."""


@pytest.fixture
def made(tmp_path):
    """Return a session, the runs of one line on it, and the thickness [m] that was asked of the cathode."""
    with quick_films.quick_session(tmp_path / "data", bench="line") as lab:
        asked = 310e-9
        sample = quick_films.foil()
        flash = replace(Config(ROOT / "config").recipe("fla-850V-20"), pulse_count=20)
        rates = RateTest("one", (Rate(2.0, "A/m^2"),), 3.0, 4.25, 1, Record(interval=60.0))
        uids = lab.RE(
            lab.plans.line(
                lab.sputter,
                lab.lamp,
                lab.evaporator,
                lab.potentiostat,
                lab.hands,
                sample,
                quick_films.film(thickness=asked),
                flash,
                quick_films.film("sputter-lipon-1um", thickness=100e-9),
                quick_films.evaporation(thickness=200e-9),
                rates.on(CellSize.of(sample)),
            )
        )
        yield lab, sample, [Run(uid, lab.data) for uid in uids], asked


@pytest.mark.timeout(300)
def test_a_line_is_one_experiment_whose_cell_is_what_its_films_make_it(made):
    lab, sample, every, asked = made
    for run in every:
        hold(run)
    runs = [run for run in every if run.start["purpose"] != "service"]
    assert [run.start["purpose"] for run in runs] == ["deposit", "anneal", "deposit", "deposit", "cycle"]
    assert len({run.start["experiment"] for run in every}) == 1
    assert {run.start["sample"]["id"] for run in runs} == {sample.id}
    for number, run in enumerate(runs):
        assert run.start["inputs"][:number] == [each.uid for each in runs[:number]]
    assert not any(fact["fact"] == "confirmed" for fact in Facts(lab.data).of(sample.id))
    places = [fact["place"] for fact in Facts(lab.data).of(sample.id) if fact["fact"] == "brought"]
    assert places[:4] == ["sputter", "lamp", "sputter", "evaporator"]
    truth = {film.material: film for film in lab.twins.foil(sample.id).grown}
    assert truth["LiCoO2"].thickness == pytest.approx(TOOLING * asked, rel=0.02)
    assert truth["Li"].thickness == pytest.approx(LITHIUM * 200e-9, rel=0.02)
    given = float(runs[-1].table("cycles")["discharge_capacity"][-1])
    # Half a lithium for each cobalt that truly is there, which the window to 4.25 V takes to a few hundredths.
    cobalt = truth["LiCoO2"].deposit.atoms["Co"] * sample.area
    assert given == pytest.approx(0.5 * cobalt * CHARGE / 3600.0, rel=0.06)
    believed = runs[-1].start["capacity"]
    assert given == pytest.approx(believed["value_Ah"], abs=2 * believed["sd_Ah"])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_shipped_line_gives_the_papers_cell(tmp_path):
    with open_session("line", data=tmp_path / "data", handle_signals=False) as lab:
        experiment = Config(ROOT / "config").experiment("line-0.7um")
        uids = lab.RE(lab.plans.line(**lab.arguments(experiment)))
        given = float(Run(uids[-1], lab.data).table("cycles")["discharge_capacity"][0]) * 1e6
    # 49 uAh/cm2 [FLA paper], 5 % of the film's own uncertainty and 6 % of the tooling that nobody calibrated.
    assert given / 0.15 == pytest.approx(49.0, rel=0.11)
