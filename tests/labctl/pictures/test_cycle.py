"""Each kind of step has the picture it is looked at for."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)
from devices.recipes import to_json
from devices.roles.hands import Assemble
from labctl import Run
from labctl.pictures.cycle import cycle_figures, rates_of, time_figure
from labctl.pictures.plot import plot_run
from sim.foil import Foil, Surroundings
from sim.physics.lamp.bank import Bank, discharge


@pytest.fixture
def run(open_lab, sample, tmp_path):
    foil, pulse = Foil(to_json(sample), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    folder = tmp_path / "data" / "bench" / "twin" / "samples"
    folder.mkdir(parents=True)
    (folder / f"{sample.id}.json").write_text(json.dumps(foil.to_dict()))
    lab = open_lab()
    lab.wait(lab.hands.set(Assemble(sample)))
    every = Record(interval=20.0)
    charge = Step(ConstantCurrent(2e-5), Until(duration=600.0, voltage_above=4.2), every)
    pair = (
        replace(charge, run=ConstantCurrent(5e-5), until=Until(voltage_above=4.1)),
        Step(ConstantCurrent(-5e-5), Until(voltage_below=3.7), every),
    )
    steps = (
        charge,
        Step(PotentiostaticImpedance(1e4, 1.0, 5e-3, per_decade=4)),
        Step(VoltageRamp(3.95, 4.05, 5e-4), Until(), Record(interval=2.0)),
        Step(VoltageRamp(4.05, 3.95, 5e-4), Until(), Record(interval=2.0)),
        Loop(pair, 10, counts_cycles=True),
    )
    program = Program("all", steps, CellLimits(2.9, 4.35, 5e-4))
    (uid,) = lab.RE(lab.plans.cycle(lab.potentiostat, sample, program))
    return Run(uid, lab.data)


def test_a_program_of_everything_has_every_picture_with_units_on_its_axes(run, tmp_path):
    figures = cycle_figures(run, "film")
    assert set(figures) == {"time", "current", "voltage", "voltammogram", "nyquist", "fade"}
    for figure in figures.values():
        (axes,) = figure.axes
        assert axes.get_ylabel()
        assert "(" in axes.get_ylabel()
    impedance = run.table("impedance")
    (points,) = figures["nyquist"].axes[0].lines
    area = run.start["sample"]["area_m2"] * 1e4
    assert np.allclose(points.get_xdata(), impedance["z_real"] * area)
    assert np.allclose(points.get_ydata(), -impedance["z_imag"] * area)
    _, drawn = figures["current"].axes[0].lines
    assert np.allclose(drawn.get_ydata(), run.table()["current"] / area * 1e6)
    loop = figures["voltammogram"].axes[0].lines[0]
    assert loop.get_ydata().max() > 0 > loop.get_ydata().min()
    assert len(plot_run(run, tmp_path / "pictures")) == 6


@pytest.mark.parametrize(
    ("last", "unit", "shown"),
    [(90.0, "s", 90.0), (600.0, "min", 10.0), (7.2e4, "h", 20.0), (8.64e5, "days", 10.0)],
)
def test_times_are_in_the_unit_people_would_say(last, unit, shown):
    rows = {"test_time": np.array([0.0, last]), "voltage": np.array([3.0, 4.0])}
    (axes,) = time_figure(SimpleNamespace(start={}), rows, "film").axes
    assert axes.get_xlabel() == f"time ({unit})"
    assert axes.lines[0].get_xdata()[-1] == pytest.approx(shown)


def test_a_train_of_pulses_has_no_curve_over_capacity(run):
    rows = run.table()
    rows["cycle"][:] = 1  # one cycle that turns twenty times
    assert rates_of(run, rows) == {}
    assert len(rates_of(run, run.table())) == 1
