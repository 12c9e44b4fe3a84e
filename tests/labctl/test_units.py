"""Text with a unit becomes the nearest SI float, or is refused with words."""

import math
import re
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl import units
from labctl.units import UnitError, parse, show


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("0.7 um", "m", 7e-07),
        ("0.7 µm", "m", 7e-07),
        ("0.7 μm", "m", 7e-07),
        ("1.8 ms", "s", 0.0018),
        ("850 V", "V", 850.0),
        ("850V", "V", 850.0),
        ("0.4 Hz", "Hz", 0.4),
        ("50 uA/cm^2", "A/m^2", 0.5),
        ("31.5 uA/cm²", "A/m^2", 0.315),
        ("20 cm^2", "m^2", 0.002),
        ("0.15 cm^2", "m^2", 1.5e-05),
        ("25 degC", "K", 298.15),
        ("-40 °C", "K", 233.15),
        ("49 uAh/cm^2", "C/m^2", 1764.0),
        ("100 W/(m^2 K)", "W/(m^2 K)", 100.0),
        ("100 W/m^2/K", "W/(m^2 K)", 100.0),
        ("35 ohm A^0.5", "ohm A^0.5", 35.0),
        ("5.6 mF", "F", 0.0056),
        ("760 Torr", "Pa", 101325.0),
        ("3 mTorr", "Pa", 3 * 101325 / 760000),
        ("1e-6 mbar", "Pa", 1e-4),
        ("2 1/s", "Hz", 2.0),
        ("3 %", "1", 0.03),
        ("0.5", "1", 0.5),
        (0.5, "1", 0.5),
        (1, "1", 1.0),
    ],
)
def test_text_becomes_the_float_that_was_typed(text, unit, value):
    assert parse(text, unit) == value


@pytest.mark.parametrize("value", [850, 850.0, "850", " 850 "])
def test_a_bare_number_is_refused_with_the_unit_to_type(value):
    with pytest.raises(UnitError, match=re.escape('give a unit, e.g. "850 V"')):
        parse(value, "V")


@pytest.mark.parametrize("value", [True, False, None, [1], {"value": 1}, b"1 V"])
@pytest.mark.parametrize("unit", ["V", "1"])
def test_only_text_and_pure_numbers_are_taken(value, unit):
    with pytest.raises(UnitError, match="must be a text"):
        parse(value, unit)


@pytest.mark.parametrize(
    ("text", "unit", "word"),
    [
        ("50 mA", "A/m^2", "cannot become"),
        ("16.5 J", "J/m^2", "cannot become"),
        ("25 C", "K", "degC"),
        ("0.7 V", "m", "cannot become"),
        ("24 rpm", "Hz", "cannot become"),
        ("5 quux", "V", "not a known unit"),
        ("5 mdegC", "K", "not a known unit"),
        ("5 cm2", "m^2", "write powers"),
        ("5 delta_degC", "K", "write powers"),
        ("1,8 ms", "s", "not a unit"),
        ("1/2 V", "V", "not a unit"),
        ("5 m^9^9", "m", "not a unit"),
        ("5 (m^9)^9", "m", "not a unit"),
        ("5 V; import os", "V", "not a unit"),
        ("", "V", "finite number"),
        ("V", "V", "finite number"),
        ("nan V", "V", "finite number"),
        ("inf V", "V", "finite number"),
        ("1e400 V", "V", "finite number"),
        ("1e999999999 V", "V", "not a unit"),
        ("٥ V", "V", "finite number"),
        ("5 " + "V" * 100, "V", "finite number"),
        (float("nan"), "1", "finite number"),
        (10**400, "1", "finite number"),
        (10**400, "V", "give a unit"),
        (float("inf"), "V", "give a unit"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_an_example(text, unit, word):
    with pytest.raises(UnitError, match=word):
        parse(text, unit)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=30))
def test_any_text_is_a_finite_number_or_refused(text):
    try:
        value = parse(text, "V")
    except UnitError:
        return
    assert math.isfinite(value)


@settings(deadline=None)
@given(st.floats(1e-9, 1e9), st.sampled_from([("m", "um"), ("A/m^2", "uA/cm^2"), ("s", "ms"), ("K", "degC")]))
def test_what_is_shown_reads_back_to_twelve_digits(value, units):
    unit, like = units
    assert math.isclose(parse(show(value, unit, like), unit), value, rel_tol=1e-11, abs_tol=1e-9)


def test_values_are_shown_as_people_type_them():
    assert show(7e-07, "m", "um") == "0.7 um"
    assert show(298.15, "K", "degC") == "25 degC"
    assert show(1764.0, "C/m^2", "uAh/cm^2") == "49 uAh/cm^2"
    assert show(math.nan, "V", "V") == "nan V"


def test_importing_the_module_does_not_load_pint():
    code = "import sys, labctl.units; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("symbol", "unit"), [*units.QUICK, ("degC", "K")])
def test_what_is_quick_says_what_the_registry_says(symbol, unit):
    registry = units._registry()
    number = Fraction(7, 3)
    given, wanted = (registry.parse_units("" if each == "1" else each) for each in (symbol, unit))
    assert units._convert(number, symbol, unit) == registry.Quantity(number, given).to(wanted).magnitude


def test_bounds_are_in_the_unit_that_was_typed_where_they_are_read_easily_in_it():
    assert units.bounds_like("20 mm", "m", [0.0, 1e-4]) == ([0.0, 0.1], "mm")
    assert units.bounds_like("5 nm", "m", [1e-2]) == ([1e4], "um")
    assert units.bounds_like(20, "m", [1e-4]) == ([100.0], "um")
    assert units.bounds_like("850 kV", "V", [200.0, 1000.0]) == ([200.0, 1000.0], "V")
    assert units.bounds_like("5 quux", "V", [200.0, 1000.0]) == ([200.0, 1000.0], "V")
    assert units.bounds_like("1 us", "s", [1e6]) == ([1e6], "s")
    assert units.bounds_like("900 degC", "K", [300.0]) == ([pytest.approx(26.85)], "degC")
