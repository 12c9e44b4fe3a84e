"""Which way a Neware current flows: by its sign, or by the type of its step where the sign is always plus."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from labctl.imports.charge import increments
from labctl.imports.readings import Floats, refusal

DISCHARGES = ("dchg", "discharg", "dch", "放电")
CHARGES = ("chg", "charg", "充电")

SURE = 0.99
"""Share of the current by which types and signs must agree, or disagree; guess: relays switch in a row or two."""


def kind_of_step(text: str) -> float:
    """Return 1 for a step that charges by its type, -1 for one that discharges, 0 for others."""
    small = text.strip().lower()
    if small == "d" or any(each in small for each in DISCHARGES):
        return -1.0
    return 1.0 if small == "c" or any(each in small for each in CHARGES) else 0.0


def with_signs(
    path: Path, current: Floats, kind: Floats, table: Mapping[str, Floats]
) -> tuple[Floats, list[str]]:
    """Return the current (n,) with charge positive, and remarks where its sign was changed.

    kind (n,): as of `kind_of_step`. Raises DataError when signs and types of steps contradict each other.
    """
    flows = np.nan_to_num(current)
    if not kind.any() and {"charged", "discharged"} <= table.keys():
        kind = np.sign(
            increments(np.nan_to_num(table["charged"])) - increments(np.nan_to_num(table["discharged"]))
        )
    charging, discharging = (_agreement(flows, kind, way) for way in (1.0, -1.0))
    if discharging is None and charging is None:
        unsigned = flows.any() and (flows >= 0).all()
        return current, [
            "no current is negative, and nothing in the file says what is a discharge"
        ] if unsigned else []
    if charging in (None, True) and discharging in (None, True):
        return current, []
    if charging in (None, True):
        flipped = np.where(kind < 0, -np.abs(current), current)
        return flipped, ["currents were positive on discharge; charge is positive here"]
    if discharging in (None, False):
        return -current, ["currents were negative on charge; charge is positive here"]
    raise refusal(
        path, 0, "says charge and discharge by the type of a step and otherwise by the sign of its current"
    )


def _agreement(current: Floats, kind: Floats, way: float) -> bool | None:
    """Return whether the currents of one kind of step have its sign, None when nothing flows in any.

    Neither of both is told as False for charge and True for discharge, which `with_signs` refuses.
    """
    flows = current[kind == way]
    whole = float(np.abs(flows).sum())
    if whole == 0.0:
        return None
    share = float(np.abs(flows[np.sign(flows) == way]).sum()) / whole
    if share >= SURE:
        return True
    return False if share <= 1 - SURE else way < 0
