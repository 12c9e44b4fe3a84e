"""The thermal twin against its peers, side by side in one run: `python -m benchmarks.thermal`.

Peers: FiPy (optional extra `bench-peers`) and scipy's solve_ivp, on the same cells, properties and losses; FiPy on
the same steps as well. Its time is Python's overhead for each step, not arithmetic. Ratios are what counts: the
seconds are those of this machine at this moment. Imports are not timed, and every peer runs once before it is.
The exit code is not 0 where a floor is missed: accuracies by anything, speeds by more than MARGIN.
OPENBLAS_NUM_THREADS=1 is set, since threads on these small matrices only wait for one another.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("FIPY_SOLVERS", "scipy")

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.sparse import diags_array

from sim.materials.thermal import CALIBRATION_POINTS, FLASH_STATION, HANGING, MODELS, lco_on, lco_on_foil
from sim.physics.anneal.under_lamp import FoilUnderLamp
from sim.physics.heat.engines import Drive
from sim.physics.heat.medium import REFERENCE
from sim.physics.heat.modal import ModalEngine
from sim.physics.heat.stack import Environment, Stack
from sim.physics.heat.stepping import LinearStack, SteppingEngine
from sim.physics.lamp.bank import Bank, Discharge, discharge
from sim.physics.lamp.knots import dark_knots, lit_knots

Array = NDArray[np.float64]
T = TypeVar("T")

LINEARISED_AT = 600.0  # K
PERIOD = 2.5  # s
ROOM = 298.15  # K
MARGIN = 0.2  # of a floor of speed: so much may a machine with other work to do fall short of it

FIPY, SOLVE_IVP, MODAL, STOPPED = 100.0, 50.0, 20.0, 20.0
"""Floors: how many times the peer's (or the plain loop's) time must be ours."""
PEERS_APART, STOPPED_APART = 0.5, 0.05  # K, peaks of the peers, cells of the train that stops
RECIPE = 1.0  # s, any recipe
LINEAR = 2.2  # times the cost for twice the cells or pulses


@dataclass(frozen=True, eq=False)
class Case:
    """Hold one linear problem: cells, surroundings, and one cycle of the paper's pulse."""

    stack: Stack
    environment: Environment
    pulse: Discharge
    cycle: Drive
    probes: Array


class Floors:
    """Collect what was missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def faster(self, name: str, ratio: float, floor: float) -> None:
        """Hold a ratio of times against its floor, less the margin."""
        if not ratio >= (1.0 - MARGIN) * floor:
            self.missed.append(f"{name}: {ratio:.3g} times faster, {floor:g} wanted")

    def within(self, name: str, value: float, most: float) -> None:
        """Hold a value against the most it may be."""
        if not value <= most:
            self.missed.append(f"{name}: {value:.3g}, {most:g} at most")


def case(thickness: float, voltage: float) -> Case:
    """Return the linear problem of a film [m] on the paper's foil under a bank voltage [V]."""
    lamp, pulse = lco_on_foil(thickness), discharge(Bank(), voltage, 1.8e-3)
    stack = lamp.stack.linearised(LINEARISED_AT)
    lit = lit_knots(pulse)
    times = np.append(lit, pulse.duration + dark_knots(PERIOD - pulse.duration)[1:])
    power = np.zeros(len(times) - 1)
    power[: len(lit) - 1] = pulse.exposure * np.diff(pulse.energy_share(lit)) / np.diff(lit)
    probes = np.zeros((3, len(stack.widths)))
    probes[0, :2] = 9 / 8, -1 / 8
    probes[1, len(lamp.width)] = probes[2, -1] = 1.0
    cycle = Drive(times, power, lamp.shares)
    return Case(stack, FLASH_STATION.linearised(LINEARISED_AT), pulse, cycle, probes)


def timed(action: Callable[[], T], repeats: int = 1, *, warm: bool = False) -> tuple[float, T]:
    """Return the shortest time [s] of some runs, and what the last returned; warm: after one that is not timed."""
    shortest = np.inf
    if warm:
        action()
    for _ in range(repeats):
        start = perf_counter()
        result = action()
        shortest = min(shortest, perf_counter() - start)
    return shortest, result


def by_steps(problem: Case, pulses: int, *, history: bool = False) -> Any:
    """Run a train by linear stepping."""
    engine = SteppingEngine(problem.stack, problem.environment)
    start = problem.stack.enthalpy(ROOM)
    return engine.train(start, problem.cycle, pulses, problem.probes, history=history)


def by_modes(problem: Case, pulses: int, *, history: bool = False) -> Any:
    """Run a train in closed form, finding the modes included."""
    engine = ModalEngine(problem.stack, problem.environment)
    start = problem.stack.enthalpy(ROOM)
    return engine.train(start, problem.cycle, pulses, problem.probes, history=history)


def by_solve_ivp(problem: Case, *, exact_jacobian: bool) -> Array:
    """Return the peaks [K] of one pulse by scipy's BDF at rtol 1e-6.

    With the exact sparse Jacobian it is at its best; with its sparsity only, it finds the values itself.
    """
    linear = LinearStack(problem.stack, problem.environment)
    faces = -linear.faces
    matrix = diags_array([faces, linear.diagonal, faces], offsets=[-1, 0, 1]).tocsr()
    jacobian = (diags_array(-1.0 / linear.capacity) @ matrix).tocsc()
    ambient = linear.gains(Drive(np.array([0.0, 1.0]), np.zeros(1), problem.cycle.shares))[0]
    pulse, shares = problem.pulse, problem.cycle.shares

    def lit(time: float, warmth: Array) -> Array:
        power = pulse.exposure * float(pulse.power_share(time))
        return np.asarray((shares * power + ambient - matrix @ warmth) / linear.capacity)

    def dark(time: float, warmth: Array) -> Array:
        return np.asarray((ambient - matrix @ warmth) / linear.capacity)

    options: dict[str, Any] = {"method": "BDF", "rtol": 1e-6, "atol": 1e-6}
    options |= {"jac": jacobian} if exact_jacobian else {"jac_sparsity": jacobian != 0}
    start = np.full(len(shares), ROOM - REFERENCE)
    during = solve_ivp(lit, (0.0, pulse.duration), start, **options)
    after = solve_ivp(dark, (pulse.duration, PERIOD), during.y[:, -1], **options)
    return np.asarray((problem.probes @ np.hstack([during.y, after.y])).max(axis=1) + REFERENCE)


def by_fipy(problem: Case) -> Array:
    """Return the peaks [K] of one pulse by FiPy: backward Euler, the same cells and steps. Raises ImportError."""
    from fipy import CellVariable, DiffusionTerm, FaceVariable, Grid1D, ImplicitSourceTerm, TransientTerm
    from fipy.solvers.scipy import LinearLUSolver

    linear, widths = LinearStack(problem.stack, problem.environment), problem.stack.widths
    mesh = Grid1D(dx=widths)
    warmth = CellVariable(mesh=mesh, value=ROOM - REFERENCE)
    apart = np.diff(problem.stack.centres)
    conductivity = FaceVariable(mesh=mesh, value=np.concatenate([[0.0], linear.faces * apart, [0.0]]))
    sink = np.zeros(len(widths))
    sink[0] = problem.environment.front.transfer / widths[0]
    sink[-1] = problem.environment.back.transfer / widths[-1]
    source = CellVariable(mesh=mesh, value=0.0)
    equation = TransientTerm(coeff=CellVariable(mesh=mesh, value=linear.capacity / widths)) == (
        DiffusionTerm(coeff=conductivity)
        - ImplicitSourceTerm(coeff=CellVariable(mesh=mesh, value=sink))
        + source
    )
    solver, gains = LinearLUSolver(), linear.gains(problem.cycle)
    highest = np.full(3, -np.inf)
    for step, dt in enumerate(np.diff(problem.cycle.times).tolist()):
        source.setValue(gains[step] / widths)
        equation.solve(var=warmth, dt=dt, solver=solver)
        highest = np.maximum(highest, problem.probes @ warmth.value)
    return np.asarray(highest + REFERENCE)


def quasi_steady(pulses: int) -> tuple[float, float, float]:
    """Return seconds of the train with the stop and of the whole one, and the largest difference of cells [K]."""
    lamp, pulse = lco_on_foil(3.3e-6), discharge(Bank(), 850.0, 1.8e-3)

    def whole() -> Any:
        state = lamp.initial(ROOM)
        for _ in range(pulses):
            state, _ = lamp.follow(state, pulse, PERIOD)
        return state

    quick, stopped = timed(lambda: lamp.anneal(lamp.initial(ROOM), pulse, PERIOD, pulses), repeats=3)
    slow, full = timed(whole)
    apart = np.abs(lamp.temperatures(stopped) - lamp.temperatures(full)).max()
    return quick, slow, float(max(apart, np.abs(stopped.peak - full.peak).max()))


def against_peers(problem: Case, floors: Floors) -> None:
    """Print linear stepping against its peers, per pulse."""
    pulses = 10
    seconds, _ = timed(lambda: by_steps(problem, pulses), repeats=20, warm=True)
    stepping = seconds / pulses
    ours = by_steps(problem, 1).highest
    print(f"linear stepping           {stepping:.5f} s per pulse, {len(problem.stack.widths)} cells")
    for name, exact in (("solve_ivp(BDF), Jacobian", True), ("solve_ivp(BDF), sparsity", False)):
        seconds, theirs = timed(lambda exact=exact: by_solve_ivp(problem, exact_jacobian=exact), repeats=2)
        _say(name, seconds, stepping, np.abs(ours - theirs).max())
        floors.faster(name, seconds / stepping, SOLVE_IVP)
        floors.within(f"{name}, peaks [K]", np.abs(ours - theirs).max(), PEERS_APART)
    try:
        seconds, theirs = timed(lambda: by_fipy(problem), warm=True)
    except ImportError:
        print("FiPy is not installed; pip install 'labctl[bench-peers]'")
    else:
        _say("FiPy", seconds, stepping, np.abs(ours - theirs).max())
        floors.faster("FiPy", seconds / stepping, FIPY)
        floors.within("FiPy, peaks [K]", np.abs(ours - theirs).max(), PEERS_APART)


def scaling(problem: Case, floors: Floors) -> None:
    """Print what twice the pulses and twice the cells cost: the engines that step are linear in both."""
    once, _ = timed(lambda: by_steps(problem, 10), repeats=3, warm=True)
    twice, _ = timed(lambda: by_steps(problem, 20), repeats=3)
    halved = halved_cells(problem)
    finer, _ = timed(lambda: by_steps(halved, 10), repeats=3)
    print(
        f"stepping: twice the pulses cost {twice / once:.2f} times, twice the cells {finer / once:.2f} times"
    )
    for name, cost in (("twice the pulses", twice / once), ("twice the cells", finer / once)):
        floors.within(f"cost of {name}", cost, LINEAR * (1.0 + MARGIN))


def halved_cells(problem: Case) -> Case:
    """Return the same problem with every cell cut in two."""
    layers = tuple(
        replace(layer, widths=tuple(np.repeat(layer.widths, 2) / 2)) for layer in problem.stack.layers
    )
    cycle = replace(problem.cycle, shares=np.repeat(problem.cycle.shares, 2) / 2)
    probes = np.repeat(problem.probes, 2, axis=1) / 2
    return replace(problem, stack=Stack(layers), cycle=cycle, probes=probes)


def main() -> list[str]:
    """Run everything, print ratios, and return which floors were missed."""
    floors = Floors()
    problem = case(1.2e-6, 900.0)
    against_peers(problem, floors)
    scaling(problem, floors)
    trains(floors)
    recipes(floors)
    outliers(floors)
    for missed in floors.missed:
        print(f"MISSED {missed}")
    return floors.missed


def trains(floors: Floors) -> None:
    """Print what closed form and the stop when steady save over 300 pulses."""
    thick = case(3.3e-6, 850.0)
    loop, stepped = timed(lambda: by_steps(thick, 300, history=True))
    closed, modal = timed(lambda: by_modes(thick, 300, history=True), repeats=5, warm=True)
    apart = np.abs(stepped.peaks - modal.peaks).max()
    print(
        f"modal, 300 pulses         {closed:.5f} s; stepping / modal = {loop / closed:.0f}; peaks {apart:.3f} K apart"
    )
    floors.faster("modal over stepping", loop / closed, MODAL)
    floors.within("modal, peaks [K]", apart, 0.25)
    quick, slow, apart = quasi_steady(300)
    print(
        f"nonlinear, 300 pulses     {quick:.3f} s; full / stopped = {slow / quick:.1f}; cells {apart:.4f} K apart"
    )
    floors.faster("stopped over full train", slow / quick, STOPPED)
    floors.within("stopped train, cells [K]", apart, STOPPED_APART)


def recipes(floors: Floors) -> None:
    """Print how long each recipe of the paper takes."""
    for thickness, voltage, duration, pulses, rate in CALIBRATION_POINTS:
        lamp: FoilUnderLamp = lco_on_foil(thickness)
        pulse = discharge(Bank(), voltage, duration)
        seconds, _ = timed(lambda: lamp.anneal(lamp.initial(ROOM), pulse, 1.0 / rate, pulses))  # noqa: B023
        print(f"recipe {thickness * 1e6:g} um, {voltage:g} V x {pulses}: {seconds:.3f} s")
        floors.within(f"recipe {thickness * 1e6:g} um [s]", seconds, RECIPE * (1.0 + MARGIN))


def hard_cases() -> Iterator[tuple[str, FoilUnderLamp, Discharge, int]]:
    """Yield what takes longest: name, foil, pulse and number of pulses, 2.5 s apart."""
    bank, slot = Bank(), 36e-6
    micro = tuple((k * slot, (k + 0.5) * slot) for k in range(100))
    plain, coupled = discharge(bank, 850.0, 1.8e-3), MODELS["S2"]
    yield "100 micro-pulses", lco_on_foil(0.7e-6), discharge(bank, 850.0, 100 * slot, micro), 20
    yield "3 mm of glass", lco_on((("glass", 3e-3),), 0.7e-6), discharge(bank, 400.0, 1.8e-3), 300
    yield "2 mm of steel", lco_on((("steel", 2e-3),), 0.7e-6), discharge(bank, 800.0, 1.8e-3), 300
    yield "920 V for 3 ms, melting", lco_on_foil(0.7e-6), discharge(bank, 920.0, 3e-3), 20
    yield "600 V for 10 ms", lco_on_foil(0.7e-6), discharge(bank, 600.0, 10e-3), 20
    yield "hanging", lco_on_foil(1.2e-6, environment=HANGING), discharge(bank, 700.0, 1.8e-3), 300
    for thickness in (0.7e-6, 3.3e-6):
        film = lco_on_foil(thickness, absorptance=coupled.absorptance, film=coupled.film)
        yield f"set S2, {thickness * 1e6:g} um", film, plain, 300


def outliers(floors: Floors) -> None:
    """Print how long what is hardest takes."""
    for name, lamp, pulse, pulses in hard_cases():
        seconds, _ = timed(lambda: lamp.anneal(lamp.initial(ROOM), pulse, PERIOD, pulses))  # noqa: B023
        print(f"hard case {name}, {pulses} pulses: {seconds:.3f} s")
        floors.within(f"hard case {name} [s]", seconds, RECIPE * (1.0 + MARGIN))


def _say(name: str, seconds: float, stepping: float, apart: float) -> None:
    print(
        f"{name:<26}{seconds:.3f} s per pulse; {seconds / stepping:.0f} times stepping; peaks {apart:.3f} K apart"
    )


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
