"""What a chamber's pressure is said to be, by the gauge of the moment."""

from dataclasses import replace

import pytest

ZERO = -1.3e-4
"""Pa that a capacitance manometer shows of nothing; noise of the MKS 626, 1e-5 of 13.3 Pa."""


@pytest.fixture
def shifted(bench, monkeypatch):
    """Return a bench whose manometer has lost its zero."""
    told = bench.parts["gas"].pressures

    def pressures():
        found = told()
        manometer = found["manometer"]
        return {**found, "manometer": replace(manometer, value=manometer.value and manometer.value + ZERO)}

    monkeypatch.setattr(bench.parts["gas"], "pressures", pressures)
    return bench


def test_a_pumped_chamber_goes_by_its_base_gauge_whatever_the_manometers_zero_is(shifted):
    shifted.vented()
    assert shifted.wait(shifted.station.pump_down(1e-4)) is None
    said = shifted.station.report()["reading"]["pressure"]
    assert said == pytest.approx(shifted.chamber.pressure, rel=0.1)
    assert f"pressure     {said:.3g} Pa" in repr(shifted.station)


def test_a_chamber_with_gas_goes_by_its_process_gauge(shifted, recipes):
    shifted.began(recipes["lco"]())
    shifted.reach("deposit")
    shifted.lap(3.0)
    said = shifted.station.report()["reading"]["pressure"]
    assert said == pytest.approx(shifted.chamber.pressure + ZERO, rel=1e-6)
    assert shifted.rows()["pressure"][-1] == said
