"""What a report is made of, before it is a page or text: sections of lines, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table. marks: of each row "alarm", "warning" or nothing; none for no marks at all."""

    header: Row
    rows: tuple[Row, ...]
    marks: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture in PNG, and what it shows."""

    caption: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """A part of a report; empty: what is said when it has nothing."""

    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    empty: str = ""

    @property
    def shown(self) -> bool:
        """Whether there is anything in it to be shown."""
        return bool(self.lines or self.pictures or self.empty or any(table.rows for table in self.tables))


@dataclass(frozen=True)
class Page:
    """A report: what it is of, the one sentence that matters most, when and by what it was made, its sections."""

    title: str
    verdict: str
    calm: bool
    subtitle: str
    made: str
    sections: tuple[Section, ...]
