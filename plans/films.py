"""What the plans of deposition are made of: checks of what they are called with, start documents, services."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.run_engine import WaitForTimeoutError
from bluesky.utils import FailedStatus, Msg, MsgGenerator, RequestStop, RunEngineControlException
from ophyd.status import StatusBase

from devices.base import RowStream
from devices.errors import LabError
from devices.recipes import to_json
from devices.roles import Depositing
from devices.samples import SampleRef
from plans.arguments import NAMES
from plans.flying import Completion, collect_all, declare, named_body, sample_metadata

FLUSH = 60.0
"""Seconds between pages: rows come once a second, and each is in the station's own spool as soon as it is written."""
LEASE_EVERY = 5.0
"""Seconds between two renewals of the station's lease, a third of it."""


def expect(plan: str, sample: Any, recipe: Any, kind: type, station: Any, deed: str) -> None:
    """Raise LabError that says what was expected where a plan for a film was called with something else.

    deed: a method that tells the station's role from others.
    """
    for name, found, well, expected in (
        (
            "station",
            station,
            hasattr(station, "check") and hasattr(station, deed),
            f"it can do no {deed!r}; lab.sputter or its like is",
        ),
        (
            "sample",
            sample,
            isinstance(sample, SampleRef),
            f"a devices.samples.SampleRef is expected; {NAMES}",
        ),
        ("recipe", recipe, isinstance(recipe, kind), f"a {kind.__module__}.{kind.__name__} is; {NAMES}"),
    ):
        if not well:
            raise LabError(f"{plan}: {name} = {found!r}: {expected}; nothing was done")


def film_metadata(
    plan: str, purpose: str, station: Depositing, sample: SampleRef, recipe: Any, **arguments: Any
) -> dict[str, Any]:
    """Return what the start document of a film's run says, whichever station makes it; arguments: the plan's others."""
    return {
        "plan_name": plan,
        "plan_args": {
            "station": station.name,
            "sample": to_json(sample),
            "recipe": to_json(recipe),
            **arguments,
        },
        "purpose": purpose,
        "sample": sample_metadata(sample),
        "inputs": [],
        "recipe": named_body(recipe.name, recipe),
    }


def attended(
    chamber: Depositing,
    begin: Callable[[], StatusBase],
    md: Mapping[str, Any],
    streams: Sequence[RowStream] = (),
    then: Callable[[], None] = lambda: None,
) -> MsgGenerator[str]:
    """Have a chamber do something of its own as one run, its readings beside it, and return the run's uid.

    streams: what is collected besides the chamber's service rows and events; then: what is done once it is over, which
    may still write into them. Whatever ends it early makes the chamber safe. Raises what the chamber failed with.
    """
    collected = [chamber.streams["service"], chamber.streams["events"], *streams]

    def body() -> MsgGenerator[None]:
        yield from declare(list(collected))
        status = begin()
        over = Completion(status)
        while not status.done:
            with contextlib.suppress(WaitForTimeoutError):
                yield Msg("wait_for", None, [over], timeout=FLUSH)
            yield from collect_all(collected)
        then()
        yield from collect_all(collected)

    def run() -> MsgGenerator[str]:
        uid = yield from bps.open_run(dict(md))
        try:
            yield from body()
        except FailedStatus as failed:
            cause = failed.__cause__ or failed
            yield from collect_all(collected)
            yield from bps.close_run(exit_status="fail", reason=f"{type(cause).__name__}: {cause}")
            raise cause from failed
        except RunEngineControlException as control:
            yield from bps.stop(chamber)
            yield from collect_all(collected)
            ended = "success" if isinstance(control, RequestStop) else "abort"
            yield from bps.close_run(exit_status=ended)
            raise
        except Exception as error:
            yield from collect_all(collected)
            yield from bps.close_run(exit_status="fail", reason=f"{type(error).__name__}: {error}")
            raise
        yield from bps.close_run()
        return str(uid)

    uid: str = yield from bpp.rewindable_wrapper(run(), False)
    return uid


def service_metadata(plan: str, chamber: Depositing, **arguments: Any) -> dict[str, Any]:
    """Return what the start document of a run says in which no film is made."""
    return {"plan_name": plan, "plan_args": {"chamber": chamber.name, **arguments}, "purpose": "service"}

