"""How fast the cell twin is, as ratios in one run: `python benchmarks/cell.py`, PyBaMM beside it if installed."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np

from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellParameters, CellState
from sim.physics.cell.control import Current, Until, Voltage
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.impedance import regular_frequencies
from sim.physics.cell.sheet import SheetSpectra, Variation, make_sheet, open_circuit_map

AREA, THICKNESS, DIFFUSIVITY = 1e-4, 1.2e-6, 5e-15  # m2, m, m2/s
CURRENT = 8.6e-5  # A: 1C of the 1.2 um film
CUT_OFF = CURRENT / 20.0
LOWER, UPPER = 3.0, 4.25  # V
PEER = "PyBaMM SPM IDAKLU, uniform D"
CYCLES = 100
TURNS = 5  # of each contestant, one after the other, the best counts: the machine has other work


def parameters(backward: float = 1.0) -> CellParameters:
    """Return the 1.2 um cell on the default grid, its back slower than its front by a factor."""
    edges = graded_edges(THICKNESS)
    depth = 0.5 * (edges[1:] + edges[:-1]) / THICKNESS
    return cathode.cell_on(edges, DIFFUSIVITY * backward**-depth, area=AREA)


def cycle(cell: Cell, state: CellState) -> tuple[CellState, float]:
    """Charge, hold and discharge once; return the state and the capacity [uAh]."""
    state = cell.step(state, Current(CURRENT), Until(upper=UPPER)).state
    state = cell.step(state, Voltage(UPPER), Until(smallest_current=CUT_OFF)).state
    discharge = cell.step(state, Current(-CURRENT), Until(lower=LOWER))
    return discharge.state, -float(discharge.charge[-1]) / 3.6e-3


def modal_cycles(backward: float, cycles: int) -> float:
    """Return the capacity [uAh] of the last of some cycles on a fresh cell, modes included."""
    cell = Cell(parameters(backward))
    state, capacity = cell.fresh(), 0.0
    for _ in range(cycles):
        state, capacity = cycle(cell, state)
    return capacity


def pybamm_cycles(cycles: int) -> Callable[[], float]:
    """Return a run of the same cycles by PyBaMM's single-particle model on IDAKLU, to be timed.

    A sphere of radius 3 L and diffusivity 1.8 D has the area, the volume and the quasi-steady gradient of the
    film. The model has no electrolyte: the drop over LiPON is missing. Raises ImportError without PyBaMM.
    """
    import pybamm  # optional, and a second to import

    potentials = np.linspace(5.0, 2.6, 4000)
    fractions = cathode.LITHIUM_COBALT_OXIDE.lithium(potentials)
    rising = np.concatenate(([True], np.diff(fractions) > 1e-13))
    fractions, potentials = fractions[rising], potentials[rising]

    def exchange(c_e: object, c_s: object, c_s_max: object, temperature: object) -> object:
        share = c_s / c_s_max  # type: ignore[operator]
        return 2.0 * cathode.EXCHANGE_CURRENT * (share * (1.0 - share)) ** 0.5

    values = pybamm.ParameterValues("Xu2019")
    values.update(
        {
            "Electrode width [m]": 1e-2,
            "Electrode height [m]": 1e-2,
            "Number of electrodes connected in parallel to make a cell": 1.0,
            "Nominal cell capacity [A.h]": CURRENT,
            "Current function [A]": CURRENT,
            "Positive electrode thickness [m]": THICKNESS,
            "Positive electrode active material volume fraction": 1.0,
            "Positive electrode porosity": 1e-3,
            "Positive particle radius [m]": 3.0 * THICKNESS,
            "Positive particle diffusivity [m2.s-1]": 1.8 * DIFFUSIVITY,
            "Maximum concentration in positive electrode [mol.m-3]": (
                cathode.SITE_CHARGE * cathode.UTILISATION / 96485.33212
            ),
            "Initial concentration in positive electrode [mol.m-3]": (
                (1.0 - 1e-4) * cathode.SITE_CHARGE * cathode.UTILISATION / 96485.33212
            ),
            "Positive electrode OCP [V]": lambda sto: pybamm.Interpolant(fractions, potentials, sto),
            "Positive electrode exchange-current density [A.m-2]": exchange,
            "Exchange-current density for lithium metal electrode [A.m-2]": lambda *_: 50.0,
            "Lower voltage cut-off [V]": 2.7,
            "Upper voltage cut-off [V]": 4.3,
            "Open-circuit voltage at 0% SOC [V]": LOWER,
            "Open-circuit voltage at 100% SOC [V]": UPPER,
        }
    )
    experiment = pybamm.Experiment(
        [
            (
                f"Charge at {CURRENT} A until {UPPER} V",
                f"Hold at {UPPER} V until {CUT_OFF} A",
                f"Discharge at {CURRENT} A until {LOWER} V",
            )
        ]
        * cycles,
        period="10 minutes",
    )
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPM({"working electrode": "positive"}),
        parameter_values=values,
        experiment=experiment,
        solver=pybamm.IDAKLUSolver(rtol=1e-4, atol=1e-6),
    )

    def run() -> float:
        solution = simulation.solve()
        passed = solution.cycles[-1].steps[-1]["Discharge capacity [A.h]"].entries
        return float(passed[-1] - passed[0]) * 1e6

    return run


def timed(work: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds a piece of work takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def best(works: dict[str, Callable[[], float]]) -> dict[str, tuple[float, float]]:
    """Return the best time of each of some pieces of work, taken in turns, and what it returns."""
    turns = [{name: timed(work) for name, work in works.items()} for _ in range(TURNS)]
    return {name: min(turn[name] for turn in turns) for name in works}


def maps_of_a_sheet() -> float:
    """Take the OCV and a 31-point spectrum of 2400 cells; return the largest |Z| [ohm]."""
    cell = parameters(30.0)
    sheet = make_sheet(40, 60, Variation(0.03, 0.05, 0.2, 0.2, short_share=0.015), seed=1)
    spectra, frequency = SheetSpectra(cell), regular_frequencies()

    def both() -> float:
        open_circuit_map(cell, sheet, 4.1, 3600.0)
        return float(np.max(np.abs(spectra.impedance(sheet, 0.6, frequency))))

    return min(timed(both)[0] for _ in range(5))


def memory_of(cycles: int) -> int:
    """Return the bytes that cycling leaves behind, the first cycle aside."""
    cell = Cell(parameters())
    state, _ = cycle(cell, cell.fresh())
    tracemalloc.start()
    for _ in range(cycles):
        state, _ = cycle(cell, state)
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return left


def main() -> None:
    """Run everything and print a table."""
    works = {
        "cell twin, uniform D": partial(modal_cycles, 1.0, CYCLES),
        "cell twin, D(z)": partial(modal_cycles, 30.0, CYCLES),
    }
    try:
        works[PEER] = pybamm_cycles(CYCLES)
    except ImportError:
        print("PyBaMM is not installed: no ratios")
    first = {name: timed(work)[0] for name, work in works.items()}
    found = best(works)
    print(f"{CYCLES} CCCV cycles of 1.2 um at 1C    best of {TURNS}   first   last discharge")
    for name, (seconds, capacity) in found.items():
        print(f"{name:<32}{seconds:9.3f} s {first[name]:6.2f} s   {capacity:.3f} uAh")
    if PEER in found:
        for name in list(found)[:2]:
            ratios = found[PEER][0] / found[name][0], first[PEER] / first[name]
            print(f"ratio, {name:<25}{ratios[0]:9.2f}   {ratios[1]:6.2f}")
    uniform = next(iter(found.values()))[0]
    quarter = min(timed(partial(modal_cycles, 1.0, CYCLES // 4))[0] for _ in range(TURNS))
    print(f"seconds per cycle, {CYCLES} over {CYCLES // 4}{uniform / quarter * 0.25:12.2f}")
    print(f"bytes left by 20 and 200 cycles {memory_of(20):9d}{memory_of(200):9d}")
    print(f"OCV and 31-point EIS, 2400 cells{maps_of_a_sheet():9.4f} s")


if __name__ == "__main__":
    main()
