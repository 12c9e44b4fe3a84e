"""Go on with a train of flashes that did not come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedStatus, MsgGenerator, short_uid

from devices.base import RowStream
from devices.errors import InterlockError
from devices.lamp.records import recovered_row
from devices.lamp.unfinished import Unfinished
from devices.recipes import AnnealRecipe, to_json
from devices.roles.hands import Confirm, Hands
from devices.roles.lamp import FlashLamp, TrainRecords, TrainSoFar
from devices.samples import SampleRef
from plans.anneal import anneal
from plans.arguments import expect_anneal
from plans.flying import OUTCOME_COLUMNS, collect_all, declare, finished, named_body, sample_metadata


def finish_train(
    lamp: FlashLamp,
    trains: TrainRecords,
    hands: Hands,
    sample: SampleRef,
    recipe: AnnealRecipe,
    run: str,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Fire what is left of a train whose run did not come to its end, and nothing twice; return the new runs' uids.

    sample and recipe are those of the train, run the uid of its run or of one that went on with it. How many flashes
    fell the board's counter says, which goes on without a host: what it counted and no journal has is written down
    first, as pulses recovered, so that the sample's past is whole; then a person is asked, where limits.toml says
    so, and the rest is annealed. A second try after another death goes on from where the first came to.
    Raises InterlockError when nobody can know how many flashes there were, or nobody agrees; DataError for a run of
    another sample or recipe. Nothing is fired then.
    """
    expect_anneal("finish_train", lamp, sample, recipe)
    sofar = trains.so_far(run, sample, recipe)
    missing = unrecorded(lamp, sample, sofar)
    uids = []
    common = {"planned_by": "finish_train", **(md or {})}
    last, done = sofar.last, sofar.done
    if missing:
        last = yield from _recovered(lamp, sample, recipe, sofar, missing, common)
        done += missing
        uids.append(last)
    if is_of(lamp.account(), sample, sofar):
        lamp.accounted()
    rest = replace(recipe, pulse_count=recipe.pulse_count - done) if done < recipe.pulse_count else None
    if rest is not None:
        lamp.check(rest)
        if lamp.asks_to_finish:
            question = (
                f"{done} of {recipe.pulse_count} pulses of {recipe.name} were fired before the train broke off;"
                f" fire the other {rest.pulse_count}"
            )
            yield from agreed(hands, Confirm(sample, lamp.name, question))
        offsets = {"pulse": done, "elapsed": max(0.0, lamp.clock.time() - sofar.began)}
        follows = {"continues": last, "offsets": offsets, **common}
        uids.append((yield from anneal(lamp, sample, rest, md=follows)))
    return tuple(uids)


def agreed(hands: Hands, task: Confirm) -> MsgGenerator[None]:
    """Have a person agree; raises InterlockError where nobody does, and nothing after it is done."""
    try:
        status = yield from bps.abs_set(hands, task, group=short_uid(label="agree"))
        yield from finished(status)
    except FailedStatus as failed:
        raise (failed.__cause__ or failed) from failed
    # A status that failed at once is done before anybody waits for it.
    refused = status.exception(timeout=0)
    if refused is not None:
        raise refused


def unrecorded(lamp: FlashLamp, sample: SampleRef, sofar: TrainSoFar) -> int:
    """Return how many pulses of a train the lamp's board counted and no journal has.

    Raises InterlockError when the lamp remembers another train, or nothing counted.
    """
    left = lamp.account()
    if sofar.done >= sofar.asked:
        return 0
    if not sofar.fired_done and (lamp.last_began is None or lamp.last_began < sofar.fired_time):
        # Its run was cut off before its train: what the lamp began last is older.
        return 0
    if left is None or not is_of(left, sample, sofar):
        raise InterlockError(
            "count",
            f"{lamp.name} remembers another train than that of run {sofar.last[:8]}, so nobody knows how many flashes"
            " fell; nothing was fired. Look at the film, then anneal it as what it is",
        )
    return max(0, left.done - sofar.fired_done)


def is_of(left: Unfinished | None, sample: SampleRef, sofar: TrainSoFar) -> bool:
    """Return whether the train that a lamp remembers is the one that the journals tell of."""
    return (
        left is not None
        and (left.sample, left.recipe) == (sample.id, sofar.fired_recipe)
        and left.began >= sofar.fired_time
    )


def _recovered(
    lamp: FlashLamp,
    sample: SampleRef,
    recipe: AnnealRecipe,
    sofar: TrainSoFar,
    missing: int,
    md: Mapping[str, Any],
) -> MsgGenerator[str]:
    """Write down pulses that only the counter saw, as a run that goes on with the one they fell in."""
    primary = lamp.streams["primary"]
    rows = RowStream(f"{lamp.name}_recovered", "primary", primary.columns, primary.sources)
    outcome = RowStream(f"{lamp.name}_outcome", "outcome", OUTCOME_COLUMNS, {"": lamp.name})
    # One period after the last that was seen; where none was, the run's own beginning is the best guess.
    first = sofar.began if sofar.latest is None else sofar.latest + recipe.period
    for index in range(missing):
        row = recovered_row(index + 1, recipe, index * recipe.period)
        rows.append(first + index * recipe.period, {key: row[key] for key in rows.columns})
    told = {"end_reason": "recovered by the board's counter", "asked": missing, "done": missing}
    outcome.append(lamp.clock.time(), {**told, "interrupted": 1, "recovered": 1, "rows_gap": 0})

    def written() -> MsgGenerator[str]:
        metadata = {
            "plan_name": "anneal",
            "plan_args": {"lamp": lamp.name, "sample": to_json(sample), "recipe": to_json(recipe)},
            "purpose": "anneal",
            "sample": sample_metadata(sample),
            "inputs": [],
            "recipe": named_body(recipe.name, recipe),
            **md,
            "continues": sofar.last,
            "recovers": sofar.last,
            "offsets": {"pulse": sofar.done, "elapsed": first - sofar.began},
        }
        uid = yield from bps.open_run(metadata)
        streams = [rows, outcome]
        yield from declare(list(streams))
        yield from collect_all(streams)
        yield from bps.close_run()
        return str(uid)

    uid: str = yield from bpp.rewindable_wrapper(written(), False)
    return uid
