"""Diffusion, interfaces and control at the nodes: met to round-off, and refused by name where they cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.collocation import Collocation, NoSolutionError, is_exact
from sim.physics.cell.control import Current, Power, Resistance, Voltage
from sim.physics.cell.diffusion import PlanarFilm, graded_edges
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.panels import NODES, ORDER, Panels

AREA = 1e-4
PARAMETERS = cathode.cell_on(graded_edges(1.2e-6, 30), 2e-14, area=AREA)
FILM = PlanarFilm(
    np.array(PARAMETERS.edges), np.array(PARAMETERS.diffusivity), np.array(PARAMETERS.site_density)
)
FACES = Interfaces.of(PARAMETERS, Cell(PARAMETERS).fresh())
LEAKY = replace(FACES, leak_conductance=1.0)
CONTROLS = [
    Current(3e-4),
    Current(1e-4, 1e-6),
    Voltage(4.1),
    Voltage(4.0, 1e-3),
    Power(8e-4),
    Resistance(2e4),
]


@pytest.mark.parametrize("faces", [FACES, LEAKY])
@pytest.mark.parametrize("control", CONTROLS)
def test_panel_obeys_diffusion_and_control_at_every_node(control, faces) -> None:
    equations, panel = Collocation(faces, AREA, FILM.surface_resistance), Panels(FILM).dyadic(2)
    start = equations.instant(0.6, control, 0.0)
    ones, times = np.ones(ORDER), panel.length * NODES
    solved = equations.solve(
        0.6 * ones,
        panel.surface_gains,
        control,
        times,
        start.potential * ones,
        start.density * ones,
        panel.length,
    )
    missing, *_ = control.residual(solved.voltage, solved.current, times)
    assert np.max(np.abs(missing)) < 1e-9
    lithium = 0.6 + panel.surface_gains @ solved.density
    assert PARAMETERS.ocp.lithium(solved.potential) == pytest.approx(lithium, abs=1e-9)
    assert solved.voltage == pytest.approx(faces.at_lithium(lithium, solved.density), abs=1e-8)


def test_instant_is_the_limit_of_a_short_panel() -> None:
    equations, panel = Collocation(FACES, AREA, FILM.surface_resistance), Panels(FILM).dyadic(-30)
    start, ones = equations.instant(0.6, Voltage(4.1), 0.0), np.ones(ORDER)
    soon = equations.solve(
        0.6 * ones,
        panel.surface_gains,
        Voltage(4.1),
        panel.length * NODES,
        3.9 * ones,
        0.0 * ones,
        panel.length,
    )
    assert soon.current == pytest.approx(start.current[0] * ones, rel=1e-6)


def test_what_no_cell_can_give_is_refused() -> None:
    equations = Collocation(FACES, AREA, FILM.surface_resistance)
    for control in (Power(-1.0), Current(-10.0)):
        with pytest.raises(NoSolutionError):
            equations.instant(0.6, control, 0.0)


def test_only_a_constant_current_without_a_leak_is_exact() -> None:
    assert is_exact(Current(1e-4), FACES)
    assert not is_exact(Current(1e-4), LEAKY)
    assert not is_exact(Current(1e-4, 1e-9), FACES)
    assert not is_exact(Voltage(4.0), FACES)
