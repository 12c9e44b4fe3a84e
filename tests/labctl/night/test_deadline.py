"""A deadline by the clock is the next such time here, on the days on which clocks are changed too."""

import time
from datetime import datetime

import pytest

from devices.errors import LabError
from labctl.night.deadline import TimeOfDay


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("began", "due", "hours"),
    [
        ("2026-11-20 18:00", "08:00", 14.0),
        ("2026-11-20 06:30", "08:00", 1.5),
        ("2026-11-20 08:00", "8:00", 24.0),
        ("2026-03-28 20:00", "08:00", 11.0),
        ("2026-10-24 20:00", "08:00:00", 13.0),
    ],
)
def test_it_is_the_next_such_time_after_the_night_began(began, due, hours):
    assert TimeOfDay.parse(due).after(datetime.fromisoformat(began).timestamp()) == pytest.approx(
        hours * 3600.0
    )


@pytest.mark.parametrize("text", ["24:00", "08:60", "2027-01-01 06:00", "08:00 am", ":30", "8:0"])
def test_what_is_none_is_refused_in_words(text):
    with pytest.raises(LabError, match="time of day"):
        TimeOfDay.parse(text)
