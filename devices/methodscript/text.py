"""How MethodSCRIPT writes numbers and small phrases.

A literal is a whole number with an SI prefix (4.2 V is `4200m`), or with `i` for an integer. Source: MethodSCRIPT
manual v1.8 as cited by labmcp-palmsens 0.1.3, and PalmSens/MethodSCRIPT_Examples.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

LARGEST = 2**31 - 1
"""The largest whole number in a literal; guess, a 32-bit integer."""

PREFIXES = {9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "u", -9: "n", -12: "p", -15: "f", -18: "a"}
"""By their power of ten, the coarsest first."""


@lru_cache(maxsize=4096)
def literal(value: float) -> str:
    """Return a number as a literal: exact where a prefix allows it, else with all digits that fit, at least six.

    Raises ValueError for what is not finite or too large.
    """
    if not math.isfinite(value) or abs(value) > LARGEST * 1e9:
        raise ValueError(f"{value!r} cannot be written in a script")
    exact, best = Decimal(repr(float(value))), "0"
    if value == 0.0:
        return best
    for power, prefix in PREFIXES.items():
        scaled = exact.scaleb(-power)
        if abs(scaled) > LARGEST:
            break
        best = f"{round(scaled)}{prefix}"
        if scaled == round(scaled):
            break
    return best


def integer(value: int) -> str:
    """Return a whole number as an integer literal."""
    return f"{value}i"


def when(condition: str, *lines: str) -> list[str]:
    """Return lines that run if a condition holds."""
    return [f"if {condition}", *lines, "endif"]


def absolute(source: str, into: str) -> list[str]:
    """Return lines that put the magnitude of a variable into another."""
    return [f"copy_var {source} {into}", *when(f"{into} < 0", f"mul_var {into} -1")]


def package(*variables: str) -> list[str]:
    """Return lines that send variables, under the next number of all packages (`n`) and of the step (`l`)."""
    return [
        "add_var n 1i",
        "pck_start",
        "pck_add n",
        "pck_add l",
        *(f"pck_add {name}" for name in variables),
        "pck_end",
    ]
