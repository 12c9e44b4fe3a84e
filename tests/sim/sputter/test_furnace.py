"""The furnace: its controller holds it, its course stays on the sample, its board cuts it off."""

import pytest

from sim.foil import FoilError
from sim.sputter.furnace import WARM


def modbus(stand, register, value):
    """Write a register by its own bytes."""
    content = bytes((1, 6)) + register.to_bytes(2, "big") + value.to_bytes(2, "big")
    crc = 0xFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 * (crc & 1)
    assert stand.say("heater", content + crc.to_bytes(2, "little"))[1] == 6


def led(stand, celsius, seconds):
    modbus(stand, 2, 10 * celsius)
    modbus(stand, 273, 0)
    stand.lap(seconds)


def lco(name="s1"):
    layers = [{"material": "Al", "thickness": 1e-5}, {"material": "LiCoO2", "thickness": 0.7e-6}]
    return {"id": name, "layers": layers, "cell_layers": [], "area": 1.5e-5}


def test_it_comes_to_its_set_point_and_holds_it(furnace):
    stand = furnace()
    led(stand, 520, 7200.0)
    assert stand.tube.oven.temperature() - 273.15 == pytest.approx(520.0, abs=2.0)


def test_an_anneal_stays_on_the_sample_and_follows_what_was_measured(furnace):
    stand = furnace()
    stand.bench.bring(lco(), "tool")
    foil = stand.bench.foil("s1")
    before = foil.annealed().crystalline.mean()
    led(stand, 520, 3600.0)
    with pytest.raises(FoilError, match="let tool cool"):
        stand.station.take(foil, stand.now)
    led(stand, 20, 3600.0)
    stand.station.take(foil, stand.now)
    assert foil.annealed().crystalline.mean() > before + 0.3
    assert stand.tube.course == [] or len(stand.tube.course) == 1
    assert stand.told("baked")


def test_settling_in_the_middle_changes_nothing_of_the_anneal(furnace):
    shares = []
    for settles in (0, 5):
        stand = furnace()
        stand.bench.bring(lco(), "tool")
        led(stand, 520, 600.0)
        for _ in range(settles):
            stand.lap(100.0)
            stand.station.settle()
        stand.lap(1000.0 - 100.0 * settles)
        led(stand, 20, 3600.0)
        stand.station.settle()
        shares.append(stand.bench.foil("s1").annealed().crystalline.mean())
    assert shares[0] == pytest.approx(shares[1], rel=2e-5)


def test_an_open_contact_takes_the_heat_away(furnace):
    stand = furnace(board=True)
    led(stand, 500, 60.0)
    assert stand.tube.oven.temperature() == pytest.approx(295.0)
    stand.board("@0101")
    stand.lap(1200.0)
    assert stand.tube.oven.temperature() > 700.0
    stand.fail("contact_open", "cover")
    hot = stand.tube.oven.temperature()
    stand.lap(60.0)
    assert stand.tube.oven.temperature() < hot - 50.0


def test_a_sensor_that_reads_high_leaves_the_film_colder(furnace):
    stand = furnace()
    stand.fail("sensor_high", value=30.0)
    led(stand, 520, 7200.0)
    assert stand.tube.oven.temperature() - 273.15 == pytest.approx(490.0, abs=2.0)


@pytest.mark.parametrize(("celsius", "after"), [(300, WARM), (40, 313.15)])
def test_a_session_begins_with_a_furnace_that_may_be_opened(furnace, celsius, after):
    stand = furnace()
    led(stand, celsius, 3600.0)
    kept, foil = stand.station.kept(), None
    fresh = furnace()
    fresh.station.restore(kept, foil)
    assert fresh.tube.oven.temperature() == pytest.approx(after, abs=2.0)
