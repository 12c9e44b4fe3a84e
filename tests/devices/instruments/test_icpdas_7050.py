"""The board of permissives: contacts that permit when closed, a dead-man of its own, a count that goes on."""

from __future__ import annotations

from typing import Any

import pytest

from devices.errors import Garbled, InterlockError, LabError, WireError
from devices.instruments.icpdas_7050 import ICPDAS7050, content_of
from devices.ports import random_faults
from sim.twins.icpdas_7050 import ICPDAS7050Twin

NAMES = ("door", "shutter", "water", "chuck", "cell")


def board(connect: Any, faults: Any = None, seed: int = 0) -> tuple[Any, ICPDAS7050Twin, list[Any]]:
    loop: list[Any] = []
    twin = ICPDAS7050Twin(lambda closed, time: loop.append((closed, time)))
    return connect(ICPDAS7050, twin, faults, seed), twin, loop


@pytest.mark.parametrize("name", NAMES)
def test_each_contact_is_read_by_its_name(connect: Any, name: str) -> None:
    device, twin, _ = board(connect)
    assert device.inputs() == {**dict.fromkeys(NAMES, True), "dead_man": True}
    twin.open_contact(name, 0.0)
    assert [key for key, closed in device.inputs().items() if not closed] == [name]
    twin.close_contact(name, 0.0)
    assert all(device.inputs().values())


def test_the_loop_is_closed_while_the_host_says_so_at_least_every_two_seconds(
    connect: Any, clock: Any
) -> None:
    device, _, loop = board(connect)
    device.enable()
    for _ in range(10):
        clock.sleep(1.9)
        device.alive()
    assert loop == [(True, 0.0)]
    silent_since = clock.now()
    clock.sleep(5.0)
    assert device.inputs()["dead_man"] is False
    assert loop[1:] == [(False, pytest.approx(silent_since + 2.0))]


def test_a_trip_stays_until_it_is_reset(connect: Any, clock: Any) -> None:
    device, twin, loop = board(connect)
    device.enable()
    clock.sleep(3.0)
    with pytest.raises(InterlockError, match="a person must reset it"):
        device.enable()
    twin.power_up(clock.now())
    with pytest.raises(InterlockError, match="a person must reset it"):
        device.enable()
    device.safe()
    device.reset()
    device.enable()
    assert [closed for closed, _ in loop] == [True, False, True]


def test_safe_opens_the_loop_for_good_from_any_state_and_twice(connect: Any, clock: Any) -> None:
    device, _, loop = board(connect)
    device.safe()
    device.enable()
    device.safe()
    device.safe()
    clock.sleep(10.0)
    assert device.inputs()["dead_man"] is True
    assert [closed for closed, _ in loop] == [True, False]


def test_flashes_are_counted_without_the_host(connect: Any) -> None:
    device, twin, _ = board(connect)
    for _ in range(3):
        twin.count_flash()
    assert device.flashes() == device.flash_count.get() == 3


def test_a_reply_that_fails_its_checksum_is_no_reply() -> None:
    assert content_of(b">006004") == b">0060"
    with pytest.raises(Garbled):
        content_of(b">006104")


def test_another_module_is_not_taken_for_it(connect: Any) -> None:
    device, twin, _ = board(connect)
    twin.receive = lambda data, now: b"!017060" + b"%02X\r" % (sum(b"!017060") % 256)  # type: ignore[method-assign]
    with pytest.raises(WireError):
        device.identify()


@pytest.mark.parametrize("seed", range(8))
def test_trouble_on_the_line_never_shows_an_open_contact_closed(connect: Any, clock: Any, seed: int) -> None:
    troubles: dict[Any, float] = {
        "ignore": 0.05,
        "delay": 0.05,
        "drop": 0.05,
        "garble": 0.05,
        "duplicate": 0.05,
    }
    device, twin, _ = board(connect, random_faults(seed, troubles, {"delay": 0.7}), seed)
    answered = 0
    for look in range(100):
        name = NAMES[look % len(NAMES)]
        twin.open_contact(name, clock.now())
        try:
            assert [key for key, closed in device.inputs().items() if not closed] == [name]
        except LabError:
            clock.sleep(1.0)
        else:
            answered += 1
        twin.close_contact(name, clock.now())
    assert answered > 50


def test_end_switches_are_read_beside_the_loop_and_permit_nothing(connect: Any) -> None:
    loop: list[Any] = []
    ends = ("shutter_open", "shutter_closed")
    twin = ICPDAS7050Twin(
        lambda closed, time: loop.append(closed),
        contacts=("water", "cover"),
        dead_man=False,
        ends=ends,
        is_made=lambda name: name == "shutter_closed",
    )
    device = connect(ICPDAS7050, twin, None, 0, contacts=("water", "cover"), ends=ends)
    assert device.ends() == {"shutter_open": False, "shutter_closed": True}
    assert set(device.inputs()) == {"water", "cover", "dead_man"}
    assert not device.opened()
    assert twin.loop_closed
    assert not loop


def test_a_board_without_end_switches_is_not_asked_for_them(connect: Any) -> None:
    device, _, _ = board(connect)
    assert device.ends() == {}


def test_a_board_of_end_switches_alone_needs_no_contacts_and_its_safe_state_is_harmless(
    connect: Any, clock: Any
) -> None:
    loop: list[Any] = []
    ends = ("gun1_open", "gun1_closed")
    ICPDAS7050.Parameters(contacts=(), ends=ends)  # type: ignore[arg-type]
    twin = ICPDAS7050Twin(
        lambda closed, time: loop.append(closed), contacts=(), ends=ends, is_made="gun1_open".__eq__
    )
    device = connect(ICPDAS7050, twin, None, 0, contacts=(), ends=ends)
    device.safe()
    clock.sleep(60.0)
    assert device.ends() == {"gun1_open": True, "gun1_closed": False}
    assert device.inputs() == {"dead_man": True}
    assert not loop


@pytest.mark.parametrize(
    "fields",
    [
        {"contacts": ()},
        {"contacts": (), "ends": ("gun5_open",)},
        {"contacts": ("water",), "ends": ("gun1_open",) * 6},
    ],
)
def test_inputs_without_meaning_and_more_than_there_are_are_refused(fields: Any) -> None:
    with pytest.raises(ValueError, match=r"contacts|ends"):
        ICPDAS7050.Parameters(**fields)
