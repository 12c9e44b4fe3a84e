"""Scripts of a few lines for the idle instrument, and what they send."""

from __future__ import annotations

from dataclasses import dataclass

MEASURE_VOLTAGE = (
    *("var p", "set_pgstat_chan 0", "cell_off", "set_pgstat_mode 2", "set_range ab 6"),
    *("meas 100m p ab", "pck_start", "pck_add p", "pck_end"),
)
OPEN_CELL = ("cell_off",)


@dataclass
class SmallScript:
    """What a small script sends, from its `e` to an empty line or an error."""

    expected: bool = False
    empty: bool = False
    lines: list[str] | None = None
    heard: list[str] | None = None

    def begins(self) -> None:
        """Hear the `e` that says that it runs."""
        self.expected, self.lines = False, []

    def takes(self, line: str) -> bool:
        """Take a line if it can be of this script; one that is empty says nothing but its end."""
        if self.lines is None or (self.empty and line != ""):
            self.lines = None
            return False
        self.lines.append(line)
        if line == "" or line.startswith("!"):
            self.heard, self.lines = self.lines, None
        return True
