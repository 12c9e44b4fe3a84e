"""Text of unknown origin made safe to print: nothing in it is obeyed by a terminal, and it stays on one line."""

from __future__ import annotations

import re
import unicodedata

CLASS = re.compile(
    r"(?:\w*Error|\w*Exception|Trouble|Incomplete|Timeout|Garbled|Desynchronised|OutcomeUnknown|TokenExpired): "
)
"""How texts begin that were made from an error: with its class, which is Python's name and says nobody anything."""

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are shown by their code: controls, directions, half pairs, what breaks a line."""

JOINER = "\u200d"
"""What holds an emoji of several signs together; harmless."""


def plain(text: object, longest: int = 0) -> str:
    """Return a text with what is no visible sign escaped, cut at `longest` signs; 0: whole."""
    shown = "".join(_visible(sign) for sign in str(text)[: longest * 2 or None])
    return f"{shown[: longest - 1]}…" if 0 < longest < len(shown) else shown


def without_class(text: str) -> str:
    """Return what an error said, without the name of its class in front."""
    return text[found.end() :] if (found := CLASS.match(text)) else text


def _visible(sign: str) -> str:
    if sign == JOINER or unicodedata.category(sign) not in HIDDEN:
        return sign
    return sign.encode("unicode_escape").decode()
