import numpy as np
import pytest

from sim.physics import heat
from sim.physics.heat import EnergyGate, Environment, Layer, NotConverged, Side, Stack, even, graded, march
from sim.physics.medium import Melting, constant, medium

OXIDE = medium("oxide", 5050.0, constant(740.0), constant(0.66))
METAL = medium("metal", 2700.0, constant(904.0), constant(237.0), Melting(933.0, 397e3, 1177.0, 92.0))
INSULATED = Environment(Side(0.0, 0.0, 300.0), Side(0.0, 0.0, 300.0))


def semi_infinite_error(cell: float) -> float:
    """Return the relative error of the surface's rise under a constant flux, on cells of one width [m]."""
    flux, duration, depth = 2e7, 1e-3, 120e-6
    stack = Stack((Layer(OXIDE, even(depth, round(depth / cell))),))
    shares = np.zeros(len(stack.widths))
    shares[0] = 1.0
    times = duration * np.linspace(0.0, 1.0, 401) ** 2
    walked = march(stack, INSULATED, stack.enthalpy(300.0), times, np.full(400, flux), shares)
    surface = walked.temperatures[-1, 0] + flux * 0.5 * cell / 0.66
    rise = 2.0 * flux * np.sqrt(duration / (np.pi * 0.66 * 5050.0 * 740.0))
    return float(abs(surface - 300.0 - rise) / rise)


def test_a_constant_flux_into_a_deep_body_heats_its_surface_as_the_root_of_time_to_second_order() -> None:
    errors = [semi_infinite_error(cell) for cell in (1200e-9, 600e-9, 300e-9)]
    assert errors[-1] <= 1e-3
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > 1.9)


def test_time_steps_are_second_order() -> None:
    """A slab with a cosine profile decays by one exponential of the grid, whose eigenvalue is known."""
    cells, thickness = 40, 3.3e-6
    stack = Stack((Layer(OXIDE, even(thickness, cells)),))
    profile = np.cos(np.pi * stack.centres / thickness)
    start = stack.enthalpy(600.0) + 5050.0 * 740.0 * 100.0 * profile
    diffusivity, width = 0.66 / (5050.0 * 740.0), thickness / cells
    decay = 4.0 * diffusivity / width**2 * np.sin(0.5 * np.pi / cells) ** 2
    exact = 600.0 + 100.0 * profile * np.exp(-decay * 10e-6)
    errors = []
    for steps in (4, 8, 16):
        times = np.linspace(0.0, 10e-6, steps + 1)
        walked = march(stack, INSULATED, start, times, np.zeros(steps), np.zeros(cells))
        errors.append(np.abs(walked.temperatures[-1] - exact).max())
    assert np.all(np.log2(np.array(errors[:-1]) / errors[1:]) > 1.9)
    assert errors[-1] < 0.1


def test_a_thin_foil_cools_as_one_lump() -> None:
    stack = Stack((Layer(METAL, graded(100e-6, 0.2e-6, 1.15)),))
    surroundings = Environment(Side(0.0, 0.0, 300.0), Side(100.0, 0.0, 300.0))
    times = np.linspace(0.0, 2.0, 201)
    walked = march(
        stack, surroundings, stack.enthalpy(500.0), times, np.zeros(200), np.zeros(len(stack.widths))
    )
    constant_of_time = 2700.0 * 904.0 * 100e-6 / 100.0
    share = (walked.temperatures[-1, -1] - 300.0) / (walked.temperatures[100, -1] - 300.0)
    assert -1.0 / np.log(share) == pytest.approx(constant_of_time, rel=2e-4)


def test_the_film_drop_follows_the_quasi_steady_formula() -> None:
    thickness, absorption, flux, duration = 1.2e-6, 1e7, 7e7, 1e-3
    stack = Stack((Layer(OXIDE, even(thickness, 40)), Layer(METAL, graded(100e-6, 0.2e-6, 1.15))))
    edges = np.linspace(0.0, thickness, 41)
    shares = np.zeros(len(stack.widths))
    shares[:40] = -np.diff(np.exp(-absorption * edges)) / -np.expm1(-absorption * thickness)
    times = np.linspace(0.0, duration, 101)
    walked = march(stack, INSULATED, stack.enthalpy(300.0), times, np.full(100, flux), shares)
    drop = stack.surface(walked.temperatures[-1]) - stack.interface(
        walked.enthalpies[-1], walked.temperatures[-1], 0
    )
    heating = flux / (5050.0 * 740.0 * thickness + 2700.0 * 904.0 * 100e-6)
    optical = absorption * thickness
    shape = 1.0 - (1.0 - np.exp(-optical) * (1.0 + optical)) / (optical * -np.expm1(-optical))
    formula = flux * thickness / 0.66 * shape - heating * 5050.0 * 740.0 * thickness**2 / (2.0 * 0.66)
    assert drop == pytest.approx(formula, rel=5e-3)


@pytest.mark.parametrize("exposure", [19e4, 24e4, 29e4])
def test_the_molten_share_is_what_the_energy_pays_for(exposure: float) -> None:
    stack = Stack((Layer(METAL, graded(100e-6, 0.2e-6, 1.15)),))
    shares = np.zeros(len(stack.widths))
    shares[0] = 1.0
    times = np.concatenate([np.linspace(0.0, 2e-3, 101), 2e-3 + np.geomspace(1e-6, 0.05, 60)])
    power = np.where(np.arange(160) < 100, exposure / 2e-3, 0.0)
    walked = march(stack, INSULATED, stack.enthalpy(300.0), times, power, shares)
    warming = 2700.0 * 904.0 * 100e-6 * (933.0 - 300.0)
    expected = (exposure - warming) / (2700.0 * 397e3 * 100e-6)
    assert 0.2 < expected < 1.5
    assert stack.molten(walked.enthalpies[-1], 0) == pytest.approx(min(expected, 1.0), abs=5e-3)
    assert abs(walked.imbalance) <= 1e-10
    if expected < 1.0:
        assert np.allclose(walked.temperatures[-1], 933.0, atol=0.5)


def test_a_grid_fills_its_layer() -> None:
    widths = graded(100e-6, 0.2e-6, 1.15)
    assert sum(widths) == pytest.approx(100e-6, rel=1e-12)
    assert widths[0] == pytest.approx(0.2e-6, rel=0.1)


def one_step(stack: Stack) -> heat.March:
    times, power, shares = (
        np.array([0.0, 1e-3]),
        np.array([1e8]),
        np.full(len(stack.widths), 1.0 / len(stack.widths)),
    )
    return march(stack, INSULATED, stack.enthalpy(300.0), times, power, shares)


def test_an_iteration_that_does_not_settle_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heat, "ITERATIONS", 1)
    with pytest.raises(NotConverged, match="no solution after 1 iterations"):
        one_step(Stack((Layer(METAL, even(1e-4, 10)),)))


def test_an_unsettled_answer_does_not_pass_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Radiation is not linear, so one Newton update leaves energy behind."""
    monkeypatch.setattr(heat, "SETTLED", np.inf)
    stack = Stack((Layer(OXIDE, even(1e-6, 10)),))
    hot = Environment(Side(0.0, 1.0, 300.0), Side(0.0, 1.0, 300.0))
    with pytest.raises(EnergyGate, match="does not add up"):
        march(stack, hot, stack.enthalpy(1500.0), np.array([0.0, 0.05]), np.zeros(1), np.zeros(10))
