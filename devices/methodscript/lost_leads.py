"""A lead that falls off while a script sets a voltage, as devices.cycling.leads has it, sample by sample.

Variables: al |c| and ts t of the last sample that had a current, sl how fast that fell by then [A/s]; f at or below
which |c| has vanished, less than nothing where it is not to be told; mi samples since it did; a |c|, w for calculating.
"""

from __future__ import annotations

from devices.cycling.leads import CLOSE, GONE, MANY, SAMPLES
from devices.cycling.programs import Step
from devices.methodscript.abilities import Abilities
from devices.methodscript.text import integer, literal, when

VARIABLES = ("al", "ts", "sl", "mi")


def lost_leads(step: Step, abilities: Abilities, ended: str) -> list[str]:
    """Return the lines for a step that sets a voltage, none for any other; `ended` is the line that ends it."""
    samples = SAMPLES.get(step.run.technique)
    if samples is None:
        return []
    return [
        "store_var f -1 ja",
        *when("k == 1i", "store_var mi 0i ja", "store_var sl 0 ja", "copy_var t ts"),
        "copy_var t w",
        "sub_var w ts",
        *when("k > 2i", *when(f"w <= {literal(CLOSE)}", *_allowed(abilities))),
        "if a <= f",
        "add_var mi 1i",
        *when(f"mi >= {integer(samples)}", ended),
        "else",
        "store_var mi 0i ja",
        *when("k > 1i", *_slope()),
        "copy_var a al",
        "copy_var t ts",
        "endif",
    ]


def _allowed(abilities: Abilities) -> list[str]:
    """Return the lines that put into f what is as good as no current, where its slope leaves enough of one."""
    least = abilities.least_current
    left = ["copy_var sl f", "mul_var f w", "mul_var f -1", "add_var f al"]
    part = [f"mul_var f {literal(GONE)}", *when(f"f < {literal(least)}", f"store_var f {literal(least)} ja")]
    return [*left, f"if f >= {literal(MANY * least)}", *part, "else", "store_var f -1 ja", "endif"]


def _slope() -> list[str]:
    return [
        "copy_var al sl",
        "sub_var sl a",
        "div_var sl w",
        *when("sl < 0", "store_var sl 0 ja"),
    ]
