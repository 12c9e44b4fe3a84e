"""What is to be done next where an experiment ended early: films that are not done, stations in FAULT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devices.sputter.unfinished import UnfinishedFilm

FINISHES: Mapping[str, str] = {"SputterSystem": "finish_deposition", "Evaporator": "finish_evaporation"}
"""The plan that puts on what is missing, by the role of the station."""


def left_over(stations: Mapping[str, Any], bench: str) -> tuple[str, ...]:
    """Return what stations of a bench leave to a person, in words: a fault to be reset, a film to be finished."""
    return tuple(said for name, station in stations.items() for said in _left_by(name, station, bench))


def _left_by(name: str, station: Any, bench: str) -> Iterator[str]:
    if hasattr(station, "reset") and hasattr(station, "report") and station.report().get("latched"):
        yield f"{name} is in FAULT: look at it, then `labctl reset {name} --bench {bench}`"
    film = getattr(station, "unfinished", None)
    if isinstance(film, UnfinishedFilm) and film.doubts:
        known = f"; without that, `labctl account {name} --bench {bench}` says that you know what is on it"
        yield (
            f"the {film.material} on {film.sample} is not done, and doubtful: what comes next asks a person. An"
            f' experiment with plan = "{FINISHES[station.role]}", its sample, its recipe and its run (`labctl runs`'
            f" shows it) puts the rest on it{'' if film.accounted else known}"
        )
