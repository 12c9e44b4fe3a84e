"""Films and bakes whose run died: what is believed of them, and what comes next, in a line each."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from devices.errors import DataError
from labctl.after_failure import FINISHES
from labctl.journal.documents import read_start
from labctl.journal.recovery import Recovered
from labctl.runs.films import FilmPutOn
from labctl.runs.kinds import BAKE
from labctl.runs.member import Member
from labctl.samples.deposited import deposited
from labctl.samples.spoilt import spoilt

OVEN = "Furnace"
"""The role of what bakes."""

log = logging.getLogger(__name__)


def broken(journal: Path, data: Path) -> Iterator[str]:
    """Yield a line for each film and bake that a run which was closed by recovery left on its sample."""
    yield from broken_films(journal, data)
    yield from broken_bakes(journal, data)


def broken_films(journal: Path, data: Path) -> Iterator[str]:
    """Yield a line for each film that a run which was closed by recovery left on its sample."""
    start = read_start(journal) or {}
    sample = str((start.get("sample") or {}).get("id", ""))
    recipe = start.get("recipe") or {}
    asked = (recipe.get("body") or {}).get("thickness")
    for film in deposited(data, sample) if sample else ():
        if film.run != start["uid"]:
            continue
        role = ((start.get("devices") or {}).get(film.tool) or {}).get("role", "")
        bench = (start.get("bench") or {}).get("name", "")
        said = (
            f"the {film.material} on {sample} is doubtful: {_so_thick(film, asked)}, and there may be more."
        )
        if role in FINISHES:
            said += (
                f" What comes next asks a person: first `labctl reset {film.tool} --bench {bench}`, then an experiment"
                f' with plan = "{FINISHES[role]}", sample = "{sample}", recipe = "{recipe.get("name")}", run ='
                f' "{film.run[:8]}" puts the rest on it; or `labctl account {film.tool} --bench {bench}` says that you'
                " know what is on it"
            )
        yield said


def broken_bakes(journal: Path, data: Path) -> Iterator[str]:
    """Yield a line for the bake of a run that was closed by recovery, if it heated its sample."""
    start = read_start(journal) or {}
    sample = str((start.get("sample") or {}).get("id", ""))
    if start.get("plan_name") != BAKE or not sample:
        return
    named = (start.get("plan_args") or {}).values()
    ovens = (
        name
        for name, said in (start.get("devices") or {}).items()
        if said.get("role") == OVEN and name in named
    )
    bench, oven = (start.get("bench") or {}).get("name", ""), next(ovens, "")
    for doubt in spoilt(data, sample):
        if doubt.time == start["time"]:
            hottest = np.nanmax(Member(journal).rows("primary", ["temperature"])[1]["temperature"])
            yield (
                f"what lies on {sample} is doubtful: {doubt.said}; it was at up to {hottest:.0f} degC by its rows."
                f" What comes next asks a person: first `labctl reset {oven} --bench {bench}`"
            )


def warn_of_films(closed: Iterable[Recovered], data: Path) -> None:
    """Log those lines for runs that were closed; what cannot be read keeps nobody from opening a bench."""
    for run in closed:
        try:
            for said in broken(run.path, data) if not run.trouble else ():
                log.warning("%s", said)
        except DataError as error:
            log.warning("what run %s left on its sample cannot be read: %s", run.uid[:8], error)


def _so_thick(film: FilmPutOn, asked: float | None) -> str:
    """Return how thick a film is believed to be, and by what."""
    much = f"{film.thickness * 1e9:.1f}" + ("" if asked is None else f" of {asked * 1e9:.1f}")
    return f"{much} nm are believed to be there (+- {film.sd * 1e9:.1f} nm, {film.how})"
