"""What an instrument that runs MethodSCRIPT says, put together from bytes: replies to commands, and news.

Every line ends with LF. A reply begins with the letter of its command; what a script sends begins with one of
NEWS, or is empty at the script's end. Source: PalmSens/MethodSCRIPT_Examples.
"""

from __future__ import annotations

from collections.abc import Iterator

NEWS = frozenset("PTMLC*+-!")
"""P package, T text, M and * measuring loop, L and + loop, C and - scan, ! an error in the run."""

LONGEST = 4096
"""Bytes without a line end that are kept; more is noise."""


class Lines:
    """Bytes in, whole lines out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """Return the lines that `data` completes; a byte beyond ASCII is replaced, so that its line is noise."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LONGEST:]
        for line in whole:
            yield line.strip(b"\r\x11\x13").decode("ascii", errors="replace")


def is_news(line: str) -> bool:
    """Return whether a line is what a script sends, not the reply to a command."""
    return line == "" or line[0] in NEWS
