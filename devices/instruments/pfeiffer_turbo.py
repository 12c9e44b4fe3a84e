"""Pfeiffer turbo pump (drive units TC 110, TC 400 and alike) in the Pfeiffer Vacuum telegram protocol, on RS-485.

Control: the pumping station on (which acknowledges an error as well) and off.
Get:     name of the drive unit, firmware, switched on, error code.
Measure: rotation [Hz], in whole Hz; current of the motor [A], in 10 mA.
Set:     nothing else.

A telegram is address (3 digits), 00 to ask or 10 to tell, parameter (3 digits), length of the data (2 digits), data,
checksum, CR; checksum: sum of all bytes before it modulo 256, in 3 digits. The answer repeats address and parameter.
Telling answers with the data itself. NO_DEF, _RANGE and _LOGIC instead of data are errors. What fails its checksum is
not answered, so a garbled question ends in silence and is asked again.

Sources: operating instructions TC 110 and TC 400 (parameters 009, 010, 303, 309, 310, 312, 315, 349); recordings of a
TC 110 on its bus (PyPI pfeifferpumps-tspspi) for identity, speed, error code and switch; PyPI pfeiffer-vacuum-protocol
for telegrams and errors. Not yet seen on hardware: what is told to it (only the same state read back), _LOGIC, the
current, the nominal speed 315.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from ophyd import Component

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError
from devices.sputter.parts import TurboState
from devices.wire import Sync, Terminated, Wire

CARRIAGE_RETURN = Terminated(b"\r")

ADDRESS = b"001"
"""Of a drive unit as delivered (parameter 797)."""

PUMPING_STATION, ERROR, SPEED, CURRENT, FIRMWARE, FULL_SPEED, NAME = 10, 303, 309, 310, 312, 315, 349
ON, OFF = b"111111", b"000000"

REFUSALS = {
    b"NO_DEF": "it has no such parameter",
    b"_RANGE": "the value is out of range, or not of the right length",
    b"_LOGIC": "that may only be read, or not now",
}

_NUMBER = re.compile(rb"[0-9]{6}")
_BOOLEAN = re.compile(rb"000000|111111")
_ERROR = re.compile(rb"000000|(?:Err|Wrn|err|wrn)[0-9]{3}")
_TEXT = re.compile(rb"[ -~]+")


def telegram(action: bytes, parameter: int, data: bytes) -> bytes:
    """Return a whole telegram; action is 00 (ask) or 10 (tell, and answer)."""
    content = b"%s%s%03d%02d%s" % (ADDRESS, action, parameter, len(data), data)
    return content + b"%03d\r" % (sum(content) % 256)


def is_name(reply: bytes) -> bool:
    """Return whether this is the answer to parameter 349 and to nothing else."""
    return reply[:8] == ADDRESS + b"10349" and reply[-3:] == b"%03d" % (sum(reply[:-3]) % 256)


class PfeifferTurbo(Instrument):
    """The turbo pump of a vacuum chamber."""

    kind_name = "Pfeiffer turbo pump"
    sync: ClassVar[Sync | None] = Sync(telegram(b"00", NAME, b"=?"), CARRIAGE_RETURN, is_name)

    speed = Component(Quantity, get="read_speed", unit="Hz", precision=0, kind="normal")
    current = Component(Quantity, get="read_current", unit="A", precision=2, kind="normal")
    switched_on = Component(Quantity, get="read_switched_on", unit="1", precision=0, kind="normal")

    def __init__(self, wire: Wire, clock: Clock, *, name: str, **kwargs: Any) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.guard: Callable[[], None] = anybody
        self._full_speed: float | None = None

    def identify(self) -> str:
        """Return the drive unit's name and firmware."""
        name, firmware = (
            self._read(NAME, _TEXT).decode().strip(),
            self._read(FIRMWARE, _TEXT).decode().strip(),
        )
        return f"Pfeiffer {name}, firmware {firmware}"

    def start(self) -> None:
        """Run up; an error that stands is acknowledged by that. Raises what the guard raises, InstrumentError."""
        self.guard()
        self._tell(PUMPING_STATION, ON)

    def stop(self) -> None:
        """Run down. Raises what the guard raises, InstrumentError."""
        self.guard()
        self._tell(PUMPING_STATION, OFF)

    def state(self) -> TurboState:
        """Ask for speed, current, switch and error. Raises InstrumentError, WireError."""
        return TurboState(
            speed=self.read_speed(),
            full_speed=self.full_speed(),
            current=self.read_current(),
            on=bool(self.read_switched_on()),
            error=self.error(),
        )

    def full_speed(self) -> float:
        """Return the nominal rotation [Hz] of the pump, which is asked for once."""
        if self._full_speed is None:
            self._full_speed = float(self._read(FULL_SPEED, _NUMBER))
        return self._full_speed

    def error(self) -> str:
        """Return its error (Err001 and on) or warning (Wrn001 and on); empty if none."""
        code = self._read(ERROR, _ERROR)
        return "" if code == OFF else code.decode()

    def read_speed(self) -> float:
        """Return the rotation [Hz]."""
        return float(self._read(SPEED, _NUMBER))

    def read_current(self) -> float:
        """Return the motor's current [A]."""
        return int(self._read(CURRENT, _NUMBER)) / 100

    def read_switched_on(self) -> int:
        """Return 1 when it is switched on."""
        return int(self._read(PUMPING_STATION, _BOOLEAN) == ON)

    def safe(self) -> None:
        """Do nothing: it keeps pumping."""

    def _read(self, parameter: int, form: re.Pattern[bytes]) -> bytes:
        return self._exchange(b"00", parameter, b"=?", form)

    def _tell(self, parameter: int, data: bytes) -> None:
        answer = self._exchange(b"10", parameter, data, _BOOLEAN)
        if answer != data:
            raise InstrumentError(
                self.name, f"{parameter:03d}", f"{data!r} was asked for, it answers {answer!r}"
            )

    def _exchange(self, action: bytes, parameter: int, data: bytes, form: re.Pattern[bytes]) -> bytes:
        """Ask or tell what may be sent twice: the switch says how things shall be, not what to change."""
        heading = b"%s10%03d" % (ADDRESS, parameter)

        def parse(reply: bytes) -> bytes:
            content, found = reply[:-3], reply[10:-3]
            right = (
                reply[-3:] == b"%03d" % (sum(content) % 256)
                and reply.startswith(heading)
                and reply[8:10] == b"%02d" % len(found)
            )
            if right and found in REFUSALS:
                raise InstrumentError(self.name, f"{parameter:03d} {found.decode()}", REFUSALS[found])
            if not right or not form.fullmatch(found):
                raise Garbled(f"{self.name}: {reply!r} is not the reply that was due; it was thrown away")
            return found

        request = telegram(action, parameter, data)
        return self.wire.ask(request, CARRIAGE_RETURN, parse, repeat=True)
