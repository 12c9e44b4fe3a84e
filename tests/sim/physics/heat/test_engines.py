"""All engines against analytic cases; what only one of them does stands in its own file."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.physics.heat.engines import Drive, Engine, whole_balance
from sim.physics.heat.enthalpy import EnthalpyEngine
from sim.physics.heat.errors import EnergyGate, NotLinear
from sim.physics.heat.medium import Melting, constant, medium
from sim.physics.heat.modal import ModalEngine
from sim.physics.heat.stack import Course, Environment, Layer, Side, Stack, even, graded
from sim.physics.heat.stepping import SteppingEngine
from sim.physics.lamp.bank import Bank, discharge
from sim.physics.lamp.knots import dark_knots, lit_knots

Make = Callable[[Stack, Environment], Engine]
ENGINES: tuple[Make, ...] = (ModalEngine, SteppingEngine, EnthalpyEngine)
STEPPERS = ENGINES[1:]

OXIDE = medium("oxide", 5050.0, constant(740.0), constant(0.66))
METAL = medium("metal", 2700.0, constant(904.0), constant(237.0))
INSULATED = Environment(Side(0.0, 0.0, 300.0), Side(0.0, 0.0, 300.0))
HEAT_CAPACITY, CONDUCTIVITY = 5050.0 * 740.0, 0.66
FOIL_CAPACITY = 2700.0 * 904.0 * 100e-6  # J m-2 K-1, of 100 um of the metal


def film_on_foil(thickness: float, cells: int = 40) -> Stack:
    return Stack((Layer(OXIDE, even(thickness, cells)), Layer(METAL, graded(100e-6, 0.2e-6, 1.15))))


def orders(errors: list[float]) -> np.ndarray:
    return np.log2(np.array(errors[:-1]) / errors[1:])


def semi_infinite_error(engine: Make, cell: float) -> float:
    """Return the relative error of the surface's rise under a constant flux: Ts = 2 q sqrt(t / (pi k rho c))."""
    flux, duration, depth = 2e7, 0.2e-3, 60e-6
    stack = Stack((Layer(OXIDE, even(depth, round(depth / cell))),))
    shares = np.zeros(len(stack.widths))
    shares[0] = 1.0
    times = duration * np.linspace(0.0, 1.0, 401) ** 2
    walked = engine(stack, INSULATED).march(stack.enthalpy(300.0), Drive(times, np.full(400, flux), shares))
    surface = walked.temperatures[-1, 0] + flux * 0.5 * cell / CONDUCTIVITY
    rise = 2.0 * flux * np.sqrt(duration / (np.pi * CONDUCTIVITY * HEAT_CAPACITY))
    return float(abs(surface - 300.0 - rise) / rise)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_deep_body_warms_as_the_root_of_time(engine: Make) -> None:
    errors = [semi_infinite_error(engine, cell) for cell in (600e-9, 300e-9, 150e-9)]
    assert errors[-1] <= 1e-3
    assert np.all(orders(errors) >= 1.9)


def cosine_series(
    depth: np.ndarray, thickness: float, absorption: float, flux: float, time: float
) -> np.ndarray:
    """Return the rise [K] over depth [m] of an insulated slab that absorbs after Beer-Lambert."""
    wave = np.pi * np.arange(1, 2000) / thickness
    through = np.exp(-absorption * thickness)
    source = 2.0 / thickness * flux * absorption**2 * (1.0 - np.cos(wave * thickness) * through)
    source /= absorption**2 + wave**2
    growth = -np.expm1(-CONDUCTIVITY / HEAT_CAPACITY * wave**2 * time)
    mean = flux * (1.0 - through) * time / (HEAT_CAPACITY * thickness)
    return mean + np.cos(np.multiply.outer(depth, wave)) @ (source * growth / (CONDUCTIVITY * wave**2))


def cosine_errors(engine: Make, cells: int, absorption: float = 2e6) -> tuple[float, float]:
    """Return the errors of the surface and of the worst cell, relative to the surface's rise."""
    thickness, flux, time, steps = 3.3e-6, 5e7, 20e-6, 800
    stack = Stack((Layer(OXIDE, even(thickness, cells)),))
    shares = -np.diff(np.exp(-absorption * np.linspace(0.0, thickness, cells + 1)))
    times = time * np.linspace(0.0, 1.0, steps + 1) ** 2
    walked = engine(stack, INSULATED).march(stack.enthalpy(300.0), Drive(times, np.full(steps, flux), shares))
    exact = 300.0 + cosine_series(np.append(0.0, stack.centres), thickness, absorption, flux, time)
    rise = exact[0] - 300.0
    surface = float(abs(stack.surface(walked.temperatures[-1]) - exact[0]) / rise)
    return surface, float(np.abs(walked.temperatures[-1] - exact[1:]).max() / rise)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_slab_under_beer_lambert_follows_the_cosine_series(engine: Make) -> None:
    surface, worst = zip(*(cosine_errors(engine, cells) for cells in (44, 88, 176)), strict=True)
    assert surface[0] <= 1e-3  # 44: the default grid of this thickness
    assert worst[0] <= 1e-3
    assert np.all(orders(list(worst)) >= 1.9)


def test_the_surface_is_told_apart_from_its_cell_for_light_that_ends_in_it() -> None:
    """At the film's own 2e7 1/m the first cell takes most of the light, and is 5e-3 colder than the surface."""
    surface, _ = cosine_errors(EnthalpyEngine, 44, absorption=2e7)
    assert surface <= 1e-3


def decaying_slab(engine: Make, steps: int) -> float:
    """Return the error [K] of a cosine of 100 K that decays by one exponential of the grid, known exactly."""
    cells, thickness = 40, 3.3e-6
    stack = Stack((Layer(OXIDE, even(thickness, cells)),))
    profile = np.cos(np.pi * stack.centres / thickness)
    decay = 4.0 * CONDUCTIVITY / HEAT_CAPACITY * (cells / thickness) ** 2 * np.sin(0.5 * np.pi / cells) ** 2
    start = stack.enthalpy(600.0) + HEAT_CAPACITY * 100.0 * profile
    drive = Drive(np.linspace(0.0, 10e-6, steps + 1), np.zeros(steps), np.zeros(cells))
    walked = engine(stack, INSULATED).march(start, drive)
    return float(np.abs(walked.temperatures[-1] - 600.0 - 100.0 * profile * np.exp(-decay * 10e-6)).max())


@pytest.mark.parametrize("engine", STEPPERS)
def test_steps_are_second_order_in_time(engine: Make) -> None:
    errors = [decaying_slab(engine, steps) for steps in (4, 8, 16)]
    assert np.all(orders(errors) >= 1.9)
    assert errors[-1] < 0.1


def test_modes_are_exact_in_time_whatever_the_step() -> None:
    assert decaying_slab(ModalEngine, 1) < 1e-9


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("transfer", [100.0, 300.0, 1000.0])
def test_a_thin_foil_cools_as_one_lump(engine: Make, transfer: float) -> None:
    """Biot numbers of 4e-5 to 4e-4."""
    stack = Stack((Layer(METAL, graded(100e-6, 0.2e-6, 1.15)),))
    surroundings = Environment(Side(0.0, 0.0, 300.0), Side(transfer, 0.0, 300.0))
    times = np.linspace(0.0, 2.0, 401)
    drive = Drive(times, np.zeros(400), np.zeros(len(stack.widths)))
    walked = engine(stack, surroundings).march(stack.enthalpy(500.0), drive)
    share = (walked.temperatures[-1, -1] - 300.0) / (walked.temperatures[200, -1] - 300.0)
    assert -1.0 / np.log(share) == pytest.approx(FOIL_CAPACITY / transfer, rel=2e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_base_of_a_train_is_a_geometric_series(engine: Make) -> None:
    transfer, period, duration, flux = 100.0, 2.5, 1.8e-3, 7e7
    stack = Stack((Layer(METAL, graded(100e-6, 0.2e-6, 1.15)),))
    surroundings = Environment(Side(0.0, 0.0, 300.0), Side(transfer, 0.0, 300.0))
    times = np.append(np.linspace(0.0, duration, 91), duration + dark_knots(period - duration)[1:])
    power = np.where(times[:-1] < duration * (1.0 - 1e-9), flux, 0.0)
    shares = np.zeros(len(stack.widths))
    shares[0] = 1.0
    probe = np.zeros((1, len(stack.widths)))
    probe[0, -1] = 1.0
    cycle = Drive(times, power, shares)
    seen = engine(stack, surroundings).train(stack.enthalpy(300.0), cycle, 12, probe, history=True)
    rate = transfer / FOIL_CAPACITY
    gained = flux / transfer * -np.expm1(-rate * duration) * np.exp(-rate * (period - duration))
    ratio = np.exp(-rate * period)
    expected = gained * (1.0 - ratio ** np.arange(1, 12)) / (1.0 - ratio)
    assert seen.bases is not None
    assert np.allclose(seen.bases[1:, 0] - 300.0, expected, rtol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("thickness", [0.7e-6, 1.2e-6, 3.3e-6])
def test_the_film_drop_follows_the_quasi_steady_formula(engine: Make, thickness: float) -> None:
    """q d / k (1 - (1 - e^-ad) / ad) less what warming the film takes; all light of the film, none of the foil."""
    absorption, flux, duration = 1e7, 7e7, 1.0e-3
    stack = film_on_foil(thickness)
    edges = np.linspace(0.0, thickness, 41)
    shares = np.zeros(len(stack.widths))
    shares[:40] = -np.diff(np.exp(-absorption * edges))
    shares[40] = np.exp(-absorption * thickness)
    times = np.linspace(0.0, duration, 101)
    walked = engine(stack, INSULATED).march(stack.enthalpy(300.0), Drive(times, np.full(100, flux), shares))
    last = walked.temperatures[-1]
    drop = stack.surface(last) - stack.interface(walked.enthalpies[-1], last, 0)
    optical = absorption * thickness
    heating = flux / (HEAT_CAPACITY * thickness + FOIL_CAPACITY)
    formula = flux * thickness / CONDUCTIVITY * (1.0 + np.expm1(-optical) / optical)
    formula -= heating * HEAT_CAPACITY * thickness**2 / (2.0 * CONDUCTIVITY)
    assert drop == pytest.approx(formula, rel=3e-3)


def paper_cycle(stack: Stack, period: float = 2.5) -> Drive:
    pulse = discharge(Bank(), 850.0, 1.8e-3)
    lit = lit_knots(pulse)
    times = np.append(lit, pulse.duration + dark_knots(period - pulse.duration)[1:])
    power = np.zeros(len(times) - 1)
    power[: len(lit) - 1] = pulse.exposure * np.diff(pulse.energy_share(lit)) / np.diff(lit)
    shares = np.zeros(len(stack.widths))
    shares[0] = 0.7
    return Drive(times, power, shares)


def probes_of(stack: Stack) -> np.ndarray:
    probes = np.zeros((2, len(stack.widths)))
    probes[0, 0] = probes[1, -1] = 1.0
    return probes


WINDY = Environment(Side(40.0, 0.0, 298.15), Side(100.0, 0.0, 298.15))


def test_modes_and_steps_agree_over_a_whole_train() -> None:
    stack = film_on_foil(3.3e-6)
    cycle, start = paper_cycle(stack), stack.enthalpy(298.15)
    modal, stepped = (
        make(stack, WINDY).train(start, cycle, 30, probes_of(stack), history=True)
        for make in (ModalEngine, SteppingEngine)
    )
    assert modal.peaks is not None
    assert stepped.peaks is not None
    assert np.abs(modal.peaks - stepped.peaks).max() <= 0.25
    assert modal.highest == pytest.approx(modal.peaks.max(axis=0))
    assert max(abs(modal.imbalance), abs(stepped.imbalance)) <= 1e-10


def test_the_nonlinear_engine_agrees_with_steps_where_nothing_is_nonlinear() -> None:
    stack = film_on_foil(1.2e-6)
    cycle, start = paper_cycle(stack), stack.enthalpy(298.15)
    linear, nonlinear = (make(stack, WINDY).march(start, cycle) for make in STEPPERS)
    assert np.abs(linear.temperatures - nonlinear.temperatures).max() < 1e-5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("surroundings", [INSULATED, WINDY])
def test_energy_closes_to_round_off(engine: Make, surroundings: Environment) -> None:
    stack = film_on_foil(3.3e-6)
    seen = engine(stack, surroundings).train(stack.enthalpy(298.15), paper_cycle(stack), 2, probes_of(stack))
    assert abs(seen.imbalance) <= 1e-10


def test_the_closed_form_is_the_march_repeated() -> None:
    stack = film_on_foil(0.7e-6)
    engine, cycle, start = ModalEngine(stack, WINDY), paper_cycle(stack), stack.enthalpy(350.0)
    enthalpy = start
    for _ in range(5):
        enthalpy = engine.march(enthalpy, cycle).enthalpies[-1]
    ended = engine.train(start, cycle, 5, probes_of(stack))
    assert np.abs(stack.temperature(ended.end) - stack.temperature(enthalpy)).max() < 1e-8


@pytest.mark.parametrize("engine", ENGINES)
def test_a_foil_follows_a_chuck_that_warms_slowly(engine: Make) -> None:
    """Far behind a ramp a lump lags by rate times its time constant."""
    stack = Stack((Layer(METAL, graded(100e-6, 0.2e-6, 1.15)),))
    course = Course((0.0, 100.0), (300.0, 400.0))
    times = np.linspace(0.0, 60.0, 601)
    drive = Drive(times, np.zeros(600), np.zeros(len(stack.widths)), course.steps(times))
    surroundings = Environment(Side(0.0, 0.0, 300.0), Side(100.0, 0.0, 300.0))
    walked = engine(stack, surroundings).march(stack.enthalpy(300.0), drive)
    lag = float(course.at(60.0)) - walked.temperatures[-1, -1]
    assert lag == pytest.approx(FOIL_CAPACITY / 100.0, rel=1e-3)
    assert abs(walked.imbalance) <= 1e-10


def needed(engine: Engine, cycle: Drive, pulses: int, *, history: bool = False) -> int:
    """Return the most memory [bytes] that a train takes at a time."""
    start, probes = engine.stack.enthalpy(298.15), np.ones((1, len(engine.stack.widths)))
    engine.train(start, cycle, 2, probes)
    tracemalloc.start()
    engine.train(start, cycle, pulses, probes, history=history)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def short_cycle() -> tuple[Stack, Drive]:
    stack = Stack((Layer(OXIDE, even(0.7e-6, 4)), Layer(METAL, even(100e-6, 2))))
    return stack, Drive(np.array([0.0, 1e-3, 1.0]), np.array([1e8, 0.0]), np.full(6, 0.1))


@pytest.mark.parametrize("engine", ENGINES)
def test_memory_does_not_grow_with_the_pulses(engine: Make) -> None:
    stack, cycle = short_cycle()
    few, many = (needed(engine(stack, WINDY), cycle, pulses) for pulses in (200, 1000))
    assert many < 1.05 * few + 8000


@pytest.mark.parametrize("engine", STEPPERS)
def test_a_history_that_is_asked_for_takes_its_room(engine: Make) -> None:
    stack, cycle = short_cycle()
    few, many = (needed(engine(stack, WINDY), cycle, pulses, history=True) for pulses in (50, 300))
    assert many > few + 250 * 2 * 8


def test_modes_over_a_long_train_take_no_more_than_over_a_short_one() -> None:
    stack = film_on_foil(0.7e-6)
    few, many = (needed(ModalEngine(stack, WINDY), paper_cycle(stack), pulses) for pulses in (200, 4000))
    assert many < 1.05 * few + 1000


@pytest.mark.parametrize("engine", [ModalEngine, SteppingEngine])
def test_a_linear_engine_refuses_what_is_not_linear(engine: Make) -> None:
    melting = medium("tin", 7300.0, constant(230.0), constant(60.0), Melting(505.0, 6e4, 240.0, 30.0))
    with pytest.raises(NotLinear, match="tin depends on temperature"):
        engine(Stack((Layer(melting, even(1e-5, 5)),)), INSULATED)
    with pytest.raises(NotLinear, match="emissivity"):
        engine(film_on_foil(1e-6), replace(INSULATED, front=Side(0.0, 0.5, 300.0)))


def test_a_linearised_stack_warms_as_the_original_at_that_temperature() -> None:
    bent = medium("bent", 2000.0, lambda t: 500.0 + 0.5 * t, lambda t: 10.0 + 0.1 * t)
    linear = bent.linearised(600.0)
    assert linear.is_linear
    assert not bent.is_linear
    assert linear.enthalpy(601.0) - linear.enthalpy(600.0) == pytest.approx(2000.0 * 800.0, rel=2e-3)
    assert linear.conductivities[0] == pytest.approx(70.0)


def test_linearised_surroundings_take_as_much_at_that_temperature() -> None:
    side = Side(10.0, 0.85, 298.15)
    assert side.linearised(900.0).loss(np.array(900.0)) == pytest.approx(side.loss(np.array(900.0)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"times": np.array([0.0, 1.0, 1.0])}, r"times \[s\]"),
        ({"times": np.array([0.0, np.nan, 1.0])}, r"times \[s\]"),
        ({"power": np.array([1.0])}, "power"),
        ({"power": np.array([1.0, np.nan])}, r"power \[W/m2\]"),
        ({"shares": np.array([0.6, 0.5])}, "absorptance = 1.1 is more than 1"),
        ({"shares": np.array([np.nan, 0.5])}, "absorptance"),
        ({"chuck": np.array([300.0, np.nan])}, r"chuck temperature \[K\]"),
    ],
)
def test_a_drive_that_makes_no_sense_is_refused(change: dict[str, np.ndarray], said: str) -> None:
    good = {"times": np.array([0.0, 1.0, 2.0]), "power": np.zeros(2), "shares": np.array([0.5, 0.2])}
    with pytest.raises(ValueError, match=said):
        Drive(**{**good, **change})


def test_a_whole_run_is_held_to_what_it_absorbed() -> None:
    """Much may be turned over while little is absorbed: here 1e-9 of that is missing, 1e-12 of the turnover."""
    stack = film_on_foil(0.7e-6)
    assert whole_balance(stack, 1e5, 0.9e5, 0.1e5) == 0.0
    with pytest.raises(EnergyGate, match="whole run"):
        whole_balance(stack, 1e5, 0.9e5 - 1e-4, 0.1e5)
    with pytest.raises(EnergyGate, match="nan"):
        whole_balance(stack, 1e5, np.nan, 0.1e5)
