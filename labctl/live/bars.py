"""How far a station has come and how long it will take, from what it reports of itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labctl.counted import executions

OLD = 5.0
"""Seconds from which on it is told how old a reading is."""

WIDTH = 24
"""Signs of a bar."""


@dataclass(frozen=True)
class Advance:
    """How much of how much is done, in which unit; left: seconds to go, where known. said: what goes with it."""

    done: float
    asked: float
    unit: str
    left: float | None = None
    said: str = ""

    @property
    def share(self) -> float:
        """The share that is done."""
        return min(max(self.done / self.asked, 0.0), 1.0) if self.asked > 0 else 0.0


def advance(start: Mapping[str, Any], report: Mapping[str, Any], elapsed: float) -> Advance | None:
    """Return how far a run has come; None where its station says nothing of that, or speaks of an earlier one.

    start: the run's start document; report: its station's; elapsed: seconds of the bench since it began.
    """
    said = read_off(report)
    began = float(start.get("time", math.inf))
    train, film = report.get("train"), report.get("film")
    if train and train["began"] >= began:
        recipe = (start.get("recipe") or {}).get("body") or {}
        left = (train["asked"] - train["done"]) / recipe["rate"] if recipe.get("rate") else None
        return Advance(train["done"], train["asked"], "pulses", left, said)
    if "steps_done" in report and "program" in start:
        asked = executions(start["program"]["body"]["steps"])
        done = report["steps_done"]
        return Advance(done, asked, "steps", _left(done, asked, elapsed), said)
    if film and film["began"] >= began:
        return Advance(film["done"], film["asked"], "nm", _left(film["done"], film["asked"], elapsed), said)
    return None


def line(name: str, found: Advance) -> str:
    """Return a bar as one line."""
    full = round(found.share * WIDTH)
    bar = "█" * full + "░" * (WIDTH - full)
    to_go = "" if found.left is None else f", {_to_go(found.left)} to go"
    said = f", {found.said}" if found.said else ""
    return f"{name} {bar} {found.done:.4g} of {found.asked:.4g} {found.unit}{to_go}{said}"


def waiting(name: str, report: Mapping[str, Any]) -> str:
    """Return a line for a station that does not say how much there is to do."""
    said = read_off(report)
    return f"{name} is {report.get('state', 'at work')}{f', {said}' if said else ''}"


def _left(done: float, asked: float, elapsed: float) -> float | None:
    """Return the seconds to go if the rest goes as what was done; None before anything was."""
    return elapsed / done * (asked - done) if done > 0 else None


def _to_go(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 120 else f"about {minutes // 60} h {minutes % 60:02d} min"


def read_off(report: Mapping[str, Any]) -> str:
    """Return what a station read last, as far as people watch it, with its age where it is old; empty before that."""
    reading = report.get("reading") or {}
    age = reading.get("age") or 0.0
    if not math.isfinite(age):
        # A first look that is not over yet has values of no age.
        return ""
    said = []
    if reading.get("bank"):
        said.append(f"{reading['bank']['voltage']:.0f} V")
    if (reading.get("base") or {}).get("temperature") is not None:
        said.append(f"{reading['base']['temperature'] - 273.15:.0f} degC")
    if reading.get("temperature") is not None:
        said.append(f"{reading['temperature'] - 273.15:.0f} degC")
    if reading.get("pressure") is not None:
        said.append(f"{reading['pressure']:.3g} Pa")
    if reading.get("thickness") is not None:
        said.append(f"{reading['thickness'] * 1e9:.1f} nm")
    return ", ".join(said) + (f" ({age:.0f} s ago)" if said and age > OLD else "")
