"""Shutters as their end switches see them: each at the end where it was told to be, or on its way for a moment.

Numbers without a source are guesses.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from devices.sputter.equipment import SUBSTRATE_SHUTTER, Equipment, ends_of
from devices.sputter.parts import MonitorReading
from devices.sputter.watch import Lasting, Trouble

TRAVEL = 1.5
"""Seconds after which a shutter has come to its end; guess, and seen by the second row after it was told."""
EVERY = 2
"""Rows between looks while every shutter is where it was told to be: one that leaves its end is told within 4 s."""
UNSEEN = "nobody saw the shutter open and closed: no board names its end switches, and"
UNSEEN_OPEN = "nobody saw the shutter open: it closed again before its end switches were looked at"


class ShutterWatch:
    """One shutter is at the end where it was told to be, as its end switches say; unseen where there are none.

    was_open: whether it was seen open since begin(). is_right: whether it last was where it should be. thickness [m]:
    the crystal's, when it was.
    """

    def __init__(self, shutter: str = SUBSTRATE_SHUTTER) -> None:
        self._shutter, self._ends = shutter, ends_of(shutter)
        self.was_open, self.is_right = False, True
        self.thickness = math.nan
        self._wrong = Lasting(TRAVEL)

    def begin(self) -> None:
        """Begin anew, before it is opened."""
        self.was_open, self.thickness = False, math.nan

    def look(
        self, now: float, ends: Mapping[str, bool], reading: MonitorReading | None, *, is_open: bool
    ) -> None:
        """Raise Trouble when it has not come to its end in time, or has left it."""
        open_end, _ = self._ends
        own = {name: ends[name] for name in self._ends if name in ends}
        self.is_right = all(made is (is_open is (name == open_end)) for name, made in own.items())
        if self.is_right and own:
            self.was_open |= is_open and len(own) == len(self._ends)
            self.thickness = self.thickness if reading is None else reading.thickness
        if self._wrong.holds(now, not self.is_right):
            told, other = ("open", "closed") if is_open else ("closed", "open")
            raise Trouble(
                f"shutter_stuck_{other}",
                f"{self._shutter} was told to be {told}; its end switches say {_in_words(own)}",
                gently=is_open,
            )


class ShuttersWatch:
    """All shutters of a chamber, of which `substrate` is the substrate's."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._of = {shutter: ShutterWatch(shutter) for shutter in equipment.shutters}
        self.substrate = self._of.setdefault(SUBSTRATE_SHUTTER, ShutterWatch())
        self._told: Collection[str] = ()
        self._rows = 0

    def begin(self) -> None:
        """Begin anew, before they are opened."""
        for each in self._of.values():
            each.begin()

    def were_open(self, shutters: Collection[str]) -> bool:
        """Return whether all of these were seen open since begin()."""
        return all(self._of[each].was_open for each in shutters)

    def row(self, now: float, reading: MonitorReading | None, opened: Collection[str]) -> None:
        """Look as a row needs it: at once when one moves, else now and then. Raises Trouble for one that sticks."""
        moves = opened != self._told or not self._are_right()
        self._told, self._rows = opened, self._rows + 1
        if moves or self._rows % EVERY == 0:
            self.look(now, reading, opened)

    def look(self, now: float, reading: MonitorReading | None, opened: Collection[str]) -> bool:
        """Return whether all are where they should be: `opened` open, the others closed. Raises Trouble."""
        ends = self._equipment.read_ends()
        for shutter, watch in self._of.items():
            watch.look(now, ends, reading, is_open=shutter in opened)
        return self._are_right()

    def _are_right(self) -> bool:
        return all(each.is_right for each in self._of.values())


def _in_words(ends: Mapping[str, bool]) -> str:
    return ", ".join(f"{name} {'made' if made else 'not made'}" for name, made in ends.items())
