"""A shadow as the lab believes the cell of a run to be; the twins' world is never looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devices.limits import ShadowLimits
from labctl.belief import Believer
from labctl.runs.chain import chain_of
from labctl.runs.run import Run
from labctl.runs.search import Search, search
from labctl.samples.believed import believed
from labctl.samples.telling import sample_of
from labctl.shadow.cell import ShadowCell
from labctl.shadow.free import COULOMBS, FreeCell
from labctl.shadow.watch import Listener, Shadow

FIT_SD = 0.018
"""Of a capacity: rms of the fit that leads from an anneal to a cell (FLA paper's rows)."""

UNTOLD_SD = 0.05
"""Of a capacity of which the start document says nothing; guess."""


def shadow_of(
    start: Mapping[str, Any], data: Path, believer: Believer, limits: ShadowLimits, listener: Listener
) -> Shadow:
    """Return the shadow of a cycling run by its start document.

    Raises ValueError (FoilError, CellError) for a sample that no model knows, DataError for facts that contradict.
    """
    sample = sample_of(start.get("sample"))
    if sample is None:
        raise ValueError("its start document names no sample of ours")
    foil = believer.foil(sample)
    # What is cycled is a cell, whether or not somebody has written down when it was built.
    foil.assemble(0.0)
    built = foil.as_cell()
    cell = ShadowCell(built.cell.parameters, built.state)
    as_made = cell.lithium

    def expected() -> float:
        return as_made - charge_before(data, sample.id, start) / cell.site_charge

    found = believed(data, sample)
    # A run that is over goes by what was measured since, as its foil does.
    known = found.cell.described() if found.by or found.films else None
    capacity = known or start.get("capacity") or {}
    told = float(capacity["sd_Ah"]) / float(capacity["value_Ah"]) if capacity else UNTOLD_SD
    free = FreeCell(built.cell, built.state)
    described = sample.material("cathode", sample.layers[-1].material) is not None
    return Shadow(
        cell,
        free,
        limits,
        listener,
        expected=expected,
        unsure=math.hypot(told, FIT_SD),
        capacity=float(capacity["value_Ah"]) * COULOMBS if described and capacity else None,
        goes_on="continues" in start,
    )


def charge_before(data: Path, sample_id: str, start: Mapping[str, Any]) -> float:
    """Return the net charge [C] that a sample's cycling passed before the run of a start document.

    Of runs before it their finished steps say it; of the one that it goes on with its `offsets`, which know the step
    that was broken off too.
    """
    time = float(start["time"])
    gone_on_with = frozenset(chain_of(data, start["continues"])) if "continues" in start else frozenset()
    earlier = search(data, Search(sample=sample_id, until=time))
    runs = [
        Run(brief.path, until_damage=True)
        for brief in earlier
        if brief.time < time and brief.path not in gone_on_with
    ]
    cycled = [run for run in runs if run.start.get("purpose") == "cycle" and "steps" in run.streams]
    charges = [float(run.table("steps", ["charge"])["charge"].sum()) for run in cycled]
    so_far = float((start.get("offsets") or {}).get("charge", 0.0))
    return COULOMBS * (math.fsum(charges) + so_far)
