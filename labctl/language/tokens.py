"""Text as tokens that know their line and column, and the refusal that shows a place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from devices.errors import ProgramError

LONGEST = 1_000_000
"""Characters; a program written by hand has a few hundred."""

SHOWN = 60
"""Characters of a line shown on either side of a refused place."""

Kind = Literal["label", "number", "word", "mark", "separator", "unknown", "end"]

_TOKENS = re.compile(
    r"(?P<blank>[^\S\n]+|\#[^\n]*)"
    r"|(?P<label>[A-Za-z0-9][A-Za-z0-9_.-]{0,63}[^\S\n]*:)"
    r"|(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>[A-Za-zµμΩ°%][A-Za-z0-9_µμΩ°%^²³/·.-]*)"
    r"|(?P<mark>[()\[\]*<>\"'])"
    r"|(?P<separator>[\n;,+])"
    r"|(?P<unknown>.)"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(?![A-Za-z0-9_.-])")


@dataclass(frozen=True)
class Token:
    """A piece of text: its kind, what was typed, and the offset of its first character."""

    kind: Kind
    text: str
    at: int

    @property
    def word(self) -> str:
        """What was typed, in small letters, if it is a word; else nothing."""
        return self.text.lower() if self.kind == "word" else ""

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.at + len(self.text)


class Tokens:
    """The tokens of a text, taken one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > LONGEST:
            raise ProgramError(f"the text has {len(text)} characters; a program has at most {LONGEST}", 1, 1)
        self._tokens = (*_scan(text), Token("end", "", len(text)))
        self._next = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without taking it; the end at the end."""
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def took(self, *texts: str) -> bool:
        """Take the next tokens if they are these words or marks, whatever their case; return whether."""
        found = [self.peek(ahead) for ahead in range(len(texts))]
        if any(
            token.kind == "label" or token.text.lower() != text
            for token, text in zip(found, texts, strict=True)
        ):
            return False
        self._next += len(texts)
        return True

    def expect(self, text: str, what: str) -> Token:
        """Take the next token, which must be this word or mark; `what` says what it is for."""
        if self.peek().text.lower() != text:
            raise self.refused(f'expected "{text}" {what}')
        return self.take()

    def name(self, what: str) -> str:
        """Take a name, which may look like a number; `what` says whose."""
        match = _NAME.match(self.text, self.peek().at)
        if match is None:
            raise self.refused(f"expected {what} (at most 64 of letters, digits, _ . -)")
        while self.peek().at < match.end():
            if self.peek().end > match.end():
                raise self.refused(f"expected {what} (at most 64 of letters, digits, _ . -)")
            self.take()
        return match[0]

    def refused(self, expected: str, token: Token | None = None) -> ProgramError:
        """Return the refusal of a token, by default the next, in the words of what was expected."""
        token = token or self.peek()
        found = {"end": "the end of the text", "\n": "the end of the line"}
        what = found["end"] if token.kind == "end" else found.get(token.text, f'"{token.text[:SHOWN]}"')
        return self.wrong(f"{expected}, found {what}", token.at)

    def wrong(self, message: str, at: int) -> ProgramError:
        """Return a refusal of the place with this offset: its line and column, and the line itself."""
        line = self.text.count("\n", 0, at) + 1
        first = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        column, typed = at - first, self.text[first : len(self.text) if end < 0 else end]
        cut = max(0, column - SHOWN)
        shown = typed[cut : column + SHOWN].replace("\t", " ")
        place = f"\n    {shown}\n    {' ' * (column - cut)}^"
        return ProgramError(f"line {line}, column {column + 1}: {message}{place}", line, column + 1)


def _scan(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        assert match is not None
        at = match.end()
        kind = match.lastgroup
        if kind != "blank":
            yield Token(kind, match[0], match.start())  # type: ignore[arg-type]
