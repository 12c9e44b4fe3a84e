"""What furnace and lab allow of an anneal, before anything is sent."""

from __future__ import annotations

from devices.errors import LimitError
from devices.limits import FurnaceLimits
from devices.recipes import ROOM, FurnaceRecipe
from devices.sputter.parameters import FurnaceParameters


def check_heating(name: str, recipe: FurnaceRecipe, limits: FurnaceLimits, built: FurnaceParameters) -> None:
    """Raise LimitError when the furnace or the lab do not allow the recipe."""
    before = ROOM
    for number, segment in enumerate(recipe.segments):
        where = f"{name}.segments.{number}"
        if not segment.temperature <= limits.temperature:
            why = f"{where}.temperature (limits.toml, furnace)"
            raise LimitError(why, segment.temperature, "K", 0.0, limits.temperature)
        fastest = built.heating if segment.temperature >= before else built.cooling
        if not segment.ramp <= fastest:
            raise LimitError(
                f"{where}.ramp (bench file: it goes no faster)", segment.ramp, "K/s", 0.0, fastest
            )
        before = segment.temperature
