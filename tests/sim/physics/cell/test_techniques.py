"""What every technique must show, against its formula; the cell is LiCoO2 unless a formula asks for less."""

import math
from dataclasses import replace

import numpy as np
import pytest

from labctl.analysis.titration import biot_eigenvalue, gitt, pitt
from labctl.analysis.voltammetry import randles_sevcik
from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import REST, Current, Power, Record, Resistance, Until, Voltage
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.ocp import OpenCircuitPotential, Reaction, thermal_voltage

AREA = 1e-4  # m2
THICKNESS = 1.2e-6  # m
DIFFUSIVITY = 5e-15  # m2/s
TIME = THICKNESS**2 / DIFFUSIVITY  # 288 s


def make(
    *,
    thickness: float = THICKNESS,
    cells: int = 60,
    last_to_first: float = 20.0,
    fast: bool = False,
    **changes: object,
) -> Cell:
    """Return a uniform film; fast: without resistance and with kinetics that cost no voltage."""
    plain = cathode.cell_on(
        graded_edges(thickness, cells, last_to_first), DIFFUSIVITY, area=AREA, active_share=1.0
    )
    # More lithium than any titration draws, and interfaces whose only resistance is the one asked for.
    free = {"cathode_exchange_current": 1e9, "anode_exchange_current": 1e9, "electrolyte_resistance": 0.0}
    return Cell(replace(plain, anode_lithium=1e9, **{**(free if fast else {}), **changes}))


def at(cell: Cell, lithium: float):
    return replace(cell.fresh(), lithium=(lithium,) * len(cell.parameters.diffusivity))


def surface(cell: Cell, voltage):
    return cell.parameters.ocp.lithium(voltage)


NERNST = OpenCircuitPotential((Reaction(potential=4.0, share=1.0, width=1.0),), 298.15)
SITES = cathode.SITE_CHARGE


def test_constant_current_draws_the_surface_down_with_the_root_of_time() -> None:
    cell = make(fast=True, last_to_first=200.0, cells=120)
    current = 4e-4
    times = tuple((TIME * np.array([0.002, 0.005, 0.01, 0.02])).tolist())
    segment = cell.step(at(cell, 0.6), Current(current), Until(duration=0.02 * TIME), Record(times=times))
    moved = 0.6 - surface(cell, segment.voltage[1:])
    expected = 2.0 * current / AREA * np.sqrt(segment.time[1:] / (np.pi * DIFFUSIVITY)) / SITES
    assert moved == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("current", [4e-3, 6e-3, 8e-3])
def test_transition_time_is_sands_on_the_default_grid(current: float) -> None:
    edges = graded_edges(THICKNESS)
    cell = Cell(cathode.cell_on(edges, DIFFUSIVITY, area=AREA, active_share=1.0))
    segment = cell.step(at(cell, 0.5), Current(-current), Until(duration=math.inf))
    sand = (SITES * 0.5 * math.sqrt(math.pi * DIFFUSIVITY) * AREA / (2.0 * current)) ** 2
    assert segment.time[-1] == pytest.approx(sand, rel=1e-3)


def test_constant_current_settles_a_third_of_the_film_behind_the_mean() -> None:
    cell = make(fast=True)
    current = 5e-5
    segment = cell.step(at(cell, 0.8), Current(current), Until(duration=2.0 * TIME))
    mean = 0.8 - segment.charge[-1] / cell.site_charge
    behind = current / AREA * THICKNESS / (3.0 * DIFFUSIVITY * SITES)
    assert mean - surface(cell, segment.voltage[-1]) == pytest.approx(behind, rel=5e-3)


def test_open_circuit_relaxes_with_the_slowest_mode_to_the_potential_of_the_mean() -> None:
    cell = make()
    after = cell.step(at(cell, 0.62), Current(8.6e-4), Until(duration=10.0)).state
    slowest = TIME / math.pi**2
    times = tuple((slowest * np.arange(4.0, 9.0)).tolist())
    rest = cell.step(after, REST, Until(duration=60.0 * slowest), Record(times=times))
    mean = 0.62 - after.charge / cell.site_charge
    final = float(cell.parameters.ocp.potential(mean))
    assert np.diff(np.log(np.abs(rest.voltage[1:-1] - final))) == pytest.approx(-1.0, rel=1e-2)
    assert rest.voltage[-1] == pytest.approx(final, abs=1e-6)


def test_potential_step_follows_cottrell() -> None:
    cell = make(fast=True, cells=200, last_to_first=500.0)
    step = 0.01
    start, goal = 0.6, 0.6 - step
    voltage = float(cell.parameters.ocp.potential(goal))
    times = np.geomspace(1e-3, 3e-2, 12) * TIME
    segment = cell.step(
        at(cell, start), Voltage(voltage), Until(duration=0.04 * TIME), Record(times=tuple(times.tolist()))
    )
    found = segment.current[1:-1]
    expected = AREA * SITES * step * np.sqrt(DIFFUSIVITY / (np.pi * times))
    assert found == pytest.approx(expected, rel=1e-3)
    assert np.polyfit(np.log(times), np.log(found), 1)[0] == pytest.approx(-0.5, abs=5e-4)


def pulse(cell: Cell, lithium: float, fraction: float, current: float):
    """Return the estimate from one pulse of a length [L2/D] and a rest after it."""
    state = at(cell, lithium)
    length = fraction * TIME
    times = tuple(np.linspace(0.0, length, 400).tolist())
    during = cell.step(state, Current(current), Until(duration=length), Record(times=times))
    rest = cell.step(during.state, REST, Until(duration=4.0 * TIME), Record(interval=0.05 * TIME))
    return gitt(during.time, during.voltage, cell.voltage(state, 0.0), rest.voltage, THICKNESS)


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.1])
def test_titration_by_current_finds_the_diffusivity_within_one_percent(fraction: float) -> None:
    cell = make(last_to_first=100.0, cells=100)
    # Four times the charge would bend the potential within the shortest pulse, and D by three percent.
    current = 1e-4 * cell.site_charge / (fraction * TIME)
    found = pulse(cell, 0.6, fraction, current)
    assert found.valid
    assert found.diffusivity == pytest.approx(DIFFUSIVITY, rel=1e-2, abs=0.0)


def test_titration_by_current_doubts_a_pulse_that_feels_the_wall_or_steps_too_far() -> None:
    cell = make()
    long = pulse(cell, 0.6, 0.35, 4e-4 * cell.site_charge / (0.35 * TIME))
    far = pulse(cell, 0.6, 0.05, 4e-2 * cell.site_charge / (0.05 * TIME))
    assert any("longer than" in doubt for doubt in long.doubts)
    assert abs(long.diffusivity / DIFFUSIVITY - 1.0) > 0.02
    assert any("changed by" in doubt for doubt in far.doubts)


@pytest.mark.parametrize("resistance", [0.0, 6e-3, 3e-2])
def test_titration_by_voltage_finds_the_diffusivity_whatever_the_resistance(resistance: float) -> None:
    cell = make(fast=True, electrolyte_resistance=resistance)
    start, step = float(cell.parameters.ocp.potential(0.6)), 1e-4
    times = tuple(np.linspace(0.0, 2.0 * TIME, 400).tolist())
    control, until = Voltage(start + step), Until(duration=2.0 * TIME)
    segment = cell.step(at(cell, 0.6), control, until, Record(times=times))
    found = pitt(segment.time, segment.current, step, THICKNESS, resistance / AREA)
    assert found.diffusivity == pytest.approx(DIFFUSIVITY, rel=1e-2, abs=0.0)
    if resistance:
        naive = pitt(segment.time, segment.current, step, THICKNESS)
        slope = abs(float(cell.parameters.ocp.slope(0.6)))
        biot = THICKNESS * slope / (resistance * SITES * DIFFUSIVITY)
        predicted = (biot_eigenvalue(biot) / (0.5 * math.pi)) ** 2
        assert naive.diffusivity / DIFFUSIVITY == pytest.approx(predicted, rel=1e-2)


def sweep(cell: Cell, rate: float, low: float, high: float):
    """Return voltage and current of an anodic sweep from a film at rest at the low potential."""
    state = at(cell, float(surface(cell, low)))
    record = Record(voltage_change=2e-4)
    segment = cell.step(state, Voltage(low, rate), Until(upper=high), record)
    return segment.voltage, segment.current


def test_semi_infinite_voltammogram_peaks_as_nicholson_and_shain_say() -> None:
    cell = make(fast=True, ocp=NERNST, cells=160, last_to_first=300.0, thickness=20e-6)
    rates, peaks = np.array([1e-3, 1e-2]), []
    for rate in rates:
        voltage, current = sweep(cell, float(rate), 3.75, 4.2)
        peak = int(np.argmax(current))
        peaks.append(current[peak])
        assert voltage[peak] - 4.0 == pytest.approx(0.02845, abs=4e-4)
    expected = 0.4463 * AREA * SITES * np.sqrt(rates * DIFFUSIVITY / thermal_voltage(298.15))
    assert np.array(peaks) == pytest.approx(expected, rel=2e-3)
    found = randles_sevcik(rates, np.array(peaks), SITES, AREA)
    assert found.valid
    assert found.diffusivity == pytest.approx(DIFFUSIVITY, rel=4e-3, abs=0.0)


def test_thin_film_voltammogram_peaks_in_proportion_to_the_scan_rate() -> None:
    cell = make(fast=True, ocp=NERNST, diffusivity=(1e-10,) * 60)
    rates = np.array([1e-5, 1e-4])
    peaks = np.array([np.max(sweep(cell, float(rate), 3.8, 4.2)[1]) for rate in rates])
    assert peaks == pytest.approx(
        rates * AREA * SITES * THICKNESS / (4.0 * thermal_voltage(298.15)), rel=1e-3
    )
    found = randles_sevcik(rates, peaks, SITES, AREA)
    assert found.exponent == pytest.approx(1.0, abs=1e-3)
    assert "emptied" in found.doubts[0]


def test_real_voltammogram_loses_its_exponent_to_the_resistance() -> None:
    cell = make(thickness=0.7e-6)
    rates = np.array([2e-6, 1e-4, 1e-2])
    logarithms = np.log([np.max(sweep(cell, float(rate), 3.6, 4.2)[1]) for rate in rates])
    exponents = np.diff(logarithms) / np.diff(np.log(rates))
    assert exponents[0] > 0.8
    assert exponents[1] < 0.62


def test_power_is_held_and_its_energy_is_power_times_time() -> None:
    cell = make()
    times = tuple(np.linspace(1.0, 500.0, 100).tolist())
    segment = cell.step(at(cell, 0.55), Power(-4e-4), Until(lower=3.5), Record(times=times))
    assert segment.current * segment.voltage == pytest.approx(-4e-4, rel=1e-6)
    assert segment.energy[-1] == pytest.approx(-4e-4 * segment.time[-1], rel=1e-9)
    assert segment.voltage[-1] == pytest.approx(3.5, abs=1e-6)


def test_resistor_is_obeyed() -> None:
    cell = make()
    segment = cell.step(at(cell, 0.55), Resistance(1e4), Until(lower=3.5), Record(interval=100.0))
    assert segment.voltage == pytest.approx(-1e4 * segment.current, rel=1e-6)
    assert segment.voltage[-1] == pytest.approx(3.5, abs=1e-6)


@pytest.mark.parametrize("control", [Resistance(4e5), Resistance(5e3), Power(-4e-5), Power(-3e-3)], ids=str)
@pytest.mark.parametrize("lithium", [0.55, 0.8])
@pytest.mark.parametrize(
    "rows", [{"interval": 5.0}, {"voltage_change": 2e-3}, {"interval": 60.0, "current_change": 1e-7}]
)
def test_discharge_of_a_rested_cell_falls_at_every_row(control, lithium: float, rows) -> None:
    cell = make()
    segment = cell.step(at(cell, lithium), control, Until(lower=3.7), Record(**rows))
    assert segment.voltage[-1] == pytest.approx(3.7, abs=1e-6)
    assert segment.voltage.size > 5
    assert np.all(np.diff(segment.voltage) < 0.0)
    assert np.all(np.diff(segment.energy) < 0.0)


@pytest.mark.parametrize("power", [4e-5, 3e-3])
def test_charge_of_a_rested_cell_at_constant_power_rises_at_every_row(power: float) -> None:
    cell = make()
    segment = cell.step(at(cell, 0.8), Power(power), Until(upper=4.2), Record(voltage_change=2e-3))
    assert np.all(np.diff(segment.voltage) > 0.0)
    assert segment.voltage * segment.current == pytest.approx(power, rel=1e-6)
