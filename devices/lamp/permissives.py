"""What must be so for a pulse to be fired, as a table: where each permissive comes from and what its lack means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from devices.errors import InterlockError
from devices.roles.lamp_parts import ChargerState

Source = Literal["input", "charger", "witness"]

FRESH = 1.0
"""Seconds old at the most that the base temperature may be when a pulse is fired; guess, two keep-alives."""


@dataclass(frozen=True)
class Permissive:
    """One permissive: its name, who says it, and the sentence for when it is missing."""

    name: str
    source: Source
    lack: str


PERMISSIVES: tuple[Permissive, ...] = (
    Permissive("door", "input", "the door is open"),
    Permissive("shutter", "input", "the shutter is not where it must be"),
    Permissive("water", "input", "cooling water does not flow"),
    Permissive("chuck", "input", "there is no chuck in place"),
    Permissive("cell", "input", "a cell is wired in the station"),
    Permissive("dead_man", "input", "the dead-man has tripped and nobody has reset it"),
    Permissive("charger", "charger", "the charger has latched a fault, high voltage off"),
    Permissive("temperature", "witness", f"the base temperature was last read more than {FRESH:g} s ago"),
)
"""In the order in which they are shown; guess of what a lamp of this kind has. Inputs are contacts that a board of
digital inputs reads: closed permits, so that a cable pulled out does not."""

Verdict = Literal["ok", "missing", "not watched"]


def judged(
    inputs: Mapping[str, bool] | None,
    charger: ChargerState | None,
    age: float | None,
    within: float = FRESH,
) -> dict[str, Verdict]:
    """Return the verdict on every permissive.

    inputs: by name, None without a board; charger: its last state; age [s] of the last base temperature, None
    where nothing measures it, and within how many seconds it is fresh. What nobody measures is "not watched", never
    "ok".
    """

    def of(permissive: Permissive) -> Verdict:
        if permissive.source == "input":
            said = None if inputs is None else inputs.get(permissive.name)
        elif permissive.source == "charger":
            said = None if charger is None else not charger.fault
        else:
            said = None if age is None else age <= within
        return "not watched" if said is None else "ok" if said else "missing"

    return {each.name: of(each) for each in PERMISSIVES}


def lacking(verdicts: Mapping[str, Verdict]) -> Iterator[Permissive]:
    """Yield the permissives that are missing."""
    return (each for each in PERMISSIVES if verdicts[each.name] == "missing")


def require_never_opened(opened: Collection[str], consequence: str) -> None:
    """Raise InterlockError that names every contact that was open meanwhile, though it may be closed again."""
    tripped = [each for each in PERMISSIVES if each.name in opened]
    if tripped:
        said = "; ".join(f"{each.lack}, or was since the lamp was armed" for each in tripped)
        raise InterlockError(", ".join(each.name for each in tripped), f"{said}; {consequence}")


def require(verdicts: Mapping[str, Verdict], consequence: str) -> None:
    """Raise InterlockError that names every missing permissive and what comes of it."""
    missing = list(lacking(verdicts))
    if missing:
        said = "; ".join(each.lack for each in missing)
        raise InterlockError(", ".join(each.name for each in missing), f"{said}; {consequence}")
