"""Twin of a Keithley DAQ6510 with a 20-channel multiplexer card in slot 1: command table and firmware.

Commands as in the vendor's examples for the DAQ6510 and in users' programs for it and the DMM6500. Guesses: that
SCAN:CRE and TRIG:LOAD replace one another as what INIT starts, times of a channel, that *RST deletes the buffers that
were made, forms of replies to queries of channel settings, errors that are not SCPI's. Left out: TSP, other functions
than thermocouples and digitised volts, limits, statistics, binary data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from sim.twins.keithley_2450_scpi import (
    BUFFER_FULL,
    CONFLICT,
    ILLEGAL,
    INIT_IGNORED,
    MISSING,
    OUT_OF_RANGE,
    UNDEFINED_HEADER,
    Command,
    ErrorQueue,
    Refused,
    boolean,
    choice,
    messages,
    number,
    parameters,
    pattern,
    quoted,
    whole,
)
from sim.twins.keithley_daq6510_signals import OVERFLOW, SEEBECK, Photodiode, Shape, Source, Thermocouple

IDENTITY = "KEITHLEY INSTRUMENTS,MODEL DAQ6510,04400777,1.7.12b"
CHANNEL_TIME = 0.08  # s, one power line cycle with autozero and reference junction, guess
THERMOCOUPLE_NOISE = 0.05  # K rms, guess
VOLTAGE_NOISE = 2e-4  # rms, of the digitiser's range, guess
EPOCH = 1_750_000_000  # s since 1970 at the bench's zero, by the instrument's clock; arbitrary
DUE = 1e-9  # s, round-off of a bench time
LARGEST_BUFFER = 1_000_000  # readings that a buffer may hold, guess
RANGES = (0.1, 1.0, 10.0, 100.0, 300.0)  # V of a card's channel [DAQ6510 data sheet]
OVERRANGE = 1.2  # readings up to this share of a range are shown [DMM6500 data sheet]

FIRST_CHANNEL, LAST_CHANNEL = 101, 120
_CHANNELS = re.compile(r",?\s*\(@(?P<list>[0-9:, ]*)\)\s*$")

DEFAULTS: Mapping[str, Any] = {
    "function": "VOLT",
    "digitise": False,
    "transducer": "TC",
    "kind": "K",
    "unit": "CELS",
    "junction": "SIM",
    "simulated": 23.0,
    "detector": False,
    "cycles": 1.0,
    "rate": 100_000.0,
    "range": 10.0,
    "aperture": "AUTO",
    "level mode": "OFF",
    "level": 0.0,
    "slope": "RIS",
}
"""A channel's settings after *RST; a simulated junction is in the channel's unit."""


@dataclass
class Buffer:
    """Rows of time [s], reading, channel; it is full at `points`."""

    points: int
    rows: list[tuple[float, float, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """One block of the trigger model: clear a buffer, wait for an event, or digitise into a buffer."""

    does: str
    buffer: str = ""
    event: str = ""
    count: int = 0


class KeithleyDAQ6510Twin:
    """The instrument. `sources`: what the thermocouples on its channels feel, temperature [K] of time [s].

    The station calls pulse() for each flash. noise: a factor on all rms noise, drawn from rng.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        sources: Mapping[int, Source] | None = None,
        kind: str = "K",
        noise: float = 1.0,
    ) -> None:
        self.couples = {channel: Thermocouple(source, kind) for channel, source in (sources or {}).items()}
        self.photodiode = Photodiode()
        self.terminals = "REAR"
        self.noise = noise
        self.log: list[tuple[float, str, str]] = []
        self._rng = rng
        self._now = 0.0
        self._line = b""
        self._due: float | None = None
        self._digitises: tuple[float, Block] | None = None
        self._commands = self._table()
        self._found: dict[str, Command] = {}
        self._wake()

    # What happens to it.

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back."""
        self.log.append((now, "power up", ""))
        self._wake()

    def unplug(self, channel: int, now: float) -> None:
        """Take a lead off its terminal."""
        self.couples[channel].plugged = False
        self.log.append((now, "unplugged", str(channel)))

    def plug(self, channel: int, now: float) -> None:
        """Put it back."""
        self.couples[channel].plugged = True
        self.log.append((now, "plugged", str(channel)))

    def swap(self, one: int, other: int, now: float) -> None:
        """Change two thermocouples for one another."""
        self.couples[one], self.couples[other] = self.couples[other], self.couples[one]
        self.log.append((now, "swapped", f"{one} and {other}"))

    def pulse(self, time: float, shape: Shape) -> None:
        """Let an edge come to EXT TRIG IN at `time` and light to the photodiode: shape(seconds since) [V]."""
        self.photodiode = Photodiode(time, shape)
        if self._awaits == "EXT":
            self._go_on(time)
        elif self._awaits == "ATR" and self._closed:
            settings = self._settings[self._closed]
            begins = self.photodiode.rises_through(settings["level"])
            if settings["level mode"] == "EDGE" and begins is not None:
                self._go_on(begins)

    def advance(self, now: float) -> None:
        """Move its clock."""
        self._now = max(self._now, now)

    def next_event(self) -> float | None:
        """Return when a channel of a scan is read, or a trace is whole."""
        return self._due

    def fire_event(self, now: float) -> None:
        """Read the channel, or store the trace."""
        if self._due is None or now < self._due - DUE:
            return
        due, self._due = self._due, None
        if self._digitises is None:
            self._read_next(due)
        else:
            self._store_trace(due)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every line that is complete."""
        self.advance(now)
        *lines, self._line = (self._line + data).split(b"\n")
        replies = (self._line_reply(line.decode("latin-1")) for line in lines)
        return b"".join(reply.encode("latin-1") + b"\n" for reply in replies if reply is not None)

    # State.

    def _wake(self) -> None:
        self._line = b""
        self._errors = ErrorQueue()
        self._reset([], [])

    def _reset(self, words: list[str], channels: list[int]) -> None:
        self._settings = {each: dict(DEFAULTS) for each in range(FIRST_CHANNEL, LAST_CHANNEL + 1)}
        self._buffers = {"defbuffer1": Buffer(100_000), "defbuffer2": Buffer(100_000)}
        self._closed = 0
        self._scan: list[int] = []
        self._scan_buffer, self._scan_count = "defbuffer1", 1
        self._blocks: dict[int, Block] = {}
        self._model = "blocks"
        self._stop("EMPTY")

    def _stop(self, state: str) -> None:
        self._state = state
        self._awaits, self._block = "", 0
        self._left: list[int] = []
        self._digitises, self._due = None, None

    # Scan.

    def _begin_scan(self) -> None:
        if not self._scan:
            raise Refused(CONFLICT)
        self._state = "RUNNING"
        self._left = self._scan * self._scan_count
        self._due = self._now + CHANNEL_TIME

    def _read_next(self, time: float) -> None:
        channel, *self._left = self._left
        self._closed = channel
        self._add(self._scan_buffer, [(time, self._reading(channel, time), channel)])
        if self._left:
            self._due = time + CHANNEL_TIME
        else:
            self._stop("IDLE")

    def _reading(self, channel: int, time: float) -> float:
        settings = self._settings[channel]
        if settings["function"] != "TEMP" or channel not in self.couples:
            return OVERFLOW if settings["detector"] else 0.0
        unit = settings["unit"]
        junction = None if settings["junction"] == "INT" else _kelvin(settings["simulated"], unit)
        read = self.couples[channel].read(time, settings["kind"], junction, settings["detector"])
        if read >= OVERFLOW:
            return OVERFLOW
        noisy = read + self.noise * THERMOCOUPLE_NOISE * self._rng.standard_normal()
        return _in_unit(float(noisy), unit)

    # Digitiser.

    def _begin_blocks(self) -> None:
        if not self._blocks or sorted(self._blocks) != list(range(1, len(self._blocks) + 1)):
            raise Refused(CONFLICT)
        digitises = any(block.does == "digitise" for block in self._blocks.values())
        if digitises and not (self._closed and self._settings[self._closed]["digitise"]):
            raise Refused(CONFLICT)
        self._block = 0
        self._go_on(self._now)

    def _go_on(self, time: float) -> None:
        """Run the trigger model from behind the block it stands at until it waits, digitises or ends."""
        self._awaits, self._state = "", "RUNNING"
        while (block := self._blocks.get(self._block + 1)) is not None:
            self._block += 1
            if block.does == "clear":
                self._buffers[block.buffer].rows.clear()
            elif block.does == "wait":
                self._awaits, self._state = block.event, "WAITING"
                return
            else:
                self._digitises = (time, block)
                self._due = time + block.count / self._settings[self._closed]["rate"]
                self.log.append((time, "digitising", f"{block.count} samples"))
                return
        self._stop("IDLE")

    def _store_trace(self, time: float) -> None:
        assert self._digitises is not None
        began, block = self._digitises
        settings = self._settings[self._closed]
        times = began + np.arange(block.count) / settings["rate"]
        noise = self.noise * VOLTAGE_NOISE * settings["range"] * self._rng.standard_normal(block.count)
        volts = self.photodiode.voltage(times) + noise
        volts = np.where(np.abs(volts) > OVERRANGE * settings["range"], OVERFLOW, volts)
        rows = zip(times.tolist(), volts.tolist(), [self._closed] * block.count, strict=True)
        self._add(block.buffer, list(rows))
        self._digitises = None
        self._go_on(time)

    def _add(self, name: str, rows: list[tuple[float, float, int]]) -> None:
        buffer = self._buffers[name]
        room = buffer.points - len(buffer.rows)
        buffer.rows += rows[:room]
        if room < len(rows):
            self._errors.add(BUFFER_FULL, EPOCH + self._now)

    # The dialect.

    def _line_reply(self, line: str) -> str | None:
        replies = []
        for message in messages(line):
            header, _, rest = message.partition(" ")
            try:
                reply = self._run(header, rest)
            except Refused as refused:
                self._errors.add(refused.error, EPOCH + self._now)
                continue
            if reply is not None:
                replies.append(reply)
        return ";".join(replies) if replies else None

    def _run(self, header: str, rest: str) -> str | None:
        if header not in self._found:
            fits = (each for each in self._commands if each.header.fullmatch(header.upper()))
            command = next(fits, None)
            if command is None:
                raise Refused(UNDEFINED_HEADER)
            self._found[header] = command
        found = _CHANNELS.search(rest)
        self._named = [] if found is None else _channels(found["list"])
        return self._found[header].run(parameters(rest if found is None else rest[: found.start()]))

    def _table(self) -> list[Command]:
        table: list[Command] = []

        def action(
            header: str, call: Callable[[list[str], list[int]], str | None], least: int = 0, most: int = 0
        ) -> None:
            def run(words: list[str]) -> str | None:
                return call(words, self._named)

            table.append(Command(pattern(header), run, least, max(least, most)))

        self._common(action)
        for header, key, read in _CHANNEL_SETTINGS:
            action(f"[SENSe:]{header}", partial(self._set, key, read), 1)
            action(f"[SENSe:]{header}?", partial(self._get, key))
        self._scan_commands(action)
        self._buffer_commands(action)
        self._trigger_commands(action)
        return table

    def _common(self, action: Callable[..., None]) -> None:
        action("*IDN?", lambda words, channels: IDENTITY)
        action("*LANG?", lambda words, channels: "SCPI")
        action("*OPC?", lambda words, channels: "1")
        action("*RST", self._reset)
        action("*CLS", lambda words, channels: self._errors.clear())
        action("SYSTem:CLEar", lambda words, channels: self._errors.clear())
        action("SYSTem:ERRor[:NEXT]?", lambda words, channels: self._errors.next())
        action("ROUTe:TERMinals?", lambda words, channels: self.terminals)

    def _scan_commands(self, action: Callable[..., None]) -> None:
        action("ROUTe[:CHANnel]:OPEN:ALL", self._open_all)
        action("ROUTe[:CHANnel]:OPEN", self._open)
        action("ROUTe[:CHANnel]:CLOSe", self._close)
        action("ROUTe[:CHANnel]:CLOSe?", lambda words, channels: f"(@{self._closed or ''})")
        action("ROUTe:SCAN:CREate", self._create_scan)
        action("ROUTe:SCAN:CREate?", lambda words, channels: f"(@{','.join(map(str, self._scan))})")
        action("ROUTe:SCAN:BUFFer", self._set_scan_buffer, 1)
        action("ROUTe:SCAN:COUNt:SCAN", self._set_scan_count, 1)

    def _buffer_commands(self, action: Callable[..., None]) -> None:
        action("TRACe:MAKE", self._make, 2, 3)
        action("TRACe:DELete", self._delete, 1)
        action("TRACe:CLEar", lambda words, channels: self._buffer(words[:1]).rows.clear(), 0, 1)
        action("TRACe:ACTual?", lambda words, channels: str(len(self._buffer(words[:1]).rows)), 0, 1)
        action("TRACe:POINts?", lambda words, channels: str(self._buffer(words[:1]).points), 0, 1)
        action("TRACe:DATA?", self._data, 2, 7)

    def _trigger_commands(self, action: Callable[..., None]) -> None:
        action("INITiate[:IMMediate]", self._initiate)
        action("ABORt", self._abort)
        action("TRIGger:STATe?", lambda words, channels: f"{self._state};{self._state};{self._block}")
        action("TRIGger:LOAD", self._load, 1)
        action("TRIGger:EXTernal:IN:CLEar", lambda words, channels: None)
        action("TRIGger:EXTernal:IN:EDGE", lambda words, channels: _nothing(choice(words[0], "RISing")), 1)
        place = "TRIGger:BLOCk:"
        action(f"{place}BUFFer:CLEar", lambda words, _: self._put(words, "clear", words[1:]), 1, 2)
        action(f"{place}WAIT", lambda words, _: self._put(words, "wait", event=words[1]), 2, 4)
        action(
            f"{place}MDIGitize", lambda words, _: self._put(words, "digitise", words[1:2], count=words[2]), 3
        )

    # Commands that do more than set one value.

    def _set(self, key: str, read: Callable[[str], Any], words: list[str], channels: list[int]) -> None:
        value = read(words[0])
        if not channels:
            raise Refused(MISSING)
        for channel in channels:
            self._settings[channel][key] = value

    def _get(self, key: str, words: list[str], channels: list[int]) -> str:
        if not channels:
            raise Refused(MISSING)
        shown = (self._settings[channel][key] for channel in channels)
        return ",".join(str(int(each)) if isinstance(each, bool) else str(each) for each in shown)

    def _open_all(self, words: list[str], channels: list[int]) -> None:
        self._refuse_while_running()
        self._closed = 0

    def _open(self, words: list[str], channels: list[int]) -> None:
        self._refuse_while_running()
        if self._closed in channels:
            self._closed = 0

    def _close(self, words: list[str], channels: list[int]) -> None:
        self._refuse_while_running()
        if len(channels) != 1:
            raise Refused(MISSING if not channels else ILLEGAL)
        self._closed = channels[0]

    def _create_scan(self, words: list[str], channels: list[int]) -> None:
        self._refuse_while_running()
        self._scan, self._model = channels, "scan"

    def _set_scan_buffer(self, words: list[str], channels: list[int]) -> None:
        self._buffer(words)
        self._scan_buffer = quoted(words[0])

    def _set_scan_count(self, words: list[str], channels: list[int]) -> None:
        self._scan_count = whole(words[0], 1, 100_000_000)

    def _make(self, words: list[str], channels: list[int]) -> None:
        name = quoted(words[0])
        if name in self._buffers:
            raise Refused(CONFLICT)
        self._buffers[name] = Buffer(whole(words[1], 10, LARGEST_BUFFER))

    def _delete(self, words: list[str], channels: list[int]) -> None:
        self._refuse_while_running()
        self._buffer(words)
        if quoted(words[0]).startswith("defbuffer"):
            raise Refused(CONFLICT)
        del self._buffers[quoted(words[0])]

    def _buffer(self, words: list[str]) -> Buffer:
        name = quoted(words[0]) if words else "defbuffer1"
        if name not in self._buffers:
            raise Refused(ILLEGAL)
        return self._buffers[name]

    def _data(self, words: list[str], channels: list[int]) -> str:
        rows = self._buffer(words[2:3]).rows
        first, last = whole(words[0], 1, LARGEST_BUFFER), whole(words[1], 1, LARGEST_BUFFER)
        if not first <= last <= len(rows):
            raise Refused(OUT_OF_RANGE)
        elements = [choice(word, "READing", "RELative", "CHANnel") for word in words[3:] or ["READ"]]
        shown = {
            "READ": lambda row: f"{row[1]:.9E}",
            "REL": lambda row: f"{row[0] - rows[0][0]:.9f}",
            "CHAN": lambda row: str(row[2]),
        }
        return ",".join(shown[each](row) for row in rows[first - 1 : last] for each in elements)

    def _initiate(self, words: list[str], channels: list[int]) -> None:
        if self._state in ("RUNNING", "WAITING"):
            raise Refused(INIT_IGNORED)
        if self._model == "scan":
            self._begin_scan()
        else:
            self._begin_blocks()

    def _abort(self, words: list[str], channels: list[int]) -> None:
        if self._state in ("RUNNING", "WAITING"):
            self._stop("ABORTED")

    def _load(self, words: list[str], channels: list[int]) -> None:
        self._refuse_while_running()
        if quoted(words[0]).upper() != "EMPTY":
            raise Refused(ILLEGAL)
        self._blocks, self._model = {}, "blocks"

    def _put(
        self,
        words: list[str],
        does: str,
        buffer: list[str] | None = None,
        *,
        event: str = "",
        count: str = "1",
    ) -> None:
        self._refuse_while_running()
        name = ""
        if buffer is not None:
            self._buffer(buffer)
            name = quoted(buffer[0]) if buffer else "defbuffer1"
        source = choice(event, "EXTernal", "ATRigger") if event else ""
        self._blocks[whole(words[0], 1, 63)] = Block(does, name, source, whole(count, 1, LARGEST_BUFFER))

    def _refuse_while_running(self) -> None:
        if self._state in ("RUNNING", "WAITING"):
            raise Refused(CONFLICT)


def _channels(text: str) -> list[int]:
    """Return the channels of `101:103,110`. Raises Refused."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition(":")
        if not first.isdigit() or (last and not last.isdigit()):
            raise Refused(ILLEGAL)
        found += range(int(first), int(last or first) + 1)
    if not all(FIRST_CHANNEL <= each <= LAST_CHANNEL for each in found):
        raise Refused(OUT_OF_RANGE)
    return found


def _range(word: str) -> float:
    """Return the smallest range that holds a voltage [V]. Raises Refused."""
    wanted = number(word, 0.0, RANGES[-1])
    return next(each for each in RANGES if each >= wanted)


def _kelvin(value: float, unit: str) -> float:
    return {"KELV": value, "CELS": value + 273.15, "FAHR": (value - 32) / 1.8 + 273.15}[unit]


def _in_unit(kelvin: float, unit: str) -> float:
    return {"KELV": kelvin, "CELS": kelvin - 273.15, "FAHR": (kelvin - 273.15) * 1.8 + 32}[unit]


def _nothing(read: str) -> None:
    """Take a word that is right and has nothing to set."""


def _digitised(word: str) -> bool:
    choice(word, "VOLTage")
    return True


_CHANNEL_SETTINGS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("FUNCtion", "function", lambda word: choice(word, "VOLTage", "TEMPerature")),
    ("DIGitize:FUNCtion", "digitise", _digitised),
    ("TEMPerature:TRANsducer", "transducer", lambda word: choice(word, "TCouple")),
    ("TEMPerature:TCouple:TYPE", "kind", lambda word: choice(word, *SEEBECK)),
    ("TEMPerature:UNIT", "unit", lambda word: choice(word, "CELSius", "KELVin", "FAHRenheit")),
    ("TEMPerature:TCouple:RJUNction:RSELect", "junction", lambda word: choice(word, "INTernal", "SIMulated")),
    ("TEMPerature:TCouple:RJUNction:SIMulated", "simulated", lambda word: number(word, 0.0, 323.15)),
    ("TEMPerature:ODETector", "detector", boolean),
    ("TEMPerature:NPLCycles", "cycles", lambda word: number(word, 0.0005, 12.0)),
    ("DIGitize:VOLTage:RANGe", "range", _range),
    ("DIGitize:VOLTage:SRATe", "rate", lambda word: number(word, 1e3, 1e6)),
    ("DIGitize:VOLTage:APERture", "aperture", lambda word: choice(word, "AUTO")),
    ("DIGitize:VOLTage:ATRigger:MODE", "level mode", lambda word: choice(word, "OFF", "EDGE")),
    ("DIGitize:VOLTage:ATRigger:EDGE:LEVel", "level", lambda word: number(word, -300.0, 300.0)),
    ("DIGitize:VOLTage:ATRigger:EDGE:SLOPe", "slope", lambda word: choice(word, "RISing")),
)
"""Header, setting and how its parameter is read, of what a channel has."""
