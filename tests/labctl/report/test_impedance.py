"""Spectra side by side: as rehearsed and as measured, at the ends of their range, and how far apart."""

from types import SimpleNamespace

import numpy as np
import pytest

from labctl.report import impedance
from labctl.runs.spectra import Spectrum, spectra_of

FREQUENCY = (1e4, 1e2, 1.0)


def spectrum(resistance):
    return Spectrum(FREQUENCY, tuple(resistance for _ in FREQUENCY), (0.0, 0.0, 0.0))


def item(predicted, measured, monkeypatch):
    monkeypatch.setattr(impedance, "spectra_of", lambda run: run)
    promise = None if predicted is None else SimpleNamespace(spectra=tuple(map(spectrum, predicted)))
    runs = (SimpleNamespace(run=[spectrum(each) for each in measured]),)
    return SimpleNamespace(sample="s", name="i", promise=promise, runs=runs)


def test_a_spectrum_stands_beside_the_one_that_was_rehearsed(monkeypatch):
    (row,) = impedance.rows_of(item((100.0,), (125.0,), monkeypatch))
    assert len(row) == len(impedance.HEADER)
    assert [row[4], row[5], row[7], row[8], row[9]] == ["100 ohm", "125 ohm", "100 ohm", "125 ohm", "20.0%"]


@pytest.mark.parametrize(("predicted", "measured"), [(None, (125.0,)), ((100.0,), ())])
def test_a_spectrum_that_is_alone_is_told_alone(predicted, measured, monkeypatch):
    (row,) = impedance.rows_of(item(predicted, measured, monkeypatch))
    assert (bool(row[4]), bool(row[5]), row[9]) == (predicted is not None, bool(measured), "")


def test_spectra_of_a_run_come_in_their_order():
    table = {
        "spectrum": np.array([1, 1, 2]),
        "frequency": np.array([10.0, 1.0, 10.0]),
        "z_real": np.array([5.0, 6.0, 7.0]),
        "z_imag": np.array([-1.0, -2.0, -3.0]),
    }
    run = SimpleNamespace(streams=["impedance"], table=lambda name: table)
    assert list(spectra_of(run)) == [
        Spectrum((10.0, 1.0), (5.0, 6.0), (-1.0, -2.0)),
        Spectrum((10.0,), (7.0,), (-3.0,)),
    ]
