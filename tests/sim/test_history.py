import tracemalloc

import pytest

from sim.history import History

FLASH = {"event": "flash", "voltage": 850.0, "exposure": 16.5e4}


def test_every_event_is_told_with_its_time() -> None:
    times = [0.0, 2.5, 5.0, 7.5, 11.0, 13.5]
    history = History({**FLASH, "time": time} for time in times)
    history.add(event="assembled", time=99.0)
    assert [event["time"] for event in history] == pytest.approx([*times, 99.0], abs=1e-9)
    assert [event["event"] for event in history] == ["flash"] * 6 + ["assembled"]
    assert history.last == 99.0
    assert list(History(history)) == list(history)


def test_another_flash_is_told_apart() -> None:
    history = History()
    for number, voltage in enumerate((850.0, 850.0, 840.0, 850.0)):
        history.add(time=2.5 * number, **{**FLASH, "voltage": voltage})
    assert [event["voltage"] for event in history] == [850.0, 850.0, 840.0, 850.0]


def test_before_anything_happened_there_is_no_last() -> None:
    assert History().last is None
    assert list(History()) == []


def test_a_train_takes_the_room_of_a_flash() -> None:
    sizes = []
    for pulses in (10, 2000):
        tracemalloc.start()
        history = History()
        for number in range(pulses):
            history.add(time=100.0 + 2.5 * number, **FLASH)
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert history.last == pytest.approx(100.0 + 2.5 * (pulses - 1), abs=1e-9)
    assert sizes[1] <= sizes[0] + 200
