"""Documents as a catalogue's databases can hold them."""

from __future__ import annotations

import re
from typing import Any

UNKEPT = re.compile("[\x00\ud800-\udfff]")
"""Characters that SQL text or UTF-8 cannot hold: NUL, and halves of surrogate pairs."""

REPLACEMENT = "\ufffd"

LARGEST = 2**63 - 1
"""Of integers in metadata, either sign: those beyond it, which the wire's formats cannot hold, become text."""


def kept_text(value: Any) -> Any:
    """Return a document or a part of one; only what no database can hold is replaced."""
    if isinstance(value, str):
        return UNKEPT.sub(REPLACEMENT, value)
    if isinstance(value, dict):
        return {kept_text(key): kept_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [kept_text(each) for each in value]
    if isinstance(value, int) and abs(value) > LARGEST:
        return str(value)
    return value
