"""Text of unknown origin made safe to print: nothing in it is obeyed by a terminal, and it stays on one line."""

from __future__ import annotations

import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are shown by their code: controls, directions, half pairs, what breaks a line."""

JOINER = "\u200d"
"""What holds an emoji of several signs together; harmless."""


def plain(text: object, longest: int = 0) -> str:
    """Return a text with what is no visible sign escaped, cut at `longest` signs; 0: whole."""
    shown = "".join(_visible(sign) for sign in str(text)[: longest * 2 or None])
    return f"{shown[: longest - 1]}…" if 0 < longest < len(shown) else shown


def _visible(sign: str) -> str:
    if sign == JOINER or unicodedata.category(sign) not in HIDDEN:
        return sign
    return sign.encode("unicode_escape").decode()
