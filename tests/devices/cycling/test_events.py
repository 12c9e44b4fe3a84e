"""What a flight's events add of a cell that has no anode of its own."""

import pytest

from devices.cycling.cells import CellSize
from devices.cycling.ends import EndReason
from devices.cycling.events import FlightEvents

BARE = CellSize(1.5e-5, materials=("LiCoO2", "LiPON", "Cu"), window=(3.0, 4.25), anodeless=True)
RICH = CellSize(1.5e-5, materials=("LiCoO2", "LiPON", "Li"), window=(3.0, 4.25))


class Stream:
    def __init__(self):
        self.rows = []

    def append(self, _, row):
        self.rows.append(row)


class Still:
    def now(self):
        return 0.0

    def time(self):
        return 0.0


def heard(cell, *ends):
    stream = Stream()
    events = FlightEvents(stream, Still(), "p", 0.0, cell)
    for reason, voltage in ends:
        events.step_closed(reason, voltage)
    return [row["text"] for row in stream.rows]


def test_a_step_that_ended_below_the_window_is_told_once():
    (said,) = heard(BARE, *[(EndReason.VOLTAGE_BELOW, 1.0)] * 3)
    assert said.startswith("a step ended at 1 V; the cell has no lithium but what was charged")


@pytest.mark.parametrize(
    ("cell", "reason", "voltage"),
    [
        (RICH, EndReason.VOLTAGE_BELOW, 1.0),
        (BARE, EndReason.VOLTAGE_BELOW, 2.9995),
        (BARE, EndReason.SAFETY_VOLTAGE_MIN, 1.0),
        (BARE, EndReason.DURATION, None),
    ],
)
def test_other_ends_say_nothing_of_it(cell, reason, voltage):
    assert heard(cell, (reason, voltage)) == []


def test_a_limit_says_it_itself():
    stream = Stream()
    FlightEvents(stream, Still(), "p", 0.0, BARE).say("safety", "info", "safety_voltage_min: minimum voltage")
    assert "no lithium but what was charged" in stream.rows[0]["text"]
