"""Packages and errors as the manual's examples have them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import Garbled
from devices.methodscript.complaints import Complaint, parse_complaint
from devices.methodscript.packages import Status, Value, parse_package
from devices.methodscript.stream import Lines, is_news
from sim.twins.methodscript.values import write_variable


def test_values_have_type_prefix_status_and_range() -> None:
    assert parse_package("Pda8000000 ;ba8000000m,10,20B") == (
        Value("da", 0.0),
        Value("ba", 0.0, Status.OK, 0x0B),
    )
    assert parse_package("Pab83B8260u") == (Value("ab", 3.9),)
    assert parse_package("Pba8014FF0n") == (Value("ba", 86e-6),)
    assert parse_package("Pda7F85F3Fu;ba48D503Dp,10,288") == (
        Value("da", -0.499905),
        Value("ba", -57847747e-12, Status.OK, 0x88),
    )


def test_overload_and_what_is_not_a_number() -> None:
    (value,) = parse_package("Pba     nan,12,21B")
    assert math.isnan(value.number)
    assert value.status is Status.OVERLOAD
    (late,) = parse_package("Pab8000001 ,19")
    assert late.status == Status.TIMING | Status.OVERLOAD_WARNING


@pytest.mark.parametrize(
    "line", ["", "Tab", "P", "Pab", "Pab800000 ", "Pab8000000x", "PAB8000000 ", "Pab8000000 ;"]
)
def test_a_broken_package_is_refused(line: str) -> None:
    with pytest.raises(Garbled):
        parse_package(line)


@given(st.floats(1e-12, 1e6).flatmap(lambda size: st.sampled_from([size, -size])))
def test_what_the_instrument_writes_is_read(value: float) -> None:
    (read,) = parse_package("P" + write_variable("ab", value, 0, 24))
    assert read.number == pytest.approx(value, rel=4e-6, abs=0.0)
    assert read.range == 24


@given(st.integers(-(2**27), 2**27 - 1))
def test_integers_are_exact(value: int) -> None:
    (read,) = parse_package("P" + write_variable("ja", value))
    assert read.number == value


def test_errors_are_told_in_words_with_their_line() -> None:
    script = ("var p", "  foo 1")
    complaint = parse_complaint("e!4001: Line 2, Col 3")
    assert complaint == Complaint(0x4001, 2, 3)
    assert (
        complaint.words(script)
        == "the script command is not known, in line 2, column 3 of the script (foo 1)"
    )
    assert parse_complaint("!0032: Line 12") == Complaint(0x0032, 12)
    assert Complaint(0x0032, 12).words(script).endswith("in line 12 of the script")
    assert parse_complaint("Z!0006") == Complaint(0x0006)
    assert "not" in Complaint(0x0ABC).words()
    assert parse_complaint("Z") is None
    assert parse_complaint("T!") is None


@given(st.lists(st.text("PTe*+-!Z 01", max_size=6), max_size=6), st.integers(1, 5))
def test_lines_come_out_whole_however_the_bytes_come(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    splitter = Lines()
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    assert [line for part in parts for line in splitter.feed(part)] == lines


def test_news_are_told_from_replies() -> None:
    assert all(is_news(line) for line in ("", "Pab", "Tx", "M0007", "*", "L", "+", "!0032"))
    assert not any(is_news(line) for line in ("e", "Z", "iES4", "R*", "e!4001: Line 1, Col 1"))
