"""The relay board's driver: silence is no error, what is said unasked is no answer, a relay must follow."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError, LabError, WireError
from devices.instruments.velleman_k8090 import Frames, VellemanK8090, frame, is_whole
from devices.ports import Fault, random_faults
from sim.twins.velleman_k8090 import VellemanK8090Twin

RELAYS = {"left": 1, "right": 2, "substrate_shutter": 3}


def board(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, VellemanK8090Twin, list[Any]]:
    seen: list[Any] = []
    twin = VellemanK8090Twin(lambda number, on: seen.append((number, on)))
    return connect(VellemanK8090, twin, faults, seed, relays=RELAYS), twin, seen


def test_frames_are_those_of_the_manual() -> None:
    assert frame(0x11, 0x04) == bytes.fromhex("04 11 04 00 00 E7 0F")
    assert frame(0x12, 0xFF) == bytes.fromhex("04 12 FF 00 00 EB 0F")
    assert is_whole(bytes.fromhex("04 51 01 15 80 15 0F"))
    assert not is_whole(bytes.fromhex("04 51 01 15 80 16 0F"))


def test_a_frame_is_found_among_others_and_rubbish() -> None:
    report, version = bytes.fromhex("04 51 01 15 80 15 0F"), bytes.fromhex("04 71 FF 0A 01 81 0F")
    buffer = bytearray(b"\x0f\x04" + report + b"\x04\x51" + version + b"\x04")
    assert Frames(0x71).take(buffer) == version
    assert buffer == b"\x04"


def test_each_relay_goes_by_its_name(connect: Any) -> None:
    device, _, seen = board(connect)
    assert device.names() == set(RELAYS)
    device.switch("substrate_shutter", True)
    device.switch("substrate_shutter", True)
    device.switch("left", True)
    assert device.states() == {"left": True, "right": False, "substrate_shutter": True}
    device.switch("substrate_shutter", False)
    assert seen == [(3, True), (1, True), (3, False)]
    assert device.mask.get() == 1
    with pytest.raises(KeyError):
        device.switch("nothing", True)


def test_buttons_pressed_meanwhile_do_not_put_answers_out_of_step(connect: Any, clock: Any) -> None:
    device, twin, _ = board(connect)
    for _ in range(5):
        twin.press(1, clock.now())
        twin.press(2, clock.now())
        assert device.states() == {
            "left": bool(twin.relays & 1),
            "right": bool(twin.relays & 2),
            "substrate_shutter": False,
        }


def test_a_relay_that_does_not_follow_is_told(connect: Any, clock: Any) -> None:
    device, twin, _ = board(connect)
    twin.jam(3, clock.now())
    with pytest.raises(InstrumentError, match="does not follow"):
        device.switch("substrate_shutter", True)
    twin.free(3, clock.now())
    device.switch("substrate_shutter", True)
    twin.jam(3, clock.now())
    with pytest.raises(InstrumentError, match="substrate_shutter stay on"):
        device.safe()
    with pytest.raises(InstrumentError, match="does not follow"):
        device.switch("substrate_shutter", False)


def test_the_guard_is_asked_for_on_and_not_for_off(connect: Any) -> None:
    device, twin, _ = board(connect)
    device.switch("left", True)

    def nobody(name: str) -> None:
        raise InterlockError(name, "not now")

    device.guard = nobody
    device.switch("left", False)
    with pytest.raises(InterlockError, match="right"):
        device.switch("right", True)
    assert twin.relays == 0


def test_safe_switches_off_what_has_no_name_too(connect: Any) -> None:
    device, twin, _ = board(connect)
    twin.press(8, 0.0)
    device.switch("left", True)
    device.safe()
    device.safe()
    assert twin.relays == 0


def test_a_lost_request_is_sent_again(connect: Any) -> None:
    device, _, seen = board(connect, [Fault("ignore")])
    device.switch("left", True)
    assert seen == [(1, True)]


def test_off_is_sent_blind_on_a_dead_wire(connect: Any) -> None:
    script = [None, None, None, Fault("ignore"), *[Fault("drop")] * 20]
    device, twin, _ = board(connect, script)
    device.switch("left", True)
    with pytest.raises(WireError):
        device.safe()
    assert twin.relays == 0


TROUBLES: dict[Any, float] = {
    "ignore": 0.05,
    "delay": 0.08,
    "drop": 0.05,
    "garble": 0.1,
    "duplicate": 0.05,
    "truncate": 0.05,
    "dribble": 0.05,
    "disconnect": 0.02,
}


@pytest.mark.parametrize("seed", range(6))
def test_trouble_on_the_line_never_shows_a_relay_as_it_is_not(connect: Any, clock: Any, seed: int) -> None:
    device, twin, _ = board(connect, random_faults(seed, TROUBLES, {"delay": 0.6}), seed)
    right = 0
    for step in range(100):
        name, number = list(RELAYS.items())[step % 3]
        try:
            device.switch(name, step % 2 == 0)
            assert bool(twin.relays >> number - 1 & 1) is (step % 2 == 0)
            twin.press(1 + step % 2, clock.now())
            assert device.read_mask() == twin.relays
        except LabError:
            clock.sleep(1.0)
        else:
            right += 1
    assert right > 20
