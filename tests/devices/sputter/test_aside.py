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
