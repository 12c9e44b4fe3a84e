"""What the journals tell of a film that did not come to its end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from devices.roles.films import FilmSoFar
from devices.samples import SampleRef, top_of
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.runs.begun import begun
from labctl.runs.member import Member
from labctl.samples.believed import believed


class FilmJournals:
    """Reads films from the journals of a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def so_far(self, run: str, sample: SampleRef, recipe: DepositionRecipe | EvaporationRecipe) -> FilmSoFar:
        """Return what was put on by the run that began a film, and by those that went on with it.

        Raises DataError for a run of another sample or recipe.
        """
        members = begun(run, self._data, sample, recipe, "nothing was begun")
        parts = [_part(each) for each in members]
        film = top_of(believed(self._data, sample).sample, recipe.material)
        return FilmSoFar(
            first=members[0].uid,
            last=members[-1].uid,
            recipe=str(members[-1].start["recipe"]["hash"]),
            thickness=sum(thickness for thickness, _ in parts),
            open_time=sum(duration for _, duration in parts),
            doubts="" if film is None else film.doubtful,
        )


def _part(member: Member) -> tuple[float, float]:
    """Return what a run put on [m], and how long its shutter was open [s]: as its layer says, else its last row."""
    if "primary" not in member.streams:
        return 0.0, 0.0
    _, rows = member.rows("primary", ["thickness", "thickness_by_time", "open_time"])
    if not len(rows["open_time"]):
        return 0.0, 0.0
    shown, by_time, duration = (np.asarray(rows[key], dtype=float)[-1] for key in rows)
    return float(by_time if np.isnan(shown) else shown), float(duration)
