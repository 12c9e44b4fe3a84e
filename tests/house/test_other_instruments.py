"""The same plans with the other instruments of a role: nothing but the bench file differs."""

from __future__ import annotations

import shutil

import pytest

from devices.cycling.cells import CellSize, Rate
from devices.cycling.macros import RateTest
from devices.errors import LabError
from labctl import Run
from labctl.config.finder import config_dir


def test_an_anneal_with_the_other_charger_is_the_same_anneal(open_lab, tmp_path, sample, recipe):
    config = tmp_path / "config"
    shutil.copytree(config_dir(), config)
    path = config / "benches" / "flash-lamp.toml"
    path.write_text(path.read_text().replace('driver = "glassman_fj"', 'driver = "fug_probus"'))
    energies = []
    for folder in (None, config):
        lab = open_lab("flash-lamp", config=folder, data=tmp_path / f"data-{folder is None}")
        (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
        energies.append(Run(uid, lab.data).table()["pulse_energy"])
        lab.close()
    assert energies[1] == pytest.approx(energies[0], rel=2e-3)


@pytest.mark.parametrize("bench", ["emstat", "keithley"])
def test_a_film_becomes_a_cell_on_every_bench(open_lab, sample, recipe, bench):
    lab = open_lab(bench)
    program = RateTest("slow", (Rate(1.0, "A/m^2"),), 3.0, 4.25, 2).on(CellSize.of(sample))
    plan = lab.plans.anneal_then_cycle(lab.lamp, lab.potentiostat, lab.hands, sample, recipe, program)
    _, cycled = lab.RE(plan)
    cycles = Run(cycled, lab.data).table("cycles")
    assert list(cycles["cycle"]) == [1, 2]
    assert cycles["efficiency"][1] == pytest.approx(1.0, abs=0.02)


def test_a_charger_without_a_watchdog_needs_a_dead_man(open_lab, tmp_path):
    config = tmp_path / "config"
    shutil.copytree(config_dir(), config)
    path = config / "benches" / "twin.toml"
    text = path.read_text().replace('driver = "glassman_fj"', 'driver = "fug_probus"')
    path.write_text(text.replace("dead_man = true", "dead_man = false"))
    with pytest.raises(LabError, match="no watchdog"):
        open_lab(config=config)
