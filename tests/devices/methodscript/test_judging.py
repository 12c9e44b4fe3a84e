"""Ends of steps, limits and faults of the cell, as scripts judge them at their samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from devices.cycling.cycler import ElementBegan, SpectrumPoint
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Until,
    VoltageRamp,
)
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.compile import SETTLING
from devices.methodscript.judging import FLUCTUATION
from sim.physics.cell import control as drive
from sim.twins.methodscript.electronics import Accuracy, Electronics, Reading
from tests.support.cells import CELL, CURRENT, RESTED, Foil
from tests.support.emstat import LONG, Rig, alarms_of, ends_of, rows_of, stop_of


@pytest.mark.parametrize(
    ("step", "reason", "control", "until"),
    [
        (
            Step(ConstantCurrent(CURRENT), Until(voltage_above=4.1)),
            EndReason.VOLTAGE_ABOVE,
            drive.Current(CURRENT),
            drive.Until(upper=4.1),
        ),
        (
            Step(ConstantCurrent(-CURRENT), Until(voltage_below=3.0)),
            EndReason.VOLTAGE_BELOW,
            drive.Current(-CURRENT),
            drive.Until(lower=3.0),
        ),
        (
            Step(ConstantCurrent(-10 * CURRENT), Until(voltage_below=3.0)),
            EndReason.VOLTAGE_BELOW,
            drive.Current(-10 * CURRENT),
            drive.Until(lower=3.0),
        ),
        (
            Step(ConstantVoltage(4.0), Until(current_below=2e-5)),
            EndReason.CURRENT_BELOW,
            drive.Voltage(4.0),
            drive.Until(smallest_current=2e-5),
        ),
        (
            Step(VoltageRamp(3.95, 4.2, 1e-3), Until(current_above=5e-4)),
            EndReason.CURRENT_ABOVE,
            drive.Voltage(3.95, 1e-3),
            drive.Until(duration=250.0, largest_current=5e-4),
        ),
        (
            Step(ConstantCurrent(CURRENT), Until(charge=0.02)),
            EndReason.CHARGE,
            drive.Current(CURRENT),
            drive.Until(charge=0.02),
        ),
        (
            Step(ConstantVoltage(4.0), Until(charge=0.02, duration=5e3)),
            EndReason.CHARGE,
            drive.Voltage(4.0),
            drive.Until(duration=5e3, charge=0.02),
        ),
        (
            Step(ConstantCurrent(-CURRENT), Until(duration=33.3)),
            EndReason.DURATION,
            drive.Current(-CURRENT),
            drive.Until(duration=33.3),
        ),
    ],
)
def test_a_step_ends_as_the_cell_itself_would(
    step: Step, reason: EndReason, control: drive.Control, until: drive.Until
) -> None:
    records = Rig().run(step)
    truth = CELL.step(RESTED, control, until)
    assert ends_of(records) == [reason]
    last = rows_of(records)[-1]
    assert last.time - SETTLING == pytest.approx(float(truth.time[-1]), rel=5e-3, abs=1.01)
    assert last.voltage == pytest.approx(
        float(truth.voltage[-1]), abs=5e-3 if reason is not EndReason.VOLTAGE_BELOW else 0.2
    )
    assert last.current == pytest.approx(float(truth.current[-1]), rel=0.02)


def test_a_step_ends_by_energy() -> None:
    records = Rig().run(Step(ConstantCurrent(CURRENT), Until(energy=0.05)))
    assert ends_of(records) == [EndReason.ENERGY]
    last = rows_of(records)[-1]
    truth = CELL.step(RESTED, drive.Current(CURRENT), drive.Until(duration=last.time - SETTLING))
    assert float(truth.energy[-1]) == pytest.approx(0.05, rel=0.01)


def test_a_rest_ends_when_the_voltage_hardly_moves() -> None:
    moving = CELL.step(RESTED, drive.Current(CURRENT), drive.Until(duration=600.0)).state
    rig = Rig(wired=Foil(state=moving))
    records = rig.run(Step(OpenCircuit(), Until(voltage_rate_below=5e-6, duration=20_000.0)))
    assert ends_of(records) == [EndReason.VOLTAGE_RATE_BELOW]
    end = rows_of(records)[-1].time
    truth = CELL.step(moving, drive.REST, drive.Until(duration=20_000.0, voltage_rate=5e-6))
    assert float(truth.time[-1]) < end < 2.0 * float(truth.time[-1]) + 100.0


@pytest.mark.parametrize("looks", [1.4, 2.6])
def test_a_rate_is_that_over_the_samples_it_was_taken_over(looks: float) -> None:
    bound = FLUCTUATION * EMSTAT4_HR.voltage_resolution / looks
    moving = CELL.step(RESTED, drive.Current(CURRENT), drive.Until(duration=600.0)).state
    records = Rig(wired=Foil(state=moving)).run(
        Step(OpenCircuit(), Until(voltage_rate_below=bound, duration=2000.0), Record(interval=10.0))
    )
    assert ends_of(records) == [EndReason.VOLTAGE_RATE_BELOW]
    end = rows_of(records)[-1].time - SETTLING
    span = math.ceil(looks)
    instants = (SETTLING + end - 2 * span, SETTLING + end - span, SETTLING + end)
    before = CELL.step(
        moving, drive.REST, drive.Until(duration=instants[-1] + 1), drive.Record(times=instants)
    )
    volts = [before.voltage[np.argmin(np.abs(before.time - each))] for each in instants]
    rates = np.abs(np.diff(volts)) / span
    assert rates[1] <= bound * (1.0 + 1e-3)
    assert rates[0] > 0.95 * bound


@pytest.mark.parametrize("current_max", [1e-2, 1e-3])
def test_a_hold_ends_by_its_rate_whatever_current_its_cell_bears(current_max: float) -> None:
    step = Step(ConstantVoltage(3.96), Until(duration=5000.0, current_rate_below=2e-9), Record(interval=1.0))
    records = Rig(accuracy=Accuracy()).run(step, limits=CellLimits(3.0, 4.3, current_max))
    assert ends_of(records) == [EndReason.CURRENT_RATE_BELOW]
    truth = CELL.step(RESTED, drive.Voltage(3.96), drive.Until(duration=5000.0, current_rate=2e-9))
    lasted = rows_of(records)[-1].time - SETTLING
    assert float(truth.time[-1]) * 0.9 < lasted < 1.2 * float(truth.time[-1]) + 60.0


def test_a_hold_that_draws_too_much_at_once_is_no_short() -> None:
    limits = CellLimits(3.0, 4.3, 1e-4)
    before = Step(ConstantCurrent(CURRENT / 4), Until(duration=60.0))
    records = Rig().run(before, Step(ConstantVoltage(4.15), Until(duration=1e4)), limits=limits)
    assert ends_of(records) == [EndReason.DURATION, EndReason.SAFETY_CURRENT]


@pytest.mark.parametrize(
    ("run", "control"),
    [
        (ConstantVoltage(3.96), drive.Voltage(3.96)),
        (VoltageRamp(3.95, 4.15, 2e-3), drive.Voltage(3.95, 2e-3)),
        (ConstantPower(2e-4), drive.Power(2e-4)),
        (ConstantResistance(8e4), drive.Resistance(8e4)),
        (ConstantCurrent(-CURRENT), drive.Current(-CURRENT)),
    ],
)
def test_rows_say_what_truly_passed_however_seldom_they_are(run: Any, control: drive.Control) -> None:
    lasts = Until() if isinstance(run, VoltageRamp) else Until(duration=100.0)
    rows = rows_of(Rig().run(Step(run, lasts, Record(interval=30.0))))
    counted = [row for row in rows if not math.isnan(row.charge)]
    last = counted[-1].time - SETTLING
    truth = CELL.step(RESTED, control, drive.Until(duration=last))
    assert sum(row.charge for row in counted) == pytest.approx(float(truth.charge[-1]), rel=3e-3)
    assert sum(row.energy for row in counted) == pytest.approx(float(truth.energy[-1]), rel=3e-3)


@pytest.mark.parametrize(
    ("step", "limits", "reason"),
    [
        (
            Step(ConstantCurrent(CURRENT), Until(duration=1e4)),
            CellLimits(3.0, 4.0, 1e-3),
            EndReason.SAFETY_VOLTAGE_MAX,
        ),
        (
            Step(ConstantCurrent(-CURRENT), Until(duration=1e4)),
            CellLimits(3.8, 4.2, 1e-3),
            EndReason.SAFETY_VOLTAGE_MIN,
        ),
        (
            Step(ConstantVoltage(4.15), Until(duration=1e4)),
            CellLimits(3.0, 4.2, 1e-4),
            EndReason.SAFETY_CURRENT,
        ),
        (
            Step(ConstantCurrent(CURRENT), Until(duration=1e4)),
            CellLimits(3.0, 4.2, 1e-3, 0.01),
            EndReason.SAFETY_CHARGE,
        ),
    ],
)
def test_the_script_enforces_the_cells_limits_with_the_host_silent(
    step: Step, limits: CellLimits, reason: EndReason
) -> None:
    rig = Rig()
    first = rig.start(step, Step(OpenCircuit(), Until(duration=1e4)), limits=limits)
    rig.clock.is_deaf = True
    rig.clock.run_until(2e4)
    rig.twin.advance(2e4)
    assert not rig.twin.cell_is_on
    assert rig.twin.log[-1][1:] == ("ended", "ended")
    records = rig.heard(first)
    assert ends_of(records) == [reason]
    assert stop_of(records).cause is reason
    assert len([each for each in records if isinstance(each, ElementBegan)]) == 1


def test_a_limit_on_another_side_comes_before_a_steps_own_end() -> None:
    step = Step(ConstantVoltage(4.15), Until(duration=0.05), Record(interval=0.05))
    records = Rig().run(step, LONG, limits=CellLimits(3.0, 4.2, 1e-4))
    assert ends_of(records) == [EndReason.SAFETY_CURRENT]


def test_a_lead_that_falls_off_is_told_from_an_end() -> None:
    rig = Rig()
    first = rig.start(
        Step(ConstantCurrent(CURRENT), Until(voltage_above=4.2)), limits=CellLimits(3.0, 4.3, 1e-3)
    )
    rig.after(100.0)
    rig.twin.wire_cell(None, rig.clock.now())
    records = rig.finish(first)
    assert stop_of(records).cause is EndReason.OPEN_CIRCUIT
    assert "overload" in alarms_of(records)
    assert not rig.twin.cell_is_on


@pytest.mark.parametrize(
    "step",
    [
        Step(ConstantPower(2e-4), Until(voltage_above=4.2)),
        Step(ConstantPower(-2e-4), Until(voltage_below=3.2)),
        Step(CurrentRamp(1e-5, 6e-5, 1e-7), Until(voltage_above=4.2)),
    ],
)
def test_open_leads_end_no_step_by_its_own_end(step: Step) -> None:
    rig = Rig()
    first = rig.start(step, LONG, limits=CellLimits(3.0, 4.3, 1e-3))
    rig.after(50.0)
    rig.twin.wire_cell(None, rig.clock.now())
    records = rig.finish(first)
    assert stop_of(records).cause in (
        EndReason.SAFETY_VOLTAGE_MAX,
        EndReason.SAFETY_VOLTAGE_MIN,
        EndReason.OPEN_CIRCUIT,
    )
    assert len(ends_of(records)) == 1


def test_nothing_on_the_leads_is_seen_within_a_tenth_of_a_second() -> None:
    rig = Rig()
    rig.twin.wire_cell(None, 0.0)
    records = rig.run(Step(ConstantCurrent(CURRENT), Until(voltage_above=4.2)))
    assert stop_of(records).cause is EndReason.OPEN_CIRCUIT
    assert rows_of(records)[-1].time - SETTLING < 0.1
    assert rig.driver.read_cell() == pytest.approx(0.0, abs=1e-6)


def test_a_spectrum_on_open_leads_is_not_a_number() -> None:
    rig = Rig()
    rig.twin.wire_cell(None, 0.0)
    limits = CellLimits(-1.0, 4.0, 1e-3)
    records = rig.run(Step(PotentiostaticImpedance(1e4, 1e3, 0.01, per_decade=2)), limits=limits)
    points = [each for each in records if isinstance(each, SpectrumPoint)]
    assert len(points) == 3
    assert all(math.isnan(each.z_real) and math.isnan(each.z_imag) for each in points)


def test_open_leads_at_rest_are_an_open_circuit() -> None:
    rig = Rig()
    first = rig.start(Step(OpenCircuit(), Until(duration=600.0)))
    rig.after(100.0)
    rig.twin.wire_cell(None, rig.clock.now())
    assert stop_of(rig.finish(first)).cause is EndReason.OPEN_CIRCUIT


def test_a_current_that_falls_short_far_from_the_end_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Electronics.samples

    def short(self: Electronics, *arguments: Any, **named: Any) -> list[Reading]:
        return [each._replace(current=0.8 * each.current) for each in samples(self, *arguments, **named)]

    rig = Rig()
    first = rig.start(Step(ConstantCurrent(CURRENT / 4), Until(voltage_above=4.2)))
    rig.after(100.0)
    monkeypatch.setattr(Electronics, "samples", short)
    records = rig.finish(first)
    assert ends_of(records) == [EndReason.CURRENT_LOST]
    assert stop_of(records).cause is EndReason.CURRENT_LOST


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (Until(voltage_below=3.0), EndReason.VOLTAGE_BELOW),
        (Until(duration=20_000.0), EndReason.SAFETY_VOLTAGE_MIN),
    ],
)
@pytest.mark.parametrize("current", [-CURRENT, -10 * CURRENT, -30 * CURRENT])
def test_a_cell_that_is_exhausted_between_two_samples_has_no_open_leads(
    current: float, until: Until, reason: EndReason
) -> None:
    records = Rig().run(Step(ConstantCurrent(current), until))
    assert ends_of(records) == [reason]
    assert rows_of(records)[-1].current == pytest.approx(current, rel=0.01)
