"""Films on witnesses, which a calibration is made of."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid

from devices.roles.films import FilmCalibration
from devices.roles.hands import Hands, Measure
from devices.samples import SampleRef
from plans.flying import finished


class Growing(Protocol):
    """Puts a film on its witness and returns the run's uid; with metadata that all of a calibration share."""

    def __call__(self, *, md: Mapping[str, Any]) -> MsgGenerator[str]:
        """Return the messages."""


def grown_and_measured(
    plan: str,
    station: str,
    hands: Hands,
    films: FilmCalibration,
    material: str,
    witnesses: Sequence[tuple[SampleRef, Growing]],
    told: Mapping[str, Any] | None,
) -> MsgGenerator[tuple[str, ...]]:
    """Grow a film on each witness and have it measured before the next, fit them together; return the runs' uids.

    plan: the calibration's name; station: the name of what grows them; told: metadata of the caller.
    Raises DataError when nothing could be fitted.
    """
    common = {"experiment": str(uuid.uuid4()), "purpose": "calibrate", "planned_by": plan, **(told or {})}
    uids = []
    for spot, grow in witnesses:
        uids.append((yield from grow(md=common)))
        yield from finished(
            (yield from bps.abs_set(hands, Measure(spot, material), group=short_uid(label="measure")))
        )
    films.fit(station, tuple(uids))
    return tuple(uids)
