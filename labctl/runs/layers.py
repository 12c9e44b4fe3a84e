"""Films that runs put on samples: what a journal says of them, what the index keeps, and which a sample has."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.runs.index import ask_index
from labctl.samples.parents import Families

if TYPE_CHECKING:
    from labctl.runs.skim import Skim

STREAM = "layers"
"""The stream with a row for each film, which only runs that grow films have."""

DEPOSITED = "deposited"
"""How the keys of films begin in the index: deposited.LiCoO2.thickness."""

MONITOR_SD = 0.05
"""Relative uncertainty of a thickness by a monitor whose tooling nobody has measured; guess."""

MATERIAL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")
"""As devices.samples.Layer; a stream of that name may be anybody's."""

THICKEST = 1e-2
"""m, likewise."""

UNTOLD_RATE_SD = 0.5
"""The same of a rate of which the start document says nothing; as devices.sputter.parameters.RateCalibration."""


@dataclass(frozen=True)
class FilmPutOn:
    """A film that one run put on a sample.

    thickness [m] with its standard uncertainty; how: by what it is known. tool, and the targets it came from. area [m2]
    of the mask's opening, None without one. doubts: why nobody should rely on it. run: its uid; time: when it began,
    as a label [s since the epoch].
    """

    material: str
    thickness: float
    sd: float
    how: str
    tool: str = ""
    targets: str = ""
    area: float | None = None
    doubts: str = ""
    run: str = ""
    time: float = 0.0

    @property
    def is_upper(self) -> bool:
        """Whether it belongs on a cathode."""
        # Whoever lists samples on which nothing grew does not wait for pydantic.
        from devices.samples import UPPER

        return self.material in UPPER


def films_of(found: Skim, start: Mapping[str, Any]) -> list[FilmPutOn]:
    """Return the films that a run put on its sample; of one that died before it said so, what its last row says."""
    if not any(each["name"] == STREAM for each in found.descriptors.values()):
        return []
    pages = found.rows.get(STREAM, [])
    rows = [_row(page["data"], index) for page in pages for index in range(len(page["time"]))]
    return [film for row in rows or _broken_off(found, start) if (film := _film(row, start)) is not None]


def _row(data: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {key: column[index] for key, column in data.items()}


def _broken_off(found: Skim, start: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for the film of a run without one, whose shutter was open when it was last heard of."""
    page = found.last.get("primary")
    row = {} if page is None else _row(page["data"], -1)
    if not row.get("open_time"):
        return []
    monitor = row.get("thickness")
    by_time = _is_by_time(row) or _none(monitor)
    return [
        {
            "material": _recipe(start).get("material"),
            "thickness": row.get("thickness_by_time") if by_time else monitor,
            "thickness_monitor": monitor,
            "reasons": "its run broke off, and this is what its last row says",
            "flags": row.get("flags", 0),
        }
    ]


def _film(row: Mapping[str, Any], start: Mapping[str, Any]) -> FilmPutOn | None:
    """Return the film of a row; None where there is none to speak of.

    Where no instrument knew its thickness, it is as thick as it was meant to be, to no better than that.
    """
    recipe, material, thickness = _recipe(start), row.get("material"), row.get("thickness")
    if not isinstance(material, str) or MATERIAL.fullmatch(material) is None:
        return None
    doubts = str(row.get("reasons", ""))
    if row.get("doubtful") and not doubts:
        doubts = "nobody said why"
    if _none(thickness):
        meant = recipe.get("thickness")
        if not isinstance(meant, float):
            return None
        thickness, relative, how = meant, 1.0, "as thick as it was meant to be, nobody knows"
        doubts = doubts or "its thickness is not known"
    elif _is_by_time(row) or _none(row.get("thickness_monitor")):
        relative, how = _rate_sd(start), "rate x time"
    else:
        relative, how = MONITOR_SD, "thickness monitor"
    if not 0.0 < float(thickness) <= THICKEST:
        return None
    area = row.get("area")
    return FilmPutOn(
        material=material,
        thickness=float(thickness),
        sd=relative * float(thickness),
        how=how,
        tool=_tool(start),
        targets=", ".join(_targets(recipe)),
        area=None if _none(area) else float(area),
        doubts=doubts,
    )


def _is_by_time(row: Mapping[str, Any]) -> bool:
    # Whoever only lists runs does not wait for the devices' packages.
    from devices.sputter.records import FilmFlag

    return bool(FilmFlag(int(row.get("flags", 0))) & FilmFlag.BY_TIME)


def _none(value: Any) -> bool:
    return not isinstance(value, int | float) or math.isnan(value)


def _recipe(start: Mapping[str, Any]) -> Mapping[str, Any]:
    recipe = start.get("recipe")
    body = recipe.get("body") if isinstance(recipe, Mapping) else None
    return body if isinstance(body, Mapping) else {}


def _targets(recipe: Mapping[str, Any]) -> list[str]:
    guns = recipe.get("guns")
    return [str(each.get("target")) for each in guns] if isinstance(guns, list) else []


def _tool(start: Mapping[str, Any]) -> str:
    """Return the device that the plan was called with which grows films: the first that has rates or films."""
    named = {value for value in (start.get("plan_args") or {}).values() if isinstance(value, str)}
    devices = start.get("devices") or {}
    return next((name for name in devices if name in named and "films" in _built(start, name)), "")


def _built(start: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    said = (start.get("devices") or {}).get(device) or {}
    return dict((said.get("parameters") or {}).get("station") or {})


def _rate_sd(start: Mapping[str, Any]) -> float:
    """Return the relative uncertainty [1] of the rates that the tool was believed to have: the largest of them."""
    rates = _built(start, _tool(start)).get("rates") or {}
    known = [(rates.get(target) or {}).get("sd", UNTOLD_RATE_SD) for target in _targets(_recipe(start))]
    return float(max(known, default=UNTOLD_RATE_SD))


def amounts_of(films: Iterable[FilmPutOn]) -> Iterator[tuple[str, float | None, str | None]]:
    """Yield films as the index keeps them: a key, and a number in SI or a text."""
    for film in films:
        key = f"{DEPOSITED}.{film.material}"
        yield f"{key}.thickness", film.thickness, None
        yield f"{key}.thickness_sd", film.sd, None
        yield f"{key}.doubtful", float(bool(film.doubts)), None
        if film.area is not None:
            yield f"{key}.area", film.area, None
        for name in ("how", "tool", "targets", "doubts"):
            if getattr(film, name):
                yield f"{key}.{name}", None, getattr(film, name)


def put_on(data: Path, samples: Iterable[str]) -> set[str]:
    """Return the uids of the runs that put films on some samples."""
    return {film.run for _, film in ask_index(data, lambda connection: _kept(connection, list(samples)))}


def deposited(
    data: Path, sample: str, named: Iterable[str] = (), families: Families | None = None
) -> list[FilmPutOn]:
    """Return the films that runs put on a sample, oldest first; those on its parents before it was cut, too.

    named: parents that are not on record yet. families: as they were looked up already. Whatever a run is marked, its
    film is there.
    """
    ends = {each.id: each.cut for each in (families or Families(data)).ancestors(sample, named)} | {
        sample: None
    }
    found = ask_index(data, lambda connection: _kept(connection, list(ends)))
    return [film for of, film in found if ends[of] is None or film.time < ends[of]]


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
