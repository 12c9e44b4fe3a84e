"""A channel's records: whatever part of a run comes live, recovered or again, each row is booked once, in order."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.bridges.channel_book import RECOVERY_QUIET, ChannelBook, Element, Point, Row, Said, Stopped
from devices.bridges.leases import Client, Leases
from devices.cycling.verdict import READING_FAILED

REST = {"element": "open_circuit", "interval": 1.0, "duration": 3.0}
SWEEP = {"element": "galvanostatic_impedance", "first": 1.0}


def book(*experiment: Any) -> ChannelBook:
    made = ChannelBook(uploaded="t", experiment=experiment)
    made.begin(0.0)
    return made


def row(time: float, current: float = 0.0) -> Row:
    return Row(time, 3.7, current, 25.0)


def kinds(made: ChannelBook) -> list[Any]:
    return [record[0] for record in made.records]


def times(made: ChannelBook) -> list[float]:
    return [record[2] for record in made.records if record[0] == "row"]


def run_of(elements: int) -> list[Said]:
    """Return what a run of so many rests of 3 s says, each its own node."""
    said: list[Said] = []
    for number in range(elements):
        said.append(Element("Rest", number + 1, 1, 1))
        said += [row(3.0 * number + second) for second in range(4)]
    return said


@settings(max_examples=300)
@given(st.integers(1, 4), st.data())
def test_a_run_is_whole_wherever_the_link_was_lost_and_however_much_is_said_again(
    elements: int, data: st.DataObject
) -> None:
    said = run_of(elements)
    whole = book(*[REST] * elements)
    for each in said:
        whole.hear(each)
    broken = book(*[REST] * elements)
    lost = data.draw(st.integers(1, len(said)))
    found = data.draw(st.integers(lost, len(said)))
    begins = [at for at, each in enumerate(said[:lost]) if isinstance(each, Element)]
    again = data.draw(st.sampled_from([*begins, *range(begins[-1], lost + 1)]))
    for each in said[:lost]:
        broken.hear(each)
    broken.lose_link()
    broken.find_link(100.0)
    for each in said[again:found]:
        if isinstance(each, Row | Point):
            broken.recover(each, 100.0)
        else:
            broken.hear(each)
    for each in said[found:]:
        broken.hear(each)
    broken.settle(100.0 + RECOVERY_QUIET, busy=True)
    assert [each for each in broken.records if each[0] in ("row", "element")] == list(whole.records)
    assert "gap" not in kinds(broken)


def test_a_row_that_is_missing_is_a_hole_and_one_that_only_comes_late_is_none() -> None:
    made = book(REST)
    for time in (0.0, 1.0, 2.4, 5.0):
        made.hear(row(time))
    assert kinds(made) == ["row"] * 4  # no element has begun, so nothing is known of an interval
    made = book(REST)
    for each in (Element("Rest", 1, 1, 1), row(0.0), row(1.0), row(2.4), row(5.0)):
        made.hear(each)
    assert kinds(made) == ["element", "row", "row", "row", "gap", "row"]
    assert made.records[4] == ["gap", 2.4, 5.0]


FALLS = [Row(9.0, volts, -1e-3, 25.0) for volts in (3.04, 3.02, 3.0)]
"""Three rows within the grain of the instrument's clock: the last one shows why the element ended."""


def voltages(made: ChannelBook) -> list[float]:
    return [record[3] for record in made.records if record[0] == "row"]


def test_rows_of_one_time_that_differ_are_all_booked_and_none_of_them_twice() -> None:
    made = book(REST, REST)
    for each in (Element("Rest", 1, 1, 1), row(8.0), *FALLS, *FALLS, Element("Rest", 2, 1, 1), FALLS[-1]):
        made.hear(each)
    assert voltages(made) == [3.7, 3.04, 3.02, 3.0, 3.0]
    failed = Row(10.0, math.nan, math.nan, 25.0)
    made.hear(failed)
    made.hear(failed._replace(voltage=float("nan")))
    assert voltages(made)[5:] == [None]


@pytest.mark.parametrize("lost", range(5))
@pytest.mark.parametrize("again", range(1, 5))
def test_rows_of_one_time_are_each_booked_once_wherever_the_link_was_lost(lost: int, again: int) -> None:
    said = [row(8.0), *FALLS]
    made = book({**REST, "interval": 8.0})
    made.hear(Element("Rest", 1, 1, 1))
    for each in said[:lost]:
        made.hear(each)
    made.lose_link()
    made.find_link(100.0)
    for each in said[min(again, lost) :]:
        made.recover(each, 100.0)
    made.settle(100.0 + RECOVERY_QUIET, busy=True)
    assert voltages(made) == [each.voltage for each in said]


def test_points_of_a_spectrum_have_no_interval_and_the_sine_of_their_kind() -> None:
    made = book(SWEEP)
    made.hear(Element("Galvanostatic EIS", 1, 1, 1))
    made.hear(Point(1.0, 1.0, 10.0, -5.0, 3.7, 0.0, 2e-3, 1e-4, math.nan))
    made.hear(Point(1000.0, 0.1, 10.0, -5.0, 3.7, 0.0, 2e-3, 1e-4, 0.0))
    assert kinds(made) == ["element", "spectrum", "spectrum"]
    assert made.records[1] == ["spectrum", 1, 1.0, 1.0, 10.0, -5.0, 3.7, 0.0, 1e-4, None]


def test_a_further_part_of_an_element_is_no_element() -> None:
    made = book(REST, REST)
    for substep in (1, 2, 3):
        made.hear(Element("Sweep", 1, substep, 1))
    made.hear(Element("Sweep", 1, 1, 1))
    assert kinds(made) == ["element", "element"]


def test_live_rows_wait_for_what_is_recovered_before_them() -> None:
    made = book({**REST, "duration": 100.0})
    for each in (Element("Rest", 1, 1, 1), row(0.0), row(1.0)):
        made.hear(each)
    made.lose_link()
    made.find_link(50.0)
    made.hear(row(9.0))
    made.recover(row(2.0), 50.0)
    made.hear(row(10.0))
    made.settle(51.0, busy=True)
    assert times(made) == [0.0, 1.0, 2.0]
    for time in range(3, 9):
        made.recover(row(float(time)), 51.0)
    made.hear(row(11.0))
    assert times(made) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    made.settle(51.0 + RECOVERY_QUIET, busy=True)
    assert times(made)[-3:] == [9.0, 10.0, 11.0]
    assert kinds(made).count("recovered") == 1
    assert made.records[-4] == ["recovered", 7, 2.0, 8.0]


def test_a_run_that_ended_unheard_is_ended_once() -> None:
    made = book(REST)
    made.hear(Element("Rest", 1, 1, 1))
    made.lose_link()
    made.find_link(0.0)
    made.settle(RECOVERY_QUIET, busy=False)
    made.hear(Stopped("late"))
    assert kinds(made) == ["element", "disconnected", "stopped"]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_charge_of_a_safety_limit_is_noticed_when_the_element_ends(sign: float) -> None:
    guarded = {**REST, "charge_safety": 3e-3}
    made = book(guarded, REST)
    made.hear(Element("Current", 1, 1, 1))
    for time in range(4):
        made.hear(row(float(time), sign * 1e-3))
    assert made.hear(Element("Rest", 2, 1, 1))
    assert kinds(made)[-2:] == ["ended", "element"]
    short = book(guarded, REST)
    short.hear(Element("Current", 1, 1, 1))
    short.hear(row(0.0, sign * 1e-3))
    short.hear(row(1.0, sign * 1e-3))
    assert not short.hear(Element("Rest", 2, 1, 1))


HOLD = {"element": "constant_voltage", "interval": 0.1, "record": 1.0, "duration": 2.35}


def hold_of(elements: int) -> list[Said]:
    """Return what so many holds say, whose current falls, each its own node."""
    said: list[Said] = []
    for number in range(elements):
        said.append(Element("Hold", number + 1, 1, 1))
        instants = [0.1 * place for place in range(24)] + [2.35]
        said += [row(2.35 * number + each, 1e-3 * math.exp(-each)) for each in instants]
    return said


def passed(made: ChannelBook) -> list[float]:
    return [record[6] for record in made.records if record[0] == "row"]


@settings(max_examples=100)
@given(st.integers(1, 3), st.data())
def test_samples_make_rows_that_say_what_passed_wherever_the_link_was_lost(
    elements: int, data: st.DataObject
) -> None:
    said = hold_of(elements)
    lost = data.draw(st.integers(1, len(said)))
    found = data.draw(st.integers(lost, len(said)))
    again = max(at for at, each in enumerate(said[:lost]) if isinstance(each, Element))
    made = book(*[HOLD] * elements)
    for each in said[:lost]:
        made.hear(each)
    made.lose_link()
    made.find_link(100.0)
    for each in said[again:found]:
        if isinstance(each, Row | Point):
            made.recover(each, 100.0)
        else:
            made.hear(each)
    for each in said[found:]:
        made.hear(each)
    made.settle(100.0 + RECOVERY_QUIET, busy=True)
    made.hear(Stopped("Experiment completed"))
    asked = [2.35 * number + each for number in range(elements) for each in (0.0, 1.0, 2.0, 2.35)]
    assert times(made) == pytest.approx(asked, abs=1e-9)
    instants = [0.1 * place for place in range(24)] + [2.35]
    once = math.fsum(
        0.5 * 1e-3 * (math.exp(-a) + math.exp(-b)) * (b - a) for a, b in itertools.pairwise(instants)
    )
    assert math.fsum(passed(made)) == pytest.approx(elements * once, rel=1e-9)
    assert [record[1] for record in made.records if record[0] == "row"] == [*range(1, made.rows + 1)]
    assert "gap" not in kinds(made)


def test_a_failed_sample_is_a_row_and_a_pause_is_not_counted() -> None:
    made = book({**HOLD, "duration": 100.0})
    made.hear(Element("Hold", 1, 1, 1))
    for time, current in ((0.0, 1e-3), (0.1, 1e-3), (0.2, math.nan), (0.3, 1e-3)):
        made.hear(row(time, current))
    made.interrupted()
    made.hear(row(50.0, 1e-3))
    made.hear(row(50.1, 1e-3))
    made.hear(Stopped("over"))
    assert times(made) == [0.0, 0.2, 0.3, 50.0, 50.1]
    assert passed(made) == pytest.approx([0.0, None, 3e-4, 0.0, 1e-4])


def test_a_lease_is_held_by_one_and_freed_by_its_end() -> None:
    leases, one, two = Leases(), Client("pid 1"), Client("pid 2")
    assert leases.take(0, one, 0.0) is None
    assert leases.take(0, one, 9.0) is None
    assert str(leases.take(0, two, 9.0)) == "pid 1 since 1970-01-01T00:00:00+00:00"
    assert leases.take(1, two, 9.0) is None
    assert leases.override(0, one) is None
    assert leases.free(one) == [0]
    assert leases.take(0, two, 10.0) is None
    assert leases.free(two) == [0, 1]


HELD = {"element": "constant_voltage", "interval": 0.1, "record": 10.0, "duration": 100.0}


def held(made: ChannelBook, *currents: float) -> bool:
    """Let a hold begin and be sampled; return whether the channel is to be stopped with the last sample."""
    made.hear(Element("Constant potential", 1, 1, 1))
    return [made.hear(row(0.1 * at, current)) for at, current in enumerate(currents)][-1]


def test_a_lead_that_falls_off_in_a_hold_stops_the_channel() -> None:
    made = book(HELD, REST)
    assert held(made, 8e-6, 8e-6, 8e-6, 0.0)
    assert not made.hear(row(0.4, 0.0))
    made.hear(Stopped("Experiment stopped manually"))
    assert made.records[-1][2] == "open_circuit"
    assert "lead" in made.records[-1][1]


def test_a_hold_that_ends_as_its_lead_falls_off_has_not_come_to_its_end() -> None:
    made = book(HELD, REST)
    held(made, 8e-6, 8e-6, 8e-6, 0.0)
    assert made.hear(Element("Rest", 2, 1, 1))
    assert ["ended", "open_circuit"] in made.records
    made.hear(Stopped("Experiment stopped manually"))
    assert made.records[-1][2] == "open_circuit"


def test_what_the_bridge_stopped_says_why() -> None:
    made = book({"element": "constant_current", "interval": 0.1, "duration": 100.0})
    assert held(made, *[math.nan] * 3)
    made.hear(Stopped("Experiment stopped manually"))
    assert made.records[-1] == ["stopped", READING_FAILED, "instrument_error"]
