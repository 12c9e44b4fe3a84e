"""A night's deadline by the clock: a time of day, the next one after the night began."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.errors import LabError

_WRITTEN = re.compile(r"\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(:(?P<second>\d{2}))?\s*")


@dataclass(frozen=True)
class TimeOfDay:
    """A time of the day here, as "08:00"."""

    hour: int
    minute: int
    second: int = 0

    @classmethod
    def parse(cls, text: str) -> TimeOfDay:
        """Return the time of day that a text says. Raises LabError that says how one is written."""
        match = _WRITTEN.fullmatch(text)
        found = (
            None
            if match is None
            else cls(*(int(each or 0) for each in match.group("hour", "minute", "second")))
        )
        if found is None or found.hour > 23 or found.minute > 59 or found.second > 59:
            raise LabError(
                'must be a duration, as "14 h", or a time of day, as "08:00": the next one is meant'
            )
        return found

    def after(self, label: float) -> float:
        """Return how long it is to the next such time after a time label [s]; on the day a clock is changed too."""
        began = datetime.fromtimestamp(label)
        due = began.replace(hour=self.hour, minute=self.minute, second=self.second, microsecond=0)
        if due.astimezone().timestamp() <= label:
            due += timedelta(days=1)
        return due.astimezone().timestamp() - label

    def __str__(self) -> str:
        return f"{self.hour:02d}:{self.minute:02d}" + (f":{self.second:02d}" if self.second else "")
