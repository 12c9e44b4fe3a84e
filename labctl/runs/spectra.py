"""The impedance spectra of a run, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labctl.runs.run import Run


@dataclass(frozen=True)
class Spectrum:
    """One spectrum: frequency [Hz], impedance [ohm]."""

    frequency: tuple[float, ...]
    z_real: tuple[float, ...]
    z_imag: tuple[float, ...]


def spectra_of(run: Run) -> Iterator[Spectrum]:
    """Yield the spectra that a run measured."""
    if "impedance" not in run.streams:
        return
    table = run.table("impedance")
    if "spectrum" not in table:
        return
    for number in np.unique(table["spectrum"]):
        chosen = table["spectrum"] == number
        yield Spectrum(*(tuple(table[name][chosen].tolist()) for name in ("frequency", "z_real", "z_imag")))
