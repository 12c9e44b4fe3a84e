"""Numbers with units in the language of cycling: read through labctl.units, written so that they read back equal.

"C" is a C-rate here, never a coulomb, as PyBaMM has it; charges are written in Ah, or in "coulomb".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from labctl.language.tokens import Token, Tokens
from labctl.units import UnitError, parse

SAID: Mapping[str, str] = {
    "V": 'a voltage ("4.1 V")',
    "A": 'a current ("50 uA")',
    "A/m^2": 'a current density ("50 uA/cm2")',
    "C-rate": 'a C-rate ("C/10")',
    "W": 'a power ("5 mW")',
    "ohm": 'a resistance ("2 kOhm")',
    "s": 'a time ("10 min")',
    "C": 'a charge ("10 uAh")',
    "J": 'an energy ("10 uWh")',
    "V/s": 'a voltage rate ("0.1 mV/min")',
    "A/s": 'a current rate ("1 uA/s")',
    "Hz": 'a frequency ("1 MHz")',
    "K": 'a temperature ("25 oC")',
    "1": 'a share ("80 %")',
}
"""What each SI unit is called when it was expected."""

CURRENTS = ("A", "A/m^2", "C-rate")

NICE_DIGITS = 6
"""Significant digits up to which a time is written in hours, a charge in Ah."""

LONG = 12
"""Characters beyond which a voltage rate in V/s looks odd, and mV/min is tried."""

_C_RATE = re.compile(r"C(?:/([0-9]+(?:\.[0-9]+)?))?")
_AREA = re.compile(r"(cm|mm|m)-?2\b")


@dataclass(frozen=True)
class Quantity:
    """A value in the SI unit `unit` (or "C-rate"), and the token it began with."""

    value: float
    unit: str
    token: Token


def read(tokens: Tokens, *units: str, what: str = "") -> Quantity:
    """Take a number with a unit that fits one of these SI units; a refusal says what was expected (`what`)."""
    what = what or words(units)
    first = tokens.peek()
    rate = _C_RATE.fullmatch(first.text) if first.kind == "word" else None
    if rate is not None:
        tokens.take()
        return _c_rate(tokens, first, 1.0, rate[1], units, what)
    if first.kind != "number":
        raise tokens.refused(f"expected {what}")
    tokens.take()
    if units == ("1",) and not (tokens.peek().kind == "word" and tokens.peek().text == "%"):
        return Quantity(_value(tokens, first, first.text, "1", what), "1", first)
    if tokens.peek().kind != "word":
        raise tokens.refused(f"expected {what}; give the unit")
    symbol = tokens.take().text
    if symbol == "C":
        return _c_rate(tokens, first, float(first.text), None, units, what)
    symbol = _spelled(symbol, "s" in units)
    unit = next((each for each in units if _fits(symbol, each)), None)
    if unit is None:
        raise tokens.wrong(f'expected {what}, found "{first.text} {symbol}"', first.at)
    return Quantity(_value(tokens, first, f"{first.text} {symbol}", unit, what), unit, first)


def words(units: tuple[str, ...]) -> str:
    """Return what these units are called: "a current ("50 uA") or a C-rate ("C/10")"."""
    names = [SAID[unit] for unit in units]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def write(value: float, unit: str) -> str:
    """Return a value in this SI unit as text that reads back as the same float."""
    value += 0.0  # no minus before a zero
    if unit == "K":
        return f"{_digits(Decimal(repr(value)) - Decimal('273.15'))} oC"
    if unit == "1":
        return f"{_digits(Decimal(repr(value)) * 100)} %"
    plain = _plain(value, _SPELLED.get(unit, unit), unit in ("Hz", "ohm"))
    for symbol, factor, least in _NICE.get(unit, ()):
        number = Decimal(f"{value / factor:.{NICE_DIGITS}g}")
        exact = float(Fraction(number) * Fraction(factor)) == value
        if exact and abs(number) >= least and (unit != "V/s" or len(plain) > LONG):
            return f"{_digits(number)} {symbol}"
    return plain


def write_scaled(value: float, power: int = 0) -> str:
    """Return a value times a power of ten as decimal digits, exactly."""
    return _digits(Decimal(repr(value)).scaleb(power))


def _plain(value: float, symbol: str, is_large: bool) -> str:
    """Return a value with the prefix that leaves one to three digits before the point, if there is one."""
    decimal = Decimal(repr(value))
    for prefix, power in _PREFIXES:
        scaled = decimal.scaleb(-power)
        if 1 <= abs(scaled) < 1000 and (power < 3 or is_large):
            return f"{_digits(scaled)} {prefix}{symbol}"
    return f"{_digits(decimal)} {symbol}"


_PREFIXES = (("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9), ("p", -12))
_SPELLED = {"ohm": "Ohm", "C": "coulomb"}
_NICE: Mapping[str, tuple[tuple[str, int | Fraction, int], ...]] = {
    "s": (("h", 3600, 1), ("min", 60, 1)),
    "C": (
        ("Ah", 3600, 1),
        ("mAh", Fraction(36, 10), 1),
        ("uAh", Fraction(36, 10**4), 1),
        ("nAh", Fraction(36, 10**7), 0),
    ),
    "J": (
        ("Wh", 3600, 1),
        ("mWh", Fraction(36, 10), 1),
        ("uWh", Fraction(36, 10**4), 1),
        ("nWh", Fraction(36, 10**7), 0),
    ),
    "V/s": (("mV/min", Fraction(1, 60_000), 0),),
}
"""Units that are no power of ten away, each with its factor and the least number written with it."""


def _digits(number: Decimal) -> str:
    plain = format(number, "f")
    text = plain if len(plain) <= 24 else str(number)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


def _c_rate(
    tokens: Tokens, first: Token, times: float, hours: str | None, units: tuple[str, ...], what: str
) -> Quantity:
    if "C-rate" not in units:
        raise tokens.wrong(f'expected {what}, found a C-rate; "C" is one here, charges are in Ah', first.at)
    value = times if hours is None else times / float(hours) if float(hours) else 0.0
    if not 0.0 < value < math.inf:
        raise tokens.wrong("a C-rate must be above zero and finite", first.at)
    return Quantity(value, "C-rate", first)


def _value(tokens: Tokens, first: Token, text: str, unit: str, what: str) -> float:
    try:
        return _parse(text, unit)
    except UnitError as error:
        raise tokens.wrong(f"expected {what}: {error}", first.at) from error


def _spelled(symbol: str, is_time: bool) -> str:
    """Return a unit as the registry knows it: PyBaMM's spellings, and cm2 for cm^2."""
    if is_time and symbol == "m":
        return "min"
    if symbol in ("oC", "°C"):
        return "degC"
    return _AREA.sub(r"\1^2", symbol.replace("A.h", "Ah").replace("Ohm", "ohm"))


# A program says the same times, limits and rates again and again; the registry takes 0.3 ms for each.
_parse = lru_cache(maxsize=4096)(parse)


@lru_cache(maxsize=4096)
def _fits(symbol: str, unit: str) -> bool:
    # "mC" would be a coulomb to us and a C-rate to PyBaMM, so it is neither.
    if unit == "C-rate" or (symbol.endswith("C") and len(symbol) == 2):
        return False
    try:
        parse(f"1 {symbol}", unit)
    except UnitError:
        return False
    return True
