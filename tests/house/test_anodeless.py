"""A cell without an anode on the twins: formed, charged by a voltage, discharged too far; a stack with a bad layer."""

from dataclasses import replace
from pathlib import Path

import pytest

from devices.cycling.cells import CellSize
from devices.errors import Incomplete
from devices.samples import Layer
from labctl import Run
from labctl.config.folder import Config
from labctl.derived.store import derive
from labctl.language.text_program import TextProgram
from tests.support.valid import hold

CONFIG = Path(__file__).parents[2] / "config"

OVER = (
    "limits 2.0 V to 4.35 V, 3 mA",
    "recording every 10 min",
    "Charge at C/5 until 4.25 V, Discharge at C/5 for 10 hours",
)
REST_AND_SPECTRUM = (
    "limits 2.9 V to 4.35 V, 10 mA",
    "recording every 2 min",
    "Charge at C/5 until 4.2 V, Discharge at C/5 for 2 hours, Rest for 1 hour",
    "Impedance from 100 kHz to 10 mHz, 5 mV, 4 per decade",
)


@pytest.fixture
def cell():
    return Config(CONFIG).sample("anodeless-10um")


def run_of(lab, sample, program):
    (uid,) = lab.RE(
        lab.plans.assemble_then_cycle(lab.potentiostat, lab.hands, sample, program.on(CellSize.of(sample)))
    )
    run = Run(uid, lab.data)
    hold(run)
    return run


def test_a_cell_without_lithium_is_charged_by_a_voltage_and_gives_it_back(open_lab, cell):
    run = run_of(open_lab("sheet"), cell, Config(CONFIG).program("anodeless-cv"))
    cycles = run.table("cycles")
    assert cycles["discharge_capacity"] == pytest.approx(cycles["discharge_capacity"][0], rel=2e-3)
    assert 0.8 < cycles["discharge_capacity"][0] / (0.69e-3 * 0.15) < 1.02


def test_over_discharge_is_told_and_what_was_measured_is_kept(open_lab, cell):
    lab = open_lab("sheet")
    with pytest.raises(Incomplete, match="minimum voltage"):
        run_of(lab, cell, TextProgram("over", OVER))
    run = Run("last", lab.data)
    said = dict(zip(run.table("events")["code"], run.table("events")["text"], strict=True))
    assert "what was charged" in said["doubt"]
    assert "no lithium but what was charged" in said["safety"]
    assert len(run.table()["voltage"]) > 50


def test_a_discharge_below_the_window_that_ends_well_is_told_before_and_after(open_lab, cell):
    lab = open_lab("sheet")
    program = ("limits 0.5 V to 4.35 V, 3 mA", "recording every 10 min",
               "Charge at C/5 until 4.25 V, Discharge at C/5 until 1 V")  # fmt: skip
    events = run_of(lab, cell, TextProgram("over", program)).table("events")
    said = dict(zip(events["code"], events["text"], strict=True))
    assert "1 V is below 3 V" in said["doubt"]
    assert "no lithium but what was charged" in said["over_discharged"]


def test_lithium_beside_what_is_plated_outlasts_the_same_discharge(open_lab, cell):
    rich = replace(
        cell, id="rich", cell_layers=(cell.cell_layers[0], Layer("Li", 2e-6)), materials=cell.materials[:1]
    )
    assert not CellSize.of(rich).anodeless
    lab = open_lab("sheet")
    with pytest.raises(Incomplete, match="minimum voltage"):
        run_of(lab, rich, TextProgram("over", OVER))
    events = Run("last", lab.data).table("events")
    assert not any("lithium" in text for text in events["text"])


@pytest.mark.parametrize(("layer", "found"), [("", "sound"), ('"200 ohm"', "resistive")])
def test_a_bad_layer_of_a_stack_is_found_from_its_terminals(open_lab, tmp_path, layer, found):
    text = (CONFIG / "benches" / "sheet.toml").read_text()
    if layer:
        text += f'\n[[world.cell]]\nsample = "anodeless-stack"\nlayer = 3\nseries_resistance = {layer}\n'
    (tmp_path / "sheet.toml").write_text(text)
    stack = Config(CONFIG).sample("anodeless-stack")
    lab = open_lab(str(tmp_path / "sheet.toml"))
    run = run_of(lab, stack, TextProgram("look", REST_AND_SPECTRUM))
    (derived,) = derive(lab.data, [run], ["stack_layers"])
    row = Run(derived.uid, lab.data).table()
    assert row["verdict"][0] == found
    if layer:
        assert row["resistance"][0] == pytest.approx(200.0, rel=0.2)
        assert row["share_fast"][0] < 0.06
    else:
        assert row["share_fast"][0] == pytest.approx(1 / 6)
