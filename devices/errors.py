"""Every error labctl raises on purpose.

    LabError
    ├── ConfigError          what a file says and may not say; carries all mistakes of all files
    ├── ConnectError         devices that did not answer, as a tree
    ├── WireError            bytes that did not come right
    │   ├── Timeout          nothing, or not all, within the deadline
    │   ├── Garbled          a reply that fails its checksum or its form
    │   └── Desynchronised   replies can no longer be told apart; the wire refuses until it is resynchronised
    ├── InstrumentError      the instrument answered with an error (code, text)
    ├── LimitError           a setpoint outside its range; nothing was sent
    ├── InterlockError       a permissive is missing (permissive)
    │   └── TokenExpired     the right to fire was not used in time; to be asked for again
    ├── OwnershipError       somebody else holds it (holder)
    ├── Incomplete           a station ended early without an error of its own
    ├── OutcomeUnknown       an action was sent and its acknowledgement lost
    ├── ProgramError         a program that cannot run (line, column where it came from text)
    └── DataError            a journal that cannot be read
        ├── Corrupt          a record fails its checksum
        ├── Newer            written by a newer labctl
        ├── Foreign          not a journal at all
        └── Unreadable       the operating system does not give it

Each message says what happened, what state the hardware is in, and what to do next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SAID: Mapping[str, tuple[str, float, float]] = {
    "mol/s": ("sccm", 7.4358e-7, 0.0),
    "K": ("degC", 1.0, 273.15),
    "K/s": ("K/min", 1 / 60, 0.0),
    "W/s": ("W/min", 1 / 60, 0.0),
    "m": ("um", 1e-6, 0.0),
}
"""What messages say instead of an SI unit, how much of the SI's it is and where it begins: what people type in files.
1 sccm is 1 cm3 at 273.15 K and 101325 Pa in 60 s."""


class LabError(Exception):
    """Root of the tree."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in one place of one file; `line` is known for syntax errors only."""

    file: str
    key: str
    value: str
    allowed: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.key} = {self.value}" if self.key and self.value else self.key or self.value
        return f"{place}: {subject}: {self.allowed}" if subject else f"{place}: {self.allowed}"


def in_words(error: BaseException) -> str:
    """Return what an error says: ours are words already, of others the class says what was wrong."""
    return str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"


class ConfigError(LabError):
    """All mistakes of all files, shown together; no device has been touched."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) != 1 else ''}"
        lines = "\n".join(f"  {mistake}" for mistake in self.mistakes)
        super().__init__(f"{count} in the configuration; no device was touched.\n{lines}")


class ConnectError(LabError):
    """The devices that did not answer, one branch each."""

    def __init__(self, failures: Mapping[str, Mapping[str, str]]) -> None:
        self.failures = {device: dict(parts) for device, parts in failures.items()}
        lines = []
        for device, parts in self.failures.items():
            lines.append(f"  {device}")
            lines += [f"    {part}: {reason}" for part, reason in parts.items()]
        super().__init__(
            "these devices did not answer; what they do is unknown, look at their front panels.\n"
            + "\n".join(lines)
        )


class WireError(LabError):
    """Bytes that did not come right."""


class Timeout(WireError):
    """Nothing, or not all of it, came within the deadline."""


class Garbled(WireError):
    """A reply fails its checksum or its form."""


class Desynchronised(WireError):
    """Replies can no longer be told apart."""


class InstrumentError(LabError):
    """The instrument answered with an error."""

    def __init__(self, instrument: str, code: str, text: str) -> None:
        self.instrument, self.code, self.text = instrument, code, text
        super().__init__(f"{instrument} answered with error {code}: {text}")


class LimitError(LabError):
    """A setpoint is outside its range, all in the SI unit; nothing was sent. Its message has the unit people type."""

    def __init__(self, quantity: str, value: float, unit: str, low: float, high: float) -> None:
        self.quantity, self.value, self.low, self.high = quantity, value, low, high
        said, scale, zero = SAID.get(unit, (unit, 1.0, 0.0))
        # Makers' and our own sccm differ in the sixth digit.
        digits = 5 if unit in SAID else 6
        shown, least, most = (f"{(each - zero) / scale:.{digits}g}" for each in (value, low, high))
        # The lowest temperature of all bounds nothing that anybody wants to know of.
        if zero and low <= 0.0:
            why = f"is above {most} {said}"
        elif math.isinf(high):
            why = f"is below {least} {said}"
        else:
            why = f"is outside [{least}, {most}] {said}"
        super().__init__(f"{quantity} = {shown} {said} {why}; nothing was sent")


class InterlockError(LabError):
    """A permissive is missing; the action was not begun."""

    def __init__(self, permissive: str, message: str) -> None:
        self.permissive = permissive
        super().__init__(f"{permissive}: {message}")


class TokenExpired(InterlockError):
    """The right to fire was not used in time; nothing was begun, and it may be asked for again."""


class OwnershipError(LabError):
    """Somebody else holds the thing asked for."""

    def __init__(self, thing: str, holder: str) -> None:
        self.holder = holder
        super().__init__(f"{thing} is held by {holder}; close that session first, nothing was opened here")


class Incomplete(LabError):
    """A station ended its work before all of it was done, without an error of its own."""


class OutcomeUnknown(LabError):
    """An action was sent and its acknowledgement lost; it is not repeated."""


class ProgramError(LabError):
    """A program that cannot run; line and column, from 1, where it came from text."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.line, self.column = line, column
        super().__init__(message)


class DataError(LabError):
    """A journal that cannot be read."""


class Corrupt(DataError):
    """A record fails its checksum."""


class Newer(DataError):
    """Written by a newer labctl."""


class Foreign(DataError):
    """Not a journal at all."""


class Unreadable(DataError):
    """The operating system does not give it: it is gone, forbidden, or the disk fails."""
