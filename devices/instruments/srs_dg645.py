"""Stanford Research Systems DG645 delay generator, as the gate of a flash lamp: one trigger, one gate, on AB.

Control: one software trigger (`*TRG`), inhibit.
Get:     identity, trigger source, last error, instrument status.
Measure: nothing; the status register tells whether a gate was completed, and forgets it on reading.
Set:     gate width in (0, duration_limit], amplitude of AB in [0.5, 5] V; with a dead-man, a burst of equal gates.

Set commands have no reply: each is read back, and the error queue is read after the last.

Safe is: trigger source 1 (external edges, so that `*TRG` starts nothing; 3 and 4 would be armed by it) and
gate width 0 (so that an edge on the open trigger input opens the lamp for no time). Both are sent before
either is read back. The rear INHIBIT input blocks triggers (`INHB 1`), for the laboratory's own interlock
loop; during bursts it blocks the output AB itself (`INHB 2`), so that what is left of a burst is dark.

A burst opens gates by itself: it is refused unless the bench says that a dead-man in hardware is on the INHIBIT
input. Before every trigger and every setting a guard is asked, where a station has set one.

Source: SRS's own driver srsinst.dg645 0.1.0; that `*TRG` triggers under source 5 and only arms under 3 and 4
is SRS's description. Not yet seen on hardware: that `*TRG` is ignored under source 1, that width 0 gives no
output pulse at all, that `INHB` selects what the rear input blocks, that bit 0 of INSR is set with each
trigger, the form of the replies to LAMP?, LPOL?, BURM? and INHB?, the error numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import (
    Garbled,
    InstrumentError,
    InterlockError,
    LimitError,
    OutcomeUnknown,
    Timeout,
    WireError,
)
from devices.quantities import STRICT, Unit
from devices.wire import Sync, Terminated, Wire

LINE = Terminated(b"\r\n")
IDENTITY = b"Stanford Research Systems,DG645,"

TRIGGERED, RATE_ERROR, END_OF_DELAY, END_OF_BURST, INHIBITED, ABORTED = 1, 2, 4, 8, 16, 32
COMPLAINTS = {
    RATE_ERROR: "a trigger came while a gate was running",
    INHIBITED: "a trigger or a gate was inhibited by the rear input",
    ABORTED: "a gate was aborted",
}

EXTERNAL_EDGES, SINGLE_SHOT = "1", "5"
BLOCKS_TRIGGERS, BLOCKS_OUTPUT = "1", "2"
"""What the rear input inhibits."""
ROUND_OFF = 1e-9
"""Seconds: micro-pulses add up to their envelope no better."""

ERRORS = {
    10: "illegal value",
    11: "illegal mode",
    12: "illegal delay",
    13: "illegal link",
    15: "not allowed",
    110: "illegal command",
    111: "undefined command",
    112: "illegal query",
    113: "illegal set",
    114: "null parameter",
    115: "extra parameters",
    116: "missing parameters",
}
"""[SRS manual, from memory]"""

_NUMBER = re.compile(rb"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_STATUS = re.compile(rb"[0-9]{1,3}")


def numbers(reply: bytes) -> tuple[float, ...]:
    """Return the numbers of a reply such as `2,+0.001800000000`. Raises Garbled."""
    parts = reply.split(b",")
    if not all(_NUMBER.fullmatch(part) for part in parts):
        raise Garbled(f"{reply!r} is not a list of numbers; it was thrown away")
    return tuple(float(part) for part in parts)


def status_bits(reply: bytes) -> int:
    """Return the instrument status register. Raises Garbled."""
    if not _STATUS.fullmatch(reply) or int(reply) > 255:
        raise Garbled(f"{reply!r} is not a status register")
    return int(reply)


def decimal(value: float) -> str:
    """Return `value` with picoseconds, without trailing zeros."""
    return f"{value:.12f}".rstrip("0").rstrip(".")


class DG645(Instrument):
    """The gate of a lamp."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Amplitude of AB (0.5 to 5 V, SRS); nothing longer than duration_limit is ever sent.

        dead_man: whether a dead-man in hardware is on the INHIBIT input, without which there are no bursts.
        """

        duration_limit: Annotated[float, Field(gt=0, le=10e-3), Unit("s")] = 10e-3
        gate_level: Annotated[float, Field(ge=0.5, le=5.0), Unit("V")] = 4.0
        dead_man: bool = False

    kind_name = "SRS DG645"
    transport = "socket"
    sync: ClassVar[Sync | None] = Sync(b"*IDN?\n", LINE, lambda reply: reply.startswith(IDENTITY))

    width = Component(Quantity, get="read_width", unit="s", precision=9, kind="config")
    trigger_source = Component(Quantity, get="read_trigger_source", unit="1", precision=0, kind="config")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        duration_limit: float,
        gate_level: float = 4.0,
        dead_man: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.duration_limit, self.gate_level = duration_limit, gate_level
        self.bursts = dead_man
        self.guard: Callable[[], None] = anybody
        self.setting_guard: Callable[[], None] = anybody
        self._width: float | None = None
        self._done = END_OF_DELAY
        self._seen, self._unread = 0, False

    def identify(self) -> str:
        """Return the instrument's own words."""

        def parse(reply: bytes) -> str:
            if not reply.startswith(IDENTITY) or not reply.isascii():
                raise Garbled(f"{self.name}: {reply!r} is not a DG645; look at what is on this address")
            return reply.decode()

        return self.wire.ask(b"*IDN?\n", LINE, parse, repeat=True)

    def prepare(self, duration: float) -> None:
        """Set the gate's width [s] and enable single shots, last of all; each setting is read back.

        Raises LimitError and what the guard raises (nothing sent), InstrumentError when a setting was not taken.
        """
        self._check_duration(duration)
        self.setting_guard()
        self._begin_setting()
        self._set("BURM", "0")
        self._set("INHB", BLOCKS_TRIGGERS)
        self._finish_setting(duration, END_OF_DELAY)

    def prepare_burst(self, width: float, count: int, period: float) -> None:
        """Have one trigger open `count` gates of a width [s], one period [s] apart; each setting is read back.

        Raises LimitError (nothing sent) without a dead-man or for a burst longer than duration_limit,
        InstrumentError when a setting was not taken.
        """
        if not self.bursts:
            raise LimitError(f"{self.name} gates of one trigger (there is no dead_man)", count, "gates", 1, 1)
        if not 0 < width <= period:
            raise LimitError(f"{self.name} gate width", width, "s", 0.0, period)
        self._check_duration(count * period)
        self.setting_guard()
        self._begin_setting()
        self._set("INHB", BLOCKS_OUTPUT)
        self._set("BURC", str(count))
        self._set("BURP", decimal(period))
        self._set("BURD", "0")
        self._set("BURM", "1")
        self._finish_setting(width, END_OF_BURST)

    def _check_duration(self, duration: float) -> None:
        if not 0 < duration <= self.duration_limit + ROUND_OFF:
            raise LimitError(f"{self.name} gate width", duration, "s", 0.0, self.duration_limit)

    def _begin_setting(self) -> None:
        self.safe()
        self.wire.tell(b"*CLS\n")

    def _finish_setting(self, width: float, done: int) -> None:
        """Set what every gate needs, and enable single shots last of all; done: the status bit of a gate's end."""
        self._set("LAMP", "1", decimal(self.gate_level))
        self._set("LPOL", "1", "1")
        self._set("DLAY", "2", "0", "0")
        self._set("DLAY", "3", "2", decimal(width))
        self._set("TSRC", SINGLE_SHOT)
        self._raise_errors()
        self._read_status()
        self._seen, self._done, self._width = 0, done, width

    def require_set(self) -> None:
        """Raise InstrumentError when the gate that was prepared does not stand any more; nothing is triggered.

        One that was switched off and on takes triggers, reports them ended, and opens no gate at all.
        """
        source, width = self.read_trigger_source(), self.read_width()
        if self._width is None or source != int(SINGLE_SHOT) or not self._equal(width, self._width):
            wanted = "nothing was prepared" if self._width is None else f"{self._width:g} s was prepared"
            raise InstrumentError(
                self.name,
                "settings",
                f"{wanted}, its gate is {width:g} s long now with trigger source {source}: it was switched off and on,"
                " or somebody set it; nothing was triggered",
            )

    def fire(self) -> None:
        """Send one software trigger; never sent again.

        Raises what the guard raises (nothing sent), OutcomeUnknown when the link fails under it.
        """
        self.guard()
        if self._unread:
            # What an earlier trigger left in the register must not be taken for this one's.
            self._read_status()
        self._seen = 0
        try:
            self.wire.tell(b"*TRG\n")
        except WireError as error:
            raise OutcomeUnknown(
                f"{self.name}: the link failed while a trigger was sent ({error}); the lamp may have"
                " flashed, it is not sent again, look at fired(), the bank and the energy meter"
            ) from error

    def fired(self) -> bool:
        """Return whether a gate was completed since the last call or the last fire().

        The instrument forgets on reading, so a lost reply cannot be asked for again. Raises OutcomeUnknown
        then, or when the register cannot be right; InterlockError when the trigger was inhibited and opened nothing;
        InstrumentError when it complains.
        """
        self._seen |= self._read_status()
        if self._seen & INHIBITED and not self._seen & (TRIGGERED | END_OF_DELAY):
            self._seen = 0
            raise InterlockError(
                "inhibit", f"{self.name}: the trigger was inhibited by the rear input; no gate opened"
            )
        complaints = [text for bit, text in COMPLAINTS.items() if self._seen & bit]
        if complaints:
            bits, self._seen = self._seen, self._seen & (TRIGGERED | END_OF_DELAY | END_OF_BURST)
            raise InstrumentError(self.name, f"INSR {bits}", "; ".join(complaints))
        if self._seen & END_OF_DELAY and not self._seen & TRIGGERED:
            raise OutcomeUnknown(
                f"{self.name}: a gate ended that no trigger began; look at bank and energy meter"
            )
        done = bool(self._seen & self._done)
        if done:
            self._seen = 0
        return done

    def safe(self) -> None:
        """Let no trigger pass: external edges only, gate width 0; both sent at once, then read back."""
        self._width = None
        self.wire.tell(f"TSRC {EXTERNAL_EDGES}\n".encode())
        self.wire.tell(b"DLAY 3,2,0\n")
        self._set("TSRC", EXTERNAL_EDGES)
        self._set("DLAY", "3", "2", "0")

    def read_width(self) -> float:
        """Return the gate's width [s]."""
        return self.wire.ask(b"DLAY?3\n", LINE, numbers, repeat=True)[-1]

    def read_trigger_source(self) -> int:
        """Return the trigger source (5 single shot, 1 external edges: safe)."""
        return int(self.wire.ask(b"TSRC?\n", LINE, numbers, repeat=True)[0])

    def _set(self, command: str, *values: str) -> None:
        """Send a setting and read it back; once more when it differs, since either may be garbled."""
        index, wanted = ("", values) if len(values) == 1 else (values[0], values[1:])
        target = tuple(float(value) for value in wanted)
        for _ in range(2):
            self.wire.tell(f"{command} {','.join(values)}\n".encode())
            found = self.wire.ask(f"{command}?{index}\n".encode(), LINE, numbers, repeat=True)
            if len(found) == len(target) and all(map(self._equal, found, target)):
                return
        self._raise_errors()
        raise InstrumentError(self.name, command, f"asked for {','.join(values)}, it says {found}")

    @staticmethod
    def _equal(found: float, wanted: float) -> bool:
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-11)

    def _raise_errors(self) -> None:
        code = int(self.wire.ask(b"LERR?\n", LINE, numbers, repeat=True)[0])
        if code:
            self.wire.tell(b"*CLS\n")
            raise InstrumentError(self.name, str(code), ERRORS.get(code, "see the manual"))

    def _read_status(self) -> int:
        self._unread = True
        try:
            status = self.wire.ask(b"INSR?\n", LINE, status_bits)
        except (Timeout, Garbled) as error:
            raise OutcomeUnknown(
                f"{self.name}: the status was read and its reply lost ({error}); the instrument has"
                " forgotten it, look at bank and energy meter whether a gate came"
            ) from error
        self._unread = False
        return status
