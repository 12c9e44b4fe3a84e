"""Eurotherm 2400 temperature controller, for a substrate's heater or a furnace.

Control: automatic (holds its set point) or manual without power.
Get:     identity, sensor break.
Measure: temperature; power given, 0 to 1.
Set:     temperature, in [0 degC, temperature_limit], read back.

Modbus RTU, address 1. Numbers are whole, with as many decimals as its display has, in degC; the power has one decimal.
A broken sensor is an error, never a number.

A lost host: it holds its temperature. Safe is: manual, no power.

Sources: the AERCO Modbus manual for the 2400 (registers 1, 3, 5, 24, 258); users' drivers for 2000 series (2, 111, 112,
122, 273). Not yet seen on hardware: everything; above all the decimals of the power, that function 4 reads what
function 3 does, and that the identity of a 2400 begins with 24 (hexadecimal).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import InstrumentError, LimitError, WireError
from devices.modbus import ModbusRTU
from devices.quantities import STRICT, Unit
from devices.wire import Sync, Wire

PROCESS_VALUE, TARGET, POWER = 1, 2, 3
IDENTITY, SENSOR_BREAK, MODE = 122, 258, 273
AUTOMATIC, MANUAL = 0, 1
FULL_POWER = 1000
"""The power with its one decimal."""

LARGEST = 0x7FFF
"""What a register holds."""

SERIES = 0x24
IDENTITY_REPLY = bytes((1, 4, 2, SERIES))
"""How the identity begins when it is read by function 4, which nothing else here uses."""

COLDEST = 273.15


class Identity:
    """The identity read by function 4, wherever its reply stands."""

    LENGTH = 7

    def take(self, buffer: bytearray) -> bytes | None:
        """Take it with all that stands before it."""
        start = buffer.find(IDENTITY_REPLY)
        if start < 0 or len(buffer) < start + self.LENGTH:
            return None
        reply = bytes(buffer[start : start + self.LENGTH])
        del buffer[: start + self.LENGTH]
        return reply


class Eurotherm2400(Instrument):
    """Holds one temperature."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Nothing above temperature_limit is ever set. decimals: of its display, which its numbers follow.

        With two of them it cannot be set above 327.67 degC.
        """

        temperature_limit: Annotated[float, Field(gt=COLDEST, le=1673.15), Unit("K")]
        decimals: Annotated[int, Field(ge=0, le=2)] = 1

    kind_name = "Eurotherm 2400"
    sync: ClassVar[Sync | None] = Sync(
        b"\x01\x04\x00\x7a\x00\x01\x10\x13", Identity(), lambda reply: reply.startswith(IDENTITY_REPLY)
    )

    temperature = Component(Quantity, get="read_temperature", unit="K", precision=2, kind="normal")
    target = Component(Quantity, get="read_target", unit="K", precision=2, kind="normal")
    power = Component(Quantity, get="output", unit="1", precision=3, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        temperature_limit: float,
        decimals: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self._scale = 10.0**decimals
        self.limit = min(temperature_limit, COLDEST + LARGEST / self._scale)
        self.guard: Callable[[], None] = anybody
        self._modbus = ModbusRTU(wire, name)

    def identify(self) -> str:
        """Return make and identity. Raises InstrumentError when it is no 2400."""
        (identity,) = self._modbus.read(IDENTITY)
        if identity >> 8 != SERIES:
            raise InstrumentError(self.name, f"{identity & 0xFFFF:04X}", "this is not the identity of a 2400")
        return f"Eurotherm {identity:04X}"

    def set_temperature(self, temperature: float) -> None:
        """Hold a temperature [K], and read back that it will.

        Raises LimitError and what the guard raises (nothing sent in both), InstrumentError when it has another set
        point or mode than the one sent.
        """
        if not COLDEST <= temperature <= self.limit:
            raise LimitError(f"{self.name} temperature", temperature, "K", COLDEST, self.limit)
        self.guard()
        wanted = round((temperature - COLDEST) * self._scale)
        self._modbus.write(TARGET, wanted)
        self._modbus.write(MODE, AUTOMATIC)
        (found,), (mode,) = self._modbus.read(TARGET), self._modbus.read(MODE)
        if (found, mode) != (wanted, AUTOMATIC):
            raise InstrumentError(
                self.name,
                f"{TARGET}",
                f"{wanted} (automatic) was sent, {found} ({'manual' if mode else 'automatic'}) was read back",
            )

    def read_temperature(self) -> float:
        """Return the temperature [K]. Raises InstrumentError when the sensor is broken."""
        (value,) = self._modbus.read(PROCESS_VALUE)
        # A sensor that broke before its value was read is seen afterwards.
        (broken,) = self._modbus.read(SENSOR_BREAK)
        if broken:
            raise InstrumentError(self.name, "S.br", "its sensor is broken; it gives no power by itself")
        return value / self._scale + COLDEST

    def read_target(self) -> float:
        """Return the temperature it is set to [K]."""
        return self._modbus.read(TARGET)[0] / self._scale + COLDEST

    def output(self) -> float:
        """Return how much of its power it gives, 0 to 1."""
        return self._modbus.read(POWER)[0] / FULL_POWER

    def off(self) -> None:
        """Give no power, and see that it does not; blind on a dead wire, before the error is raised.

        Raises InstrumentError when it gives some all the same.
        """
        try:
            self._modbus.write(MODE, MANUAL)
            self._modbus.write(POWER, 0)
            left = self.output()
        except WireError:
            self._modbus.tell(MODE, MANUAL)
            self._modbus.tell(POWER, 0)
            raise
        if left:
            raise InstrumentError(
                self.name, f"{POWER}", f"it gives {100 * left:g} % after it was told to give none"
            )

    def safe(self) -> None:
        """Give no power."""
        self.off()
