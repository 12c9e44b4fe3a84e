"""Modbus over a wire: the library's frames go through the seam, late replies are not believed, refusals are told."""

from __future__ import annotations

from typing import Any

import minimalmodbus
import pytest

from devices.errors import Garbled, InstrumentError, Timeout, WireError
from devices.modbus import Frames, ModbusRTU, NoPort, Reply
from devices.ports import Fault, FaultyPort, Pair, TranscriptPort, TwinPort
from devices.wire import Sync, Terminated, Wire

ASK_1, IS_2563 = bytes.fromhex("01 03 00 01 00 01 D5 CA"), bytes.fromhex("01 03 02 0A 03 FE E5")
WRITE = bytes.fromhex("01 06 00 02 01 5E A8 62")
SYNC = Sync(b"sync", Terminated(b"!"), lambda reply: reply.endswith(b"here"))


def master(port: Any, clock: Any) -> ModbusRTU:
    return ModbusRTU(Wire(port, clock, name="line", lane="lane", sync=SYNC), "oven")


def test_the_library_still_exchanges_its_bytes_where_it_is_replaced() -> None:
    assert {"_communicate", "_perform_command"} <= vars(minimalmodbus.Instrument).keys()
    assert "_communicate" in vars(Frames)
    for refused in (lambda: NoPort().read(1), lambda: NoPort().write(b"")):
        with pytest.raises(NotImplementedError):
            refused()


def test_registers_are_read_and_written_in_the_librarys_frames(clock: Any) -> None:
    negative = bytes.fromhex("01 03 02 FF 9C F9 DD")
    port = TranscriptPort([Pair(ASK_1, IS_2563), Pair(WRITE, WRITE), Pair(ASK_1, negative)], clock, "lane")
    line = master(port, clock)
    assert line.read(1) == [2563]
    line.write(2, 350)
    assert line.read(1) == [-100]
    port.close()


def test_a_refusal_is_told_with_what_was_refused(clock: Any) -> None:
    line = master(TranscriptPort([Pair(ASK_1, bytes.fromhex("01 83 02 C0 F1"))], clock, "lane"), clock)
    with pytest.raises(InstrumentError, match=r"read 1: Slave reported illegal data address"):
        line.read(1)


def test_a_reply_that_fails_its_checksum_is_asked_for_again_behind_a_resynchronisation(clock: Any) -> None:
    torn = IS_2563[:-1] + b"\x00"
    pairs = [Pair(ASK_1, torn), Pair(b"sync", b"here!"), Pair(ASK_1, IS_2563)]
    port = TranscriptPort(pairs, clock, "lane")
    assert master(port, clock).read(1) == [2563]
    port.close()
    pairs = [Pair(ASK_1, torn), Pair(b"sync", b"here!"), Pair(ASK_1, torn)]
    with pytest.raises(Garbled, match="oven, read 1"):
        master(TranscriptPort(pairs, clock, "lane"), clock).read(1)


class Echo:
    """Answers each question with its number, and the sync query."""

    def __init__(self) -> None:
        self.count = 0

    def exchange(self, data: bytes) -> bytes:
        if data == b"sync":
            return b"here!"
        self.count += 1
        content = bytes((1, 3, 2, 0, self.count))
        return content + minimalmodbus._calculate_crc(content)  # type: ignore[no-any-return]


def test_a_late_reply_is_not_taken_for_the_next(clock: Any) -> None:
    port = FaultyPort(TwinPort(Echo(), clock, "lane"), clock, [Fault("delay", 0.6)])
    line = master(port, clock)
    assert line.read(1) == [2]
    assert line.read(1) == [3]


def test_what_is_told_waits_for_nothing(clock: Any) -> None:
    port = TranscriptPort([Pair(WRITE, b"")], clock, "lane")
    master(port, clock).tell(2, 350)
    port.close()
    assert clock.now() == 0.0


def test_silence_is_a_timeout_on_the_clock(clock: Any) -> None:
    line = master(TwinPort(Silent(), clock, "lane"), clock)
    with pytest.raises((Timeout, WireError)):
        line.read(1)
    assert clock.now() == pytest.approx(1.0)


class Silent:
    def exchange(self, data: bytes) -> bytes:
        return b""


def test_a_refusal_is_shorter_than_what_was_due() -> None:
    refusal = bytes.fromhex("01 83 02 C0 F1")
    for byte in range(5):
        assert Reply(7).take(bytearray(refusal[:byte])) is None
    assert Reply(7).take(bytearray(refusal)) == refusal
    assert Reply(7).take(bytearray(IS_2563[:6])) is None
