"""Numbers with units: what is written reads back as the same float, what does not fit is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.errors import ProgramError
from labctl.language.quantities import SAID, read, write
from labctl.language.tokens import Tokens

WRITTEN = sorted(set(SAID) - {"C-rate", "K", "A/m^2"})


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(WRITTEN), st.floats(-1e12, 1e12) | st.floats(1e-12, 1e-3))
def test_what_is_written_reads_back_to_the_last_bit(unit, value):
    assert read(Tokens(write(value, unit)), unit).value == value


@settings(deadline=None)
@given(st.floats(150, 700))
def test_temperatures_read_back_to_the_last_bit(value):
    assert read(Tokens(write(value, "K")), "K").value == value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("50 uA", "A", 5e-5),
        ("50µA", "A", 5e-5),
        ("50 uA/cm2", "A/m^2", 0.5),
        ("50 uA/cm^2", "A/m^2", 0.5),
        ("10 uAh", "C", 0.036),
        ("0.1 mV/min", "V/s", 1e-4 / 60),
        ("5 m", "s", 300.0),
        ("2 hours", "s", 7200.0),
        ("25 oC", "K", 298.15),
        ("2 Ohm", "ohm", 2.0),
        ("1e-3V", "V", 1e-3),
        ("80 %", "1", 0.8),
        ("0.8", "1", 0.8),
        ("C/10", "C-rate", 0.1),
        ("C", "C-rate", 1.0),
        ("0.5C", "C-rate", 0.5),
    ],
)
def test_spellings_of_battery_people_are_known(text, unit, value):
    assert read(Tokens(text), unit).value == value


@pytest.mark.parametrize(
    "text", ["5 mC", "5 uC", "50", "C/0", "5 nonsense", "1e400 A", "V", "-C/3", "9" * 60 + " A"]
)
def test_what_has_no_clear_unit_is_refused(text):
    with pytest.raises(ProgramError) as caught:
        read(Tokens(text), "A", "A/m^2", "C-rate", "C")
    assert caught.value.column is not None


def test_people_see_the_prefix_they_would_type():
    for value, unit, text in (
        (7.5e-6, "A", "7.5 uA"),
        (4.25, "V", "4.25 V"),
        (600.0, "s", "10 min"),
        (0.036, "C", "10 uAh"),
        (1e-4 / 60, "V/s", "0.1 mV/min"),
        (1e-4, "V/s", "100 uV/s"),
    ):
        assert write(value, unit) == text
