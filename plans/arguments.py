"""What a plan is called with, looked at before anything else is done with it."""

from __future__ import annotations

from typing import Any

from devices.errors import LabError
from devices.recipes import AnnealRecipe
from devices.samples import SampleRef

NAMES = "names are for files: `labctl run` and experiments resolve them"


def expect_anneal(plan: str, lamp: Any, sample: Any, recipe: Any) -> None:
    """Raise LabError that says what was expected where a plan for a lamp was called with something else."""
    for name, found, well, expected in (
        ("lamp", lamp, hasattr(lamp, "arm"), "a flash lamp is expected, as lab.lamp is"),
        (
            "sample",
            sample,
            isinstance(sample, SampleRef),
            f"a devices.samples.SampleRef is expected; {NAMES}",
        ),
        (
            "recipe",
            recipe,
            isinstance(recipe, AnnealRecipe),
            f"a devices.recipes.AnnealRecipe is expected; {NAMES}",
        ),
    ):
        if not well:
            signature = f"lab.plans.{plan}(lab.lamp, sample, recipe, ...)"
            raise LabError(f"{name} = {found!r}: {expected}. {signature}; nothing was done")
