"""A whole cell from a bare foil: films on films, with or without an anneal in between, and the cycling of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.protocols import Readable
from bluesky.utils import MsgGenerator

from devices.cycling.programs import Program
from devices.errors import LabError
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.roles.films import Depositing, Evaporator, SputterSystem
from devices.roles.furnace import Furnace
from devices.roles.lamp import FlashLamp
from devices.roles.potentiostat import Potentiostat
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from plans.anneal import anneal
from plans.arguments import expect_anneal
from plans.bake import bake
from plans.chamber import vent
from plans.cycle import cycle
from plans.deposit import deposit
from plans.evaporate import evaporate
from plans.films import expect
from plans.flying import LOOK_AROUND


def full_stack(
    sputter: SputterSystem,
    evaporator: Evaporator,
    sample: SampleRef,
    cathode: DepositionRecipe,
    electrolyte: DepositionRecipe,
    anode: EvaporationRecipe,
    furnace: Furnace | None = None,
    heat: FurnaceRecipe | None = None,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Grow a cell on a bare foil: cathode, electrolyte, anode; with heat, the cathode is baked first. Return the uids.

    All runs carry one `experiment` uid, and each names those before it among its `inputs`. The sample is carried from
    tool to tool by whoever carries samples in this lab; a chamber without a load lock is vented for it. All recipes are
    checked before the first film: none can be taken off again.
    """
    if heat is not None and furnace is None:
        raise LabError("full_stack: heat is given, and no furnace; nothing was done")
    expect("full_stack", sample, anode, EvaporationRecipe, evaporator, "vent")
    for recipe in (cathode, electrolyte):
        expect("full_stack", sample, recipe, DepositionRecipe, sputter, "target_life")
        sputter.check(recipe)
    evaporator.check(anode)
    if furnace is not None and heat is not None:
        furnace.check(heat)
    lineage = _Lineage(md)
    yield from _film(lineage, sputter, deposit, sample, cathode)
    if furnace is not None and heat is not None:
        lineage.add((yield from bake(furnace, sample, heat, md=lineage.said())))
        yield from bps.unstage(furnace)
    yield from _film(lineage, sputter, deposit, sample, electrolyte)
    yield from _film(lineage, evaporator, evaporate, sample, anode)
    return tuple(lineage.uids)


def line(
    sputter: SputterSystem,
    evaporator: Evaporator,
    potentiostat: Potentiostat,
    sample: SampleRef,
    cathode: DepositionRecipe,
    recipe: AnnealRecipe | FurnaceRecipe,
    electrolyte: DepositionRecipe,
    anode: EvaporationRecipe,
    program: Program,
    lamp: FlashLamp | None = None,
    furnace: Furnace | None = None,
    *,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Make a cell from a bare foil and cycle it: deposit, anneal, LiPON, evaporated lithium, cycles; return the uids.

    recipe: of flashes for the lamp, or a furnace's for the furnace. One sample and its lineage: all runs carry one
    `experiment` uid, and each names those before it among its `inputs`. The sample is carried from tool to tool by
    whoever carries samples in this lab, which is recorded; a chamber without a load lock is vented for it. Where a film
    became doubtful, the next tool asks for a person's word before it takes the sample. Recipes and program are checked
    before the first film.
    """
    heat, heater = _expect_heat(sample, recipe, lamp, furnace)
    expect("line", sample, anode, EvaporationRecipe, evaporator, "vent")
    for film in (cathode, electrolyte):
        expect("line", sample, film, DepositionRecipe, sputter, "target_life")
        sputter.check(film)
    evaporator.check(anode)
    potentiostat.check(program)
    lineage = _Lineage(md)
    yield from _film(lineage, sputter, deposit, sample, cathode)
    lineage.add((yield from heat(md=lineage.said())))
    yield from bps.unstage(heater)  # the next film may come while this sample goes on
    yield from _film(lineage, sputter, deposit, sample, electrolyte)
    yield from _film(lineage, evaporator, evaporate, sample, anode)
    lineage.add(
        (
            yield from cycle(
                potentiostat,
                sample,
                program,
                surroundings=surroundings,
                look_around=look_around,
                md=lineage.said(),
            )
        )
    )
    return tuple(lineage.uids)


def _expect_heat(
    sample: Any, recipe: Any, lamp: Any, furnace: Any
) -> tuple[Callable[..., MsgGenerator[str]], FlashLamp | Furnace]:
    """Return the plan that anneals by the line's recipe, of which only metadata is left to say, and its station.

    Raises LabError where there is nothing that does it, LimitError where that may not.
    """
    if isinstance(recipe, FurnaceRecipe):
        expect("line", sample, recipe, FurnaceRecipe, furnace, "prepare")
        furnace.check(recipe)
        return partial(bake, furnace, sample, recipe), furnace
    expect_anneal("line", lamp, sample, recipe)
    lamp.check(recipe)
    return partial(anneal, lamp, sample, recipe), lamp


class _Lineage:
    """The runs that made a sample so far, and what the next one says of them."""

    def __init__(self, md: Mapping[str, Any] | None) -> None:
        self._common: dict[str, Any] = {"experiment": str(uuid.uuid4()), **(md or {})}
        self._made: list[str] = list(self._common.get("inputs", ()))
        self.uids: list[str] = []

    def said(self) -> dict[str, Any]:
        """Return the metadata of the next run."""
        return {**self._common, "inputs": list(self._made)}

    def add(self, uid: str) -> None:
        """Take note of a run that changed the sample."""
        self._made.append(uid)
        self.uids.append(uid)


def _film(
    lineage: _Lineage,
    chamber: Any,
    plan: Any,
    sample: SampleRef,
    recipe: DepositionRecipe | EvaporationRecipe,
) -> MsgGenerator[None]:
    """Put a film on, the chamber vented before and after where samples cannot come in otherwise; then let it go."""
    yield from _open(chamber, lineage)
    lineage.add((yield from plan(chamber, sample, recipe, md=lineage.said())))
    yield from _open(chamber, lineage)
    yield from bps.unstage(chamber)


def _open(chamber: Depositing, lineage: _Lineage) -> MsgGenerator[None]:
    if not (chamber.load_lock or chamber.is_vented()):
        yield from vent(chamber, md=lineage.said())
