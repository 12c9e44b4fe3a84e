"""A number is as long as its uncertainty lets it be."""

import math

import pytest

from labctl.to_its_sd import rounded, with_sd


@pytest.mark.parametrize(
    ("value", "sd", "shown"),
    [
        (0.6999521, 0.03499760, "0.700 +- 0.035 um"),
        (2.00008482022, 0.100004, "2.00 +- 0.10 um"),
        (0.69995, 0.00996, "0.700 +- 0.010 um"),
        (123456.0, 1234.0, "123500 +- 1200 um"),
        (100.0, 0.0, "100 um"),
        (0.6999521234, 0.0, "0.699952 um"),
        (1.0, math.nan, "1 um"),
    ],
)
def test_a_value_stops_at_the_second_digit_of_its_uncertainty(value, sd, shown):
    assert with_sd(value, sd, "um") == shown


@pytest.mark.parametrize("sd", [1e-9, 3.5e-8, 0.0996, 1.0, 47.0])
def test_rounding_costs_less_than_a_twentieth_of_the_uncertainty(sd):
    value = 12.3456789
    assert abs(rounded(value, sd) - value) <= 0.05 * sd


def test_what_is_no_number_stays_none():
    assert math.isnan(rounded(math.nan, 0.1))
    assert rounded(0.0, 0.0) == 0.0
