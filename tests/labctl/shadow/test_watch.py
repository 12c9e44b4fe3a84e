"""A shadow is quiet beside the cell it believes in, and says what another looks like."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest

from labctl.shadow.cell import ShadowCell
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Record, Until
from tests.labctl.shadow.conftest import AREA, cycled, lead


def test_beside_the_cell_it_believes_in_it_is_right_and_quiet(watched):
    told = watched()
    assert np.sqrt(np.mean(told.off() ** 2)) < 5e-3
    assert len(told.of("capacity_Ah")) == 8
    assert np.abs(told.off("capacity_Ah") / [each.predicted for each in told.of("capacity_Ah")]).max() < 0.01
    assert np.abs(told.off("energy_Wh") / [each.predicted for each in told.of("energy_Wh")]).max() < 0.01
    assert not told.warnings


def test_what_belief_is_unsure_of_is_no_alarm(watched):
    assert not watched(area=0.97 * AREA).warnings


@pytest.mark.parametrize(
    ("truly", "words"),
    [
        (
            {"contact_resistance": 300.0 * AREA},
            "looks like 2.. ohm more in series|looks like 30. ohm more in series",
        ),
        ({"diffusivity": (1.5e-15,) * 60}, "looks like slower transport"),
        (
            {"leak_resistance": 2e6 * AREA},
            "looks like a soft short or self-discharge, as through 2e[+]06 ohm",
        ),
        ({"area": 0.8 * AREA}, "looks like (19|20|21)% less active film"),
    ],
)
def test_another_cell_is_noticed_with_the_right_word_within_two_cycles(watched, truly, words):
    told = watched(cycles=1, **truly)
    assert told.warnings
    assert any(re.search(words, text) for text in told.warnings), told.warnings


def test_a_short_shows_at_rest_by_the_voltage_falling_away_from_the_model(watched):
    told = watched(leak_resistance=5e6 * AREA, densities=(5.0,), cycles=1, rest=4 * 3600.0)
    (first,) = [text for text in told.warnings if text.startswith("the voltage")][:1]
    assert "a soft short or self-discharge" in first
    assert "-" in first.partition("by ")[2][:3]


def test_limits_decide_what_is_said(watched):
    generous = {"voltage": 5.0, "capacity": 5.0, "resistance": 500.0, "charge_loss": 1.0}
    assert not watched(generous, cycles=1, area=0.8 * AREA).warnings
    assert watched({"resistance": 0.1}, cycles=1, contact_resistance=100.0 * AREA).warnings
    assert not watched({"resistance": 0.9}, cycles=1, contact_resistance=100.0 * AREA).warnings


def test_an_alarm_is_not_said_with_every_cycle(watched):
    told = watched(area=0.8 * AREA, densities=(5.0,), cycles=6)
    assert len(told.of("capacity_Ah")) == 12
    assert sum(text.startswith("cycle") for text in told.warnings) <= 3


def test_what_hardly_moves_is_told_once_a_minute_at_most(make_shadow, parameters):
    shadow, told = make_shadow()
    lead(shadow, cycled(parameters, densities=(0.5,), cycles=1, rest=3600.0, record=Record(interval=1.0)))
    times = np.array([each.t for each in told.of("voltage_V")])
    assert np.all(np.diff(times) >= 60.0)
    assert len(times) > 30


def test_on_the_plateau_it_begins_where_past_runs_lead_if_the_voltage_agrees(make_shadow, parameters):
    cell = Cell(parameters)
    half = cell.step(cell.fresh(), Current(7.5e-6), Until(duration=300.0)).state
    rested = cell.step(half, Current(0.0), Until(duration=36000.0)).state
    truth = float(np.mean(rested.lithium))
    for expected, by in ((truth, "past runs"), (0.6, "its voltage; its past runs lead to x = 0.600")):
        shadow, told = make_shadow(expected=expected)
        lead(shadow, cycled(parameters, densities=(5.0,), cycles=1, start=rested))
        assert told.said[0][2].endswith(by)
        assert np.sqrt(np.mean(told.off() ** 2)) < 5e-3


def test_time_that_goes_back_is_refused(make_shadow, parameters):
    shadow, _ = make_shadow()
    rows = [row for kind, row in cycled(parameters, densities=(5.0,), cycles=1) if kind == "row"]
    shadow.row(rows[0])
    shadow.row(rows[40])
    with pytest.raises(ValueError, match="time went back"):
        shadow.row(rows[1]._replace(step=9))


def test_a_row_costs_less_than_a_millisecond(make_shadow, parameters):
    shadow, _ = make_shadow()
    rows = list(cycled(parameters, record=Record(interval=10.0, voltage_change=5e-3)))
    begin = time.process_time()
    lead(shadow, rows)
    assert (time.process_time() - begin) / len(rows) < 1e-3


@pytest.mark.parametrize("lost", [0.0, 0.05, -0.05])
@pytest.mark.parametrize("broken_in", [1, 2, 3])
def test_a_run_that_goes_on_in_the_middle_of_a_step_is_no_other_cell(
    make_shadow, parameters, broken_in, lost
):
    told, whole = gone_on(make_shadow, parameters, cycled(parameters, densities=(5.0,)), broken_in, lost)
    assert not told.warnings
    compared = told.of("capacity_Ah")
    assert [each.t for each in compared] == [row["t_end"] for row in whole if row["charge"] != 0.0]
    assert np.abs(told.off("capacity_Ah") / [each.predicted for each in compared]).max() < 0.02


def test_a_cell_of_less_film_is_noticed_after_its_run_went_on_too(make_shadow, parameters):
    smaller = replace(parameters, area=0.7 * AREA)
    told, _ = gone_on(make_shadow, parameters, cycled(smaller, densities=(5.0,)), 1)
    assert any(re.match(r"cycle \d: .*% less", text) for text in told.warnings), told.warnings


def gone_on(make_shadow, parameters, rows, broken_in, lost=0.0):
    """Lead a shadow by what comes after the middle of a step; return what it tells, and the steps it can compare.

    lost: of x, which nobody counted.
    """
    rows = list(rows)
    steps = [row for kind, row in rows if kind == "step"]
    broken = next(row for row in steps if row["step_count"] == broken_in)
    middle = 0.5 * (broken["t_start"] + broken["t_end"])
    left = [each for each in rows if (each[1].time if each[0] == "row" else each[1]["t_end"]) > middle]
    passed = left[0][1].charge * 3600 / ShadowCell(parameters, Cell(parameters).fresh()).site_charge
    shadow, told = make_shadow(expected=parameters.as_made_lithium - passed + lost, goes_on=True)
    lead(shadow, left)
    ended = next(row["t_end"] for row in steps if row["t_end"] > middle and row["end_reason"] != "duration")
    return told, [row for row in steps if row["t_start"] >= ended]
