"""Alarms: what somebody has to know, until somebody says that they do.

`state/alarms.jsonl` holds what happened to each: raised, cleared (what it was about is over), returned, acknowledged.
An alarm is open until it is acknowledged, over or not. What comes again after that is a new alarm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devices.errors import DataError
from labctl.config.telling import SEVERITIES, Severity
from labctl.fact_file import add_fact, read_facts

FILE = "alarms.jsonl"


@dataclass(frozen=True)
class Condition:
    """What is worth an alarm. key: what makes it the same one as before; since: its label [s since the epoch].

    lasting: it is there now and may go away (a disk without room), else it happened once (a run that failed).
    """

    key: str
    severity: Severity
    source: str
    text: str
    since: float
    lasting: bool = False


@dataclass(frozen=True)
class Alarm:
    """An alarm. raised, cleared, acknowledged: by the wall [s since the epoch]; by: who acknowledged."""

    id: str
    condition: Condition
    raised: float
    cleared: float | None = None
    acknowledged: float | None = None
    by: str = ""

    @property
    def open(self) -> bool:
        """Whether nobody acknowledged it yet."""
        return self.acknowledged is None

    @property
    def standing(self) -> bool:
        """Whether what it is about is still so, as far as anybody looked."""
        return self.condition.lasting and self.cleared is None


class Alarms:
    """The alarms of one data folder."""

    def __init__(self, data: Path) -> None:
        self.path = data / "state" / FILE

    def known(self) -> dict[str, Alarm]:
        """Return all alarms ever, by id, in the order they were raised. Raises Corrupt."""
        found: dict[str, Alarm] = {}
        for fact in read_facts(self.path):
            number, time = str(fact.get("id", "")), float(fact["time"])
            if fact["fact"] == "raised" and number not in found:
                severity = fact.get("severity")
                condition = Condition(
                    str(fact.get("key", "")),
                    severity if severity in SEVERITIES else "alarm",
                    str(fact.get("source", "")),
                    str(fact.get("text", "")),
                    float(fact.get("since", time)),
                    bool(fact.get("lasting", False)),
                )
                found[number] = Alarm(number, condition, time)
            elif number in found and fact["fact"] in ("cleared", "returned"):
                found[number] = replace(found[number], cleared=time if fact["fact"] == "cleared" else None)
            elif number in found and fact["fact"] == "acknowledged" and found[number].open:
                found[number] = replace(found[number], acknowledged=time, by=str(fact.get("who", "")))
        return found

    def update(self, conditions: Iterable[Condition], now: float) -> None:
        """Raise what is new among the conditions, clear lasting ones that are not among them any more.

        All lasting ones there are must be given. Raises DataError when the disk does not take it, Corrupt.
        """
        known = self.known()
        present = {condition.key: condition for condition in conditions}
        for condition in present.values():
            before = [each for each in known.values() if each.condition.key == condition.key]
            self._take(condition, before, now)
        for alarm in known.values():
            if alarm.standing and alarm.condition.key not in present:
                add_fact(self.path, now, "cleared", id=alarm.id)

    def _take(self, condition: Condition, before: list[Alarm], now: float) -> None:
        last = before[-1] if before else None
        if last is None or (condition.lasting and not last.open and last.cleared is not None):
            # Two processes that see the same at once give it the same id, and it is one alarm.
            name = f"{len(before)} {condition.key}".encode("utf-8", "backslashreplace")
            number = hashlib.sha256(name).hexdigest()[:8]
            add_fact(self.path, now, "raised", id=number, **vars(condition))
        elif condition.lasting and last.cleared is not None:
            add_fact(self.path, now, "returned", id=last.id)

    def acknowledge(self, beginning: str, who: str, now: float) -> Alarm:
        """Acknowledge the open alarm whose id begins so, and return it. Raises DataError when none or several do."""
        alarms = self.known().values()
        found = [each for each in alarms if beginning and each.id.startswith(beginning)]
        if len(found) != 1:
            which = "no alarm" if not found else f"{len(found)} alarms"
            raise DataError(f"{which} with an id that begins with {beginning!r}; `labctl alarms` lists them")
        (alarm,) = found
        if not alarm.open:
            raise DataError(f"alarm {alarm.id} was acknowledged by {alarm.by} already")
        add_fact(self.path, now, "acknowledged", id=alarm.id, who=who)
        return replace(alarm, acknowledged=now, by=who)


def worst_first(alarms: Mapping[str, Alarm]) -> list[Alarm]:
    """Return alarms by severity, the worst first, then by age, the newest first."""
    return sorted(
        alarms.values(), key=lambda each: (-SEVERITIES.index(each.condition.severity), -each.condition.since)
    )
