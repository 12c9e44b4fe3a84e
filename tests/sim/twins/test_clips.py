"""Leads with a cell on them are the cell called directly; leads without one are at the rail."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.physics.cell.cell import CellError, EndReason
from sim.physics.cell.control import (
    ENDS_ONLY,
    REST,
    Control,
    Current,
    Power,
    Record,
    RequestError,
    Resistance,
    Until,
    Voltage,
)
from sim.physics.cell.impedance import impedance
from sim.twins.clips import Clips, open_leads
from tests.support.cells import CELL, CURRENT, Foil

RAIL = 8.0


def wired_clips() -> tuple[Clips, Foil]:
    """Return leads with a fresh cell on them since 0 s."""
    clips, wired = Clips(RAIL), Foil()
    clips.wire(wired, 0.0)
    return clips, wired


def test_driving_is_the_cell_called_directly_and_its_end_is_kept() -> None:
    clips, wired = wired_clips()
    until, record = Until(duration=600.0, upper=4.2), Record(interval=10.0)
    segment = clips.drive(Current(CURRENT), until, record, 0.0)
    direct = CELL.step(CELL.fresh(), Current(CURRENT), until, record)
    assert np.array_equal(segment.voltage, direct.voltage)
    assert wired.state == direct.state
    hold = clips.drive(Voltage(3.95), Until(duration=100.0), ENDS_ONLY, 600.0)
    assert hold.state == CELL.step(direct.state, Voltage(3.95), Until(duration=100.0)).state


def test_between_two_drives_the_cell_rests() -> None:
    clips, wired = wired_clips()
    charged = clips.drive(Current(CURRENT), Until(duration=600.0), ENDS_ONLY, 0.0).state
    rested = CELL.step(charged, REST, Until(duration=400.0)).state
    assert clips.voltage(1000.0) == CELL.voltage(rested, 0.0)
    assert clips.voltage(1000.0, CURRENT) == CELL.voltage(rested, CURRENT)
    assert wired.state == charged
    clips.settle(1000.0)
    assert wired.state == rested


def test_looking_changes_no_later_value() -> None:
    looked, seldom = wired_clips(), wired_clips()
    for clips, _ in (looked, seldom):
        clips.drive(Current(CURRENT), Until(duration=600.0), ENDS_ONLY, 0.0)
    for now in (601.0, 650.0, 700.0):
        looked[0].voltage(now)
        looked[0].foresee(Voltage(4.0), Until(duration=10.0), ENDS_ONLY, now)
        looked[0].impedance(np.array([10.0]), now)
    for clips, _ in (looked, seldom):
        clips.drive(Current(-CURRENT), Until(duration=60.0), ENDS_ONLY, 800.0)
    assert looked[1].state == seldom[1].state


def test_a_cell_taken_off_keeps_its_state_and_the_leads_are_open() -> None:
    clips, wired = wired_clips()
    clips.drive(Current(CURRENT), Until(duration=60.0), ENDS_ONLY, 0.0)
    clips.wire(None, 100.0)
    left = wired.state
    assert not clips.wired
    clips.settle(1e6)
    assert wired.state == left
    assert clips.voltage(1e6) == 0.0
    assert clips.voltage(1e6, -1e-6) == -RAIL


def test_impedance_is_that_of_the_rested_cell() -> None:
    clips, _ = wired_clips()
    charged = clips.drive(Current(CURRENT), Until(duration=600.0), ENDS_ONLY, 0.0).state
    rested = CELL.step(charged, REST, Until(duration=60.0)).state
    frequency = np.array([1e4, 1.0])
    assert np.array_equal(clips.impedance(frequency, 660.0), impedance(CELL.parameters, rested, frequency))
    assert np.isinf(Clips(RAIL).impedance(frequency, 0.0)).all()


def test_a_current_that_the_surface_cannot_carry_goes_to_the_rail() -> None:
    clips, _ = wired_clips()
    assert clips.voltage(0.0, 10.0) == RAIL
    assert clips.voltage(0.0, -10.0) == -RAIL
    with pytest.raises(CellError):
        clips.impedance(np.array([1.0]), 0.0, bias=10.0)


def test_time_never_goes_back() -> None:
    clips, _ = wired_clips()
    clips.drive(Current(CURRENT), Until(duration=60.0), ENDS_ONLY, 0.0)
    with pytest.raises(ValueError, match="is before"):
        clips.settle(30.0)


@pytest.mark.parametrize(
    ("control", "voltage"),
    [
        (Current(1e-6), RAIL),
        (Current(-1e-6), -RAIL),
        (REST, 0.0),
        (Power(-1e-3), -RAIL),
        (Resistance(1e3), 0.0),
        (Voltage(3.0), 3.0),
        (Voltage(20.0), RAIL),
    ],
)
def test_open_leads_stand_where_they_are_driven(control: Control, voltage: float) -> None:
    segment = open_leads(control, Until(duration=10.0), Record(interval=1.0), RAIL)
    assert segment.end is EndReason.DURATION
    assert np.array_equal(segment.time, np.arange(11.0))
    assert np.all(segment.voltage == voltage)
    assert not segment.current.any()
    assert segment.charge[-1] == segment.energy[-1] == 0.0


@pytest.mark.parametrize(
    ("control", "until", "end", "reason"),
    [
        (Current(1e-6), Until(upper=4.2), 0.0, EndReason.UPPER_VOLTAGE),
        (Current(-1e-6), Until(lower=3.0), 0.0, EndReason.LOWER_VOLTAGE),
        (Current(1e-6), Until(lower=3.0), 0.0, EndReason.STEADY),
        (Voltage(4.2), Until(smallest_current=1e-6), 0.0, EndReason.SMALLEST_CURRENT),
        (Voltage(4.2), Until(duration=5.0, largest_current=1e-6), 5.0, EndReason.DURATION),
        (Voltage(3.0, 0.1), Until(duration=60.0, upper=4.0), 10.0, EndReason.UPPER_VOLTAGE),
        (Voltage(3.0, -0.1), Until(duration=60.0, lower=2.0, upper=4.0), 10.0, EndReason.LOWER_VOLTAGE),
        (Voltage(3.0, 0.1), Until(duration=600.0, voltage_rate=0.01), 50.0, EndReason.VOLTAGE_RATE),
        (Voltage(3.0, 0.1), Until(duration=600.0, voltage_rate=0.2), 0.0, EndReason.VOLTAGE_RATE),
        (Current(-1e-6, 1e-7), Until(duration=60.0, upper=4.0), 10.0, EndReason.UPPER_VOLTAGE),
        (REST, Until(duration=60.0, voltage_rate=1e-6), 0.0, EndReason.VOLTAGE_RATE),
    ],
)
def test_open_leads_end_where_they_must(
    control: Control, until: Until, end: float, reason: EndReason
) -> None:
    segment = open_leads(control, until, ENDS_ONLY, RAIL)
    assert segment.end is reason
    assert segment.time[-1] == pytest.approx(end)


def test_open_leads_refuse_what_a_cell_refuses() -> None:
    with pytest.raises(RequestError, match="no end"):
        open_leads(REST, Until(), ENDS_ONLY, RAIL)


def test_open_leads_record_a_ramp_by_its_change() -> None:
    record = Record(voltage_change=0.25)
    segment = open_leads(Voltage(3.0, 0.5), Until(duration=2.0), record, RAIL)
    assert segment.voltage == pytest.approx([3.0, 3.25, 3.5, 3.75, 4.0])
    assert math.isclose(segment.time[1], 0.5)
