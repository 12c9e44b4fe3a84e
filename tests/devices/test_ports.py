"""Ports: real ones over a pty and a socket, locks between processes, twins on the clock, and trouble."""

from __future__ import annotations

import os
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.errors import OwnershipError, WireError
from devices.instruments.glassman_fj import GlassmanFJ
from devices.ports import (
    Fault,
    FaultyPort,
    Pair,
    SerialPort,
    TranscriptPort,
    TwinPort,
    VisaPort,
    random_faults,
)
from devices.wire import Terminated, Wire
from sim.apparatus import FlashHead
from sim.twins.glassman_fj import GlassmanFJTwin

ROOT = Path(__file__).parents[2]


class WallClock:
    def now(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return 1.75e9

    def call(self, action: Callable[[], Any]) -> Any:
        return action()


class Echo:
    def exchange(self, data: bytes) -> bytes:
        return data.upper()


def serve(twin: Any, descriptor: int) -> None:
    """Answer on the master side of a pty until it is closed."""
    while True:
        try:
            data = os.read(descriptor, 100)
        except OSError:
            return
        now = time.monotonic()
        twin.advance(now)
        os.write(descriptor, twin.receive(data, now))


@pytest.fixture
def twin_on_pty() -> Iterator[str]:
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    twin = GlassmanFJTwin(FlashHead(voltage=0.0))
    twin.advance(time.monotonic())
    thread = threading.Thread(target=serve, args=(twin, master))
    thread.start()
    yield os.ttyname(slave)
    os.close(slave)
    thread.join(timeout=2)
    assert not thread.is_alive()
    os.close(master)


def test_a_driver_talks_to_its_twin_through_a_pty_on_wall_time(twin_on_pty: str, tmp_path: Path) -> None:
    clock: Any = WallClock()
    port = SerialPort(twin_on_pty, clock, locks=tmp_path)
    wire = Wire(port, clock, name="charger", lane="lane", sync=GlassmanFJ.sync)
    charger = GlassmanFJ(
        wire, clock, name="charger", full_scale_voltage=1e3, full_scale_current=0.6, voltage_limit=1e3
    )
    assert charger.identify() == "XP Glassman, firmware 25"
    charger.program(100.0)
    begun = time.monotonic()
    while charger.state().voltage < 99 and time.monotonic() - begun < 2:
        pass
    assert 99 <= charger.state().voltage <= 101
    charger.off()
    assert not charger.state().high_voltage_on
    begun = time.monotonic()
    assert port.read(0.05) == b""
    assert time.monotonic() - begun == pytest.approx(0.05, abs=0.04)
    wire.close()


def test_a_serial_port_that_is_gone_says_so_and_is_opened_again(tmp_path: Path) -> None:
    clock: Any = WallClock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(f"socket://127.0.0.1:{server.getsockname()[1]}", clock, locks=tmp_path)
        first, _ = server.accept()
        first.close()
        with pytest.raises(WireError, match="gone"):
            port.read(0.5)
        port.write(b"hello")
        second, _ = server.accept()
        assert second.recv(10) == b"hello"
        second.sendall(b"again")
        assert port.read(0.5)[:1] == b"a"
        port.close()
        second.close()


def test_what_cannot_be_opened_leaves_no_lock_behind(tmp_path: Path) -> None:
    clock: Any = WallClock()
    for _ in range(2):
        with pytest.raises(WireError, match="cannot be opened"):
            SerialPort("/dev/no-such-line", clock, locks=tmp_path)


def test_a_visa_socket_is_read_byte_by_byte(tmp_path: Path) -> None:
    clock: Any = WallClock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET"
        port = VisaPort(address, clock, locks=tmp_path)
        with pytest.raises(OwnershipError):
            VisaPort(address, clock, locks=tmp_path)
        instrument, _ = server.accept()
        wire = Wire(port, clock, name="dg", lane="lane", sync=None)
        wire.tell(b"hello\n")
        assert instrument.recv(10) == b"hello\n"
        assert port.read(0.02) == b""
        instrument.sendall(b"2,+0.001800000000\r\nrest")
        assert b"".join(port.read(0.5) for _ in range(19)) == b"2,+0.001800000000\r\n"
        wire.close()
        instrument.close()


def test_a_twin_s_reply_takes_its_latency_and_silence_takes_the_timeout(clock: Any) -> None:
    port = TwinPort(Echo(), clock, "lane", latency=0.02)
    port.write(b"a")
    assert port.read(0.0) == b""
    assert port.read(0.5) == b"A"
    assert clock.now() == pytest.approx(0.02)
    assert port.read(0.5) == b""
    assert clock.now() == pytest.approx(0.52)
    port.close()


def test_a_transcript_refuses_other_words_and_an_early_end(clock: Any) -> None:
    port = TranscriptPort([Pair(b"a", b"1"), Pair(b"b", b"2")], clock, "lane")
    with pytest.raises(WireError, match="goes on with b'a'"):
        port.write(b"b")
    port.write(b"a")
    assert port.read(0.1) == b"1"
    with pytest.raises(WireError, match="not played to its end"):
        port.close()


def received(clock: Any, fault: Fault | None, wait: float = 1.0) -> list[bytes]:
    """Return the chunks of one exchange under a fault."""
    port = FaultyPort(TwinPort(Echo(), clock, "lane"), clock, [fault])
    port.write(b"abc")
    chunks = []
    while chunk := port.read(wait):
        chunks.append(chunk)
    return chunks


def test_each_trouble_does_what_it_says(clock: Any) -> None:
    assert received(clock, None) == [b"ABC"]
    assert received(clock, Fault("ignore")) == []
    assert received(clock, Fault("drop")) == []
    assert received(clock, Fault("duplicate")) == [b"ABCABC"]
    assert received(clock, Fault("dribble")) == [b"A", b"B", b"C"]
    assert received(clock, Fault("delay", 1.5)) == []
    assert received(clock, Fault("delay", 1.5), wait=2.0) == [b"ABC"]
    assert b"".join(received(clock, Fault("truncate"))) in (b"", b"A", b"AB")
    garbled = b"".join(received(clock, Fault("garble")))
    assert sum(one != other for one, other in zip(garbled, b"ABC", strict=True)) == 1
    with pytest.raises(WireError, match="pulled"):
        received(clock, Fault("disconnect"))


def test_late_replies_come_on_the_clock_and_in_order(clock: Any) -> None:
    port = FaultyPort(TwinPort(Echo(), clock, "lane"), clock, [Fault("delay", 1.0)])
    port.write(b"a")
    assert port.read(0.4) == b""
    port.write(b"b")
    assert port.read(0.4) == b""
    assert port.read(0.4) == b"AB"
    assert clock.now() == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_trouble() -> None:
    def script(seed: int) -> list[Any]:
        faults = random_faults(seed, {"drop": 0.3, "delay": 0.3}, {"delay": 0.7})
        return [next(faults) for _ in range(50)]

    assert script(1) == script(1)
    assert script(1) != script(2)
    assert Fault("delay", 0.7) in script(1)


def test_a_wire_reads_a_reply_that_comes_byte_by_byte(clock: Any) -> None:
    port = FaultyPort(TwinPort(Echo(), clock, "lane"), clock, [Fault("dribble")])
    wire = Wire(port, clock, name="echo", lane="lane", sync=None)
    assert wire.ask(b"abc\n", Terminated(b"\n")) == b"ABC"
