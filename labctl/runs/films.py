"""Films that runs put on samples: what a journal says of them, and what of that the index keeps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

LEAST = 2e-11
"""m that a doubtful film is thick of which no instrument weighed anything: something may be there, a tenth of a
monolayer is the least that stands for it; guess."""

LONGEST_DOUBT = 1000
"""Characters of what is said against one film: a layer that several runs made holds five times as many."""

CELSIUS = 273.15

UNTOLD_RATE_SD = 0.5
"""The same of a rate of which the start document says nothing; as devices.sputter.parameters.RateCalibration."""


_GOES_ON, _BROKE_OFF = "it is being made", "its run broke off"

KNOWN = ("area", "pressure", "oxygen", "bias", "temperature")
"""What is a number where it is known."""


@dataclass(frozen=True)
class FilmPutOn:
    """A film that one run put on a sample.

    thickness [m] with its standard uncertainty; how: by what it is known. tool, and the targets it came from. area [m2]
    of the mask's opening, None without one. doubts: why nobody should rely on it. pressure [Pa] of the gas that it grew
    in, oxygen's share of that [1], bias [V] and temperature [K] of the substrate, where they are known. run: its uid;
    time: when it began, as a label [s since the epoch].
    """

    material: str
    thickness: float
    sd: float
    how: str
    tool: str = ""
    targets: str = ""
    area: float | None = None
    doubts: str = ""
    pressure: float | None = None
    oxygen: float | None = None
    bias: float | None = None
    temperature: float | None = None
    run: str = ""
    time: float = 0.0

    @property
    def is_upper(self) -> bool:
        """Whether it belongs on a cathode."""
        # Whoever lists samples on which nothing grew does not wait for pydantic.
        from devices.samples import UPPER

        return self.material in UPPER


def makes_films(found: Skim) -> bool:
    """Return whether a run grows films."""
    return any(each["name"] == STREAM for each in found.descriptors.values())


def films_of(found: Skim, start: Mapping[str, Any], *, goes_on: bool = False) -> list[FilmPutOn]:
    """Return the films that a run put on its sample; of one that did not say so yet, what its last row says.

    goes_on: somebody writes its journal now; else it died before it said so.
    """
    if not makes_films(found):
        return []
    pages = found.rows.get(STREAM, [])
    rows = [_row(page["data"], index) for page in pages for index in range(len(page["time"]))]
    return [
        film for row in rows or _unfinished(found, start, goes_on) if (film := _film(row, start)) is not None
    ]


def _row(data: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {key: column[index] for key, column in data.items()}


def _unfinished(found: Skim, start: Mapping[str, Any], goes_on: bool) -> list[dict[str, Any]]:
    """Return a row for the film of a run without one, whose shutter was open, or let something through."""
    page = found.last.get("primary")
    row = {} if page is None else _row(page["data"], -1)
    if not (row.get("open_time") or row.get("shutter_open") or _came_through(row)):
        return []
    monitor = row.get("thickness")
    by_time = _is_by_time(row) or _number(monitor) is None
    return [
        {
            "material": _recipe(start).get("material"),
            "thickness": row.get("thickness_by_time") if by_time else monitor,
            "thickness_monitor": monitor,
            "reasons": f"{_GOES_ON if goes_on else _BROKE_OFF}, and this is what its last row says",
            "flags": row.get("flags", 0),
            "substrate_bias": row.get("substrate_bias"),
            "substrate_temperature": row.get("substrate_temperature"),
        }
    ]


def _came_through(row: Mapping[str, Any]) -> bool:
    """Return whether something came through a shutter that was told to be closed: counted, else doubted."""
    counted = [
        number for key in ("thickness", "thickness_by_time") if (number := _number(row.get(key))) is not None
    ]
    return max(counted) > 0.0 if counted else _has(row, "DOUBTFUL")


def _film(row: Mapping[str, Any], start: Mapping[str, Any]) -> FilmPutOn | None:
    """Return the film of a row; None where there is none to speak of.

    Where no instrument knew its thickness, it is as thick as it was meant to be, to no better than that. A doubtful one
    is there whatever was weighed: a crystal that fails weighs less than nothing.
    """
    recipe, material = _recipe(start), row.get("material")
    if not isinstance(material, str) or MATERIAL.fullmatch(material) is None:
        return None
    thickness, area = _number(row.get("thickness")), _number(row.get("area"))
    doubts = str(row.get("reasons", ""))
    if row.get("doubtful") and not doubts:
        doubts = "nobody said why"
    is_doubtful = bool(doubts)
    if thickness is None:
        thickness, relative, how = (
            _number(recipe.get("thickness")),
            1.0,
            "as thick as it was meant to be, nobody knows",
        )
        doubts = doubts or "its thickness is not known"
    elif _is_by_time(row) or _number(row.get("thickness_monitor")) is None:
        relative, how = _rate_sd(start), "rate x time"
    else:
        relative, how = _tooling_sd(start), "thickness monitor"
    if thickness is None or not 0.0 < thickness <= THICKEST:
        if not is_doubtful:
            return None
        thickness, relative, how = LEAST, 1.0, f"{how}; no thickness to go by, something may be there"
    celsius = _number(row.get("substrate_temperature"))
    return FilmPutOn(
        material=material,
        thickness=thickness,
        sd=relative * thickness,
        how=how,
        tool=_tool(start),
        targets=", ".join(_targets(recipe)),
        area=area,
        doubts=doubts[:LONGEST_DOUBT],
        pressure=_number(recipe.get("pressure")),
        oxygen=_oxygen(recipe),
        bias=_number(row.get("substrate_bias")),
        temperature=None if celsius is None else celsius + CELSIUS,
    )


def _is_by_time(row: Mapping[str, Any]) -> bool:
    return _has(row, "BY_TIME")


def _has(row: Mapping[str, Any], flag: str) -> bool:
    flags = row.get("flags")
    if not isinstance(flags, int):
        return False
    # Whoever only lists runs does not wait for the devices' packages.
    from devices.sputter.records import FilmFlag

    return bool(FilmFlag(flags) & FilmFlag[flag])


def _number(value: Any) -> float | None:
    return None if not isinstance(value, int | float) or math.isnan(value) else float(value)


def _recipe(start: Mapping[str, Any]) -> Mapping[str, Any]:
    recipe = start.get("recipe")
    body = recipe.get("body") if isinstance(recipe, Mapping) else None
    return body if isinstance(body, Mapping) else {}


def _targets(recipe: Mapping[str, Any]) -> list[str]:
    guns = recipe.get("guns")
    return [str(each.get("target")) for each in guns] if isinstance(guns, list) else []


def _oxygen(recipe: Mapping[str, Any]) -> float | None:
    """Return the share [1] of a recipe's gas that is oxygen, None of a film that grew in none."""
    gases = recipe.get("gases")
    flows = {each["gas"]: _number(each["flow"]) or 0.0 for each in gases} if isinstance(gases, list) else {}
    total = sum(flows.values())
    return flows.get("O2", 0.0) / total if total else None


def _tool(start: Mapping[str, Any]) -> str:
    """Return the device that the plan was called with which grows films: the first that has rates or films."""
    named = {value for value in (start.get("plan_args") or {}).values() if isinstance(value, str)}
    devices = start.get("devices") or {}
    return next((name for name in devices if name in named and "films" in _built(start, name)), "")


def _built(start: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    said = (start.get("devices") or {}).get(device) or {}
    return dict((said.get("parameters") or {}).get("station") or {})


def _tooling_sd(start: Mapping[str, Any]) -> float:
    """Return the relative uncertainty [1] of a thickness by the monitor, whose tooling may have been calibrated."""
    told = start.get("tooling")
    sd = _number(told.get("sd")) if isinstance(told, Mapping) else None
    return MONITOR_SD if sd is None else sd


def _rate_sd(start: Mapping[str, Any]) -> float:
    """Return the relative uncertainty [1] of the rate that the film was believed to have."""
    told = start.get("film_rate")
    sd = _number(told.get("sd")) if isinstance(told, Mapping) else None
    return UNTOLD_RATE_SD if sd is None else sd


def amounts_of(films: Iterable[FilmPutOn]) -> Iterator[tuple[str, float | None, str | None]]:
    """Yield films as the index keeps them: a key, and a number in SI or a text."""
    for film in films:
        key = f"{DEPOSITED}.{film.material}"
        yield f"{key}.thickness", film.thickness, None
        yield f"{key}.thickness_sd", film.sd, None
        yield f"{key}.doubtful", float(bool(film.doubts)), None
        for name in KNOWN:
            if (value := getattr(film, name)) is not None:
                yield f"{key}.{name}", value, None
        for name in ("how", "tool", "targets", "doubts"):
            if getattr(film, name):
                yield f"{key}.{name}", None, getattr(film, name)
