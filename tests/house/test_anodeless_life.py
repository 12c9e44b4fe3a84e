"""150 cycles without an anode, and with one: one loss in each of them, and what is seen of it, at the full record."""

from dataclasses import replace
from pathlib import Path

import pytest

from labctl import Run
from labctl.config.folder import Config
from labctl.language.text_program import TextProgram
from sim.materials import cathode

CONFIG = Path(__file__).parents[2] / "config"


def retention(lab, experiment, steps):
    program = TextProgram("life", ("limits 2.9 V to 4.35 V, 3 mA", *steps))
    (uid,) = lab.run(replace(experiment, program=program))
    run = Run(uid, lab.data)
    assert run.stop["exit_status"] == "success"
    loss = lab.twins.foil(experiment.sample.id).as_cell().cell.parameters.ageing.plating_loss
    assert loss == cathode.ANODELESS_AGEING.plating_loss == 5.75e-4
    return run.table("cycles")["discharge_capacity"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("name", "kept", "within"), [("anodeless-life", 0.95, 0.01), ("anodeless-lithium", 1.0, 1e-3)]
)
def test_the_stated_loss_leaves_95_per_cent_after_150_cycles_and_all_where_lithium_lies_below(
    open_lab, name, kept, within
):
    cycle = "repeat 150 x (Charge at C/5 until 4.25 V, Discharge at C/5 until 3.0 V)"
    given = retention(open_lab("sheet"), Config(CONFIG).experiment(name), ("recording every 30 s", cycle))
    assert len(given) == 150
    assert given[-1] / given[0] == pytest.approx(kept, abs=within)
