"""The stream `baseline`: the configuration of what a run works with, before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator

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
        if read:
            yield from bps.trigger_and_read(read, name=STREAM)
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
