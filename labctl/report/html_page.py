"""A report as one HTML file that needs nothing else: no script, no link to outside, pictures inside.

Whatever came from people or instruments goes through `_text`, the only way a string gets into the page.
"""

from __future__ import annotations

import base64
import hashlib
import html

from labctl.plain_text import plain
from labctl.report.sections import Page, Picture, Section, Table

SHORT = 20
"""Signs of a cell that stays on one line: times, numbers with units."""

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.45 system-ui, sans-serif; color: #111; background: #fff; max-width: 76rem; margin: 0 auto;
  padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #999; }
h3 { font-size: 1rem; margin: 1.1rem 0 .3rem; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.small { color: #444; font-size: .88rem; }
.verdict { font-size: 1.15rem; font-weight: 600; margin: 1rem 0; padding: .6rem .9rem; border: 2px solid #111; }
.calm { font-weight: 400; border-width: 1px; border-color: #666; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .3rem 0 .8rem; }
th, td { text-align: left; vertical-align: top; padding: .28rem .7rem .28rem .45rem; border-bottom: 1px solid #ccc;
  overflow-wrap: break-word; max-width: 34rem; }
td.short { white-space: nowrap; }
th { color: #333; font-weight: 600; border-bottom: 1px solid #666; }
tr.warning td:first-child { border-left: 4px solid #888; }
tr.alarm td:first-child { border-left: 4px solid #000; font-weight: 700; }
tr.alarm { background: #eee; }
figure { display: inline-block; margin: .5rem 1rem .8rem 0; max-width: 100%; vertical-align: top; }
figure.wide { display: block; }
figcaption { font-size: .85rem; color: #333; }
img { max-width: 100%; height: auto; }
figure.small-picture img { width: 34rem; }
@page { size: A4; margin: 12mm; }
@media print {
  body { font-size: 9pt; max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  h1 { font-size: 1.5em; } h2 { font-size: 1.25em; } h3 { font-size: 1.1em; } .verdict { font-size: 1.15em; }
  .small, figcaption { font-size: 1em; }
  table { width: 100%; font-size: .86em; }
  th, td { padding: .2em .5em .2em .3em; max-width: none; }
  td { overflow-wrap: anywhere; }
  td.short { white-space: normal; overflow-wrap: break-word; }
  h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
}
"""


def html_page(page: Page) -> str:
    """Return a page as HTML."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    shown = [section for section in page.sections if section.shown]
    calm = " calm" if page.calm else ""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_text(page.title)}</title>",
        f"<style>{STYLE}</style>\n</head>\n<body>",
        f"<h1>{_text(page.title)}</h1>",
        f'<p class="small">{_text(page.subtitle)}</p>',
        f'<p class="verdict{calm}">{_text(page.verdict)}</p>',
        *(_section(each) for each in shown),
        f'<p class="small">{_text(page.made)}</p>',
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _section(section: Section) -> str:
    tables = [table for table in section.tables if table.rows]
    parts = [f"<h2>{_text(section.title)}</h2>"]
    parts += [f"<p>{_text(line)}</p>" for line in section.lines]
    if not (section.lines or tables or section.pictures):
        parts.append(f"<p>{_text(section.empty)}</p>")
    parts += [_table(table) for table in tables]
    parts += [_picture(picture, len(section.pictures) == 1) for picture in section.pictures]
    return "\n".join(parts)


def _table(table: Table) -> str:
    marks = table.marks or ("",) * len(table.rows)
    head = "".join(f"<th>{_text(name)}</th>" for name in table.header)
    rows = [
        f"<tr{f' class={chr(34)}{_MARKS[mark]}{chr(34)}' if mark else ''}>{''.join(map(_cell, row))}</tr>"
        for row, mark in zip(table.rows, marks, strict=True)
    ]
    title = f"<h3>{_text(table.title)}</h3>\n" if table.title else ""
    body = "\n".join(rows)
    inner = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'{title}<div class="scroll"><table>\n{inner}</table></div>'


def _cell(value: str) -> str:
    kind = ' class="short"' if len(value) <= SHORT else ""
    return f"<td{kind}>{_text(value)}</td>"


_MARKS = {"alarm": "alarm", "warning": "warning"}


def _picture(picture: Picture, alone: bool) -> str:
    data = base64.b64encode(picture.png).decode()
    caption, kind = _text(picture.caption), "wide" if alone else "small-picture"
    return (
        f'<figure class="{kind}"><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _text(value: str) -> str:
    """Return a text as HTML shows it, whatever stands in it."""
    return html.escape(plain(value), quote=True)
