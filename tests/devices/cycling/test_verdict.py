"""Each end of a step is recognised from rows that show it, and each cut from rows that could not be an end."""

from __future__ import annotations

import pytest

from devices.cycling.contact import contact_fault
from devices.cycling.cycler import RowTaken
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Until, VoltageRamp
from devices.cycling.verdict import Measured, cut_cause, fault_of, own_end

LIMITS = CellLimits(voltage_min=2.9, voltage_max=4.3, current_max=2e-3, charge_max=10.0)
DRIVE = ConstantCurrent(1e-3)


def seen(time=10.0, voltage=3.9, current=1e-3, charge=0.01, energy=0.039):
    first = RowTaken(1, 0.0, 3.8, current, 25.0)
    return Measured(first, RowTaken(2, time, voltage, current, 25.0), charge, energy)


@pytest.mark.parametrize(
    ("run", "until", "rows", "reason"),
    [
        (DRIVE, Until(voltage_above=4.2), seen(voltage=4.2), EndReason.VOLTAGE_ABOVE),
        (
            ConstantCurrent(-1e-3),
            Until(voltage_below=3.0),
            seen(voltage=3.0, current=-1e-3),
            EndReason.VOLTAGE_BELOW,
        ),
        (
            ConstantVoltage(4.2),
            Until(current_below=5e-5),
            seen(voltage=4.2, current=5e-5),
            EndReason.CURRENT_BELOW,
        ),
        (ConstantVoltage(4.2), Until(current_above=1e-3, duration=99.0), seen(), EndReason.CURRENT_ABOVE),
        (DRIVE, Until(charge=0.01), seen(), EndReason.CHARGE),
        (DRIVE, Until(energy=0.039), seen(), EndReason.ENERGY),
        (OpenCircuit(), Until(duration=10.0), seen(current=0.0, charge=0.0), EndReason.DURATION),
        (VoltageRamp(3.0, 4.0, 0.1), Until(), seen(voltage=4.0), EndReason.SWEPT),
        (OpenCircuit(), Until(voltage_rate_below=1e-6), seen(current=0.0), EndReason.VOLTAGE_RATE_BELOW),
        (DRIVE, Until(voltage_above=4.2), seen(time=100.0), EndReason.LONGEST_STEP),
        (DRIVE, Until(voltage_above=4.2), seen(), None),
    ],
)
def test_an_end_is_recognised_from_the_last_row(run, until, rows, reason):
    assert own_end(Step(run, until), rows, longest=100.0) is reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (seen(voltage=4.31), EndReason.SAFETY_VOLTAGE_MAX),
        (seen(voltage=2.89), EndReason.SHORT_CIRCUIT),
        (seen(voltage=9.99, current=0.0), EndReason.OPEN_CIRCUIT),
        (seen(voltage=3.9, current=0.0), EndReason.OPEN_CIRCUIT),
        (seen(voltage=0.001, current=1e-3), EndReason.SHORT_CIRCUIT),
        (seen(current=2.2e-3), EndReason.SAFETY_CURRENT),
        (seen(charge=10.0), EndReason.SAFETY_CHARGE),
        (seen(current=0.7e-3), EndReason.CURRENT_LOST),
        (seen(voltage=float("nan")), EndReason.INSTRUMENT_ERROR),
        (seen(), EndReason.UNCLEAR),
    ],
)
def test_a_cut_is_recognised_from_the_last_row(rows, reason):
    assert cut_cause(Step(DRIVE, Until(voltage_above=4.2)), rows, LIMITS) is reason


CHARGE = Step(DRIVE, Until(voltage_above=4.2))
DISCHARGE = Step(ConstantCurrent(-1e-3), Until(voltage_below=3.0))
HOLD = Step(ConstantVoltage(4.1), Until(current_below=5e-5))
REST = Step(OpenCircuit(), Until(duration=10.0))


@pytest.mark.parametrize(
    ("step", "before", "row", "reason"),
    [
        (CHARGE, (3.8, 1e-3), (3.8, 1e-3), None),
        (CHARGE, (3.8, 1e-3), (3.8, 0.92e-3), None),
        (CHARGE, (3.8, 1e-3), (3.8, 0.9e-3), EndReason.CURRENT_LOST),
        (CHARGE, (3.8, 1e-3), (3.8, 0.5e-4), EndReason.OPEN_CIRCUIT),
        (CHARGE, (4.1, 1e-3), (4.199, 0.5e-3), None),
        (CHARGE, (4.1, 1e-3), (4.2, 0.5e-4), None),
        (CHARGE, (3.8, 1e-3), (4.2, 0.0), EndReason.OPEN_CIRCUIT),
        (CHARGE, (3.8, 1e-3), (9.9, 0.0), EndReason.OPEN_CIRCUIT),
        (CHARGE, (3.8, 1e-3), (0.0, 1e-3), EndReason.SHORT_CIRCUIT),
        (CHARGE, (3.8, 1e-3), (0.015, 1e-3), EndReason.SHORT_CIRCUIT),
        (DISCHARGE, (3.8, -1e-3), (0.001, -1e-3), EndReason.SHORT_CIRCUIT),
        (DISCHARGE, (3.8, -1e-3), (3.0, 0.0), EndReason.OPEN_CIRCUIT),
        (DISCHARGE, (3.8, -1e-3), (3.5, -0.8e-3), EndReason.CURRENT_LOST),
        (DISCHARGE, (3.1, -1e-3), (2.95, -1e-3), None),
        (HOLD, (4.1, 1e-3), (0.0, 2e-3), EndReason.SHORT_CIRCUIT),
        (HOLD, (4.1, 1e-3), (4.1, 0.0), None),
        (HOLD, (3.9, 0.0), (4.1, 0.0), EndReason.OPEN_CIRCUIT),
        (REST, (3.8, 0.0), (3.79, 0.0), None),
        (REST, (3.8, 0.0), (0.0, 0.0), EndReason.OPEN_CIRCUIT),
        (REST, (3.8, 0.0), (4.75, 0.0), EndReason.OPEN_CIRCUIT),
        (REST, (3.8, 0.0), (0.5, 0.0), EndReason.SHORT_CIRCUIT),
        (REST, (3.8, 0.0), (-9.5, 0.0), EndReason.OPEN_CIRCUIT),
        (REST, (2.91, 0.0), (2.88, 0.0), None),
        (CHARGE, (3.8, 1e-3), (float("nan"), 1e-3), None),
    ],
)
def test_a_fault_has_the_same_name_on_every_instrument(step, before, row, reason):
    rows = RowTaken(1, 0.0, *before, 25.0), RowTaken(2, 10.0, *row, 25.0)
    assert fault_of(step, *rows, LIMITS, holds=True) is reason


@pytest.mark.parametrize("before", [None, (3.7, 0.0), (3.1, 2e-3)])
@pytest.mark.parametrize("volts", [2.9, -6.0])
def test_a_discharge_that_finds_nothing_found_an_empty_cell(before, volts):
    row = RowTaken(2, 10.0, volts, -1e-6, 25.0)
    rested = None if before is None else RowTaken(1, 9.0, *before, 25.0)
    assert fault_of(DISCHARGE, rested, row, LIMITS) is None


@pytest.mark.parametrize("before", [(0.001, 0.0), (3.8, -1e-3), (5.1, 0.0)])
def test_a_discharge_that_loses_its_current_or_began_without_a_cell_has_open_leads(before):
    rows = RowTaken(1, 9.0, *before, 25.0), RowTaken(2, 10.0, 2.9, -1e-6, 25.0)
    assert fault_of(DISCHARGE, *rows, LIMITS) is EndReason.OPEN_CIRCUIT


def test_a_discharge_of_one_row_comes_to_its_voltage_or_to_the_limit():
    row = RowTaken(1, 0.0, 3.0, -1e-9, 25.0)
    assert own_end(DISCHARGE, Measured(row, row, 0.0, 0.0), longest=100.0) is EndReason.VOLTAGE_BELOW
    row = RowTaken(1, 0.0, 2.9, -1e-9, 25.0)
    endless = Step(ConstantCurrent(-1e-3), Until(duration=9.0))
    assert cut_cause(endless, Measured(row, row, 0.0, 0.0), LIMITS) is EndReason.SAFETY_VOLTAGE_MIN


def test_the_limit_that_the_instrument_names_is_believed_unless_leads_or_cell_are_behind_it():
    named = EndReason.SAFETY_VOLTAGE_MAX
    assert cut_cause(CHARGE, seen(), LIMITS, named) is named
    assert cut_cause(CHARGE, seen(voltage=9.99, current=0.0), LIMITS, named) is EndReason.OPEN_CIRCUIT


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        (1.034e-9, EndReason.CURRENT_BELOW),
        (1.45e-9, EndReason.CURRENT_BELOW),
        (1.6e-9, None),
    ],
)
def test_a_least_current_is_reached_within_the_noise_of_the_smallest_range(current, reason):
    hold = Step(ConstantVoltage(4.1), Until(current_below=1e-9, duration=99.0))
    assert own_end(hold, seen(voltage=4.1, current=current, charge=0.0), longest=100.0) is reason
    over = seen(time=99.0, voltage=4.1, current=1.3e-9, charge=0.0)
    assert own_end(hold, over, longest=100.0) is EndReason.DURATION


def test_a_galvanostat_that_reaches_a_voltage_without_its_current_has_open_leads():
    rows = seen(voltage=4.2, current=0.0)
    assert own_end(CHARGE, rows, longest=100.0) is None
    assert cut_cause(CHARGE, rows, LIMITS) is EndReason.OPEN_CIRCUIT


def test_a_cell_without_a_voltage_of_its_own_has_none_to_miss():
    limits = CellLimits(voltage_min=-1.0, voltage_max=1.0, current_max=1e-3)
    row = RowTaken(1, 0.0, 0.0, 1e-3, 25.0)
    assert fault_of(Step(DRIVE, Until(voltage_above=0.9)), None, row, limits) is None


@pytest.mark.parametrize(
    ("voltage", "expected", "words"),
    [
        (3.8, None, None),
        (3.8, 3.85, None),
        (3.8, 3.3, "another cell"),
        (-3.8, None, "reversed"),
        (0.002, None, "shorted"),
        (10.0, None, "lead is open"),
        (float("nan"), None, "lead is open"),
        (4.4, None, "above the program's"),
    ],
)
def test_a_bad_contact_is_said_in_words(voltage, expected, words):
    fault = contact_fault(voltage, LIMITS, expected, 0.1)
    assert fault is None if words is None else words in fault


def test_a_cell_without_a_voltage_of_its_own_may_rest_at_zero():
    assert (
        contact_fault(0.0, CellLimits(voltage_min=-1.0, voltage_max=1.0, current_max=1e-3), None, 0.1) is None
    )


@pytest.mark.parametrize(("volts", "is_short"), [(0.015, True), (0.019, True), (0.021, False)])
def test_less_than_a_tenth_of_a_cells_resistance_is_a_short_also_in_the_first_row(volts, is_short):
    found = fault_of(CHARGE, None, RowTaken(1, 0.0, volts, 1e-3, 25.0), LIMITS)
    assert (found is EndReason.SHORT_CIRCUIT) is is_short


def test_a_cell_without_a_voltage_of_its_own_may_fall_to_its_least_voltage():
    limits = CellLimits(voltage_min=-1.0, voltage_max=1.0, current_max=1e-3)
    rows = RowTaken(1, 0.0, 0.5, 1e-3, 25.0), RowTaken(2, 10.0, -1.0, 1e-3, 25.0)
    assert fault_of(Step(DRIVE, Until(voltage_above=0.9)), *rows, limits) is None


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (seen(voltage=3.5, current=-2.2e-3), EndReason.SAFETY_CURRENT),
        (seen(voltage=3.5, current=-1e-3, charge=-10.0), EndReason.SAFETY_CHARGE),
    ],
)
def test_current_and_charge_have_their_limits_in_discharge_too(rows, reason):
    assert cut_cause(DISCHARGE, rows, LIMITS) is reason
