"""Dates as other programs write them: in somebody's local time, the day or the month first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.errors import DataError
from labctl.imports.text_table import Wrong

WRITTEN = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})[ T]+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?", re.ASCII
)
"""Three numbers of a day with one sign between them, and a time."""

YEAR = 4
"""Digits of a year; where it stands first, the month and the day follow."""

MONTHS = 12


@dataclass
class Dates:
    """A reader of dates.

    zone: where the clock stood that wrote them, None for that of this computer. day_first: read 3/4/2025 as the
    third of April; with dots between them days always come first. doubtful: the first date that could be read both
    ways and was not told by `day_first`; read: whether any was.
    """

    zone: tzinfo | None = None
    day_first: bool = False
    doubtful: str = ""
    read: bool = False
    _days: dict[tuple[str, str, str, str], datetime] = field(default_factory=dict)

    def moment(self, text: str) -> float:
        """Return a date and time as seconds since the epoch. Raises ValueError on anything else."""
        match = WRITTEN.fullmatch(text.strip())
        if match is None:
            raise ValueError(Wrong("a date and time"))
        first, sign, second, third, *time = match.groups()
        key = (first, sign, second, third)
        if key not in self._days:
            self._days[key] = self._day(first, sign, second, third)
        hours, minutes, seconds = map(int, time[:3])
        if hours > 23 or minutes > 59 or seconds > 59:
            raise ValueError(Wrong("a date and time"))
        local = self._days[key] + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self.read = True
        aware = local.astimezone() if self.zone is None else local.replace(tzinfo=self.zone)
        return aware.timestamp() + float(f"0.{time[3] or 0}")

    @property
    def basis(self) -> str:
        """Return in words whose time the dates are."""
        return f"local time of {self.zone or 'this computer'}"

    def remarks(self) -> Iterator[str]:
        """Yield what has to be said of the dates that were read."""
        if self.doubtful:
            yield f"the date {self.doubtful} was read with its month first; --day-first reads it the other way"
        if self.read and self.zone is None:
            yield "dates are taken for local time of this computer; --timezone names another place"

    def _day(self, first: str, sign: str, second: str, third: str) -> datetime:
        if len(first) == YEAR:
            year, month, day = first, second, third
        elif len(third) != YEAR:
            raise ValueError(Wrong("a date with a year of four digits"))
        elif sign == "." or self.day_first:
            day, month, year = first, second, third
        else:
            month, day, year = first, second, third
            if int(first) > MONTHS:
                day, month = first, second
            elif int(second) <= MONTHS and first != second and not self.doubtful:
                self.doubtful = f"{first}{sign}{second}{sign}{third}"
        try:
            return datetime(int(year), int(month), int(day))  # the zone comes with the time
        except ValueError as error:
            raise ValueError(Wrong("a date and time")) from error


def zone_of(name: str) -> tzinfo | None:
    """Return a time zone by its name, None for no name. Raises DataError for one that is unknown."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(
            f"{name[:80]!r} is no time zone that this computer knows; write e.g. Europe/Berlin or UTC"
        ) from error
