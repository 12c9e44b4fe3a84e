"""What a host tells of a flight is enough to make it again, wherever the books stood by then."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from devices.cycling.cycler import Job, Mark
from devices.cycling.host_flight import HostFlight
from devices.cycling.host_run import HostRun
from devices.cycling.host_trace import flight_of, told_of, trace_of
from devices.cycling.programs import CellLimits, Loop, Step
from devices.cycling.tally import Tally
from devices.cycling.techniques import ConstantCurrent, OpenCircuit, Until

CHARGE, REST = Step(ConstantCurrent(1e-5), Until(duration=9.0)), Step(OpenCircuit(), Until(duration=9.0))
JOB = Job("p", (Loop((CHARGE, REST), 2),), CellLimits(0.0, 5.0, 1e-3), "t", 60.0)


def told(**changes: Any) -> dict[str, Any]:
    """Return what a host tells of its third step, whose first record is the 20th."""
    flight = HostFlight(JOB, HostRun(JOB.nodes, JOB.limits, JOB.longest), Tally(0.04))
    flight.begun, flight.rest, flight.firsts = 3, 3.9, (12, 20)
    return dict(json.loads(json.dumps({**trace_of(flight), **changes})))


def again(next: int, elements: int, trace: dict[str, Any]) -> HostFlight:
    """Return the flight that a later session makes."""
    return flight_of(JOB, Mark(next, elements, 8, 21.5, trace), Tally(0.04), 1)


def test_the_step_that_was_booked_last_is_gone_on_with_from_its_last_row() -> None:
    flight = again(23, 3, told())
    assert (flight.step, flight.begun, flight.phase) == (CHARGE, 3, "look")
    assert (flight.known, flight.rest, flight.time) == (21.5, 3.9, 21.5)


@pytest.mark.parametrize(("next", "known"), [(20, -math.inf), (21, 21.5)])
def test_rows_of_the_step_before_are_not_taken_for_this_ones(next: int, known: float) -> None:
    assert again(next, 3, told()).known == known


@pytest.mark.parametrize(("next", "known"), [(12, -math.inf), (13, 21.5)])
def test_a_driver_that_was_a_step_ahead_says_nothing_of_the_rest_before_the_booked_one(
    next: int, known: float
) -> None:
    flight = again(next, 2, told(over=30))
    assert (flight.step, flight.phase, flight.known) == (REST, "look", known)
    assert math.isnan(flight.rest)


@pytest.mark.parametrize(("next", "phase"), [(29, "look"), (30, "next")])
def test_a_step_whose_end_was_booked_is_not_looked_at_again(next: int, phase: str) -> None:
    assert again(next, 3, told(over=30)).phase == phase


@pytest.mark.parametrize("trace", [{}, told(token="another")])
def test_a_start_that_nobody_heard_is_the_first_step_with_no_row(trace: dict[str, Any]) -> None:
    flight = again(0, 0, trace)
    assert told_of(JOB, Mark(0, 0, 8, -1.0, trace)) == {}
    assert (flight.step, flight.begun, flight.phase, flight.known) == (CHARGE, 1, "look", -math.inf)
