"""What the plans of deposition are made of: checks of what they are called with, and their start documents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from devices.errors import LabError
from devices.recipes import to_json
from devices.roles.films import Depositing
from devices.samples import SampleRef
from plans.arguments import NAMES
from plans.flying import named_body, sample_metadata

FLUSH = 60.0
"""Seconds between pages: rows come once a second, and each is in the station's own spool as soon as it is written."""
LEASE_EVERY = 7.0
"""Seconds between two renewals of the station's lease, less than half of it."""


def expect(plan: str, sample: Any, recipe: Any, kind: type, station: Any, deed: str) -> None:
    """Raise LabError that says what was expected where a plan for a film was called with something else.

    deed: a method that tells the station's role from others.
    """
    for name, found, well, expected in (
        (
            "station",
            station,
            hasattr(station, "check") and hasattr(station, deed),
            f"it can do no {deed!r}; lab.sputter or its like is",
        ),
        (
            "sample",
            sample,
            isinstance(sample, SampleRef),
            f"a devices.samples.SampleRef is expected; {NAMES}",
        ),
        ("recipe", recipe, isinstance(recipe, kind), f"a {kind.__module__}.{kind.__name__} is; {NAMES}"),
    ):
        if not well:
            raise LabError(f"{plan}: {name} = {found!r}: {expected}; nothing was done")


def film_metadata(
    plan: str, purpose: str, station: Mapping[str, str], sample: SampleRef, recipe: Any
) -> dict[str, Any]:
    """Return what the start document of a film's run says; station: the plan's parameter, and the station's name."""
    return {
        "plan_name": plan,
        "plan_args": {**station, "sample": to_json(sample), "recipe": to_json(recipe)},
        "purpose": purpose,
        "sample": sample_metadata(sample),
        "inputs": [],
        "recipe": named_body(recipe.name, recipe),
    }


def told_with_source(value: float, sd: float, calibration: str) -> dict[str, Any]:
    """Return a number with its relative uncertainty, where it has one, and which calibration says so."""
    return {"value": value, "sd": sd if math.isfinite(sd) else None, "calibration": calibration}


def service_metadata(plan: str, chamber: Depositing, **arguments: Any) -> dict[str, Any]:
    """Return what the start document of a run says in which no film is made."""
    return {"plan_name": plan, "plan_args": {"chamber": chamber.name, **arguments}, "purpose": "service"}
