"""The same slab written in PyBaMM, solved by IDAKLU; skipped where PyBaMM is not installed."""

from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Record, Until
from sim.physics.cell.diffusion import graded_edges

pybamm = pytest.importorskip("pybamm")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

AREA, THICKNESS, CELLS = 1e-4, 1.2e-6, 240
FLOOR, DEPTH, FRONT = 0.02, 0.31e-6, 2e-14


def share_of_front(depth):
    """Return D(z) / D(0)."""
    return FLOOR + (1.0 - FLOOR) * np.exp(-depth / DEPTH)


def reference(current: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """Return time [s] and voltage [V] of a discharge to 3.0 V, lengths in units of the thickness."""
    potentials = np.linspace(4.6, 2.9, 6000)
    odds = np.log(cathode.LITHIUM_COBALT_OXIDE.lithium(potentials)) - np.log(
        cathode.LITHIUM_COBALT_OXIDE.vacancy(potentials)
    )
    model = pybamm.BaseModel()
    lithium = pybamm.Variable("x", domain="film")
    depth = pybamm.SpatialVariable("z", domain="film", coord_sys="cartesian")
    profile = FLOOR + (1.0 - FLOOR) * pybamm.exp(-depth * THICKNESS / DEPTH)
    density = current / AREA
    flux = density / (cathode.SITE_CHARGE * cathode.UTILISATION * FRONT) * THICKNESS
    rate = FRONT / THICKNESS**2
    model.rhs = {lithium: rate * pybamm.div(profile * pybamm.grad(lithium))}
    model.boundary_conditions = {
        lithium: {"left": (pybamm.Scalar(flux), "Neumann"), "right": (pybamm.Scalar(0), "Neumann")}
    }
    model.initial_conditions = {lithium: pybamm.Scalar(start)}
    surface = pybamm.minimum(pybamm.maximum(pybamm.boundary_value(lithium, "left"), 1e-12), 1.0 - 1e-12)
    potential = pybamm.Interpolant(odds, potentials, pybamm.log(surface / (1.0 - surface)))
    thermal = 8.314462618 * 298.15 / 96485.33212
    exchange = 4.0 * cathode.EXCHANGE_CURRENT * pybamm.sqrt(surface * (1.0 - surface))
    voltage = potential + 2.0 * thermal * pybamm.arcsinh(density / exchange)
    voltage += 2.0 * thermal * np.arcsinh(density / (2.0 * cathode.EXCHANGE_CURRENT)) + density * 5e-3
    model.variables = {"V": voltage}
    model.events = [pybamm.Event("cut-off", voltage - 3.0)]
    geometry = {"film": {depth: {"min": pybamm.Scalar(0), "max": pybamm.Scalar(1)}}}
    edges = graded_edges(THICKNESS, CELLS, 20.0) / THICKNESS
    submesh = pybamm.MeshGenerator(pybamm.UserSupplied1DSubMesh, submesh_params={"edges": edges})
    mesh = pybamm.Mesh(geometry, {"film": submesh}, {depth: CELLS})
    pybamm.Discretisation(mesh, {"film": pybamm.FiniteVolume()}).process_model(model)
    solver = pybamm.IDAKLUSolver(rtol=1e-8, atol=1e-10)
    solution = solver.solve(model, np.linspace(0.0, 8000.0, 4001))
    return solution.t, solution["V"].entries


@pytest.mark.parametrize("current", [-8.6e-5, -4.3e-4])
def test_discharge_time_and_voltage_are_those_of_pybamm(current: float) -> None:
    edges = graded_edges(THICKNESS, CELLS, 20.0)
    centres = 0.5 * (edges[1:] + edges[:-1])
    cell = Cell(cathode.cell_on(edges, FRONT * share_of_front(centres), area=AREA))
    state = replace(cell.fresh(), lithium=(0.5,) * CELLS)
    time, voltage = reference(current, 0.5)
    kept = time < 0.95 * time[-1]
    record = Record(times=tuple(time[kept][1:].tolist()))
    segment = cell.step(state, Current(current), Until(lower=3.0), record)
    assert segment.time[-1] == pytest.approx(time[-1], rel=1e-3)
    found = segment.voltage[np.searchsorted(segment.time, time[kept])]
    print(
        "time", segment.time[-1] / time[-1] - 1.0, "mV", 1e3 * np.max(np.abs(found[1:] - voltage[kept][1:]))
    )
    assert np.max(np.abs(found[1:] - voltage[kept][1:])) < 1e-3
