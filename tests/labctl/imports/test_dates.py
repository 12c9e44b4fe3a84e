"""Dates that say no time zone, and may have the day or the month first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from devices.errors import DataError
from labctl.imports.dates import Dates, zone_of
from labctl.imports.text_table import Wrong
from labctl.runs.run import Run

BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "day_first", "moment"),
    [
        ("03/14/2023 09:26:53.500", False, utc(2023, 3, 14, 9, 26, 53) + 0.5),
        ("03/14/2023 09:26:53,25", False, utc(2023, 3, 14, 9, 26, 53) + 0.25),
        ("14/03/2023 09:26:53", False, utc(2023, 3, 14, 9, 26, 53)),
        ("3/4/2025 1:02:03", False, utc(2025, 3, 4, 1, 2, 3)),
        ("3/4/2025 1:02:03", True, utc(2025, 4, 3, 1, 2, 3)),
        ("03-04-2025 01:02:03", True, utc(2025, 4, 3, 1, 2, 3)),
        ("3.4.2025 01:02:03", False, utc(2025, 4, 3, 1, 2, 3)),
        ("2025-03-04 01:02:03", True, utc(2025, 3, 4, 1, 2, 3)),
        ("2025/03/04 01:02:03", False, utc(2025, 3, 4, 1, 2, 3)),
    ],
)
def test_every_way_to_write_a_date_is_the_same_moment(text: str, day_first: bool, moment: float) -> None:
    assert Dates(UTC, day_first).moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "13/13/2023 00:00:00", "1/2/23 00:00:00", "2023-02-30 00:00:00", "2023-02-03 25:00:00"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Dates().moment(text)
    assert isinstance(caught.value.args[0], Wrong)


def test_a_zone_is_kept_through_the_change_to_summer_time() -> None:
    dates = Dates(BERLIN)
    before, after = dates.moment("2025-03-30 01:59:59"), dates.moment("2025-03-30 03:00:00")
    assert after - before == 1.0
    assert before == utc(2025, 3, 30, 0, 59, 59)


def test_a_date_that_can_be_read_both_ways_is_told() -> None:
    dates = Dates(UTC)
    for text in ("3/14/2025 00:00:00", "4/4/2025 00:00:00"):
        dates.moment(text)
    assert not list(dates.remarks())
    dates.moment("3/4/2025 00:00:00")
    assert "3/4/2025" in next(dates.remarks())


def test_a_zone_that_nobody_knows_is_refused() -> None:
    assert zone_of("") is None
    for name in ("Europe/Atlantis", "../../etc/passwd", "x" * 5000):
        with pytest.raises(DataError, match="no time zone"):
            zone_of(name)


def test_a_run_begins_when_the_file_says_in_the_zone_that_was_named(
    kept: Callable[..., Run], mpt: Callable[..., str]
) -> None:
    run = kept("cell.mpt", mpt(), dates=Dates(BERLIN))
    assert run.start["time"] == utc(2023, 3, 14, 8, 26, 53) + 0.5
    assert "Europe/Berlin" in run.start["source"]["began"]
