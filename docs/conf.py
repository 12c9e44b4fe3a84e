"""How the documentation is built: `make docs`. Reference tables are made from the code while it is read."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from pygments.lexers.special import TextLexer  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from tables import cli, code, files, plans, streams  # noqa: E402

from labctl import __version__  # noqa: E402

project = "labctl"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["tables"]
smartquotes = False  # what is typed has straight quotes and two hyphens

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 90

html_theme = "pydata_sphinx_theme"
html_title = f"labctl {release}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
}

MADE = {**cli.MADE, **code.MADE, **files.MADE, **plans.MADE, **streams.MADE}
"""What a page may ask for with a line `<!-- made: NAME -->`: the name, and what makes it in Markdown."""

_ASKED = re.compile(r"^<!-- made: ([a-z-]+) -->$", re.MULTILINE)


def _fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Put what is made from code where the page asks for it."""
    source[0] = _ASKED.sub(lambda asked: MADE[asked[1]](), source[0])


def _plain(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text with `code` in it: keep what reStructuredText would take for markup."""
    lines[:] = [_kept(line) for line in lines]


def _kept(line: str) -> str:
    parts = re.split(r"(`[^`]+`)", line)
    return "".join(
        f"`{part}`"
        if part.startswith("`") and part.endswith("`")
        else re.sub(r"([*|]|_(?!\w))", r"\\\1", part)
        for part in parts
    )


def setup(app: Sphinx) -> None:
    """Tell sphinx of the two hooks, and that steps of programs have no colours."""
    app.add_lexer("steps", TextLexer)
    app.connect("source-read", _fill)
    app.connect("autodoc-process-docstring", _plain)
