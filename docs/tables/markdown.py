"""Markdown from plain text: docstrings, tables."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from types import ModuleType


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def code(text: object) -> str:
    """Return something as code in a line."""
    return f"`{text}`" if str(text) else ""


def prose(text: str) -> str:
    """Return a docstring as Markdown: what is indented stays as it stands, nothing else is markup but `code`."""
    parts = re.split(r"(`[^`]+`)", textwrap.dedent(text).strip())
    return "".join(part if part.startswith("`") else re.sub(r"([*<\\])", r"\\\1", part) for part in parts)


def said_of(thing: type) -> str:
    """Return a class's own docstring as Markdown; nothing where a dataclass only has its signature."""
    said = inspect.cleandoc(thing.__dict__.get("__doc__") or "")
    return "" if said.startswith(f"{thing.__name__}(") else prose(said)


def first_paragraph(text: str) -> str:
    """Return what stands before the first empty line, as Markdown."""
    return prose(inspect.cleandoc(text).split("\n\n")[0])


@cache
def notes(module: ModuleType) -> Mapping[str, str]:
    """Return the strings that stand under assignments of a module, by the name assigned to."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for before, after in pairwise(body):
        target: ast.expr | None = before.target if isinstance(before, ast.AnnAssign) else None
        if isinstance(before, ast.Assign):
            target = before.targets[0]
        if isinstance(target, ast.Name) and isinstance(after, ast.Expr):
            value = after.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[target.id] = prose(inspect.cleandoc(value.value))
    return found


def remarks(thing: type) -> Mapping[str, str]:
    """Return the comments behind the members of an enumeration, by the member's name."""
    found = re.findall(r"^\s+([A-Z_]+) = [^#\n]+?(?:\s+# (.+))?$", inspect.getsource(thing), re.MULTILINE)
    return {name: prose(comment) for name, comment in found}
