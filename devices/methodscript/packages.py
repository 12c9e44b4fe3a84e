"""What a script sends: packages of values with their type, status and range.

`Pda8000000 ;ba48D503Dp,10,288` holds two values: two letters say what it is, seven hexadecimal digits less 2^27
are the number, a letter its SI prefix (`i` an integer), and what follows each comma is metadata: `1s` a status,
`2rr` a range. `     nan` is no number. Source: PalmSens/MethodSCRIPT_Examples and labmcp-palmsens 0.1.3, which
cite the MethodSCRIPT manual v1.8, chapter 5 and appendix C.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import IntFlag

from devices.errors import Garbled

OFFSET = 1 << 27
POWERS = {
    "a": -18,
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "m": -3,
    " ": 0,
    "i": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}

_VALUE = re.compile(
    r"(?P<kind>[a-z]{2})(?:(?P<digits>[0-9A-Fa-f]{7})(?P<prefix>[afpnum ikMGTPE])|(?P<nan> {5}nan))"
    r"(?P<metadata>(?:,[0-9A-Fa-f]+)*)"
)


class Status(IntFlag):
    """What the instrument says of a value."""

    OK = 0
    TIMING = 1  # the interval was not met
    OVERLOAD = 2
    UNDERLOAD = 4
    OVERLOAD_WARNING = 8


@dataclass(frozen=True)
class Value:
    """One value of a package: what it is (two letters), the number in SI, its status, its range or -1."""

    kind: str
    number: float
    status: Status = Status.OK
    range: int = -1


def parse_package(line: str) -> tuple[Value, ...]:
    """Return the values of a line that begins with P. Raises Garbled."""
    if not line.startswith("P"):
        raise Garbled(f"{line!r} is no package")
    return tuple(_value(part, line) for part in line[1:].split(";"))


def _value(part: str, line: str) -> Value:
    match = _VALUE.fullmatch(part)
    if match is None:
        raise Garbled(f"{part!r} in the package {line!r} is no value")
    number = math.nan
    if match["nan"] is None:
        power = POWERS[match["prefix"]]
        whole = int(match["digits"], 16) - OFFSET
        # Dividing by a power of ten rounds once; multiplying by 1e-6 would round twice.
        number = whole * 10.0**power if power >= 0 else whole / 10.0**-power
    status, current_range = Status.OK, -1
    for field in match["metadata"].split(",")[1:]:
        if field[0] == "1" and len(field) == 2:
            status = Status(int(field[1], 16))
        elif field[0] == "2" and len(field) == 3:
            current_range = int(field[1:], 16)
    return Value(match["kind"], number, status, current_range)
