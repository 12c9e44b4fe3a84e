"""AJA 0313 GTC (T&C Power Conversion AG 0313): RF generator with automatic match, for one gun or the substrate's bias.

Control: control over it taken and given back; RF on and off.
Get:     model, flags (limits, interlock, over-temperature), heat sink temperature, positions of the match's capacitors.
Measure: forward, reflected and load power, 0.1 W; self-bias, 1 V.
Set:     power in whole watts, in [0, power_limit], read back in 0.1 W.

Commands are ten bytes: C, address, two letters, two parameters of two bytes, sum of all before (two bytes). It answers
`*` (understood) or `?` (not), and to a question R, address, length, data, sum besides. A plain sum does not show two
bytes that make up for one another.

Who sets anything must hold control, and whoever holds it and is silent for 2 s loses it: RF off, set point zero. So
while RF is on, only the loop that acts asks; whoever else looks is told the last reading, until the generator must
have switched off by itself. It has its own ramp, which is not used: how its rate counts is not known.

Source: PyMeasure, tcpowerconversion/tccxn.py and its tests (byte pairs from a real 0313 GTC). Not yet seen on hardware:
everything; above all what it answers to a set command without control (it is read back), whether RF comes back when an
interlock closes again, and that the bias in the answer to GT is in whole volts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
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
from devices.sputter.parts import SupplyState
from devices.wire import Sync, Wire

CONTROL_TIMEOUT = 2.0
"""Seconds of silence after which control is lost [PyMeasure, tccxn.py]."""

SILENCE = 2 * CONTROL_TIMEOUT
"""Seconds after the last word from here within which it may be on without having been polled."""

UNDERSTOOD, NOT_UNDERSTOOD = b"*", b"?"
ZERO_CELSIUS = 273.15

RF_ON = 1 << 0
FLAGS = {
    4: "external RF source",
    8: "forward power limit",
    9: "reflected power limit",
    10: "over-temperature",
    11: "interlock open",
    14: "analog interface",
}
"""What is complained of, by bit [PyMeasure, tccxn.py]; 5 and 6 are ways to level, not complaints."""

LOST = "control lost"

_HEAD, _SUM = 5, 2


def command(letters: bytes, first: int = 0, second: int = 0) -> bytes:
    """Return a whole command."""
    content = b"C\x00" + letters + first.to_bytes(2, "big") + second.to_bytes(2, "big")
    return content + sum(content).to_bytes(2, "big")


IDENTIFY = command(b"Gi", 1)
POWERS, STATUS, TUNER, SET_POINT = command(b"GP"), command(b"GS"), command(b"GT"), command(b"GL")
SWITCH_ON, SWITCH_OFF = command(b"BR", 0x5555), command(b"BR")
TAKE, GIVE_BACK = command(b"BC", 0x5555), command(b"BC")


class Acknowledgement:
    """One byte: understood or not."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Take it."""
        return bytes([buffer.pop(0)]) if buffer else None


class Answer:
    """`?`, or `*` and then R, address, length, data, sum."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Take as many bytes as it says that it has."""
        if buffer[:1] not in (b"", UNDERSTOOD):
            return bytes([buffer.pop(0)])
        if len(buffer) < _HEAD:
            return None
        length = _HEAD + int.from_bytes(buffer[3:5], "big") + _SUM
        if len(buffer) < length:
            return None
        answer = bytes(buffer[:length])
        del buffer[:length]
        return answer


class Model:
    """The answer to the question who it is, wherever it stands among what came before."""

    HEAD, LENGTH = b"*R\x00\x00\x10\x00\x01", _HEAD + 16 + _SUM

    def take(self, buffer: bytearray) -> bytes | None:
        """Take it with all that stands before it."""
        start = buffer.find(self.HEAD)
        while start >= 0:
            answer = bytes(buffer[start : start + self.LENGTH])
            if is_model(answer):
                del buffer[: start + self.LENGTH]
                return answer
            start = buffer.find(self.HEAD, start + 1)
        return None


ACKNOWLEDGEMENT, ANSWER, MODEL = Acknowledgement(), Answer(), Model()


def data_of(answer: bytes) -> bytes:
    """Return the data of an answer. Raises Garbled."""
    content, check = answer[1:-_SUM], answer[-_SUM:]
    if answer[:2] != b"*R" or sum(content).to_bytes(2, "big") != check:
        raise Garbled(f"{answer!r} is no answer, or fails its checksum; it was thrown away")
    return content[4:]


def is_model(answer: bytes) -> bool:
    """Return whether this is the answer to IDENTIFY and to nothing else."""
    return len(answer) == Model.LENGTH and sum(answer[1:-_SUM]).to_bytes(2, "big") == answer[-_SUM:]


def words(data: bytes) -> list[int]:
    """Return data as numbers of two bytes."""
    return list(struct.unpack(f">{len(data) // 2}H", data))


class AJA0313(Instrument):
    """An RF generator with its match."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Nothing above power_limit is ever set."""

        power_limit: Annotated[float, Field(gt=0, le=300), Unit("W")]

    kind_name = "AJA 0313 GTC"
    watchdog: ClassVar[float | None] = CONTROL_TIMEOUT
    sync: ClassVar[Sync | None] = Sync(IDENTIFY, MODEL, is_model)

    forward = Component(Quantity, get="read_forward", unit="W", precision=1, kind="normal")
    reflected = Component(Quantity, get="read_reflected", unit="W", precision=1, kind="normal")
    bias = Component(Quantity, get="read_bias", unit="V", precision=0, kind="normal")
    load_capacitor = Component(Quantity, get="read_load_capacitor", unit="1", precision=3, kind="normal")
    tune_capacitor = Component(Quantity, get="read_tune_capacitor", unit="1", precision=3, kind="normal")

    def __init__(self, wire: Wire, clock: Clock, *, name: str, power_limit: float, **kwargs: Any) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.limit = power_limit
        self.guard: Callable[[], None] = anybody
        self.acting = True
        self._last: SupplyState | None = None
        self._tuner = (0.0, 0.0)
        self._took = self._lost = False
        self._power = 0.0
        self._read_at = self._said_at = -SILENCE

    @property
    def reading_age(self) -> float:
        """How old what is read now is [s]: not of now while RF is on and somebody only looks."""
        return self.clock.now() - self._read_at if self._remembered() is not None else 0.0

    def identify(self) -> str:
        """Return make and model. Raises InterlockError (nothing sent) where asking would keep RF on."""
        if self._remembered() is not None:
            raise InterlockError(
                "lease",
                f"{self.name}: RF is on, and who asks is not the loop that keeps it alive; to identify it would."
                " Nothing was sent; off() is always heard",
            )
        model = self._ask(IDENTIFY, MODEL)[2:].rstrip(b"\0").decode("ascii", "replace").strip()
        return f"AJA {model}"

    def take_control(self) -> None:
        """Take it from its front panel. Raises InstrumentError when it does not let go."""
        if words(self._ask(TAKE, length=2)) != [1]:
            self._took = False
            raise InstrumentError(self.name, "BC", "control was refused: it is operated from elsewhere")
        self._took, self._lost = True, False

    def set_power(self, power: float) -> None:
        """Set the power [W], to the nearest whole one, and read it back; nothing is switched on.

        Raises LimitError and, for more than none, what the guard raises (nothing sent in both), InstrumentError when it
        has another set point than the one sent.
        """
        if not 0 <= power <= self.limit:
            raise LimitError(f"{self.name} power", power, "W", 0.0, self.limit)
        if power > 0:
            self.guard()
        wanted = min(round(power), int(self.limit))
        self._command(command(b"SA", wanted))
        found = self.read_set_power()
        if found != wanted:
            self._lost = True
            raise InstrumentError(
                self.name, "SA", f"{wanted} W were sent, it is set to {found:g} W: is it in control?"
            )
        self._power = found

    def on(self) -> None:
        """Switch RF on, and see that it is.

        The guard is asked each time that this is sent: once, and again only where the acknowledgement was lost and
        it is still off. Raises what the guard raises, InstrumentError when it stays off, OutcomeUnknown.
        """
        lost: WireError | None = None
        for _ in range(2):
            self.guard()
            self._suppose_on()
            try:
                self.wire.ask(SWITCH_ON, ACKNOWLEDGEMENT, lambda reply: self._heard(reply, SWITCH_ON))
            except (Timeout, Garbled) as error:
                lost = error
                if self.state().on:
                    return
                continue
            state = self.state()
            if not state.on:
                said = ", ".join(sorted(state.flags)) or "it does not say why; is this host in control?"
                raise InstrumentError(self.name, "BR", f"RF stays off: {said}")
            return
        raise OutcomeUnknown(
            f"{self.name}: the acknowledgement of switching RF on was lost twice ({lost}) and it was off when asked;"
            " off() makes sure"
        ) from lost

    def off(self) -> None:
        """Switch RF off; may be sent twice."""
        try:
            self._command(SWITCH_OFF)
        except WireError:
            self.wire.tell(SWITCH_OFF)
            raise
        self._last = None

    def state(self) -> SupplyState:
        """Ask for powers, flags and bias, which keeps control; tell the last ones to whoever only looks."""
        remembered = self._remembered()
        if remembered is not None:
            return remembered
        forward, reflected, load = self._powers()
        flags, celsius, *_ = words(self._ask(STATUS, length=8))
        _, load_capacitor, tune_capacitor, bias, *_ = words(self._ask(TUNER, length=10))
        on = bool(flags & RF_ON)
        went_off = not on and self._last is not None and self._last.on
        if went_off and self._took and self.read_set_power() != self._power:
            self._lost = True
        said = {text for bit, text in FLAGS.items() if flags >> bit & 1}
        if self._took and self._lost:
            said.add(LOST)
        self._tuner = load_capacitor / 1000, tune_capacitor / 1000
        self._read_at = self.clock.now()
        self._last = SupplyState(
            on=on,
            forward=forward,
            reflected=reflected,
            load=load,
            bias=float(bias),
            current=0.0,
            in_control=self._took and not self._lost,
            flags=frozenset(said),
            temperature=celsius / 10 + ZERO_CELSIUS,
        )
        return self._last

    def safe(self) -> None:
        """Switch off and give control back, which switches off too; blind on a dead wire, before the error is raised.

        Raises InstrumentError when RF is on all the same.
        """
        try:
            self.off()
            self._ask(GIVE_BACK)
            self._took, self._power = False, 0.0
            if words(self._ask(STATUS, length=8))[0] & RF_ON:
                raise InstrumentError(
                    self.name, "BR", "RF is on from elsewhere; switch it off at its front panel"
                )
        except WireError:
            self.wire.tell(GIVE_BACK)
            raise

    def read_set_power(self) -> float:
        """Return the power it is set to [W]."""
        return words(self._ask(SET_POINT, length=2))[0] / 10

    def read_forward(self) -> float:
        """Return the forward power [W]."""
        last = self._remembered()
        return last.forward if last else self._powers()[0]

    def read_reflected(self) -> float:
        """Return the reflected power [W]."""
        last = self._remembered()
        return last.reflected if last else self._powers()[1]

    def read_bias(self) -> float:
        """Return the self-bias [V], as a positive number."""
        last = self._remembered()
        return last.bias if last else float(words(self._ask(TUNER, length=10))[3])

    def read_load_capacitor(self) -> float:
        """Return where the match's load capacitor is, 0 to 1."""
        return self._capacitors()[0]

    def read_tune_capacitor(self) -> float:
        """Return where the match's tune capacitor is, 0 to 1."""
        return self._capacitors()[1]

    def _capacitors(self) -> tuple[float, float]:
        if self._remembered() is None:
            _, load, tune, *_ = words(self._ask(TUNER, length=10))
            self._tuner = load / 1000, tune / 1000
        return self._tuner

    def _powers(self) -> tuple[float, float, float]:
        forward, reflected, load = words(self._ask(POWERS, length=6))
        return forward / 10, reflected / 10, load / 10

    def _suppose_on(self) -> None:
        """Count it as on from here: whoever only looks must not feed it from the moment that it is sent."""
        before = self._last or SupplyState(True, 0.0, 0.0, 0.0, 0.0, 0.0, True, frozenset())
        self._last = replace(before, on=True)
        self._say()

    def _remembered(self) -> SupplyState | None:
        """Return the last reading where asking for another would keep it on on nobody's behalf."""
        last = self._last
        if self.acting or last is None or not last.on:
            return None
        return last if self.clock.now() - self._said_at <= SILENCE else None

    def _say(self) -> None:
        """Note that something is said now; after too long a silence control is lost until it is taken again."""
        now = self.clock.now()
        if now - self._said_at >= CONTROL_TIMEOUT:
            self._lost = True
        self._said_at = now

    def _command(self, request: bytes) -> None:
        """Send what does no more when it comes twice."""

        def parse(reply: bytes) -> None:
            self._heard(reply, request)

        self._say()
        self.wire.ask(request, ACKNOWLEDGEMENT, parse, repeat=True)

    def _ask(self, request: bytes, framing: Answer | Model = ANSWER, length: int = 0) -> bytes:
        """Ask a question, or take or give back control, which does no more when it comes twice."""

        def parse(reply: bytes) -> bytes:
            if len(reply) == 1:
                self._heard(reply, request)
            data = data_of(reply)
            if length and len(data) != length:
                raise Garbled(f"{self.name}: {reply!r} is not the answer that was due; it was thrown away")
            return data

        self._say()
        return self.wire.ask(request, framing, parse, repeat=True)

    def _heard(self, reply: bytes, request: bytes) -> None:
        if reply != UNDERSTOOD:
            raise Garbled(
                f"{self.name} answered {reply!r} to {request!r}: it did not understand and did nothing"
            )
