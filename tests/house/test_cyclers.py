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

from devices.cycling.columns import CycleFlag
from devices.cycling.programs import CellLimits, Loop, Program, Step
from devices.cycling.techniques import (
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
from devices.errors import LimitError, ProgramError
from devices.methodscript import sampling
from devices.methodscript.abilities import EMSTAT4_HR
from devices.recipes import to_json
from devices.roles.hands import Assemble
from devices.samples import Layer, SampleRef
from devices.sourcemeter import abilities as sourcemeter
from labctl import Run
from sim.foil import Foil, Surroundings
from sim.physics.cell import control
from sim.physics.cell.data import EndReason
from sim.physics.cell.impedance import impedance
from sim.physics.lamp.bank import Bank, discharge
from sim.twins import keithley_2450_output, squidstat_elements
from sim.twins.methodscript import electronics

LIMITS = CellLimits(voltage_min=2.9, voltage_max=4.35, current_max=1e-4)
EVERY = Record(interval=5.0)
SECOND = Record(interval=1.0)
GAIN, OFFSET = 2.5e-4, 6e-9
"""Accuracy of a SourceMeter's current on its 100 uA range: a share, and A [SPEC-2450]."""

SUMMED = 5e-4
"""Part of the charge by which trapezoids between samples may miss it, wherever a step begins with a jump."""

FILL = Step(ConstantCurrent(2e-5), Until(duration=500.0, voltage_above=4.2), EVERY)
"""What comes before each technique: a cell as made is empty."""

FULL = Step(ConstantCurrent(2e-5), Until(voltage_above=4.1), EVERY)
"""What comes before a hold, so that its current begins inside the limits."""

SWEPT = (3.94, 4.06)
"""V; its start is close enough to where the cell rests after FILL that the current begins inside the limits."""

PULSES = tuple(
    Step(ConstantCurrent(current), Until(duration=lasts), SECOND)
    for current, lasts in ((1e-5, 5.0), (-1e-5, 10.0), (1e-5, 5.0))
)
REST = Step(OpenCircuit(), Until(duration=15.0), SECOND)

TECHNIQUES = {
    "rest": Step(OpenCircuit(), Until(duration=300.0), EVERY),
    "rest until a rate": Step(OpenCircuit(), Until(duration=900.0, voltage_rate_below=2e-5), EVERY),
    "charge to a voltage": Step(ConstantCurrent(1e-5), Until(voltage_above=4.1), EVERY),
    "discharge to a voltage": Step(ConstantCurrent(-1e-5), Until(voltage_below=3.6), EVERY),
    "charge for a time": Step(ConstantCurrent(1e-5), Until(duration=200.0, voltage_above=4.3), EVERY),
    "charge for a charge": Step(ConstantCurrent(1e-5), Until(charge=2e-3, voltage_above=4.3), EVERY),
    "discharge for a charge": Step(ConstantCurrent(-1e-5), Until(charge=2e-3, voltage_below=3.0), EVERY),
    "charge for an energy": Step(ConstantCurrent(1e-5), Until(energy=8e-3, voltage_above=4.3), EVERY),
    "hold until a current": Step(ConstantVoltage(4.1), Until(current_below=2e-6), Record(interval=2.0)),
    "hold until a rate": Step(
        ConstantVoltage(4.1), Until(duration=900.0, current_rate_below=2e-8), Record(interval=4.0)
    ),
    "hold seldom recorded": Step(ConstantVoltage(4.12), Until(current_below=2e-6)),
    "discharge at a power": Step(ConstantPower(-4e-5), Until(voltage_below=3.8), EVERY),
    "charge at a power": Step(ConstantPower(4e-5), Until(voltage_above=4.0), EVERY),
    "resistance": Step(ConstantResistance(4e5), Until(voltage_below=3.8), EVERY),
    "power seldom recorded": Step(ConstantPower(-4e-5), Until(voltage_below=3.8)),
    "resistance seldom recorded": Step(ConstantResistance(4e5), Until(voltage_below=3.8)),
    "current ramp up": Step(CurrentRamp(0.0, 1e-5, 1e-7), Until(), SECOND),
    "current ramp down": Step(CurrentRamp(0.0, -1e-5, 1e-7), Until(), SECOND),
    "voltage ramp": Step(VoltageRamp(*SWEPT, 5e-4), Until(), SECOND),
    "voltage ramp seldom recorded": Step(VoltageRamp(*SWEPT, 5e-4), Until()),
    "voltammogram": Loop(
        (
            Step(VoltageRamp(SWEPT[0], 4.0, 1e-3), Until(), SECOND),
            Step(VoltageRamp(4.0, SWEPT[0], 1e-3), Until(), SECOND),
        ),
        2,
    ),
    "pulses": Loop((*PULSES, REST), 3),
}

SPECTRA = {
    "potentiostatic": Step(PotentiostaticImpedance(1e4, 1.0, 5e-3, per_decade=3)),
    "galvanostatic": Step(GalvanostaticImpedance(1e4, 1.0, 2e-7, per_decade=3)),
    "galvanostatic under a charge": Step(GalvanostaticImpedance(1e4, 1.0, 2e-7, per_decade=3, bias=5e-6)),
    "galvanostatic under a discharge": Step(GalvanostaticImpedance(1e4, 1.0, 2e-7, per_decade=3, bias=-5e-6)),
}

REFUSED = {
    ("twin", "charge for an energy"),
    ("keithley", "discharge at a power"),
    ("keithley", "charge at a power"),
    ("keithley", "resistance"),
    ("keithley", "power seldom recorded"),
    ("keithley", "resistance seldom recorded"),
    ("keithley", "current ramp up"),
    ("keithley", "current ramp down"),
    *(("keithley", name) for name in SPECTRA),
}
"""What an instrument cannot do; its driver says so."""

ENDS = {
    EndReason.DURATION: "duration",
    EndReason.UPPER_VOLTAGE: "voltage_above",
    EndReason.LOWER_VOLTAGE: "voltage_below",
    EndReason.SMALLEST_CURRENT: "current_below",
    EndReason.CHARGE: "charge",
    EndReason.VOLTAGE_RATE: "voltage_rate_below",
    EndReason.CURRENT_RATE: "current_rate_below",
}

SIGMAS = 5.0
"""Of its noise, which one row in two million exceeds."""


@dataclass(frozen=True)
class Meter:
    """How well an instrument measures.

    voltage [V], current [part of its range]: noise rms; digit and current_digit likewise; impedance rms [part
    of |Z|]; moment [s]: how long a row or a change of step takes. lead, overrun [s]: how long the cell is
    driven before the first row of a step, and after the last. gain, offset [A]: by which what passed may be
    off. judged: who looks for ends, the instrument at any instant, its script at every sample, or the host at
    every row. stairs: whether a voltage ramp is one of stairs.
    """

    voltage: float
    digit: float
    current: float
    current_digit: float
    impedance: float
    moment: float
    lead: float
    overrun: float
    judged: str
    gain: float = SUMMED
    offset: float = 0.0
    stairs: bool = False

    def volts(self) -> float:
        """Return how far [V] a row may lie from the truth."""
        return SIGMAS * self.voltage + self.digit

    def amperes(self, largest: float) -> float:
        """Return how far [A] a row of currents up to a largest may lie from the truth."""
        return (SIGMAS * self.current + self.current_digit) * 10.0 ** math.ceil(math.log10(largest) - 1e-9)

    def late(self, step: Step) -> float:
        """Return how late [s] a step may end: the time between two looks, or for a rate two intervals of rows."""
        interval = step.record.interval
        rate = step.until.voltage_rate_below or step.until.current_rate_below
        looks = {
            "by instrument": 0.0,
            "by script": 2.0 * interval if rate else min(sampling.SHARE * interval, sampling.LONGEST),
            "by host": 2.0 * interval if rate else interval,
        }
        return looks[self.judged] + 2.0 * self.moment


_SQUIDSTAT, _EMSTAT = squidstat_elements.Accuracy(), electronics.Accuracy()
_KEITHLEY = keithley_2450_output.Accuracy()
METERS = {
    "twin": Meter(
        _SQUIDSTAT.voltage_noise,
        _SQUIDSTAT.voltage_range * 2.0 ** (1 - _SQUIDSTAT.bits),
        _SQUIDSTAT.current_noise,
        2.0 ** (1 - _SQUIDSTAT.bits),
        _SQUIDSTAT.impedance_noise,
        1e-3,
        0.0,
        0.0,
        "by instrument",
    ),
    "emstat": Meter(
        _EMSTAT.voltage_noise,
        _EMSTAT.voltage_bit,
        _EMSTAT.current_noise,
        _EMSTAT.current_bit,
        _EMSTAT.impedance_noise,
        0.02,
        0.0,
        0.01,
        "by script",
    ),
    "keithley": Meter(
        _KEITHLEY.voltage_noise,
        _KEITHLEY.voltage_resolution,
        _KEITHLEY.current_noise,
        _KEITHLEY.current_resolution,
        0.0,
        0.1,
        0.04,
        0.0,
        "by host",
        GAIN,
        OFFSET,
        stairs=True,
    ),
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
    def meter(self):
        """How well the instrument measures."""
        return METERS[self.name]

    @property
    def cell(self):
        """The cell's model and true state."""
        return self.lab.twins.foil(SAMPLE.id).as_cell()


@pytest.fixture(params=METERS)
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
    """Return control and end of a step, as the physics takes them; of an energy it knows nothing."""
    until, duration = step.until, step.until.duration
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
    ends = control.Until(
        duration=math.inf if duration is None else duration,
        lower=until.voltage_below,
        upper=until.voltage_above,
        smallest_current=until.current_below,
        charge=until.charge,
        voltage_rate=until.voltage_rate_below,
        current_rate=until.current_rate_below,
    )
    return drive, ends


def end_of(cell, state, step, meter):
    """Return when [s] the physics ends a step, and what the journal calls that.

    A rate passes zero where what it is a rate of turns; a script or a host that looks at intervals is blind to that.
    """
    drive, until = physics_of(step)
    blind = 0.0
    if meter.judged != "by instrument" and (until.voltage_rate or until.current_rate):
        blind = step.record.interval
        state = cell.step(state, drive, control.Until(duration=blind)).state
    if step.until.energy is not None:
        passed = cell.step(state, drive, until, control.Record(interval=0.1))
        return float(np.interp(step.until.energy, passed.energy, passed.time)), "energy"
    ended = cell.step(state, drive, until)
    if isinstance(step.run, CurrentRamp | VoltageRamp):
        return float(ended.time[-1]), "swept"
    return blind + float(ended.time[-1]), ENDS[ended.end]


class Truth:
    """What a cell did in one step, by the physics called directly: voltage and current around any time."""

    def __init__(self, cell, state, parts, around):
        """Drive a cell by parts, each a control and how long it lasts [s], and look at times around those given [s]."""
        times, volts, amperes, began = [], [], [], 0.0
        for drive, lasts in parts:
            looked = around[(around > began) & (around < began + lasts)] - began
            part = cell.step(
                state, drive, control.Until(duration=lasts), control.Record(times=tuple(looked.tolist()))
            )
            times.append(part.time + began)
            volts.append(part.voltage)
            amperes.append(part.current)
            state, began = part.state, began + lasts
        self.times, self.volts, self.amperes = map(np.concatenate, (times, volts, amperes))
        self.state = state

    def between(self, times, moment):
        """Return the least and the largest voltage and current that the cell had within a moment of each time."""
        near = [
            np.flatnonzero((self.times >= time - 1.001 * moment) & (self.times <= time + 1.001 * moment))
            for time in times
        ]
        return [
            (np.array([values[each].min() for each in near]), np.array([values[each].max() for each in near]))
            for values in (self.volts, self.amperes)
        ]


def parts_of(rig, step, lasted, ended):
    """Return how an instrument that does its job drives the cell: controls, and how long [s] each lasts."""
    drive, until = physics_of(step)
    if rig.meter.stairs and isinstance(step.run, VoltageRamp):
        count, _ = sourcemeter.stairs(step, step.run)
        height, each = (step.run.end - step.run.start) / count, step.run.duration / count
        return [(control.Voltage(step.run.start + height * (stair + 0.5)), each) for stair in range(count)]
    at, reason = ended
    if rig.meter.judged == "by host" and reason in ("voltage_above", "voltage_below") and lasted > at:
        # The host has not seen the end yet, and the instrument holds the voltage it must not pass.
        return [
            (drive, at),
            (control.Voltage(until.upper if step.run.current > 0.0 else until.lower), lasted - at),
        ]
    return [(drive, lasted)]


def leaves(node):
    """Return the steps of a node, each as often as it is run."""
    return list(node.body) * node.times if isinstance(node, Loop) else [node]


def range_of(step):
    """Return the largest current [A] a step is measured for."""
    match step.run:
        case ConstantCurrent(current=current):
            return abs(current)
        case OpenCircuit():
            return 1e-6
    return LIMITS.current_max


def check_rows(rig, step, truth, times, columns):
    """Hold the rows of a step, at times [s] since the cell was driven, against the truth.

    A row within a moment of the start may be from before it.
    """
    meter = rig.meter
    later = times > meter.moment
    amperes = meter.amperes(range_of(step))
    for (low, high), read, allowed in zip(
        truth.between(times, meter.moment),
        (columns["voltage"], columns["current"]),
        (meter.volts(), amperes),
        strict=True,
    ):
        assert np.maximum(low - read, read - high)[later].max() < allowed


def check_sums(rig, step, truth, began, columns, booked):
    """Hold charge [C] and energy [J] that were booked of a step against what truly passed since it `began`.

    However seldom its rows are, they are off by noise and by trapezoids between samples; the energy of a current that
    is set is one of trapezoids between rows.
    """
    meter, times, volts = rig.meter, columns["test_time"], columns["voltage"]
    amperes, lasted = np.abs(columns["current"]), truth.times[-1]
    noise = meter.amperes(range_of(step)) / SIGMAS + meter.offset
    off = noise * lasted + meter.gain * np.trapezoid(amperes, times) + meter.moment * amperes.max()
    moved = np.diff(times) * np.abs(np.diff(volts)) * amperes[1:]
    charge, energy = booked
    assert charge == pytest.approx(truth.state.charge - began.charge, abs=off)
    assert charge == pytest.approx(truth.state.charge - began.charge, rel=0.01, abs=1e-9)
    assert energy == pytest.approx(
        truth.state.energy - began.energy, abs=volts.max() * off + 0.5 * moved.sum()
    )


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_measures_what_the_physics_says(rig, name):
    before, node = (FULL if name.startswith("hold") else FILL), TECHNIQUES[name]
    if (rig.name, name) in REFUSED:
        with pytest.raises((ProgramError, LimitError), match="step 1"):
            rig.run(before, node)
        return
    meter, cell, state = rig.meter, rig.cell.cell, rig.cell.state
    run = rig.run(before, node)
    steps, rows, played = run.table("steps"), run.table(), [before, *leaves(node)]
    assert len(steps["step_index"]) == len(played)
    now = 0.0
    for number, step in enumerate(played):
        mine = {key: column[rows["step_count"] == number + 1] for key, column in rows.items()}
        lasted = steps["t_end"][number] - steps["t_start"][number]
        began = steps["t_start"][number] - meter.lead
        if began > now:
            state = cell.step(state, control.Current(0.0), control.Until(duration=began - now)).state
        ended, reason = end_of(cell, state, step, meter)
        assert steps["end_reason"][number] == reason
        assert -2.0 * meter.moment < lasted - ended < meter.late(step)
        times = mine["test_time"] - began
        near = np.concatenate([times + share * meter.moment for share in (-1.0, 0.0, 1.0)])
        *parts, (drive, last) = parts_of(rig, step, lasted + meter.lead, (ended, reason))
        truth = Truth(cell, state, [*parts, (drive, last + meter.overrun)], np.unique(near))
        check_rows(rig, step, truth, times, mine)
        booked = [steps[name][number] * 3600.0 for name in ("charge", "energy")]
        check_sums(rig, step, truth, state, mine, booked)
        # The vendor's method lets the current fall as soon as the voltage is reached, until a row shows it.
        assert steps["flags"][number] in ({0, CycleFlag.CURRENT_LOST} if meter.judged == "by host" else {0})
        state, now = truth.state, steps["t_end"][number] + meter.overrun
    assert rig.cell.state.charge == pytest.approx(state.charge, abs=2e-5 * meter.moment * len(played))


@pytest.mark.parametrize("name", SPECTRA)
def test_a_spectrum_is_the_cells_own(rig, name):
    step = SPECTRA[name]
    if (rig.name, name) in REFUSED:
        with pytest.raises((ProgramError, LimitError), match="step 1"):
            rig.run(FILL, step)
        return
    cell, state = rig.cell.cell, rig.cell.state
    run = rig.run(FILL, step)
    points, steps = run.table("impedance"), run.table("steps")
    assert points["frequency"][0] == pytest.approx(1e4, rel=1e-3)
    assert points["frequency"][-1] == pytest.approx(1.0, rel=1e-3)
    assert len(points["frequency"]) >= 13
    bias = getattr(step.run, "bias", None) or 0.0
    filled = cell.step(state, *physics_of(FILL)).state
    left = cell.step(
        filled, control.Current(bias), control.Until(duration=steps["t_end"][1] - steps["t_start"][1])
    ).state
    first, last = (impedance(cell.parameters, each, points["frequency"], bias) for each in (filled, left))
    measured = points["z_real"] + 1j * points["z_imag"]
    allowed = SIGMAS * rig.meter.impedance * np.abs(last) + np.abs(last - first)
    assert (np.abs(measured - last) < allowed).all()
    assert steps["end_reason"][1] == "swept"
    if isinstance(step.run, GalvanostaticImpedance):
        assert rig.cell.state.charge == pytest.approx(left.charge, abs=2e-5 * 4.0 * rig.meter.moment)


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


SELDOM = Record(interval=30.0)
CHANGES = Record(interval=30.0, voltage_change=5e-3)


@pytest.mark.parametrize("record", [SELDOM, CHANGES], ids=["by interval", "by voltage change"])
def test_steps_shorter_than_a_row_end_for_the_same_reasons_on_every_instrument(rig, record):
    """Also where the voltage collapses within one sample, at the end of each discharge."""
    emptied = Step(ConstantCurrent(-9e-5), Until(voltage_below=3.0), record)
    body = (
        Step(ConstantCurrent(9e-5), Until(duration=5.0, voltage_above=4.2), record),
        Step(OpenCircuit(), Until(duration=2.0), SELDOM),
        Step(ConstantVoltage(3.9), Until(duration=5.0), SELDOM),
        Step(ConstantCurrent(9e-5), Until(charge=2e-4, voltage_above=4.2), record),
        emptied,
    )
    run = rig.run(replace(FILL, until=Until(voltage_above=4.1)), emptied, Loop(body, 6, counts_cycles=True))
    steps = run.table("steps")
    assert (steps["t_end"] - steps["t_start"] < 30.0)[2:].all()
    ends = ["duration", "duration", "duration", "charge", "voltage_below"]
    assert list(steps["end_reason"]) == ["voltage_above", "voltage_below", *ends * 6]
    assert run.stop["exit_status"] == "success"


def test_a_titration_by_voltage_takes_up_what_a_discharge_gives_back(rig):
    """However seldom rows are: much of what a hold passes comes between its first two."""
    begun, *holds = (
        Step(ConstantVoltage(voltage), Until(current_below=2e-7), Record(interval=30.0))
        for voltage in (3.9, 3.92, 3.94, 3.96, 3.98, 4.0, 4.02, 4.04)
    )
    back = Step(ConstantCurrent(-5e-6), Until(voltage_below=3.9), Record(interval=30.0))
    run = rig.run(replace(FILL, until=Until(voltage_above=3.9)), begun, *holds, back, begun)
    charges = run.table("steps")["charge"]
    assert charges[2:9].sum() == pytest.approx(-charges[9:].sum(), rel=0.01)


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_a_collapsing_cell_is_stopped_at_its_voltage_and_not_behind_it(rig, rate):
    discharge_step = Step(ConstantCurrent(-7.5e-6 * rate), Until(voltage_below=3.0), Record(interval=30.0))
    cell, state = rig.cell.cell, rig.cell.state
    filling = replace(FILL, until=Until(voltage_above=4.2))
    run = rig.run(filling, discharge_step)
    steps, rows = run.table("steps"), run.table()
    assert list(steps["end_reason"]) == ["voltage_above", "voltage_below"]
    # What the double layer gives: the voltage can fall no faster.
    steepest = 7.5e-6 * rate / (cell.parameters.cathode_capacitance * cell.parameters.area)
    finest = {"by script": EMSTAT4_HR.finest, "by instrument": 0.0, "by host": 0.0}[rig.meter.judged]
    passed = 0.5 * finest * steepest + rig.meter.volts()
    assert passed < 0.03
    assert 3.0 - rows["voltage"].min() < passed
    assert rows["voltage"][-1] - 3.0 < passed
    filled, lasted = (steps["t_end"] - steps["t_start"] + rig.meter.lead).tolist()
    charged = cell.step(state, physics_of(filling)[0], control.Until(duration=filled)).state
    lasts = float(cell.step(charged, *physics_of(discharge_step)).time[-1])
    look = sourcemeter.FINE if rig.meter.judged == "by host" else finest
    assert abs(lasted - lasts) < 2.0 * look + 4.0 * rig.meter.moment
