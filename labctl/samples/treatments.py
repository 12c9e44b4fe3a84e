"""What a sample's parts went through beside its anneals: facts that a person enters, or a plan's hands."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from devices.errors import DataError
from devices.recipes import to_json
from devices.samples import SampleRef
from labctl.fact_file import Fact
from labctl.samples.entering import enter
from labctl.samples.facts import Facts
from labctl.samples.parents import Families
from sim.materials.treatments import OVERLAYER, TREATMENTS

FACT = "treated"


def treat(data: Path, sample: str, treatment: str, how: str = "", *, who: str = "") -> None:
    """Enter that a sample went through a treatment; who: says so, the login when empty.

    Raises DataError for one that is not known or comes too late.
    """
    if refused := refused_treatment(list(Facts(data).of(sample)), sample, treatment):
        raise DataError(refused)
    enter(data, sample, FACT, who=who, treatment=treatment, **({"how": how} if how else {}))


def refused_treatment(facts: list[Fact], sample: str, treatment: str) -> str:
    """Return why a treatment cannot be entered, empty where it can."""
    if treatment not in TREATMENTS:
        known = "; ".join(f"{name}: {words}" for name, words in TREATMENTS.items())
        return f"{treatment!r} is no treatment that is known. {known}"
    if any(fact["fact"] == "assembled" for fact in facts) and treatment != OVERLAYER:
        return f"{sample} is a cell: {TREATMENTS[treatment]} before that, or not at all"
    return ""


def treatments_of(data: Path, sample: SampleRef, families: Families | None = None) -> list[str]:
    """Return what a sample went through, oldest first: what it was cut from first. Raises DataError."""
    facts = Facts(data)
    ancestors = (families or Families(data)).ancestors(sample.id, sample.parents)
    until = {each.id: math.inf if each.cut is None else each.cut for each in reversed(ancestors)}
    return [
        str(fact["treatment"])
        for name, cut in {**until, sample.id: math.inf}.items()
        for fact in facts.of(name)
        if fact["fact"] == FACT and fact.get("treatment") in TREATMENTS and fact["time"] < cut
    ]


def described_with(data: Path, sample: SampleRef) -> dict[str, Any]:
    """Return a sample as plain values, as bench and belief take it, with what it went through."""
    body: dict[str, Any] = to_json(sample)
    if found := treatments_of(data, sample):
        body["treatments"] = found
    return body
