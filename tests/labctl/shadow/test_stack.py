"""The shadow of a stack is one of all its layers: silent where none differs, and heard where one does."""

from pathlib import Path

import pytest

from devices.cycling.cells import CellSize
from labctl import Run
from labctl.config.folder import Config
from labctl.language.text_program import TextProgram
from labctl.shadow.afterwards import rms, shadow_run

CONFIG = Path(__file__).parents[3] / "config"
STEPS = (
    "limits 2.9 V to 4.35 V, 10 mA",
    "recording every 2 min",
    "Charge at C/5 until 4.2 V, Discharge at C/5 for 2 hours, Rest for 20 min",
)
BAD = '\n[[world.cell]]\nsample = "anodeless-stack"\nlayer = 3\nseries_resistance = "200 ohm"\n'


@pytest.mark.parametrize("differs", [False, True])
def test_a_stack_is_believed_with_all_its_layers(open_lab, tmp_path, differs):
    bench = tmp_path / "sheet.toml"
    bench.write_text((CONFIG / "benches" / "sheet.toml").read_text() + (BAD if differs else ""))
    stack, lab = Config(CONFIG).sample("anodeless-stack"), open_lab(str(bench))
    program = TextProgram("look", STEPS).on(CellSize.of(stack))
    (uid,) = lab.RE(lab.plans.assemble_then_cycle(lab.potentiostat, lab.hands, stack, program))
    believed = lab.believer.foil(stack)
    believed.assemble(0.0)
    assert believed.as_cell().cell.parameters.area == pytest.approx(6 * stack.area)
    heard = shadow_run(Run(uid, lab.data), lab.data, lab.believer, lab.limits.shadow)
    off, (capacity,) = rms(heard.of("voltage_V")), heard.of("capacity_Ah")
    if differs:
        assert off > 5e-3
        return
    assert off < 3e-4  # the instrument has 20 uV of noise
    assert capacity.measured == pytest.approx(capacity.predicted, rel=1e-3)
    assert [each.severity for each in heard.said] == ["info"]
