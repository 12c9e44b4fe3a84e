"""The bridge over the twin's library: the transcript, and that trouble never makes it act or count twice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.bridges.lines import pack, unpack
from devices.bridges.squidstat import Connection, SquidstatBridge
from devices.errors import Garbled, InstrumentError
from sim.twins.squidstat import SquidstatTwin
from sim.twins.squidstat_elements import EXACT

TRANSCRIPT = Path(__file__).parents[2] / "transcripts" / "squidstat.toml"


class Bench:
    """A twin, its bridge, and a client that asks."""

    def __init__(self) -> None:
        self.twin = SquidstatTwin(accuracy=EXACT)
        self.bridge = SquidstatBridge(self.twin.library, port=self.twin.port, boot="b1")
        self.connection = self.bridge.connect()
        self.now, self.last = 0.0, 0

    def exchange(self, data: bytes, connection: Connection | None = None) -> bytes:
        self.twin.advance(self.now)
        self.twin.deliver()
        reply = (connection or self.connection).exchange(data)
        self.twin.deliver()
        return reply

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        self.last += 1
        reply = unpack(self.exchange(pack({"id": self.last, "do": do, **arguments})))
        assert reply["id"] == self.last
        return reply

    def rest(self, seconds: float, channel: int = 0) -> None:
        """Upload and start a rest."""
        experiment = [{"element": "open_circuit", "interval": 1.0, "duration": seconds}]
        token = f"t{self.last}"
        self.ask("upload", channel=channel, token=token, experiment=experiment)
        assert "error" not in self.ask("start", channel=channel, token=token)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_bridge_plays_its_transcript(bench: Bench) -> None:
    for exchange in tomllib.loads(TRANSCRIPT.read_text())["exchange"]:
        bench.now += exchange.get("after", 0.0)
        for request, reply in exchange["pairs"]:
            assert bench.exchange(request.encode()) == reply.encode(), exchange["says"]


def test_records_are_numbered_paged_and_dropped_only_when_acknowledged(bench: Bench) -> None:
    bench.rest(100.0)
    bench.now = 1000.0
    whole = bench.ask("rows", channel=0, since=1, most=1000, acknowledged=1)
    assert whole["next"] == 1 + 1 + 101 + 1
    assert [each[0] for each in whole["records"]] == ["element", *["row"] * 101, "stopped"]
    assert [each[1] for each in whole["records"][1:-1]] == list(range(1, 102))
    paged: list[Any] = []
    since = 1
    while since < whole["next"]:
        page = bench.ask("rows", channel=0, since=since, most=7, acknowledged=since)
        assert page["first"] == since
        paged += page["records"]
        since += len(page["records"])
    assert paged == whole["records"]
    assert bench.ask("rows", channel=0, since=1, most=1000, acknowledged=1)["first"] == since - len(
        page["records"]
    )


def test_channels_keep_their_own_records(bench: Bench) -> None:
    bench.rest(10.0, channel=1)
    bench.rest(10.0, channel=3)
    bench.now = 100.0
    counts = [bench.ask("state", channel=channel)["next"] - 1 for channel in range(4)]
    assert counts == [0, 13, 0, 13]


def test_a_request_that_comes_twice_acts_once(bench: Bench) -> None:
    experiment = [{"element": "open_circuit", "interval": 1.0, "duration": 10.0}]
    upload = pack({"id": 1, "do": "upload", "channel": 0, "token": "t", "experiment": experiment})
    start = pack({"id": 2, "do": "start", "channel": 0, "token": "t"})
    replies = [unpack(line) for line in bench.exchange(upload + upload + start + start + upload).splitlines()]
    assert [reply.get("token", reply.get("first")) for reply in replies] == ["t", "t", 1, 1, "t"]
    assert [event for _, event, _ in bench.twin.log] == ["uploaded", "started", "element"]


def test_a_garbled_request_is_not_carried_out(bench: Bench) -> None:
    request = bytearray(pack({"id": 1, "do": "stop", "channel": 0}))
    position = request.index(b"0")
    request[position : position + 1] = b"1"
    reply = unpack(bench.exchange(bytes(request)))
    assert reply["id"] is None
    assert reply["error"]["code"] == "garbled"


def test_a_torn_request_does_not_spoil_the_next_nor_another_client(bench: Bench) -> None:
    other = bench.bridge.connect()
    assert bench.exchange(pack({"id": 1, "do": "identify"})[:12]) == b""
    assert unpack(bench.exchange(pack({"id": 5, "do": "identify"}), other))["device"] == "Plus2000"
    replies = bench.exchange(b"\n" + pack({"id": 2, "do": "identify"})).splitlines()
    assert [unpack(line)["id"] for line in replies] == [None, 2]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"do": "dance"}, "request"),
        ({}, "request"),
        ({"do": "state"}, "request"),
        ({"do": "state", "channel": 4}, "10"),
        ({"do": "state", "channel": "x"}, "request"),
        ({"do": "start", "channel": 0, "token": "never"}, "not_uploaded"),
        ({"do": "upload", "channel": 0, "token": "t", "experiment": []}, "53"),
        ({"do": "upload", "channel": 0, "token": "t", "experiment": [{"element": "x"}]}, "request"),
        ({"do": "limits", "channel": 0, "voltage_max": 4.0}, "request"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(bench: Bench, request_: dict[str, Any], code: str) -> None:
    reply = unpack(bench.exchange(pack({"id": 3, **request_})))
    assert (reply["id"], reply["error"]["code"]) == (3, code)


def test_nothing_is_asked_before_the_instrument_announced_itself() -> None:
    twin = SquidstatTwin()
    bridge = SquidstatBridge(twin.library, port=twin.port, boot="b1")
    reply = unpack(bridge.connect().exchange(pack({"id": 1, "do": "identify"})))
    assert reply["error"]["code"] == "not_connected"


def test_a_wrong_port_is_said_at_once() -> None:
    with pytest.raises(InstrumentError, match="/dev/other"):
        SquidstatBridge(SquidstatTwin().library, port="/dev/other", boot="b1")


@given(
    st.dictionaries(
        st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False) | st.text(), min_size=1
    ),
    st.data(),
)
def test_a_line_survives_and_any_changed_byte_is_noticed(
    message: dict[str, Any], data: st.DataObject
) -> None:
    line = pack(message)
    assert unpack(line) == message
    position = data.draw(st.integers(0, len(line) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[position]))
    with pytest.raises(Garbled):
        unpack(line[:position] + bytes([byte]) + line[position + 1 :])
