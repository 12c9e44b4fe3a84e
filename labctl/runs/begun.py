"""Runs that are gone on with: what goes on must be of the same sample and recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devices.errors import DataError
from devices.recipes import canonical_hash, to_json
from devices.samples import SampleRef
from labctl.runs.member import Member
from labctl.runs.run import Run


def begun(run: str, data: Path, sample: SampleRef, recipe: Any, consequence: str) -> tuple[Member, ...]:
    """Return the journals of a run and of those that went on with it.

    Raises DataError for a run of another sample or recipe; consequence: what was not done for that.
    """
    members = Run(run, data).members
    start = members[0].start
    known = ((start.get("sample") or {}).get("id"), (start.get("recipe") or {}).get("hash"))
    if known != (sample.id, canonical_hash(to_json(recipe))):
        raise DataError(
            f"run {members[0].uid[:8]} is of sample {known[0]} by recipe"
            f" {(start.get('recipe') or {}).get('name')}, not of {sample.id} by {recipe.name}; {consequence}"
        )
    return members
