"""The border between text with a unit and floats in SI; the one pint registry, loaded at the first use.

Factors are fractions until the last step, so that "0.7 um" is the float 7e-07 and not its neighbour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pint

EXAMPLES: Mapping[str, str] = {
    "V": "850 V",
    "A": "50 uA",
    "s": "1.8 ms",
    "Hz": "0.4 Hz",
    "m": "0.7 um",
    "m^2": "0.15 cm^2",
    "K": "25 degC",
    "W": "200 W",
    "J": "15 J",
    "F": "10 mF",
    "B": "200 MB",
    "C": "10 uAh",
    "ohm": "2 kohm",
    "V/s": "0.1 mV/min",
    "A/s": "1 uA/s",
    "A/m^2": "50 uA/cm^2",
    "C/m^2": "49 uAh/cm^2",
    "J/m^2": "16.5 J/cm^2",
    "W/m^2": "1 mW/cm^2",
    "W/(m^2 K)": "100 W/(m^2 K)",
    "Pa": "3 Pa",
    "mol/s": "24 sccm",
    "W/s": "20 W/min",
    "K/s": "10 K/min",
    "m/s": "3 nm/min",
    "m^3/s": "350 l/s",
    "1": "0.5",
}
"""What people of this lab type for each SI unit; shown in messages only."""

# Three digits of exponent and one of power: more is a typing error and costs minutes in exact arithmetic.
_NUMBER = re.compile(
    r"\s*([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?)(?![\d.])\s*(.*)",
    re.DOTALL | re.ASCII,
)
_UNIT = re.compile(
    r"(?:[A-Za-zµμΩ°%]+|\^-?\d(?:\.\d)?(?![\d^.])|[²³*/·(]|\)(?!\s*[\^²³])|1(?=\s*(?:/|$))|\s)*", re.ASCII
)
_LONGEST = 80

_PREFIXES = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": Fraction(1000)}
QUICK: Mapping[tuple[str, str], Fraction] = {
    **{
        (prefix + unit, unit): factor
        for prefix, factor in _PREFIXES.items()
        for unit in ("V", "A", "s", "Hz", "m", "W", "J", "F", "ohm")
    },
    ("min", "s"): Fraction(60),
    ("h", "s"): Fraction(3600),
    ("mbar", "Pa"): Fraction(100),
    ("Torr", "Pa"): Fraction(101325, 760),
    ("mTorr", "Pa"): Fraction(101325, 760_000),
    ("MB", "B"): Fraction(10**6),
    ("GB", "B"): Fraction(10**9),
    ("%", "1"): Fraction(1, 100),
    ("", "1"): Fraction(1),
    ("cm^2", "m^2"): Fraction(1, 10**4),
    ("mm^2", "m^2"): Fraction(1, 10**6),
    ("uA/cm^2", "A/m^2"): Fraction(1, 100),
    ("mA/cm^2", "A/m^2"): Fraction(10),
    ("J/cm^2", "J/m^2"): Fraction(10**4),
    ("mV/s", "V/s"): Fraction(1, 1000),
    ("mV/min", "V/s"): Fraction(1, 60_000),
    ("nm/min", "m/s"): Fraction(1, 60 * 10**9),
    ("K/min", "K/s"): Fraction(1, 60),
    ("W/min", "W/s"): Fraction(1, 60),
    ("kJ/s^0.5", "J/s^0.5"): Fraction(1000),
}
"""Factors for which nobody has to wait for the registry to load; a test holds them against it."""

ICE = Fraction("273.15")
"""0 degC in K [SI brochure, 9th edition, 2.3.1]."""


class UnitError(ValueError):
    """Text that is not a finite number with a fitting unit; says what to type."""


_USUAL: Mapping[str, str] = {"m": "um", "m^2": "cm^2", "mol/s": "sccm", "W/s": "W/min", "m/s": "nm/s"}
"""Units of films, where a bare number is hardly of the SI's own."""

READABLE = (1e-3, 1e5)
"""Between which a bound is easily read; guess."""


def parse(value: Any, unit: str) -> float:
    """Return text such as "0.7 um" or "25 degC" as a float in `unit`, an SI unit ("m", "K", "A/m^2").

    The result is the float nearest to the decimal that was typed. `unit` "1" is a pure number, which may be
    bare, a text or a percentage. Raises UnitError for a bare number where a unit is due, for anything that is
    not text, and for an unknown unit, a wrong dimension or a number that is not finite.
    """
    if unit == "1" and type(value) in (int, float):
        return _finite(value, value)
    if type(value) in (int, float):
        example = f'"{value:g} {_USUAL.get(unit, unit)}"' if abs(value) < 1e15 else _example(unit)
        raise UnitError(f"give a unit, e.g. {example}")
    if not isinstance(value, str):
        raise UnitError(f"must be a text with number and unit, e.g. {_example(unit)}")
    match = _NUMBER.fullmatch(value) if len(value) <= _LONGEST else None
    if match is None:
        raise UnitError(f"must be a finite number with its unit, e.g. {_example(unit)}")
    number, symbol = match.groups()
    if not symbol and unit != "1":
        raise UnitError(f'give a unit, e.g. "{number} {_USUAL.get(unit, unit)}"')
    return _finite(_convert(Fraction(number), symbol.strip(), unit), value)


def bounds_like(typed: Any, unit: str, bounds: Sequence[float]) -> tuple[list[float], str]:
    """Return bounds in SI as people compare them with what they typed, and in which unit.

    That is the SI's, where people of this lab type it; else the one that was typed, if it is one; else, or where a
    bound is hard to read in it, the one that is usual here, and last the SI's all the same.
    """
    said = EXAMPLES.get(unit, "").partition(" ")[2]
    for symbol in (unit if said == unit else "", _typed_unit(typed, unit), _USUAL.get(unit, "")):
        if symbol:
            found = [float(_in(each, unit, symbol)) for each in bounds]
            if all(each == 0.0 or READABLE[0] <= abs(each) <= READABLE[1] for each in found):
                return found, symbol
    return list(bounds), unit


def _typed_unit(typed: Any, unit: str) -> str:
    """Return the unit of a text that says so much of a quantity; empty for anything else."""
    try:
        parse(typed, unit)
    except UnitError:
        return ""
    match = _NUMBER.fullmatch(typed) if isinstance(typed, str) else None
    return "" if match is None else match[2].strip()


def _in(value: float, unit: str, like: str) -> Fraction:
    exact = Fraction(str(value))
    return exact - ICE if (unit, like) == ("K", "degC") else _convert(exact, unit, like)


def show(value: float, unit: str, like: str) -> str:
    """Return `value`, a float in the SI unit `unit`, as text: show(7e-07, "m", like="um") is "0.7 um"."""
    if not math.isfinite(value):
        return f"{value} {like}"
    return f"{float(_convert(Fraction(str(value)), unit, like)):.12g} {like}"


def _convert(number: Fraction, symbol: str, unit: str) -> Fraction:
    """Return `number` `symbol` in `unit`, exactly."""
    if _UNIT.fullmatch(symbol) is None:
        raise UnitError(f'"{symbol}" is not a unit; write powers as in "cm^2", e.g. {_example(unit)}')
    # The registry takes a third of a second to load: as long as all else of a shell.
    if symbol == unit:
        return number
    if (symbol, unit) in QUICK:
        return number * QUICK[symbol, unit]
    if (unit, symbol) in QUICK:
        return number / QUICK[unit, symbol]
    if (symbol, unit) == ("degC", "K"):
        return number + ICE
    registry = _registry()
    try:
        given, wanted = (registry.parse_units("" if text == "1" else text) for text in (symbol, unit))
        quantity = registry.Quantity(number, given)
        # A radian is a pure number to pint: "24 rpm" would become 2.5 Hz.
        angular = "radian" in dict(quantity.to_root_units().unit_items())
        result = (
            quantity.to(wanted).magnitude if quantity.is_compatible_with(wanted) and not angular else None
        )
    except Exception as error:  # pint's parser fails in many ways; each of them is a mistyped unit here
        raise UnitError(f'"{symbol}" is not a known unit; give e.g. {_example(unit)}') from error
    if result is None:
        hint = ' ("C" is coulomb; temperatures are in degC)' if (symbol, unit) == ("C", "K") else ""
        raise UnitError(f'"{symbol}" cannot become {unit}{hint}; give e.g. {_example(unit)}')
    return Fraction(result)


def _finite(number: Fraction | float, shown: object) -> float:
    try:
        result = float(number)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise UnitError(f"{str(shown)[:_LONGEST]} is not a finite number")
    return result


def _example(unit: str) -> str:
    return f'"{EXAMPLES.get(unit, f"1 {unit}")}"'


@cache
def _registry() -> pint.UnitRegistry[Fraction]:
    """Return the registry; a third of a second the first time, which `labctl --help` must not pay."""
    import pint

    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(non_int_type=Fraction)
    # 1 cm3 at 273.15 K and 101325 Pa in 60 s, as makers of mass flow controllers count.
    registry.define("standard_cubic_centimeter_per_minute = 7.4358e-7 mole / second = sccm")
    # pint writes it small; makers of gauges and throttles do not.
    registry.define("@alias torr = Torr")
    return registry
