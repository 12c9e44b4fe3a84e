"""A cell that fails in the middle of a step ends it for the same reason on every potentiostat."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Record, Until
from devices.errors import Incomplete
from devices.recipes import to_json
from devices.roles.hands import Assemble
from devices.samples import Layer, SampleRef
from labctl import Run
from sim.foil import Foil, Surroundings
from sim.physics.cell.cell import Cell, CellState
from sim.physics.lamp.bank import Bank, discharge

SAMPLE = SampleRef(
    id="failing",
    layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)),
    cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
    area=0.15e-4,
)
LIMITS = CellLimits(voltage_min=2.9, voltage_max=4.35, current_max=3e-5)
EVERY = Record(interval=5.0)
FILL = Step(ConstantCurrent(2e-5), Until(duration=300.0, voltage_above=4.2), EVERY)
SETTLE = Step(OpenCircuit(), Until(duration=60.0), EVERY)
FAILS_AFTER = 400.0


@dataclass
class Wired:
    """A cell on the leads."""

    cell: Cell
    state: CellState


def shorted(lab: Any, resistance: float) -> Wired:
    """Return the sample's cell as it is, with a short of so many ohms across it."""
    whole = lab.twins.foil(SAMPLE.id).as_cell()
    short = replace(
        whole.cell.parameters,
        leak_resistance=resistance,
        electrolyte_resistance=1e-6,
        contact_resistance=0.0,
        anode_exchange_current=1e7,
    )
    return Wired(Cell(short), whole.state)


def run(open_lab: Any, tmp_path: Any, bench: str, step: Step, resistance: float) -> Run:
    """Fill a cell, short it in the middle of a step, and return the run."""
    foil, pulse = Foil(to_json(SAMPLE), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    folder = tmp_path / "data" / "bench" / bench / "samples"
    folder.mkdir(parents=True)
    (folder / f"{SAMPLE.id}.json").write_text(json.dumps(foil.to_dict()))
    lab = open_lab(bench)
    lab.wait(lab.hands.set(Assemble(SAMPLE)))
    twins = lab.twins.station("potentiostat")

    def fail() -> Any:
        yield FAILS_AFTER
        lab.twins.touch("potentiostat")
        failed, now = shorted(lab, resistance), lab.clock.now()
        if hasattr(twins, "squidstat"):
            twins.squidstat.wire_cell(0, failed)
        else:
            (twins.smu if hasattr(twins, "smu") else twins.emstat).wire_cell(failed, now)

    lab.clock.spawn("potentiostat", fail(), lambda error: pytest.fail(str(error)))
    with suppress(Incomplete):
        lab.RE(lab.plans.cycle(lab.potentiostat, SAMPLE, Program("p", (FILL, SETTLE, step), LIMITS)))
    return Run("last", lab.data)


@pytest.mark.parametrize("bench", ["twin", "emstat", "keithley"])
@pytest.mark.parametrize(
    "step",
    [
        Step(ConstantCurrent(-2e-6), Until(duration=4000.0, voltage_below=3.0), EVERY),
        Step(ConstantCurrent(1e-6), Until(duration=4000.0, voltage_above=4.3), EVERY),
        Step(ConstantVoltage(3.9), Until(duration=4000.0), EVERY),
        Step(OpenCircuit(), Until(duration=4000.0), EVERY),
    ],
    ids=["discharge", "charge", "hold", "rest"],
)
def test_a_short_is_called_so_whatever_the_instrument(
    open_lab: Any, tmp_path: Any, bench: str, step: Step
) -> None:
    steps = run(open_lab, tmp_path, bench, step, 1.0).table("steps")
    discharges = isinstance(step.run, ConstantCurrent) and step.run.current < 0.0
    assert steps["end_reason"][-1] == ("voltage_below" if discharges else "short_circuit")
    assert steps["t_end"][0] < FAILS_AFTER - 5.0 < steps["t_end"][-1] < FAILS_AFTER + 80.0
