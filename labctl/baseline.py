"""The stream `baseline`: the configuration of what a run works with, before and after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator, RunEngineControlException

log = logging.getLogger(__name__)

STREAM = "baseline"


def with_baseline(devices: Callable[[], Sequence[Any]]) -> Callable[[MsgGenerator[Any]], MsgGenerator[Any]]:
    """Return a preprocessor that reads devices when a run opens and before it closes.

    Which they are is asked when a run opens: by then the plan has prepared the stations it works with.
    """
    read: list[Any] = []

    def before() -> MsgGenerator[None]:
        read[:] = devices()
        if read:
            yield from bps.declare_stream(*read, name=STREAM, collect=False)
            yield from bps.trigger_and_read(read, name=STREAM)

    def after(message: Msg) -> MsgGenerator[Any]:
        try:
            if read:
                yield from bps.trigger_and_read(read, name=STREAM)
        except RunEngineControlException:
            raise
        except Exception as error:  # noqa: BLE001 - a run that is complete stays so when a device of somebody's is dead
            log.warning("the closing baseline could not be read: %r", error)
        return (yield message)

    def around(message: Msg) -> tuple[MsgGenerator[Any] | None, MsgGenerator[None] | None]:
        if message.command == "open_run":
            return None, before()
        if message.command == "close_run":
            return after(message), None
        return None, None

    def preprocessed(plan: MsgGenerator[Any]) -> MsgGenerator[Any]:
        return (yield from bpp.plan_mutator(plan, around))

    return preprocessed
