"""What the queue has begun: work that cannot be taken back is not begun twice because its worker died.

queueserver puts a plan whose worker died, or that failed, back to the front of its queue, under a new uid and without
a word to the plan. So the work itself is remembered: data/queue/<hash of plan and arguments>.json names its last
attempt, which is the `experiment` uid of the runs that it made. What was done the journals tell.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.errors import Corrupt, InterlockError
from devices.recipes import canonical_hash
from labctl.runs.briefs import Brief, briefs
from labctl.whole_file import write_whole

SUCCESS = "success"


@dataclass(frozen=True)
class Work:
    """What an item of the queue asks for: a plan by name, its arguments as JSON has them."""

    plan: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items() if value != "")
        return f"{self.plan}({given})"

    @property
    def body(self) -> dict[str, Any]:
        """What the start documents of its runs say of it."""
        return {"plan": self.plan, "arguments": dict(self.arguments)}


class BegunWork:
    """Remembers in a data folder which work was begun."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def begin(self, work: Work) -> str:
        """Write down that work begins and return the uid of the attempt.

        Raises InterlockError when an earlier attempt made runs and did not come to its end; it says how to go on.
        """
        last = self._last(work)
        if last is not None and not last["over"]:
            runs = [brief for brief in briefs(self._data) if brief.experiment == last["attempt"]]
            if runs:
                raise InterlockError("repeat", f"{work} {way_on(runs)}")
        attempt = str(uuid.uuid4())
        self._write(work, attempt, over=False)
        return attempt

    def finish(self, work: Work, attempt: str) -> None:
        """Write down that an attempt came to its end: the same may be asked for again."""
        self._write(work, attempt, over=True)

    def _write(self, work: Work, attempt: str, *, over: bool) -> None:
        path = self._path(work)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({**work.body, "attempt": attempt, "over": over}).encode())

    def _last(self, work: Work) -> dict[str, Any] | None:
        path = self._path(work)
        try:
            told = json.loads(path.read_text())
            return {"attempt": str(told["attempt"]), "over": bool(told["over"])}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(
                f"{path} does not say whether {work} was begun; look into `labctl runs`, then remove it"
            ) from error

    def _path(self, work: Work) -> Path:
        return self._data / "queue" / f"{canonical_hash(work.body)[:32]}.json"


def way_on(runs: list[Brief]) -> str:
    """Return what became of an attempt that made these runs, and how to go on with it."""
    last = runs[-1]
    short = last.uid[:8]
    whole = last.status == SUCCESS
    if last.plan == "cycle" or last.plan == "take_over":
        how = f"take the program over: plan take_over with run {last.uid}"
    else:
        how = (
            f"fire what is left: plan finish_train with run {last.uid}, after `labctl reset` with the environment"
            " closed where the lamp latched a fault"
        )
    done = (
        f"run {short} of it is whole. What comes after that run is an item of its own; if nothing does, it is done"
        if whole
        else f"run {short} of it broke off ({last.status}). To {how}"
    )
    return (
        f"was begun before and is not repeated: {done}. Take this item off the queue. To have all of it done once"
        " more on purpose, submit it with `again` saying why"
    )
