"""Twin of a flash lamp tool that takes whole recipes, in the dialect of any command table.

It reads the same table as the driver, the other way round and with its own code. Guesses, since no tool's firmware
is known: it charges for a while after it was armed; a recipe cannot be changed but in idle; the interlock latches a
fault that only an abort clears; a train goes on whatever the host does; what an error is called (CODES).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CHARGE_TIME = 2.0  # s from arm to armed, guess: a bank of some mF
DUE = 1e-9  # s, round-off of a bench time
SETPOINTS = ("voltage", "duration", "count", "rate")

CODES: Mapping[str, str] = {"unknown": "1", "range": "2", "state": "3", "interlock": "4"}
"""Codes of the errors it makes, as in the example table."""

REFUSED = "ERR"  # where an acknowledgement is due, guess


Action = Callable[[dict[str, str], float], str]
Entry = tuple[re.Pattern[str], Action, str]
"""A form of line, what is done with the numbers in it, and what acknowledges it."""


@dataclass(frozen=True)
class Fired:
    """What one pulse of a train was: bank voltage [V], length [s], micro-pulses (length [s], duty [1])."""

    voltage: float
    duration: float
    micro_pulses: tuple[tuple[float, float], ...]


@dataclass
class Memory:
    """What it forgets without its mains: setpoints in the table's own numbers, micro-pulses, state."""

    numbers: dict[str, str] = field(default_factory=lambda: dict.fromkeys(SETPOINTS, "0"))
    micro: dict[int, tuple[str, str]] = field(default_factory=dict)
    state: str = "idle"
    done: int = 0
    errors: list[str] = field(default_factory=list)


class Wrong(Exception):
    """A command that is not carried out, with the kind of error."""


class RemoteRecipeTwin:
    """The tool. `on_pulse(time, fired)` is called for each pulse. interlock_open: its loop."""

    def __init__(
        self,
        on_pulse: Callable[[float, Fired], None],
        *,
        table: Mapping[str, Any],
        charge_time: float = CHARGE_TIME,
    ) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.interlock_open = False
        self._on_pulse, self._table, self._charge_time = on_pulse, table, charge_time
        self._ends = table["framing"]["sent"].encode()
        self._replies = table["framing"]["replies"].encode()
        self._ever = 0
        self._forms = list(self._dialect())
        self._wake()

    def _wake(self) -> None:
        self._memory = Memory()
        self._buffer = b""
        self._due: float | None = None

    @property
    def state(self) -> str:
        """What it is doing."""
        return self._memory.state

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: no recipe, idle."""
        self.log.append((now, "power up", f"was {self.state}"))
        self._wake()

    def open_interlock(self, now: float) -> None:
        """Open its interlock loop: whatever it does ends, and stays so until an abort with the loop closed."""
        self.interlock_open = True
        self._become("fault", now, "interlock")
        self._due = None
        self._memory.errors.append(CODES["interlock"])

    def advance(self, now: float) -> None:
        """Do nothing: it changes only in steps."""

    def next_event(self) -> float | None:
        """Return when it is charged, or the next pulse comes."""
        return self._due

    def fire_event(self, now: float) -> None:
        """Be charged, or flash."""
        if self._due is None or now < self._due - DUE:
            return
        due, self._due = self._due, None
        if self.state == "charging":
            self._become("armed", due)
        elif self.state == "firing":
            self._flash(due)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every line that is complete."""
        *lines, self._buffer = (self._buffer + data).split(self._ends)
        replies = (self._answer(line.decode("latin-1").strip(), now) for line in lines)
        return b"".join(reply.encode("latin-1") + self._replies for reply in replies if reply)

    # The train.

    def _flash(self, time: float) -> None:
        memory = self._memory
        memory.done += 1
        self._ever += 1
        voltage, duration = self._value("voltage"), self._value("duration")
        parts = self._table.get("micro_pulses") or {}
        micro = tuple(
            (float(length) * parts["duration"]["one"], float(duty) * parts["duty"]["one"])
            for _, (length, duty) in sorted(memory.micro.items())
        )
        self.log.append((time, "pulse", f"{memory.done} of {self._value('count'):g}"))
        self._on_pulse(time, Fired(voltage, duration, micro))
        if memory.done < self._value("count"):
            self._due = time + 1.0 / self._value("rate")
        else:
            self._become("idle", time, "train is over")

    def _become(self, state: str, now: float, why: str = "") -> None:
        if state != self.state:
            self.log.append((now, state, why))
        self._memory.state = state

    def _value(self, name: str) -> float:
        return float(self._memory.numbers[name]) * float(self._table[name].get("one", 1.0))

    # The dialect, backwards.

    def _answer(self, line: str, now: float) -> str:
        if not line:
            return ""
        for form, action, acknowledge in self._forms:
            found = form.fullmatch(line)
            if found is None:
                continue
            try:
                return action(found.groupdict(), now) or acknowledge
            except Wrong as wrong:
                self._memory.errors.append(CODES[str(wrong)])
                self.log.append((now, "refused", f"{line!r}: {wrong}"))
                return REFUSED if acknowledge else ""
        self._memory.errors.append(CODES["unknown"])
        return ""

    def _dialect(self) -> Iterator[Entry]:
        """Yield what it understands: a form, what is done, what acknowledges it."""
        table = self._table
        for name in SETPOINTS:
            entry = table[name]
            yield _form(entry["set"]), self._setter(name), entry.get("acknowledge", "")
            if entry.get("get"):
                reply = entry.get("reply", "{value}")
                yield _form(entry["get"]), self._teller(reply, name), ""
        for name, action in (("arm", self._arm), ("fire", self._fire), ("abort", self._abort)):
            yield _form(table[name]["send"]), action, table[name].get("acknowledge", "")
        yield _form(table["identify"]["send"]), self._identity, ""
        yield _form(table["status"]["send"]), self._status, ""
        yield _form(table["pulses_done"]["send"]), self._done, ""
        yield _form(table["errors"]["send"]), self._next_error, ""
        micro = table.get("micro_pulses")
        if micro:
            yield _form(micro["clear"]["send"]), self._clear_micro, micro["clear"].get("acknowledge", "")
            yield _form(micro["add"]), self._add_micro, micro.get("acknowledge", "")
            yield _form(micro["get"]), self._tell_micro, ""

    def _setter(self, name: str) -> Action:
        def act(given: dict[str, str], now: float) -> str:
            entry = self._table[name]
            number = self._number(given["value"], entry)
            # A thousand-millionth for what decimals cannot say.
            if not entry.get("low", 1.0) * (1 - 1e-9) <= number <= entry["high"] * (1 + 1e-9):
                raise Wrong("range")
            self._in_idle()
            self._memory.numbers[name] = given["value"]
            return ""

        return act

    @staticmethod
    def _number(text: str, entry: Mapping[str, Any]) -> float:
        """Return a number in SI. Raises Wrong."""
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            raise Wrong("unknown")
        return float(text) * float(entry.get("one", 1.0))

    def _teller(self, reply: str, name: str) -> Action:
        return lambda given, now: reply.replace("{value}", self._memory.numbers[name])

    def _in_idle(self) -> None:
        if self.state != "idle":
            raise Wrong("state")

    def _arm(self, given: dict[str, str], now: float) -> str:
        self._in_idle()
        if any(float(number) <= 0 for number in self._memory.numbers.values()):
            raise Wrong("state")
        self._memory.done = 0
        has_word = "charging" in self._table["status"]["words"].values()
        self._become("charging" if has_word else "armed", now)
        self._due = now + self._charge_time if has_word else None
        return ""

    def _fire(self, given: dict[str, str], now: float) -> str:
        if self.state != "armed":
            raise Wrong("state")
        self._become("firing", now)
        self._flash(now)
        return ""

    def _abort(self, given: dict[str, str], now: float) -> str:
        self._due = None
        if self.interlock_open:
            raise Wrong("interlock")
        self._become("idle", now, "aborted")
        return ""

    def _identity(self, given: dict[str, str], now: float) -> str:
        return f"{self._table['identify']['begins']},twin,0"

    def _status(self, given: dict[str, str], now: float) -> str:
        words = self._table["status"]["words"]
        word = next(word for word, meaning in words.items() if meaning == self.state)
        return str(self._table["status"].get("reply", "{value}")).replace("{value}", word)

    def _done(self, given: dict[str, str], now: float) -> str:
        entry = self._table["pulses_done"]
        number = self._ever if entry["since"] == "ever" else self._memory.done
        return str(entry.get("reply", "{value}")).replace("{value}", str(number))

    def _next_error(self, given: dict[str, str], now: float) -> str:
        entry = self._table["errors"]
        code = self._memory.errors.pop(0) if self._memory.errors else entry["none"]
        return str(entry.get("reply", "{code}")).replace("{code}", code)

    def _clear_micro(self, given: dict[str, str], now: float) -> str:
        self._in_idle()
        self._memory.micro.clear()
        return ""

    def _add_micro(self, given: dict[str, str], now: float) -> str:
        self._in_idle()
        entry, number = self._table["micro_pulses"], given["number"]
        first = entry.get("first", 1)
        if not number.isdecimal() or not first <= int(number) < first + entry["most"]:
            raise Wrong("range")
        length, duty = (self._number(given[part], entry[part]) for part in ("duration", "duty"))
        if not (length > 0 and 0 < duty <= 1 + 1e-9):
            raise Wrong("range")
        self._memory.micro[int(number)] = (given["duration"], given["duty"])
        return ""

    def _tell_micro(self, given: dict[str, str], now: float) -> str:
        found = self._memory.micro.get(int(given["number"])) if given["number"].isdecimal() else None
        if found is None:
            raise Wrong("range")
        reply: str = self._table["micro_pulses"]["reply"]
        return reply.replace("{duration}", found[0]).replace("{duty}", found[1])


def _form(template: str) -> re.Pattern[str]:
    """Return what matches a line made from a template; numbers stand in the places."""
    escaped = re.escape(template)
    return re.compile(re.sub(r"\\\{([a-z]+)\\\}", r"(?P<\1>[0-9.]+)", escaped))
