"""Literals are whole numbers with a prefix, and mean what was asked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.methodscript.text import absolute, integer, literal, package, when
from sim.twins.methodscript.values import read_literal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.2, "4200m"),
        (-0.5, "-500m"),
        (8.6e-5, "86u"),
        (0.0, "0"),
        (3600.0, "3600"),
        (200000.0, "200k"),
        (1.0 / 3.0, "333333333n"),
        (1e-10, "100p"),
        (5e9, "5G"),
    ],
)
def test_a_number_is_written_as_the_manual_does(value: float, text: str) -> None:
    assert literal(value) == text


@given(st.floats(1e-9, 1e17).flatmap(lambda size: st.sampled_from([size, -size])))
def test_a_literal_means_the_number_to_six_digits(value: float) -> None:
    read = read_literal(literal(value))
    assert isinstance(read, float)
    assert read == pytest.approx(value, rel=3e-7, abs=0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e20])
def test_what_cannot_be_written_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        literal(value)


def test_phrases() -> None:
    assert integer(-1) == "-1i"
    assert when("a > 1", "abort") == ["if a > 1", "abort", "endif"]
    assert absolute("c", "a") == ["copy_var c a", "if a < 0", "mul_var a -1", "endif"]
    assert package("t")[-2:] == ["pck_add t", "pck_end"]
