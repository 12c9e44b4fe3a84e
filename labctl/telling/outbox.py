"""The outbox: messages to people, one file each until every service has taken it, and when each one did.

`outbox/<id>.json` waits; `outbox/told.jsonl` says what was delivered, refused or given up. A message is sent again
after a crash between sending and noting it: at least once, and almost always once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from devices.errors import Corrupt
from labctl.config.telling import Severity
from labctl.fact_file import Fact, add_fact, read_facts
from labctl.journal.records import make_folder
from labctl.whole_file import write_whole

TOLD = "told.jsonl"
LONGEST_TEXT = 4000
"""Signs of a message; services take a few thousand at the least."""


@dataclass(frozen=True)
class Message:
    """What is said to people. put: when it came into the outbox, by the wall [s since the epoch]."""

    id: str
    put: float
    severity: Severity
    title: str
    text: str


@dataclass(frozen=True)
class Delivery:
    """How a message fared: services that took it and when, that refused it and why; given_up: nobody tries again."""

    delivered: dict[str, float]
    refused: dict[str, str]
    given_up: bool = False


class Outbox:
    """The messages of one data folder."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "outbox"
        self.notes_path = self.folder / TOLD

    def put(self, *messages: Message) -> None:
        """Leave messages to be sent, except those that (by their ids) wait or were told. Raises OSError, Corrupt."""
        told = self.deliveries() if messages else {}
        for message in messages:
            path = self._path(message)
            if not path.exists() and message.id not in told:
                make_folder(self.folder)
                text = message.text
                cut = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
                write_whole(path, json.dumps(asdict(message) | {"text": cut}).encode())

    def waiting(self) -> list[Message]:
        """Return what waits to be sent, oldest first. Raises Corrupt on a file that is no message."""
        found = []
        for path in self.folder.glob("*.json"):
            try:
                found.append(Message(**json.loads(path.read_text())))
            except FileNotFoundError:
                continue
            except (ValueError, TypeError) as error:
                raise Corrupt(f"{path} is no message; remove it") from error
        return sorted(found, key=lambda message: (message.put, message.id))

    def deliveries(self) -> dict[str, Delivery]:
        """Return how every message fared, by its id. Raises Corrupt."""
        found: dict[str, Delivery] = {}
        for fact in self.notes():
            if fact["fact"] == "tested":
                continue
            known = found.setdefault(str(fact.get("message", "")), Delivery({}, {}))
            target = str(fact.get("target", ""))
            if fact["fact"] == "delivered":
                known.delivered[target] = fact["time"]
                known.refused.pop(target, None)
            elif fact["fact"] == "refused":
                known.refused[target] = str(fact.get("reason", ""))
            elif fact["fact"] == "given_up":
                found[str(fact.get("message", ""))] = Delivery(known.delivered, known.refused, given_up=True)
        return found

    def notes(self) -> Iterator[Fact]:
        """Yield what was noted of sending, in its order. Raises Corrupt."""
        return read_facts(self.notes_path)

    def note(self, time: float, fact: str, **details: str) -> None:
        """Note what became of sending. Raises DataError."""
        add_fact(self.notes_path, time, fact, **details)

    def done(self, message: Message) -> None:
        """Take a message out: everybody has it, or nobody tries any more."""
        self._path(message).unlink(missing_ok=True)

    def _path(self, message: Message) -> Path:
        return self.folder / f"{message.id}.json"
