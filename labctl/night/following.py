"""What a night's chronicle says, in words, as it comes: for whoever looks at the terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labctl.journal.tail import Tail
from labctl.night.chronicle import files, states_of


class Following:
    """Yields the happenings of a night one line each, from the first that was told after this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tails: dict[Path, Tail] = {}
        for _ in self.news():
            pass

    def news(self) -> Iterator[str]:
        """Yield what has come since. Raises Corrupt, Foreign, Newer."""
        for path in files(self._folder):
            for record in self._tails.setdefault(path, Tail(path)).records():
                if record.kind == "N" and (said := words(record.payload)):
                    yield f"{time.strftime('%H:%M:%S', time.localtime(record.payload['time']))}  {said}"


def words(happening: Mapping[str, Any]) -> str:
    """Return what happened in words; nothing for what no person needs."""
    what, item = happening["what"], happening["item"]
    reason = happening.get("reason", "")
    if what == "listed":
        return ""
    if what == "opened":
        missing = ", ".join(happening["missing"])
        return f"the bench is open{f'; these do not answer: {missing}' if missing else ''}"
    if what == "over":
        return f"the night is over: {counted(happening['counts'])}"
    if what == "ordered":
        order = f"{happening['order']} {happening['whose']}".replace("_", "-").strip()
        refusal = happening["refusal"]
        return f"order by {happening['who'] or 'somebody'}: {order}{f' was refused: {refusal}' if refusal else ''}"
    if what == "started":
        attempt = happening["attempt"]
        return f"{item}: started{f', attempt {attempt}' if attempt > 1 else ''}"
    if what == "run":
        return f"{item}: run {happening['uid'][:8]}"
    return f"{item}: {what}{f' ({reason})' if reason else ''}"


def summary(folder: Path) -> str:
    """Return what was done and what was not, with the reasons, in one line. Raises Corrupt."""
    states = states_of(folder)
    told = counted(Counter(state.state for state in states.values()))
    undone = [f"{name}: {each.state}, {each.reason}" for name, each in states.items() if each.state != "done"]
    return f"{told}{'; ' if undone else ''}{'; '.join(undone)}"


def counted(counts: Mapping[str, int]) -> str:
    """Return how many items are in which state, in words."""
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "nothing"
