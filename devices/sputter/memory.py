"""What a chamber remembers beyond a session: an unfinished film, its throttle, its targets' bias, its sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devices.errors import InterlockError
from devices.sputter.states import UNDER_WAY, ChamberState
from devices.sputter.unfinished import UnfinishedFilm

MOST_POSITIONS = 50
"""Throttle positions that are kept, and as many biases; guess, more than a lab's recipes."""


class ChamberMemory:
    """Keeps the last film that was begun and not finished, in this session or the one before it.

    positions: of the throttle, by what was held with it. biases: of targets by their conditions, each as its stiffness
    and the energy [J] that its target had had. sample: whose id was brought last, empty when nobody knows.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.unfinished: UnfinishedFilm | None = None
        self.positions: dict[str, float] = {}
        self.biases: dict[str, tuple[float, float]] = {}
        self.sample = ""

    def ended(self, film: UnfinishedFilm) -> None:
        """Remember a film that was ended early by its own station, which recorded all of it."""
        self.unfinished = replace(film, accounted=True)

    def forget(self) -> None:
        """Forget it: what was begun was done."""
        self.unfinished = None

    def accounted(self) -> None:
        """Take note that what was put on is recorded, or known to a person."""
        if self.unfinished is not None:
            self.unfinished = replace(self.unfinished, accounted=True)

    def doubts_of(self, sample: str, material: str) -> tuple[str, ...]:
        """Return why a film is doubtful that was begun on a sample and not finished; nothing where none was."""
        left = self.unfinished
        return () if left is None or (left.sample, left.material) != (sample, material) else left.doubts

    def learnt(self, key: str, position: float) -> None:
        """Remember where the throttle held something."""
        self.positions.pop(key, None)
        self.positions[key] = position
        while len(self.positions) > MOST_POSITIONS:
            del self.positions[next(iter(self.positions))]

    def bias(self, conditions: str, energy: float) -> float:
        """Return a target's stiffness under conditions; NaN where unknown, as of one less worn than that was [J]."""
        known, then = self.biases.get(conditions, (math.nan, 0.0))
        return known if energy >= then else math.nan

    def learnt_bias(self, conditions: str, stiffness: float, energy: float) -> None:
        """Remember a target's stiffness under conditions, and the energy [J] it has had."""
        self.biases.pop(conditions, None)
        self.biases[conditions] = stiffness, energy
        while len(self.biases) > MOST_POSITIONS:
            del self.biases[next(iter(self.biases))]

    def forget_bias(self, conditions: str) -> None:
        """Forget it: somebody was told to look at the target, and the next film takes it as it is."""
        self.biases.pop(conditions, None)

    def require_known(self) -> None:
        """Raise InterlockError while there is a film whose end nobody wrote down: the next one would hide it."""
        left = self.unfinished
        if left is not None and not left.accounted:
            raise InterlockError(
                "sample",
                f"the last film of {self._name}, {left.material} on {left.sample}, was cut off: the last row of its run"
                f" says at how much (`labctl sample show {left.sample}`), and there may be more. Look at it, then type"
                f" lab.{self._name}.accounted(); nothing was done",
            )

    def told(self) -> dict[str, Any]:
        """Return in JSON what outlives a session, but for the film."""
        return {
            "positions": dict(self.positions),
            "biases": {key: list(each) for key, each in self.biases.items()},
            "sample": self.sample,
        }

    def recalled(self, report: Mapping[str, Any], *, died: bool) -> str:
        """Take what the session before reported last; return why the chamber must be in FAULT, empty if it need not."""
        self.unfinished = left = UnfinishedFilm.heard(report.get("film"))
        kept = report.get("kept") or {}
        self.positions = {str(key): float(each) for key, each in (kept.get("positions") or {}).items()}
        self.biases = {
            str(key): (float(stiffness), float(energy))
            for key, (stiffness, energy) in (kept.get("biases") or {}).items()
        }
        self.sample = str(kept.get("sample", ""))
        state = str(report.get("state", ""))
        is_open = state == ChamberState.DEPOSIT.value or (left is not None and left.open_time > 0.0)
        if died and left is not None and not is_open and not left.doubts:
            # The shutter had not been opened: nothing is on the sample.
            self.unfinished = None
        if not died or state not in {each.value for each in UNDER_WAY}:
            return str(report.get("latched", ""))
        if left is None:
            return f"the host died with the chamber in {state}"
        if not is_open:
            return "the host died with a plasma burning behind the closed shutter"
        why = f"the host died after at least {(left.thickness or 0.0) * 1e9:.1f} nm {left.material}"
        self.unfinished = replace(left, doubts=(*left.doubts, why), accounted=False)
        return why
