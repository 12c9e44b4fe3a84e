"""What a chamber does without a film, while it must stay closed."""

from __future__ import annotations

import pytest

from devices.errors import InterlockError


@pytest.mark.parametrize("what", ["pump", "leak"])
def test_a_cover_that_opens_ends_pumping_with_the_pumps_off(bench, what):
    bench.vented()
    station, chamber = bench.station, bench.chamber
    status = station.pump_down(1e-7) if what == "pump" else station.leak_check(1e-3, 1e5)
    bench.lap(60.0)
    assert not status.done
    chamber.contacts["cover"] = False
    bench.lap(2.0)
    error = status.exception(timeout=0)
    assert isinstance(error, InterlockError)
    assert error.permissive == "cover"
    assert str(error).startswith("cover: the chamber's cover is open; pumping was ended")
    assert not chamber.roughing
    assert not chamber.turbo_on
    assert station.read_state() == "pumping"
    with pytest.raises(InterlockError, match="cover is open"):
        raise bench.wait(station.pump_down(1e-3))
    chamber.contacts["cover"] = True
    assert bench.wait(station.pump_down(1e-3)) is None


def test_a_vent_valve_that_opens_ends_pumping(bench):
    bench.vented()
    status = bench.station.pump_down(1e-7)
    bench.lap(60.0)
    bench.parts["relays"].on_now["vent_valve"] = True
    bench.parts["relays"].follow()
    bench.lap(2.0)
    assert "the vent valve is open" in str(status.exception(timeout=0))
    assert not bench.chamber.vent


def test_what_ended_pumping_is_told_in_words_alone(bench):
    bench.vented()
    status = bench.station.pump_down(1e-7)
    bench.lap(60.0)
    bench.chamber.contacts["cover"] = False
    bench.lap(2.0)
    assert bench.station.flight().end_reason == str(status.exception(timeout=0))
    assert bench.station.flight().end_reason.startswith("cover: the chamber's cover is open")


def counted(monkeypatch, part, name):
    """Return a list that grows with every time a part is asked."""
    asked, ask = [], getattr(part, name)
    monkeypatch.setattr(part, name, lambda *given: (asked.append(given), ask(*given))[1])
    return asked


@pytest.mark.parametrize("what", ["pump", "vent", "leak"])
def test_everything_is_looked_at_once_before_it_is_begun_and_once_in_its_first_second(
    bench, monkeypatch, what
):
    bench.vented()
    looked = counted(monkeypatch, bench.station._looks, "everything")
    forgot = counted(monkeypatch, bench.parts["permissives"], "forget")
    station = bench.station
    begin = {
        "pump": lambda: station.pump_down(1e-7),
        "vent": station.vent,
        "leak": lambda: station.leak_check(1e-7, 9.0),
    }
    begin[what]()
    bench.lap(0.5)
    assert len(looked) == 2
    assert len(forgot) == (what != "vent")


@pytest.mark.parametrize("what", ["pump", "leak"])
def test_a_cover_that_was_open_between_the_call_and_the_first_second_ends_it(bench, what):
    bench.vented()
    station = bench.station
    status = station.pump_down(1e-7) if what == "pump" else station.leak_check(1e-3, 1e5)
    bench.parts["permissives"].latched.add("cover")
    error = bench.wait(status)
    assert error.permissive == "cover"
    assert not bench.chamber.roughing
    assert not bench.chamber.turbo_on


def test_it_is_busy_from_its_first_look_on_and_free_again_where_that_refuses(bench, monkeypatch):
    bench.vented()
    aside, busy, look = bench.station._aside, [], bench.parts["gas"].pressures
    monkeypatch.setattr(bench.parts["gas"], "pressures", lambda: (busy.append(aside.is_busy), look())[1])
    bench.chamber.contacts["cover"] = False
    with pytest.raises(InterlockError, match="cover"):
        bench.station.pump_down(1e-3)
    assert busy == [True]
    assert not aside.is_busy
    bench.chamber.contacts["cover"] = True
    assert bench.wait(bench.station.pump_down(1e-3)) is None


def test_who_interrupts_its_first_look_leaves_it_free(bench, monkeypatch):
    bench.vented()

    def interrupted():
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bench.station._looks, "everything", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.station.pump_down(1e-3)
    assert not bench.station._aside.is_busy
    assert bench.wait(bench.station.pump_down(1e-3)) is None


def test_what_is_called_off_in_its_first_look_is_not_begun(bench, monkeypatch):
    bench.vented()
    aside, look = bench.station._aside, bench.parts["gas"].pressures
    monkeypatch.setattr(bench.parts["gas"], "pressures", lambda: (aside.call_off(), look())[1])
    bench.chamber.log.clear()
    assert "made safe meanwhile" in str(bench.wait(bench.station.pump_down(1e-3)))
    bench.lap(5.0)
    assert not bench.chamber.when("roughing_valve on")
