"""The relay board's twin by itself: reports only of what toggles, mains, bytes that go astray."""

from __future__ import annotations

import pytest

from sim.twins.velleman_k8090 import VellemanK8090Twin


def frame(command, mask=0, first=0, second=0):
    content = bytes((4, command, mask, first, second))
    return content + bytes((-sum(content) & 0xFF, 0x0F))


@pytest.fixture
def seen():
    return []


@pytest.fixture
def twin(seen):
    return VellemanK8090Twin(lambda number, on: seen.append((number, on)))


def test_only_what_toggles_is_reported(twin, seen):
    assert twin.receive(frame(0x11, 0x05), 0.0) == frame(0x51, 0, 5)
    assert twin.receive(frame(0x11, 0x05), 0.0) == b""
    assert twin.receive(frame(0x14, 0x06), 0.0) == frame(0x51, 5, 3)
    assert twin.receive(frame(0x12, 0xFF), 0.0) == frame(0x51, 3, 0)
    assert seen == [(1, True), (3, True), (2, True), (3, False), (1, False), (2, False)]


def test_a_button_is_said_with_the_next_bytes_and_looking_says_nothing_twice(twin):
    twin.press(8, 0.0)
    said = frame(0x50, 0x80, 0x80) + frame(0x51, 0, 0x80) + frame(0x50, 0, 0, 0x80)
    assert twin.receive(b"", 0.0) == said
    assert twin.receive(b"", 0.0) == b""


def test_the_mains_drop_every_relay_and_half_a_frame(twin, seen):
    twin.receive(frame(0x11, 0x81), 0.0)
    twin.receive(b"\x04\x11", 0.0)
    twin.power_up(1.0)
    assert seen[2:] == [(1, False), (8, False)]
    assert twin.receive(frame(0x71), 1.0) == frame(0x71, 0xFF, 10, 1)


def test_rubbish_and_half_frames_are_forgotten(twin):
    assert twin.receive(b"\x0f\x00" + frame(0x18), 0.0) == frame(0x51)
    assert twin.receive(b"\x04\x18", 0.0) == b""
    assert twin.receive(frame(0x18), 1.0) == frame(0x51)
    assert twin.receive(frame(0x99), 1.0) == b""


def test_there_are_eight_relays(twin):
    with pytest.raises(ValueError, match="no relay 9"):
        twin.jam(9, 0.0)
