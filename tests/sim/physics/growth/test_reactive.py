import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sim.materials.targets import TARGETS
from sim.physics.growth.reactive import (
    Coverage,
    Reactive,
    Surroundings,
    critical_speed,
    folds,
    getter_speed,
    gettered,
    metal_rate,
    oxygen_flux,
    oxygen_per_metal,
    settled,
    step,
    supply,
)
from sim.physics.vacuum.gases import BOLTZMANN, ELEMENTARY_CHARGE, NOTHING, O2, SCCM, amounts
from sim.physics.vacuum.vessel import Pumping, Settings, Vessel, VesselState
from sim.physics.vacuum.vessel import step as vessel_step

AROUND = Surroundings()
CURRENT, SPEED = 0.5, 0.05  # A, m3/s


def metal(name: str = "Ti") -> Reactive:
    found = TARGETS[name].reactive
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["Ti", "V", "Mo"])
def test_the_film_has_the_oxygen_that_its_balance_says(name: str) -> None:
    """What oxygen and oxide reach the collector over what metal does: exactly z times the coverage."""
    oxide = metal(name)
    for pressure in np.logspace(-5, 0, 20).tolist():
        state = settled(oxide, AROUND, pressure, CURRENT)
        ions = CURRENT / ELEMENTARY_CHARGE
        from_gas = (
            2.0 * oxygen_flux(oxide, AROUND, pressure) * (1.0 - state.collector) * AROUND.collector_area
        )
        from_target = oxide.oxygen * ions * oxide.from_oxide * state.target
        balance = (from_gas + from_target) / metal_rate(oxide, state, CURRENT)
        assert oxygen_per_metal(oxide, state) == pytest.approx(balance, rel=1e-8)


def test_a_target_of_titanium_is_poisoned_and_recovers_at_these_flows() -> None:
    found = folds(metal(), AROUND, CURRENT, SPEED)
    assert found is not None
    assert found == pytest.approx((1.926 * SCCM, 1.274 * SCCM), rel=2e-3)
    assert folds(metal(), AROUND, CURRENT, 1.0) is None


@pytest.mark.parametrize(("name", "poisoned", "recovered"), [("V", 3.01, 1.99), ("Mo", 4.70, 3.37)])
def test_vanadium_and_molybdenum_are_poisoned_at_these_flows(
    name: str, poisoned: float, recovered: float
) -> None:
    """Predictions of the model, by nothing measured."""
    found = folds(metal(name), AROUND, CURRENT, SPEED)
    assert found is not None
    assert found == pytest.approx((poisoned * SCCM, recovered * SCCM), rel=5e-3)


@pytest.mark.parametrize("name", ["Ti", "Mo"])
def test_from_the_critical_speed_on_there_is_no_hysteresis(name: str) -> None:
    critical = critical_speed(metal(name), AROUND, CURRENT)
    below, above = 0.1 * critical, 2.0 * critical
    while above - below > 1e-4 * critical:
        middle = 0.5 * (below + above)
        if folds(metal(name), AROUND, CURRENT, middle):
            below = middle
        else:
            above = middle
    assert below == pytest.approx(critical, rel=1e-3)


def test_a_getter_takes_between_what_metal_and_what_oxide_can() -> None:
    """2.79 sccm on metal at the most, 0.279 sccm on oxide."""
    titanium = metal()
    bounds = [0.5 * titanium.oxygen * CURRENT / ELEMENTARY_CHARGE * each for each in (0.40, 0.04)]
    assert [bound / SCCM for bound in bounds] == pytest.approx([2.79, 0.279], rel=2e-3)
    assert gettered(titanium, AROUND, 10.0, CURRENT) == pytest.approx(bounds[1], rel=1e-2)
    assert max(gettered(titanium, AROUND, p, CURRENT) for p in np.logspace(-6, 0, 200)) < bounds[0]


def swept(flows: np.ndarray, dt: float) -> np.ndarray:
    """Return the coverage of the target along flows [molecules/s], one step each, vessel and surfaces in turn."""
    titanium, vessel = metal(), Vessel(flow_lag=1e-3)
    gas = VesselState(NOTHING, NOTHING, 1.0, 0.0, None, ())
    coverage, seen = Coverage(), []
    for flow in flows.tolist():
        sink = SPEED + getter_speed(titanium, AROUND, coverage)
        settings = Settings(flows=amounts({"O2": flow}), pumping=Pumping.NOTHING, sinks=amounts({"O2": sink}))
        gas = vessel_step(vessel, gas, settings, dt)
        pressure = vessel.pressures(gas.molecules)[O2]
        coverage = step(titanium, AROUND, coverage, pressure, CURRENT, dt)
        seen.append(coverage.target)
    return np.array(seen)


def test_a_slow_sweep_finds_the_edges_of_the_steady_state() -> None:
    """Two hours up and two down, vessel and surfaces each exact in turn."""
    up = np.linspace(0.0, 2.5 * SCCM, 7200)
    rising, falling = np.split(swept(np.concatenate((up, up[::-1])), 1.0), 2)
    found = folds(metal(), AROUND, CURRENT, SPEED)
    assert found is not None
    assert up[np.argmax(rising > 0.8)] == pytest.approx(found[0], rel=0.03)
    assert up[::-1][np.argmax(falling < 0.5)] == pytest.approx(found[1], rel=0.03)


def test_vessel_and_surfaces_in_turn_are_the_dynamic_model() -> None:
    """Against the three equations of Berg's dynamic model solved together, through the poisoning."""
    titanium, volume, kt = metal(), 60e-3, BOLTZMANN * 295.0
    flow = 2.2 * SCCM

    def together(_: float, y: np.ndarray) -> list[float]:
        molecules, target, collector = y
        flux = oxygen_flux(titanium, AROUND, 1.0) * molecules * kt / volume
        ions = CURRENT / ELEMENTARY_CHARGE
        sites = titanium.oxygen * titanium.sites
        taken = flux * ((1.0 - target) * AROUND.target_area + (1.0 - collector) * AROUND.collector_area)
        lost = titanium.oxygen * ions / AROUND.target_area * titanium.from_oxide * target
        on_collector = titanium.oxygen * ions / AROUND.collector_area
        gain = (2.0 * flux + on_collector * titanium.from_oxide * target) * (1.0 - collector)
        loss = on_collector * titanium.from_metal * (1.0 - target) * collector
        return [
            flow - taken - SPEED * molecules / volume,
            (2.0 * flux * (1.0 - target) - lost) / sites,
            (gain - loss) / sites,
        ]

    times = np.linspace(0.0, 40.0, 9)
    exact = solve_ivp(together, (0.0, 40.0), [0.0, 0.0, 0.0], "LSODA", times, rtol=1e-8, atol=1e-10)
    stepped = swept(np.full(4000, flow), 0.01)
    assert stepped[np.round(times[1:] / 0.01).astype(int) - 1] == pytest.approx(exact.y[1][1:], abs=0.02)
    assert stepped[-1] > 0.8


def test_the_common_rest_of_the_steps_is_the_steady_state() -> None:
    pressure = 0.02
    coverage = Coverage()
    for _ in range(50):
        coverage = step(metal(), AROUND, coverage, pressure, CURRENT, 10.0)
    rest = settled(metal(), AROUND, pressure, CURRENT)
    assert (coverage.target, coverage.collector) == pytest.approx((rest.target, rest.collector), rel=1e-12)
    held = supply(metal(), AROUND, pressure, CURRENT, SPEED)
    pumped = (SPEED + getter_speed(metal(), AROUND, coverage)) * pressure / (BOLTZMANN * 295.0)
    assert held == pytest.approx(pumped, rel=1e-12)
    assert step(metal(), AROUND, coverage, 0.0, 0.0, 10.0) == coverage
