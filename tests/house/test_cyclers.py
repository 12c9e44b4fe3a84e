"""Every technique on every potentiostat's twin, through plan, driver and journal, beside the physics called directly.

What a driver refuses is listed; anything else must run, end for the reason the physics ends for, and measure what the
physics says within the instrument's resolution.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from devices.cycle_columns import CycleFlag
from devices.errors import LimitError, ProgramError
from devices.programs import CellLimits, Loop, Program, Step
from devices.recipes import to_json
from devices.roles import Assemble
from devices.samples import Layer, SampleRef
from devices.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)
from labctl import Run
from sim.foil import Foil, Surroundings
from sim.physics.cell import control
from sim.physics.cell.data import EndReason
from sim.physics.cell.impedance import impedance
from sim.physics.lamp.bank import Bank, discharge

BENCHES = ("twin", "emstat", "keithley")
LIMITS = CellLimits(voltage_min=2.9, voltage_max=4.35, current_max=1e-4)
EVERY = Record(interval=5.0)
FILL = Step(ConstantCurrent(2e-5), Until(duration=500.0, voltage_above=4.2), EVERY)
"""What comes before each technique: a cell as made is empty."""

FULL = Step(ConstantCurrent(2e-5), Until(voltage_above=4.1), EVERY)
"""What comes before a hold, so that its current begins inside the limits."""

TECHNIQUES = {
    "rest": Step(OpenCircuit(), Until(duration=300.0), EVERY),
    "charge to a voltage": Step(ConstantCurrent(1e-5), Until(voltage_above=4.1), EVERY),
    "discharge to a voltage": Step(ConstantCurrent(-1e-5), Until(voltage_below=3.6), EVERY),
    "charge for a time": Step(ConstantCurrent(1e-5), Until(duration=200.0, voltage_above=4.3), EVERY),
    "charge for a charge": Step(ConstantCurrent(1e-5), Until(charge=2e-3, voltage_above=4.3), EVERY),
    "charge for an energy": Step(ConstantCurrent(1e-5), Until(energy=8e-3, voltage_above=4.3), EVERY),
    "hold until a current": Step(ConstantVoltage(4.1), Until(current_below=2e-6), Record(interval=2.0)),
    "power": Step(ConstantPower(-4e-5), Until(voltage_below=3.7), EVERY),
    "resistance": Step(ConstantResistance(4e5), Until(voltage_below=3.7), EVERY),
    "current ramp": Step(CurrentRamp(0.0, 1e-5, 1e-7), Until(), Record(interval=1.0)),
    "voltage ramp": Step(VoltageRamp(3.92, 4.0, 2e-4), Until(), Record(interval=1.0)),
    "potentiostatic impedance": Step(PotentiostaticImpedance(1e4, 1.0, 5e-3, per_decade=3)),
    "galvanostatic impedance": Step(GalvanostaticImpedance(1e4, 1.0, 2e-7, per_decade=3)),
}

REFUSED = {
    ("twin", "charge for an energy"),
    ("keithley", "power"),
    ("keithley", "resistance"),
    ("keithley", "current ramp"),
    ("keithley", "potentiostatic impedance"),
    ("keithley", "galvanostatic impedance"),
}
"""What an instrument cannot do; its driver says so."""

ENDS = {
    EndReason.DURATION: "duration",
    EndReason.UPPER_VOLTAGE: "voltage_above",
    EndReason.LOWER_VOLTAGE: "voltage_below",
    EndReason.SMALLEST_CURRENT: "current_below",
    EndReason.CHARGE: "charge",
}

SAMPLE = SampleRef(
    id="contract",
    layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)),
    cell_layers=(Layer("LiPON", 1e-6), Layer("Li", 2e-6)),
    area=0.15e-4,
)


@dataclass
class Rig:
    """An open bench with a cell, and how well its instrument measures."""

    name: str
    lab: object

    def run(self, *steps):
        """Cycle the cell by these steps and return the run."""
        plan = self.lab.plans.cycle(self.lab.potentiostat, SAMPLE, Program("p", steps, LIMITS))
        (uid,) = self.lab.RE(plan)
        return Run(uid, self.lab.data)

    @property
    def cell(self):
        """The cell's model and true state."""
        return self.lab.twins.foil(SAMPLE.id).as_cell()


@pytest.fixture(params=BENCHES)
def rig(request, open_lab, tmp_path):
    """Put a flashed film on a bench, built into a cell."""
    foil, pulse = Foil(to_json(SAMPLE), Surroundings()), discharge(Bank(), 850.0, 1.8e-3)
    for number in range(20):
        foil.flash(2.5 * number, pulse)
    folder = tmp_path / "data" / "bench" / request.param / "samples"
    folder.mkdir(parents=True)
    (folder / f"{SAMPLE.id}.json").write_text(json.dumps(foil.to_dict()))
    lab = open_lab(request.param)
    lab.wait(lab.hands.set(Assemble(SAMPLE)))
    return Rig(request.param, lab)


def physics_of(step):
    """Return control and end of a step, as the physics takes them."""
    until = step.until
    ends = {
        "lower": until.voltage_below,
        "upper": until.voltage_above,
        "smallest_current": until.current_below,
        "charge": until.charge,
    }
    duration = math.inf if until.duration is None else until.duration
    match step.run:
        case OpenCircuit():
            drive = control.Current(0.0)
        case ConstantCurrent(current=current):
            drive = control.Current(current)
        case ConstantVoltage(voltage=voltage):
            drive = control.Voltage(voltage)
        case ConstantPower(power=power):
            drive = control.Power(power)
        case ConstantResistance(resistance=resistance):
            drive = control.Resistance(resistance)
        case CurrentRamp(start=start, end=end, rate=rate):
            drive, duration = control.Current(start, math.copysign(rate, end - start)), step.run.duration
        case VoltageRamp(start=start, end=end, rate=rate):
            drive, duration = control.Voltage(start, math.copysign(rate, end - start)), step.run.duration
    return drive, control.Until(duration=duration, **ends)


def true_after(rig, step):
    """Return the cell and its state after a step, as the physics has it."""
    cell = rig.cell
    return cell.cell, cell.cell.step(cell.state, *physics_of(step)).state


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if "impedance" not in name])
def test_a_technique_measures_what_the_physics_says(rig, name):
    step = TECHNIQUES[name]
    if (rig.name, name) in REFUSED:
        with pytest.raises((ProgramError, LimitError), match="step 1"):
            rig.run(FILL, step)
        return
    before = FULL if name.startswith("hold") else FILL
    cell, state = true_after(rig, before)
    if isinstance(step.run, VoltageRamp):
        rest = round(cell.voltage(state, 0.0), 3)
        step = replace(step, run=VoltageRamp(rest, rest + 0.08, 2e-4))
    run = rig.run(before, step)
    drive, until = physics_of(step)
    energy = step.until.energy
    if energy is not None:
        until = replace(until, charge=energy / 4.0 * 0.98)
    expected = cell.step(state, drive, until, control.Record(interval=1.0))
    steps, rows = run.table("steps"), run.table()
    assert list(steps["step_index"]) == [0, 1]
    # The vendor's method lets the current fall as soon as the voltage is reached, until a row shows it.
    allowed = {0, CycleFlag.CURRENT_LOST} if rig.name == "keithley" else {0}
    assert steps["flags"][1] in allowed
    ended = {"power": "voltage_below", "resistance": "voltage_below", "charge for an energy": "energy"}
    swept = "swept" if "ramp" in name else None
    assert steps["end_reason"][1] == (ended.get(name) or swept or ENDS[expected.end])
    mine = rows["step_count"] == 2
    late = float(np.diff(rows["test_time"][mine]).max()) if mine.sum() > 1 else 0.0
    lasted = steps["t_end"][1] - steps["t_start"][1]
    tolerance = 0.01 * expected.time[-1] + (2.0 * late if rig.name == "keithley" else 0.0) + 2.0
    if energy is None:
        assert lasted == pytest.approx(expected.time[-1], abs=tolerance)
        current = max(float(np.abs(expected.current).max()), 1e-9)
        charge = steps["charge"][1] * 3600.0
        assert charge == pytest.approx(expected.charge[-1], abs=current * tolerance)
    else:
        slack = 2.0 * late * 1e-5 * 4.2 / 3600.0
        assert steps["energy"][1] == pytest.approx(energy / 3600.0, abs=0.02 * energy / 3600.0 + slack)
    within = (rows["test_time"][mine] - steps["t_start"][1]) <= expected.time[-1]
    times = (rows["test_time"][mine] - steps["t_start"][1])[within][1:-1]
    measured = rows["voltage"][mine][within][1:-1]
    assert np.abs(measured - np.interp(times, expected.time, expected.voltage)).max() < 5e-3


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if "impedance" in name])
def test_a_spectrum_is_the_cells_own(rig, name):
    step = TECHNIQUES[name]
    if (rig.name, name) in REFUSED:
        with pytest.raises((ProgramError, LimitError), match="step 1"):
            rig.run(FILL, step)
        return
    run = rig.run(FILL, step)
    points = run.table("impedance")
    cell = rig.cell
    assert points["frequency"][0] == pytest.approx(1e4, rel=1e-3)
    assert points["frequency"][-1] == pytest.approx(1.0, rel=1e-3)
    assert len(points["frequency"]) >= 13
    expected = impedance(cell.cell.parameters, cell.state, points["frequency"])
    measured = points["z_real"] + 1j * points["z_imag"]
    assert np.abs(measured / expected - 1.0).max() < 0.02
    assert run.table("steps")["end_reason"][1] == "swept"


def test_loops_run_as_often_as_asked(rig):
    body = (
        replace(FILL, until=Until(voltage_above=4.0)),
        Step(ConstantCurrent(-2e-5), Until(voltage_below=3.7), EVERY),
    )
    run = rig.run(Loop(body, 3, counts_cycles=True))
    cycles, steps = run.table("cycles"), run.table("steps")
    assert list(cycles["cycle"]) == [1, 2, 3]
    assert list(steps["end_reason"]) == ["voltage_above", "voltage_below"] * 3
    assert run.stop["exit_status"] == "success"
    truly = rig.cell.state.charge
    assert run.table()["charge"][-1] * 3600.0 == pytest.approx(truly, abs=2e-5 * 2.0 * 2.0 + 0.01 * 0.03)
