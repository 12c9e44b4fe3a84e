"""Which films runs put on a sample, as the index keeps them."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labctl.runs.films import DEPOSITED, KNOWN, FilmPutOn
from labctl.runs.index import ask_index
from labctl.samples.parents import Families, Parent
from labctl.samples.spoilt import marked


def deposited(
    data: Path, sample: str, named: Iterable[str] = (), families: Families | None = None
) -> list[FilmPutOn]:
    """Return the films that runs put on a sample, oldest first; those on its parents before it was cut, too.

    named: parents that are not on record yet. families: as they were looked up already. Whatever a run is marked, its
    film is there; one of a bad run is doubtful.
    """
    ancestors = (families or Families(data)).ancestors(sample, named)
    samples = [sample, *(each.id for each in ancestors)]
    return films_on(ask_index(data, lambda connection: put_on(connection, samples)), sample, ancestors)


def films_on(
    films: Mapping[str, Sequence[FilmPutOn]], sample: str, ancestors: Iterable[Parent]
) -> list[FilmPutOn]:
    """Return the films on a sample, oldest first: its own, and those it was cut with, of `films` by sample."""
    cut = {each.id: math.inf if each.cut is None else each.cut for each in ancestors} | {sample: math.inf}
    found = [film for of, end in cut.items() for film in films.get(of, ()) if film.time < end]
    return sorted(found, key=lambda film: (film.time, film.run))


def put_on(connection: sqlite3.Connection, samples: Collection[str] = ()) -> dict[str, list[FilmPutOn]]:
    """Return the films that runs put on samples, by their ids, oldest first; of all samples where none is named."""
    named = f" AND sample IN ({', '.join('?' for _ in samples)})" if samples else ""
    rows = connection.execute(
        "SELECT runs.id, sample, uid, began, plan, mark, why, keys.key, number, text FROM runs"
        " JOIN amounts ON run = runs.id JOIN keys ON keys.id = amounts.key"
        f" WHERE listed{named} AND keys.key >= ? AND keys.key < ? ORDER BY began, uid, amounts.rowid",
        [*samples, f"{DEPOSITED}.", f"{DEPOSITED}/"],
    ).fetchall()
    told: dict[tuple[int, str], dict[str, Any]] = {}
    whose: dict[tuple[int, str], tuple[str, str, float, str]] = {}
    for run, sample, uid, began, plan, mark, why, key, number, text in rows:
        material, _, name = key.removeprefix(f"{DEPOSITED}.").rpartition(".")
        told.setdefault((run, material), {})[name] = number if text is None else text
        whose[run, material] = (sample, uid, began, marked(plan, uid, why) if mark else "")
    found: dict[str, list[FilmPutOn]] = {}
    for key, said in told.items():
        sample, uid, began, bad = whose[key]
        film = FilmPutOn(
            material=key[1],
            thickness=said["thickness"],
            sd=said["thickness_sd"],
            how=said["how"],
            tool=said.get("tool", ""),
            targets=said.get("targets", ""),
            **{name: said.get(name) for name in KNOWN},
            doubts="; ".join(each for each in (said.get("doubts", ""), bad) if each),
            run=uid,
            time=began,
        )
        found.setdefault(sample, []).append(film)
    return found
