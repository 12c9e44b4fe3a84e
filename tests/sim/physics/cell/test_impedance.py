"""Spectra against the analytic circuit, the engine's own matrices, and Kramers-Kronig."""

from dataclasses import replace

import numpy as np
import pytest

from labctl.analysis.kramers_kronig import linear_test
from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellError
from sim.physics.cell.diffusion import PlanarFilm, graded_edges
from sim.physics.cell.finite_volume_stage import Exponential
from sim.physics.cell.impedance import (
    dependent_response,
    film_response,
    impedance,
    modal_response,
    regular_frequencies,
)
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.ocp import thermal_voltage

AREA, THICKNESS, DIFFUSIVITY = 1e-4, 1.2e-6, 5e-15
FREQUENCY = np.geomspace(1e-4, 1e6, 101)


def make(backward: float = 1.0, cells: int = 40, **changes: object) -> Cell:
    edges = graded_edges(THICKNESS, cells)
    depth = 0.5 * (edges[1:] + edges[:-1]) / THICKNESS
    plain = cathode.cell_on(edges, DIFFUSIVITY * backward**-depth, area=AREA)
    return Cell(replace(plain, anode_exchange_current=40.0, contact_resistance=1e-3, **changes))


def state_at(cell: Cell, lithium: float):
    return replace(cell.fresh(), lithium=(lithium,) * len(cell.parameters.diffusivity))


@pytest.mark.parametrize("lithium", [0.5, 0.6, 0.75, 0.95])
def test_spectrum_is_the_analytic_circuit_at_any_state_of_charge(lithium: float) -> None:
    cell = make()
    parameters, ocp = cell.parameters, cell.parameters.ocp
    sites, turning = float(parameters.site_density[0]), 2j * np.pi * FREQUENCY
    root = np.sqrt(turning * THICKNESS**2 / DIFFUSIVITY)
    bent = np.tanh(np.minimum(root.real, 300.0) * (1 + 1j))
    warburg = -float(ocp.slope(lithium)) * THICKNESS / (DIFFUSIVITY * sites) / (bent * root)
    thermal = thermal_voltage(ocp.temperature)
    transfer = thermal / (2.0 * 50.0 * np.sqrt(lithium * (1.0 - lithium)))
    expected = 1e-3 + 5e-3 / (1.0 + turning * 5e-3 * parameters.electrolyte_capacitance)
    expected = expected + (transfer + warburg) / (1.0 + turning * 0.1 * (transfer + warburg))
    expected = (expected + (thermal / 40.0) / (1.0 + turning * 0.1 * thermal / 40.0)) / AREA
    assert impedance(parameters, state_at(cell, lithium), FREQUENCY) == pytest.approx(expected, rel=1e-9)


def test_lowest_frequency_shows_the_capacity_of_the_film() -> None:
    cell = make(backward=20.0)
    lowest = np.array([1e-6])
    found = impedance(cell.parameters, state_at(cell, 0.6), lowest)
    slope = float(cell.parameters.ocp.slope(0.6))
    assert -1.0 / (2 * np.pi * lowest * found.imag) == pytest.approx(-cell.site_charge / slope, rel=1e-3)


@pytest.mark.parametrize("backward", [1.0, 30.0])
def test_film_of_layers_is_that_of_the_engines_matrices(backward: float) -> None:
    frequency = np.geomspace(1e-5, 1.0, 30)
    for cells, error in ((40, 2e-2), (320, 1e-3)):
        edges = graded_edges(THICKNESS, cells, 20.0)
        depth = 0.5 * (edges[1:] + edges[:-1]) / THICKNESS
        diffusivity = DIFFUSIVITY * backward**-depth
        sites = np.full(cells, cathode.SITE_CHARGE)
        layers = film_response(edges, diffusivity, sites, frequency)
        modes = modal_response(PlanarFilm(edges, diffusivity, sites), frequency)
        assert np.max(np.abs(modes / layers - 1.0)) < error


def test_small_steps_of_the_engine_are_the_spectrum_in_time() -> None:
    """The answer to a current that starts at 0: R + transfer at once, then each mode by 1 - exp."""
    cell = make(backward=5.0, cells=80)
    state, current = state_at(cell, 0.6), 1e-7
    rise = (cell.voltage(state, current) - cell.voltage(state, 0.0)) / current
    found = impedance(
        replace(cell.parameters, cathode_capacitance=0.0, anode_capacitance=0.0, electrolyte_capacitance=0.0),
        state,
        np.array([1e7]),
    )
    assert rise == pytest.approx(found[0].real, rel=3e-2)


def test_leak_is_in_parallel_with_all_of_it() -> None:
    cell, frequency = make(), regular_frequencies()
    plain = impedance(cell.parameters, state_at(cell, 0.6), frequency)
    leaky = impedance(replace(cell.parameters, leak_resistance=0.5), state_at(cell, 0.6), frequency)
    assert leaky == pytest.approx(1.0 / (1.0 / plain + AREA / 0.5), rel=1e-12)


def test_bias_makes_charge_transfer_easier() -> None:
    none = {"cathode_capacitance": 0.0, "anode_capacitance": 0.0, "electrolyte_capacitance": 0.0}
    cell, bias, fast = make(**none), 5e-3, np.array([1e13])
    state = state_at(cell, 0.6)
    found = impedance(cell.parameters, state, fast, bias=bias)[0].real * AREA
    film = PlanarFilm(
        np.array(cell.parameters.edges), np.array(cell.parameters.diffusivity), cell.parameters.site_density
    )
    surface = np.array(0.6 - film.surface_resistance * bias / AREA)
    faces = Interfaces.of(cell.parameters, state)
    around = [faces.at_lithium(surface, bias / AREA + step) for step in (-1e-3, 1e-3)]
    assert found == pytest.approx(float(around[1] - around[0]) / 2e-3, rel=1e-4)
    assert found < impedance(cell.parameters, state, fast)[0].real * AREA


def test_derivatives_of_the_interfaces_are_those_of_the_voltage() -> None:
    cell = make()
    faces = Interfaces.of(cell.parameters, cell.fresh())
    potential, density, small = np.array([3.9, 4.1, 3.2]), np.array([3.0, -20.0, 0.5]), 1e-6
    drop = faces.at_potential(potential, density)
    for moved, derivative in (
        (faces.at_potential(potential + small, density), drop.to_potential),
        (faces.at_potential(potential, density + small), drop.to_density),
    ):
        assert (moved.voltage - drop.voltage) / small == pytest.approx(derivative, rel=1e-4)
    assert faces.at_lithium(drop.lithium[:2], density[:2]) == pytest.approx(drop.voltage[:2], abs=1e-8)


@pytest.mark.parametrize("backward", [1.0, 30.0])
def test_spectrum_passes_the_kramers_kronig_test(backward: float) -> None:
    cell = make(backward)
    found = linear_test(FREQUENCY, impedance(cell.parameters, state_at(cell, 0.6), FREQUENCY))
    assert found.rms < 1e-4


def test_impossible_spectra_are_refused() -> None:
    cell = make()
    state = state_at(cell, 0.6)
    for bad in ([0.0], [-1.0], [np.nan]):
        with pytest.raises(CellError, match="frequencies"):
            impedance(cell.parameters, state, np.array(bad))
    with pytest.raises(CellError, match="carry"):
        impedance(cell.parameters, state, np.array([1.0]), bias=10.0)


def test_no_dependence_on_lithium_is_the_spectrum_of_the_same_volumes() -> None:
    cell = make(backward=30.0)
    film = PlanarFilm(
        np.array(cell.parameters.edges), np.array(cell.parameters.diffusivity), cell.parameters.site_density
    )
    found = dependent_response(film, Exponential(0.0), np.linspace(0.5, 0.7, 40), FREQUENCY)
    assert found == pytest.approx(modal_response(film, FREQUENCY), rel=1e-9, abs=0.0)


def test_diffusivity_that_depends_on_lithium_is_at_rest_that_of_its_state() -> None:
    cell, law = make(backward=5.0), Exponential(1.5)
    state = state_at(cell, 0.62)
    slower = tuple(float(law.factor(np.array([0.62]))[0]) * each for each in cell.parameters.diffusivity)
    frozen = replace(cell.parameters, diffusivity=slower)
    found = impedance(cell.parameters, state, FREQUENCY, dependence=law)
    assert found == pytest.approx(impedance(frozen, state, FREQUENCY, dependence=Exponential()), rel=1e-9)
    slow = FREQUENCY < 0.3  # above, the volumes are coarser than what diffuses in a period
    assert found[slow] == pytest.approx(impedance(frozen, state, FREQUENCY[slow]), rel=5e-3)


def test_surface_that_cannot_carry_the_bias_is_refused_with_a_dependence_too() -> None:
    cell = make()
    with pytest.raises(CellError, match="carry"):
        impedance(cell.parameters, state_at(cell, 0.5), FREQUENCY, bias=10.0, dependence=Exponential(1.0))
