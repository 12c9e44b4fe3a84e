"""What is to be done next where an experiment ended early: films that are not done, stations in FAULT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devices.sputter.unfinished import UnfinishedFilm


def left_over(stations: Mapping[str, Any], bench: str) -> tuple[str, ...]:
    """Return what stations of a bench leave to a person, in words: a fault to be reset, a film to be finished."""
    return tuple(said for name, station in stations.items() for said in _left_by(name, station, bench))


def _left_by(name: str, station: Any, bench: str) -> Iterator[str]:
    film = getattr(station, "unfinished", None)
    is_film = isinstance(film, UnfinishedFilm)
    if hasattr(station, "reset") and (getattr(station, "report", dict)() or {}).get("latched"):
        yield f"{name} is in FAULT: look at it, then `labctl reset {name} --bench {bench}`"
    if is_film and film.doubts:
        plan = "finish_deposition" if station.role == "SputterSystem" else "finish_evaporation"
        yield (
            f"the {film.material} on {film.sample} is not done, and doubtful: what comes next asks a person. An"
            f' experiment with plan = "{plan}", its sample, its recipe and run = "last" puts the rest on it'
        )
