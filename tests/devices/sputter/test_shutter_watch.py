"""Shutters on the readings of their end switches alone."""

import pytest

from devices.sputter.parts import MonitorReading
from devices.sputter.shutter_watch import ShutterWatch
from devices.sputter.watch import Trouble

OPEN = {"shutter_open": True, "shutter_closed": False}
CLOSED = {"shutter_open": False, "shutter_closed": True}


def reading(thickness):
    return MonitorReading(0.3e-9, thickness, 5.9e6, 0.9, True)


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("stays", [dict.fromkeys(OPEN, False), dict.fromkeys(OPEN, True), None])
def test_a_shutter_that_does_not_come_to_its_end_is_told_within_two_seconds(is_open, stays):
    wrong = stays or (CLOSED if is_open else OPEN)
    watch = ShutterWatch()
    watch.look(0.0, wrong, None, is_open=is_open)
    watch.look(1.0, wrong, None, is_open=is_open)
    with pytest.raises(Trouble) as told:
        watch.look(2.0, wrong, None, is_open=is_open)
    assert told.value.code == f"shutter_stuck_{'closed' if is_open else 'open'}"
    assert told.value.gently is is_open
    assert not watch.was_open


def test_a_shutter_on_its_way_is_no_trouble_and_is_seen_when_it_is_there():
    watch = ShutterWatch()
    watch.look(0.0, CLOSED, reading(1e-9), is_open=True)
    assert not watch.was_open
    assert not watch.is_right
    watch.look(1.0, OPEN, reading(2e-9), is_open=True)
    assert watch.was_open
    assert watch.is_right
    assert watch.thickness == 2e-9


def test_without_end_switches_nobody_saw_it():
    watch = ShutterWatch()
    for now in range(10):
        watch.look(float(now), {}, None, is_open=True)
    assert not watch.was_open


def test_one_end_alone_is_watched_and_vouches_for_nothing():
    watch = ShutterWatch()
    for now in range(10):
        watch.look(float(now), {"shutter_closed": False}, None, is_open=True)
    assert not watch.was_open
    watch.look(20.0, {"shutter_closed": True}, None, is_open=True)
    with pytest.raises(Trouble, match="shutter_closed made"):
        watch.look(22.0, {"shutter_closed": True}, None, is_open=True)


def test_the_shutter_of_a_gun_goes_by_its_own_end_switches_and_is_named():
    watch, made = ShutterWatch("gun2_shutter"), {"gun2_open": False, "gun2_closed": True}
    watch.look(0.0, {**OPEN, **made}, None, is_open=False)
    watch.look(1.0, {**OPEN, **made}, None, is_open=True)
    with pytest.raises(Trouble, match=r"gun2_shutter was told to be open; .* gun2_closed made"):
        watch.look(3.0, {**OPEN, **made}, None, is_open=True)
