"""Which films runs put on a sample, as the index keeps them."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labctl.runs.films import DEPOSITED, FilmPutOn
from labctl.runs.index import ask_index
from labctl.samples.parents import Families


def deposited(
    data: Path, sample: str, named: Iterable[str] = (), families: Families | None = None
) -> list[FilmPutOn]:
    """Return the films that runs put on a sample, oldest first; those on its parents before it was cut, too.

    named: parents that are not on record yet. families: as they were looked up already. Whatever a run is marked, its
    film is there.
    """
    ancestors = (families or Families(data)).ancestors(sample, named)
    cut = {each.id: math.inf if each.cut is None else each.cut for each in ancestors} | {sample: math.inf}
    found = ask_index(data, lambda connection: _kept(connection, list(cut)))
    return [film for of, film in found if film.time < cut[of]]


def _kept(connection: sqlite3.Connection, samples: list[str]) -> list[tuple[str, FilmPutOn]]:
    marks = ", ".join("?" for _ in samples)
    rows = connection.execute(
        "SELECT runs.id, sample, uid, began, keys.key, number, text FROM runs JOIN amounts ON run = runs.id"
        " JOIN keys ON keys.id = amounts.key"
        f" WHERE listed AND sample IN ({marks}) AND keys.key >= ? AND keys.key < ? ORDER BY began, uid, amounts.rowid",
        [*samples, f"{DEPOSITED}.", f"{DEPOSITED}/"],
    ).fetchall()
    told: dict[tuple[int, str], dict[str, Any]] = {}
    whose: dict[tuple[int, str], tuple[str, str, float]] = {}
    for run, sample, uid, began, key, number, text in rows:
        material, _, name = key.removeprefix(f"{DEPOSITED}.").rpartition(".")
        told.setdefault((run, material), {})[name] = number if text is None else text
        whose[run, material] = (sample, uid, began)
    return [
        (
            whose[film][0],
            FilmPutOn(
                material=film[1],
                thickness=said["thickness"],
                sd=said["thickness_sd"],
                how=said["how"],
                tool=said.get("tool", ""),
                targets=said.get("targets", ""),
                area=said.get("area"),
                doubts=said.get("doubts", ""),
                run=whose[film][1],
                time=whose[film][2],
            ),
        )
        for film, said in told.items()
    ]
