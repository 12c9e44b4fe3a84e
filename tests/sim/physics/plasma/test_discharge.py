import pytest

from sim.physics.plasma.discharge import DIRECT_CURRENT, RADIO_FREQUENCY


def test_the_papers_recipes_have_their_bias() -> None:
    assert RADIO_FREQUENCY.bias(120.0, 3.0) == 180.0
    assert RADIO_FREQUENCY.bias(101.3, 0.4) == pytest.approx(226.0, abs=0.5)
    assert RADIO_FREQUENCY.bias(0.0, 3.0) == 0.0


def test_less_gas_means_more_voltage_and_fewer_ions() -> None:
    """180 V at 3 Pa; 213 V at 0.98 Pa, when the argon fails."""
    high, low = (RADIO_FREQUENCY.bias(119.6, pressure) for pressure in (0.98, 3.0))
    assert high == pytest.approx(213.0, abs=1.0)
    assert RADIO_FREQUENCY.ion_current(119.6, high) < RADIO_FREQUENCY.ion_current(119.6, low)
    assert RADIO_FREQUENCY.ion_current(100.0, 0.0) == 0.0


def test_a_direct_current_supply_offers_its_own_voltage() -> None:
    assert DIRECT_CURRENT.open_voltage(10.0) == DIRECT_CURRENT.open_voltage(100.0) == 1000.0
    assert RADIO_FREQUENCY.open_voltage(40.0) < RADIO_FREQUENCY.open_voltage(50.0)
