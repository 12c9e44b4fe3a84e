"""Rows: met within the tolerance or the range, not met beyond, and never met without a run."""

import math

import pytest

from labctl.reproducing.rows import DEGREES, HEADER, VOLTS, Row


def row(low, high, twin, tolerance=0.05, unit=VOLTS):
    return Row("what", unit, low, high, twin, tolerance, "paper", "0123456789")


@pytest.mark.parametrize(("twin", "verdict"), [(4.19, "met"), (4.21, "NOT MET"), (math.nan, "NOT RUN")])
def test_a_value_is_met_within_its_tolerance(twin, verdict):
    assert row(4.0, 4.0, twin).verdict == verdict
    assert row(4.0, 4.0, twin).is_met == (verdict == "met")


def test_a_range_has_no_tolerance_and_says_by_how_much_it_is_left():
    inside, above = row(963.15, 1173.15, 1000.0, unit=DEGREES), row(-math.inf, 933.15, 938.68, unit=DEGREES)
    assert (inside.verdict, inside.cells()[4]) == ("met", "within")
    assert (above.verdict, above.cells()[4]) == ("NOT MET", "+5.53 degC")
    assert above.cells()[2] == "below 660"


def test_without_a_printed_number_nothing_is_met_or_missed():
    bare = row(math.nan, math.nan, 0.98)
    assert (bare.verdict, bare.is_met) == ("no number printed", True)
    assert len(bare.cells()) == len(HEADER)


def test_a_row_without_a_run_is_shown_as_such_even_without_a_number():
    assert not row(math.nan, math.nan, math.nan).is_met


def test_what_is_allowed_is_told_in_per_cent_as_the_deviation_is():
    assert row(4.0, 4.0, 4.19).cells()[5] == "5%"
    assert row(4.0, 4.0, 4.19, tolerance=0.0004).cells()[5] == "0.04%"
    assert row(-math.inf, 933.15, 900.0).cells()[5] == ""


@pytest.mark.parametrize(
    ("low", "high", "twin", "over"),
    [(4.0, 4.0, 4.2, 1.05), (1.0, math.inf, 6.0, 1.0), (1.0, math.inf, 0.9, 0.9), (1.0, 2.0, 3.0, 1.5)],
)
def test_a_range_has_its_place_in_the_picture_too(low, high, twin, over):
    assert row(low, high, twin).over_paper == pytest.approx(over)
