"""Numbers as MethodSCRIPT writes them: literals in a script, values in a package. Errors with their place.

Source: MethodSCRIPT manual v1.8, chapters 4 and 5, as labmcp-palmsens 0.1.3 cites it. Guesses: that a package
takes the finest prefix that fits, and how many digits a literal may have.
"""

from __future__ import annotations

import math
import re

Number = int | float

SCALE = {
    "a": 1e-18,
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
}
HALF = 1 << 27

_DECIMAL = re.compile(r"([+-]?\d{1,10})([afpnumkMGTPEi]?)")
_BITS = re.compile(r"0x([0-9A-Fa-f]{1,8})i?|0b([01]{1,32})i?")


class ScriptError(Exception):
    """An error of a script: its code, its line and column, both from 1; column 0 in a run."""

    def __init__(self, code: int, line: int, column: int = 0) -> None:
        self.code, self.line, self.column = code, line, column
        super().__init__(self.text())

    def text(self) -> str:
        """Return it as the instrument writes it."""
        column = f", Col {self.column}" if self.column else ""
        return f"!{self.code:04X}: Line {self.line}{column}"


def read_literal(text: str) -> Number | None:
    """Return what a literal stands for, an int where it is an integer; None when it is none."""
    if match := _DECIMAL.fullmatch(text):
        whole, prefix = int(match[1]), match[2]
        if prefix == "i":
            return whole
        scale = SCALE[prefix]
        return whole * scale if scale >= 1.0 else whole / round(1.0 / scale)
    if match := _BITS.fullmatch(text):
        return int(match[1], 16) if match[1] else int(match[2], 2)
    return None


def write_value(value: Number) -> str:
    """Return eight characters: seven digits and a prefix; what has no room is not a number."""
    if isinstance(value, int):
        return f"{value + HALF:07X}i" if -HALF <= value < HALF else "     nan"
    if not math.isfinite(value):
        return "     nan"
    if value == 0.0:
        return f"{HALF:07X} "
    for prefix, scale in SCALE.items():
        whole = round(value / scale)
        if abs(whole) < HALF:
            return f"{whole + HALF:07X}{prefix or ' '}"
    return "     nan"


def write_variable(kind: str, value: Number, status: int | None = None, place: int | None = None) -> str:
    """Return a value of a package: its type, itself, and what is known of how it was measured."""
    metadata = "" if status is None else f",1{status:X}"
    metadata += "" if place is None else f",2{place:02X}"
    return f"{kind}{write_value(value)}{metadata}"
