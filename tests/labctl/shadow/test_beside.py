"""Beside a run the shadow tells, and whatever happens to it the run is as it was."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import labctl
from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.cycling.techniques import Record
from devices.errors import InterlockError
from devices.recipes import AnnealRecipe
from devices.roles.hands import Assemble
from devices.samples import Layer, SampleRef
from labctl import Run
from labctl.pictures.plot import plot_run
from labctl.shadow.afterwards import rms, shadow_run
from labctl.shadow.beside import Shadows
from labctl.shadow.cell import ShadowCell
from labctl.shadow.showing import lines_of, show_shadow, table_of

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a data folder in which a foil was annealed and became a cell, and the sample."""
    sample = SampleRef(
        id="quick-1",
        layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6, 0.02e-6)),
        cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
        area=0.15e-4,
    )
    recipe = AnnealRecipe("quick", voltage=850.0, pulse_duration=1.8e-3, pulse_count=20, rate=0.4)
    folder = tmp_path_factory.mktemp("made") / "data"
    with labctl.open_session("twin", data=folder, handle_signals=False) as lab:
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        lab.wait(lab.hands.set(Assemble(sample)))
    return folder, sample


@pytest.fixture
def cycled(open_lab, made, tmp_path):
    """Cycle the cell in a folder of its own; truly: what the bench's file says of it, and belief does not know."""
    made_in, sample = made
    rates = (Rate(0.5, "A/m^2"), Rate(5.0, "A/m^2"))
    program = RateTest("two-rates", rates, 3.0, 4.25, 1, Record(voltage_change=5e-3)).on(CellSize.of(sample))

    def cycle(folder="data", truly="", config=CONFIG):
        config = shutil.copytree(config, tmp_path / f"{folder}-config")
        if truly:
            with (config / "benches" / "twin.toml").open("a") as bench:
                bench.write(f'\n[[world.cell]]\nsample = "{sample.id}"\n{truly}\n')
        lab = open_lab(data=shutil.copytree(made_in, tmp_path / folder), config=config)
        lab.wait(lab.hands.set(Assemble(sample)))
        begun = set((lab.data / "runs").glob("*/*/*.jnl"))
        try:
            lab.RE(lab.plans.cycle(lab.potentiostat, sample, program))
        finally:
            (path,) = set((lab.data / "runs").glob("*/*/*.jnl")) - begun
            cycle.run = Run(path)
            lab.close()
        return lab, cycle.run

    return cycle


def events_of(run, code="shadow"):
    events = run.table("events")
    chosen = events["code"] == code
    return list(zip(events["severity"][chosen].tolist(), events["text"][chosen].tolist(), strict=True))


def test_a_twin_that_is_as_believed_is_within_5_mv_and_raises_no_alarm(cycled, tmp_path):
    _, run = cycled()
    table = run.table("residual")
    off = (table["measured"] - table["predicted"])[table["quantity"] == "voltage_V"]
    assert len(off) > 50
    assert np.sqrt(np.mean(off**2)) < 5e-3
    assert set(table["quantity"].tolist()) == {"voltage_V", "capacity_Ah", "energy_Wh"}
    assert [severity for severity, _ in events_of(run)] == ["info"]
    assert any(path.stem.endswith("-residual") for path in plot_run(run, tmp_path / "pictures"))


def test_after_the_fact_it_tells_what_it_told_beside_the_run(cycled, tmp_path):
    lab, run = cycled(truly='series_resistance = "300 ohm"')
    heard = shadow_run(run, lab.data, lab.believer, lab.limits.shadow)
    kept, computed = run.table("residual"), table_of(heard)
    assert all(np.array_equal(kept[name], computed[name]) for name in kept)
    assert [(each.severity, each.text) for each in heard.said] == events_of(run)
    assert any("ohm more in series" in line for line in lines_of(heard))
    assert rms(heard.of("voltage_V")) > 1e-3
    shown = show_shadow(run.uid, "twin", tmp_path / "pictures", None, lab.data)
    assert "ohm more in series" in shown
    assert list((tmp_path / "pictures").glob("*-shadow.png"))


def test_a_model_that_fails_leaves_the_run_as_it_is_without_one(cycled, monkeypatch):
    _, healthy = cycled("healthy")
    advance, left = ShadowCell.advance, iter(range(20))

    def failing(*arguments):
        next(left)
        advance(*arguments)

    monkeypatch.setattr(ShadowCell, "advance", failing)
    _, run = cycled("failing")
    assert run.stop["exit_status"] == "success"
    for stream in ("primary", "steps", "cycles", "outcome"):
        ours, theirs = run.table(stream), healthy.table(stream)
        for key in set(ours) - {"unix_time"}:
            np.testing.assert_array_equal(ours[key], theirs[key])
    severity, text = events_of(run)[-1]
    assert severity == "info"
    assert text.startswith("no model runs beside this run")


def test_an_alarm_ends_the_run_only_where_the_limits_say_so(cycled, tmp_path):
    config = shutil.copytree(CONFIG, tmp_path / "config")
    limits = (config / "limits.toml").read_text()
    assert "ends = false" in limits
    (config / "limits.toml").write_text(limits.replace("ends = false", "ends = true"))
    _, run = cycled(truly="capacity = 0.7")
    assert run.stop["exit_status"] == "success"
    assert any(severity == "warning" for severity, _ in events_of(run))
    with pytest.raises(InterlockError, match=r"shadow.*active film.*shadow\.ends"):
        cycled("ended", "capacity = 0.7", config)
    ended = cycled.run
    assert ended.stop["exit_status"] == "fail"
    assert ended.counts()["primary"] > 0
    assert any(severity == "warning" for severity, _ in events_of(ended))


def test_a_cell_that_no_model_knows_runs_without_one(open_lab):
    lab = open_lab()
    shadows = Shadows(lab.data, lab.believer, {"potentiostat": lab.potentiostat}, lab.limits.shadow)
    strange = {"id": "x", "layers": [{"material": "Cu", "thickness": 1e-5}], "area": 1e-5}
    start = {"uid": "u", "time": 0.0, "purpose": "cycle", "sample": strange}
    shadows("start", start | {"plan_args": {"potentiostat": "potentiostat"}})
    shadows("descriptor", {"uid": "d", "run_start": "u", "name": "primary"})
    shadows("event_page", {"descriptor": "d", "time": [5.0], "data": {"voltage": [3.0]}})
    (page,) = lab.potentiostat.streams["events"].collect_pages()
    assert page["data"]["severity"] == ["info"]
    assert "no model runs beside this run" in page["data"]["text"][0]
    shadows("event_page", {"descriptor": "d", "time": [6.0], "data": {"voltage": [3.0]}})
    assert not list(lab.potentiostat.streams["events"].collect_pages())
