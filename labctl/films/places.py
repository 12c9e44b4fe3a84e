"""Which station a recipe is for."""

from __future__ import annotations

from collections.abc import Mapping

from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe

PLACE_OF: Mapping[type, str] = {
    DepositionRecipe: "sputter",
    EvaporationRecipe: "evaporator",
    FurnaceRecipe: "furnace",
    AnnealRecipe: "lamp",
}
"""The station of each kind of recipe: what the plans call it, and what an experiment's device is called for that."""
