"""How a SourceMeter reads what it is sent: headers in short and long form, parameters, errors."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

QUEUE = 100
"""Errors that wait to be read; guess."""

UNDEFINED_HEADER = (-113, "Undefined header")
DATA_TYPE = (-104, "Data type error")
NOT_ALLOWED = (-108, "Parameter not allowed")
MISSING = (-109, "Missing parameter")
INIT_IGNORED = (-213, "Init ignored")
CONFLICT = (-221, "Settings conflict")
OUT_OF_RANGE = (-222, "Data out of range")
ILLEGAL = (-224, "Illegal parameter value")
NAME_TAKEN = (1115, "Parameter error: TRACe:MAKE cannot take an existing reading buffer name")
BUFFER_FULL = (4915, "Attempting to store past capacity of reading buffer")
"""Numbers and texts below zero are SCPI's; 1115 is the instrument's own [2461-901-01], and 4915, from memory."""


_APART = r"""(?:"[^"]*"|'[^']*'|[^{0}"'])+"""
"""What lies between separators that stand outside quotes."""


class Refused(Exception):
    """A command that is not carried out; (code, text) goes into the error queue."""

    def __init__(self, error: tuple[int, str]) -> None:
        super().__init__(error[1])
        self.error = error


class ErrorQueue:
    """The oldest error first; what does not fit is lost."""

    def __init__(self) -> None:
        self._errors: deque[tuple[int, str, float]] = deque(maxlen=QUEUE)

    def add(self, error: tuple[int, str], at: float) -> None:
        """Keep an error with its time [s since the epoch]."""
        self._errors.append((*error, at))

    def clear(self) -> None:
        """Forget them."""
        self._errors.clear()

    def next(self) -> str:
        """Return the oldest and forget it."""
        if not self._errors:
            return '0,"No error;0;0 0"'
        code, words, at = self._errors.popleft()
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y/%m/%d %H:%M:%S.%f")[:-3]
        return f'{code},"{words};1;{stamp}"'


def pattern(header: str) -> re.Pattern[str]:
    """Return what matches a header as manuals print it: SENSe[1]:CURRent[:DC]:RANGe."""
    parts = re.findall(r"[A-Za-z*]+|[\[\]:]|\d|\?", header)
    made = ""
    for part in parts:
        if part == "[":
            made += "(?:"
        elif part == "]":
            made += ")?"
        elif part[0].isalpha():
            short = "".join(letter for letter in part if letter.isupper())
            made += short if short == part else f"{short}(?:{part[len(short) :].upper()})?"
        else:
            made += re.escape(part)
    return re.compile(made)


def messages(line: str) -> Iterator[str]:
    """Return the messages of a line, separated by semicolons outside quotes, each with its whole header."""
    path = ""
    for message in re.findall(_APART.format(";"), line):
        stripped = message.strip()
        if not stripped:
            continue
        header = stripped.split(None, 1)[0]
        if stripped.startswith("*"):
            yield stripped
            continue
        if not stripped.startswith(":"):
            header, stripped = path + header, path + stripped
        path = header.rpartition(":")[0] + ":" if ":" in header.lstrip(":") else ""
        yield stripped.lstrip(":")


def parameters(words: str) -> list[str]:
    """Return the parameters of a message, quotes kept."""
    return [each.strip() for each in re.findall(_APART.format(","), words)] if words.strip() else []


def number(word: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a number within bounds. Raises Refused."""
    try:
        value = float(word)
    except ValueError:
        raise Refused(DATA_TYPE) from None
    if not low <= value <= high:
        raise Refused(OUT_OF_RANGE)
    return value


def whole(word: str, low: int, high: int) -> int:
    """Return a whole number within bounds. Raises Refused."""
    return round(number(word, low, high))


def boolean(word: str) -> bool:
    """Return ON or OFF. Raises Refused."""
    if word.upper() not in ("ON", "OFF", "1", "0"):
        raise Refused(ILLEGAL)
    return word.upper() in ("ON", "1")


def choice(word: str, *names: str) -> str:
    """Return the short form of one of some names. Raises Refused."""
    for name in names:
        if pattern(name).fullmatch(word.strip("\"'").upper()):
            return "".join(letter for letter in name if not letter.islower())
    raise Refused(ILLEGAL)


def quoted(word: str) -> str:
    """Return what stands in quotes. Raises Refused."""
    if len(word) < 2 or word[0] not in "\"'" or word[-1] != word[0]:
        raise Refused(DATA_TYPE)
    return word[1:-1]


@dataclass(frozen=True)
class Command:
    """One entry of a command table: what a header calls, and how many parameters it takes."""

    header: re.Pattern[str]
    call: Callable[[list[str]], str | None]
    least: int
    most: int

    def run(self, words: list[str]) -> str | None:
        """Carry it out. Raises Refused."""
        if len(words) < self.least:
            raise Refused(MISSING)
        if len(words) > self.most:
            raise Refused(NOT_ALLOWED)
        return self.call(words)
