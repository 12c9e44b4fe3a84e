"""AJA DCXS-750 DC supply for magnetron guns.

Control: output on and off; regulation by power, no ramp and no timer of its own, and the gun it is switched to.
Get:     model, software, output on, fault, gun.
Measure: power (1 W), voltage (1 V), current (1 mA).
Set:     power in whole watts, in [0, power_limit].

Single letters without a terminator: capital ones set, with digits of fixed number behind, and are not answered; small
ones ask and are answered with characters of fixed number. So every set is sent together with the question that reads
it back. Nothing is checked by a sum: a set point that came wrong is seen when it is read back, whether it is on is
asked twice in one breath, and a measured digit that came wrong is not seen at all. After a lost byte the next ones are
taken for its digits; five of anything end that, so five `?` find the way back, and OFF is said five times.

It has no watchdog. What switches it off when the host is dead is its interlock loop.

Source: PyMeasure, aja/dcxs.py and its tests; the labRAD server "DCXS power" agrees. Not yet seen on hardware:
everything; above all that letters may follow one another at once, that fault `0` is none, and what it does with bad
digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError, OutcomeUnknown, Timeout, WireError
from devices.quantities import STRICT, Unit
from devices.sputter.parts import SupplyState
from devices.wire import FixedLength, Sync, Wire

T = TypeVar("T")

MODEL = b"DCXS"
MODEL_LENGTH = 9

LONGEST = 4
"""Digits that the longest command sent from here has (C)."""

IDENTIFY = b"?" * (LONGEST + 1)
SWITCH_OFF = b"B" * (LONGEST + 1)
"""The first four may be taken for the digits of a set point that was torn off."""

IS_ON, FAULT = b"aa", b"oo"
"""One bit of one character tells 0 from 1, so both are asked twice."""

STATE = IS_ON + b"def" + FAULT

POWER_REGULATION = b"0"


class Model:
    """So many answers to `?`, wherever they begin: at power-up the supply says some `>`."""

    def __init__(self, answers: int = 1) -> None:
        self.length = answers * MODEL_LENGTH

    def take(self, buffer: bytearray) -> bytes | None:
        """Take them with all that stands before; return the first."""
        start = buffer.find(MODEL)
        if start < 0 or len(buffer) < start + self.length:
            return None
        model = bytes(buffer[start : start + MODEL_LENGTH])
        del buffer[: start + self.length]
        return model


def is_model(reply: bytes) -> bool:
    """Return whether this is an answer to `?` and to nothing else."""
    return reply.startswith(MODEL)


def number(digits: bytes) -> int:
    """Return the number that digits are. Raises Garbled."""
    if not digits.isdigit():
        raise Garbled(f"{digits!r} is not a number; it was thrown away")
    return int(digits)


class AJADCXS(Instrument):
    """A DC supply and the gun it is switched to."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Nothing above power_limit is ever set. gun: which of its outputs is used."""

        power_limit: Annotated[float, Field(gt=0, le=1000), Unit("W")]
        gun: Annotated[int, Field(ge=1, le=5)] = 1

    kind_name = "AJA DCXS-750"
    watchdog: ClassVar[float | None] = None
    sync: ClassVar[Sync | None] = Sync(IDENTIFY, Model(), is_model)

    power = Component(Quantity, get="read_power", unit="W", precision=0, kind="normal")
    voltage = Component(Quantity, get="read_voltage", unit="V", precision=0, kind="normal")
    current = Component(Quantity, get="read_current", unit="A", precision=3, kind="normal")

    def __init__(
        self, wire: Wire, clock: Clock, *, name: str, power_limit: float, gun: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.limit, self.gun = power_limit, gun
        self.guard: Callable[[], None] = anybody
        self.acting = True
        self._took = False

    def identify(self) -> str:
        """Return make, model and software."""
        model = self.wire.ask(IDENTIFY, Model(len(IDENTIFY)), repeat=True).decode("ascii", "replace")
        software = self._ask(b"z", 5, lambda reply: reply).decode("ascii", "replace")
        return f"AJA {model}, software {software}"

    def take_control(self) -> None:
        """Have it regulate power, without ramp and timer, on its gun; it has no front panel to take it from.

        Raises InstrumentError when it does not take these settings, which it may refuse while it is on.
        """
        self._put(b"D", POWER_REGULATION, b"c")
        self._put(b"Z", b"%d" % self.gun, b"y")
        self._put(b"E", b"00", b"g")
        self._put(b"F", b"00", b"h")
        self._put(b"G", b"000", b"i")
        self._put(b"H", b"00", b"j")
        self._took = True

    def set_power(self, power: float) -> None:
        """Set the power [W], to the nearest whole one, and read it back; nothing is switched on.

        Raises LimitError and, for more than none, what the guard raises (nothing sent in both), InstrumentError when it
        has another set point than the one sent.
        """
        if not 0 <= power <= self.limit:
            raise LimitError(f"{self.name} power", power, "W", 0.0, self.limit)
        if power > 0:
            self.guard()
        self._put(b"C", b"%04d" % min(round(power), int(self.limit)), b"b")

    def on(self) -> None:
        """Switch the output on, and see that it is.

        The guard is asked each time that this is sent: once, and again only where the reply was lost and it is still
        off. Raises what the guard raises, InstrumentError when it stays off, OutcomeUnknown.
        """
        lost: WireError | None = None
        for _ in range(2):
            self.guard()
            try:
                is_on = self.wire.ask(b"A" + IS_ON, FixedLength(2), self._is_on)
            except (Timeout, Garbled) as error:
                lost = error
                if self._ask(IS_ON, 2, self._is_on):
                    return
                continue
            if not is_on:
                fault = self.read_fault()
                said = f"fault {fault}" if fault else "it does not say why"
                raise InstrumentError(self.name, "A", f"the output stays off: {said}")
            return
        raise OutcomeUnknown(
            f"{self.name}: the reply to switching on was lost twice ({lost}) and it was off when asked;"
            " off() makes sure"
        ) from lost

    def off(self) -> None:
        """Switch the output off, and see that it is; may be sent twice. Raises InstrumentError when it stays on."""

        def parse(reply: bytes) -> None:
            if self._is_on(reply):
                raise Garbled(f"{self.name} is on after it was sent OFF; it may not have heard it")

        try:
            self._ask(SWITCH_OFF + IS_ON, 2, parse)
        except WireError:
            self.wire.tell(SWITCH_OFF)
            raise

    def state(self) -> SupplyState:
        """Ask for the present state; it feeds no watchdog."""
        on, power, voltage, milliamperes, fault = self._ask(STATE, 16, self._state)
        return SupplyState(
            on=on,
            forward=float(power),
            reflected=0.0,
            load=float(power),
            bias=float(voltage),
            current=milliamperes / 1000,
            in_control=self._took,
            flags=frozenset({f"fault {fault}"} if fault else ()),
        )

    def safe(self) -> None:
        """Switch off, set point zero; on a dead wire OFF is sent blind before the error is raised."""
        self.off()
        self._put(b"C", b"0000", b"b")
        self._took = False

    def read_power(self) -> float:
        """Return the power [W]."""
        return float(self._ask(b"d", 4, number))

    def read_voltage(self) -> float:
        """Return the voltage [V], as a positive number."""
        return float(self._ask(b"e", 4, number))

    def read_current(self) -> float:
        """Return the current [A]."""
        return self._ask(b"f", 4, number) / 1000

    def read_fault(self) -> str:
        """Return what it says of a fault; empty if there is none."""
        return self._ask(FAULT, 2, self._fault)

    def _put(self, letter: bytes, value: bytes, question: bytes) -> None:
        """Set what does no more when it comes twice, and read it back in the same breath."""

        def parse(reply: bytes) -> bytes:
            number(reply)
            return reply

        for _ in range(2):
            found = self._ask(letter + value + question, len(value), parse)
            if found == value:
                return
        raise InstrumentError(
            self.name, letter.decode(), f"{value.decode()} was sent, {found.decode()} was read back"
        )

    def _state(self, reply: bytes) -> tuple[bool, int, int, int, str]:
        return (
            self._is_on(reply[:2]),
            number(reply[2:6]),
            number(reply[6:10]),
            number(reply[10:14]),
            self._fault(reply[14:]),
        )

    def _is_on(self, reply: bytes) -> bool:
        if reply not in (b"00", b"11"):
            raise Garbled(f"{self.name}: {reply!r} is neither on nor off; it was thrown away")
        return reply == b"11"

    def _fault(self, reply: bytes) -> str:
        if not reply.isdigit() or reply[0] != reply[1]:
            raise Garbled(f"{self.name}: {reply!r} is not the number of a fault; it was thrown away")
        return reply[:1].decode().strip("0")

    def _ask(self, request: bytes, length: int, parse: Callable[[bytes], T]) -> T:
        return self.wire.ask(request, FixedLength(length), parse, repeat=True)
