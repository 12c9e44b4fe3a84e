import numpy as np
import pytest

from sim.physics import heat_enthalpy
from sim.physics.heat_engines import Drive, March
from sim.physics.heat_enthalpy import EnthalpyEngine
from sim.physics.heat_errors import EnergyGate, NotConverged, OutsideTable
from sim.physics.heat_stack import Environment, Layer, Side, Stack, even, graded
from sim.physics.medium import Melting, constant, medium

OXIDE = medium("oxide", 5050.0, constant(740.0), constant(0.66))
METAL = medium("metal", 2700.0, constant(904.0), constant(237.0), Melting(933.0, 397e3, 1177.0, 92.0))
INSULATED = Environment(Side(0.0, 0.0, 300.0), Side(0.0, 0.0, 300.0))


@pytest.mark.parametrize("exposure", [19e4, 24e4, 29e4])
def test_the_molten_share_is_what_the_energy_pays_for(exposure: float) -> None:
    stack = Stack((Layer(METAL, graded(100e-6, 0.2e-6, 1.15)),))
    shares = np.zeros(len(stack.widths))
    shares[0] = 1.0
    times = np.concatenate([np.linspace(0.0, 2e-3, 101), 2e-3 + np.geomspace(1e-6, 0.05, 60)])
    power = np.where(np.arange(160) < 100, exposure / 2e-3, 0.0)
    walked = EnthalpyEngine(stack, INSULATED).march(stack.enthalpy(300.0), Drive(times, power, shares))
    warming = 2700.0 * 904.0 * 100e-6 * (933.0 - 300.0)
    expected = (exposure - warming) / (2700.0 * 397e3 * 100e-6)
    assert 0.2 < expected < 1.5
    assert stack.molten(walked.enthalpies[-1], 0) == pytest.approx(min(expected, 1.0), abs=5e-3)
    assert abs(walked.imbalance) <= 1e-10
    if expected < 1.0:
        assert np.allclose(walked.temperatures[-1], 933.0, atol=0.5)


def test_radiation_cools_a_thin_sheet_as_the_fourth_power_says() -> None:
    """d(T^-3)/dt = 3 eps sigma / C for a lump that radiates to nothing; to 250 K, 0.3 % of it is given back."""
    stack = Stack((Layer(OXIDE, even(1e-6, 10)),))
    space = Environment(Side(0.0, 1.0, 250.0), Side(0.0, 0.0, 300.0))
    times = np.linspace(0.0, 0.03, 301)
    walked = EnthalpyEngine(stack, space).march(
        stack.enthalpy(1400.0), Drive(times, np.zeros(300), np.zeros(10))
    )
    rate = 3.0 * 5.670374419e-8 / (5050.0 * 740.0 * 1e-6)
    assert walked.temperatures[-1, 0] == pytest.approx((1400.0**-3 + rate * 0.03) ** (-1 / 3), rel=2e-3)


def one_step(stack: Stack, power: float = 1e8) -> March:
    shares = np.full(len(stack.widths), 1.0 / len(stack.widths))
    drive = Drive(np.array([0.0, 1e-3]), np.array([power]), shares)
    return EnthalpyEngine(stack, INSULATED).march(stack.enthalpy(300.0), drive)


def test_an_iteration_that_does_not_settle_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heat_enthalpy, "ITERATIONS", 1)
    with pytest.raises(NotConverged, match="no solution after 1 iterations"):
        one_step(Stack((Layer(METAL, even(1e-4, 10)),)))


def test_an_unsettled_answer_does_not_pass_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Radiation is not linear, so one Newton update leaves energy behind."""
    monkeypatch.setattr(heat_enthalpy, "SETTLED", np.inf)
    stack = Stack((Layer(OXIDE, even(1e-6, 10)),))
    hot = Environment(Side(0.0, 1.0, 300.0), Side(0.0, 1.0, 300.0))
    drive = Drive(np.array([0.0, 0.05]), np.zeros(1), np.zeros(10))
    with pytest.raises(EnergyGate, match="does not add up"):
        EnthalpyEngine(stack, hot).march(stack.enthalpy(1500.0), drive)


def test_more_heat_than_the_properties_are_known_for_is_no_answer() -> None:
    with pytest.raises(OutsideTable, match="oxide: enthalpy outside the table"):
        one_step(Stack((Layer(OXIDE, even(1e-6, 10)), Layer(METAL, even(1e-6, 10)))))
