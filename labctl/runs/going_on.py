"""What a run that goes on with another takes over from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator

from devices.errors import DataError
from labctl.journal.documents import read_documents
from labctl.runs.briefs import find_run

TAKEN_OVER = ("experiment", "inputs")
"""What the followers of a run belong to, and what their sample was made by; plans that go on know neither."""


def going_on(data: Path) -> Callable[[MsgGenerator[Any]], MsgGenerator[Any]]:
    """Return a preprocessor that tells runs which continue another what that one's start document says of the whole.

    What the plan says itself stays. A dead run that is not there, or cannot be read, leaves its follower as it is.
    """

    def told(message: Msg) -> Msg:
        if message.command != "open_run" or not (run := message.kwargs.get("continues")):
            return message
        before = _start(data, str(run))
        taken = {key: before[key] for key in TAKEN_OVER if before.get(key) and not message.kwargs.get(key)}
        return message._replace(kwargs={**message.kwargs, **taken})

    def preprocessed(plan: MsgGenerator[Any]) -> MsgGenerator[Any]:
        return (yield from bpp.msg_mutator(plan, told))

    return preprocessed


def _start(data: Path, uid: str) -> dict[str, Any]:
    try:
        name, document = next(read_documents(find_run(data, uid)), ("", {}))
        return document if name == "start" else {}
    except DataError:
        return {}
