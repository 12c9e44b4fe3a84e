"""The shadow of a run that is over: its journal led past a model cell as the run was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.errors import DataError
from devices.limits import ShadowLimits
from labctl.belief import Believer
from labctl.runs.member import Member
from labctl.runs.run import Run
from labctl.shadow.believing import shadow_of
from labctl.shadow.followed import FOLLOWED
from labctl.shadow.following import follow
from labctl.shadow.watch import Difference


@dataclass(frozen=True)
class Said:
    """An event of a shadow: when [s] in the run, how severe, what."""

    t: float
    severity: str
    text: str


@dataclass
class Heard:
    """What a shadow told of a run: a listener that keeps it. offset [s]: when in the run its rows' times begin."""

    offset: float = 0.0
    differences: list[Difference] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def differs(self, difference: Difference) -> None:
        """Keep a difference."""
        self.differences.append(replace(difference, t=difference.t + self.offset))

    def alarms(self, label: float, t: float, severity: str, text: str) -> None:
        """Keep what was said."""
        self.said.append(Said(t + self.offset, severity, text))

    def of(self, quantity: str) -> list[Difference]:
        """Return the differences in one quantity."""
        return [each for each in self.differences if each.quantity == quantity]


def shadow_run(run: Run, data: Path, believer: Believer, limits: ShadowLimits) -> Heard:
    """Lead a shadow past a cycling run, and past those that went on with it, and return what it told.

    Raises DataError for a run that is none, or whose cell no model knows or follows.
    """
    heard = Heard()
    for member in run.members:
        heard.offset = float((member.start.get("offsets") or {}).get("test_time", 0.0))
        try:
            _lead(member, data, believer, limits, heard)
        except (ValueError, KeyError) as error:
            raise DataError(f"no model follows run {member.uid[:8]}: {error}") from error
    if not heard.said:
        raise DataError(f"run {run.uid[:8]} has no rows of a cell; there is nothing to compare")
    return heard


def _lead(member: Member, data: Path, believer: Believer, limits: ShadowLimits, heard: Heard) -> None:
    streams: dict[str, str] = {}
    shadow = None
    if member.start.get("purpose") != "cycle":
        return
    for name, doc in member.documents():
        if name == "descriptor" and doc["name"] in FOLLOWED:
            streams[doc["uid"]] = doc["name"]
        elif name in ("event", "event_page") and doc["descriptor"] in streams:
            shadow = shadow or shadow_of(member.start, data, believer, limits, heard)
            follow(shadow, streams[doc["descriptor"]], doc)


def rms(differences: Sequence[Difference]) -> float:
    """Return the root of the mean square of differences; NaN for none."""
    off = apart(differences)
    return float(np.sqrt(np.mean(off**2))) if len(off) else math.nan


def apart(differences: Sequence[Difference]) -> NDArray[np.float64]:
    """Return measured - predicted (n,)."""
    return np.array([each.measured - each.predicted for each in differences])
