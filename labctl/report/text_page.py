"""A report as plain text, for a terminal or a mail."""

from __future__ import annotations

from collections.abc import Iterator

from labctl.plain_text import plain
from labctl.report.sections import Page, Section, Table

LONGEST_CELL = 60
"""Signs; what is longer stands on a line of its own below."""


def text_page(page: Page) -> str:
    """Return a page as text, pictures by their captions."""
    lines = [plain(page.title), plain(page.subtitle), "", plain(page.verdict)]
    for section in page.sections:
        if section.shown:
            lines += ["", plain(section.title), "-" * len(plain(section.title)), *_section(section)]
    return "\n".join([*lines, "", plain(page.made), ""])


def _section(section: Section) -> Iterator[str]:
    tables = [table for table in section.tables if table.rows]
    yield from map(plain, section.lines)
    if not (section.lines or tables or section.pictures):
        yield plain(section.empty)
    for table in tables:
        if table.title:
            yield f"{plain(table.title)}:"
        yield from _table(table)
    for picture in section.pictures:
        yield f"(picture: {plain(picture.caption)})"


def _table(table: Table) -> Iterator[str]:
    rows = [tuple(map(plain, row)) for row in (table.header, *table.rows)]
    short = [
        index for index in range(len(table.header)) if max(len(row[index]) for row in rows) <= LONGEST_CELL
    ]
    widths = {index: max(len(row[index]) for row in rows) for index in short}
    for number, row in enumerate(rows):
        yield "  ".join(row[index].ljust(widths[index]) for index in short).rstrip()
        if number:
            for index, cell in enumerate(row):
                if index not in short and cell:
                    yield f"    {rows[0][index]}: {cell}"
