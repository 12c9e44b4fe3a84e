"""What a chamber remembers beyond a session: an unfinished film, its throttle, its targets' bias and film rates, how
its crystal warms up, its sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from devices.errors import InterlockError
from devices.sputter.states import UNDER_WAY, ChamberState
from devices.sputter.unfinished import UnfinishedFilm
from devices.sputter.warming import Courses, Glow

MOST = 200
"""Places of the throttle that are kept, as many biases and rates; guess, more than a lab's recipes."""


class Remembered:
    """What was so under conditions, in words, each with the energy [J] that targets had had then; the newest only."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def of(self, conditions: str, energy: float = 0.0, *, stated: float | None = None) -> float:
        """Return what was so; NaN where unknown. Of targets less worn than those were [J] it is as unknown.

        stated: what the bench file says of it, which counts until more is known.
        """
        known, then = self._known.get(conditions, (math.nan, math.inf))
        if energy >= then:
            return known
        return math.nan if stated is None else stated

    def learn(self, conditions: str, value: float, energy: float = 0.0) -> None:
        """Remember it."""
        self._known.pop(conditions, None)
        self._known[conditions] = value, energy
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def forget(self, conditions: str, energy: float = 0.0) -> None:
        """Forget it, and what was stated: somebody was told to look, and the next film takes things as they are."""
        self.learn(conditions, math.nan, energy)

    def forget_all(self, beginning: str) -> None:
        """Forget what is remembered under conditions that begin so."""
        self._known = {key: each for key, each in self._known.items() if not key.startswith(beginning)}

    def told(self) -> dict[str, list[float | None]]:
        """Return it in JSON."""
        return {
            key: [None if math.isnan(value) else value, energy]
            for key, (value, energy) in self._known.items()
        }

    def recalled(self, told: Mapping[str, Any] | None) -> None:
        """Take what told() returned."""
        self._known = {
            str(key): (math.nan if value is None else float(value), float(energy))
            for key, (value, energy) in (told or {}).items()
        }


class ChamberMemory:
    """Keeps the last film that was begun and not finished, in this session or the one before it.

    places: of the throttle [1], by what it held and what burnt. biases: stiffness of targets; strikes: their bias [V]
    as they were lit; rates [m/s]: what the monitor made of sound films; courses: what its crystal did as plasmas were
    lit. sample: whose id was brought last, empty when nobody knows. glow: when its plasmas burnt in this session.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.unfinished: UnfinishedFilm | None = None
        self.places, self.biases, self.strikes, self.rates = (Remembered() for _ in range(4))
        self.courses, self.glow = Courses(), Glow()
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
            "places": self.places.told(),
            "biases": self.biases.told(),
            "strikes": self.strikes.told(),
            "rates": self.rates.told(),
            "courses": self.courses.told(),
            "sample": self.sample,
        }

    def recalled(self, report: Mapping[str, Any], *, died: bool) -> str:
        """Take what the session before reported last; return why the chamber must be in FAULT, empty if it need not."""
        self.unfinished = left = UnfinishedFilm.heard(report.get("film"))
        kept = report.get("kept") or {}
        self.places.recalled(kept.get("places"))
        self.biases.recalled(kept.get("biases"))
        self.strikes.recalled(kept.get("strikes"))
        self.rates.recalled(kept.get("rates"))
        self.courses.recalled(kept.get("courses"))
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
