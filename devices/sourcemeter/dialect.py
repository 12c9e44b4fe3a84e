"""The lines of a SourceMeter: numbers, identity and errors as it writes them, and a number as it is sent.

Source: Model 2450 reference manual 2450-901-01 Rev. B, section 6.
"""

from __future__ import annotations

import math
import re

from devices.errors import Garbled
from devices.wire import Terminated

LINE = Terminated(b"\n")
MAKER = b"KEITHLEY INSTRUMENTS"

INVALID = 9.0e37
"""What is not smaller is no reading: overflow is 9.9E37, not a number 9.91E37."""

_ERROR = re.compile(r'([+-]?\d+),\s*"([^";]*)[^"]*"')
_NUMBER = re.compile(rb"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def numbers(reply: bytes) -> list[float]:
    """Return the numbers of a comma-separated reply, NaN for overflows. Raises Garbled."""
    parts = [part.strip() for part in reply.split(b",")]
    if not all(_NUMBER.fullmatch(part) for part in parts):
        raise Garbled(f"{reply[:80]!r} is not a list of numbers; it was thrown away")
    values = [float(part) for part in parts]
    return [math.nan if abs(value) >= INVALID else value for value in values]


def text(value: float) -> str:
    """Return a number as it is sent."""
    return f"{value:.9g}"


def identity(reply: bytes) -> str:
    """Return the words of a SourceMeter. Raises Garbled for another instrument's."""
    if not reply.startswith(MAKER) or not reply.isascii():
        raise Garbled(f"{reply[:80]!r} is not a Keithley; look at what is on this address")
    return reply.decode().strip()


def printable(reply: bytes) -> str:
    """Return a reply as text. Raises Garbled."""
    if not reply.isascii() or not reply.strip():
        raise Garbled(f"{reply[:80]!r} is no reply of a SourceMeter")
    return reply.decode().strip()


def error(reply: bytes) -> tuple[int, str]:
    """Return number and text of the newest message of the error queue. Raises Garbled."""
    match = _ERROR.fullmatch(reply.decode("latin-1").strip())
    if match is None:
        raise Garbled(f"{reply[:80]!r} is no error message of a SourceMeter")
    return int(match[1]), match[2]
