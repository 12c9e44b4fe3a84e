"""The whole line as one experiment: deposit, flash, LiPON, lithium, cycles; judged by the arithmetic of the chain."""

from dataclasses import replace
from pathlib import Path

import pytest
from event_model import DocumentNames, schema_validators

from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from labctl import Run
from labctl.config.folder import Config
from labctl.samples.facts import Facts
from tests.support import quick_films

ROOT = Path(__file__).parents[2]
TOOLING, MASK = 1.06, 0.15e-4
LITHIUM = 0.94
"""Film on the sample over film on the crystal, of the evaporator."""
HALF = 69.0
"""uAh/cm2/um: half the lithium of dense LiCoO2, about which the lab's sample pages count."""


@pytest.fixture
def made(tmp_path):
    """Return a session, the runs of one line on it, and the thickness [m] that was asked of the cathode."""
    with quick_films.quick_session(tmp_path / "data", bench="line") as lab:
        asked = 310e-9
        sample = quick_films.foil()
        flash = replace(Config(ROOT / "config").recipe("fla-850V-20"), pulse_count=4)
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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_line_is_one_experiment_whose_cell_is_what_its_films_make_it(made):
    lab, sample, every, asked = made
    for run in every:
        for name, doc in run.documents:
            schema_validators[DocumentNames[name]].validate(doc)
    runs = [run for run in every if run.start["purpose"] != "service"]
    assert [run.start["purpose"] for run in runs] == ["deposit", "anneal", "deposit", "deposit", "cycle"]
    assert len({run.start["experiment"] for run in every}) == 1
    assert {run.start["sample"]["id"] for run in runs} == {sample.id}
    for number, run in enumerate(runs):
        assert run.start["inputs"][:number] == [each.uid for each in runs[:number]]
    places = [fact["place"] for fact in Facts(lab.data).of(sample.id) if fact["fact"] == "brought"]
    assert places[:4] == ["sputter", "lamp", "sputter", "evaporator"]
    truth = {film.material: film for film in lab.twins.foil(sample.id).grown}
    assert truth["LiCoO2"].thickness == pytest.approx(TOOLING * asked, rel=0.02)
    assert truth["Li"].thickness == pytest.approx(LITHIUM * 200e-9, rel=0.02)
    cycles = runs[-1].table("cycles")
    charge = float(cycles["discharge_capacity"][-1]) / 3600.0 * 1e6 / (MASK * 1e4)
    # Not more than its true film holds; a film that was hardly flashed gives some of it.
    assert 0.0 < charge <= HALF * 1.06 * asked * 1e6 * 1.05
