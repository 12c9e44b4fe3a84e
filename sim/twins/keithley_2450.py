"""Twin of a Keithley 2450 or 2461 SourceMeter with a cell on its leads: command table and firmware.

Commands, ranges and states are those of the reference manuals 2450-901-01 Rev. B and 2461-901-01. Guesses: that
the output goes off when the source function changes, that a trigger model's blocks are not changed while it
runs, that a row takes two apertures, texts and numbers of errors that are not SCPI's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from sim.twins.clips import CellUnderTest
from sim.twins.keithley_2450_blocks import TriggerModel
from sim.twins.keithley_2450_buffers import EPOCH, Buffers, Row
from sim.twins.keithley_2450_output import Accuracy, Terminals, metered
from sim.twins.keithley_2450_scpi import (
    BUFFER_FULL,
    INIT_IGNORED,
    UNDEFINED_HEADER,
    Command,
    ErrorQueue,
    Refused,
    messages,
    parameters,
    pattern,
)
from sim.twins.keithley_2450_settings import OVERRANGE, RAIL, Setting, Settings
from sim.twins.keithley_2450_trigger import Action

SLACK = 1e-6
"""Seconds by which an action counts as due: event times are floats, the clock counts nanoseconds."""

AHEAD = 200
"""Rows that are solved for at once."""

OVERFLOW = 9.9e37
POWER_ON = 128
READ_BACK, LIMITED, FOUR_WIRE, OUTPUT_ON = 8, 32, 64, 128
"""Bits of SOURSTATus [2450-901-01 names the conditions; their order is from memory]."""


class Keithley2450Twin:
    """The instrument. `log` is its black box: time [s], what happened, in words; `charge` [C] truly passed.

    noise: a factor on the rms noise of its rows. sense_open: a sense lead has fallen off, and voltages overflow.
    """

    def __init__(
        self, *, model: str = "2450", power_line: float = 50.0, seed: int = 0, noise: float = 1.0
    ) -> None:
        self.model = model
        self.log: list[tuple[float, str, str]] = []
        self.sense_open = False
        self._power_line = power_line
        self._accuracy = Accuracy().with_noise(noise)
        self._random = np.random.default_rng((seed, 2450))
        self._now = 0.0
        self._terminals = Terminals(RAIL)
        self._line = b""
        self._settings = Settings(model)
        self._buffers = Buffers(self._settings)
        self._trigger = TriggerModel(self._settings, self._buffers)
        self._commands = self._table()
        self._found: dict[str, Command] = {}
        self._cold()

    def _cold(self) -> None:
        self._settings.reset()
        self._errors = ErrorQueue()
        self._events = POWER_ON
        self._buffers.reset()
        self._trigger.reset()
        self._ahead: deque[tuple[Action, tuple[float, float]]] = deque()
        self._full = False

    @property
    def charge(self) -> float:
        """Charge [C] that truly passed since the twin was made."""
        return self._terminals.charge

    @property
    def output(self) -> bool:
        """Whether the output is on."""
        return bool(self._settings["output"])

    @property
    def row_time(self) -> float:
        """Seconds that one row takes."""
        sense = self._settings["sense"]
        doubled = 2.0 if self._settings[f"readback {self._settings['function']}"] else 1.0
        return doubled * float(self._settings[f"nplc {sense}"]) / self._power_line

    # What happens to it.

    def wire_cell(self, cell: CellUnderTest | None, now: float) -> None:
        """Put a cell on the leads, or take it off."""
        self.advance(now)
        self._terminals.wire(cell, now)
        self._apply(now)
        self._foresee_anew()
        self._note(now, "wired" if cell is not None else "unwired", "cell")

    def settle(self) -> None:
        """Write into the wired cell what it is now."""
        self._terminals.settle(self._now)

    def power_cycle(self, now: float) -> None:
        """Switch it off and on again."""
        self.advance(now)
        self._cold()
        self._line = b""
        self._note(now, "power", "off and on")
        self._apply(now)

    def next_event(self) -> float | None:
        """Return when [s] the trigger model next changes what the output does."""
        self._look_ahead()
        return next((action.time for action, _ in self._ahead if action.does != "measure"), None)

    def fire_event(self, now: float) -> None:
        """Do what is due."""
        self.advance(now)

    def advance(self, now: float) -> None:
        """Go to `now`: take the rows due, switch what is due."""
        while True:
            self._look_ahead()
            if not self._ahead or self._ahead[0][0].time > now + SLACK:
                break
            action, values = self._ahead.popleft()
            self._act(action, values)
        self._now = max(self._now, now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, return the replies of the lines that are whole."""
        self.advance(now)
        *lines, self._line = (self._line + data).split(b"\n")
        replies = (self._line_reply(line.decode("latin-1")) for line in lines)
        return b"".join(reply.encode() + b"\n" for reply in replies if reply is not None)

    # The trigger model.

    def _look_ahead(self) -> None:
        """Solve for the rows up to the next change of the output."""
        if self._ahead:
            return
        actions: list[Action] = []
        for action in islice(self._trigger.actions, AHEAD):
            actions.append(action)
            if action.does != "measure":
                break
        rows = [action.time for action in actions if action.does == "measure"]
        if rows:
            self._terminals.settle(self._now)
        read = iter(self._readings(np.array(rows))) if rows else iter(())
        none = (math.nan, math.nan)
        self._ahead.extend((each, next(read) if each.does == "measure" else none) for each in actions)

    def _foresee_anew(self) -> None:
        """Solve again for rows that were foreseen before something changed."""
        waiting = [action for action, _ in self._ahead]
        self._ahead.clear()
        rest = self._trigger.actions
        self._trigger.actions = (action for source in (waiting, rest) for action in source)

    def _act(self, action: Action, values: tuple[float, float]) -> None:
        self._now = max(self._now, action.time)
        match action.does:
            case "measure":
                self._store(action.buffer, action.time, values)
            case "clear":
                self._buffers[action.buffer].clear()
            case "output":
                self._switch(bool(action.value), action.time)
            case "level":
                self._settings.values["level VOLT"] = action.value
                self._apply(action.time)
            case "idle":
                self._trigger.stop("IDLE", round(action.value))
                self._note(action.time, "trigger", "idle")

    def _readings(self, times: Any) -> list[tuple[float, float]]:
        """Return voltage and current as they are read at times from now on."""
        values = self._settings
        true = self._terminals.foresee(times)
        full = values["senses CURR"] if values["function"] == "VOLT" else values["range CURR"]
        voltage, current = metered(true, self._accuracy, full, self._random)
        if values["sense"] == "VOLT" and not values["auto VOLT"]:
            voltage = np.where(np.abs(true[0]) > OVERRANGE * values["senses VOLT"], OVERFLOW, voltage)
        if values["sense"] == "CURR" and not values["auto CURR"]:
            current = np.where(np.abs(true[1]) > OVERRANGE * values["senses CURR"], OVERFLOW, current)
        return list(zip(voltage.tolist(), current.tolist(), strict=True))

    def _store(self, name: str, time: float, values: tuple[float, float]) -> Row:
        voltage, current = values
        if self.sense_open:
            voltage = OVERFLOW
        function = self._settings["function"]
        source = {"VOLT": voltage, "CURR": current}[function]
        if not self._settings[f"readback {function}"]:
            source = self._settings[f"level {function}"]
        reading = voltage if self._settings["sense"] == "VOLT" else current
        row = Row(time, source, reading, self._status(voltage))
        if not self._buffers[name].add(row) and not self._full:
            self._full = True
            self._errors.add(BUFFER_FULL, EPOCH + time)
        return row

    def _status(self, voltage: float) -> int:
        values = self._settings
        limited = values["function"] == "VOLT" and abs(voltage - values["level VOLT"]) > 1e-3
        bits = (
            (READ_BACK, values[f"readback {values['function']}"]),
            (LIMITED, limited and values["output"]),
            (FOUR_WIRE, values[f"four-wire {values['sense']}"]),
            (OUTPUT_ON, values["output"]),
        )
        return sum(bit for bit, is_set in bits if is_set)

    # What drives the cell.

    def _switch(self, on: bool, now: float) -> None:
        if on != self._settings["output"]:
            self._settings.values["output"] = on
            self._note(now, "output", "on" if on else "off")
        self._apply(now)

    def _apply(self, now: float) -> None:
        """Let the terminals do what the settings say."""
        self._terminals.change(self._settings.source(), now)

    def _note(self, time: float, event: str, words: str) -> None:
        self.log.append((time, event, words))

    # The dialect.

    def _line_reply(self, line: str) -> str | None:
        replies = []
        for message in messages(line):
            header, _, rest = message.partition(" ")
            try:
                reply = self._find(header).run(parameters(rest))
            except Refused as refused:
                self._errors.add(refused.error, EPOCH + self._now)
                continue
            if reply is not None:
                replies.append(reply)
        return ";".join(replies) if replies else None

    def _find(self, header: str) -> Command:
        if header not in self._found:
            fits = (each for each in self._commands if each.header.fullmatch(header.upper()))
            found = next(fits, None)
            if found is None:
                raise Refused(UNDEFINED_HEADER)
            self._found[header] = found
        return self._found[header]

    def _table(self) -> list[Command]:
        table: list[Command] = []

        def action(
            header: str, call: Callable[[list[str]], str | None], least: int = 0, most: int = 0
        ) -> None:
            table.append(Command(pattern(header), call, least, max(least, most)))

        self._common(action)
        for each in self._settings.table():
            action(each.header, partial(self._set, each), 1)
            action(each.header + "?", partial(self._get, each))
        self._buffers.offer(action)
        self._trigger.offer(action)
        return table

    def _common(self, action: Callable[..., None]) -> None:
        action("*IDN?", lambda _: f"KEITHLEY INSTRUMENTS,MODEL {self.model},04400001,1.7.12b")
        action("*LANG?", lambda _: "SCPI")
        action("*RST", self._reset)
        action("*CLS", self._clear_status)
        action("*ESR?", self._event_status)
        action("*OPC?", lambda _: "1")
        action("SYSTem:ERRor[:NEXT]?", lambda _: self._errors.next())
        action("SYSTem:CLEar", lambda _: self._errors.clear())
        action("READ?", self._read, 0, 15)
        action("INITiate[:IMMediate]", self._initiate)
        action("ABORt", self._abort)

    # Commands that do more than set one value.

    def _get(self, setting: Setting, words: list[str]) -> str:
        value = self._settings[setting.keys[0]]
        return self._buffers.shown(value) if setting.show is None else setting.show(value)

    def _set(self, setting: Setting, words: list[str]) -> None:
        settings, value = self._settings, setting.read(words[0])
        before = dict(settings.values)
        if setting.keys == ("function",) and value != settings["function"]:
            self._trigger.refuse_while_running()
            self._switch(False, self._now)
        if setting.keys == ("output",):
            settings.check_level()
            self._switch(value, self._now)
        for key in setting.keys:
            settings.change(key, value)
        if settings.values != before:
            self._apply(self._now)
            self._foresee_anew()

    def _reset(self, words: list[str]) -> None:
        self._ahead.clear()
        self._switch(False, self._now)
        self._settings.reset()
        self._trigger.reset()
        self._buffers.clear()
        self._apply(self._now)

    def _clear_status(self, words: list[str]) -> None:
        self._errors.clear()
        self._events = 0

    def _event_status(self, words: list[str]) -> str:
        events, self._events = self._events, 0
        return str(events)

    def _read(self, words: list[str]) -> str:
        if self._trigger.runs:
            raise Refused(INIT_IGNORED)
        name = self._buffers.named(words[:1])
        row = self._store(name, self._now, self._readings(np.array([self._now]))[0])
        return self._buffers.listed([row], words[1:], row.time)

    def _initiate(self, words: list[str]) -> None:
        self._trigger.start(self._now, self.row_time)
        self._full = False
        self._note(self._now, "trigger", "started")
        self.advance(self._now)

    def _abort(self, words: list[str]) -> None:
        if self._trigger.runs:
            self._trigger.stop("ABORTED")
            self._ahead.clear()
            self._note(self._now, "trigger", "aborted")
