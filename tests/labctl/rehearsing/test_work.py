"""Amounts in the units that fit them."""

from labctl.rehearsing.margins import _below
from labctl.rehearsing.work import AH, charge_in_words, clock_time, energy_in_words


def test_times_beyond_two_days_are_told_in_days():
    assert clock_time(48 * 3600.0) == "48 h 00 min"
    assert clock_time((1415 * 60 + 57) * 60.0) == "59 days 0 h"
    assert clock_time(90.0) == "1.5 min"


def test_amounts_have_the_unit_of_their_size():
    assert charge_in_words(29.3e-3 * AH) == "29.3 mAh"
    assert charge_in_words(7.245e-6 * AH) == "7.25 uAh"
    assert charge_in_words(999.7e-6 * AH) == "1 mAh"
    assert charge_in_words(0.0) == ""
    assert energy_in_words(0.0, 2.0 * AH) == "2 Wh"


def test_a_current_and_its_limit_each_have_their_own_unit():
    margin = _below("highest current", 20.74e-6, 1e-3, "A")
    assert (margin.value, margin.limit) == ("20.74 uA", "1 mA")
    assert _below("highest current", 0.0, 1e-3, "A").value == "0 nA"
