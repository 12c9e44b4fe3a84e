"""Modbus RTU over a wire: minimalmodbus makes and checks the frames, the wire carries them.

The library would write to a serial port of its own, and sleep on the wall's clock between two frames. Here only its
exchange of bytes is replaced, so that a wire's lock, deadline and protection from late replies hold as for any dialect.
The silence between frames that the standard asks for (4 ms at 9600 baud) is what a reply and its handling take.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

import minimalmodbus

from devices.errors import Garbled, InstrumentError
from devices.wire import Wire

T = TypeVar("T")

REFUSAL = 0x80
"""Bit of the function by which an instrument says that it refuses."""

REFUSAL_LENGTH = 5
READ, WRITE_ONE = 3, 6


class Reply:
    """As many bytes as the request makes due, or a refusal."""

    def __init__(self, length: int) -> None:
        self.length = length

    def take(self, buffer: bytearray) -> bytes | None:
        """Take it."""
        length = REFUSAL_LENGTH if len(buffer) > 1 and buffer[1] & REFUSAL else self.length
        if len(buffer) < length:
            return None
        reply = bytes(buffer[:length])
        del buffer[:length]
        return reply


class NoPort:
    """What the library takes for an open serial port; no byte goes through it."""

    is_open = True

    def open(self) -> None:
        """Be open already."""

    def close(self) -> None:
        """Stay as it is."""

    def read(self, size: int) -> bytes:
        """Refuse: the wire reads."""
        raise NotImplementedError("bytes go over the wire")

    def write(self, data: bytes) -> int:
        """Refuse: the wire writes."""
        raise NotImplementedError("bytes go over the wire")


class Frames(minimalmodbus.Instrument):  # type: ignore[misc]
    """The library's master, with a wire for a port. blind: whether a request is sent without waiting for its reply."""

    def __init__(self, wire: Wire, address: int) -> None:
        super().__init__(NoPort(), address)
        self.wire, self.blind = wire, False

    def registers(self, first: int, count: int) -> list[int]:
        """Return registers as signed numbers; read_registers() does it too, and takes two and a half times as long."""
        data: bytes = self._perform_command(READ, struct.pack(">HH", first, count))
        if len(data) != 1 + 2 * count or data[0] != 2 * count:
            raise minimalmodbus.InvalidResponseError(f"{data!r} does not hold {count} registers")
        return list(struct.unpack(f">{count}h", data[1:]))

    def _communicate(self, request: bytes, number_of_bytes_to_read: int) -> bytes:
        """Exchange bytes: the library's own way to its port, replaced."""
        if self.blind:
            self.wire.tell(request)
            return request
        return self.wire.ask(request, Reply(number_of_bytes_to_read), repeat=True)


class ModbusRTU:
    """Registers of one instrument; every request here does no more when it comes twice, and is asked twice at most."""

    def __init__(self, wire: Wire, name: str, address: int = 1) -> None:
        self.name = name
        self._wire, self._frames = wire, Frames(wire, address)

    def read(self, first: int, count: int = 1) -> list[int]:
        """Return registers as signed numbers. Raises InstrumentError (refused), WireError."""
        return self._tried(lambda: self._frames.registers(first, count), f"read {first}")

    def write(self, register: int, value: int) -> None:
        """Set a register to a signed number; the echo acknowledges it. Raises InstrumentError (refused), WireError."""
        self._tried(lambda: self._write(register, value), f"write {register}")

    def tell(self, register: int, value: int) -> None:
        """Set a register without waiting for the echo, which says the same as the request. Raises WireError."""
        self._frames.blind = True
        try:
            self._write(register, value)
        finally:
            self._frames.blind = False

    def _write(self, register: int, value: int) -> None:
        self._frames.write_register(register, value, functioncode=WRITE_ONE, signed=True)

    def _tried(self, action: Callable[[], T], deed: str) -> T:
        try:
            try:
                return action()
            except minimalmodbus.InvalidResponseError:
                self._wire.dirty = True
                return action()
        except minimalmodbus.InvalidResponseError as error:
            self._wire.dirty = True
            raise Garbled(f"{self.name}, {deed}: {error}; it was thrown away") from error
        except minimalmodbus.SlaveReportedException as error:
            raise InstrumentError(self.name, deed, str(error)) from error
