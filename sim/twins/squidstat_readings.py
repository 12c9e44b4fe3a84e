"""What the converter makes of a stretch: rows with noise and quantisation, drawn once per row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from sim.twins.squidstat_elements import Accuracy, Element, Floats
from sim.twins.squidstat_solver import Solved, Spectrum

TIME_DIGITS = 6
"""The instrument's timestamps are whole microseconds; guess."""


class DcReading(NamedTuple):
    """One row: seconds since the experiment began, V, A, degC."""

    time: float
    voltage: float
    current: float
    temperature: float

    def without_values(self) -> DcReading:
        """Return the row of a reading that failed."""
        return self._replace(voltage=math.nan, current=math.nan)


class AcReading(NamedTuple):
    """One frequency: seconds since the experiment began, Hz, ohm, ohm, periods, mean V and A, peaks of the sine in
    A and V, harmonics as a part of it."""

    time: float
    frequency: float
    real: float
    imaginary: float
    periods: float
    voltage: float
    current: float
    current_peak: float
    voltage_peak: float
    distortion: float

    def without_values(self) -> AcReading:
        """Return the row of a reading that failed."""
        return self._replace(real=math.nan, imaginary=math.nan)


@dataclass(frozen=True)
class Readings:
    """The rows of a stretch: when each is due in the bench's seconds, and its columns."""

    due: Sequence[float]
    columns: tuple[Floats, ...]
    make: Callable[..., Any]

    def between(self, first: int, last: int) -> Iterator[Any]:
        """Return the readings from `first` up to, not including, `last`."""
        columns = [column[first:last].tolist() for column in self.columns]
        return map(self.make, *columns)

    def with_first_later(self, seconds: float) -> Readings:
        """Return them with the first row taken so much later."""
        time = self.columns[0].copy()
        time[0] += seconds
        return replace(self, due=[self.due[0] + seconds, *self.due[1:]], columns=(time, *self.columns[1:]))


def read(
    solved: Solved, start: float, began: float, element: Element, accuracy: Accuracy, random: Generator
) -> Readings:
    """Return what the converter makes of a stretch that starts at `start` [s], of an experiment since `began`."""
    due = (start + solved.time).tolist()
    time = np.round(start - began + solved.time, TIME_DIGITS)
    noise = random.standard_normal((len(time), 3))
    if solved.spectrum is not None:
        return Readings(due, (time, *_spectrum(solved, solved.spectrum, accuracy, noise)), AcReading)
    expected = element.expected_current
    currents = solved.current if math.isinf(expected) else np.full(len(time), expected)
    full = accuracy.ranges_for(currents)
    steps = 2.0 ** (1 - accuracy.bits)
    volt, ampere = accuracy.voltage_range * steps, full * steps
    current = np.clip(solved.current + accuracy.current_noise * full * noise[:, 1], -1.1 * full, 1.1 * full)
    columns = (
        time,
        np.round((solved.voltage + accuracy.voltage_noise * noise[:, 0]) / volt) * volt,
        np.round(current / ampere) * ampere,
        accuracy.ambient + accuracy.ambient_noise * noise[:, 2],
    )
    return Readings(due, columns, DcReading)


def _spectrum(solved: Solved, spectrum: Spectrum, accuracy: Accuracy, noise: Floats) -> tuple[Floats, ...]:
    size = np.abs(spectrum.impedance) * accuracy.impedance_noise / math.sqrt(2.0)
    return (
        spectrum.frequency,
        spectrum.impedance.real + size * noise[:, 0],
        spectrum.impedance.imag + size * noise[:, 1],
        spectrum.periods,
        solved.voltage,
        solved.current,
        spectrum.current_peak,
        spectrum.voltage_peak,
        np.abs(accuracy.distortion * noise[:, 2]),
    )


def idle_reading(voltage: float, time: float, accuracy: Accuracy, seed: tuple[int, int]) -> DcReading:
    """Return an idle sample; its noise hangs on its time alone, so that idle samples change no later row."""
    noise = np.random.default_rng((*seed, round(time * 1e3))).standard_normal(2)
    volt = accuracy.voltage_range * 2.0 ** (1 - accuracy.bits)
    read_out = round((voltage + accuracy.voltage_noise * float(noise[0])) / volt) * volt
    return DcReading(time, read_out, 0.0, accuracy.ambient + accuracy.ambient_noise * float(noise[1]))
