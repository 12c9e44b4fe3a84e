"""What a host tells of a flight so that a later session finds it, and the flight made of that again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devices.cycling.cycler import Job, Mark
from devices.cycling.host_flight import HostFlight
from devices.cycling.host_run import HostRun, Reading
from devices.cycling.tally import Tally


def trace_of(flight: HostFlight) -> Mapping[str, Any]:
    """Return it in plain JSON values."""
    return {
        "token": flight.job.token,
        "begun": flight.begun,
        "rest": None if math.isnan(flight.rest) else flight.rest,
        "firsts": list(flight.firsts),
        "over": flight.over,
    }


def told_of(job: Job, mark: Mark) -> Mapping[str, Any]:
    """Return what was told of a job; nothing for one whose start was not heard to come through."""
    return mark.trace if mark.trace.get("token") == job.token else {}


def flight_of(job: Job, mark: Mark, tally: Tally[Reading], number: int) -> HostFlight:
    """Return a flight at the step that was booked last, whose records go on with a number.

    Its phase is "next" where the end of that step was booked, and else "look", with the rows that are `known`.
    """
    told, begun = told_of(job, mark), max(mark.elements, 1)
    flight = HostFlight(job, HostRun(job.nodes, job.limits, job.longest), tally, begun=begun)
    flight.step = [flight.run.next() for _ in range(begun)][-1]
    flight.time = max(mark.time, 0.0)
    flight.phase = "look"
    if not mark.elements or not told:
        return flight
    # The driver is ahead of what was booked by one step at the most: a further one waits until that is written down.
    ahead = told["begun"] - begun
    if mark.next > told["firsts"][1 - ahead]:
        flight.known = mark.time
    if not ahead:
        flight.rest = math.nan if told["rest"] is None else told["rest"]
        if told["over"] is not None and mark.next >= told["over"]:
            flight.phase, flight.over = "next", number
    return flight
