import numpy as np
import pytest

from sim.physics.heat import enthalpy
from sim.physics.heat.engines import Drive, March
from sim.physics.heat.enthalpy import EnthalpyEngine
from sim.physics.heat.errors import EnergyGate, NotConverged, OutsideTable
from sim.physics.heat.medium import Melting, constant, medium
from sim.physics.heat.stack import Environment, Layer, Side, Stack, even, graded

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
    monkeypatch.setattr(enthalpy, "ITERATIONS", 1)
    with pytest.raises(NotConverged, match="no solution after 1 iterations"):
        one_step(Stack((Layer(METAL, even(1e-4, 10)),)))


def test_an_unsettled_answer_does_not_pass_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Radiation is not linear, so one Newton update leaves energy behind."""
    monkeypatch.setattr(enthalpy, "SETTLED", np.inf)
    stack = Stack((Layer(OXIDE, even(1e-6, 10)),))
    hot = Environment(Side(0.0, 1.0, 300.0), Side(0.0, 1.0, 300.0))
    drive = Drive(np.array([0.0, 0.05]), np.zeros(1), np.zeros(10))
    with pytest.raises(EnergyGate, match="does not add up"):
        EnthalpyEngine(stack, hot).march(stack.enthalpy(1500.0), drive)


def test_more_heat_than_the_properties_are_known_for_is_no_answer() -> None:
    with pytest.raises(OutsideTable, match="oxide: enthalpy outside the table"):
        one_step(Stack((Layer(OXIDE, even(1e-6, 10)), Layer(METAL, even(1e-6, 10)))))


def test_newton_may_not_settle_because_the_step_before_left_the_tables() -> None:
    """Metal of 1 um on plastic under 900 V: Newton gives up beyond 2500 K, where no property is known."""
    plastic = medium("plastic", 1420.0, constant(1090.0), constant(0.12))
    layers = (
        (OXIDE, even(0.7e-6, 20)),
        (METAL, graded(1e-6, 0.2e-6, 1.15)),
        (plastic, graded(50e-6, 0.2e-6, 1.15)),
    )
    stack = Stack(tuple(Layer(each, widths) for each, widths in layers))
    shares = np.zeros(len(stack.widths))
    shares[0] = 0.767
    drive = Drive(np.linspace(0.0, 1.8e-3, 91), np.full(90, 1.1e8), shares)
    with pytest.raises(OutsideTable, match="from 200 to 2500 K"):
        EnthalpyEngine(stack, INSULATED).march(stack.enthalpy(300.0), drive)


def steady(stack: Stack, flux: float, cold: float) -> np.ndarray:
    """Return the temperatures of a slab that a flux crosses to a side at about a temperature [K], once nothing
    changes any more."""
    shares = np.zeros(len(stack.widths))
    shares[0] = 1.0
    surroundings = Environment(Side(0.0, 0.0, 300.0), Side(flux / 1.0, 0.0, cold - 1.0))
    times = np.append(0.0, np.geomspace(1e-6, 100.0, 120))
    drive = Drive(times, np.full(120, flux), shares)
    return EnthalpyEngine(stack, surroundings).march(stack.enthalpy(cold), drive).temperatures[-1]


def test_a_steady_slab_follows_kirchhoff_where_conductivity_depends_on_temperature() -> None:
    """The integral of k dT between two depths is flux times their distance: k = 10 + T / 10 from 400 to 900 K."""
    bent = medium("bent", 2000.0, constant(500.0), lambda t: 10.0 + 0.1 * t)
    stack = Stack((Layer(bent, even(1e-3, 100)),))
    found = steady(stack, 3.75e7, 400.0)
    potential = 10.0 * found + 0.05 * found**2
    expected = 3.75e7 * (stack.centres[-1] - stack.centres)
    assert found[0] == pytest.approx(900.0, abs=10.0)
    assert np.allclose(potential - potential[-1], expected, atol=1e-3 * expected[0])


def test_a_steady_melt_conducts_as_a_liquid_and_the_solid_below_it_as_a_solid() -> None:
    """237 W/(m K) up to 933 K, 92 beyond: each side of the front has its own slope."""
    stack = Stack((Layer(METAL, even(1e-3, 200)),))
    flux = 5e7
    found = steady(stack, flux, 850.0)
    potential = np.where(found < 933.0, 237.0 * (found - 933.0), 92.0 * (found - 933.0))
    expected = flux * (stack.centres[-1] - stack.centres)
    assert found[0] > 1100.0
    assert np.allclose(potential - potential[-1], expected, atol=5e-3 * expected[0])


def test_heat_goes_in_as_the_integral_of_a_heat_capacity_that_grows() -> None:
    """cp = 500 + T / 2, insulated: density times (500 T + T^2 / 4) rises by what was absorbed per volume."""
    bent = medium("bent", 2000.0, lambda t: 500.0 + 0.5 * t, constant(50.0))
    stack = Stack((Layer(bent, even(100e-6, 10)),))
    drive = Drive(np.linspace(0.0, 1e-3, 21), np.full(20, 1e8), np.full(10, 0.1))
    found = EnthalpyEngine(stack, INSULATED).march(stack.enthalpy(300.0), drive).temperatures[-1]
    level = 500.0 * 300.0 + 0.25 * 300.0**2 + 1e5 / (2000.0 * 100e-6)
    assert np.allclose(found, -1000.0 + np.sqrt(1000.0**2 + 4.0 * level), atol=0.01)
