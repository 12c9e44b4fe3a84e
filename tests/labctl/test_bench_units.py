"""Units of the bench: known to the registry, the same for prompt, notebook and live view."""

import pytest

from labctl.bench_units import BENCH_UNITS, bench_head, bench_text
from labctl.live.columns import watched
from labctl.units import parse


@pytest.mark.parametrize("unit", BENCH_UNITS)
def test_every_factor_is_the_registrys(unit):
    shown, many = BENCH_UNITS[unit]
    spelled = {"Ah": "A hour", "Wh": "W hour", "Ah/m^2": "A hour/m^2"}
    said = {"uAh": "uA hour", "uWh": "uW hour", "uAh/cm^2": "uA hour/cm^2"}
    assert parse(f"{many!r} {said.get(shown, shown)}", spelled.get(unit, unit)) == pytest.approx(1.0)


def test_values_stand_in_the_unit_of_their_head_and_labels_as_a_clock_shows_them():
    assert (bench_head("current", "A"), bench_text("current", "A", 1.4991e-05)) == ("uA", "14.991")
    assert (bench_head("flow_ar", "mol/s"), bench_text("flow_ar", "mol/s", 24 * 7.4358e-7)) == ("sccm", "24")
    assert bench_text("exposure", "J/m^2", 165180.0) == "16.518"
    assert bench_text("cycle", "1", 3) == "3"
    assert bench_head("unix_time", "s") == "local time"
    assert bench_text("unix_time", "s", 1795216857.62).endswith(":57")
    assert bench_text("unix_time", "s", float("nan")) == "nan"


def test_a_large_number_has_no_more_digits_than_a_small_one_but_for_a_time():
    assert (bench_head("power", "W/m^3"), bench_text("power", "W/m^3", 2821117.22)) == ("mW/cm^3", "2821.12")
    assert bench_text("z_real", "ohm", 2821117.22) == "2.82112e+06"
    assert bench_text("began", "s", 1795216857.62) == "1795216857.62"


def test_the_live_view_says_the_same():
    (column,) = watched({"charge": {"dtype": "number", "units": "Ah"}})
    assert column.unit == bench_head("charge", "Ah")
    assert column.text(1.24952e-07) == "0.12495"
