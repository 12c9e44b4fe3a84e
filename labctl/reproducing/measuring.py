"""What a run gives for a row: read from its documents and what is derived from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import DataError
from devices.samples import SampleRef
from labctl.analysis.cycles import branches, capacities
from labctl.derived.store import derive
from labctl.energy_density import StackOfLayers, of_sample
from labctl.materials.library import Library
from labctl.replay import replay
from labctl.reproducing.rows import DEGREES, MILLIAMPERE_HOURS, PER_AREA, SHARE, VOLTS, WATT_HOURS, Unit
from labctl.runs.run import Run
from labctl.singulation import sort_sheet

BIN = 10e-3
"""V, of the voltages among which the one is looked for at which most charge passes; a guess."""


@dataclass(frozen=True)
class Seen:
    """Runs of an experiment that came to their ends, with its sample, where they are kept, and the library.

    voltage [V], None for the mean of the cathode's, and utilisation [1]: by which an energy density is calculated.
    """

    runs: tuple[Run, ...]
    sample: SampleRef
    data: Path
    library: Library
    voltage: float | None = None
    utilisation: float = 1.0

    def of(self, purpose: str) -> Run:
        """Return the run with a purpose. Raises DataError where there is none."""
        found = next((run for run in self.runs if run.start.get("purpose") == purpose), None)
        if found is None:
            raise DataError(f"no {purpose} run")
        return found

    @property
    def last(self) -> Run:
        """The run in which the experiment came to its end."""
        return self.runs[-1]

    @property
    def area(self) -> float:
        """The area of its cell [m2], of all layers in parallel."""
        return self.sample.area * self.sample.parallel

    def cycles(self) -> Mapping[str, Any]:
        """Return the cycle table."""
        return self._derived("cycle_table")

    def layers(self) -> Mapping[str, Any]:
        """Return what is derived of layers in parallel."""
        return self._derived("stack_layers")

    def stack(self) -> StackOfLayers:
        """Return its layers with what their cathode gives."""
        return of_sample(self.sample, self.library)

    def _derived(self, kind: str) -> Mapping[str, Any]:
        (made,) = derive(self.data, [self.of("cycle")], [kind])
        return Run(made.uid, self.data).table()


def plateau(run: Run) -> float:
    """Return the voltage [V] at which most charge passes, the middle of charge and discharge of the slowest cycle.

    The last cycle at the lowest current counts. Raises DataError for a run without a whole cycle.
    """
    rows = run.table()
    cycle, current, charge = rows["cycle"], rows["current"], rows["charge"]
    cycles = [each for each in capacities(cycle, current, charge) if each.discharge_capacity > 0.0]
    if not cycles:
        raise DataError(f"run {run.uid[:8]} has no cycle")
    slowest = min(each.discharge_current for each in cycles)
    number = [each.cycle for each in cycles if each.discharge_current <= 1.02 * slowest][-1]
    halves = branches(cycle, current, charge, rows["voltage"], number)
    found = [_busiest(passed, voltage) for passed, voltage in halves if len(passed) > 1]
    if len(found) != 2:
        raise DataError(f"cycle {number} of run {run.uid[:8]} is not a charge and a discharge")
    return float(np.mean(found))


def _busiest(passed: Any, voltage: Any) -> float:
    """Return the voltage [V] at which most charge passed, rows a straight line apart."""
    even = np.linspace(passed[0], passed[-1], 5000)
    order = np.argsort(passed)
    voltages = np.interp(np.sort(even), np.asarray(passed)[order], np.asarray(voltage)[order])
    edges = np.arange(voltages.min() - BIN, voltages.max() + 2 * BIN, BIN)
    counts, _ = np.histogram(voltages, edges)
    most = int(np.argmax(counts))
    return float(edges[most] + 0.5 * BIN)


def _surface_peak(seen: Seen) -> float:
    return float(replay(seen.of("anneal")).result.surface_peak)


def _foil_peak(seen: Seen) -> float:
    return float(replay(seen.of("anneal")).result.foil_peak)


def _mean_voltage(seen: Seen) -> float:
    return float(seen.cycles()["discharge_voltage"][0])


def _calculated_energy_density(seen: Seen) -> float:
    stack = seen.stack()
    return replace(stack, voltage=seen.voltage or stack.voltage, utilisation=seen.utilisation).energy_density


def _full_energy_density(seen: Seen) -> float:
    return replace(seen.stack(), voltage=_mean_voltage(seen)).energy_density


def _energy_density(seen: Seen) -> float:
    return float(seen.cycles()["discharge_energy"][0]) * 3600.0 / seen.area / seen.stack().thickness


def _first_capacity(seen: Seen) -> float:
    return float(seen.cycles()["discharge_capacity"][0]) * 3600.0 / seen.area


def _retention(seen: Seen) -> float:
    given = seen.cycles()["discharge_capacity"]
    return float(given[-1] / given[0])


def _charged(seen: Seen) -> float:
    rows = seen.of("cycle").table()
    return float(np.ptp(rows["charge"])) * 3600.0


def _missing_layer(seen: Seen) -> float:
    return float(seen.layers()["missing"][-1])


def _yield(seen: Seen) -> float:
    return sort_sheet(seen.data, seen.of("map")).share_good


@dataclass(frozen=True)
class Measured:
    """How a quantity is called and shown, and how it is read."""

    says: str
    unit: Unit
    read: Callable[[Seen], float]


QUANTITIES: Mapping[str, Measured] = {
    "surface_peak": Measured("surface peak", DEGREES, _surface_peak),
    "foil_peak": Measured("peak of the foil", DEGREES, _foil_peak),
    "plateau": Measured("plateau", VOLTS, lambda seen: plateau(seen.of("cycle"))),
    "mean_voltage": Measured("mean voltage of the first discharge", VOLTS, _mean_voltage),
    "calculated_energy_density": Measured(
        "energy density, calculated", WATT_HOURS, _calculated_energy_density
    ),
    "full_energy_density": Measured("energy density, all used", WATT_HOURS, _full_energy_density),
    "energy_density": Measured("energy density", WATT_HOURS, _energy_density),
    "first_capacity": Measured("first discharge", PER_AREA, _first_capacity),
    "retention": Measured("last discharge of the first", SHARE, _retention),
    "charged": Measured("first charge", MILLIAMPERE_HOURS, _charged),
    "missing_layer": Measured("missing of one layer", SHARE, _missing_layer),
    "yield": Measured("yield", SHARE, _yield),
}
