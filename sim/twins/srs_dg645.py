"""Twin of a Stanford Research Systems DG645 delay generator; only its AB output is wired, to the lamp.

Command table as in SRS's driver srsinst.dg645 0.1.0 and, where that is silent, from memory. Guesses: *TRG is
ignored unless the source is a single shot; a change of source aborts what is under way; at power-up source 5,
all delays zero; error numbers; forms of the replies to queries other than DLAY. Left out: the internal rate
generator and the line trigger (sources 0 and 6 are refused), and outputs other than AB, since nothing is
connected to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

IDENTITY = "Stanford Research Systems,DG645,s/n001234,ver1.14.10E"
DUE = 1e-9  # s, round-off of a bench time

TRIGGER, RATE_ERROR, END_OF_DELAY, END_OF_BURST, INHIBIT, ABORT = 1, 2, 4, 8, 16, 32
SINGLE_SHOT = 5
A, B = 2, 3
NO_ERROR, ILLEGAL_VALUE, ILLEGAL_LINK, NOT_ALLOWED, UNDEFINED, MISSING, EXTRA = 0, 10, 13, 15, 111, 116, 115


@dataclass(frozen=True)
class Setting:
    """A setting: range, value at power-up, how a query prints it, how many outputs have one (0: single)."""

    low: float
    high: float
    default: float
    form: str
    outputs: int = 0


SETTINGS = {
    "TSRC": Setting(1, 5, SINGLE_SHOT, "{:.0f}"),
    "INHB": Setting(0, 5, 1, "{:.0f}"),
    "BURM": Setting(0, 1, 0, "{:.0f}"),
    "BURC": Setting(1, 2**31 - 1, 5, "{:.0f}"),
    "BURP": Setting(100e-9, 2000.0, 10e-6, "{:+.12f}"),
    "BURD": Setting(0.0, 2000.0, 0.0, "{:+.12f}"),
    "LAMP": Setting(0.5, 5.0, 2.5, "{:+.2f}", 5),
    "LOFF": Setting(-2.0, 2.0, 0.0, "{:+.2f}", 5),
    "LPOL": Setting(0, 1, 1, "{:.0f}", 5),
}
"""Ranges of BURC and BURP [srsinst.dg645], the others from memory."""

DELAY_LIMIT = 2000.0  # s, from memory
CHANNELS = 10

_COMMAND = re.compile(r"(?P<verb>\*?[A-Z]{3,4})(?P<query>\?)? *(?P<arguments>.*)", re.IGNORECASE)


class RefusedError(Exception):
    """A command that puts an error into the queue."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


class SRSDG645Twin:
    """The generator. `on_gate(time, width)` is called once for each gate that opens the lamp, when it opens.

    `inhibit_input` is the level of the rear INHIBIT input: the laboratory's interlock loop. dead_man: whether
    something in hardware raises it when the host falls silent; without it this twin refuses bursts, which the
    instrument itself does not.
    """

    def __init__(self, on_gate: Callable[[float, float], None], *, dead_man: bool = False) -> None:
        self.inhibit_input = False
        self.dead_man = dead_man
        self.log: list[tuple[float, str, str]] = []
        self._on_gate = on_gate
        self._wake()

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: every setting its default, nothing under way."""
        self.log.append((now, "power up", "a gate was under way" if self._ends is not None else ""))
        self._wake()

    def _wake(self) -> None:
        self._values = {
            (verb, output): setting.default
            for verb, setting in SETTINGS.items()
            for output in range(max(1, setting.outputs))
        }
        self._delays: dict[int, tuple[int, float]] = dict.fromkeys(range(CHANNELS), (0, 0.0))
        self._errors: list[int] = []
        self._status = 0
        self._buffer = b""
        self._shots_left = 0
        self._opens: float | None = None
        self._ends: float | None = None
        self._next_shot = 0.0

    def advance(self, now: float) -> None:
        """Do nothing: the generator changes only in steps."""

    def next_event(self) -> float | None:
        """Return when a gate opens or a delay cycle ends."""
        return self._opens if self._opens is not None else self._ends

    def fire_event(self, now: float) -> None:
        """Open the gate or end the delay cycle, whichever is due."""
        due = self.next_event()
        if due is None or now < due - DUE:
            return
        if self._opens is not None:
            self._open(due)
        else:
            self._end(due)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every line that is complete; commands on one line are parted by semicolons."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        replies = ""
        for command in (part for line in lines for part in line.decode("latin-1").split(";")):
            if command.strip():
                try:
                    reply = self._obey(command.strip(), now)
                except RefusedError as refused:
                    self._errors.append(refused.code)
                    continue
                replies += f"{reply}\r\n" if reply else ""
        return replies.encode("latin-1")

    def _obey(self, command: str, now: float) -> str:
        found = _COMMAND.fullmatch(command)
        if not found:
            raise RefusedError(UNDEFINED)
        verb, query = found["verb"].upper(), found["query"] is not None
        numbers = self._numbers(found["arguments"])
        if verb in SETTINGS:
            return self._setting(verb, query, numbers, now)
        if verb == "DLAY":
            return self._delay(query, numbers)
        plain = {"*IDN?": self._identity, "LERR?": self._last_error, "INSR?": self._take_status}
        plain |= {"*CLS": self._clear, "*TRG": lambda: self._trigger(now)}
        handler = plain.get(verb + "?" * query)
        if handler is None:
            raise RefusedError(UNDEFINED)
        if numbers:
            raise RefusedError(EXTRA)
        return handler()

    @staticmethod
    def _numbers(arguments: str) -> list[float]:
        try:
            return [float(part) for part in arguments.split(",")] if arguments else []
        except ValueError as error:
            raise RefusedError(ILLEGAL_VALUE) from error

    @staticmethod
    def _identity() -> str:
        return IDENTITY

    def _last_error(self) -> str:
        return str(self._errors.pop(0) if self._errors else NO_ERROR)

    def _take_status(self) -> str:
        status, self._status = self._status, 0
        return str(status)

    def _clear(self) -> str:
        self._status = 0
        self._errors.clear()
        return ""

    def _setting(self, verb: str, query: bool, numbers: list[float], now: float) -> str:
        setting = SETTINGS[verb]
        self._count(numbers, (setting.outputs > 0) + (not query))
        output = self._index(numbers[0], setting.outputs) if setting.outputs else 0
        if query:
            return setting.form.format(self._values[verb, output])
        value = numbers[-1]
        whole = setting.form == "{:.0f}"
        if not setting.low <= value <= setting.high or (whole and value != int(value)):
            raise RefusedError(ILLEGAL_VALUE)
        if verb == "BURM" and value and not self.dead_man:
            self.log.append((now, "burst refused", "there is no dead-man on the inhibit input"))
            raise RefusedError(NOT_ALLOWED)
        if verb == "TSRC" and value != self._values[verb, output]:
            self.log.append((now, "armed" if value == SINGLE_SHOT else "disarmed", f"source {value:.0f}"))
            self._abort(now)
        self._values[verb, output] = value
        return ""

    def _delay(self, query: bool, numbers: list[float]) -> str:
        self._count(numbers, 1 if query else 3)
        channel = self._index(numbers[0], CHANNELS)
        if query:
            reference, seconds = self._delays[channel]
            return f"{reference},{seconds:+.12f}"
        reference, seconds = self._index(numbers[1], CHANNELS), numbers[2]
        if channel < A or not -DELAY_LIMIT <= seconds <= DELAY_LIMIT:
            raise RefusedError(ILLEGAL_VALUE)
        link = reference
        while link >= A:
            if link == channel:
                raise RefusedError(ILLEGAL_LINK)
            link = self._delays[link][0]
        self._delays[channel] = (reference, seconds)
        return ""

    @staticmethod
    def _count(numbers: list[float], wanted: int) -> None:
        if len(numbers) != wanted:
            raise RefusedError(MISSING if len(numbers) < wanted else EXTRA)

    @staticmethod
    def _index(number: float, count: int) -> int:
        if number not in range(count):
            raise RefusedError(ILLEGAL_VALUE)
        return int(number)

    def _after_trigger(self, channel: int) -> float:
        reference, seconds = self._delays[channel]
        return seconds + (self._after_trigger(reference) if reference >= A else 0.0)

    def _trigger(self, now: float) -> str:
        if self._values["TSRC", 0] != SINGLE_SHOT:
            self.log.append((now, "trigger ignored", f"source {self._values['TSRC', 0]:.0f}"))
        elif self.inhibit_input and self._values["INHB", 0] == 1:
            self._status |= INHIBIT
            self.log.append((now, "trigger inhibited", ""))
        elif self._opens is not None or self._ends is not None:
            self._status |= RATE_ERROR
            self.log.append((now, "trigger refused", "a cycle is running"))
        else:
            burst = self._values["BURM", 0] == 1
            self._shots_left = int(self._values["BURC", 0]) if burst else 1
            self._status |= TRIGGER
            self._begin(now + (self._values["BURD", 0] if burst else 0.0), now)
        return ""

    def _begin(self, start: float, now: float) -> None:
        self._shots_left -= 1
        self._next_shot = start + self._values["BURP", 0]
        self._opens = start + self._after_trigger(A)
        self._ends = start + max(self._after_trigger(channel) for channel in range(A, CHANNELS))
        if self._opens <= now:
            self._open(now)

    def _open(self, time: float) -> None:
        self._opens = None
        width = self._after_trigger(B) - self._after_trigger(A)
        if width <= 0:
            self.log.append((time, "no gate", "width 0"))
        elif self.inhibit_input and self._values["INHB", 0] >= 2:
            self._status |= INHIBIT
            self.log.append((time, "gate inhibited", ""))
        else:
            self.log.append((time, "gate", f"{width:.9f} s"))
            self._on_gate(time, width)

    def _end(self, time: float) -> None:
        self._ends = None
        self._status |= END_OF_DELAY
        if self._shots_left:
            self._begin(max(self._next_shot, time), time)
        elif self._values["BURM", 0] == 1:
            self._status |= END_OF_BURST

    def _abort(self, now: float) -> None:
        if self._opens is not None or self._ends is not None:
            self._status |= ABORT
            self.log.append((now, "aborted", "trigger source changed"))
        self._opens = self._ends = None
        self._shots_left = 0
