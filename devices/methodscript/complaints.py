"""Errors of MethodSCRIPT instruments in words: `e!4001: Line 3, Col 7` on a script, `!0032: Line 12` in a run.

The codes are those of the MethodSCRIPT manual v1.8, appendix A, as labmcp-palmsens 0.1.3 lists them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WRONG_MODE = 0x0006
"""The command is not for now: with `Z` no script runs, with `e` one does."""

WORDS = {
    0x0001: "an unspecified error",
    0x0002: "an invalid type of variable",
    0x0003: "the command is not known",
    WRONG_MODE: "the command is not possible now",
    0x0007: "an argument has an unexpected value",
    0x0008: "the command is too long",
    0x0009: "the command timed out",
    0x000C: "no script is loaded",
    0x000F: "the potential is not possible",
    0x0010: "a variable became NaN or infinite",
    0x0014: "the open-circuit potential needs an open cell",
    0x001B: "this instrument does not support it",
    0x001C: "the step of a sweep is below the converter's resolution",
    0x0021: "the PGStat mode is not supported",
    0x0023: "not possible in this PGStat mode",
    0x0028: "division by zero",
    0x0032: "critical overload of the cell, the measurement was aborted to prevent damage",
    0x0058: "the timing of a fast measurement was not met",
    0x005A: "the requested timing cannot be met",
    0x0080: "the counter electrode oscillates",
    0x4001: "the script command is not known",
    0x4004: "an unexpected character",
    0x4005: "the script is too large for the instrument's memory",
    0x4008: "the optional argument does not belong to this command",
    0x400B: "a measurement loop inside another",
    0x400C: "the command is not possible here",
    0x4018: "the script ends unexpectedly",
    0x401B: "pck commands in a wrong order",
    0x4026: "the variable exists already",
    0x4027: "the command needs the cell on",
    0x4028: "the command needs the cell off",
    0x4029: "a sweep needs at least one step",
    0x4032: "the potential cannot be set inside this measurement loop",
    0x4039: "the number is not formed correctly",
    0x4200: "the value cannot be negative",
    0x4202: "the value cannot be zero",
    0x4204: "the value must be positive",
    0x4205: "the value is out of bounds",
    0x4206: "this instrument does not take the value",
    0x420B: "the variable is not declared",
    0x7FFF: "a fatal error, the instrument must be reset",
}

_COMPLAINT = re.compile(
    r"(?P<command>[^!]?)!(?P<code>[0-9A-Fa-f]{4})(?:: Line (?P<line>\d+)(?:, Col (?P<column>\d+))?)?"
)


@dataclass(frozen=True)
class Complaint:
    """An error: its code, and where in the script, counted from 1; 0 where the instrument does not say."""

    code: int
    line: int = 0
    column: int = 0

    def words(self, script: Sequence[str] = ()) -> str:
        """Return it in words, with the line of the script it speaks of."""
        said = WORDS.get(self.code, "an error that the manual's list does not have")
        if not self.line:
            return said
        where = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        quoted = f" ({script[self.line - 1].strip()})" if self.line <= len(script) else ""
        return f"{said}, in {where} of the script{quoted}"


def parse_complaint(line: str) -> Complaint | None:
    """Return the error that a line tells of, None when it is none."""
    match = _COMPLAINT.fullmatch(line)
    if match is None:
        return None
    return Complaint(int(match["code"], 16), int(match["line"] or 0), int(match["column"] or 0))
