"""What a formula weighs, and how much charge its lithium is per volume."""

from __future__ import annotations

import re
from collections.abc import Mapping

FARADAY = 96485.33212
"""C/mol, CODATA."""

MASSES: Mapping[str, float] = {
    "H": 1.008, "Li": 6.94, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Mg": 24.305,
    "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06, "Cl": 35.45, "Ti": 47.867, "V": 50.942, "Cr": 51.996,
    "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546, "Zn": 65.38, "Ge": 72.63, "Zr": 91.224,
    "Nb": 92.906, "Mo": 95.95, "Ag": 107.868, "Sn": 118.71, "I": 126.904, "La": 138.905, "Ta": 180.948,
    "W": 183.84, "Pt": 195.084, "Bi": 208.98,
}  # fmt: skip
"""g/mol, standard atomic weights [IUPAC 2021, abridged]."""

_PART = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d+)?|\.\d+)?")


def molar_mass(formula: str) -> float:
    """Return what a formula without parentheses weighs [kg/mol], as LiNi0.5Mn1.5O4. Raises ValueError."""
    parts = list(_PART.finditer(formula))
    if not formula or "".join(part[0] for part in parts) != formula:
        raise ValueError("must be elements with their amounts, without parentheses, such as LiNi0.5Mn1.5O4")
    if unknown := {part[1] for part in parts} - MASSES.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: no element that is known here")
    return sum(MASSES[part[1]] * float(part[2] or 1.0) for part in parts) / 1e3


def charge_density(formula: str, density: float, lithium: float) -> float:
    """Return the charge [C/m3] of some lithium per formula in a substance of a density [kg/m3]."""
    return lithium * FARADAY / molar_mass(formula) * density
