import math

import pytest
from scipy.optimize import minimize_scalar

from sim.physics.plasma.ignition import (
    ARGON,
    NITROGEN,
    PATH,
    SECONDARY,
    breakdown_voltage,
    goes_out,
    radio_frequency_amplitude,
)
from sim.physics.vacuum.gases import NOTHING, amounts


@pytest.mark.parametrize(("name", "gas"), [("Ar", ARGON), ("N2", NITROGEN)])
def test_paschens_minimum_lies_where_the_law_says(name: str, gas: object) -> None:
    a = gas.a  # type: ignore[attr-defined]
    found = minimize_scalar(
        lambda p: breakdown_voltage(amounts({name: p})), bounds=(0.6, 10.0), options={"xatol": 1e-10}
    )
    assert found.x * PATH == pytest.approx(math.e * math.log1p(1.0 / SECONDARY) / a, rel=1e-6)
    dark = math.log1p(1.0 / SECONDARY) / a / PATH
    assert breakdown_voltage(amounts({name: dark * (1.0 - 1e-9)})) == math.inf
    assert breakdown_voltage(amounts({name: dark * (1.0 + 1e-6)})) < math.inf


def test_argon_needs_these_voltages() -> None:
    for pressure, voltage in ((0.6, 516), (0.8, 145), (1, 112), (2, 103), (3, 117), (10, 228)):
        assert breakdown_voltage(amounts({"Ar": pressure})) == pytest.approx(voltage, abs=0.6)
    assert ARGON.a * PATH * 0.755 / PATH == pytest.approx(math.e * math.log(11.0), rel=1e-3)


def test_nitrogen_does_not_strike_at_the_papers_pressure_but_does_at_3_pascal() -> None:
    """0.4 Pa for LiPON: the plasma is struck higher and lowered."""
    amplitude = radio_frequency_amplitude(40.0)
    assert breakdown_voltage(amounts({"N2": 0.4})) == math.inf
    assert breakdown_voltage(amounts({"N2": 3.0})) == pytest.approx(223, abs=1.0)
    assert breakdown_voltage(amounts({"N2": 3.0})) < amplitude
    assert breakdown_voltage(NOTHING) == math.inf


def test_a_mixture_lies_between_its_gases() -> None:
    argon, nitrogen, both = (
        breakdown_voltage(amounts(gas)) for gas in ({"Ar": 3.0}, {"N2": 3.0}, {"Ar": 1.5, "N2": 1.5})
    )
    assert argon < both < nitrogen


def test_a_discharge_goes_out_without_gas_or_power() -> None:
    assert goes_out(0.05, 100.0)
    assert goes_out(3.0, 4.0)
    assert not goes_out(0.4, 40.0)
