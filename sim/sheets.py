"""The world's side of a sheet of cells: how each truly is, what a formation pulse left in it, what a meter sees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Until, Voltage
from sim.physics.cell.data import CellParameters, CellState
from sim.physics.cell.sheet import Sheet, SheetSpectra, Variation, discharge_curve, make_sheet
from sim.physics.web import Web, thickness_map
from sim.under_lamp import FoilError

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Places = Sequence[tuple[int, int]]
"""Rows and columns of cells, from 0."""

SOURCE_RESISTANCE = 100.0
"""ohm through which a meter holds a voltage [E4980A data sheet]."""
CONTACT_NOISE = 1e-3
"""Of an impedance, rms, from one touch of a probe to the next; guess."""
VOLTAGE_NOISE = 1e-4
"""V rms; guess."""
GRID = 0.02
"""V between voltages at which a hold is reckoned exactly; between them x is known to 1e-4 (tested)."""
UNDEFINED_VOLTAGE = 0.3
"""V rms that a meter shows on a cell without lithium on its collector: nothing holds it; guess."""


@dataclass(frozen=True)
class SheetTruth:
    """How the cells of a sheet truly differ: drawn from a variation by a seed, on a web of a length [m] or on none.

    shorts and missing: cells by row and column, from 0, that are shorted, or not there, beside what chance has.
    """

    variation: Variation = field(default_factory=Variation)
    seed: int = 0
    web: Web | None = None
    web_length: float = 0.0
    shorts: Places = ()
    missing: Places = ()

    def sheet(self, rows: int, columns: int) -> Sheet:
        """Return the factors of every cell."""
        made = make_sheet(rows, columns, self.variation, self.seed)
        thickness, leak = made.thickness, made.leak.copy()
        if self.web is not None:
            random = np.random.default_rng((self.seed, 1))
            thickness = thickness * thickness_map(self.web, 1.0, self.web_length, (rows, columns), random)
        for place in self.shorts:
            leak[place] = max(leak[place], 1.0 / self.variation.short_resistance)
        return Sheet(thickness, made.electrolyte, made.diffusivity, made.exchange, leak)


@dataclass(frozen=True)
class OneOfSheet:
    """How one cell of a sheet differs from what its layers make it."""

    thickness: float
    electrolyte: float
    diffusivity: float
    exchange: float
    leak: float

    def of(self, parameters: CellParameters) -> CellParameters:
        """Return the cell that differs so."""
        leak = self.leak + 1.0 / parameters.leak_resistance
        return replace(
            parameters,
            edges=tuple(self.thickness * edge for edge in parameters.edges),
            diffusivity=tuple(self.diffusivity * each for each in parameters.diffusivity),
            cathode_exchange_current=parameters.cathode_exchange_current * self.exchange,
            electrolyte_resistance=parameters.electrolyte_resistance * self.electrolyte,
            electrolyte_capacitance=parameters.electrolyte_capacitance / self.electrolyte,
            leak_resistance=1.0 / leak if leak > 0.0 else math.inf,
        )


class SheetOfCells:
    """Every cell of a sheet at once. Times [s] are the bench's.

    Each is the nominal cell with factors of its own. A held voltage charges the nominal cell; from then on each leak
    empties its cell along the cell's own curve, which is read where a meter looks.
    """

    def __init__(self, nominal: Cell, truth: SheetTruth, shape: tuple[int, int]) -> None:
        self.nominal, self.truth, self.shape = nominal, truth, shape
        for row, column in (*truth.shorts, *truth.missing):
            if not (row < shape[0] and column < shape[1]):
                raise FoilError(
                    f"row {row + 1}, column {column + 1} is to differ, which the sheet does not have"
                )
        self.sheet = truth.sheet(*shape)
        self.missing = np.zeros(shape, dtype=bool)
        for place in truth.missing:
            self.missing[place] = True
        parameters = nominal.parameters
        self._leak = 1.0 / parameters.leak_resistance + self.sheet.leak
        self._sites = (
            float(np.sum(parameters.site_density * np.diff(parameters.edges))) * self.sheet.thickness
        )
        self._potentials, self._passed = discharge_curve(parameters, 4.6)
        fresh = float(parameters.ocp.potential(parameters.as_made_lithium))
        self._start = np.full(shape, self._passed_at(fresh))
        self._since = np.zeros(shape)
        self.formed = np.full(shape, parameters.anode_lithium > 0.0)
        self._known: dict[tuple[float, ...], Complexes] = {}
        self._spectra: SheetSpectra | None = None
        self._lithium = np.full(shape, parameters.as_made_lithium)
        self._behind: dict[int, Cell] = {}
        self._reached: dict[tuple[float, float, int], float] = {}

    def hold(self, places: Places, voltage: float, duration: float, now: float) -> None:
        """Let cells have been held together at a voltage [V] for a time [s] that ends now."""
        there = [place for place in places if not self.missing[place]]
        if not there or duration <= 0.0:
            return
        rows, columns = np.array(there).T
        area = self.nominal.parameters.area
        drawn = area * float(self._leak[rows, columns].sum())
        lithium = self._charged(voltage, voltage / (1.0 + SOURCE_RESISTANCE * drawn), duration, len(there))
        reached = float(self.nominal.parameters.ocp.potential(lithium))
        self._lithium[rows, columns], self._start[rows, columns] = lithium, self._passed_at(reached)
        self._since[rows, columns], self.formed[rows, columns] = now, True
        self._known.clear()

    def open_circuit(self, place: tuple[int, int], now: float) -> float:
        """Return the voltage [V] of a cell without a current; NaN where nothing holds one."""
        if self.missing[place] or not self.formed[place]:
            return math.nan
        passed = self._start[place] + (now - self._since[place]) * self._leak[place] / self._sites[place]
        return float(np.interp(passed, self._passed, self._potentials, right=0.0))

    def impedance(self, place: tuple[int, int], frequencies: Floats) -> Complexes:
        """Return the impedance [ohm] of a cell: infinite where it is missing, that of a condenser before formation."""
        if self.missing[place]:
            return np.full(len(frequencies), complex(math.inf, 0.0))
        asked = tuple(frequencies.tolist())
        if asked not in self._known:
            if self._spectra is None:
                self._spectra = SheetSpectra(self.nominal.parameters)
            self._known[asked] = self._spectra.impedance(self.sheet, self._lithium, frequencies)
        if self.formed[place]:
            return np.asarray(self._known[asked][place])
        parameters = self.nominal.parameters
        blocked = 1.0 / (2j * np.pi * frequencies * max(parameters.anode_capacitance, 1e-6))
        resistance = parameters.electrolyte_resistance * self.sheet.electrolyte[place]
        whole = resistance + blocked
        return np.asarray(whole / (1.0 + self._leak[place] * whole) / parameters.area)

    def one(self, place: tuple[int, int]) -> OneOfSheet:
        """Return how a cell differs."""
        return OneOfSheet(
            *(
                float(getattr(self.sheet, name)[place])
                for name in ("thickness", "electrolyte", "diffusivity", "exchange", "leak")
            )
        )

    def state_of(self, place: tuple[int, int], cell: Cell) -> CellState:
        """Return the state of a cell that is cut from the sheet, as its meter last would have seen it."""
        fresh, lithium = cell.fresh(), float(self._lithium[place])
        if not self.formed[place] or lithium == self.nominal.parameters.as_made_lithium:
            return fresh
        gone = (1.0 - lithium / self.nominal.parameters.as_made_lithium) * cell.site_charge
        return replace(
            fresh,
            lithium=(lithium,) * len(fresh.lithium),
            anode_lithium=fresh.anode_lithium + gone,
            charge=gone,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what happened to it as JSON values."""
        return {
            "start": self._start.tolist(),
            "since": self._since.tolist(),
            "formed": self.formed.tolist(),
            "lithium": self._lithium.tolist(),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as to_dict said."""
        self._start, self._since = np.array(kept["start"]), np.array(kept["since"])
        self.formed = np.array(kept["formed"], dtype=bool)
        # One number for all cells is what a sheet kept before each had its own.
        self._lithium = np.broadcast_to(kept["lithium"], self.shape).astype(np.float64)

    def _charged(self, asked: float, voltage: float, duration: float, together: int) -> float:
        """Return x [-] of the nominal cell after it was held, as one of many behind one source.

        Exact at the voltage [V] that was asked for; at a lower one, as leaks leave it, a cubic through exact ones.
        """
        below = (asked - voltage) / GRID
        first = max(min(int(below) - 1, int(asked / GRID) - 3), 0)
        at = range(first, first + 4)
        weights = [
            math.prod((below - other) / (node - other) for other in at if other != node) for node in at
        ]
        return sum(
            weight * self._held(asked - node * GRID, duration, together)
            for weight, node in zip(weights, at, strict=True)
            if weight
        )

    def _held(self, voltage: float, duration: float, together: int) -> float:
        """Return x [-] after a voltage [V] was there for a time [s], for so many cells at once."""
        asked = voltage, duration, together
        if asked not in self._reached:
            if together not in self._behind:
                parameters = self.nominal.parameters
                shared = SOURCE_RESISTANCE * together * parameters.area
                behind = replace(parameters, contact_resistance=parameters.contact_resistance + shared)
                self._behind[together] = Cell(behind)
            cell = self._behind[together]
            held = cell.step(cell.fresh(), Voltage(voltage), Until(duration=duration)).state
            widths = np.diff(cell.parameters.edges) * cell.parameters.site_density
            self._reached[asked] = float(np.average(held.lithium, weights=widths))
        return self._reached[asked]

    def _passed_at(self, voltage: float) -> float:
        """Return where on the curve of a discharge a voltage [V] lies."""
        return float(np.interp(-voltage, -self._potentials, self._passed))
