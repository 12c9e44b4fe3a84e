"""Where materials are themselves: voltages against lithium, temperatures."""

from __future__ import annotations

import math
from collections.abc import Mapping

from devices.cycling.cells import CellSize

WINDOWS: Mapping[str, tuple[float, float]] = {"LiCoO2": (2.5, 4.55)}
"""V against lithium between which a cathode is itself: LiCoO2 leaves its layers above (Chen and Dahn 2002: a phase
change at 4.55 V) and takes no more lithium below (guess: far below its plateau at 3.9 V)."""

STABLE: Mapping[str, tuple[float, float]] = {"LiPON": (0.0, 5.0)}
"""V against lithium between which an electrolyte is stable: LiPON bears lithium, and 5 V (review of PVD cathodes,
2021)."""

NEAR = 1e-3
"""V by which a window may be left unsaid: a mean potential of an anode is not known better; guess."""

TEMPERATURES: Mapping[str, tuple[float, float]] = {"LiPON": (248.15, 373.15), "Li": (0.0, 453.65)}
"""K between which a material serves: cells with LiPON were cycled from -25 to 100 degC (Bates et al., Solid State
Ionics 135 (2000) 33); lithium melts (CRC Handbook)."""


def window_of(cell: CellSize) -> tuple[float, float]:
    """Return the voltages [V] of a cell at which its cathode is itself; all there are, where it is not known."""
    return against(cell, cell.window or WINDOWS.get((*cell.materials, "")[0]))


def against(cell: CellSize, window: tuple[float, float] | None) -> tuple[float, float]:
    """Return a window against lithium [V] as one against the cell's own anode."""
    low, high = window or (-math.inf, math.inf)
    return low - cell.anode, high - cell.anode


def emptied_below(cell: CellSize) -> float:
    """Return the voltage [V] below which a cell without an anode has no lithium to give; -inf for all others."""
    return window_of(cell)[0] - NEAR if cell.anodeless else -math.inf
