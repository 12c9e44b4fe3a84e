"""Scripts miss a current that vanishes while they set a voltage, and none that a cell lets fall."""

from __future__ import annotations

import pytest

from devices.cycling.ends import EndReason
from devices.cycling.programs import Step
from devices.cycling.techniques import ConstantVoltage, Record, Until, VoltageRamp
from sim.twins.methodscript.electronics import EXACT, Accuracy
from tests.support.emstat import Rig, ends_of, rows_of, stop_of

EVERY = Record(interval=10.0)
SETTLED = 3.0
LOST = 47.0
STEPS = {
    "hold": Step(ConstantVoltage(4.0), Until(duration=200.0), EVERY),
    "hold until a current": Step(ConstantVoltage(4.0), Until(current_below=2e-5), EVERY),
    "sweep": Step(VoltageRamp(3.95, 4.1, 1e-3), Until(), EVERY),
}


@pytest.mark.parametrize("accuracy", [EXACT, Accuracy()], ids=["exact", "noisy"])
@pytest.mark.parametrize("name", STEPS)
def test_a_lead_that_falls_off_ends_the_script_within_two_samples(name: str, accuracy: Accuracy) -> None:
    rig = Rig(accuracy=accuracy)
    first = rig.start(STEPS[name])
    rig.clock.run_until(LOST)
    rig.twin.wire_cell(None, LOST)
    records = rig.finish(first)
    assert ends_of(records) == [EndReason.OPEN_CIRCUIT]
    assert stop_of(records).cause is EndReason.OPEN_CIRCUIT
    assert LOST - SETTLED <= rows_of(records)[-1].time < LOST + 3.0


@pytest.mark.parametrize("accuracy", [EXACT, Accuracy()], ids=["exact", "noisy"])
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        *zip(STEPS.values(), (EndReason.DURATION, EndReason.CURRENT_BELOW, EndReason.SWEPT), strict=True),
        (Step(ConstantVoltage(3.94), Until(duration=600.0), EVERY), EndReason.DURATION),
        (Step(ConstantVoltage(4.0), Until(current_below=1e-9, duration=4e4), EVERY), None),
        (Step(VoltageRamp(4.05, 3.8, 5e-3), Until(), Record(interval=1.0)), EndReason.SWEPT),
    ],
)
def test_a_cell_on_its_leads_comes_to_its_own_end(
    step: Step, reason: EndReason | None, accuracy: Accuracy
) -> None:
    (found,) = ends_of(Rig(accuracy=accuracy).run(step))
    assert found in ((EndReason.DURATION, EndReason.CURRENT_BELOW) if reason is None else (reason,))
