"""Links: golden transcripts of the instruments over a real pty and a real socket, hang-ups, bytes that wait."""

import asyncio
import threading
import tomllib
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import serial

from labctl.serving.links import PtyLink, SocketLink
from sim.apparatus import FlashHead
from sim.twins.aja_0313 import AJA0313Twin
from sim.twins.aja_dcxs import AJADCXSTwin
from sim.twins.eurotherm_2400 import Eurotherm2400Twin
from sim.twins.fug_probus import FuGProbusTwin
from sim.twins.gentec_maestro import GentecMaestroTwin
from sim.twins.glassman_fj import GlassmanFJTwin
from sim.twins.impac_upp import ImpacUPPTwin
from sim.twins.keithley_daq6510 import KeithleyDAQ6510Twin
from sim.twins.remote_recipe import RemoteRecipeTwin
from sim.twins.srs_dg645 import SRSDG645Twin
from sim.twins.velleman_k8090 import VellemanK8090Twin

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
MADE = {
    "glassman_fj": lambda given: GlassmanFJTwin(FlashHead(), **given),
    "srs_dg645": lambda given: SRSDG645Twin(lambda time, width: None, **given),
    "gentec_maestro": lambda given: GentecMaestroTwin(np.random.default_rng(0), **given),
    "fug_probus": lambda given: FuGProbusTwin(FlashHead(), **given),
    "impac_upp": lambda given: ImpacUPPTwin(lambda time: 529.45, np.random.default_rng(0), **given),
    "keithley_daq6510": lambda given: KeithleyDAQ6510Twin(
        np.random.default_rng(0),
        sources={101: lambda time: 400.0, 102: lambda time: 300.0},
        **given,
    ),
    "remote_recipe": lambda given: RemoteRecipeTwin(lambda time, fired: None, **given),
    "aja_0313": lambda given: AJA0313Twin(
        SimpleNamespace(
            drive=lambda forward: None,
            reflected=lambda: 0.7,
            bias=lambda: 181.0,
            capacitors=lambda: (0.425, 0.63),
            set_capacitors=lambda load, tune: None,
            automatic=lambda on: None,
        )
    ),
    "aja_dcxs": lambda given: AJADCXSTwin(
        SimpleNamespace(drive=lambda power: None, voltage=lambda: 400.0, current=lambda: 0.3)
    ),
    "velleman_k8090": lambda given: VellemanK8090Twin(lambda number, on: None),
    "eurotherm_2400": lambda given: Eurotherm2400Twin(
        SimpleNamespace(heat=lambda share: None, temperature=lambda: 529.45), **given
    ),
}


@pytest.fixture
def loop():
    """Return an event loop that runs on a thread of its own."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def on_loop(loop):
    """Return what runs an action on the loop's thread."""

    def run(action):
        async def acting():
            return action()

        return asyncio.run_coroutine_threadsafe(acting(), loop).result(5)

    return run


@pytest.fixture
def open_link(loop, on_loop, tmp_path):
    """Return open(kind, heard), which opens a link and says where a client finds it."""
    opened = []

    def open_(kind, heard):
        if kind == "pty":
            link = PtyLink(loop, tmp_path / "line", heard, 9600)
        else:
            link = SocketLink(loop, heard, lambda stream: None)
        on_loop(link.open)
        opened.append(link)
        return link, str(tmp_path / "line") if kind == "pty" else link.address

    yield open_
    for link in opened:
        on_loop(link.cut)


def wait_until(found):
    """Wait for something that the loop's thread does."""
    for _ in range(1000):
        if found():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not come about")


class Twin:
    """A twin at a time that the test moves."""

    def __init__(self, stem, given):
        self.twin, self.now, self.bytes_heard = MADE[stem](given), 0.0, 0

    def heard(self, stream, data):
        stream.send(self.twin.receive(data, self.now))
        self.bytes_heard += len(data)

    def move(self, dt):
        self.now += dt
        while (due := self.twin.next_event()) is not None and due <= self.now:
            self.twin.advance(due)
            self.twin.fire_event(due)
        self.twin.advance(self.now)


@pytest.mark.parametrize("kind", ["pty", "socket"])
@pytest.mark.parametrize("stem", MADE)
def test_the_golden_transcript_is_played_over_a_real_link(open_link, on_loop, kind, stem):
    transcript = tomllib.loads((TRANSCRIPTS / f"{stem}.toml").read_text())
    twin, sent = Twin(stem, transcript.get("twin", {})), 0
    _, address = open_link(kind, twin.heard)
    with serial.serial_for_url(address, timeout=2) as client:
        for exchange in transcript["exchange"]:
            if not exchange.get("twin", True):
                continue
            on_loop(partial(twin.move, exchange.get("after", 0.0)))
            if "happens" in exchange:
                method, *arguments = exchange["happens"]
                on_loop(partial(getattr(twin.twin, method), *arguments))
            for request, reply in exchange["pairs"]:
                sent += client.write(request.encode("latin-1"))
                assert client.read(len(reply)) == reply.encode("latin-1"), exchange["says"]
                wait_until(lambda: twin.bytes_heard == sent)  # noqa: B023 - it is over when `sent` changes
        client.timeout = 0.05
        assert client.read(1) == b""


@pytest.mark.parametrize("kind", ["pty", "socket"])
def test_every_byte_comes_through_both_ways(open_link, kind):
    """A line discipline would eat carriage returns, interrupts and flow control."""
    _, address = open_link(kind, lambda stream, data: stream.send(data))
    every = bytes(range(256))
    with serial.serial_for_url(address, timeout=2) as client:
        client.write(every)
        assert client.read(256) == every


@pytest.mark.parametrize("kind", ["pty", "socket"])
def test_a_long_answer_waits_until_it_is_read(open_link, kind):
    page = bytes(100_000)
    _, address = open_link(kind, lambda stream, data: stream.send(page))
    with serial.serial_for_url(address, timeout=5) as client:
        client.write(b"?")
        assert client.read(len(page)) == page


@pytest.mark.parametrize("kind", ["pty", "socket"])
def test_a_cut_link_fails_its_client_and_is_found_at_the_same_address_again(open_link, on_loop, kind):
    link, address = open_link(kind, lambda stream, data: stream.send(data))
    client = serial.serial_for_url(address, timeout=1)
    inner = getattr(client, "_socket", None)
    client.write(b"a")
    assert client.read(1) == b"a"
    on_loop(link.cut)
    with pytest.raises((OSError, serial.SerialException)):
        client.read(1)
    client.close()
    if inner is not None:
        inner.close()
    with pytest.raises(serial.SerialException):
        serial.serial_for_url(address)
    on_loop(link.open)
    with serial.serial_for_url(address, timeout=1) as again:
        again.write(b"b")
        assert again.read(1) == b"b"


def test_each_client_of_a_socket_gets_its_own_answers(open_link):
    _, address = open_link("socket", lambda stream, data: stream.send(data))
    with serial.serial_for_url(address, timeout=1) as one, serial.serial_for_url(address, timeout=1) as other:
        one.write(b"1")
        other.write(b"2")
        assert (one.read(1), other.read(1)) == (b"1", b"2")


def test_what_is_delayed_is_overtaken_by_nothing(open_link):
    delays = iter((0.2, 0.0, 0.0))
    _, address = open_link("socket", lambda stream, data: stream.send(data, next(delays)))
    with serial.serial_for_url(address, timeout=1) as client:
        for byte in (b"1", b"2", b"3"):
            client.write(byte)
            threading.Event().wait(0.02)
        client.timeout = 0.05
        assert client.read(1) == b""
        client.timeout = 1
        assert client.read(3) == b"123"
