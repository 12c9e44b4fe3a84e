"""Calibrate the fluence of a lamp against its bank voltage."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bluesky.utils import MsgGenerator

from devices.recipes import AnnealRecipe
from devices.roles.lamp import AnnealJob, FlashLamp, LampCalibration
from devices.samples import SampleRef
from plans.anneal import anneal
from plans.arguments import expect_anneal


def calibrate_fluence(
    lamp: FlashLamp,
    calibration: LampCalibration,
    sample: SampleRef,
    recipe: AnnealRecipe,
    voltages: Sequence[float],
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Flash at several bank voltages [V], measure the energies, fit the lamp's model; return the runs' uids.

    The sample is what lies under the lamp meanwhile: a bare foil, best. The recipe says pulse length, rate and how
    often each voltage is measured. The fit is kept with the uids of the runs it came from; sessions opened after it go
    by it where the bench file says calibration = "latest", or names it. All voltages are checked and predicted before
    the first pulse.
    Raises LimitError, InterlockError as anneal does.
    """
    expect_anneal("calibrate_fluence", lamp, sample, recipe)
    steps = [
        replace(recipe, name=f"{recipe.name}-{voltage:.0f}V", voltage=float(voltage)) for voltage in voltages
    ]
    for step in steps:
        lamp.check(step)
        lamp.predict(AnnealJob(sample, step))
    common = {
        "experiment": str(uuid.uuid4()),
        "purpose": "calibrate",
        "planned_by": "calibrate_fluence",
        **(md or {}),
    }
    uids = []
    for step in steps:
        uids.append((yield from anneal(lamp, sample, step, md=common)))
    calibration.fit(lamp.name, tuple(uids))
    return tuple(uids)
