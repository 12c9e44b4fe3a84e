"""Impedance spectra, as they were rehearsed on the model and as they were measured."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np

from labctl.report.gathering import ItemTold
from labctl.report.sections import Row
from labctl.report.words import number
from labctl.runs.spectra import Spectrum, spectra_of

HEADER = (
    "sample", "item", "spectrum", "from", "|Z|, predicted", "|Z|, measured", "to", "|Z|, predicted", "|Z|, measured",
    "apart, rms",
)  # fmt: skip

SAME = 1e-3
"""By how much of itself a frequency may be off and be the same: instruments round theirs; guess."""


def rows_of(item: ItemTold) -> Iterator[Row]:
    """Yield the spectra of an item, predicted and measured, in the order in which both came."""
    measured = [spectrum for told in item.runs if told.run is not None for spectrum in spectra_of(told.run)]
    predicted = () if item.promise is None else item.promise.spectra
    for count, (said, seen) in enumerate(zip_longest(predicted, measured), 1):
        known = seen or said
        assert known is not None
        high, low = max(known.frequency), min(known.frequency)
        yield (
            item.sample, item.name, str(count), number(high, "Hz"), _at(said, high), _at(seen, high), number(low, "Hz"),
            _at(said, low), _at(seen, low), _apart(said, seen),
        )  # fmt: skip


def _at(spectrum: Spectrum | None, frequency: float) -> str:
    """Return the magnitude at a frequency; nothing where the spectrum has none there."""
    if spectrum is None:
        return ""
    impedance = _by_frequency(spectrum)
    nearest = min(impedance, key=lambda each: abs(each - frequency))
    return number(abs(impedance[nearest]), "ohm") if abs(nearest - frequency) <= SAME * frequency else ""


def _apart(said: Spectrum | None, seen: Spectrum | None) -> str:
    """Return how far two spectra are apart, relative to the measured one, over the frequencies of both."""
    if said is None or seen is None:
        return ""
    expected, found = _by_frequency(said), _by_frequency(seen)
    off = [
        abs(found[each] - expected[there]) / abs(found[each])
        for each in found
        for there in expected
        if abs(there - each) <= SAME * each
    ]
    return f"{float(np.sqrt(np.mean(np.square(off)))):.1%}" if off else ""


def _by_frequency(spectrum: Spectrum) -> dict[float, complex]:
    values = zip(spectrum.frequency, spectrum.z_real, spectrum.z_imag, strict=True)
    return {frequency: complex(real, imaginary) for frequency, real, imaginary in values}
