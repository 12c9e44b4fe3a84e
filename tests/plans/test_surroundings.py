"""What is around a potentiostat is read beside the rows, and its failure ends nothing."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from ophyd.sim import SynSignal
from typer.testing import CliRunner

from devices.errors import ConfigError
from labctl import Run
from labctl.analysis.joining import beside
from labctl.cli import app
from labctl.config.folder import Config
from plans.flying import LOOK_AROUND


def glovebox(readings):
    return SynSignal(func=lambda: next(readings), name="oxygen", labels={"glovebox"})


def test_surroundings_become_a_stream_of_their_own(lab, cell, program):
    readings = iter(float(number) for number in range(100_000))
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program, surroundings=[glovebox(readings)]))
    run = Run(uid, lab.data)
    read = run.table("surroundings")["oxygen"]
    asked = run.table()["test_time"][-1]
    assert len(read) == pytest.approx(asked / LOOK_AROUND, abs=3)
    assert all(read[1:] > read[:-1])
    assert run.start["ambient"] is None


def test_how_often_they_are_read_is_the_plans_to_say(lab, cell, program):
    readings = iter(float(number) for number in range(100_000))
    plan = lab.plans.cycle(
        lab.potentiostat, cell, program, surroundings=[glovebox(readings)], look_around=600.0
    )
    (uid,) = lab.RE(plan)
    run = Run(uid, lab.data)
    assert np.diff(run.times("surroundings"))[1:-1] == pytest.approx(600.0, abs=1.0)


def test_rows_have_the_glovebox_beside_them_and_its_temperature_where_the_bench_names_it(lab, cell, program):
    room = SynSignal(func=lambda: 31.5, name="room", labels={"ambient"})
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program, surroundings=[room]))
    run = Run(uid, lab.data)
    assert run.start["ambient"] == "room"
    recorded, table = run.recorded(), run.table()
    joined = beside(run, "primary", "surroundings")
    assert table.keys() == joined.keys()
    assert all(np.array_equal(table[key], joined[key], equal_nan=True) for key in table)
    assert np.array_equal(run.table(columns=["room", "voltage"])["room"], table["room"], equal_nan=True)
    assert run.units()["surroundings_age"] == "s"
    assert len(table["room"]) == len(recorded["voltage"])
    age = table["surroundings_age"]
    assert np.nanmax(age) <= LOOK_AROUND + 1.0
    assert np.isfinite(age).mean() > 0.99
    known = np.isfinite(age)
    assert np.all(table["ambient_temperature"][known] == 31.5)
    assert not np.any(recorded["ambient_temperature"] == 31.5)
    for asked in (
        [],
        ["--beside", "surroundings"],
        ["--columns", "room,surroundings_age"],
        ["--beside", "steps"],
    ):
        shown = CliRunner().invoke(app, ["show", uid, *asked, "--data", str(lab.data)])
        assert "surroundings_age" in shown.output
        assert "31.5" in shown.output


def test_a_thermometer_that_fails_ends_nothing(lab, cell, program, caplog):
    readings = iter([1.0])  # the second reading raises StopIteration
    with caplog.at_level(logging.WARNING):
        (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program, surroundings=[glovebox(readings)]))
    assert Run(uid, lab.data).stop["exit_status"] == "success"
    assert caplog.text.count("could not be read") == 1


def test_a_device_that_dies_before_the_closing_baseline_leaves_the_run_complete(lab, cell, program, caplog):
    alive = iter([0.0, 1.0])  # when it is made, and when the run opens
    lab.devices["chiller"] = glovebox(alive)
    with caplog.at_level(logging.WARNING):
        (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, cell, program))
    run = Run(uid, lab.data)
    assert run.stop["exit_status"] == "success"
    assert len(run.table("baseline")["oxygen"]) == 1
    assert "closing baseline" in caplog.text


def test_a_bench_says_how_often_it_looks_around_and_plans_at_the_prompt_do_so(
    open_lab, sample, recipe, program, tmp_path
):
    text = Config().bench_path("twin").read_text()
    assert 'look_around = "60 s"' in text
    path = tmp_path / "slow.toml"
    path.write_text(text.replace('look_around = "60 s"', 'look_around = "10 min"'))
    lab = open_lab(str(path))
    assert lab.bench.look_around == 600.0
    lab.devices["room"] = SynSignal(func=lambda: 31.5, name="room", labels={"ambient"})
    plan = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
    run = Run(lab.RE(plan)[-1], lab.data)
    assert np.diff(run.times("surroundings"))[1:-1] == pytest.approx(600.0, abs=1.0)
    assert np.all(run.table()["ambient_temperature"] == 31.5)


@pytest.mark.parametrize("typed", ["60", "0.1 s", "2 hours", "1 V"])
def test_a_period_without_its_unit_or_out_of_its_range_is_refused(tmp_path, typed):
    path = tmp_path / "b.toml"
    text = Config().bench_path("twin").read_text()
    path.write_text(text.replace('look_around = "60 s"', f'look_around = "{typed}"'))
    with pytest.raises(ConfigError, match="look_around"):
        Config().bench(str(path))
