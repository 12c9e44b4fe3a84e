"""Ports: a serial line, a VISA resource, a unix socket, a twin in this process, a transcript, and trouble on them."""

from __future__ import annotations

import random
import select
import socket
import termios
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import serial

from devices.clock import Clock
from devices.errors import WireError
from devices.locks import LOCKS, PortLock
from devices.wire import Port

SLACK = 1e-6
"""Seconds: what is due this soon is due now, since clocks count whole nanoseconds and floats do not."""

LINE_FAILURES = (OSError, serial.SerialException, termios.error)
"""What a line raises that is gone or cannot be opened; of one pulled out in a write termios says so itself."""


class SerialPort:
    """A serial line or anything else pyserial opens (`/dev/serial/by-id/...`, `socket://host:port`).

    8 data bits; parity "N", "E" or "O". A line that was pulled out is opened again at the next write, still
    under the same lock: name it by-id, since a number may change.
    """

    def __init__(
        self, address: str, clock: Clock, *, baud: int = 9600, parity: str = "N", locks: Path = LOCKS
    ) -> None:
        """Take the lock and open the line. Raises OwnershipError, WireError."""
        self._address, self._baud, self._parity = address, baud, parity
        self._serial: serial.Serial | None = None
        self._lock = PortLock(address, clock, locks)
        try:
            self._opened()
        except WireError:
            self._lock.release()
            raise

    def write(self, data: bytes) -> None:
        """Send all of it, opening the line again when it was lost."""
        line = self._opened()
        try:
            line.write(data)
            line.flush()
        except LINE_FAILURES as error:
            raise self._lost(error) from error

    def read(self, timeout: float) -> bytes:
        """Return what came, waiting up to `timeout` seconds for the first byte."""
        line = self._opened()
        try:
            line.timeout = timeout
            first: bytes = line.read(1)
            return first + line.read(line.in_waiting) if first else b""
        except LINE_FAILURES as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Close the line and release the lock."""
        self._shut()
        self._lock.release()

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            try:
                self._serial = serial.serial_for_url(
                    self._address, baudrate=self._baud, parity=self._parity, exclusive=True
                )
            except LINE_FAILURES as error:
                raise WireError(f"{self._address} cannot be opened: {error}; nothing was sent") from error
        return self._serial

    def _shut(self) -> None:
        line, self._serial = self._serial, None
        if line is not None:
            connection: socket.socket | None = getattr(line, "_socket", None)
            if connection is not None:
                # pyserial waits for 0.3 s after it closed a socket, and leaves one open that the other end has reset.
                line.is_open = False
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            line.close()

    def _lost(self, error: Exception) -> WireError:
        self._shut()
        return WireError(
            f"{self._address} is gone ({error}); what the instrument does is unknown until it is plugged in"
            " again, the next use opens it anew"
        )


class VisaPort:
    """A VISA resource (`TCPIP::host::5025::SOCKET`), raw: terminators are the dialect's business.

    Bytes are read one at a time, since VISA throws away what came when a longer read times out. Not yet seen
    on hardware.
    """

    def __init__(self, address: str, clock: Clock, *, backend: str = "@py", locks: Path = LOCKS) -> None:
        """Take the lock and open the resource. Raises OwnershipError, WireError."""
        # A lab without such a resource does not wait for its package, here as below.
        import pyvisa

        self._address = address
        self._lock = PortLock(address, clock, locks)
        self._manager = pyvisa.ResourceManager(backend)
        try:
            self._resource: Any = self._manager.open_resource(address, read_termination=None)
        except (OSError, pyvisa.Error) as error:
            self._manager.close()
            self._lock.release()
            raise WireError(f"{address} cannot be opened: {error}; nothing was sent") from error

    def write(self, data: bytes) -> None:
        """Send all of it."""
        import pyvisa

        try:
            self._resource.write_raw(data)
        except (OSError, pyvisa.Error) as error:
            raise self._lost(error) from error

    def read(self, timeout: float) -> bytes:
        """Return the next byte, waiting up to `timeout` seconds (VISA counts whole milliseconds)."""
        import pyvisa

        self._resource.timeout = round(timeout * 1000)
        try:
            byte: bytes = self._resource.read_bytes(1)
        except pyvisa.VisaIOError as error:
            if error.error_code == pyvisa.constants.StatusCode.error_timeout:
                return b""
            raise self._lost(error) from error
        except OSError as error:
            raise self._lost(error) from error
        return byte

    def close(self) -> None:
        """Close the resource and release the lock."""
        self._resource.close()
        self._manager.close()
        self._lock.release()

    def _lost(self, error: Exception) -> WireError:
        return WireError(
            f"{self._address} is gone ({error}); what the instrument does is unknown, close the session and"
            " open it again"
        )


class UnixPort:
    """A unix socket on which another process serves several clients, each of which is heard apart from the others.

    There is no lock: who may do what is the server's to say. A server that was restarted is found again at the
    next use.
    """

    def __init__(self, path: str) -> None:
        """Open it. Raises WireError."""
        self._path = path
        self._socket: socket.socket | None = None
        self._opened()

    def write(self, data: bytes) -> None:
        """Send all of it, opening the socket again when it was lost."""
        connection = self._opened()
        try:
            connection.settimeout(None)
            connection.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def read(self, timeout: float) -> bytes:
        """Return what came, waiting up to `timeout` seconds for the first byte."""
        connection = self._opened()
        try:
            if not select.select([connection], [], [], timeout)[0]:
                return b""
            received = connection.recv(1 << 16)
        except OSError as error:
            raise self._lost(error) from error
        if not received:
            raise self._lost(ConnectionError("closed by the server"))
        return received

    def close(self) -> None:
        """Close the socket; the server hears of it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._path)
            except OSError as error:
                connection.close()
                raise WireError(
                    f"{self._path} cannot be opened: {error}; nothing was sent, start the bridge that serves it"
                ) from error
            self._socket = connection
        return self._socket

    def _lost(self, error: Exception) -> WireError:
        self.close()
        return WireError(
            f"{self._path} is gone ({error}); what runs on the instrument goes on, the next use opens it anew"
        )


class Endpoint(Protocol):
    """Something in this process that answers bytes with bytes."""

    def exchange(self, data: bytes) -> bytes:
        """Take what was sent and return what it answers, at once."""


class Arrivals:
    """Bytes on their way: each chunk arrives at its time, and none overtakes another."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._chunks: deque[tuple[float, bytes]] = deque()

    def add(self, data: bytes, delay: float) -> None:
        """Let `data` arrive `delay` seconds from now, or behind what is already on its way."""
        if data:
            due = self._clock.now() + delay if delay else 0.0
            self._chunks.append((max(due, self._chunks[-1][0]) if self._chunks else due, data))

    def take(self) -> bytes:
        """Return everything that has arrived."""
        if not self._chunks:
            return b""
        arrived, now = b"", self._clock.now() + SLACK
        while self._chunks and self._chunks[0][0] <= now:
            arrived += self._chunks.popleft()[1]
        return arrived

    def wait(self, longest: float) -> float:
        """Return the seconds until the next chunk arrives, at most `longest`."""
        return min(longest, max(0.0, self._chunks[0][0] - self._clock.now())) if self._chunks else longest


class TwinPort:
    """A twin in this process; its replies take `latency` seconds of the clock, waiting costs clock time."""

    def __init__(self, endpoint: Endpoint, clock: Clock, lane: str, latency: float = 0.0) -> None:
        self._endpoint, self._clock, self._lane, self._latency = endpoint, clock, lane, latency
        self._arrivals = Arrivals(clock)

    def write(self, data: bytes) -> None:
        """Hand it to the twin."""
        self._arrivals.add(self._endpoint.exchange(data), self._latency)

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, or let time pass until something does."""
        arrived = self._arrivals.take()
        if not arrived and timeout > 0:
            self._clock.sleep(self._arrivals.wait(timeout), self._lane)
            arrived = self._arrivals.take()
        return arrived

    def close(self) -> None:
        """Leave the twin as it is."""


@dataclass(frozen=True)
class Pair:
    """One golden exchange: what is sent and what comes back (b"" for no reply)."""

    request: bytes
    reply: bytes


class TranscriptPort:
    """A recorded conversation, played once, in order; whoever says anything else is told."""

    def __init__(self, pairs: Sequence[Pair], clock: Clock, lane: str) -> None:
        self._pairs, self._clock, self._lane = deque(pairs), clock, lane
        self._waiting = b""

    def write(self, data: bytes) -> None:
        """Check the request against the recording. Raises WireError."""
        expected = self._pairs[0].request if self._pairs else None
        if data != expected:
            raise WireError(f"the transcript goes on with {expected!r}, not {data!r}")
        self._waiting += self._pairs.popleft().reply

    def read(self, timeout: float) -> bytes:
        """Return the recorded replies, or let `timeout` pass."""
        if not self._waiting:
            self._clock.sleep(timeout, self._lane)
        reply, self._waiting = self._waiting, b""
        return reply

    def close(self) -> None:
        """Check that the conversation was played to its end. Raises WireError."""
        if self._pairs:
            raise WireError(f"the transcript was not played to its end: {self._pairs[0].request!r} is next")


Trouble = Literal["ignore", "delay", "drop", "garble", "duplicate", "truncate", "dribble", "disconnect"]
"""ignore: the request is lost; garble: one bit flips in each byte concerned, which sums of bytes see worst;
dribble: the reply comes byte by byte; disconnect: the write fails unsent."""


@dataclass(frozen=True)
class Fault:
    """What happens to one exchange. `amount`: seconds of a delay, share of bytes garbled (at least one)."""

    trouble: Trouble
    amount: float = 0.0

    @property
    def delay(self) -> float:
        """By how many seconds the reply comes late."""
        return self.amount if self.trouble == "delay" else 0.0


def random_faults(
    seed: int, probabilities: Mapping[Trouble, float], amounts: Mapping[Trouble, float] | None = None
) -> Iterator[Fault | None]:
    """Yield an endless script: each exchange suffers at most one trouble, with the given probabilities."""
    chance = random.Random(seed)
    names = list(probabilities)
    weights = [*probabilities.values(), 1 - sum(probabilities.values())]
    while True:
        trouble = chance.choices([*names, None], weights)[0]
        yield None if trouble is None else Fault(trouble, (amounts or {}).get(trouble, 0.0))


def spoiled(reply: bytes, fault: Fault, chance: random.Random) -> bytes:
    """Return what a fault leaves of a reply of at least one byte."""
    match fault.trouble:
        case "drop":
            return b""
        case "duplicate":
            return reply + reply
        case "truncate":
            return reply[: chance.randrange(len(reply))]
        case "garble":
            return _garbled(reply, fault.amount, chance)
    return reply


def _garbled(reply: bytes, share: float, chance: random.Random) -> bytes:
    certain = chance.randrange(len(reply))
    return bytes(
        byte ^ 1 << chance.randrange(8) if position == certain or chance.random() < share else byte
        for position, byte in enumerate(reply)
    )


class FaultyPort:
    """Any port with trouble on it: one entry of the script per write, then none; same seed, same trouble."""

    def __init__(self, port: Port, clock: Clock, faults: Iterable[Fault | None], *, seed: int = 0) -> None:
        self._port, self._clock, self._faults = port, clock, iter(faults)
        self._chance = random.Random(seed)
        self._fault: Fault | None = None
        self._arrivals = Arrivals(clock)
        self._dribble: deque[int] = deque()

    def write(self, data: bytes) -> None:
        """Send it, unless the script says that it is lost. Raises WireError when disconnected."""
        self._fault = next(self._faults, None)
        trouble = self._fault.trouble if self._fault else None
        if trouble == "disconnect":
            raise WireError("the cable was pulled; nothing was sent")
        if trouble != "ignore":
            self._port.write(data)

    def read(self, timeout: float) -> bytes:
        """Return what the trouble leaves of the replies."""
        until = self._clock.now() + timeout
        while not (arrived := self._arrived()):
            remaining = until - self._clock.now()
            chunk = self._port.read(self._arrivals.wait(max(0.0, remaining)))
            self._spoil(chunk)
            if not chunk and until <= self._clock.now() + SLACK:
                return self._arrived()
        return arrived

    def close(self) -> None:
        """Close the port below."""
        self._port.close()

    def _arrived(self) -> bytes:
        if self._dribble:
            return bytes([self._dribble.popleft()])
        arrived = self._arrivals.take()
        if self._fault and self._fault.trouble == "dribble":
            self._dribble.extend(arrived[1:])
            return arrived[:1]
        return arrived

    def _spoil(self, chunk: bytes) -> None:
        if chunk and self._fault:
            self._arrivals.add(spoiled(chunk, self._fault, self._chance), self._fault.delay)
        else:
            self._arrivals.add(chunk, 0.0)
